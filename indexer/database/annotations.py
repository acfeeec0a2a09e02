"""The SQL of what the user has said about photos: labels, decisions on pairs, saved searches.

These belong to photos, not to files or models, so they survive moves, copies and a change of model. They are short
writes that do not wait for a job.
"""

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import NamedTuple

from indexer.database.interface import Database, SqlStatement
from indexer.errors import LookalikeError
from indexer.wording import normalise_label

NO_MATCH = "no match"
LABEL_SQL = "coalesce(max(l.label), CASE WHEN min(f.label) = max(f.label) THEN min(f.label) END)"
"""The label of a photo, in SQL over all its present files `f` with its row `l` of labels: the user's own where there is
one, else a folder's. A content that lies in folders of different classes has none unless the user gave it one.
"""


_CONTENT_HASH = re.compile("[0-9a-f]{64}")  # as saved searches name photos


def select_annotated_photos(database: Database) -> str:
    """An SQL query for the ids of all photos that the user has labelled, made a decision on, or put into a saved
    search.
    """
    named = set()
    for (query,) in database.fetch_rows("SELECT query FROM searches"):
        for sha256 in set(_CONTENT_HASH.findall(str(query))):
            named |= set(database.fetch_rows("SELECT id FROM photos WHERE sha256 = ?", (bytes.fromhex(sha256),)))
    listed = ", ".join(str(photo) for (photo,) in sorted(named))
    in_searches = f" UNION SELECT id FROM photos WHERE id IN ({listed})" if named else ""
    return f"SELECT photo FROM labels UNION SELECT photo FROM decisions UNION SELECT other FROM decisions{in_searches}"


class AnnotationCounts(NamedTuple):
    """The numbers of photos with a label of the user's, of pairs with a decision, and of saved searches."""

    labels: int
    decisions: int
    searches: int


class Annotations:
    """Labels, decisions and saved searches in a library's database; used in the database's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count_annotations(self) -> AnnotationCounts:
        """The numbers of the user's labels, decisions and saved searches in the library."""
        tables = ("labels", "decisions", "searches")
        return AnnotationCounts(*(self._database.fetch_integer(f"SELECT count(*) FROM {table}") for table in tables))

    # labels

    def read_labels(self, model: int, photos: Sequence[int] | None = None) -> dict[int, str]:
        """Photo id -> label of every shown photo that has one (LABEL_SQL), or of those among these `photos`."""
        wanted = None if photos is None else self._database.dialect.list_values(photos)
        photo_condition = "" if wanted is None else f"f.photo IN {wanted.sql} AND "
        rows = self._database.fetch_rows(
            f"SELECT f.photo, {LABEL_SQL} FROM files AS f "
            f"LEFT JOIN labels AS l ON l.photo = f.photo WHERE {photo_condition}f.state = 'present' AND EXISTS "
            "(SELECT 1 FROM embeddings AS e WHERE e.photo = f.photo AND e.model = ?) "
            f"GROUP BY f.photo HAVING {LABEL_SQL} IS NOT NULL",
            (model,) if wanted is None else (wanted.value, model),
        )
        return dict(rows)

    def read_user_labels(self, photos: Iterable[int]) -> dict[int, str | None]:
        """Photo id -> the user's own label of each of these photos, None for one without."""
        labels: dict[int, str | None] = dict.fromkeys(photos)
        wanted = self._database.dialect.list_values(labels)
        rows = self._database.fetch_rows(
            f"SELECT photo, label FROM labels WHERE photo IN {wanted.sql}", (wanted.value,)
        )
        return labels | dict(rows)

    def set_label(self, photos: Iterable[int], label: str | None) -> None:
        """Set the user's label of photos, all or none; None removes it, and the folder's label counts again.

        It is stored in one Unicode spelling, whichever it comes in.

        Raises LookalikeError where the label is empty or not printable.
        """
        self.set_labels(dict.fromkeys(photos, label))

    def set_labels(self, labels: Mapping[int, str | None]) -> None:
        """Set the user's label of each photo, as `set_label` does, all or none."""
        for text in {label for label in labels.values() if label is not None}:
            require_label(text)
        with self._database.transaction():
            self._database.execute_together([_write_label(photo, label) for photo, label in labels.items()])

    def fingerprint_labels(self) -> tuple[int, int]:
        """A checksum of the user's labels and of the names of folder labels, and the number of files with a label.

        The checksum stays the same when photos come or go below a folder whose name is already a label, and when one of
        them moves from class to class.
        """
        user_labels = self._database.fetch_rows("SELECT photo, label FROM labels ORDER BY photo")
        folder_labels = self._database.fetch_rows(
            "SELECT DISTINCT label FROM files WHERE state = 'present' ORDER BY label"
        )
        labelled_files = self._database.fetch_integer("SELECT count(label) FROM files WHERE state = 'present'")
        return zlib.crc32(json.dumps([user_labels, folder_labels]).encode()), labelled_files

    # decisions

    def read_decisions(self, decision: str = NO_MATCH) -> set[tuple[int, int]]:
        """Pairs of photo ids, the smaller first, about which the user has made this decision."""
        return set(
            starmap(
                _order_pair,
                self._database.fetch_rows("SELECT photo, other FROM decisions WHERE decision = ?", (decision,)),
            )
        )

    def record_decision(self, pairs: Iterable[tuple[int, int]], decision: str | None = NO_MATCH) -> None:
        """Store a decision about pairs of photos, in place of an earlier one; None removes what was decided."""
        with self._database.transaction():
            for pair in starmap(_order_pair, pairs):
                writes: list[SqlStatement] = [("DELETE FROM decisions WHERE photo = ? AND other = ?", pair)]
                if decision is not None:
                    writes.append(("INSERT INTO decisions VALUES (?, ?, ?)", (*pair, decision)))
                self._database.execute_together(writes)

    # saved searches

    def read_searches(self) -> dict[str, object]:
        """The saved searches by name, each as the JSON value that was saved, None where that is damaged."""
        return {
            name: _parse_json(text)
            for name, text in self._database.fetch_rows("SELECT name, query FROM searches ORDER BY name")
        }

    def save_search(self, name: str, query: object | None) -> None:
        """Store a search by name as JSON, in place of an earlier one of that name; None removes it."""
        if query is None:
            self._database.execute_statement("DELETE FROM searches WHERE name = ?", (name,))
        else:
            self._database.execute_statement(
                "INSERT INTO searches VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET query = excluded.query",
                (name, json.dumps(query)),
            )


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _order_pair(photo: int, other: int) -> tuple[int, int]:
    return (photo, other) if photo < other else (other, photo)


def require_label(text: str) -> None:
    """Raise LookalikeError where a text is no label: empty, or not printable."""
    if not text.strip() or not text.isprintable():
        raise LookalikeError("A label is a word or a few, on one line.")


def _write_label(photo: int, label: str | None) -> SqlStatement:
    """The statement that gives a photo the user's label, or takes it away."""
    if label is None:
        return "DELETE FROM labels WHERE photo = ?", (photo,)
    replacing = "ON CONFLICT (photo) DO UPDATE SET label = excluded.label"
    return f"INSERT INTO labels VALUES (?, ?) {replacing}", (photo, normalise_label(label.strip()))
