"""The ways to rank what a search finds: by distance, by a second look, or what is a changed copy of one picture first.

A new way is one function and one line in WAYS.
"""

from collections.abc import Callable
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library, SearchResult
from indexer.ranking import changed_copies as copies
from indexer.ranking import query_expansion as refine
from indexer.search.query import Query

NEAREST, REFINED, COPIES = "nearest", "refined", "copies"


class Search(NamedTuple):
    """What to ask, where to look, how far away at most a hit may be, and in which of WAYS the hits are ranked."""

    query: Query
    within: Filter | None = None
    max_distance: float | None = None
    way: str = NEAREST


def takes(way: str, query: Query) -> bool:
    """Whether a query can be ranked so: changed copies are looked for of one picture alone."""
    return way != COPIES or (len(query.positives) == 1 and not query.negatives)


def ranked(library: Library, search: Search, k: int, *, exact: bool = False) -> SearchResult:
    """The k photos that answer best. Raises LookalikeError where the query cannot be ranked so or not be read."""
    if not takes(search.way, search.query):
        raise LookalikeError("Changed copies are looked for of one picture, without others and none to be unlike.")
    return WAYS[search.way](library, search, k, exact)


def _nearest(library: Library, search: Search, k: int, exact: bool) -> SearchResult:
    return library.search(search.query, k=k, exact=exact, within=search.within, max_distance=search.max_distance)


def _refined(library: Library, search: Search, k: int, exact: bool) -> SearchResult:
    within, bound = search.within, search.max_distance
    return refine.search(library, search.query, k=k, exact=exact, within=within, max_distance=bound)


def _copies(library: Library, search: Search, k: int, exact: bool) -> SearchResult:
    if exact:
        raise LookalikeError("Changed copies are looked for among the index's candidates only, not exactly.")
    (example,) = search.query.positives
    return copies.search(library, example, k=k, within=search.within, max_distance=search.max_distance)


WAYS: dict[str, Callable[[Library, Search, int, bool], SearchResult]] = {
    NEAREST: _nearest,
    REFINED: _refined,
    COPIES: _copies,
}
