"""The SQL of roots, files, photos, models, embeddings and generations, one method per question or change.

A method that changes more than one row does it in one transaction. One Store belongs to one thread.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.annotations import LABEL_SQL
from indexer.database.connection import MAX_INTEGER, Database
from indexer.paths import join_path


class LibraryRoot(NamedTuple):
    """A photo folder of the library: absolute path in bytes; offline when it was missing or empty at the last scan."""

    id: int
    path: bytes
    labelled: bool
    online: bool


class FileRecord(NamedTuple):
    """What the library knows of one file; `path` is relative to its root, times in nanoseconds."""

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    state: str = "present"


class FileOutcome(NamedTuple):
    """What became of one file: its photo with a vector (dim,) float16, or linked to a known photo, or a failure."""

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


class FailedFile(NamedTuple):
    """A file that could not be used, by absolute path, with the plain reason."""

    path: bytes
    reason: str


class ShownPhoto(NamedTuple):
    """A photo as people see it: one present file's root and relative path, the number of further copies, its label."""

    id: int
    sha256: bytes
    width: int
    height: int
    root: bytes
    path: bytes
    online: bool
    label: str | None
    copies: int


class GenerationRow(NamedTuple):
    """A published generation: it covers every embedding of its model with seq <= built_upto."""

    number: int
    model: int
    built_upto: int
    rows: int
    manifest_sha256: str


class KnownModel(NamedTuple):
    """A model that the library has embeddings of, or will have."""

    id: int
    name: str
    dim: int


class StoredEmbeddings(NamedTuple):
    """Embeddings of one model: seqs (n,) and photo ids (n,) int64, vectors (n, dim) float16."""

    seqs: np.ndarray
    ids: np.ndarray
    values: np.ndarray


