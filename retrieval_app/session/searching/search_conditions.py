"""What narrows and orders the results, and stays from query to query."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal

from indexer.database.filters import Filter
from indexer.ranking.photo_arrangement import PhotoArrangement
from indexer.ranking.search_request import ASCENDING_RANKINGS, RANK_LABELS, RANK_NEAREST, SearchRequest, can_rank
from indexer.search.query import Query
from retrieval_app.session.opened_library import OpenedLibrary
from retrieval_app.session.searching.photo_listing import NO_FILTER


class SearchConditions(QObject):
    """Filter, words, cut-off and ranking of a search, and the photos that are left out of every one."""

    changed = Signal()  # what is looked for has to be found anew
    cut_changed = Signal()  # what was found has to be cut off elsewhere

    def __init__(
        self, library: OpenedLibrary, read_query: Callable[[], Query | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.photo_filter = NO_FILTER
        self.words = ""  # what photos are to show, with a query or without
        self.max_distance: float | None = None
        self.ranking = RANK_NEAREST  # of indexer.ranking.rankings.RANKINGS
        self.left_out: frozenset[int] = frozenset()  # ids of photos that are not listed until they are wanted again
        self._library = library
        self._read_query = read_query

    def set_filter(self, photo_filter: Filter) -> None:
        """Show and search only the photos that pass the filter."""
        self.photo_filter = photo_filter
        self.changed.emit()

    def show_words(self, words: str) -> None:
        """List the photos that show these words, the surest first; with a query, ranked by both together.

        Empty words show all photos, or the query alone.
        """
        self.words = words
        self.changed.emit()

    def set_max_distance(self, distance: float | None) -> None:
        """Show only results up to a distance; None for all."""
        self.max_distance = distance
        keeps_listing = self._read_query() is None or self.ranking in ASCENDING_RANKINGS
        (self.cut_changed if keeps_listing else self.changed).emit()

    def toggle_ranking(self, ranking: str) -> None:
        """Rank in one of RANKINGS from now on; a second time, by distance again."""
        new_ranking = RANK_NEAREST if ranking == self.ranking else ranking
        if new_ranking == RANK_NEAREST or self.can_rank_by(new_ranking):
            if RANK_LABELS in (ranking, self.ranking):
                self.max_distance = None  # a cut-off is not the same among distances of another kind
            self.ranking = new_ranking
            self.changed.emit()

    def can_rank_by(self, ranking: str) -> bool:
        """Whether this ranking can be chosen: it fits the query and no words are asked.

        The one by labels can be chosen before a query too.
        """
        query = self._read_query()
        if query is None:
            return ranking == RANK_LABELS and not self._library.is_empty
        return can_rank(ranking, query) and (ranking == RANK_NEAREST or not self.words)

    def reset_unfit_ranking(self) -> None:
        """Rank by distance where the ranking does not fit the query; emits nothing."""
        if not self.can_rank_by(self.ranking):
            self.ranking = RANK_NEAREST

    def leave_out(self, photo_ids: Iterable[int]) -> None:
        """List these photos no more, in any search, until `show_left_out`."""
        self._set_left_out(self.left_out.union(photo_ids))

    def take_back_in(self, photo_ids: Iterable[int]) -> None:
        """List these photos again."""
        self._set_left_out(self.left_out.difference(photo_ids))

    def show_left_out(self) -> None:
        """List all photos again."""
        self._set_left_out(frozenset())

    def _set_left_out(self, left_out: frozenset[int]) -> None:
        self.left_out = left_out
        self.changed.emit()

    def make_request(self, query: Query) -> SearchRequest:
        """The search for a query under these conditions."""
        within = None if self.photo_filter == NO_FILTER else self.photo_filter
        return SearchRequest(query, within, self.max_distance, self.ranking, self.words)

    def take_request(self, request: SearchRequest) -> None:
        """Take the conditions of a search that was done before; emits nothing, as its query follows."""
        self.photo_filter, self.words = request.within or NO_FILTER, request.words
        self.max_distance, self.ranking = request.max_distance, request.ranking

    def list_all_in_order(self) -> bool:
        """Whether, without a query, the listing is the known photo ids as they are, so that nothing has to be read."""
        return not self.words and (self.photo_filter, self._library.arrangement) == (NO_FILTER, PhotoArrangement())

    def clear_all(self) -> None:
        """Forget all conditions, with the library that they were about; emits nothing."""
        self.photo_filter, self.words, self.left_out = NO_FILTER, "", frozenset()
        self.max_distance, self.ranking = None, RANK_NEAREST
