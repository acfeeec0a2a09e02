"""Which photos a search is about: by label, folder, date, size and orientation. Every SQL statement about that.

A photo passes where one present file of it does. Dates are those of the file's last change.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from indexer.database.annotations import LABEL
from indexer.database.connection import LARGEST, Database
from indexer.errors import LookalikeError

ORIENTATIONS = {"landscape": "p.width > p.height", "portrait": "p.width < p.height", "square": "p.width = p.height"}

Condition = tuple[str, list[object]]
"""A part of a WHERE and its values."""

_ANY: Condition = ("1", [])


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


def present(database: Database, within: Filter | None) -> np.ndarray:
    """Ids (n,) int64 of photos of which a present file passes the filter, each once or more, in no order.

    They come as one text: a million rows as Python objects take four times as long.
    """
    source, where, values = "files AS f", "1", list[object]()
    if within is not None:
        source += " JOIN photos AS p ON p.id = f.photo"
        where, values = _where(database, within)
    sql = f"SELECT group_concat(f.photo) FROM {source} WHERE f.state = 'present' AND {where}"
    ((numbers,),) = database.rows(sql, values)
    return np.fromstring(numbers, np.int64, sep=",") if numbers else np.zeros(0, np.int64)


def _where(database: Database, within: Filter) -> Condition:
    conditions = [
        _label(within.label),
        _under(database, within.under),
        _changed(">=", within.after),
        _changed("<", within.before),
        ("min(p.width, p.height) >= ?", [min(within.min_side, LARGEST)]) if within.min_side is not None else _ANY,
        (ORIENTATIONS[within.orientation], []) if within.orientation is not None else _ANY,
    ]
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _label(label: str | None) -> Condition:
    """Photos whose label it is; a photo that has it nowhere is not looked at further."""
    if label is None:
        return _ANY
    somewhere = "SELECT photo FROM files WHERE label = ? UNION SELECT photo FROM labels WHERE label = ?"
    condition = (
        "f.photo IN (SELECT f.photo FROM files AS f LEFT JOIN labels AS l ON l.photo = f.photo "
        f"WHERE f.state = 'present' AND f.photo IN ({somewhere}) GROUP BY f.photo HAVING {LABEL} = ?)"
    )
    return condition, [label, label, label]


def _changed(comparison: str, moment: datetime | None) -> Condition:
    return (f"f.mtime_ns {comparison} ?", [_nanoseconds(moment)]) if moment is not None else _ANY


def _nanoseconds(moment: datetime) -> int:
    """Since 1970, as file times are; the first or last that SQLite holds (1678, 2262) where it is further from now."""
    try:
        seconds = round(moment.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError, OSError):  # what systems say of years they do not know
        return -LARGEST if moment.year < 1970 else LARGEST
    return max(-LARGEST, min(seconds * 1_000_000_000 + moment.microsecond * 1000, LARGEST))


def _under(database: Database, folder: Path | None) -> Condition:
    """Files of roots that lie in the folder, and those below it of roots that hold it."""
    if folder is None:
        return _ANY
    parts, values = ["0"], list[object]()
    for wanted in {os.fsencode(folder.absolute()), os.fsencode(folder.resolve())}:
        prefix = wanted.rstrip(b"/") + b"/"
        for root, path in database.rows("SELECT id, path FROM roots"):
            start = path.rstrip(b"/") + b"/"
            if start.startswith(prefix):
                parts.append("f.root = ?")
                values.append(root)
            elif prefix.startswith(start):
                below = prefix[len(start) :]
                parts.append("(f.root = ? AND substr(f.path, 1, ?) = ?)")
                values += [root, len(below), below]
    return f"({' OR '.join(parts)})", values
