"""A library says how likely a distance is a match, and every command draws the line at the same place."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.library import Library
from indexer.matching.identification import identify_label
from indexer.matching.identity import verify_label
from indexer.models.card import read_card, read_json, serialise_card
from indexer.models.installation import install_model, parse_model_choice
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.search.query import Query
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import calibrate_from_labels, calibrate_from_photos
from indexer.statistics.detailed_metrics import compute_roc
from indexer.statistics.metrics import measure_pair_distances
from tests.support.embedders import tiny_card
from tests.support.labelled_points import draw_classes
from tests.support.vectors import fill, give_labels


def test_every_command_takes_a_pair_at_the_edge_for_a_stranger(tmp_path: Path) -> None:
    signs = np.array([[(-1) ** (a & b).bit_count() for a in range(64)] for b in range(1, 9)])  # Walsh's functions
    codes = np.repeat(np.arange(8), 8)
    vectors = np.zeros((64, 192), np.float16)
    vectors[:, :64] = signs[codes] / 8  # exactly representable, and 2 are exactly sqrt(2) apart
    fill(tmp_path / "x.library", vectors)
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        assert library.verify_pair(1, 9, max_fmr=0.2).distance == pytest.approx(math.sqrt(2), abs=1e-12)
        assert library.verify_pair(1, 9, max_fmr=0.2).verdict != "same"
        assert library.verify_pair(1, 2, max_fmr=0.2).verdict == "same"
        for edge in (library.find_max_distance(0.2), np.nextafter(math.sqrt(2), 0)):
            hits = library.search(Query((1,)), k=64, max_distance=edge).hits
            assert {hit.photo.label for hit in hits} == {"class 0"}
        assert len(library.search(Query((1,)), k=64, max_distance=1.4143).hits) == 64
        library.annotations.set_label([1], "class 1")  # as if it were one: its own are out of reach
        assert identify_label(library, 1, max_fmr=0.2).label == "class 0"
        assert verify_label(library, 1, "class 2", max_fmr=0.2).verdict != "same"
        points = compute_roc(measure_pair_distances(vectors, codes))
        assert all(point.fmr == 0 for point in points if point.distance <= math.sqrt(2) - 1e-6)
        assert points[-1].fmr == 1


def test_search_keeps_below_the_cutoff_what_verify_calls_the_same(tmp_path: Path) -> None:
    _vectors, codes = fill_classes(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        known, edge = library.load_calibration(), library.search(Query((1,)), k=20).hits[10].distance
        tied = tuple(cut._replace(distance=edge) for cut in known.cutoffs)  # one hit lies exactly at the cut-off
        library.calibration_source._calibration = replace(known, cutoffs=tied)
        assert (
            library.calibration_source.get_calibration(library.model_fingerprint, library.model_id)
            .choose_cutoff(0.05)
            .distance
            == edge
        )
        kept = library.search(Query((1,)), k=120, max_distance=library.find_max_distance(0.05)).hits
        same = [photo for photo in range(1, 121) if library.verify_pair(1, photo, max_fmr=0.05).verdict == "same"]
        assert sorted(hit.photo.id for hit in kept) == same
        assert len(kept) == 10


def with_model(folder: Path, seen: NDArray[np.uint8] | None = None, **card: object) -> None:
    """A model folder that says what the model was trained on, and what else its card says."""
    place = folder / "models" / tiny_card().fingerprint
    place.mkdir(parents=True)
    save_file({"seen": np.zeros((0, 32), np.uint8) if seen is None else seen}, place / "model.safetensors")
    (place / "model.json").write_text(json.dumps(card))


def fill_classes(folder: Path, **card: object) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A library of 6 classes of 20 photos, without labels; their embeddings and label codes."""
    vectors, codes = draw_classes(6, 20)
    fill(folder, vectors.astype(np.float16))
    with_model(folder, None, **card)
    return vectors, codes


