"""The centre of the search page: a heading that tells what is listed, the conditions that narrow it, the grid."""

import os
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from indexer.ranking.search_request import RANK_LABELS
from indexer.wording import tr
from retrieval_app.actions.labels import LABELS_KEY, list_labels
from retrieval_app.grid.photo_grid import PhotoGrid
from retrieval_app.search.likeness_cut import LikenessCutMenu
from retrieval_app.search.no_match import NoMatchNotice
from retrieval_app.search.order_menu import OrderButton
from retrieval_app.search.ranking_switches import LabelRankingLine
from retrieval_app.search.search_state_line import SearchStateLine
from retrieval_app.session.searching.marks import list_marks
from retrieval_app.session.searching.photo_listing import (
    NO_FILTER,
    NOTHING_LISTED,
    RANKING_WORDINGS,
    WORDS_ENGINE,
    PhotoListing,
)
from retrieval_app.session.searching.photo_search import PhotoSearch
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.chip_row import Chip, ChipRow, make_removal_chip
from retrieval_app.widgets.controls import ElidedLabel, arrange_parts, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count, format_percent
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from retrieval_app.search.filter_bar import FilterBar

CUT_STEPS = 100  # of the cut-off, for a distance of 1
DIM_PAUSE_MS = 120  # of a search, before the old results are dimmed: most are done by then, and nothing flickers
CUT_PAUSE_MS = 60  # while the cut-off slides, so that the grid is not laid out for every pixel


