"""Thumbnails come back as they were stored, and a cache that is damaged, locked or read-only stops nothing."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.photos.reading import content_hash
from indexer.photos.thumbnails import THUMBNAIL_SIDE, ThumbnailCache, encode_thumbnail
from tests.support import pictures


def key(number: int) -> bytes:
    """A key of 32 bytes, as a sha256 digest has."""
    return number.to_bytes(32, "big")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "thumbnails.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ThumbnailCache]:
    with closing(ThumbnailCache(path)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((800, 600), (256, 192)),
        ((600, 800), (192, 256)),
        ((100, 50), (100, 50)),
        ((1, 1), (1, 1)),
        ((5000, 3), (256, 1)),
    ],
)
def test_a_thumbnail_fits_the_square_and_is_never_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    with Image.open(BytesIO(encode_thumbnail(Image.new("RGB", size, "teal")))) as thumbnail:
        assert (thumbnail.format, thumbnail.mode, thumbnail.size) == ("JPEG", "RGB", expected)


def test_a_thumbnail_looks_like_the_picture_and_leaves_it_alone() -> None:
    image = pictures.scene(800, 600)
    data = encode_thumbnail(image)
    assert image.size == (800, 600)
    expected = pictures.scene(THUMBNAIL_SIDE, 192)
    with Image.open(BytesIO(data)) as thumbnail:
        assert np.abs(pictures.pixels(thumbnail) - pictures.pixels(expected)).mean() < 3


def test_what_is_kept_comes_back_and_stays(path: Path, cache: ThumbnailCache) -> None:
    cache.put([(key(1), b"one"), (key(2), b"two")])
    cache.put(iter([(key(2), b"another two")]))
    cache.put([])
    assert [cache.get(key(number)) for number in (1, 2, 3)] == [b"one", b"another two", None]
    with closing(ThumbnailCache(path)) as again:
        assert again.get(key(1)) == b"one"


def test_an_unused_or_closed_cache_can_be_closed_again(path: Path) -> None:
    cache = ThumbnailCache(path)
    cache.close()
    cache.close()
    assert cache.get(key(1)) is None


def test_a_failing_batch_keeps_nothing(cache: ThumbnailCache) -> None:
    with pytest.raises(TypeError):
        cache.put([(key(1), b"one"), (key(2), None)])  # type: ignore[list-item]
    assert cache.get(key(1)) is None
    cache.put([(key(1), b"one")])
    assert cache.get(key(1)) == b"one"


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all " * 500)


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (path.stat().st_size - 4096))


@pytest.mark.parametrize("damage", [garbage, shortened, overwritten_pages])
@pytest.mark.parametrize("first", ["get", "put"])
def test_a_damaged_cache_is_set_aside_and_made_anew(path: Path, damage: object, first: str) -> None:
    assert callable(damage)
    with closing(ThumbnailCache(path)) as cache:
        cache.put([(key(number), bytes(500)) for number in range(200)])
    damage(path)
    with closing(ThumbnailCache(path)) as cache:
        if first == "get":
            assert cache.get(key(199)) is None
        cache.put([(key(number), b"new") for number in range(200)])
        assert cache.get(key(199)) == b"new"
    assert path.with_name("thumbnails.sqlite.damaged").exists()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_cache_damaged_while_it_is_open_is_made_anew(path: Path, cache: ThumbnailCache) -> None:
    cache.put([(key(1), b"one")])
    garbage(path)
    cache.put([(key(2), b"two")])
    assert (cache.get(key(1)), cache.get(key(2))) == (None, b"two")


def test_a_cache_that_cannot_be_opened_is_an_empty_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "such" / "folder.sqlite"):
        with closing(ThumbnailCache(path)) as cache:
            cache.put([(key(1), b"one")])
            assert cache.get(key(1)) is None


def test_a_cache_in_a_read_only_folder_is_read_and_not_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thumbnails.sqlite"
        with closing(ThumbnailCache(path)) as cache:
            cache.put([(key(1), b"one")])
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        before = path.read_bytes()
        with pictures.as_nobody(), closing(ThumbnailCache(path)) as cache:
            cache.put([(key(2), b"two")])
            assert (cache.get(key(1)), cache.get(key(2))) == (b"one", None)
        assert path.read_bytes() == before
        Path(folder).chmod(0o755)


def test_another_programs_writing_is_waited_for_in_vain_without_an_error(path: Path, cache: ThumbnailCache) -> None:
    cache.put([(key(1), b"one")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert cache.get(key(1)) is None
    assert cache.get(key(1)) == b"one"


def test_threads_share_one_cache(cache: ThumbnailCache) -> None:
    def work(number: int) -> bytes | None:
        cache.put([(key(number), b"%d" % number)])
        return cache.get(key(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(100))) == [b"%d" % number for number in range(100)]


def test_two_processes_write_one_cache(path: Path, cache: ThumbnailCache) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom indexer.photos.thumbnails import ThumbnailCache\n"
        "cache = ThumbnailCache(Path(sys.argv[1]))\n"
        "for number in range(0, 200, 2): cache.put([(number.to_bytes(32, 'big'), b'even')])\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    with subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment) as other:
        for number in range(1, 200, 2):
            cache.put([(key(number), b"odd")])
        assert other.wait() == 0
    assert [cache.get(key(number)) for number in range(200)] == [b"even", b"odd"] * 100


def test_a_row_that_holds_no_picture_is_a_thumbnail_that_is_not_there(cache: ThumbnailCache, path: Path) -> None:
    cache.put([(key(1), b"jpeg"), (key(2), b"jpeg"), (key(3), b"jpeg")])
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE thumbnails SET jpeg = 'text' WHERE sha256 = ?", (key(1),))
        db.execute("UPDATE thumbnails SET jpeg = 17 WHERE sha256 = ?", (key(2),))
        db.commit()
    assert [cache.get(key(number)) for number in (1, 2, 3)] == [None, None, b"jpeg"]


# from elsewhere


def copy_from_elsewhere(path: Path, number: int, jpeg: bytes) -> None:
    """Write a thumbnail as another computer would have: with a signature that is not of this one."""
    with closing(ThumbnailCache(path)) as cache:
        cache.put([(key(number), jpeg)])
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE thumbnails SET signature = ?", ("0" * 64,))
        other.commit()


def test_thumbnail_of_another_computer_is_made_anew_before_it_is_shown(tmp_path: Path) -> None:
    path, picture = tmp_path / "thumbnails.sqlite", Image.new("RGB", (40, 30), (200, 30, 30))
    copy_from_elsewhere(path, 1, encode_thumbnail(picture))
    with closing(ThumbnailCache(path)) as cache:
        assert cache.get(key(1)) is None
        recovered = cache.recover(key(1))
        assert recovered is not None
        assert Image.open(BytesIO(recovered)).size == (40, 30)
        assert cache.get(key(1)) == recovered


def test_foreign_bytes_that_are_no_picture_are_never_given_out(tmp_path: Path) -> None:
    path = tmp_path / "thumbnails.sqlite"
    copy_from_elsewhere(path, 1, b"\xff\xd8 no picture")
    with closing(ThumbnailCache(path)) as cache:
        assert (cache.get(key(1)), cache.recover(key(1)), cache.recover(key(2))) == (None, None, None)


def test_thumbnail_is_made_anew_from_the_file_that_holds_the_content(tmp_path: Path) -> None:
    Image.new("RGB", (600, 300), (10, 200, 30)).save(tmp_path / "photo.png")
    data = (tmp_path / "photo.png").read_bytes()
    with closing(ThumbnailCache(tmp_path / "thumbnails.sqlite")) as cache:
        assert cache.renew(bytes(32), bytes(tmp_path / "photo.png")) is None  # another content by now
        made = cache.renew(content_hash(data), bytes(tmp_path / "photo.png"))
        assert made is not None
        assert Image.open(BytesIO(made)).size == (256, 128)
        assert cache.get(content_hash(data)) == made


def test_cache_of_the_first_version_is_taken_over_without_believing_it(tmp_path: Path) -> None:
    path = tmp_path / "thumbnails.sqlite"
    with closing(sqlite3.connect(path)) as older:
        older.execute("CREATE TABLE IF NOT EXISTS thumbnails (sha256 BLOB PRIMARY KEY, jpeg BLOB NOT NULL)")
        older.execute("INSERT INTO thumbnails VALUES (?, ?)", (key(1), encode_thumbnail(Image.new("RGB", (9, 9)))))
        older.commit()
    with closing(ThumbnailCache(path)) as cache:
        assert cache.get(key(1)) is None
        assert cache.recover(key(1)) is not None
        assert cache.get(key(1)) is not None


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER t AFTER INSERT ON thumbnails BEGIN DELETE FROM thumbnails; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE thumbnails; CREATE VIEW thumbnails AS SELECT NULL AS sha256, NULL AS jpeg, NULL AS signature",
    ],
)
def test_cache_with_other_tables_than_ours_is_moved_away(tmp_path: Path, change: str) -> None:
    path = tmp_path / "thumbnails.sqlite"
    with closing(ThumbnailCache(path)) as cache:
        cache.put([(key(1), b"one")])
    with closing(sqlite3.connect(path)) as foreign:
        foreign.executescript(change)
    with closing(ThumbnailCache(path)) as cache:
        assert cache.get(key(1)) is None
        cache.put([(key(1), b"one")])
        assert cache.get(key(1)) == b"one"
    assert path.with_name("thumbnails.sqlite.damaged").exists()


def test_a_trimmed_cache_keeps_the_thumbnails_made_last(path: Path, cache: ThumbnailCache) -> None:
    jpegs = {number: bytes([number]) * 20_000 for number in range(30)}
    for number, jpeg in jpegs.items():
        cache.put([(key(number), jpeg)])
    before = path.stat().st_size
    assert cache.trim(600_000) == 0
    assert cache.trim(100_000) == 25
    assert [number for number in jpegs if cache.get(key(number)) is not None] == list(range(25, 30))
    assert path.stat().st_size < before / 3
    assert cache.trim(0) == 5
