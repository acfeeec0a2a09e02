"""The SQL of roots and files: which photo folders a library has, and what it knows of each file below them.

A file's path is stored relative to its root, so a folder that is moved keeps everything known about its files.
"""

from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import NamedTuple

import numpy as np

from indexer.database.interface import Database, SqlStatement
from indexer.errors import LibraryError
from indexer.paths import get_stored_folder, join_path, make_name_key, make_search_text
from indexer.wording import convert_file_time


class LibraryRoot(NamedTuple):
    """A photo folder of the library: absolute path in bytes; offline when it was missing or empty at the last scan.

    `drive` identifies the file system that it was last found on, None where that is not known. `other_drive` says that
    it is offline because another drive was found there.
    """

    id: int
    path: bytes
    labelled: bool
    online: bool
    drive: str | None
    other_drive: bool


class FileRecord(NamedTuple):
    """What the library knows of one file; `path` is relative to its root, times in nanoseconds."""

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    state: str = "present"


class FileOutcome(NamedTuple):
    """What became of one file: its photo with a vector (dim,) float16, or linked to a known photo, or a failure.

    `capture` are the columns of `captures` behind the photo, None where its EXIF was not read. A shared library stores
    the `thumbnail` (JPEG).
    """

    root: int
    file: FileRecord
    label: str | None = None
    sha256: bytes | None = None
    width: int | None = None
    height: int | None = None
    vector: np.ndarray | None = None
    precision: str = ""
    reason: str | None = None
    needs: str | None = None
    pixel_sha256: bytes | None = None
    capture: tuple[str | float | None, ...] | None = None
    thumbnail: bytes | None = None


class FailedFile(NamedTuple):
    """A file that could not be used, by absolute path, with the plain reason."""

    path: bytes
    reason: str


_FILE_COLUMNS = (
    *("size", "mtime_ns", "ctime_ns", "state", "photo", "label", "reason"),
    *("folder", "name_key", "search_text", "taken_us"),
)
PHOTO_OF_CONTENT = "(SELECT id FROM photos WHERE sha256 = ?)"  # null where the content is
_REPLACE_FILE = (
    f"INSERT INTO files (root, path, {', '.join(_FILE_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, {PHOTO_OF_CONTENT}, "
    f"?, ?, ?, ?, ?, coalesce((SELECT taken_us FROM captures WHERE photo = {PHOTO_OF_CONTENT}), ?)) "
    "ON CONFLICT (root, path) DO UPDATE SET linked = FALSE, excluded = FALSE, "
    + ", ".join(f"{name} = excluded.{name}" for name in _FILE_COLUMNS)
)


def match_ending(path: str, ending: str) -> str:
    """An SQL condition: the stored path `path` is longer than `ending` and ends with it, as below a root further up."""
    rest = f"length({path}) - length({ending})"
    return f"({rest} > 0 AND substr({path}, {rest} + 1) = {ending})"


