import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QColor, QPixmap
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.photos.reading import content_hash
from indexer.search.results import Photo
from retrieval_app.session.tiles import PREVIEW_SIDE, TileCache, make_cache, to_qimage
from retrieval_app.window.drop_and_paste import to_pillow
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.window_waits import wait_for, wait_for_signal


def test_a_value_larger_than_the_limit_is_kept_alone_until_the_next() -> None:
    cache = make_cache(10, len)
    cache["a"] = "4 in"
    cache["b"] = "more than ten"
    assert list(cache) == ["b"]
    cache["c"] = "4 in"
    assert list(cache) == ["c"]


@pytest.mark.parametrize("width", [1, 2, 3, 5, 63])  # Qt pads its lines to 4 bytes
def test_pictures_go_to_qt_and_back_unchanged(width: int) -> None:
    image = Image.frombytes("RGB", (width, 7), bytes(np.arange(width * 7 * 3) % 251))
    assert to_pillow(to_qimage(image)).tobytes() == image.tobytes()


@pytest.fixture
def library(indexed: Path) -> Iterator[Library]:
    with Library.open(indexed) as library:
        yield library


@pytest.fixture
def tiles(indexed: Path, qtbot: QtBot) -> Iterator[TileCache]:
    tiles = TileCache()
    tiles.follow_library(indexed)
    yield tiles
    tiles.close()


def arrive(qtbot: QtBot, tiles: TileCache, photo: Photo, side: int) -> QPixmap:
    wait_for(qtbot, lambda: tiles.request_thumbnail(photo, side) is not None and tiles.is_idle())
    pixmap = tiles.request_thumbnail(photo, side)
    assert pixmap is not None
    return pixmap


def test_facts_arrive_for_every_photo(tiles: TileCache, library: Library, qtbot: QtBot) -> None:
    ids = library.find_photo_ids()
    assert tiles.request_photo_in_row(ids, 0) is None
    wait_for(qtbot, lambda: tiles.request_photo_in_row(ids, 0) is not None)
    assert [tiles.request_photo_in_row(ids, row) for row in range(len(ids))] == library.load_photos(ids.tolist())
    assert len(ids) == EACH * len(CLASSES)


def test_a_photo_that_is_not_shown_any_more_is_asked_for_once(tiles: TileCache, qtbot: QtBot) -> None:
    gone = np.array([999_999], np.int64)
    with wait_for_signal(qtbot, tiles.arrived):
        tiles.request_photo_in_row(gone, 0)
    assert tiles.request_photo_in_row(gone, 0) is None
    assert tiles.is_idle()


def test_thumbnails_fit_their_square_and_look_like_the_photo(tiles: TileCache, library: Library, qtbot: QtBot) -> None:
    (photo,) = [
        photo
        for photo in library.load_photos(library.find_photo_ids().tolist())
        if photo.path.endswith(b"/square-1.png")
    ]
    pixmap = arrive(qtbot, tiles, photo, 100)
    assert (pixmap.width(), pixmap.height()) == (75, 100)
    drawn = draw("square", 1).resize((75, 100))
    for spot in ((10, 10), (40, 50), (70, 90)):
        there, wanted = pixmap.toImage().pixelColor(*spot), QColor(*drawn.getpixel(spot))  # type: ignore[misc]
        assert abs(there.red() - wanted.red()) + abs(there.blue() - wanted.blue()) < 60


def test_a_photo_without_a_cached_thumbnail_is_read_from_its_file(
    tiles: TileCache, library: Library, qtbot: QtBot
) -> None:
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    pixmap = arrive(qtbot, tiles, photo._replace(sha256=b"\0" * 32), 64)
    assert max(pixmap.width(), pixmap.height()) == 64


def test_a_file_is_known_as_the_photo_that_it_holds(
    tiles: TileCache, library: Library, tmp_path: Path, qtbot: QtBot
) -> None:
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    copy, other = tmp_path / "copy.png", tmp_path / "other.png"
    copy.write_bytes(Path(os.fsdecode(photo.path)).read_bytes())
    draw("square", 99).save(other)
    for path, photo_id in ((copy, photo.id), (other, 0), (tmp_path / "gone.png", 0)):
        tiles.request_file_id(path)
        wait_for(qtbot, tiles.is_idle)
        assert tiles.request_file_id(path) == photo_id


