"""What the grid shows, the library's photos or the ranked hits of a query, and how a reader thread finds them."""

import weakref
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.ranking.rankings import (
    ASCENDING_RANKINGS,
    RANK_COPIES,
    RANK_LABELS,
    RANK_NEAREST,
    RANK_REFINED,
    SearchRequest,
    run_search,
)
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from indexer.search.results import Hit, SearchResult

MAX_HITS = 200  # ranked results of one search
NO_FILTER = Filter()
_word_indexes: "weakref.WeakKeyDictionary[Library, WordIndex]" = weakref.WeakKeyDictionary()  # a reader thread's


class PhotoListing(NamedTuple):
    """The photos that the grid shows, in order: those of the library or, with a result, its ranked hits."""

    ids: NDArray[np.int64]  # (n,)
    result: SearchResult | None = None
    candidate_count: int = 0  # photos that could have been shown: all before a filter, those that pass it for hits

    @property
    def hits(self) -> Sequence[Hit]:
        """The ranked hits, in the order of the ids; empty for the library."""
        return self.result.hits if self.result else ()

    def cut_at_distance(self, distance: float | None) -> "PhotoListing":
        """The listing with its hits up to a distance; unchanged for None, or where it has no hits."""
        if self.result is None or distance is None:
            return self
        hits = [hit for hit in self.result.hits if hit.distance <= distance]
        return self._replace(ids=self.ids[: len(hits)], result=self.result._replace(hits=hits))

    def leave_out(self, photo_ids: Collection[int]) -> "PhotoListing":
        """The listing without these photos."""
        if not photo_ids:
            return self
        ids = self.ids[~np.isin(self.ids, np.fromiter(photo_ids, np.int64, len(photo_ids)))]
        if self.result is None:
            return self._replace(ids=ids)
        hits = [hit for hit in self.result.hits if hit.photo.id not in photo_ids]
        return self._replace(ids=ids, result=self.result._replace(hits=hits))


class FoundListings(NamedTuple):
    """What was found before the cut-off, and within it; None where the cut-off only ends the list."""

    full_listing: PhotoListing
    cut_listing: PhotoListing | None = None


class RankingWording(NamedTuple):
    """What results in an order of RANKINGS are called, "" where no chip says it, and how they are sorted."""

    chip_text: str
    order_text: str


RANKING_WORDINGS = {
    RANK_NEAREST: RankingWording("", "sorted by distance, 0 is the same"),
    RANK_REFINED: RankingWording("refined", "sorted by a second look at the nearest"),
    RANK_LABELS: RankingWording("", "sorted by distance as your labels teach it"),
    RANK_COPIES: RankingWording("changed copies first", "what this may be a changed copy of comes first"),
}


def find_ranked_photos(library: Library, search: SearchRequest) -> FoundListings:
    """The MAX_HITS best hits of a search among the photos that pass its filter.

    Hits in the order of distance are cut off by ending their list. In any other order the cut-off may change the ranks,
    so the search is run once more with it.
    """
    candidate_count = _count_candidates(library, search.within)
    full_listing = _build_listing(run_search(library, search._replace(max_distance=None), MAX_HITS), candidate_count)
    needs_second_ranking = search.ranking not in ASCENDING_RANKINGS and search.max_distance is not None
    return FoundListings(
        full_listing,
        _build_listing(run_search(library, search, MAX_HITS), candidate_count) if needs_second_ranking else None,
    )


def find_filtered_photos(library: Library, within: Filter) -> FoundListings:
    """The photos that pass the filter, in the library's order."""
    return FoundListings(PhotoListing(library.find_photo_ids(within), candidate_count=len(library.find_photo_ids())))


def find_pictured_photos(library: Library, words: str, within: Filter) -> FoundListings:
    """The photos that show the words and pass the filter, the surest first, at most MAX_HITS.

    LookalikeError for words that are not known.
    """
    if library not in _word_indexes:
        _word_indexes[library] = WordIndex(library)
    result = _word_indexes[library].rank_photos(parse_word_query(words, ""), MAX_HITS, within=within)
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return FoundListings(PhotoListing(ids, candidate_count=len(library.find_photo_ids(within))))


def _count_candidates(library: Library, within: Filter | None) -> int:
    if within is None:
        return library.store.embeddings.count_photos(library.model_id)
    return len(library.find_photo_ids(within))


def _build_listing(result: SearchResult, candidate_count: int) -> PhotoListing:
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return PhotoListing(ids, result, candidate_count)
