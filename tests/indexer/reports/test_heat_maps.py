"""A heat map shows where two pictures match: by hand, by a loop, and on an object planted in photographs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.commands.library_views import _describe_hottest_place
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.models import model, network
from indexer.models.card import Head
from indexer.models.framing import SquareBox
from indexer.reports.heat_maps import _apply_head, _read_head, compute_heat_maps, explain_match, overlay_heat
from tests.benchmarks.bench_explain import find_peak_hits
from tests.support.planted import planted_pairs


def by_loop(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The heat of the first map, place by place."""
    one, other = (values - values.mean(axis=(1, 2), keepdims=True) for values in (first, second))
    heat = [
        max(0.0, *(float(np.dot(one[:, y, x], other[:, v, u])) for v, u in np.ndindex(*second.shape[1:])))
        for y, x in np.ndindex(*first.shape[1:])
    ]
    return np.array(heat).reshape(first.shape[1:]) / max(heat)


def test_heats_are_what_a_plain_loop_finds() -> None:
    random = np.random.default_rng(0)
    first, second = random.standard_normal((6, 3, 4)), random.standard_normal((6, 5, 2))
    heat, other = compute_heat_maps(first, second)
    assert (heat.shape, other.shape) == ((3, 4), (5, 2))
    assert heat.dtype == other.dtype == np.float32
    assert np.allclose(heat, by_loop(first, second), atol=1e-6)
    assert np.allclose(other, by_loop(second, first), atol=1e-6)
    assert heat.max() == other.max() == 1


def test_only_marked_places_are_compared() -> None:
    random = np.random.default_rng(1)
    first, second = random.standard_normal((6, 5, 4)), random.standard_normal((6, 3, 3))
    places = np.zeros((5, 4), bool)
    places[1:4] = True
    heat, other = compute_heat_maps(first, second, places, np.ones((3, 3), bool))
    inner, seen = compute_heat_maps(first[:, 1:4], second)
    assert np.array_equal(heat[1:4], inner)
    assert not heat[[0, 4]].any()
    assert np.array_equal(other, seen)


def test_the_one_thing_two_pictures_share_is_hot_in_both_and_nothing_else() -> None:
    first, second = np.zeros((3, 4, 4)), np.zeros((3, 4, 4))
    first[0, 1, 2] = second[0, 3, 0] = 5  # shared
    first[1, 0, 0] = second[2, 2, 2] = 50  # larger, but in one of them only
    heat, other = compute_heat_maps(first, second)
    assert (heat[1, 2], other[3, 0]) == (1, 1)
    heat[1, 2] = other[3, 0] = 0
    assert max(heat.max(), other.max()) < 0.2


@pytest.mark.parametrize("blank", [np.zeros((3, 2, 2)), np.full((3, 2, 2), 0.1), np.full((3, 2, 2), np.nan)])
def test_a_picture_without_places_of_its_own_is_cold_everywhere(blank: np.ndarray) -> None:
    heat, other = compute_heat_maps(blank, np.random.default_rng(0).standard_normal((3, 2, 2)))
    assert not heat.any()
    assert not other.any()


def test_a_planted_object_is_the_hottest_place(installed_model: Path) -> None:
    pairs = planted_pairs(30)
    loaded = model.load_model(installed_model, runtime="query")
    maps = [loaded.compute_feature_maps(np.stack([pair.first.pixels, pair.second.pixels])) for pair in pairs]
    assert find_peak_hits(compute_heat_maps, maps, pairs).mean() >= 0.8
    strangers = maps[1:] + maps[:1]  # the same measure on pictures that share no object
    mixed = [np.stack([one[0], other[1]]) for one, other in zip(maps, strangers, strict=True)]
    assert find_peak_hits(compute_heat_maps, mixed, pairs).mean() < 0.7


def test_a_linear_head_is_seen_through(tmp_path: Path) -> None:
    """The mean over the places, each taken through the head, is the embedding: the heat is about what is compared."""
    built = network.create_network(size=64, head=Head(16))
    card = network.write_checkpoint(built, tmp_path / "trained", name="trained", source="test")
    weights = _read_head(tmp_path / "trained")
    assert weights.shape == (16, 1280)
    runner = network.make_runner(network.load_network(tmp_path / "trained"), "cpu")
    squares = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    seen = _apply_head(weights, runner.features(squares)[0])
    assert seen.shape == (card.dim, 2, 2)
    bias = built.head.bias.detach().numpy() if built.head is not None else 0
    vector = seen.mean(axis=(1, 2)) + bias
    assert np.allclose(vector / np.linalg.norm(vector), runner.embed(squares)[0], atol=1e-5)


def test_features_that_the_head_does_not_take_are_left_as_they_are() -> None:
    features = np.ones((5, 2, 2), np.float32)
    assert _apply_head(np.ones((3, 8), np.float32), features) is features


def test_the_overlay_is_dark_where_cold_and_light_where_hot() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 1
    shown = overlay_heat(Image.new("RGB", (64, 48), "grey"), heat)
    assert shown.size == (64, 48)
    grey = np.asarray(shown.convert("L"), np.float32)
    assert grey[4, 4] > 2 * grey[40, 60]


def test_pictures_are_those_the_model_saw(prepared: Any) -> None:
    with Library.open(prepared.home / "default.library") as library:
        found = explain_match(library, 1, 2)
        path = Path(bytes.decode(library.load_photos([2])[0].path))
        again = explain_match(library, 1, path)
    assert found.first.size == found.second.size == (224, 224)
    assert found.first_heat.shape == found.second_heat.shape == (7, 7)
    assert np.array_equal(np.asarray(found.second), np.asarray(again.second))
    assert np.array_equal(found.second_heat, again.second_heat)


def test_the_border_of_a_panorama_is_cold_and_its_square_lies_around_it(prepared: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 12, 3), dtype=np.uint8)
    wide = Image.fromarray(noise).resize((600, 200), Image.Resampling.NEAREST)
    with Library.open(prepared.home / "default.library") as library:
        found = explain_match(library, wide, wide.transpose(Image.Transpose.ROTATE_90))
    assert not found.first_heat[[0, 1, 5, 6]].any()
    assert not found.second_heat[:, [0, 1, 5, 6]].any()
    assert max(found.first_heat.max(), found.second_heat.max()) == 1
    assert found.first_square == pytest.approx((0, -74 / 75, 1, 224 / 75))
    assert found.second_square == pytest.approx((-74 / 75, 0, 224 / 75, 1))


def test_the_hottest_place_is_told_in_shares_of_the_picture() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[3, 6] = 1
    wide = SquareBox(0, -1, 1, 3)
    assert _describe_hottest_place(heat, wide) == "93% from the left and 50% from the top"
    heat[2, 6] = 2
    assert _describe_hottest_place(heat, wide) == "93% from the left and 7% from the top"


def test_a_photo_that_is_gone_is_a_sentence(prepared: Any) -> None:
    with Library.open(prepared.home / "default.library") as library, pytest.raises(LookalikeError, match="no longer"):
        explain_match(library, 1, 10_000)
