"""The orders of a search's hits: by distance, query expansion, points in common, changed copies, or what labels teach.

Another order is one function and one entry in RANKINGS. Commands, the window and saved searches name it by its key.
"""

from collections.abc import Callable

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.ranking.changed_copies import search_changed_copies
from indexer.ranking.label_ranking import search_by_labels
from indexer.ranking.point_ranking import search_by_points
from indexer.ranking.query_expansion import search_with_expansion
from indexer.ranking.search_request import (
    RANK_COPIES,
    RANK_LABELS,
    RANK_NEAREST,
    RANK_POINTS,
    RANK_REFINED,
    SearchRequest,
    can_rank,
)
from indexer.search.results import SearchResult
from indexer.wording import tr


def run_search(library: Library, search: SearchRequest, k: int, *, exact: bool = False) -> SearchResult:
    """The first k hits in the ranking of the request.

    Raises LookalikeError where the ranking does not fit the query or `exact`, or a picture cannot be read.
    """
    if not can_rank(search.ranking, search.query):
        what = tr("Points in common") if search.ranking == RANK_POINTS else tr("Changed copies")
        raise LookalikeError("{what} are looked for of one picture, without others and none to be unlike.", what=what)
    return RANKINGS[search.ranking](library, search, k, exact)


def _rank_by_distance(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    return library.search(search.query, k=k, exact=exact, within=search.within, max_distance=search.max_distance)


def _rank_by_expansion(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    within, max_distance = search.within, search.max_distance
    return search_with_expansion(library, search.query, k=k, exact=exact, within=within, max_distance=max_distance)


def _rank_by_labels(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    within, max_distance = search.within, search.max_distance
    return search_by_labels(library, search.query, k=k, exact=exact, within=within, max_distance=max_distance)


def _rank_by_points(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    (example,) = search.query.positives
    within, max_distance = search.within, search.max_distance
    return search_by_points(library, example, k=k, exact=exact, within=within, max_distance=max_distance)


def _rank_changed_copies(library: Library, search: SearchRequest, k: int, exact: bool) -> SearchResult:
    if exact:
        raise LookalikeError("Changed copies are looked for among the index's candidates only, not exactly.")
    (example,) = search.query.positives
    return search_changed_copies(library, example, k=k, within=search.within, max_distance=search.max_distance)


RANKINGS: dict[str, Callable[[Library, SearchRequest, int, bool], SearchResult]] = {
    RANK_NEAREST: _rank_by_distance,
    RANK_REFINED: _rank_by_expansion,
    RANK_POINTS: _rank_by_points,
    RANK_COPIES: _rank_changed_copies,
    RANK_LABELS: _rank_by_labels,
}