def test_a_dense_screen_has_tiles_as_sharp_as_their_photos(
    tiles: TileCache, library: Library, tmp_path: Path, qtbot: QtBot
) -> None:
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    Image.effect_noise((900, 600), 60).convert("RGB").save(tmp_path / "noise.png")
    data = (tmp_path / "noise.png").read_bytes()
    noise = photo._replace(path=os.fsencode(tmp_path / "noise.png"), sha256=content_hash(data), width=900, height=600)
    for side, wanted in ((200, 200), (400, 400), (2000, 512)):
        assert arrive(qtbot, tiles, noise, side).width() == wanted


def test_what_cannot_be_read_is_a_null_pixmap(tiles: TileCache, library: Library, qtbot: QtBot) -> None:
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    gone = photo._replace(sha256=b"\1" * 32, path=b"/nowhere/\xff.jpg")
    assert arrive(qtbot, tiles, gone, 64).isNull()


def test_a_large_picture_in_memory_becomes_a_preview(tiles: TileCache, qtbot: QtBot) -> None:
    image = Image.new("RGB", (3000, 1500), "navy")
    wait_for(qtbot, lambda: tiles.request_preview(image) is not None)
    preview = tiles.request_preview(image)
    assert preview is not None
    assert (preview.width(), preview.height()) == (PREVIEW_SIDE, PREVIEW_SIDE // 2)


def gone_photo(library: Library, path: Path) -> Photo:
    """A photo without a cached thumbnail whose file is not there."""
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    return photo._replace(sha256=b"\2" * 32, path=bytes(path))


def test_two_sizes_of_a_photo_whose_file_is_gone_come_to_rest(
    tiles: TileCache, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    photo = gone_photo(library, tmp_path / "gone.png")
    looks = 0

    def look() -> None:
        """As the grid and the details do whenever something arrives."""
        nonlocal looks
        looks += 1
        if looks < 50:
            tiles.request_thumbnail(photo, 136)
            tiles.request_thumbnail(photo, 256)

    tiles.arrived.connect(look)
    look()
    wait_for(qtbot, tiles.is_idle)
    assert looks <= 3  # once at first, once for each answer


def test_another_size_stands_in_until_the_right_one_is_there(tiles: TileCache, library: Library, qtbot: QtBot) -> None:
    photo = library.load_photos(library.find_photo_ids().tolist())[0]
    arrive(qtbot, tiles, photo, 64)
    at_once = tiles.request_thumbnail(photo, 100)
    assert at_once is not None and max(at_once.width(), at_once.height()) == 64
    wait_for(qtbot, tiles.is_idle)
    at_last = tiles.request_thumbnail(photo, 100)
    assert at_last is not None and max(at_last.width(), at_last.height()) == 100


def preview(qtbot: QtBot, tiles: TileCache, photo: Photo) -> QPixmap:
    wait_for(qtbot, lambda: tiles.request_preview(photo) is not None and tiles.is_idle())
    pixmap = tiles.request_preview(photo)
    assert pixmap is not None
    return pixmap


def test_what_could_not_be_read_is_read_again_when_the_library_has_changed(
    tiles: TileCache, library: Library, indexed: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    photo = gone_photo(library, tmp_path / "back.png")
    assert preview(qtbot, tiles, photo).isNull() and arrive(qtbot, tiles, photo, 64).isNull()
    draw("disc", 0).save(tmp_path / "back.png")
    assert preview(qtbot, tiles, photo).isNull()  # nobody has said so yet
    tiles.follow_library(indexed)
    for shown in (tiles.request_preview(photo), tiles.request_thumbnail(photo, 64)):
        assert shown is not None and shown.isNull()  # as it was, until it has been read
    wait_for(qtbot, tiles.is_idle)
    assert not preview(qtbot, tiles, photo).isNull() and not arrive(qtbot, tiles, photo, 64).isNull()


def test_another_content_under_the_same_name_has_a_preview_of_its_own(
    tiles: TileCache, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    photo = gone_photo(library, tmp_path / "edited.png")
    Image.new("RGB", (40, 20), "navy").save(tmp_path / "edited.png")
    assert preview(qtbot, tiles, photo).width() == 40
    Image.new("RGB", (60, 20), "navy").save(tmp_path / "edited.png")
    assert preview(qtbot, tiles, photo._replace(sha256=b"\3" * 32)).width() == 60
