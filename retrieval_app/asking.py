"""What the session's reader thread is asked for: the ranked photos of a query, the photos that pass a filter."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer import copies, filters, refine
from indexer.filters import Filter
from indexer.library import Library, SearchResult
from indexer.query import Query
from retrieval_app.state import Listing

HITS = 200  # ranked results of one search
EVERYTHING = Filter()
NEAREST, REFINED, COPIES = "nearest", "refined", "copies"


class Question(NamedTuple):
    """A query, which photos it is about, how far away results may be, and in which of WAYS they are ranked."""

    query: Query
    within: Filter
    cut: float | None
    way: str


class Answer(NamedTuple):
    """What was found, and of that what lies within the cut-off; None where the cut-off only ends the list."""

    found: Listing
    shown: Listing | None = None


class Way(NamedTuple):
    """One way to rank: what its results are called, and what ranks, which `lookalike search` calls too."""

    chip: str
    order: str
    search: Callable[[Library, Question], SearchResult]


def _nearest(library: Library, asked: Question) -> SearchResult:
    return library.search(asked.query, k=HITS, within=_kept(asked), max_distance=asked.cut)


def _refined(library: Library, asked: Question) -> SearchResult:
    return refine.search(library, asked.query, k=HITS, within=_kept(asked), max_distance=asked.cut)


def _copies(library: Library, asked: Question) -> SearchResult:
    (example,) = asked.query.positives
    return copies.search(library, example, k=HITS, within=_kept(asked), max_distance=asked.cut)


WAYS = {
    NEAREST: Way("", "sorted by distance, 0 is the same", _nearest),
    REFINED: Way("refined", "sorted by a second look at the nearest", _refined),
    COPIES: Way("changed copies first", "what this may be a changed copy of comes first", _copies),
}


def takes(way: str, query: Query | None) -> bool:
    """Whether a query can be ranked so: changed copies are looked for of one picture alone."""
    return query is not None and (way != COPIES or (len(query.positives) == 1 and not query.negatives))


def ranked(library: Library, asked: Question) -> Answer:
    """The photos that answer best, among those that pass the filter.

    Plain results stand in the order of distance, so that a cut-off only ends their list. Else it may change the ranks,
    and those within it are asked for.
    """
    search, among = WAYS[asked.way].search, _among(library, asked.within)
    found = _listing(search(library, asked._replace(cut=None)), among)
    again = asked.way != NEAREST and asked.cut is not None
    return Answer(found, _listing(search(library, asked), among) if again else None)


def listed(library: Library, within: Filter) -> Answer:
    """The photos that pass the filter, in the library's order."""
    return Answer(Listing(passing(library, within), among=len(library.photo_ids())))


def passing(library: Library, within: Filter) -> NDArray[np.int64]:
    """Ids (n,) of the shown photos that pass the filter, in the order of (root, path)."""
    shown = library.photo_ids()
    if within == EVERYTHING:
        return shown
    kept: NDArray[np.int64] = shown[np.isin(shown, filters.present(library.store.database, within))]
    return kept


def _kept(asked: Question) -> Filter | None:
    return None if asked.within == EVERYTHING else asked.within


def _among(library: Library, within: Filter) -> int:
    everything = within == EVERYTHING
    return library.store.count_photos(library.model_id) if everything else len(passing(library, within))


def _listing(result: SearchResult, among: int) -> Listing:
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return Listing(ids, result, among)