class FileTable:
    """Roots and files in a library's database: one method per question or change; used in the database's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_roots(self) -> list[LibraryRoot]:
        """All roots, in the order they were added. Raises LibraryError where a path is none, as in no own library."""
        rows = self._database.fetch_rows("SELECT id, path, labelled, online, drive, other_drive FROM roots ORDER BY id")
        if not all(isinstance(row[1], bytes) for row in rows):
            raise LibraryError("The library {place} names photo folders that are none.", place=self._database.place)
        return [
            LibraryRoot(id, path, bool(labelled), bool(online), drive, bool(other_drive))
            for id, path, labelled, online, drive, other_drive in rows
        ]

    def add_root(self, path: bytes, *, labelled: bool) -> None:
        """Add a root, or turn an existing one into a labelled one."""
        self._database.execute_statement(
            "INSERT INTO roots (path, labelled, online) VALUES (?, ?, TRUE) "
            "ON CONFLICT (path) DO UPDATE SET labelled = roots.labelled OR excluded.labelled",
            (path, labelled),
        )

    def set_online(self, root: int, *, online: bool, other_drive: bool = False) -> None:
        """Record whether a root was there at the last scan, and if not, whether another drive was in its place."""
        sql = "UPDATE roots SET online = ?2, other_drive = ?3 WHERE id = ?1 AND (online, other_drive) != (?2, ?3)"
        self._database.execute_statement(sql, (root, online, other_drive))

    def set_drive(self, root: int, drive: str | None) -> None:
        """Record on which file system a root was found."""
        sql = f"UPDATE roots SET drive = ?2 WHERE id = ?1 AND drive {self._database.dialect.differs} ?2"
        self._database.execute_statement(sql, (root, drive))

    def move_root(self, root: int, path: bytes) -> None:
        """Point a root at another folder; its files keep their relative paths and their photos.

        It is the same folder, on whichever drive.
        """
        self._database.execute_statement("UPDATE roots SET path = ?, drive = NULL WHERE id = ?", (path, root))

    def leave_to_inner(self, outer: int, inner: int) -> None:
        """Delete the files of the outer root that the inner root, which lies below it, also has: same content at the
        same place.
        """
        self._database.execute_statement(
            "DELETE FROM files WHERE root = ?1 AND EXISTS (SELECT 1 FROM files AS twin WHERE twin.root = ?2 "
            f"AND twin.photo = files.photo AND {match_ending('files.path', 'twin.path')})",
            (outer, inner),
        )

    def merge_root(self, root: int, other: int) -> None:
        """Make a root part of another one that holds the same files: what is known of them there counts.

        Files that only the first one has are missing in the other.
        """
        with self._database.transaction():
            execute = self._database.execute_statement
            execute(
                "INSERT INTO replacements SELECT old.photo, new.root, new.path, NULL FROM files AS old JOIN files AS "
                "new ON new.root = ?2 AND new.path = old.path WHERE old.root = ?1 AND old.photo != new.photo "
                "ON CONFLICT (photo, root, path) DO UPDATE SET compared = NULL",
                (root, other),
            )
            for table, same, change, condition in (
                ("replacements", "there.photo = replacements.photo AND there.path = replacements.path", "", ""),
                ("exclusions", "there.pattern = exclusions.pattern", "", ""),
                ("files", "there.path = files.path", ", state = 'missing'", " AND photo IS NOT NULL"),
            ):
                is_there = f"EXISTS (SELECT 1 FROM {table} AS there WHERE there.root = ?2 AND {same})"
                execute(
                    f"UPDATE {table} SET root = ?2{change} WHERE root = ?1{condition} AND NOT {is_there}", (root, other)
                )
            labelled = "labelled OR (SELECT labelled FROM roots WHERE id = ?1)"
            execute(f"UPDATE roots SET labelled = {labelled} WHERE id = ?2", (root, other))
            execute("DELETE FROM roots WHERE id = ?", (root,))

    def iterate_files(self, root: int, model: int) -> Iterator[FileRecord]:
        """Every file known below a root; "unfinished" where its photo has neither embedding nor failure so far."""
        # In the table's own order (the + hides the index of paths), which takes half the time.
        rows = self._database.fetch_rows(
            "SELECT path, size, mtime_ns, ctime_ns, CASE WHEN state = 'failed' "
            "OR EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = files.photo AND e.model = ?) "
            "OR EXISTS (SELECT 1 FROM failures AS f WHERE f.photo = files.photo AND f.model = ?) "
            "THEN state ELSE 'unfinished' END FROM files WHERE +root = ?",
            (model, model, root),
        )
        return starmap(FileRecord, rows)

    def list_embedded_files(self, root: int) -> list[bytes]:
        """Relative paths of the root's present files whose photo has an embedding under any model."""
        rows = self._database.fetch_rows(
            "SELECT path FROM files WHERE root = ? AND state = 'present' AND "
            "EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = files.photo)",
            (root,),
        )
        return [path for (path,) in rows]

    def list_unlabelled_files(self, root: int) -> list[bytes]:
        """Relative paths of the root's files without a folder label."""
        rows = self._database.fetch_rows("SELECT path FROM files WHERE root = ? AND label IS NULL", (root,))
        return [path for (path,) in rows]

    def set_labels(self, root: int, labels: Iterable[tuple[str | None, bytes]]) -> None:
        """Set the folder label of files of a root, given as (label, relative path)."""
        differs = self._database.dialect.differs
        with self._database.transaction():
            self._database.execute_many(
                f"UPDATE files SET label = ?1 WHERE root = ?2 AND path = ?3 AND label {differs} ?1",
                ((label, root, path) for label, path in labels),
            )

    def set_state(self, root: int, paths: Iterable[bytes], state: str) -> None:
        """Mark files of a root missing, or present again; a file without a photo is forgotten when it goes."""
        rows = [(state, root, path) for path in paths]
        with self._database.transaction():
            sql = "UPDATE files SET state = ?, excluded = FALSE WHERE root = ? AND path = ? AND photo IS NOT NULL"
            self._database.execute_many(sql, rows)
            if state == "missing":
                sql = "DELETE FROM files WHERE root = ? AND path = ? AND photo IS NULL"
                self._database.execute_many(sql, [row[1:] for row in rows])

    def set_excluded(self, root: int, paths: Iterable[bytes]) -> None:
        """Hide files of a root that are now left out of it; one without a photo is forgotten."""
        rows = [(root, path) for path in paths]
        with self._database.transaction():
            sql = (
                "UPDATE files SET state = 'missing', excluded = TRUE WHERE root = ? AND path = ? AND photo IS NOT NULL"
            )
            self._database.execute_many(sql, rows)
            self._database.execute_many("DELETE FROM files WHERE root = ? AND path = ? AND photo IS NULL", rows)

    def list_failed_files(self, model: int) -> list[FailedFile]:
        """Files that could not be read, and present files whose content could not be used, by root and path."""
        rows = self._database.fetch_rows(
            "SELECT roots.path, bad.path, bad.reason FROM (SELECT root, path, f.reason FROM failures AS f JOIN files "
            "ON files.photo = f.photo AND state = 'present' WHERE f.model = ? UNION ALL "
            "SELECT root, path, reason FROM files WHERE state = 'failed') AS bad "
            "JOIN roots ON roots.id = bad.root ORDER BY bad.root, bad.path",
            (model,),
        )
        return [FailedFile(join_path(root, path), reason) for root, path, reason in rows]

    def count_files(self, model: int, root: int | None = None) -> int:
        """The number of present files whose photo has an embedding under the model, of one root or of all."""
        return self._database.fetch_integer(
            "SELECT count(*) FROM files JOIN embeddings AS e ON e.photo = files.photo AND e.model = ? "
            f"WHERE state = 'present'{'' if root is None else ' AND root = ?'}",
            (model,) if root is None else (model, root),
        )

    def count_missing(self) -> int:
        """The number of files that were there once and are not now."""
        return self._database.fetch_integer("SELECT count(*) FROM files WHERE state = 'missing' AND NOT excluded")


def write_file(outcome: FileOutcome) -> SqlStatement:
    """The statement that stores a file with its photo, whose content is stored already, or with why it has none.

    Its `taken_us` is what the EXIF tells, else the time of the file.
    """
    file = outcome.file
    return _REPLACE_FILE, (
        *(outcome.root, *file[:4], "present" if outcome.sha256 else "failed"),
        *(outcome.sha256, outcome.label, outcome.reason),
        *(get_stored_folder(file.path), make_name_key(file.path), make_search_text(file.path)),
        *(outcome.sha256, convert_file_time(file.mtime_ns)),
    )
