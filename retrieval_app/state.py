"""What the session holds, as data: listing, trouble, running job, history."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.library import Hit, SearchResult
from indexer.progress import Progress
from indexer.query import Query


class Listing(NamedTuple):
    """What the grid shows: ids of shape (n,), of the whole library or, with a result, of its ranked hits."""

    ids: NDArray[np.int64]
    result: SearchResult | None = None

    @property
    def hits(self) -> Sequence[Hit]:
        """The ranked hits, none for the whole library."""
        return self.result.hits if self.result else ()


class Trouble(NamedTuple):
    """A sentence for the user and the one thing that can be done about it."""

    sentence: str
    button: str
    remedy: Callable[[], None]


class JobState(NamedTuple):
    """How the running job is doing."""

    progress: Progress
    rate: float | None  # items a second
    seconds_left: float | None
    stopping: bool


class History:
    """Queries in the order they were looked at; None is the whole library."""

    def __init__(self) -> None:
        self._entries: list[Query | None] = [None]
        self._at = 0

    @property
    def current(self) -> Query | None:
        """The query that is looked at now."""
        return self._entries[self._at]

    def visit(self, query: Query | None) -> None:
        """Go to a new query; what was ahead is forgotten."""
        self._entries[self._at + 1 :] = [query]
        self._at += 1

    def can_move(self, by: int) -> bool:
        """Whether there is an entry that many steps on."""
        return 0 <= self._at + by < len(self._entries)

    def move(self, by: int) -> None:
        """Go that many steps on, back when negative."""
        if self.can_move(by):
            self._at += by
