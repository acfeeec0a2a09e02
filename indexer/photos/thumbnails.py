"""Small pictures for the screen, kept by content hash in one SQLite file beside the library: a cache, safe to delete.

Nothing here may stop the program: a thumbnail that cannot be read counts as not there yet, one that cannot be written
is made again next time. Each is signed by this computer: what comes from elsewhere counts as not there either, and is
decoded only in a process of its own, where no file holds the photo any more.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TypeVar

from PIL import Image

from indexer.errors import PhotoError
from indexer.photos.decoding import DecodedPhoto, decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.photos.sandbox import decode_in_child
from indexer.trust.signatures import compute_signature, is_signed_here

THUMBNAIL_SIDE = 256
LARGE_SIDE = 512  # of those for dense screens and large tiles, which are made when they are first looked at
MAX_FOREIGN_BYTES = 1 << 20  # ours have some 12,000
JPEG_QUALITY = 85  # about 12 KB each: 12 GB for a million photos would be too much for more

# Another program writes 64 thumbnails in milliseconds; after this time a reader shows an empty tile for now.
BUSY_SECONDS = 2.0

_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SIGNED_PURPOSE = "thumbnail"
_TABLE = "CREATE TABLE thumbnails (sha256 BLOB PRIMARY KEY, jpeg BLOB NOT NULL, signature TEXT)"
_UNSIGNED_TABLE = "CREATE TABLE thumbnails (sha256 BLOB PRIMARY KEY, jpeg BLOB NOT NULL)"  # of the first version
Result = TypeVar("Result")
ThumbnailSource = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]


def encode_thumbnail(image: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """The picture (RGB) as JPEG with a long side of at most `side` pixels, never enlarged."""
    scale = side / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.1)  # a third of the time of bicubic
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


class ThumbnailCache:
    """The thumbnail cache in one file: threads may share one object, each process opens its own.

    A `source` gives thumbnails that others have made, by content hash; it belongs to the thread that calls `fetch`.
    """

    def __init__(self, path: Path, side: int = THUMBNAIL_SIDE, *, source: ThumbnailSource | None = None) -> None:
        self._path = path
        self._source = source
        self._side = side
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None

    def put(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Store (sha256, JPEG) pairs, all or none; does nothing where the cache cannot be written."""
        pairs = list(rows)
        self._run_statement(lambda db: _insert_thumbnails(db, pairs))

    def get(self, sha256: bytes) -> bytes | None:
        """The JPEG of this content, None where the cache has none that this computer has made."""
        jpeg, signature = self._read_row(sha256)
        return jpeg if jpeg is not None and is_signed_here(signature, _SIGNED_PURPOSE, sha256, jpeg) else None

    def renew(self, sha256: bytes, path: bytes) -> bytes | None:
        """The JPEG of this content made anew from a file, and stored; None where the file does not hold it any more."""
        try:
            data = read_photo(path)
            if content_hash(data) != sha256:
                return None
            jpeg = encode_thumbnail(decode_photo(data, self._side).image, self._side)
        except PhotoError:
            return None
        self.put([(sha256, jpeg)])
        return jpeg

    def recover(self, sha256: bytes) -> bytes | None:
        """The JPEG of this content made anew from one that comes from elsewhere, and stored; None where there is none.

        That is decoded in a process of its own, which takes a while.
        """
        jpeg, _ = self._read_row(sha256)
        renewed = None if jpeg is None else _renew_foreign(jpeg, self._side, decode_in_child)
        if renewed is not None:
            self.put([(sha256, renewed)])
        return renewed

    def fetch(self, contents: Sequence[bytes]) -> None:
        """Get from the source, if there is one, what the cache has not got of these contents; one question.

        Each is made anew and stored: a source is believed as a photo file is.
        """
        wanted = [] if self._source is None else [sha256 for sha256 in contents if self.get(sha256) is None]
        if self._source is not None and wanted:
            found = self._source(wanted)
            renewed = {sha256: _renew_foreign(jpeg, self._side, decode_photo) for sha256, jpeg in found.items()}
            self.put((sha256, jpeg) for sha256, jpeg in renewed.items() if jpeg is not None)

    def trim(self, most_bytes: int) -> int:
        """Drop the thumbnails that were made first until all together have at most so many bytes; returns how many.

        They are made anew when they are looked at.
        """
        dropped = self._run_statement(lambda db: _drop_oldest(db, most_bytes))
        return dropped or 0

    def _read_row(self, sha256: bytes) -> tuple[bytes | None, str]:
        """JPEG and signature as stored, None and empty where there are none; a damaged row can hold anything."""
        row = self._run_statement(
            lambda db: db.execute("SELECT jpeg, signature FROM thumbnails WHERE sha256 = ?", (sha256,)).fetchone()
        )
        jpeg, signature = row or (None, None)
        return jpeg if isinstance(jpeg, bytes) else None, signature if isinstance(signature, str) else ""

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            self._close_connection()

    def _run_statement(self, statement: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """The result of the statement, None where the file is locked, read-only, on a full disk or damaged.

        A damaged file is moved away, and the statement runs on a new one.
        """
        with self._lock:
            for _ in range(2):
                try:
                    if self._db is None:
                        self._db = _open_cache(self._path)
                    return statement(self._db)
                except sqlite3.OperationalError:
                    return None
                except sqlite3.DatabaseError as fault:
                    if getattr(fault, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE_CODES:
                        raise
                    self._move_damaged_file()
            return None

    def _move_damaged_file(self) -> None:
        """Rename the damaged file; SQLite has applied and removed its journal by now."""
        self._close_connection()
        with suppress(OSError):  # read-only, or another program has renamed it: go on without, or with the new file
            self._path.replace(self._path.with_name(self._path.name + ".damaged"))

    def _close_connection(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _renew_foreign(jpeg: bytes, side: int, decode: Callable[[bytes, int], DecodedPhoto]) -> bytes | None:
    """A thumbnail from elsewhere made anew; None where it is no picture or larger than any of ours."""
    if len(jpeg) > MAX_FOREIGN_BYTES:
        return None
    try:
        return encode_thumbnail(decode(jpeg, side).image, side)
    except PhotoError:
        return None


def _open_cache(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA synchronous = OFF")  # a power cut may cost the cache, which is then made anew
        texts = _read_schema(db)
        if not texts:
            db.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
        elif texts == [_UNSIGNED_TABLE]:
            db.execute("ALTER TABLE thumbnails ADD COLUMN signature TEXT")
        elif texts != [_TABLE]:
            raise _foreign_schema()
    except BaseException:
        db.close()
        raise
    return db


def _read_schema(db: sqlite3.Connection) -> list[str]:
    """The texts of all tables, views and triggers; indexes that SQLite made have none."""
    return [text for (text,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()]


def _foreign_schema() -> sqlite3.DatabaseError:
    """The fault of a file with other tables than ours, which is moved away as a damaged one is."""
    fault = sqlite3.DatabaseError("other tables than ours")
    fault.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    return fault


def _drop_oldest(db: sqlite3.Connection, most_bytes: int) -> int:
    """Delete the rows before the newest ones of so many bytes, and give their room back; the number of them."""
    totals = "SELECT rowid, SUM(LENGTH(jpeg)) OVER (ORDER BY rowid DESC) AS total FROM thumbnails"
    found = db.execute(f"SELECT MAX(rowid) FROM ({totals}) WHERE total > ?", (most_bytes,)).fetchone()
    if found is None or found[0] is None:
        return 0
    count = db.execute("DELETE FROM thumbnails WHERE rowid <= ?", found).rowcount
    db.execute("VACUUM")
    return count


def _insert_thumbnails(db: sqlite3.Connection, pairs: list[tuple[bytes, bytes]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        rows = ((sha256, jpeg, compute_signature(_SIGNED_PURPOSE, sha256, jpeg)) for sha256, jpeg in pairs)
        db.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", rows)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