class ResultsView(QWidget):
    """The session's listing: the library, or ranked results; both may be filtered, results may be cut off."""

    def __init__(self, session: Session, tiles: TileCache, theme: Theme, questions: LibraryReaders) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self._questions = questions
        self._folder = session.library.folder
        # Where the whole library was left: the value of the scroll bar, and the id of the current photo.
        self._library_position: tuple[int, int | None] = (0, None)
        self._shown_listing = NOTHING_LISTED
        self._shown_query = session.search.query
        self._shown_arrangement = session.library.arrangement
        self.grid = PhotoGrid(tiles, theme)
        self.no_match_notice = NoMatchNotice(session)
        self.order_button = OrderButton(session)
        self._lines_above = QVBoxLayout()
        self.chip_row = ChipRow()
        self.label_line = LabelRankingLine(session)
        self.cut_slider = QSlider(Qt.Orientation.Horizontal)
        self.cut_menu = LikenessCutMenu(session, questions, self)
        self.cut_button = QToolButton()
        self._cut_timer = QTimer(self, singleShot=True, interval=CUT_PAUSE_MS)
        self._dim_timer = QTimer(self, singleShot=True, interval=DIM_PAUSE_MS)
        self.state_line = SearchStateLine(session.search)
        self.count_label = make_label("", "name")
        self.selection_label = make_label("", "selected")
        self._order_label = ElidedLabel(role="caption", elide=Qt.TextElideMode.ElideRight)
        self._order_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange_widgets()
        self._connect_signals()
        self._show_conditions()

    def _arrange_widgets(self) -> None:
        self.cut_slider.setFixedWidth(72)
        explain_figure(self.grid, "tile")
        explain_figure(self.cut_slider, "cut")
        self.cut_slider.setAccessibleName(tr("Cut-off distance"))
        self.cut_slider.setToolTip(tr("Cut off: show only results nearer than this; at the right end, all"))
        self.cut_button.setText(tr("cut ▾"))
        self.cut_button.setMenu(self.cut_menu)
        self.cut_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.cut_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cut_button.setToolTip(tr("Cut off by likeness: only the same, or what is likely the same"))
        of_listing = (self.count_label, self.selection_label, self._order_label)
        of_order = (self.order_button, self.cut_button, self.cut_slider)
        head = arrange_parts(QHBoxLayout(), [*of_listing, *of_order], spacing=12, stretched=[self._order_label])
        lines = (self.chip_row, self.label_line, self.state_line)
        above = arrange_parts(self._lines_above, [head, *lines], spacing=8, margins=(12, 10, 16, 6))
        photos = [self.grid, self.no_match_notice]
        arrange_parts(QVBoxLayout(self), [above, *photos], spacing=0, stretched=photos)

    def _connect_signals(self) -> None:
        session = self._session
        session.search.listing_changed.connect(self._update_listing)
        session.search.query_changed.connect(self._update_heading)
        session.search.query_changed.connect(self._show_conditions)
        session.library.changed.connect(self._request_labels)
        session.library.changed.connect(self._update_heading)
        session.library.changed.connect(self.grid.viewport().update)
        self._dim_timer.timeout.connect(partial(self.grid.set_dimmed, True))
        self.grid.end_neared.connect(session.search.find_more)
        self.grid.selection.changed.connect(self._update_heading)
        self.cut_slider.valueChanged.connect(self._cut_timer.start)
        self._cut_timer.timeout.connect(self._apply_cut)
        self._questions.answered.connect(self._take_labels)

    # The listing

    def _update_listing(self) -> None:
        listing, previous, query = self._session.search.listing, self._shown_listing, self._shown_query
        is_other_query = self._session.search.query is not query
        if is_other_query:
            self.grid.selection.clear_all()
        self._show_conditions()
        self._update_heading()
        self._dim_old_results()
        self._show_whether_any_matches()
        if listing is previous:
            return
        self._shown_listing, self._shown_query = listing, self._session.search.query
        self.grid.set_aspects(self._session.library.photo_aspects)
        if listing.result is not None:
            if previous.result is None:
                self._library_position = (self.grid.verticalScrollBar().value(), self.grid.current_id())
            self._tiles.drop_requests()
            (self.grid.show_listing if is_other_query else self.grid.refresh_listing)(listing)
            changed = self._session.search.history.is_change or not is_other_query  # a mark, a filter, a cut
            if previous.result is None or not changed or self.grid.current_place() is None:
                self.grid.go_to(0, scroll=0)
        elif previous.result is None and self._folder == self._session.library.folder:
            self.grid.refresh_listing(listing)
            if self._shown_arrangement != self._session.library.arrangement:
                self.grid.verticalScrollBar().setValue(0)
        else:
            self._tiles.drop_requests()
            self.grid.show_listing(listing)
            self._restore_library_position(listing)
        self._shown_arrangement = self._session.library.arrangement

    def _show_whether_any_matches(self) -> None:
        """Show the grid, or that no photo passes the filter; the keyboard focus goes along."""
        is_needed, clear_button = self.no_match_notice.is_needed(), self.no_match_notice.clear_button
        had_focus = self.window().focusWidget() is (self.grid if is_needed else clear_button)
        self.no_match_notice.setVisible(is_needed)
        self.grid.setHidden(is_needed)
        if had_focus:
            (clear_button if is_needed else self.grid).setFocus()

    def _dim_old_results(self) -> None:
        """Dim what was found before, where the search takes a moment."""
        if not self._session.search.is_running:
            self._dim_timer.stop()
            self.grid.set_dimmed(False)
        elif not self._dim_timer.isActive():
            self._dim_timer.start()

    def _restore_library_position(self, listing: PhotoListing) -> None:
        """Scroll to where the library was left, or to the top of another library."""
        scroll, current = self._library_position if self._folder == self._session.library.folder else (0, None)
        self._folder = self._session.library.folder
        places = np.flatnonzero(listing.ids == (-1 if current is None else current))
        self.grid.go_to(int(places[0]) if len(places) else 0, scroll=scroll)

    def _update_heading(self) -> None:
        search = self._session.search
        self.grid.mark_photos(search.query_photo_id, _collect_photo_marks(search))
        result = search.listing.result
        self.selection_label.setText(
            tr("{count:,} selected", count=self.grid.selection.count) if self.grid.selection.count else ""
        )
        self._order_label.clear()
        self.order_button.setVisible(
            search.query is None and not search.conditions.words and search.listing.photo_count > 0
        )
        self.order_button.show_arrangement(self._session.library.arrangement)
        if search.is_running:
            self.count_label.setText(tr("Searching…"))
        elif search.has_failed:
            self.count_label.setText(tr("Nothing found"))
        elif self._session.library.is_being_opened:
            self.count_label.setText(tr("Opening…"))
        elif result is None:
            self.count_label.setText(describe_listing(search.listing, None))
            self._order_label.setText(tr("the surest first") if search.conditions.words else "")
        else:
            self.count_label.setText(describe_listing(search.listing, search.conditions.max_distance))
            order_text = RANKING_WORDINGS[search.conditions.ranking].order_text
            self._order_label.setText(
                tr("what is alike and shows it comes first")
                if result.engine == WORDS_ENGINE
                else f"{order_text}  ·  {_describe_engine(result.engine, result.recall_at_10)}"
            )
        if search.is_growing:
            self.count_label.setText(tr("{text}, looking for more…", text=self.count_label.text()))
        self._order_label.setToolTip(self._order_label.text())  # a narrow window has no room for all of it

    # Filter and cut-off

    @cached_property
    def filter_bar(self) -> "FilterBar":
        """The fields of the filter, built when they are wanted: to do so takes a tenth of a bare window's start."""
        from retrieval_app.search.filter_bar import FilterBar

        bar, conditions = FilterBar(), self._session.search.conditions
        bar.hide()
        self._lines_above.insertWidget(1, bar)
        bar.show_filter(conditions.photo_filter)
        bar.filter_wanted.connect(conditions.set_filter)
        bar.words_wanted.connect(conditions.show_words)
        bar.closed.connect(self.close_filter)
        return bar

    @property
    def has_filter_open(self) -> bool:
        """Whether the fields of the filter are shown."""
        return "filter_bar" in vars(self) and self.filter_bar.isVisible()

    def open_filter(self) -> None:
        """Show the fields of the filter and give the first one the keyboard focus."""
        self.filter_bar.show()
        self._request_labels()
        self.filter_bar.name_field.setFocus()

    def close_filter(self) -> None:
        """Hide the fields of the filter; what is chosen stays, as chips."""
        self.filter_bar.hide()
        (self.no_match_notice.clear_button if self.grid.isHidden() else self.grid).setFocus()

    def _request_labels(self) -> None:
        """Have the library's labels read where the filter is open."""
        if self.has_filter_open:
            self._questions.ask_question(LABELS_KEY, list_labels)

    def _take_labels(self, key: object, answer: object) -> None:
        if key == LABELS_KEY and isinstance(answer, list):
            info = self._session.library.info
            roots = info.roots if info else []
            self.filter_bar.offer_choices(answer, [Path(os.fsdecode(root.path)) for root in roots])
            self.filter_bar.offer_any_words(info is not None and info.knows_texts)

    def _show_conditions(self) -> None:
        search = self._session.search
        if "filter_bar" in vars(self):
            self.filter_bar.show_filter(search.conditions.photo_filter)
        self.chip_row.show_chips(self._list_chips())
        hits = search.full_listing.hits
        self.cut_slider.setVisible(bool(hits))
        has_rates = search.conditions.ranking != RANK_LABELS  # which are of the model's distances
        self.cut_button.setVisible(bool(hits) and has_rates)
        if hits and not self._cut_timer.isActive() and not self.cut_slider.isSliderDown():
            self._update_cut_slider(max(hit.distance for hit in hits))

    def _list_chips(self) -> Iterator[Chip]:
        """A chip for each condition that narrows or orders the listing; it removes the condition."""
        conditions = self._session.search.conditions
        if conditions.photo_filter != NO_FILTER:
            from indexer.ranking.filter_wording import describe_conditions

            for condition in describe_conditions(conditions.photo_filter):
                yield make_removal_chip(condition.text, partial(conditions.set_filter, condition.without))
        if conditions.left_out:
            text = tr("{photos} left out", photos=format_count(len(conditions.left_out), "photo"))
            yield make_removal_chip(text, conditions.show_left_out)
        if conditions.words:
            text = tr("pictures of {words}", words=conditions.words)
            yield make_removal_chip(text, partial(conditions.show_words, ""))
        if self._session.search.query is None:
            return
        if conditions.max_distance is not None:
            rate = self.cut_menu.describe_cut(conditions.max_distance)
            cut = tr("nearer than {max_distance:.2f}", max_distance=conditions.max_distance)
            text = f"{cut}: {rate.lower()}" if rate else cut
            yield make_removal_chip(text, partial(conditions.set_max_distance, None))
        if chip_text := RANKING_WORDINGS[conditions.ranking].chip_text:
            yield make_removal_chip(chip_text, partial(conditions.toggle_ranking, conditions.ranking))

    def _update_cut_slider(self, furthest: float) -> None:
        """Let the slider go from 0 to the distance of the furthest result; at its right end nothing is cut off."""
        cut = self._session.search.conditions.max_distance
        self.cut_slider.blockSignals(True)
        self.cut_slider.setRange(0, max(1, int(furthest * CUT_STEPS) + 1))
        self.cut_slider.setValue(self.cut_slider.maximum() if cut is None else round(cut * CUT_STEPS))
        self.cut_slider.blockSignals(False)

    def _apply_cut(self) -> None:
        at_end = self.cut_slider.value() == self.cut_slider.maximum()
        self._session.search.conditions.set_max_distance(None if at_end else self.cut_slider.value() / CUT_STEPS)


