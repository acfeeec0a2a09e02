"""Which photos a search is about: by label, folder, date, size and orientation. Every SQL statement about that.

A photo passes where one present file of it does. Dates are those of the file's last change.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from indexer.database.annotations import LABEL_SQL
from indexer.database.connection import MAX_INTEGER, Database
from indexer.errors import LookalikeError
from indexer.paths import make_prefix

ORIENTATIONS = {"landscape": "p.width > p.height", "portrait": "p.width < p.height", "square": "p.width = p.height"}

SqlCondition = tuple[str, list[object]]
"""A part of a WHERE and its values."""

_NO_CONDITION: SqlCondition = ("1", [])


@dataclass(frozen=True, slots=True)
class Filter:
    """What passes: all that is not None must hold. `after` includes its moment, `before` does not, both in local time.

    `min_side` is that of the short side in pixels; `under` a folder, that of a root included.
    """

    label: str | None = None
    under: Path | None = None
    after: datetime | None = None
    before: datetime | None = None
    min_side: int | None = None
    orientation: str | None = None

    def __post_init__(self) -> None:
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise LookalikeError(f"There is no orientation {self.orientation!r}. Choose {', '.join(ORIENTATIONS)}.")


def find_present_photos(database: Database, within: Filter | None) -> np.ndarray:
    """Ids (n,) int64 of photos of which a present file passes the filter, each once or more, in no order.

    They come as one text: a million rows as Python objects take four times as long.
    """
    source, where, values = "files AS f", "1", list[object]()
    if within is not None:
        source += " JOIN photos AS p ON p.id = f.photo"
        where, values = _build_where(database, within)
    sql = f"SELECT group_concat(f.photo) FROM {source} WHERE f.state = 'present' AND {where}"
    ((numbers,),) = database.fetch_rows(sql, values)
    return np.fromstring(numbers, np.int64, sep=",") if numbers else np.zeros(0, np.int64)


def _build_where(database: Database, within: Filter) -> SqlCondition:
    conditions = [
        _label_condition(within.label),
        _folder_condition(database, within.under),
        _date_condition(">=", within.after),
        _date_condition("<", within.before),
        ("min(p.width, p.height) >= ?", [min(within.min_side, MAX_INTEGER)])
        if within.min_side is not None
        else _NO_CONDITION,
        (ORIENTATIONS[within.orientation], []) if within.orientation is not None else _NO_CONDITION,
    ]
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _label_condition(label: str | None) -> SqlCondition:
    """Photos whose label it is; a photo that has it nowhere is not looked at further."""
    if label is None:
        return _NO_CONDITION
    candidates = "SELECT photo FROM files WHERE label = ? UNION SELECT photo FROM labels WHERE label = ?"
    condition = (
        "f.photo IN (SELECT f.photo FROM files AS f LEFT JOIN labels AS l ON l.photo = f.photo "
        f"WHERE f.state = 'present' AND f.photo IN ({candidates}) GROUP BY f.photo HAVING {LABEL_SQL} = ?)"
    )
    return condition, [label, label, label]


def _date_condition(comparison: str, moment: datetime | None) -> SqlCondition:
    return (f"f.mtime_ns {comparison} ?", [_to_nanoseconds(moment)]) if moment is not None else _NO_CONDITION


def _to_nanoseconds(moment: datetime) -> int:
    """Since 1970, as file times are; the first or last that SQLite holds (1678, 2262) where it is further from now."""
    try:
        seconds = round(moment.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError, OSError):  # what systems say of years they do not know
        return -MAX_INTEGER if moment.year < 1970 else MAX_INTEGER
    return max(-MAX_INTEGER, min(seconds * 1_000_000_000 + moment.microsecond * 1000, MAX_INTEGER))


def _folder_condition(database: Database, folder: Path | None) -> SqlCondition:
    """Files of roots that lie in the folder, and those below it of roots that hold it."""
    if folder is None:
        return _NO_CONDITION
    parts, values = ["0"], list[object]()
    for wanted in {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}:
        prefix = make_prefix(wanted)
        for root, path in database.fetch_rows("SELECT id, path FROM roots"):
            start = make_prefix(path)
            if start.startswith(prefix):
                parts.append("f.root = ?")
                values.append(root)
            elif prefix.startswith(start):
                below = prefix[len(start) :]
                parts.append("(f.root = ? AND substr(f.path, 1, ?) = ?)")
                values += [root, len(below), below]
    return f"({' OR '.join(parts)})", values
