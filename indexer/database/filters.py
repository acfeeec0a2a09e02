"""The SQL of filters: which photos a search is about, by label, folder, name, date, size and orientation.

A photo passes where one present file of it does. Dates are those of the taking by the camera's clock; of a file that
names none, those of its last change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from indexer.database.annotations import LABEL_SQL
from indexer.database.interface import MAX_INTEGER, Database
from indexer.errors import LookalikeError
from indexer.paths import find_relative_path, fold_text, is_below, list_spellings, make_prefix
from indexer.wording import convert_to_microseconds, normalise_label

ORIENTATIONS = {"landscape": "p.width > p.height", "portrait": "p.width < p.height", "square": "p.width = p.height"}

SqlCondition = tuple[str, list[object]]
"""A condition for a WHERE clause, and the values that are bound to it."""

_NO_CONDITION: SqlCondition = ("TRUE", [])


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on photos, of which all that are not None must hold.

    `after` includes its moment, `before` excludes it, both by the camera's clock, or by local time where the file names
    no moment of its taking. `min_side` is the least short side in pixels; `under` a folder that the file lies below,
    which may be a root, lie in a root or hold roots. `named` holds words of which each must stand in the file's path
    below its root or in the photo's label, in any case and Unicode spelling.
    """

    label: str | None = None
    under: Path | None = None
    after: datetime | None = None
    before: datetime | None = None
    min_side: int | None = None
    orientation: str | None = None
    named: str | None = None

    def __post_init__(self) -> None:
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise LookalikeError(
                "There is no orientation {orientation!r}. Choose {names}.",
                orientation=self.orientation,
                names=", ".join(ORIENTATIONS),
            )


def build_filter(fields: Mapping[str, Any]) -> Filter | None:
    """The filter with these fields; None where all of them are None."""
    return Filter(**fields) if any(value is not None for value in fields.values()) else None


def find_present_photos(database: Database, within: Filter | None) -> np.ndarray:
    """Ids (n,) int64 of photos of which a present file passes the filter, with repetitions, in no order."""
    where, values = ("TRUE", list[object]()) if within is None else _build_where(database, within)
    # As one text: a million rows as Python objects take four times as long.
    index = database.dialect.hint_index("files_by_text") if within is not None and within.named else ""
    numbers_sql = database.dialect.concatenate("f.photo")
    sql = f"SELECT {numbers_sql} FROM files AS f {index} WHERE f.state = 'present' AND {where}"
    found = parse_numbers(database.fetch_rows(sql, values)[0][0])
    if within is None or (within.min_side is None and within.orientation is None):
        return found
    has_shape = _match_shapes(database, within, 1 + int(found.max(initial=0)))
    return np.compress(has_shape[found], found)


def build_photo_condition(database: Database, within: Filter | None, photo: str, *, one_by_one: bool) -> SqlCondition:
    """The SQL condition that a present file of a photo passes the filter; `photo` is the column with the photo's id.

    With `one_by_one` it is looked up for each photo, else the database may make a list of all that pass.
    """
    where, values = _NO_CONDITION if within is None else _build_where(database, within)
    side, orientation, sides = "TRUE", "TRUE", list[object]()
    if within is not None and within.min_side is not None:
        side, sides = "p.width >= ? AND p.height >= ?", [min(within.min_side, MAX_INTEGER)] * 2
    if within is not None and within.orientation is not None:
        orientation = ORIENTATIONS[within.orientation]
    shapes = "JOIN photos AS p ON p.id = f.photo " if {side, orientation} != {"TRUE"} else ""
    passing = f"FROM files AS f {shapes}WHERE f.state = 'present' AND {where} AND {side} AND {orientation}"
    if one_by_one:
        return f"(SELECT count(*) {passing} AND f.photo = {photo}) > 0", [*values, *sides]
    return f"{photo} IN (SELECT f.photo {passing})", [*values, *sides]


def count_present_photos(database: Database, within: Filter | None) -> int:
    """The number of photos of which a present file passes the filter."""
    condition, values = build_photo_condition(database, within, "p.id", one_by_one=False)
    return database.fetch_integer(f"SELECT count(*) FROM photos AS p WHERE {condition}", values)


