"""What the grid shows, the library's photos or the ranked hits of a query, and how a reader thread finds them."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indexer.database.filters import Filter, find_present_photos
from indexer.ranking.photo_arrangement import PhotoArrangement, PhotoArranger, PhotoSection
from indexer.ranking.search_request import (
    ASCENDING_RANKINGS,
    RANK_COPIES,
    RANK_LABELS,
    RANK_NEAREST,
    RANK_POINTS,
    RANK_REFINED,
    SearchRequest,
)
from indexer.wording import tr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.library import Library
    from indexer.ranking.text_ranking import LibraryWords
    from indexer.ranking.word_ranking import WordHit, WordResult
    from indexer.search.results import Hit, Photo, SearchResult

FIRST_HITS = 200  # ranked results that a search begins with; scrolling asks for more
HITS_GROWTH = 4  # how many times as many there are each time that the end of the list is reached
# From more hits than these on, every photo is compared. Changed copies are only looked for among candidates.
LEAST_EXACT_HITS = {RANK_NEAREST: FIRST_HITS, RANK_REFINED: FIRST_HITS, RANK_POINTS: FIRST_HITS}
NO_FILTER = Filter()
WORDS_ENGINE = "words"  # of results that pictures and words ranked together
_arrangers: weakref.WeakKeyDictionary[Library, PhotoArranger] = weakref.WeakKeyDictionary()  # a reader thread's
_word_indexes: weakref.WeakKeyDictionary[Library, LibraryWords] = weakref.WeakKeyDictionary()


class PhotoListing(NamedTuple):
    """The photos that the grid shows, in order: those of the library or, with a result, its ranked hits."""

    ids: NDArray[np.int64]  # (n,)
    result: SearchResult | None = None
    candidate_count: int = 0  # photos that could have been shown: all before a filter, those that pass it for hits
    has_more: bool = False  # whether the list ends only because no more were asked for
    sections: Sequence[PhotoSection] = ()  # of the library in an order that has some
    has_headers: bool = False  # whether the sections are groups
    named: str = ""  # words that each photo has in its path or label
    reasons: Mapping[int, str] = MappingProxyType({})  # what the model sees of the wanted words, by photo id

    @property
    def photo_count(self) -> int:
        """The number of photos."""
        return len(self.ids)

    @property
    def hits(self) -> Sequence[Hit]:
        """The ranked hits, in the order of the ids; empty for the library."""
        return self.result.hits if self.result else ()

    @property
    def has_findings(self) -> bool:
        """Whether there is more to say of the photos than what they are: a distance, or why they were found."""
        return bool(self.hits or self.reasons)

    def cut_at_distance(self, distance: float | None) -> PhotoListing:
        """The listing with its hits up to a distance; unchanged for None, or where it has no hits."""
        if self.result is None or distance is None:
            return self
        hits = [hit for hit in self.result.hits if hit.distance <= distance]
        is_ascending = self.result.engine != WORDS_ENGINE
        has_more = self.has_more and not (is_ascending and len(hits) < len(self.result.hits))
        return self._replace(ids=_list_hit_ids(hits), result=self.result._replace(hits=hits), has_more=has_more)

    def explain_photo(self, photo: Photo) -> str:
        """Why a photo is listed, in a phrase: words it has, what the model sees in it, points in common; or ""."""
        from indexer.ranking.filter_wording import explain_names

        return ", ".join(filter(None, (explain_names(photo, self.named), self.reasons.get(photo.id))))

    def keep_order_of(self, shown: PhotoListing) -> PhotoListing:
        """The listing with the hits that are shown already first and in their order, the further ones behind them."""
        if self.result is None:
            return self
        known = {hit.photo.id for hit in shown.hits}
        hits = [*shown.hits, *(hit for hit in self.hits if hit.photo.id not in known)]
        ranked = [hit._replace(rank=rank) for rank, hit in enumerate(hits, 1)]
        return self._replace(ids=_list_hit_ids(ranked), result=self.result._replace(hits=ranked))

    def leave_out(self, photo_ids: Collection[int]) -> PhotoListing:
        """The listing without these photos."""
        if not photo_ids:
            return self
        is_kept = ~np.isin(self.ids, np.fromiter(photo_ids, np.int64, len(photo_ids)))
        ids = self.ids[is_kept]
        if self.result is None:
            return self._replace(ids=ids, sections=_move_sections(self.sections, is_kept))
        hits = [hit for hit in self.result.hits if hit.photo.id not in photo_ids]
        return self._replace(ids=ids, result=self.result._replace(hits=hits))


class NothingListed(PhotoListing):
    """A listing of no photos, which makes its array when that is wanted: the first paint waits for no numpy."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """No ids (0,)."""
        return np.empty(0, np.int64)

    @property
    def photo_count(self) -> int:
        """Always 0."""
        return 0


NOTHING_LISTED: PhotoListing = NothingListed._make([(), None, 0, False, (), False, "", MappingProxyType({})])


class AskedListing(NamedTuple):
    """What the grid is to show: the hits of a request, photos that show words, both together, or the library.

    `photo_ids` (n,) are the library's, `arrangement` their order where nothing is looked for.
    """

    request: SearchRequest | None
    words: str
    within: Filter
    photo_ids: NDArray[np.int64]
    arrangement: PhotoArrangement


class FoundListings(NamedTuple):
    """The listing before the cut-off, and the one within it; None where the cut-off does no more than end the list."""

    full_listing: PhotoListing
    cut_listing: PhotoListing | None = None


class RankingWording(NamedTuple):
    """What results in an order of RANKINGS are called, "" where no chip says it, and how they are sorted."""

    chip_text: str
    order_text: str


RANKING_WORDINGS = {
    RANK_NEAREST: RankingWording("", tr("sorted by distance, 0 is the same")),
    RANK_REFINED: RankingWording("refined", tr("sorted by a second look at the nearest")),
    RANK_LABELS: RankingWording("", tr("sorted by distance as your labels teach it")),
    RANK_POINTS: RankingWording(tr("the same thing first"), tr("what shares points with the query comes first")),
    RANK_COPIES: RankingWording(tr("changed copies first"), tr("what this may be a changed copy of comes first")),
}


def find_least_exact_hits() -> dict[str, int]:
    """For each ranking, the number of hits beyond which every photo is compared."""
    from indexer.search.searcher import METRIC_POOL

    return {**LEAST_EXACT_HITS, RANK_LABELS: METRIC_POOL}


def find_listings(library: Library, asked: AskedListing, most: int) -> FoundListings:
    """The listing that was asked for, before and within the cut-off, with at most `most` hits."""
    if asked.words:
        return find_pictured_photos(library, asked, most)
    if asked.request is not None:
        return find_ranked_photos(library, asked.request, most)
    return find_arranged_photos(library, asked.photo_ids, asked.within, asked.arrangement)


def find_ranked_photos(library: Library, search: SearchRequest, most: int = FIRST_HITS) -> FoundListings:
    """The `most` best hits of a search among the photos that pass its filter.

    Beyond the first ones every photo is compared, so that none is missing further down. Hits in the order of distance
    are cut off by ending their list. In any other order the cut-off may change the ranks, so the search is run once
    more with it.
    """
    from indexer.ranking.rankings import run_search

    candidate_count = _count_candidates(library, search.within)
    needs_second_ranking = search.ranking not in ASCENDING_RANKINGS and search.max_distance is not None

    def find_hits(request: SearchRequest) -> PhotoListing:
        exact = most > find_least_exact_hits().get(request.ranking, most)
        return _build_listing(run_search(library, request, most, exact=exact), candidate_count, most, search.within)

    full_listing = find_hits(search._replace(max_distance=None))
    return FoundListings(full_listing, find_hits(search) if needs_second_ranking else None)


def find_arranged_photos(
    library: Library, photo_ids: NDArray[np.int64], within: Filter, arrangement: PhotoArrangement
) -> FoundListings:
    """Those of the shown photos, ids (n,) in the library's order, that pass the filter, as arranged."""
    ids = photo_ids
    if within != NO_FILTER:
        passing = find_present_photos(library.store.database, within)
        has_passed = np.zeros(1 + max(ids.max(initial=0), passing.max(initial=0)), np.bool_)
        has_passed[passing] = True
        ids = ids[has_passed[ids]]
    if arrangement == PhotoArrangement():
        return FoundListings(PhotoListing(ids, candidate_count=len(photo_ids), named=within.named or ""))
    if library not in _arrangers:
        _arrangers[library] = PhotoArranger(library)
    arranged, sections = _arrangers[library].arrange_photos(ids, arrangement)
    listing = PhotoListing(arranged, candidate_count=len(photo_ids), sections=sections, named=within.named or "")
    return FoundListings(listing._replace(has_headers=bool(arrangement.grouping)))


