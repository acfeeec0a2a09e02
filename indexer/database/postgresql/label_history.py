"""Who gave a photo of a shared library which label, and when; the server writes it down with each change."""

from datetime import datetime
from typing import NamedTuple

from indexer.database.interface import Database


class LabelChange(NamedTuple):
    """The label that a user of the server gave a photo, None where it was taken away, and the server's time."""

    label: str | None
    who: str
    moment: datetime


def read_label_history(database: Database, photo: int) -> list[LabelChange]:
    """All changes of the user's label of a photo, the oldest first; none in a library in a folder."""
    if not database.is_shared:
        return []
    sql = "SELECT label, who, moment FROM label_history WHERE photo = ? ORDER BY moment"
    return [LabelChange._make(row) for row in database.fetch_rows(sql, (photo,))]
