"""What the session's reader thread is asked for: the ranked photos of a query, the photos that pass a filter."""

import numpy as np
from numpy.typing import NDArray

from indexer import filters
from indexer.filters import Filter
from indexer.library import Library
from indexer.query import Query
from retrieval_app.state import Listing

HITS = 200  # ranked results of one search
EVERYTHING = Filter()


def ranked(library: Library, query: Query, within: Filter) -> Listing:
    """The photos nearest to the query, among those that pass the filter."""
    kept = None if within == EVERYTHING else within
    result = library.search(query, k=HITS, within=kept)
    among = library.store.count_photos(library.model_id) if kept is None else len(passing(library, within))
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return Listing(ids, result, among)


def listed(library: Library, within: Filter) -> Listing:
    """The photos that pass the filter, in the library's order."""
    return Listing(passing(library, within), among=len(library.photo_ids()))


def passing(library: Library, within: Filter) -> NDArray[np.int64]:
    """Ids (n,) of the shown photos that pass the filter, in the order of (root, path)."""
    shown = library.photo_ids()
    if within == EVERYTHING:
        return shown
    kept: NDArray[np.int64] = shown[np.isin(shown, filters.present(library.store.database, within))]
    return kept
