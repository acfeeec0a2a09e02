"""The queries that were looked at, to go back and forward among."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from indexer.search.query import Query


class _HistoryEntry(NamedTuple):
    """A query that was looked at, and whether it came of changing the one before: a mark, a crop."""

    query: Query | None
    is_change: bool


class QueryHistory:
    """Queries in the order in which they were looked at; None is the whole library, with which it begins."""

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

    def replace_query(self, query: Query) -> None:
        """Put another query in the place of the current one."""
        self._entries[self._position] = self._entries[self._position]._replace(query=query)

    def peek_query(self, steps: int) -> Query | None:
        """The query so many steps on, back when negative; None also where there is no entry."""
        return self._entries[self._position + steps].query if self.can_move(steps) else None

    def can_move(self, steps: int) -> bool:
        """Whether there is an entry so many steps on, back when negative."""
        return 0 <= self._position + steps < len(self._entries)

    def move_by(self, steps: int) -> None:
        """Go so many steps on, back when negative; nowhere if there is no entry."""
        if self.can_move(steps):
            self._position += steps
