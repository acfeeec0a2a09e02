"""What the session's reader thread is asked for: the ranked photos of a query, the photos that pass a filter."""

from typing import NamedTuple

import numpy as np

from indexer.database.filters import Filter
from indexer.library import Library, SearchResult
from indexer.ranking import rankings as ways
from indexer.ranking.rankings import COPIES, NEAREST, REFINED, Search
from retrieval_app.session.state import Listing

HITS = 200  # ranked results of one search
EVERYTHING = Filter()


class Answer(NamedTuple):
    """What was found, and of that what lies within the cut-off; None where the cut-off only ends the list."""

    found: Listing
    shown: Listing | None = None


class Order(NamedTuple):
    """What the results of a way are called, and in which order they stand."""

    chip: str
    order: str


ORDERS = {
    NEAREST: Order("", "sorted by distance, 0 is the same"),
    REFINED: Order("refined", "sorted by a second look at the nearest"),
    COPIES: Order("changed copies first", "what this may be a changed copy of comes first"),
}


def ranked(library: Library, asked: Search) -> Answer:
    """The photos that answer best, among those that pass the filter.

    Plain results stand in the order of distance, so that a cut-off only ends their list. Else it may change the ranks,
    and those within it are asked for.
    """
    among = _among(library, asked.within)
    found = _listing(ways.ranked(library, asked._replace(max_distance=None), HITS), among)
    again = asked.way != NEAREST and asked.max_distance is not None
    return Answer(found, _listing(ways.ranked(library, asked, HITS), among) if again else None)


def listed(library: Library, within: Filter) -> Answer:
    """The photos that pass the filter, in the library's order."""
    return Answer(Listing(library.photo_ids(within), among=len(library.photo_ids())))


def _among(library: Library, within: Filter | None) -> int:
    return library.store.count_photos(library.model_id) if within is None else len(library.photo_ids(within))


def _listing(result: SearchResult, among: int) -> Listing:
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return Listing(ids, result, among)