def describe_listing(listing: PhotoListing, cut: float | None) -> str:
    """How many photos are listed of how many: '24 of 1,200 photos nearer than 0.62'."""
    shown, candidates = listing.photo_count, format_count(listing.candidate_count, "photo")
    if listing.result is None or (listing.result.engine == WORDS_ENGINE and cut is None):
        return (
            candidates
            if shown == listing.candidate_count
            else tr("{shown:,} of {candidates}", shown=shown, candidates=candidates)
        )
    if cut is not None:
        or_more = tr(" or more") if listing.has_more else ""
        return tr(
            "{shown:,}{or_more} of {candidates} nearer than {cut:.2f}",
            shown=shown,
            or_more=or_more,
            candidates=candidates,
            cut=cut,
        )
    return (
        candidates
        if shown == listing.candidate_count
        else tr("{shown:,} nearest of {candidates}", shown=shown, candidates=candidates)
    )


def _collect_photo_marks(search: PhotoSearch) -> dict[int, int]:
    """How often each photo is marked in the query, by its id, negative for minus; a query of one photo marks none."""
    marks = list_marks(search.query) if search.query else []
    query_mark = (search.query_photo_id, 1)
    return {mark.example: mark.times for mark in marks if isinstance(mark.example, int) and mark != query_mark}


def _describe_engine(engine: str, recall: float) -> str:
    if engine == "exact":
        return tr("every photo compared")
    return tr("finds {recall} of the true nearest", recall=format_percent(recall))
