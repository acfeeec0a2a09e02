"""The SQL of photos, embeddings and failures: each content once, with its vector or its failure under each model.

A photo is a content (sha256), not a file: copies share one, and a moved file finds its own again. Embeddings are
numbered by `seq` in the order they were committed, which is how search files and counts go on from the last time.

Each has a checksum, as a vector with a few flipped bits still looks like one. Only those are given out that agree with
it, have the model's dimension and unit length; for the others it is as if they were not there.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.database.annotations import LABEL_SQL
from indexer.database.contents import match_offline_twins
from indexer.database.file_table import PHOTO_OF_CONTENT, FileOutcome
from indexer.database.interface import MAX_INTEGER, Database, DatabaseState, SqlStatement
from indexer.paths import join_path

BOUND_VALUES = 500  # bound to one statement at most: SQLite takes a limited number
LENGTH_TOLERANCE = 5e-3  # of a unit vector's length; storing in float16 changes it by 5e-4 at most
ROWS_PER_CHECK = 1024
CAPTURE_COLUMNS = (
    *("taken_us", "offset_minutes", "make", "model", "lens", "exposure_seconds", "f_number", "iso", "focal_length_mm"),
    *("latitude", "longitude"),
)  # of the table `captures`, behind the photo


_REPLACE_CAPTURE = (
    f"INSERT INTO captures VALUES ({{photo}}{', ?' * 11}) ON CONFLICT (photo) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in CAPTURE_COLUMNS)
)


class ShownPhoto(NamedTuple):
    """A photo as people see it: one present file's root and relative path, the number of further copies, its label.

    `taken_us` is that file's, `capture` the columns of `captures` behind the photo, None where there is no row of it.
    `labeller` says who labelled it and when (`SqlDialect.name_labeller`).
    """

    id: int
    sha256: bytes
    width: int
    height: int
    root: bytes
    path: bytes
    online: bool
    label: str | None
    copies: int
    file_size: int
    taken_us: int | None
    labeller: str | None
    capture: tuple[Any, ...] | None


class UnreadCapture(NamedTuple):
    """A photo whose EXIF is to be read, and the absolute path of one file that holds it."""

    photo: int
    path: bytes


class StoredEmbeddings(NamedTuple):
    """Embeddings of one model: seqs (n,) and photo ids (n,) int64, vectors (n, dim) float16."""

    seqs: np.ndarray
    ids: np.ndarray
    values: np.ndarray


class EmbeddingTable:
    """Photos, embeddings and failures in a library's database; used in the database's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: tuple[DatabaseState, int] | None = None  # the state that `count_photos` was asked in, its answer

    # photos

    def find_photo_id(self, sha256: bytes | None) -> int:
        """The id of the photo with this content, 0 where there is none."""
        return self._database.fetch_integer("SELECT id FROM photos WHERE sha256 = ?", (sha256,))

    def find_same_pictures(self, sha256: bytes) -> list[int]:
        """The ids of all photos with this content or with the same pixels, which differ where a keyword was written
        into a file.

        The hash may also be that of the decoded pixels.
        """
        same_pixels = "pixel_sha256 = ?1 OR pixel_sha256 = (SELECT pixel_sha256 FROM photos WHERE sha256 = ?1)"
        rows = self._database.fetch_rows(f"SELECT id FROM photos WHERE sha256 = ?1 OR {same_pixels}", (sha256,))
        return sorted(int(photo) for (photo,) in rows)

    def read_pixel_hashes(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The hashes of the pixels of these photos, as decoded for the model that embedded them last; by id."""
        found: dict[int, bytes] = {}
        for start in range(0, len(ids), BOUND_VALUES):
            part = [int(photo) for photo in ids[start : start + BOUND_VALUES]]
            marks = ", ".join("?" * len(part))
            rows = self._database.fetch_rows(f"SELECT id, pixel_sha256 FROM photos WHERE id IN ({marks})", part)
            found |= {int(photo): bytes(pixels) for photo, pixels in rows if pixels is not None}
        return found

    def find_last_photo_id(self) -> int:
        """The highest id ever given to a photo: ids are not used twice."""
        return self._database.find_last_id("photos")

    def find_shown_photos(self, ids: Sequence[int]) -> list[ShownPhoto]:
        """The photos of these ids as people see them, in the order asked; ids without a present file are left out."""
        found: dict[int, ShownPhoto] = {}
        for start in range(0, len(ids), BOUND_VALUES):
            for photo in self._fetch_shown_files([int(id) for id in ids[start : start + BOUND_VALUES]]):
                first = found.setdefault(photo.id, photo._replace(copies=-1))
                found[photo.id] = first._replace(copies=first.copies + photo.copies)
        shown = (found[int(id)] for id in ids if int(id) in found)
        return [photo._replace(copies=max(0, photo.copies)) for photo in shown]

    def _fetch_shown_files(self, ids: list[int]) -> list[ShownPhoto]:
        """Every present file of these photos as a ShownPhoto, files of online roots first, and links after others.

        Its `copies` are 1, or 0 for a file that is known at another path too: a link, or one of an offline twin.
        """
        rows = self._database.fetch_rows(
            "SELECT photos.id, sha256, width, height, roots.path, files.path, online, "
            f"(SELECT {LABEL_SQL} FROM files AS f LEFT JOIN labels AS l ON l.photo = f.photo "
            "WHERE f.photo = photos.id AND f.state = 'present'), "
            f"NOT linked AND NOT ({match_offline_twins('files', 'roots')}), files.size, files.taken_us, "
            f"{self._database.dialect.name_labeller('photos.id')}, captures.* "
            "FROM files JOIN photos ON photos.id = files.photo JOIN roots ON roots.id = files.root "
            "LEFT JOIN captures ON captures.photo = photos.id WHERE "
            f"files.state = 'present' AND files.photo IN ({','.join('?' * len(ids))}) "
            "ORDER BY online DESC, linked, files.root, files.path",
            ids,
        )
        return [ShownPhoto._make((*row[:12], None if row[12] is None else row[13:])) for row in rows]

    def count_photos(self, model: int) -> int:
        """The number of photos with a present file and an embedding under the model.

        It is counted again when the database has changed: at 100,000 photos that takes longer than a search.
        """
        state = None if self._database.is_shared else self._database.read_state(str(model))  # a server remembers itself
        if self._counted is not None and self._counted[0] == state:
            return self._counted[1]
        count = self._database.fetch_integer(
            "SELECT count(*) FROM embeddings AS e WHERE model = ? AND "
            "EXISTS (SELECT 1 FROM files WHERE photo = e.photo AND state = 'present')",
            (model,),
        )
        self._counted = None if state is None else (state, count)
        return count

    # what became of a content under a model

    def record_captures(self, captures: Iterable[tuple[int, Sequence[object]]]) -> None:
        """Store the capture facts of photos, given as (photo id, the other columns of `captures`).

        The caller holds the transaction.
        """
        rows = [(photo, *values) for photo, values in captures]
        self._database.execute_many(_REPLACE_CAPTURE.format(photo="?"), rows)
        known = [(row[1], row[0]) for row in rows if row[1] is not None]
        self._database.execute_many("UPDATE files SET taken_us = ? WHERE photo = ?", known)

    def list_unread_captures(self) -> list[UnreadCapture]:
        """The embedded photos whose EXIF no version has read yet, each with one present file that is not offline."""
        rows = self._database.fetch_rows(
            "SELECT photo, folder, path FROM (SELECT f.photo, r.path AS folder, f.path, "
            "row_number() OVER (PARTITION BY f.photo ORDER BY f.path, f.root) AS place "
            "FROM files AS f JOIN roots AS r ON r.id = f.root WHERE r.online AND "
            "f.state = 'present' AND NOT EXISTS (SELECT 1 FROM captures AS c WHERE c.photo = f.photo) "
            "AND EXISTS (SELECT 1 FROM embeddings AS e WHERE e.photo = f.photo)) AS unread WHERE place = 1",
        )
        return [UnreadCapture(photo, join_path(root, path)) for photo, root, path in rows]

    def is_content_finished(self, sha256: bytes, model: int) -> bool:
        """Whether this content already has an embedding or a failure under the model."""
        sql = (
            "SELECT 1 FROM photos WHERE sha256 = ? AND (id IN (SELECT photo FROM embeddings WHERE model = ? AND "
            "photo = photos.id) OR id IN (SELECT photo FROM failures WHERE model = ? AND photo = photos.id))"
        )
        return bool(self._database.fetch_rows(sql, (sha256, model, model)))

    def forget_curable_failures(self, extra: str) -> None:
        """Delete failures that only lacked an optional package which is now installed, so that they are tried again."""
        self._database.execute_statement("DELETE FROM failures WHERE needs = ?", (extra,))

    def drop_decodings(self, root: int, paths: Iterable[bytes]) -> None:
        """Delete the embeddings of the photos that these files of a root hold, and the failures of the whole root.

        The search files go with embeddings, as they hold the same vectors. The caller holds the transaction.
        """
        sql = "DELETE FROM failures WHERE photo IN (SELECT photo FROM files WHERE root = ?)"
        self._database.execute_statement(sql, (root,))
        sql = "DELETE FROM embeddings WHERE photo = (SELECT photo FROM files WHERE root = ? AND path = ?)"
        if sum([self._database.execute_statement(sql, (root, path)) for path in paths]):
            self._database.execute_statement("DELETE FROM generations")

    # embeddings

    def read_embedding(self, photo: int, model: int) -> np.ndarray | None:
        """The stored vector (dim,) float16 of a photo under the model, None where it has no sound one."""
        stored = self._fetch_vectors("photo = ? AND e.model = ?", (photo, model), limit=1)
        values = select_sound_rows(stored, self._find_dim(model)).values
        return values[0] if len(values) else None

    def read_photo_vectors(self, photos: Sequence[int], model: int) -> dict[int, np.ndarray]:
        """The stored vectors (dim,) float16 of those photos that have a sound one under the model, by id, in the order
        of `photos`; one question.
        """
        wanted = self._database.dialect.list_values([int(photo) for photo in photos])
        condition = f"e.photo IN {wanted.sql} AND e.model = ?"
        stored = self._fetch_vectors(condition, (wanted.value, model), limit=MAX_INTEGER)
        sound = select_sound_rows(stored, self._find_dim(model))
        found = dict(zip(sound.ids.tolist(), sound.values, strict=True))
        return {int(photo): found[int(photo)] for photo in photos if int(photo) in found}

    def sample_embeddings(self, model: int, above: Sequence[int]) -> StoredEmbeddings:
        """For each of these seqs, in their order, the model's next embedding behind it, where there is a sound one."""
        starts = self._database.dialect.list_values(above)
        behind = "SELECT min(e.seq) FROM embeddings AS e WHERE e.model = ?2 AND e.seq > starts.seq"
        sql = f"WITH starts(seq) AS {starts.sql.replace('?', '?1')} SELECT seq, ({behind}) FROM starts"
        next_seqs: dict[int, int | None] = dict(self._database.fetch_rows(sql, (starts.value, model)))
        wanted = self._database.dialect.list_values([seq for seq in next_seqs.values() if seq is not None])
        stored = self._fetch_vectors(f"e.seq IN {wanted.sql}", (wanted.value,), limit=MAX_INTEGER)
        rows = {row.seq: row for row in stored}
        drawn = [rows[following] for seq in above if (following := next_seqs[seq]) in rows]
        return select_sound_rows(drawn, self._find_dim(model))

    def read_embeddings(
        self, model: int, above: int, upto: int | None = None, limit: int = MAX_INTEGER
    ) -> StoredEmbeddings:
        """Sound embeddings of the model with above < seq <= upto, in order of seq, at most `limit` of them.

        There are none only where none with a higher seq is sound either.
        """
        dim = self._find_dim(model)
        while stored := self._fetch_seqs(model, above, upto, limit):
            sound = select_sound_rows(stored, dim)
            if len(sound.seqs):
                return sound
            above = stored[-1].seq
        return select_sound_rows([], dim)

    def find_damaged(self, model: int, above: int = 0) -> list[int]:
        """The seqs of the model's embeddings with seq > above that are not sound; reads all of them."""
        dim, damaged = self._find_dim(model), list[int]()
        while stored := self._fetch_seqs(model, above, None, ROWS_PER_CHECK):
            sound = set(select_sound_rows(stored, dim).seqs.tolist())
            damaged += [row.seq for row in stored if row.seq not in sound]
            above = stored[-1].seq
        return damaged

    def drop_embeddings(self, seqs: Sequence[int]) -> None:
        """Delete embeddings, so that the next run embeds their photos again."""
        with self._database.transaction():
            self._database.execute_many("DELETE FROM embeddings WHERE seq = ?", ((seq,) for seq in seqs))

    def _find_dim(self, model: int) -> int:
        return self._database.fetch_integer("SELECT dim FROM models WHERE id = ?", (model,))

    def _fetch_seqs(self, model: int, above: int, upto: int | None, limit: int) -> "list[VectorRow]":
        condition = "e.model = ? AND e.seq > ? AND e.seq <= ? ORDER BY e.seq"
        return self._fetch_vectors(condition, (model, above, upto if upto is not None else MAX_INTEGER), limit=limit)

    def _fetch_vectors(self, condition: str, values: Sequence[object], *, limit: int) -> "list[VectorRow]":
        rows = self._database.fetch_rows(
            "SELECT e.seq, photo, vector, crc32 FROM embeddings AS e LEFT JOIN checksums AS c ON c.seq = e.seq "
            f"WHERE {condition} LIMIT ?",
            (*values, limit),
        )
        return list(map(VectorRow._make, rows))

    def record_mapped(self, mapped: StoredEmbeddings, base: int, model: int) -> None:
        """Store vectors under `model` that were computed from those under `base`, with their precision.

        A photo that has an embedding under the model keeps it. The caller holds the transaction.
        """
        self._database.execute_many(
            "INSERT INTO embeddings (photo, model, vector, precision) SELECT photo, ?, ?, precision FROM embeddings "
            "WHERE photo = ? AND model = ? ON CONFLICT DO NOTHING",
            (
                (model, np.asarray(vector, "<f2").tobytes(), int(photo), base)
                for photo, vector in zip(mapped.ids, mapped.values, strict=True)
                if np.isfinite(vector).all()
            ),
        )
        self._database.execute_many(
            "INSERT INTO checksums SELECT seq, ? FROM embeddings WHERE photo = ? AND model = ? ON CONFLICT DO NOTHING",
            (
                (zlib.crc32(np.asarray(vector, "<f2").tobytes()), int(photo), model)
                for photo, vector in zip(mapped.ids, mapped.values, strict=True)
            ),
        )

    def find_last_seq(self, model: int) -> int:
        """The highest seq of the model's embeddings, 0 when it has none."""
        return self._database.fetch_integer("SELECT max(seq) FROM embeddings WHERE model = ?", (model,))

    def count_embeddings(self, model: int, above: int = 0) -> int:
        """The number of the model's embeddings with seq > above."""
        # The + lets an index count them, as their table holds vectors.
        sql = "SELECT count(*) FROM embeddings WHERE model = ? AND +seq > ?"
        return self._database.fetch_integer(sql, (model, above))

    def count_by_precision(self, model: int, above: int, upto: int) -> dict[str, int]:
        """The number of the model's embeddings with above < seq <= upto for each stored precision, as text even where
        damaged.
        """
        sql = "SELECT precision || '', count(*) FROM embeddings WHERE model = ? AND seq > ? AND seq <= ? GROUP BY 1"
        return dict(self._database.fetch_rows(sql, (model, above, upto)))


class VectorRow(NamedTuple):
    """An embedding as it is stored; `crc32` is None where its checksum is missing."""

    seq: int
    photo: int
    vector: bytes
    crc32: int | None


def select_sound_rows(rows: Sequence[VectorRow], dim: int) -> StoredEmbeddings:
    """The rows that agree with their checksums, have `dim` numbers and unit length."""
    agreeing = [row for row in rows if len(row.vector) == 2 * dim and zlib.crc32(row.vector) == row.crc32]
    values = np.frombuffer(b"".join([row.vector for row in agreeing]), "<f2").reshape(len(agreeing), dim)
    exact = values.astype(np.float32)
    is_sound = np.abs(np.sqrt(np.einsum("ij,ij->i", exact, exact)) - 1) <= LENGTH_TOLERANCE  # NaN is not
    seqs, ids = (np.array([row[column] for row in agreeing], np.int64) for column in (0, 1))
    if is_sound.all():
        return StoredEmbeddings(seqs, ids, values)
    return StoredEmbeddings(seqs[is_sound], ids[is_sound], values[is_sound])


def list_photo_writes(outcome: FileOutcome, model: int) -> Iterator[SqlStatement]:
    """The statements that store a known content, as seen in a file, with its embedding or failure under the model.

    An embedding that is there already stays; a failure takes the place of an earlier one.
    """
    sha256 = outcome.sha256
    if outcome.width:
        seen = (outcome.width, outcome.height, outcome.pixel_sha256, sha256)
        yield "UPDATE photos SET width = ?, height = ?, pixel_sha256 = ? WHERE sha256 = ?", seen
    if outcome.capture is not None:
        yield _REPLACE_CAPTURE.format(photo=PHOTO_OF_CONTENT), (sha256, *outcome.capture)
        if outcome.capture[0] is not None:
            yield f"UPDATE files SET taken_us = ? WHERE photo = {PHOTO_OF_CONTENT}", (outcome.capture[0], sha256)
    if outcome.vector is not None:
        vector = np.asarray(outcome.vector, "<f2").tobytes()
        yield (
            f"INSERT INTO embeddings (photo, model, vector, precision) VALUES ({PHOTO_OF_CONTENT}, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (sha256, model, vector, outcome.precision),
        )
        yield (
            f"INSERT INTO checksums SELECT seq, ? FROM embeddings WHERE photo = {PHOTO_OF_CONTENT} AND model = ? "
            "ON CONFLICT DO NOTHING",
            (zlib.crc32(vector), sha256, model),
        )
    elif outcome.reason is not None:
        yield (
            f"INSERT INTO failures VALUES ({PHOTO_OF_CONTENT}, ?, ?, ?) "
            "ON CONFLICT (photo, model) DO UPDATE SET reason = excluded.reason, needs = excluded.needs",
            (sha256, model, outcome.reason, outcome.needs),
        )