def find_pictured_photos(library: Library, asked: AskedListing, most: int = FIRST_HITS) -> FoundListings:
    """The photos that show the words, and not those with a minus, and pass the filter; surest first, at most `most`.

    With pictures, what is like them and shows the words comes first. LookalikeError for words that are not known.
    """
    from indexer.ranking.known_words import split_unwanted
    from indexer.ranking.text_ranking import LibraryWords

    if library not in _word_indexes:
        _word_indexes[library] = LibraryWords(library)
    pictures = asked.request.query if asked.request is not None else None
    within = asked.within if asked.within != NO_FILTER else None
    words = split_unwanted(asked.words)
    found = _word_indexes[library].answer_words(words, most, pictures=pictures, within=within)
    reasons = {hit.photo.id: hit.why for hit in found.hits}
    if asked.request is not None:
        result, candidate_count = _build_result(library, found), _count_candidates(library, within)
        listing = _build_listing(result, candidate_count, most, asked.within)._replace(reasons=reasons)
        return FoundListings(listing, listing.cut_at_distance(asked.request.max_distance))
    ids, count, named = _list_hit_ids(found.hits), found.candidate_count, asked.within.named or ""
    has_more = len(ids) == most < count
    return FoundListings(PhotoListing(ids, candidate_count=count, has_more=has_more, named=named, reasons=reasons))


