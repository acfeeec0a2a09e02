"""What the session's reader thread is asked for: the ranked photos of a query, the photos that pass a filter."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.database.file_table import FailedFile
from indexer.database.filters import Filter
from indexer.library import Library, LibraryInfo, SearchResult
from indexer.ranking.rankings import RANK_COPIES, RANK_NEAREST, RANK_REFINED, SearchRequest, run_search
from retrieval_app.session.state import PhotoListing

MAX_HITS = 200  # ranked results of one search
NO_FILTER = Filter()


class FoundListings(NamedTuple):
    """What was found, and of that what lies within the cut-off; None where the cut-off only ends the list."""

    full_listing: PhotoListing
    cut_listing: PhotoListing | None = None


class RankingWording(NamedTuple):
    """What the results of a way are called, and in which order they stand."""

    chip_text: str
    order_text: str


RANKING_WORDINGS = {
    RANK_NEAREST: RankingWording("", "sorted by distance, 0 is the same"),
    RANK_REFINED: RankingWording("refined", "sorted by a second look at the nearest"),
    RANK_COPIES: RankingWording("changed copies first", "what this may be a changed copy of comes first"),
}


def find_ranked_photos(library: Library, search: SearchRequest) -> FoundListings:
    """The photos that answer best, among those that pass the filter.

    Plain results stand in the order of distance, so that a cut-off only ends their list. Else it may change the ranks,
    and those within it are asked for.
    """
    candidate_count = _count_candidates(library, search.within)
    full_listing = _build_listing(run_search(library, search._replace(max_distance=None), MAX_HITS), candidate_count)
    needs_second_ranking = search.ranking != RANK_NEAREST and search.max_distance is not None
    return FoundListings(
        full_listing,
        _build_listing(run_search(library, search, MAX_HITS), candidate_count) if needs_second_ranking else None,
    )


def find_filtered_photos(library: Library, within: Filter) -> FoundListings:
    """The photos that pass the filter, in the library's order."""
    return FoundListings(PhotoListing(library.find_photo_ids(within), candidate_count=len(library.find_photo_ids())))


def _count_candidates(library: Library, within: Filter | None) -> int:
    return (
        library.store.embeddings.count_photos(library.model_id)
        if within is None
        else len(library.find_photo_ids(within))
    )


def _build_listing(result: SearchResult, candidate_count: int) -> PhotoListing:
    ids = np.fromiter((hit.photo.id for hit in result.hits), np.int64, len(result.hits))
    return PhotoListing(ids, result, candidate_count)


WATCHED_SETTING = "watched"  # the library's setting


class LibrarySnapshot(NamedTuple):
    """What was read of the library at one moment."""

    photo_ids: NDArray[np.int64]
    info: LibraryInfo | None  # None before the first photo
    failures: list[FailedFile]
    previous_model: str  # the model before the active one, "" where there is none
    is_watched: bool  # whether the user wants its folders to be watched


def take_snapshot(library: Library) -> LibrarySnapshot:
    """Everything at once."""
    info = library.collect_info() if library.model_fingerprint else None
    previous_model = library.store.models.find_model(str(library.store.models.read_setting("previous_model") or ""))
    is_watched = bool(library.store.models.read_setting(WATCHED_SETTING))
    return LibrarySnapshot(
        library.find_photo_ids(),
        info,
        library.list_failed_files(),
        previous_model.name if previous_model else "",
        is_watched,
    )


def save_watched_setting(library: Library, *, watched: bool) -> None:
    """Remember whether the user wants the folders to be watched."""
    library.store.models.set_setting(WATCHED_SETTING, watched)
