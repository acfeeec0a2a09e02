"""A query means what it says: weights weigh, crops are the part that was meant, with all the pixels there are."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexer.errors import LookalikeError, PhotoError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.decoding import DecodedPhoto, decode_photo
from indexer.progress import drain
from indexer.search import examples
from indexer.search.query import CropBox, CroppedExample, Query, QueryExample, combine_embeddings, convert_to_fractions
from tests.support.embedders import Tiny
from tests.support.trees import paint
from tests.support.vectors import clustered

SIDE = 400


def make_quilt(seed: int = 0) -> Image.Image:
    """400 x 200 pixels: two different squares side by side."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((SIDE, SIDE // 2), Image.Resampling.NEAREST)


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Library]:
    """Twelve small pictures, the quilt and each of its squares."""
    for number in range(12):
        paint(tmp_path / "photos" / f"{number:02d}.png", number + 100)
    make_quilt().save(tmp_path / "photos" / "quilt.png")
    make_quilt().crop((0, 0, 200, 200)).save(tmp_path / "photos" / "left.png")
    make_quilt().crop((200, 0, 400, 200)).save(tmp_path / "photos" / "right.png")
    with Library.create(tmp_path / "y.library") as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        library.load_embedder = Tiny  # type: ignore[assignment, method-assign]  # the model for queries from outside
        yield library


def find_best(library: Library, *positives: QueryExample) -> tuple[str, float]:
    """The name of the best hit, and its distance."""
    hit = library.search(Query(positives), k=1).hits[0]
    return Path(os.fsdecode(hit.photo.path)).name, hit.distance


def find_photo_named(library: Library, name: str) -> int:
    photos = library.load_photos(library.find_photo_ids().tolist())
    return next(photo.id for photo in photos if photo.path.endswith(name.encode()))


# weights


def test_weighted_positives_are_a_weighted_mean_by_hand() -> None:
    first, second = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    assert np.allclose(combine_embeddings([first, second], [], [3, 1]), np.array([3, 1]) / np.sqrt(10))
    assert np.allclose(combine_embeddings([first, second], [], ()), combine_embeddings([first, second], [], [2, 2]))
    minus = 0.75 * np.array([0.75, 0.25]) - 0.25 * np.array([0, 1])
    assert np.allclose(combine_embeddings([first, second], [second], [3, 1]), minus / np.linalg.norm(minus))


def test_heavier_picture_is_nearer_to_its_likes(pictures: Library, tmp_path: Path) -> None:
    left, right = tmp_path / "photos/left.png", tmp_path / "photos/right.png"
    for weights, name in (((5.0, 1.0), "left.png"), ((1.0, 5.0), "right.png")):
        hit = pictures.search(Query((left, right), weights=weights), k=1).hits[0]
        assert Path(os.fsdecode(hit.photo.path)).name == name


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0), (1.0, -2.0), (1.0, float("nan")), (1.0, float("inf"))])
def test_weights_that_weigh_nothing_are_a_sentence(weights: tuple[float, ...]) -> None:
    vectors = list(clustered(2).astype(np.float32))
    with pytest.raises(LookalikeError, match="weight"):
        combine_embeddings(vectors, [], weights)


# crops


@pytest.mark.parametrize("box", [(0, 0, 200, 200), (0, 0, 0.5, 1.0), (-30, -9, 230, 500)])
def test_crop_of_a_file_a_photo_and_a_bitmap_is_that_part(pictures: Library, tmp_path: Path, box: CropBox) -> None:
    whole_pictures: list[QueryExample] = [
        make_quilt(),
        tmp_path / "photos/quilt.png",
        find_photo_named(pictures, "quilt.png"),
    ]
    for picture in whole_pictures:
        name, distance = find_best(pictures, CroppedExample(picture, box))  # type: ignore[arg-type]  # none is cropped
        assert name == "left.png"
        assert distance < 0.25  # a bitmap is shrunk in one step, a file in two; others are about 1 away
    assert find_best(pictures, CroppedExample(make_quilt(), (200, 0, 200, 200)))[0] == "right.png"


def test_crop_is_meant_in_the_upright_picture(pictures: Library, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: to be turned a quarter clockwise
    make_quilt().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    name, distance = find_best(pictures, CroppedExample(tmp_path / "turned.png", (200, 0, 200, 200)))
    assert (name, distance < 0.25) == ("right.png", True)


def test_small_part_of_a_large_photo_is_decoded_with_all_its_pixels(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1600, 2400, 3), dtype=np.uint8))
    data = io.BytesIO()
    noise.save(data, "PNG")
    cropped = CroppedExample(1, (1000, 700, 40, 60))
    assert min(decode_photo(data.getvalue(), 32).image.size) < 80  # as a search for the whole decodes it
    cropped_picture = examples.crop_picture(examples.decode_for_crop(data.getvalue(), cropped, 32), cropped)
    assert cropped_picture.size == (40, 60)
    assert np.array_equal(np.asarray(cropped_picture), np.asarray(noise)[700:760, 1000:1040])