def find_present_among(database: Database, within: Filter | None, photos: Sequence[int]) -> list[int]:
    """Those of the photos of which a present file passes the filter."""
    if not photos:
        return []
    wanted = database.dialect.list_values(photos)
    condition, values = build_photo_condition(database, within, "p.id", one_by_one=False)
    sql = f"SELECT p.id FROM photos AS p WHERE p.id IN {wanted.sql} AND {condition}"
    return [int(photo) for (photo,) in database.fetch_rows(sql, [wanted.value, *values])]


def _match_shapes(database: Database, within: Filter, count: int) -> np.ndarray:
    """Whether the photo of each id below `count` (count,) has the size and the orientation that are wanted."""
    side = "TRUE" if within.min_side is None else "p.width >= ?1 AND p.height >= ?1"
    values = () if within.min_side is None else (min(within.min_side, MAX_INTEGER),)
    orientation = "TRUE" if within.orientation is None else ORIENTATIONS[within.orientation]
    sql = f"SELECT {database.dialect.concatenate('p.id')} FROM photos AS p WHERE {side} AND {orientation}"
    ids = parse_numbers(database.fetch_rows(sql, values)[0][0])
    has_shape = np.zeros(count, np.bool_)
    has_shape[ids[ids < count]] = True
    return has_shape


def parse_numbers(numbers: str | None) -> np.ndarray:
    """The integers (n,) int64 that the database gives as one text (`SqlDialect.concatenate`)."""
    return np.fromstring(numbers, np.int64, sep=",") if numbers else np.zeros(0, np.int64)


def _build_where(database: Database, within: Filter) -> SqlCondition:
    """The conditions of the filter on files `f`."""
    words = (within.named or "").split()
    conditions = [
        _label_condition(within.label),
        _folder_condition(database, within.under),
        _date_condition(">=", within.after),
        _date_condition("<", within.before),
        *(_name_condition(database, word) for word in words),
    ]
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _label_condition(label: str | None) -> SqlCondition:
    """Files of photos with this label (LABEL_SQL); only photos that it is given to anywhere are grouped."""
    if label is None:
        return _NO_CONDITION
    wanted = normalise_label(label)
    candidates = "SELECT photo FROM files WHERE label = ? UNION SELECT photo FROM labels WHERE label = ?"
    condition = (
        "f.photo IN (SELECT f.photo FROM files AS f LEFT JOIN labels AS l ON l.photo = f.photo "
        f"WHERE f.state = 'present' AND f.photo IN ({candidates}) GROUP BY f.photo HAVING {LABEL_SQL} = ?)"
    )
    return condition, [wanted, wanted, wanted]


def _name_condition(database: Database, word: str) -> SqlCondition:
    """Files whose path has the word in it, or whose photo's label has, whatever its case and spelling."""
    folded = fold_text(word)
    texts = database.fetch_rows(
        "SELECT DISTINCT label FROM labels UNION "
        "SELECT DISTINCT label FROM files WHERE state = 'present' AND label IS NOT NULL"
    )
    found = [label for (label,) in texts if folded in fold_text(label)]
    if not found:
        return "instr(f.search_text, ?) > 0", [folded]
    wanted, labels = database.dialect.list_values(found)
    condition = (
        f"(instr(f.search_text, ?) > 0 OR (f.label IN {wanted} AND f.photo NOT IN (SELECT photo FROM labels)) "
        f"OR f.photo IN (SELECT photo FROM labels WHERE label IN {wanted}))"
    )
    return condition, [folded, labels, labels]


def _date_condition(comparison: str, moment: datetime | None) -> SqlCondition:
    return (f"f.taken_us {comparison} ?", [convert_to_microseconds(moment)]) if moment is not None else _NO_CONDITION


def _folder_condition(database: Database, folder: Path | None) -> SqlCondition:
    """Files below the folder: all files of roots in it, and those below it of a root that it lies in."""
    if folder is None:
        return _NO_CONDITION
    parts, values = ["f.root IS NULL"], list[object]()
    for wanted in {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}:
        for root, path in database.fetch_rows("SELECT id, path FROM roots"):
            if is_below(path, wanted):
                parts.append("f.root = ?")
                values.append(root)
            elif relative := find_relative_path(wanted, path):
                for below in map(make_prefix, list_spellings(relative)):
                    parts.append("(f.root = ? AND substr(f.path, 1, ?) = ?)")
                    values += [root, len(below), below]
    return f"({' OR '.join(parts)})", values
