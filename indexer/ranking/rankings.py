"""The orders of a search's hits: by distance, by query expansion, changed copies first, or by what labels teach.

Another order is one function and one entry in RANKINGS. Commands, the window and saved searches name it by its key.
"""

from collections.abc import Callable
from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.ranking.changed_copies import search_changed_copies
from indexer.ranking.label_ranking import search_by_labels
from indexer.ranking.query_expansion import search_with_expansion
from indexer.search.query import Query
from indexer.search.results import SearchResult

RANK_NEAREST, RANK_REFINED, RANK_COPIES, RANK_LABELS = "nearest", "refined", "copies", "labels"
ASCENDING_RANKINGS = (RANK_NEAREST, RANK_LABELS)  # in the order of distance: a greatest distance ends their list


class SearchRequest(NamedTuple):
    """A query, the filter that its hits must pass, their greatest distance, and the key of RANKINGS for their order."""

    query: Query
    within: Filter | None = None
    max_distance: float | None = None
    ranking: str = RANK_NEAREST


def can_rank(ranking: str, query: Query) -> bool:
    """Whether the ranking fits the query: changed copies are searched for one positive picture without negatives."""
    return ranking != RANK_COPIES or (len(query.positives) == 1 and not query.negatives)


def run_search(library: Library, search: SearchRequest, k: int, *, exact: bool = False) -> SearchResult:
    """The first k hits in the ranking of the request.

    Raises LookalikeError where the ranking does not fit the query or `exact`, or a picture cannot be read.
    """
    if not can_rank(search.ranking, search.query):
        raise LookalikeError("Changed copies are looked for of one picture, without others and none to be unlike.")
    return RANKINGS[search.ranking](library, search, k, exact)


def _rank_by_distance(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    return library.search(search.query, k=k, exact=exact, within=search.within, max_distance=search.max_distance)


def _rank_by_expansion(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    within, max_distance = search.within, search.max_distance
    return search_with_expansion(library, search.query, k=k, exact=exact, within=within, max_distance=max_distance)


def _rank_by_labels(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    within, max_distance = search.within, search.max_distance
    return search_by_labels(library, search.query, k=k, exact=exact, within=within, max_distance=max_distance)


def _rank_changed_copies(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    if exact:
        raise LookalikeError("Changed copies are looked for among the index's candidates only, not exactly.")
    (example,) = search.query.positives
    return search_changed_copies(library, example, k=k, within=search.within, max_distance=search.max_distance)


RANKINGS: dict[str, Callable[[Library, SearchRequest, int, bool], SearchResult]] = {
    RANK_NEAREST: _rank_by_distance,
    RANK_REFINED: _rank_by_expansion,
    RANK_COPIES: _rank_changed_copies,
    RANK_LABELS: _rank_by_labels,
}