def test_hits_carry_the_probability_of_labels_and_without_labels_the_rarity(tmp_path: Path) -> None:
    _vectors, codes = fill_classes(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        hits = library.search(Query((1,)), k=30).hits
        assert hits[0].probability == 1  # the photo itself
        assert all(hit.probability is None and hit.rarity for hit in hits[1:])
        rarities = [hit.rarity or 0 for hit in hits]
        assert rarities == sorted(rarities, reverse=True)
        give_labels(library, codes)
        hits = library.search(Query((1,)), k=30).hits
        assert [hit.probability for hit in hits] == [
            library.load_calibration().interpret_distance(hit.distance)[0] for hit in hits
        ]
        assert all(hit.rarity is None for hit in hits)
        assert library.find_max_distance(0.05) == np.nextafter(
            library.load_calibration().choose_cutoff(0.05).distance, 0
        )


def test_what_the_model_has_seen_calibrates_nothing(tmp_path: Path) -> None:
    vectors, codes = draw_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    seen = [content_hash(str(number).encode()) for number in np.flatnonzero(codes < 3)]
    with_model(tmp_path / "x.library", np.frombuffer(b"".join(seen), np.uint8).reshape(-1, 32))
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        known = library.load_calibration()
        assert (known.source, known.classes, known.photos) == ("labels", 3, 60)
        library.annotations.set_label(range(1, 121), None)
        known = library.load_calibration()
        assert (known.source, known.photos, known.mismatched) == ("photos", 60, 60 * 59 // 2)
        drawn = library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id)
        assert not set(drawn.ids.tolist()) & set((np.flatnonzero(codes < 3) + 1).tolist())


def test_checkpoints_own_figures_are_used_where_labels_are_missing(tmp_path: Path) -> None:
    given = calibrate_from_labels(*draw_classes(6, 20, seed=1), source="checkpoint")
    _vectors, codes = fill_classes(tmp_path / "x.library", calibration=given.fields())
    with Library.open(tmp_path / "x.library") as library:
        assert library.load_calibration() == given
        give_labels(library, codes)
        assert library.load_calibration().source == "labels"


@pytest.mark.long
def test_checkpoints_calibration_is_installed_with_it(installed_model: Path, tmp_path: Path) -> None:
    given = calibrate_from_labels(*draw_classes(6, 20), source="checkpoint")
    checkpoint = Path(shutil.copytree(installed_model, tmp_path / "checkpoint"))
    (checkpoint / "model.json").write_bytes(serialise_card(read_card(checkpoint), given.fields()))
    card = drain(install_model(parse_model_choice(str(checkpoint), None), tmp_path / "models"))
    assert card == read_card(checkpoint)
    installed = read_json(tmp_path / "models" / card.fingerprint / "model.json")
    assert Calibration.from_fields(installed["calibration"]) == given


def test_calibration_is_measured_once_and_again_when_labels_change(tmp_path: Path) -> None:
    _vectors, codes = fill_classes(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        first = library.load_calibration()
        assert library.load_calibration() is first
        kept = library.store.models.read_setting("calibration")
        library.store.models.set_setting("something", 1)
        assert library.load_calibration() == first
    with Library.open(tmp_path / "x.library") as again:
        assert again.load_calibration() == first
        assert again.store.models.read_setting("calibration") == kept
        again.annotations.set_label([1], "class 5")
        assert again.load_calibration() != first


def test_verify_compares_pictures_by_their_exact_distance(tmp_path: Path) -> None:
    vectors, codes = fill_classes(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        stored = vectors.astype(np.float16).astype(float)
        for other in (1, 2, 30, 100):
            found = library.verify_pair(1, other, max_fmr=0.05)
            assert found.distance == pytest.approx(math.dist(stored[0], stored[other - 1]), abs=1e-12)
            assert found == library.load_calibration().judge_distance(found.distance, 0.05)
        assert library.verify_pair(1, 1).verdict == "same"


@pytest.mark.parametrize("labelled", [True, False])
def test_same_content_is_the_same_with_certainty_whatever_was_measured(labelled: bool) -> None:
    vectors, codes = np.random.default_rng(0).standard_normal((40, 8)), np.repeat(np.arange(10), 4)
    known = calibrate_from_labels(vectors, codes) if labelled else calibrate_from_photos(vectors)
    assert known.judge_distance(0.0).probability == 1
    assert known.judge_distance(0.0).verdict == "same"
    assert known.interpret_distance(1e-3).probability != 1
