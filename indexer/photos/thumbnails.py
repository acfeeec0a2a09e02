"""Small pictures for the screen, kept by content hash in one SQLite file beside the library: a cache, safe to delete.

Nothing here may stop the program: a thumbnail that cannot be read counts as not there yet, one that cannot be written
is made again next time.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TypeVar

from PIL import Image

THUMBNAIL_SIDE = 256
JPEG_QUALITY = 85  # about 12 KB each: 12 GB for a million photos would be too much for more

# Another program writes 64 thumbnails in milliseconds; after this time a reader shows an empty tile for now.
BUSY_SECONDS = 2.0

_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
Result = TypeVar("Result")


def encode_thumbnail(image: Image.Image) -> bytes:
    """The picture (RGB) as JPEG with a long side of at most THUMBNAIL_SIDE pixels, never enlarged."""
    scale = THUMBNAIL_SIDE / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.1)  # a third of the time of bicubic
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


class ThumbnailCache:
    """The thumbnail cache in one file: threads may share one object, each process opens its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None

    def put(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Store (sha256, JPEG) pairs, all or none; does nothing where the cache cannot be written."""
        pairs = list(rows)
        self._run_statement(lambda db: _insert_thumbnails(db, pairs))

    def get(self, sha256: bytes) -> bytes | None:
        """The JPEG of this content, None where the cache has none."""
        row = self._run_statement(
            lambda db: db.execute("SELECT jpeg FROM thumbnails WHERE sha256 = ?", (sha256,)).fetchone()
        )
        return row[0] if row is not None and isinstance(row[0], bytes) else None  # a damaged row can hold anything

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


def _open_cache(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a power cut may cost the cache, which is then made anew
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'thumbnails'").fetchone() is None:
            db.execute("CREATE TABLE IF NOT EXISTS thumbnails (sha256 BLOB PRIMARY KEY, jpeg BLOB NOT NULL)")
    except BaseException:
        db.close()
        raise
    return db


def _insert_thumbnails(db: sqlite3.Connection, pairs: list[tuple[bytes, bytes]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", pairs)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
