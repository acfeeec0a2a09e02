"""The search: the history of queries, the conditions on their results, and the listing that comes of both.

A reader thread ranks, and the latest search wins: an answer to an earlier one is dropped. Query and listing go
together: while a search is under way the listing is that of the query before, and where it failed there is none.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal

from indexer.ranking.photo_arrangement import PhotoArrangement
from indexer.ranking.search_request import ASCENDING_RANKINGS, SearchRequest
from indexer.search.query import Query, QueryExample
from indexer.wording import tr
from retrieval_app.session.change_history import ChangeHistory
from retrieval_app.session.opened_library import OpenedLibrary
from retrieval_app.session.searching.marks import adjust_mark, name_marking, remove_examples
from retrieval_app.session.searching.photo_listing import (
    FIRST_HITS,
    HITS_GROWTH,
    NOTHING_LISTED,
    AskedListing,
    FoundListings,
    PhotoListing,
    find_listings,
)
from retrieval_app.session.searching.query_history import QueryHistory
from retrieval_app.session.searching.search_conditions import SearchConditions
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.workers.query_preparation import QueryPreparation, describe_left_out, needs_preparation


class PhotoSearch(QObject):
    """What is looked for in the open library, and what was found.

    The listing is the library's photos while there is no query, else the ranked hits. The `conditions` stay from query
    to query.
    """

    query_changed = Signal()  # the query, the filter or the ranking
    listing_changed = Signal()  # what is shown, or whether a search is under way
    trouble_changed = Signal(object)  # TroubleMessage, or None when it is over
    notice_posted = Signal(str)  # a sentence for the status line

    def __init__(
        self,
        library: OpenedLibrary,
        changes: ChangeHistory,
        try_sample: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.history = QueryHistory()
        self.conditions = SearchConditions(library, lambda: self.query, self)
        self.full_listing = NOTHING_LISTED  # before the cut-off
        self.listing = self.full_listing
        self.is_running = False  # the listing is still that of what was looked for before
        self.has_failed = False  # there is no listing of the query
        self.is_growing = False  # further hits of the same query are being looked for
        self.added_count = 0  # photos that the library got since the search
        self.preparation = QueryPreparation(library.reader, self)
        self._most_hits = FIRST_HITS
        self._last_id = 0  # of the library's photos at the search
        self._left_out_notice = ""
        self._library = library
        self._changes = changes
        self._try_sample = try_sample
        self._search_number = 0
        library.closed.connect(self._forget_everything)
        library.opened.connect(self._show_opened_library)
        library.photos_read.connect(self._follow_photos)
        library.reader.answered.connect(self._receive_listings)
        library.reader.failed.connect(self._end_failed_search)
        library.reader.refused.connect(self._report_refusal)
        self.preparation.ended.connect(self._search_prepared)
        self.conditions.changed.connect(self._show_current_query)
        self.conditions.cut_changed.connect(lambda: self._show_listing(self.full_listing))

    @property
    def query(self) -> Query | None:
        """The query whose results are shown; None for the whole library."""
        return self.history.current_query

    @property
    def search_request(self) -> SearchRequest | None:
        """The query with filter, cut-off and ranking; None for the whole library."""
        if self.query is None:
            return None
        return self.conditions.make_request(self.query)

    @property
    def kept_request(self) -> SearchRequest | None:
        """The request to be saved: `search_request`, or the words alone where there is no query."""
        if self.query is None and self.conditions.words:
            return self.conditions.make_request(Query(()))
        return self.search_request

    @property
    def query_photo_id(self) -> int | None:
        """The photo of the library that alone is the query, if it is one."""
        if self.query is None or len(self.query.positives) != 1 or not isinstance(self.query.positives[0], int):
            return None
        return self.query.positives[0]

    # The query

    def run_query(self, query: Query) -> None:
        """Rank the library by its distance to the query; an earlier search that is still running is dropped."""
        if self._library.is_empty:
            sentence = tr("Nothing is here to search. Index a photo folder first.")
            self.trouble_changed.emit(TroubleMessage(sentence, tr("Try the sample"), self._try_sample))
            return
        self.history.add_query(query)
        self._show_current_query()

    def repeat_search(self, request: SearchRequest) -> None:
        """Search as it was done before: with the same words, filter, cut-off and ranking."""
        self.conditions.take_request(request)
        if request.query.positives:
            self.run_query(request.query)
            return
        if self.query is not None:
            self.history.add_query(None)
        self._show_current_query()

    def toggle_query_photo(self, photo_id: int) -> None:
        """Take a photo of the library as the query; a second time, go back to the whole library."""
        if photo_id == self.query_photo_id:
            self.show_library()
        else:
            self.run_query(Query(positives=(photo_id,)))

    def mark_example(self, example: QueryExample, step: int) -> None:
        """Move a picture's mark on the query one step: more (1) or less (-1) like it; opposite steps cancel."""
        self.mark_examples([example], step)

    def mark_examples(self, examples: Sequence[QueryExample], step: int) -> None:
        """Mark several pictures at once."""
        query = self.query
        for example in examples:
            query = adjust_mark(query, example, step)
        self.change_query(query, name_marking(len(examples), step))

    def change_query(self, query: Query | None, name: str = tr("change of the query")) -> None:
        """Rank by a query that came of changing the current one; None where nothing to look for would be left.

        `name` says what will be undone.
        """
        before = self.query
        if query is None:
            self.notice_posted.emit(tr("A search needs a picture to look like: mark one with + first."))
        elif not self._library.is_empty:
            self._changes.make_change(
                name, partial(self._go_to_changed, query), partial(self._go_back_from, query, before)
            )

    def _go_to_changed(self, query: Query) -> None:
        """Show a changed query: again, where it was taken back just before."""
        if self.history.peek_query(1) is query:
            self.history.move_by(1)
        else:
            self.history.add_query(query, changed=True)
        self._show_current_query()

    def _go_back_from(self, query: Query, before: Query | None) -> None:
        """Show the query before a change, wherever one has gone since."""
        if self.query is query and self.history.peek_query(-1) is before:
            self.history.move_by(-1)
        else:
            self.history.add_query(before)
        self._show_current_query()

    def show_library(self) -> None:
        """Drop the query and show the whole library."""
        if self.query is not None:
            self.history.add_query(None)
            self._show_current_query()

    def move_in_history(self, steps: int) -> None:
        """Go back (-1) or forward (+1) in the history of queries."""
        if self.history.can_move(steps):
            self.history.move_by(steps)
            self._show_current_query()

    def search_again(self) -> None:
        """Search what the library has now."""
        self._show_current_query()

    def leave_search(self) -> None:
        """Stop the search under way, and show what was shown before: at first, the library."""
        self.move_in_history(-1)

    def arrange_library(self, arrangement: PhotoArrangement) -> None:
        """List the library's photos in this order from now on, also when it is opened again."""
        self._library.set_arrangement(arrangement)
        if self.query is None:
            self._show_current_query()

    # The listing

    def _show_current_query(self) -> None:
        """Show what the history points at."""
        self._drop_pending_search()
        self.conditions.reset_unfit_ranking()
        self.query_changed.emit()
        self.is_running = self.query is not None or not self.conditions.list_all_in_order()
        if self.query is None:
            self._show_library_photos()
            return
        if needs_preparation(self.query, self._library.photo_ids):
            self.preparation.prepare_query(self.query)
        else:
            self._ask_listing()
        self.listing_changed.emit()

    def _search_prepared(self, unreadable: list[QueryExample]) -> None:
        """Search with the pictures that could be read; where none could, with all, as that tells why."""
        assert self.query is not None
        count = len(self.query.positives) + len(self.query.negatives)
        readable_query = remove_examples(self.query, unreadable)
        if unreadable and readable_query is not None:
            self._left_out_notice = describe_left_out(unreadable, count)
            self.history.replace_query(readable_query)
            self.query_changed.emit()
        self._ask_listing()

    def _ask_listing(self) -> None:
        """Have what is looked for found by the reader."""
        library, conditions = self._library, self.conditions
        self._last_id = int(library.photo_ids.max(initial=0))
        asked = AskedListing(
            self.search_request, conditions.words, conditions.photo_filter, library.photo_ids, library.arrangement
        )
        library.reader.ask_question(self._search_number, partial(find_listings, asked=asked, most=self._most_hits))

    def find_more(self) -> None:
        """Look for further hits, where the list ends only because no more were asked for."""
        if self.listing.has_more and not (self.is_running or self.is_growing):
            self.is_growing = True
            self._most_hits *= HITS_GROWTH
            self._search_number += 1
            self._ask_listing()
            self.listing_changed.emit()

    def _show_library_photos(self) -> None:
        """Show the library's photos, or those that pass the filter or show the words."""
        if self.conditions.list_all_in_order():
            photo_ids = self._library.photo_ids
            self._show_listing(PhotoListing(photo_ids, candidate_count=len(photo_ids)))
        else:
            self._ask_listing()
            self.listing_changed.emit()

    def _show_listing(self, full_listing: PhotoListing, cut_listing: PhotoListing | None = None) -> None:
        self.full_listing = full_listing
        shown = full_listing.cut_at_distance(self.conditions.max_distance) if cut_listing is None else cut_listing
        self.listing = shown.leave_out(self.conditions.left_out)
        self.listing_changed.emit()

    def _drop_pending_search(self) -> None:
        """Drop the search under way, and what was wrong with the one before."""
        self._library.reader.drop_question(self._search_number)
        self._search_number += 1
        self.preparation.stop()
        self.is_running = self.has_failed = self.is_growing = False
        self._most_hits, self.added_count, self._left_out_notice = FIRST_HITS, 0, ""
        self.trouble_changed.emit(None)

    # The reader's answers

    def _receive_listings(self, key: object, answer: object) -> None:
        if key == self._search_number and isinstance(answer, FoundListings):
            full_listing, cut_listing = answer
            if self.is_growing and (self.conditions.words or self.conditions.ranking not in ASCENDING_RANKINGS):
                full_listing = full_listing.keep_order_of(self.full_listing)
            self.is_running = self.is_growing = self.has_failed = False
            self._show_listing(full_listing, cut_listing)
            search_notice = full_listing.result.notice if full_listing.result else ""
            self.notice_posted.emit(" ".join(filter(None, (self._left_out_notice, search_notice))))

    def _end_failed_search(self, key: object) -> None:
        """Show nothing instead of what was found before; what was found of the same query stays."""
        if key != self._search_number:
            return
        self.has_failed, self.is_running = not self.is_growing, False
        if self.is_growing:
            self.is_growing = False
            self.listing = self.listing._replace(has_more=False)
            self.listing_changed.emit()
        else:
            self._show_listing(PhotoListing(np.empty(0, np.int64)))

    def _report_refusal(self, key: object, sentence: str) -> None:
        if key != self._search_number:
            return
        from indexer.search.label_metric import TOO_FEW_LABELS

        if sentence == TOO_FEW_LABELS:
            toggle = partial(self.conditions.toggle_ranking, self.conditions.ranking)
            toggle()
            self.trouble_changed.emit(TroubleMessage(sentence, tr("Try again"), toggle))
        else:
            conditions = self.conditions
            go_back = partial(conditions.show_words, "") if conditions.words else self.show_library
            self.trouble_changed.emit(TroubleMessage(sentence, tr("Back to the library"), go_back))

    # The library

    def _forget_everything(self) -> None:
        """Drop history and conditions with the library that they were about."""
        self.history = QueryHistory()
        self.conditions.clear_all()
        self._drop_pending_search()

    def _show_opened_library(self) -> None:
        self.query_changed.emit()
        self._show_listing(PhotoListing(self._library.photo_ids))

    def _follow_photos(self, model_changed: bool) -> None:
        """Show what the library has now; results stay, unless another model ranked them."""
        if self.query is None:
            self._show_library_photos()
        elif model_changed:
            self._show_current_query()
        else:
            self._count_added_photos()

    def _count_added_photos(self) -> None:
        """Count the photos that the search could not find as they were not there yet; ids grow."""
        added_count = int(np.count_nonzero(self._library.photo_ids > self._last_id))
        if added_count != self.added_count:
            self.added_count = added_count
            self.listing_changed.emit()