class Store:
    """What the library knows, one method per question; made and used in one thread."""

    def __init__(self, folder: Path, *, any_thread: bool = False) -> None:
        self.database = Database(folder / "library.sqlite", any_thread=any_thread)
        self.transaction = self.database.transaction
        self._fetch_rows, self._fetch_integer, self._execute_statement = (
            self.database.fetch_rows,
            self.database.fetch_integer,
            self.database.execute_statement,
        )
        self._execute_many = self.database.execute_many

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    # settings

    def read_setting(self, name: str) -> object:
        """The stored value of a setting, None when it was never set."""
        return self.database.fetch_json("SELECT value FROM settings WHERE name = ?", (name,))

    def set_setting(self, name: str, value: object) -> None:
        """Store a setting as JSON."""
        self._execute_statement("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    # roots and files

    def list_roots(self) -> list[LibraryRoot]:
        """All roots, in the order they were added."""
        rows = self._fetch_rows("SELECT id, path, labelled, online FROM roots ORDER BY id")
        return [LibraryRoot(id, path, bool(labelled), bool(online)) for id, path, labelled, online in rows]

    def add_root(self, path: bytes, *, labelled: bool) -> None:
        """Add a root, or turn an existing one into a labelled one."""
        self._execute_statement(
            "INSERT INTO roots (path, labelled, online) VALUES (?, ?, 1) "
            "ON CONFLICT (path) DO UPDATE SET labelled = labelled OR excluded.labelled",
            (path, labelled),
        )

    def set_online(self, root: int, *, online: bool) -> None:
        """Record whether a root was there at the last scan."""
        self._execute_statement("UPDATE roots SET online = ? WHERE id = ? AND online != ?", (online, root, online))

    def move_root(self, root: int, path: bytes) -> None:
        """Point a root at another folder; its files keep their relative paths and their photos."""
        self._execute_statement("UPDATE roots SET path = ? WHERE id = ?", (path, root))

    def iterate_files(self, root: int, model: int) -> Iterator[FileRecord]:
        """Every file known below a root; "unfinished" where its photo has neither embedding nor failure so far."""
        rows = self._fetch_rows(  # in the table's own order (the + hides the index of paths), which takes half the time
            "SELECT path, size, mtime_ns, ctime_ns, CASE WHEN state = 'failed' "
            "OR EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = files.photo AND e.model = ?) "
            "OR EXISTS (SELECT 1 FROM failures AS f WHERE f.photo = files.photo AND f.model = ?) "
            "THEN state ELSE 'unfinished' END FROM files WHERE +root = ?",
            (model, model, root),
        )
        return starmap(FileRecord, rows)

    def list_unlabelled_files(self, root: int) -> list[bytes]:
        """Relative paths of the root's files without a folder label."""
        return [
            path for (path,) in self._fetch_rows("SELECT path FROM files WHERE root = ? AND label IS NULL", (root,))
        ]

    def set_labels(self, root: int, labels: Iterable[tuple[str | None, bytes]]) -> None:
        """Set the folder label of files of a root, given as (label, relative path)."""
        with self.transaction():
            self._execute_many(
                "UPDATE files SET label = ?1 WHERE root = ?2 AND path = ?3 AND label IS NOT ?1",
                ((label, root, path) for label, path in labels),
            )

    def set_state(self, root: int, paths: Iterable[bytes], state: str) -> None:
        """Mark files of a root missing, or present again; a file without a photo is forgotten when it goes."""
        rows = [(state, root, path) for path in paths]
        with self.transaction():
            self._execute_many("UPDATE files SET state = ? WHERE root = ? AND path = ? AND photo IS NOT NULL", rows)
            if state == "missing":
                gone = [row[1:] for row in rows]
                self._execute_many("DELETE FROM files WHERE root = ? AND path = ? AND photo IS NULL", gone)

    # models

    def find_model_id(self, fingerprint: str) -> int:
        """The id of a model by its fingerprint, 0 when the library does not know it."""
        return self._fetch_integer("SELECT id FROM models WHERE fingerprint = ?", (fingerprint,))

    def find_model(self, fingerprint: str) -> KnownModel | None:
        """A model by its fingerprint."""
        rows = self._fetch_rows("SELECT id, name, dim FROM models WHERE fingerprint = ?", (fingerprint,))
        return KnownModel._make(rows[0]) if rows else None

    def add_model(self, fingerprint: str, name: str, dim: int) -> int:
        """The id of a model, added when it is new; the first model becomes the active one."""
        with self.transaction():
            self._execute_statement(
                "INSERT OR IGNORE INTO models (fingerprint, name, dim) VALUES (?, ?, ?)", (fingerprint, name, dim)
            )
            self._execute_statement(
                "INSERT OR IGNORE INTO settings VALUES ('active_model', ?)", (json.dumps(fingerprint),)
            )
        return self.find_model_id(fingerprint)

    # what is to do, and what became of it

    def forget_curable_failures(self, extra: str) -> None:
        """Drop failures that only lacked an optional package which is now installed, so that they are tried again."""
        self._execute_statement("DELETE FROM failures WHERE needs = ?", (extra,))

    def is_content_finished(self, sha256: bytes, model: int) -> bool:
        """Whether this content already has an embedding or a failure under the model."""
        sql = (
            "SELECT 1 FROM photos WHERE sha256 = ? AND (id IN (SELECT photo FROM embeddings WHERE model = ? AND "
            "photo = photos.id) OR id IN (SELECT photo FROM failures WHERE model = ? AND photo = photos.id))"
        )
        return bool(self._fetch_rows(sql, (sha256, model, model)))

    def record_outcomes(self, outcomes: Iterable[FileOutcome], model: int) -> int:
        """Commit what became of a batch of files, in one transaction; returns how many of them had only moved."""
        moved = 0
        with self.transaction():
            for outcome in outcomes:
                photo = self._record_photo(outcome, model) if outcome.sha256 else None
                place = (outcome.root, outcome.file.path)
                before = self._fetch_integer("SELECT photo FROM files WHERE root = ? AND path = ?", place)
                self._record_file(outcome, photo)
                moved += self._drop_moved_file(photo) if photo and photo != before else 0
        return moved

    def _record_photo(self, outcome: FileOutcome, model: int) -> int:
        self._execute_statement("INSERT OR IGNORE INTO photos (sha256) VALUES (?)", (outcome.sha256,))
        photo = self.find_photo_id(outcome.sha256)
        if outcome.width:
            size = (outcome.width, outcome.height, photo)
            self._execute_statement("UPDATE photos SET width = ?, height = ? WHERE id = ?", size)
        if outcome.vector is not None:
            self._execute_statement(
                "INSERT OR IGNORE INTO embeddings (photo, model, vector, precision) VALUES (?, ?, ?, ?)",
                (photo, model, np.asarray(outcome.vector, "<f2").tobytes(), outcome.precision),
            )
        elif outcome.reason is not None:
            failure = (photo, model, outcome.reason, outcome.needs)
            self._execute_statement("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", failure)
        return photo

    def _record_file(self, outcome: FileOutcome, photo: int | None) -> None:
        file = outcome.file
        self._execute_statement(
            "INSERT OR REPLACE INTO files (root, path, size, mtime_ns, ctime_ns, state, photo, label, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (outcome.root, *file[:4], "present" if photo else "failed", photo, outcome.label, outcome.reason),
        )

    def _drop_moved_file(self, photo: int) -> int:
        """Forget one missing file of a photo that has turned up under another path; returns how many (0 or 1)."""
        return self._execute_statement(
            "DELETE FROM files WHERE id = (SELECT min(id) FROM files WHERE photo = ? AND state = 'missing')", (photo,)
        )

    # what there is

    def find_shown_ids(self, model: int) -> np.ndarray:
        """Ids (n,) int64 of photos with a present file and an embedding, in the order of (root, path)."""
        rows = self._fetch_rows(
            "SELECT photo FROM files WHERE state = 'present' AND EXISTS (SELECT 1 FROM embeddings AS e "
            "WHERE e.photo = files.photo AND e.model = ?) ORDER BY root, path",
            (model,),
        )
        return np.fromiter(dict.fromkeys(row[0] for row in rows), np.int64)

    def find_photo_id(self, sha256: bytes | None) -> int:
        """The id of the photo with this content, 0 where there is none."""
        return self._fetch_integer("SELECT id FROM photos WHERE sha256 = ?", (sha256,))

    def find_last_photo_id(self) -> int:
        """The highest id ever given to a photo: ids are not used twice."""
        return self._fetch_integer("SELECT seq FROM sqlite_sequence WHERE name = 'photos'")

    def find_shown_photos(self, ids: Sequence[int]) -> list[ShownPhoto]:
        """The photos of these ids as people see them, in the order asked; ids without a present file are left out."""
        found: dict[int, ShownPhoto] = {}
        for start in range(0, len(ids), 500):  # SQLite takes a limited number of bound values
            part = [int(id) for id in ids[start : start + 500]]
            rows = self._fetch_rows(
                "SELECT photos.id, sha256, width, height, roots.path, files.path, online, "
                f"(SELECT {LABEL_SQL} FROM files AS f LEFT JOIN labels AS l ON l.photo = f.photo "
                "WHERE f.photo = photos.id AND f.state = 'present'), 0 "
                "FROM files JOIN photos ON photos.id = files.photo JOIN roots ON roots.id = files.root WHERE "
                f"files.state = 'present' AND files.photo IN ({','.join('?' * len(part))}) "
                "ORDER BY online DESC, files.root, files.path",
                part,
            )
            for row in rows:
                photo = ShownPhoto._make(row)
                first = found.setdefault(photo.id, photo._replace(copies=-1))
                found[photo.id] = first._replace(copies=first.copies + 1)
        return [found[int(id)] for id in ids if int(id) in found]

    def list_failed_files(self, model: int) -> list[FailedFile]:
        """Files that could not be read, and present files whose content could not be used, by root and path."""
        rows = self._fetch_rows(
            "SELECT roots.path, bad.path, bad.reason FROM (SELECT root, path, f.reason FROM failures AS f JOIN files "
            "ON files.photo = f.photo AND state = 'present' WHERE f.model = ? UNION ALL "
            "SELECT root, path, reason FROM files WHERE state = 'failed') AS bad "
            "JOIN roots ON roots.id = bad.root ORDER BY bad.root, bad.path",
            (model,),
        )
        return [FailedFile(join_path(root, path), reason) for root, path, reason in rows]

    def count_files(self, model: int, root: int | None = None) -> int:
        """Present files whose photo has an embedding under the model, of one root or of all."""
        return self._fetch_integer(
            "SELECT count(*) FROM files JOIN embeddings AS e ON e.photo = files.photo AND e.model = ? "
            "WHERE state = 'present' AND (? IS NULL OR root = ?)",
            (model, root, root),
        )

    def count_photos(self, model: int) -> int:
        """Photos with a present file and an embedding under the model."""
        return self._fetch_integer(
            "SELECT count(*) FROM embeddings AS e WHERE model = ? AND "
            "EXISTS (SELECT 1 FROM files WHERE photo = e.photo AND state = 'present')",
            (model,),
        )

    def count_missing(self) -> int:
        """Files that were there once and are not now."""
        return self._fetch_integer("SELECT count(*) FROM files WHERE state = 'missing'")

    def forget_missing(self) -> int:
        """Delete the rows of missing files, and of photos that no file holds any more; returns the photos dropped."""
        with self.transaction():
            self._execute_statement("DELETE FROM files WHERE state = 'missing'")
            return self._drop_unused_photos()

    def forget_root(self, root: int) -> int:
        """Delete a root with its files, and photos that no file holds any more; returns the photos dropped."""
        with self.transaction():
            self._execute_statement("DELETE FROM roots WHERE id = ?", (root,))
            return self._drop_unused_photos()

    def _drop_unused_photos(self) -> int:
        return self._execute_statement(
            "DELETE FROM photos WHERE id NOT IN (SELECT photo FROM files WHERE photo IS NOT NULL)"
        )

    # embeddings and generations

    def read_embedding(self, photo: int, model: int) -> np.ndarray | None:
        """The stored vector (dim,) float16 of a photo under the model."""
        rows = self._fetch_rows("SELECT vector FROM embeddings WHERE photo = ? AND model = ?", (photo, model))
        return np.frombuffer(rows[0][0], "<f2") if rows else None

    def count_embeddings(self, model: int, above: int = 0) -> int:
        """Embeddings of the model with seq > above; the + lets an index count them, as their table holds vectors."""
        return self._fetch_integer("SELECT count(*) FROM embeddings WHERE model = ? AND +seq > ?", (model, above))

    def count_by_precision(self, model: int, above: int, upto: int) -> dict[str, int]:
        """How many embeddings of the model with above < seq <= upto have each precision, a text even where damaged."""
        sql = "SELECT precision || '', count(*) FROM embeddings WHERE model = ? AND seq > ? AND seq <= ? GROUP BY 1"
        return dict(self._fetch_rows(sql, (model, above, upto)))

    def find_last_seq(self, model: int) -> int:
        """The highest seq of the model's embeddings, 0 when it has none."""
        return self._fetch_integer("SELECT max(seq) FROM embeddings WHERE model = ?", (model,))

    def read_embeddings(self, model: int, above: int, upto: int | None = None, limit: int = -1) -> StoredEmbeddings:
        """Embeddings of the model with above < seq <= upto, in order of seq, at most `limit` of them."""
        rows = self._fetch_rows(
            "SELECT seq, photo, vector FROM embeddings WHERE model = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (model, above, upto if upto is not None else MAX_INTEGER, limit),
        )
        seqs = np.array([row[0] for row in rows], np.int64)
        ids = np.array([row[1] for row in rows], np.int64)
        values = np.frombuffer(b"".join(row[2] for row in rows), "<f2")
        return StoredEmbeddings(seqs, ids, values.reshape(len(rows), -1) if rows else np.empty((0, 0), np.float16))

    def find_generation(self, model: int) -> GenerationRow | None:
        """The newest published generation of the model."""
        rows = self._fetch_rows(
            "SELECT number, model, built_upto, rows, manifest_sha256 FROM generations "
            "WHERE model = ? AND manifest_sha256 IS NOT NULL ORDER BY number DESC LIMIT 1",
            (model,),
        )
        return GenerationRow._make(rows[0]) if rows else None

    def find_generation_numbers(self) -> set[int]:
        """The newest published generation of each model: the ones to keep."""
        rows = self._fetch_rows("SELECT max(number) FROM generations WHERE manifest_sha256 IS NOT NULL GROUP BY model")
        return {row[0] for row in rows}

    def reserve_generation(self, model: int, built_upto: int) -> int:
        """A fresh number for a generation that is about to be built."""
        with self.transaction():
            self._execute_statement(
                "INSERT INTO generations (model, built_upto, rows) VALUES (?, ?, 0)", (model, built_upto)
            )
            return self._fetch_integer("SELECT last_insert_rowid()")

    def confirm_generation(self, number: int, rows: int, manifest_sha256: str) -> None:
        """Make a built generation the one that searches use; numbers that never came to that are dropped."""
        with self.transaction():
            built = (rows, manifest_sha256, number)
            self._execute_statement("UPDATE generations SET rows = ?, manifest_sha256 = ? WHERE number = ?", built)
            self._execute_statement("DELETE FROM generations WHERE manifest_sha256 IS NULL")

    def discard_generation(self, number: int) -> None:
        """Forget a generation whose files are damaged, so that the next run builds a new one."""
        self._execute_statement("DELETE FROM generations WHERE number = ?", (number,))
