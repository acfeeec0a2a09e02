"""What the session holds, as data: listing, trouble, running job, history."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.library import Hit, SearchResult
from indexer.paths import show_path
from indexer.search.query import Query


class PhotoListing(NamedTuple):
    """What the grid shows: ids of shape (n,), of the library or, with a result, of its ranked hits.

    `among` is how many photos were there to be shown, before they were ranked or filtered.
    """

    ids: NDArray[np.int64]
    result: SearchResult | None = None
    candidate_count: int = 0

    @property
    def hits(self) -> Sequence[Hit]:
        """The ranked hits, none for the library."""
        return self.result.hits if self.result else ()

    def cut_at_distance(self, distance: float | None) -> "PhotoListing":
        """The hits up to a distance; all for None, and all of the library."""
        if self.result is None or distance is None:
            return self
        hits = [hit for hit in self.result.hits if hit.distance <= distance]
        return self._replace(ids=self.ids[: len(hits)], result=self.result._replace(hits=hits))


class TroubleMessage(NamedTuple):
    """A sentence for the user and the one thing that can be done about it."""

    sentence: str
    button_text: str
    remedy: Callable[[], None]


def explain_missing_folder(path: Path, repeat: Callable[[], None], take_parent: Callable[[], None]) -> TroubleMessage:
    """Why what was to be indexed cannot be: it is a file, or not there."""
    name = show_path(os.fsencode(path))
    if path.exists():
        return TroubleMessage(f"{name} is a file: folders are indexed.", "Index its folder", take_parent)
    return TroubleMessage(f"The folder {name} is not there. Connect its drive and try again.", "Try again", repeat)


class _HistoryEntry(NamedTuple):
    """A query that was looked at, and whether it came of changing the one before: a mark, a crop."""

    query: Query | None
    is_change: bool


class QueryHistory:
    """Queries in the order they were looked at; None is the whole library."""

    def __init__(self) -> None:
        self._entries = [_HistoryEntry(None, is_change=False)]
        self._position = 0

    @property
    def current_query(self) -> Query | None:
        """The query that is looked at now."""
        return self._entries[self._position].query

    @property
    def is_change(self) -> bool:
        """Whether the current query came of changing the one before, which undo goes back to."""
        return self._entries[self._position].is_change

    def add_query(self, query: Query | None, *, changed: bool = False) -> None:
        """Go to a new query; what was ahead is forgotten."""
        self._entries[self._position + 1 :] = [_HistoryEntry(query, changed)]
        self._position += 1

    def can_move(self, by: int) -> bool:
        """Whether there is an entry that many steps on."""
        return 0 <= self._position + by < len(self._entries)

    def move_by(self, by: int) -> None:
        """Go that many steps on, back when negative."""
        if self.can_move(by):
            self._position += by