def _build_result(library: Library, found: WordResult) -> SearchResult:
    """What words and pictures found together, as the result of a search, with what its distances mean."""
    from indexer.search.results import Hit, SearchResult

    calibration = library.load_calibration()
    hits = [
        Hit(hit.rank, hit.photo, hit.distance, *calibration.interpret_distance(hit.distance))
        for hit in found.hits
        if hit.distance is not None
    ]
    return SearchResult(hits, WORDS_ENGINE, 1.0, found.seconds, found.notice)


def _move_sections(sections: Sequence[PhotoSection], is_kept: NDArray[np.bool_]) -> list[PhotoSection]:
    """The sections where only the kept ones of their photos (n,) are left; those without any go."""
    if not sections:
        return []
    kept_before = np.concatenate([[0], np.cumsum(is_kept)])
    ends = [*(section.start for section in sections[1:]), len(is_kept)]
    return [
        section._replace(start=int(kept_before[section.start]))
        for section, end in zip(sections, ends, strict=True)
        if kept_before[end] > kept_before[section.start]
    ]


def _count_candidates(library: Library, within: Filter | None) -> int:
    if within is None:
        return library.store.embeddings.count_photos(library.model_id)
    return len(library.find_photo_ids(within))


def _build_listing(result: SearchResult, candidate_count: int, most: int, within: Filter | None) -> PhotoListing:
    has_more, named = len(result.hits) == most < candidate_count, within.named if within is not None else None
    listing = PhotoListing(_list_hit_ids(result.hits), result, candidate_count, has_more, named=named or "")
    return listing._replace(reasons=_list_point_reasons(result.hits))


def _list_point_reasons(hits: Sequence[Hit]) -> dict[int, str]:
    """How many points each hit shares with the query, by photo id, where they were counted."""
    if all(hit.points is None for hit in hits):
        return {}
    from indexer.ranking.point_ranking import describe_points

    return {hit.photo.id: describe_points(hit) for hit in hits if hit.points}


def _list_hit_ids(hits: Sequence[Hit] | Sequence[WordHit]) -> NDArray[np.int64]:
    return np.fromiter((hit.photo.id for hit in hits), np.int64, len(hits))
