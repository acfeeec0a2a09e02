"""What the user said of a photo follows its picture into the content that another program makes of the file."""

import os
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from indexer.database.replacements import CarriedAnnotations, count_replaced_photos, list_replaced_photos
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.carried_annotations import SAME_PICTURE, SAME_PIXELS, TURNED_PICTURE, carry_all_annotations
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import drain
from indexer.ranking.saved_searches import load_search, save_search
from indexer.ranking.search_request import SearchRequest
from indexer.search.query import CroppedExample, Query
from tests.support.embedders import Tiny
from tests.support.pictures import encoded
from tests.support.soft_pictures import soft

pytestmark = pytest.mark.usefixtures("engine")

COMMENT, APP1 = 0xFE, 0xE1


def insert_segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    """The JPEG with a segment more at its beginning, as metadata programs write it; the picture stays as it is."""
    return jpeg[:2] + bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload + jpeg[2:]


def turn_by_exif(jpeg: bytes, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return insert_segment(jpeg, APP1, exif.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three JPEGs of 300 x 224 pixels: 0.jpg, 1.jpg, 2.jpg."""
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.jpg").write_bytes(encoded(soft(number, (300, 224)), "JPEG", quality=90))
    return root


@pytest.fixture
def indexed(library: Library, folder: Path) -> Library:
    index_again(library, folder)
    return library


def index_again(library: Library, folder: Path) -> list[CarriedAnnotations]:
    """Index the folder, with thumbnails as large as a model of the usual size leaves them; then carry words over."""
    drain(index_library(library, [folder], Tiny()))
    for path in folder.rglob("*.jpg"):
        data = read_photo(path)
        picture = decode_photo(data, thumbnails.THUMBNAIL_SIDE).image
        library.thumbnails.put([(content_hash(data), thumbnails.encode_thumbnail(picture))])
    return drain(carry_all_annotations(library))


def find_id(library: Library, path: Path) -> int:
    return library.store.embeddings.find_photo_id(content_hash(path.read_bytes()))


def say(library: Library, folder: Path) -> None:
    """0.jpg is called rex, is no match with 1.jpg, and is what a saved search is like."""
    first, second = find_id(library, folder / "0.jpg"), find_id(library, folder / "1.jpg")
    library.annotations.set_label([first], "rex")
    library.annotations.record_decision([(first, second)])
    save_search(library, "like rex", SearchRequest(Query((first,))))


def assert_said(library: Library, folder: Path, name: str = "0.jpg") -> None:
    photo, other = find_id(library, folder / name), find_id(library, folder / "1.jpg")
    assert library.annotations.read_labels(library.model_id) == {photo: "rex"}
    assert library.annotations.read_decisions() == {(min(photo, other), max(photo, other))}
    assert load_search(library, "like rex").query.positives == (photo,)


def test_words_follow_a_picture_into_whose_file_a_keyword_is_written(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    before = find_id(indexed, path)
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PIXELS)]
    assert find_id(indexed, path) != before
    assert_said(indexed, folder)
    assert count_replaced_photos(indexed.store.database) == 0
    assert index_again(indexed, folder) == []
    assert indexed.store.forget_missing().photos == 1  # the old content, of which nothing is said any more
    assert_said(indexed, folder)


def test_words_follow_also_where_the_run_was_killed_before_it_came_to_them(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    drain(index_library(indexed, [], Tiny()))
    assert indexed.annotations.read_labels(indexed.model_id) == {}
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PIXELS)]
    assert_said(indexed, folder)


def test_words_follow_where_the_file_was_empty_for_a_while(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    content = insert_segment(path.read_bytes(), COMMENT, b"a keyword")
    path.write_bytes(b"")
    drain(index_library(indexed, [], Tiny()))
    path.write_bytes(content[: len(content) // 3])
    drain(index_library(indexed, [], Tiny()))
    assert drain(carry_all_annotations(indexed)) == []
    path.write_bytes(content)
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PIXELS)]
    assert_said(indexed, folder)


def test_words_come_back_with_the_old_content(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    original = path.read_bytes()
    path.write_bytes(insert_segment(original, COMMENT, b"a keyword"))
    index_again(indexed, folder)
    path.write_bytes(original)
    assert len(index_again(indexed, folder)) == 1
    assert_said(indexed, folder)


def test_copy_keeps_its_words_where_one_file_is_changed_and_both_have_them_where_both_are(
    indexed: Library, folder: Path
) -> None:
    copy = folder / "copy.jpg"
    copy.write_bytes((folder / "0.jpg").read_bytes())
    index_again(indexed, folder)
    say(indexed, folder)
    (folder / "0.jpg").write_bytes(insert_segment(copy.read_bytes(), COMMENT, b"one"))
    assert len(index_again(indexed, folder)) == 1
    ids = {find_id(indexed, path) for path in (copy, folder / "0.jpg")}
    assert indexed.annotations.read_labels(indexed.model_id) == dict.fromkeys(ids, "rex")
    for path in (copy, folder / "0.jpg"):
        path.write_bytes(insert_segment(path.read_bytes(), COMMENT, path.name.encode()))
    assert len(index_again(indexed, folder)) == 2
    ids = {find_id(indexed, path) for path in (copy, folder / "0.jpg")}
    assert len(ids) == 2
    assert indexed.annotations.read_labels(indexed.model_id) == dict.fromkeys(ids, "rex")
    assert len(indexed.annotations.read_decisions()) == 2


@pytest.mark.parametrize("orientation", range(2, 9))
def test_words_follow_a_picture_that_is_turned_in_its_metadata(
    indexed: Library, folder: Path, orientation: int
) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    path.write_bytes(turn_by_exif(path.read_bytes(), orientation))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), TURNED_PICTURE)]
    assert_said(indexed, folder)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT])
def test_words_follow_a_picture_whose_pixels_are_turned(indexed: Library, folder: Path, turn: Image.Transpose) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    with Image.open(path) as image:
        path.write_bytes(encoded(image.transpose(turn), "JPEG", quality=93))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), TURNED_PICTURE)]
    assert_said(indexed, folder)


def test_words_follow_a_picture_that_was_compressed_again(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    with Image.open(path) as image:
        path.write_bytes(encoded(image.convert("RGB"), "JPEG", quality=60))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PICTURE)]
    assert_said(indexed, folder)


def test_words_follow_in_a_library_of_a_version_without_hashes_of_pixels(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    indexed.store.database.execute_statement("UPDATE photos SET pixel_sha256 = NULL")
    path = folder / "0.jpg"
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PIXELS)]
    assert_said(indexed, folder)


def test_words_follow_a_picture_that_is_renamed_and_changed_at_once(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    (folder / "0.jpg").rename(folder / "renamed.jpg")
    path = folder / "renamed.jpg"
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    assert index_again(indexed, folder) == [CarriedAnnotations(bytes(path), SAME_PIXELS)]
    assert indexed.annotations.read_labels(indexed.model_id) == {find_id(indexed, path): "rex"}
    assert index_again(indexed, folder) == []


def test_another_picture_at_the_path_gets_no_words_and_the_old_one_keeps_them(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    old = find_id(indexed, path)
    path.write_bytes(encoded(soft(77, (300, 224)), "JPEG", quality=90))
    assert index_again(indexed, folder) == []
    assert indexed.annotations.read_labels(indexed.model_id) == {}
    assert [tuple(photo) for photo in list_replaced_photos(indexed.store.database)] == [(old, "rex", 1, 1, bytes(path))]
    assert list(carry_all_annotations(indexed)) == []  # they are not compared again
    assert indexed.store.forget_missing().kept_photos == 1


def test_label_of_the_new_content_stays_and_the_other_is_not_lost(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    drain(index_library(indexed, [], Tiny()))
    indexed.annotations.set_label([find_id(indexed, path)], "fido")
    assert len(index_again(indexed, folder)) == 1  # the decision and the search
    assert indexed.annotations.read_labels(indexed.model_id) == {find_id(indexed, path): "fido"}
    assert [photo.label for photo in list_replaced_photos(indexed.store.database)] == ["rex"]


def test_two_contents_that_the_user_called_no_match_share_no_words(indexed: Library, folder: Path) -> None:
    path = folder / "0.jpg"
    old = find_id(indexed, path)
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    drain(index_library(indexed, [], Tiny()))
    indexed.annotations.set_label([old], "rex")
    indexed.annotations.record_decision([(old, find_id(indexed, path))])
    assert index_again(indexed, folder) == []
    assert indexed.annotations.read_labels(indexed.model_id) == {}


def test_box_of_a_saved_search_is_not_laid_on_a_turned_picture(indexed: Library, folder: Path) -> None:
    path = folder / "0.jpg"
    save_search(indexed, "part", SearchRequest(Query((CroppedExample(find_id(indexed, path), (0.1, 0.1, 0.3, 0.2)),))))
    before = indexed.annotations.read_searches()
    path.write_bytes(turn_by_exif(path.read_bytes(), 6))
    assert index_again(indexed, folder) == []
    assert indexed.annotations.read_searches() == before
    assert count_replaced_photos(indexed.store.database) == 1


def test_damaged_search_and_lost_thumbnails_stop_nothing(indexed: Library, folder: Path) -> None:
    say(indexed, folder)
    path = folder / "0.jpg"
    damaged = "{" + content_hash(path.read_bytes()).hex()
    indexed.store.database.execute_statement("INSERT INTO searches VALUES ('damaged', ?)", (damaged,))
    indexed.store.database.execute_statement("UPDATE photos SET pixel_sha256 = NULL")
    path.write_bytes(insert_segment(path.read_bytes(), COMMENT, b"a keyword"))
    indexed.thumbnails.close()
    os.unlink(indexed.folder / "thumbnails.sqlite")  # noqa: PTH108
    assert index_again(indexed, folder) == []
    assert [photo.label for photo in list_replaced_photos(indexed.store.database)] == ["rex"]