def test_part_of_a_part_of_the_original_is_no_larger_than_needed() -> None:
    data = io.BytesIO()
    Image.new("RGB", (3000, 2000)).save(data, "PNG")
    decoded = examples.decode_for_crop(data.getvalue(), CroppedExample(1, (0, 0, 1500, 1000)), 50)
    assert 100 <= min(decoded.image.size) < 200


def test_crop_of_a_picture_too_large_to_be_decoded_in_full_is_answered() -> None:
    data = io.BytesIO()
    Image.new("L", (11_000, 12_000)).save(data, "PNG")  # 132 megapixels: more than may be left of one
    with pytest.raises(PhotoError, match="too large"):
        decode_photo(data.getvalue(), 11_000)
    cropped = CroppedExample(1, (0, 0, 100, 100))
    assert examples.crop_picture(examples.decode_for_crop(data.getvalue(), cropped, 90), cropped).size == (50, 50)


@given(
    st.tuples(*[st.floats(-3, 3) | st.floats(-5000, 5000)] * 4),
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.floats(0.01, 1),
)
def test_crop_lies_within_the_picture_or_is_a_sentence(box: CropBox, width: int, height: int, scale: float) -> None:
    try:
        left, top, across, down = convert_to_fractions(box, width, height)
    except LookalikeError:
        return
    assert 0 <= left < left + across <= 1 + 1e-9
    assert 0 <= top < top + down <= 1 + 1e-9
    small = Image.new("1", (max(1, int(width * scale)), max(1, int(height * scale))))
    cropped_picture = examples.crop_picture(DecodedPhoto(small, width, height), CroppedExample(small, box))
    assert 1 <= cropped_picture.width <= small.width
    assert 1 <= cropped_picture.height <= small.height


@pytest.mark.parametrize("box", [(500, 0, 10, 10), (0, 0, 0, 0), (0, 0, 0.5, 0.001), (0, 0, float("nan"), 1)])
def test_crop_of_nothing_is_a_sentence(pictures: Library, box: CropBox) -> None:
    with pytest.raises(LookalikeError, match="crop"):
        pictures.search(Query((CroppedExample(make_quilt(), box),)))


def test_crop_of_what_is_not_there_is_a_sentence(pictures: Library, tmp_path: Path) -> None:
    photo = find_photo_named(pictures, "quilt.png")
    with pytest.raises(LookalikeError, match="no longer in the library"):
        pictures.search(Query((CroppedExample(10**6, (0, 0, 1, 1)),)))
    (tmp_path / "photos/quilt.png").unlink()
    with pytest.raises(LookalikeError, match=r"There is no file .*quilt\.png"):
        pictures.search(Query((CroppedExample(photo, (0, 0, 1, 1)),)))
    (tmp_path / "bad.png").write_text("Dear diary")
    with pytest.raises(LookalikeError, match=r"bad\.png is not a picture"):
        pictures.search(Query((CroppedExample(tmp_path / "bad.png", (0, 0, 1, 1)),)))


def test_a_picture_file_is_embedded_again_only_where_it_has_changed(pictures: Library, tmp_path: Path) -> None:
    outside, again = tmp_path / "outside.png", tmp_path / "again.png"
    paint(outside, 7, side=48)
    loads: list[int] = []

    def load_counted() -> Tiny:
        loads.append(1)
        return Tiny()

    pictures.load_embedder = load_counted  # type: ignore[assignment, method-assign]
    first = pictures.embed_example(outside)
    np.testing.assert_array_equal(pictures.embed_example(outside), first)
    assert len(loads) == 1
    paint(again, 8, side=64)
    again.replace(outside)
    changed = pictures.embed_example(outside)
    assert len(loads) == 2 and not np.array_equal(changed, first)


def test_a_picture_that_was_asked_about_before_it_was_indexed_has_the_stored_embedding_then(
    pictures: Library, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.png"
    paint(outside, 7, side=48)
    before = pictures.embed_example(outside)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "same.png").write_bytes(outside.read_bytes())
    drain(index_library(pictures, [tmp_path / "more"], Tiny()))
    after = pictures.embed_example(outside)
    assert after.tolist() == before.astype(np.float16).astype(np.float32).tolist() != before.tolist()
    assert pictures.search(Query((outside,)), k=1).hits[0].distance == 0
