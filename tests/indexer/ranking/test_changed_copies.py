"""A changed picture finds the photo it was made from; what lies on a picture is told from what looks like it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.ranking.changed_copies import (
    QUERY_SIDE,
    QUERY_VIEWS,
    find_view_candidates,
    search_changed_copies,
    trim_border,
)
from indexer.ranking.cross_correlation import compute_max_correlation, measure_overlaps
from indexer.search.examples import read_example_picture
from indexer.search.query import CroppedExample
from tests.support.commands import Tell
from tests.support.embedders import Tiny
from tests.support.soft_pictures import soft


def crop_part(picture: Image.Image, share: float = 0.6) -> Image.Image:
    width, height = round(share * picture.width), round(share * picture.height)
    return picture.crop((10, 5, 10 + width, 5 + height))


def add_frame(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, (60, 20, 10, 50), fill=(20, 60, 200))


# correlation of pictures


def correlate_by_loop(part: np.ndarray, field: np.ndarray) -> float:
    """The greatest correlation coefficient of the part with any place of the field, place by place."""
    height, width = part.shape
    return max(
        float(np.corrcoef(part.ravel(), field[y : y + height, x : x + width].ravel())[0, 1])
        for y in range(field.shape[0] - height + 1)
        for x in range(field.shape[1] - width + 1)
    )


def test_correlation_is_that_of_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    fields = random.uniform(0, 255, (3, 20, 24))
    part = fields[1, 5:14, 3:15] + random.normal(0, 60, (9, 12))
    expected = [correlate_by_loop(part, field) for field in fields]
    assert compute_max_correlation(part, fields) == pytest.approx(expected, abs=0.01)  # GREY_NOISE in the denominator


def test_a_copy_and_a_part_lie_on_their_picture_and_nothing_else_does() -> None:
    pictures = [soft(seed) for seed in range(6)]
    for changed in (pictures[2], crop_part(pictures[2]), pictures[2].point(lambda level: level // 2)):
        overlaps = measure_overlaps(changed, pictures)
        assert overlaps[2] > 0.9
        assert np.delete(overlaps, 2).max() < 0.8


def test_shapes_do_not_matter_to_others() -> None:
    pictures = [soft(0), soft(1, (90, 200)), soft(2, (50, 50))]
    overlaps = [measure_overlaps(soft(1, (90, 200)), [picture])[0] for picture in pictures]
    assert measure_overlaps(soft(1, (90, 200)), pictures) == pytest.approx(overlaps)
    assert np.argmax(overlaps) == 1
    assert len(measure_overlaps(soft(0), [])) == 0


# searching


class TinyLibrary(Library):
    """A library whose model needs no installation."""

    def load_embedder(self) -> Any:
        return Tiny()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Forty pictures: ask about them, never change them."""
    place = tmp_path_factory.mktemp("soft")
    (place / "photos").mkdir()
    for seed in range(40):
        soft(seed).save(place / "photos" / f"{seed}.png")
    with TinyLibrary.create(place / "x.library") as library:
        drain(index_library(library, [place / "photos"], Tiny()))
        yield library


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "framed": add_frame,
    "grey": lambda picture: picture.convert("L"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_pictures_find_their_original(filled: Library, change: str) -> None:
    for seed in range(0, 40, 8):
        result = search_changed_copies(filled, CHANGES[change](soft(seed)), k=3)
        assert [hit.rank for hit in result.hits] == [1, 2, 3]
        assert os.fsdecode(result.hits[0].photo.path).endswith(f"/{seed}.png")


def test_candidates_are_nearest_by_any_view_and_a_photo_finds_itself_at_zero(filled: Library) -> None:
    ids = filled.find_photo_ids().tolist()
    result = find_view_candidates(filled, ids[7], k=40)
    assert (result.hits[0].photo.id, result.hits[0].distance) == (ids[7], 0)
    picture = read_example_picture(ids[7], filled.store, QUERY_SIDE)
    queries = [filled.embed_example(ids[7]), *(filled.embed_example(view(picture)) for view in QUERY_VIEWS.values())]
    for hit in result.hits:
        least = min(float(np.linalg.norm(filled.embed_example(hit.photo.id) - query)) for query in queries)
        assert hit.distance == pytest.approx(least, abs=1e-6)
    assert search_changed_copies(filled, ids[7]).hits[0].photo.id == ids[7]


def test_a_part_of_a_file_is_an_example_too(filled: Library, tmp_path: Path) -> None:
    add_frame(soft(5)).save(tmp_path / "framed.png")
    box = (60.0, 20.0, 200.0, 150.0)
    (hit,) = search_changed_copies(filled, CroppedExample(tmp_path / "framed.png", box), k=1).hits
    assert os.fsdecode(hit.photo.path).endswith("/5.png")
    with pytest.raises(LookalikeError, match="There is no file"):
        search_changed_copies(filled, tmp_path / "none.png")


def test_command_finds_the_original_and_takes_one_picture_only(
    home: Path, prepared: Any, tmp_path: Path, tell: Tell
) -> None:
    original = prepared.photos / "a" / "0003.png"
    with Image.open(original) as image:
        add_frame(ImageOps.mirror(image.convert("RGB"))).save(tmp_path / "changed.png")
    completed = tell(home, "search", tmp_path / "changed.png", "--near-copies", "-k", "3", "--json")
    assert [hit["rank"] for hit in completed.result()["hits"]] == [1, 2, 3]
    assert completed.result()["hits"][0]["path"] == str(original)
    for more in (["--exact"], ["--not", original], [original]):
        completed = tell(home, "search", tmp_path / "changed.png", *more, "--near-copies")
        assert (completed.code, len(completed.err.splitlines())) == (2, 1), completed


def test_a_photo_whose_file_is_gone_or_unreadable_is_a_sentence(filled: Library) -> None:
    photo = int(filled.find_photo_ids()[0])
    path = Path(os.fsdecode(filled.load_photos([photo])[0].path))
    path.unlink()
    with pytest.raises(LookalikeError, match=f"There is no file {path}"):
        search_changed_copies(filled, photo)
    drain(index_library(filled, [], Tiny()))
    with pytest.raises(LookalikeError, match="no longer in the library"):
        search_changed_copies(filled, photo)


def test_trimming_takes_a_plain_border_and_leaves_the_rest() -> None:
    assert trim_border(add_frame(soft(1))).size == soft(1).size
    plain = Image.new("RGB", (40, 30), (9, 9, 9))
    assert trim_border(plain).size == (40, 30)
