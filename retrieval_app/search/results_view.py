"""The centre of the search page: what is shown in words, how it is narrowed, and the grid that shows it."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from indexer.ranking.filter_options import describe_conditions
from indexer.ranking.rankings import RANK_NEAREST
from retrieval_app.search.error_rate_cut import ErrorRateMenu
from retrieval_app.search.filter_bar import ChipRow, FilterBar
from retrieval_app.search.grid import PhotoGrid
from retrieval_app.session.marks import list_marks
from retrieval_app.session.reading import MAX_HITS, RANKING_WORDINGS
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import LABELS_KEY, SideQuestions, list_labels
from retrieval_app.session.state import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import ElidedLabel, make_label
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count, format_percent

CUT_STEPS = 100  # of the cut-off, for a distance of 1
CUT_PAUSE_MS = 60  # while the cut-off slides, so that the grid is not laid out for every pixel


class ResultsView(QWidget):
    """The session's listing: the library, or ranked results; both may be filtered, results may be cut off."""

    def __init__(self, session: Session, tiles: TileCache, theme: Theme, questions: SideQuestions) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self._questions = questions
        self._folder = session.folder
        self._library_position: tuple[int, int | None] = (
            0,
            None,
        )  # scroll and current photo of the library, to come back to
        self._shown_listing = PhotoListing(np.empty(0, np.int64))
        self._shown_query = session.query
        self.grid = PhotoGrid(tiles, theme)
        self.filter_bar = FilterBar()
        self.chip_row = ChipRow()
        self.cut_slider = QSlider(Qt.Orientation.Horizontal)
        self.rate_menu = ErrorRateMenu(session, questions, self)
        self.cut_button = QToolButton()
        self._cut_timer = QTimer(self, singleShot=True, interval=CUT_PAUSE_MS)
        self._count_label = make_label("", "name")
        self._order_label = ElidedLabel(role="caption", elide=Qt.TextElideMode.ElideRight)
        self._order_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange_widgets()
        self._connect_signals()
        self._show_conditions()

    def _arrange_widgets(self) -> None:
        self.cut_slider.setFixedWidth(72)
        self.cut_slider.setAccessibleName("Cut-off distance")
        self.cut_slider.setToolTip("Cut off: show only results nearer than this; at the right end, all")
        self.cut_button.setText("cut ▾")
        self.cut_button.setMenu(self.rate_menu)
        self.cut_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.cut_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cut_button.setToolTip("Cut off at a false-match rate: so that few pictures that differ come in")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._count_label)
        head.addWidget(self._order_label, 1)
        head.addWidget(self.cut_button)
        head.addWidget(self.cut_slider)
        above = QVBoxLayout()
        above.setContentsMargins(12, 10, 16, 6)
        above.setSpacing(8)
        above.addLayout(head)
        above.addWidget(self.filter_bar)
        above.addWidget(self.chip_row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self.grid, 1)
        self.filter_bar.hide()

    def _connect_signals(self) -> None:
        session = self._session
        session.listing_changed.connect(self._update_listing)
        session.query_changed.connect(self._update_heading)
        session.query_changed.connect(self._show_conditions)
        session.library_changed.connect(self._request_labels)
        self.filter_bar.filter_wanted.connect(session.set_filter)
        self.filter_bar.closed.connect(self.close_filter)
        self.cut_slider.valueChanged.connect(self._cut_timer.start)
        self._cut_timer.timeout.connect(self._apply_cut)
        self._questions.answered.connect(self._take_labels)

    # The listing

    def _update_listing(self) -> None:
        listing, previous, query = self._session.listing, self._shown_listing, self._shown_query
        self._show_conditions()
        self._update_heading()
        if listing is previous:
            return
        self._shown_listing, self._shown_query = listing, self._session.query
        if listing.result is not None:
            if previous.result is None:
                self._library_position = (self.grid.verticalScrollBar().value(), self.grid.current_id())
            self._replace_listing(listing)
            changed = self._session.history.is_change or query is self._shown_query  # a mark, a filter, a cut
            if previous.result is None or not changed or self.grid.current_place() is None:
                self.grid.go_to(0, scroll=0)
        elif previous.result is None and self._folder == self._session.folder:
            self.grid.show_listing(listing)
        else:
            self._replace_listing(listing)
            self._restore_library_position(listing)

    def _replace_listing(self, listing: PhotoListing) -> None:
        self._tiles.drop_requests()
        self.grid.show_listing(listing)

    def _restore_library_position(self, listing: PhotoListing) -> None:
        """To where the library was left; to the top of another one."""
        scroll, current = self._library_position if self._folder == self._session.folder else (0, None)
        self._folder = self._session.folder
        found = np.flatnonzero(listing.ids == (-1 if current is None else current))
        self.grid.go_to(int(found[0]) if len(found) else 0, scroll=scroll)

    def _update_heading(self) -> None:
        session = self._session
        self.grid.queried = session.query_photo_id
        self.grid.marks = _collect_photo_marks(session)
        self.grid.viewport().update()
        result = session.listing.result
        if session.searching:
            self._count_label.setText("Searching…")
            self._order_label.clear()
        elif result is None:
            self._count_label.setText(describe_listing(session.listing, None))
            self._order_label.setText("by folder and name")
        else:
            self._count_label.setText(describe_listing(session.listing, session.max_distance))
            self._order_label.setText(
                f"{RANKING_WORDINGS[session.ranking].order_text}  ·  "
                f"{_describe_engine(result.engine, result.recall_at_10)}"
            )
        self._order_label.setToolTip(self._order_label.text())  # a narrow window has no room for all of it

    # Filter and cut-off

    def open_filter(self) -> None:
        """Show the fields and let the first one take the keys."""
        self.filter_bar.show()
        self._request_labels()
        self.filter_bar.label_field.setFocus()

    def close_filter(self) -> None:
        """Hide the fields; what is chosen stays, as chips."""
        self.filter_bar.hide()
        self.grid.setFocus()

    def _request_labels(self) -> None:
        """The library's labels and folders, read when they are looked at."""
        if self.filter_bar.isVisible():
            self._questions.ask_question(LABELS_KEY, list_labels)

    def _take_labels(self, key: object, answer: object) -> None:
        if key == LABELS_KEY and isinstance(answer, list):
            roots = self._session.info.roots if self._session.info else []
            self.filter_bar.offer_choices(answer, [Path(os.fsdecode(root.path)) for root in roots])

    def _show_conditions(self) -> None:
        session = self._session
        self.filter_bar.show_filter(session.photo_filter)
        chosen: list[tuple[str, Callable[[], object]]] = [
            (one.text, partial(session.set_filter, one.without)) for one in describe_conditions(session.photo_filter)
        ]
        if session.max_distance is not None and session.query is not None:
            rate = self.rate_menu.describe_cut(session.max_distance)
            chosen.append(
                (
                    f"nearer than {session.max_distance:.2f}{f': {rate.lower()}' * bool(rate)}",
                    partial(session.set_max_distance, None),
                )
            )
        if session.ranking != RANK_NEAREST and session.query is not None:
            chosen.append(
                (RANKING_WORDINGS[session.ranking].chip_text, partial(session.toggle_ranking, session.ranking))
            )
        self.chip_row.show_chips(chosen)
        hits = session.full_listing.hits
        for widget in (self.cut_slider, self.cut_button):
            widget.setVisible(bool(hits))
        if hits and not self._cut_timer.isActive() and not self.cut_slider.isSliderDown():
            self._update_cut_slider(max(hit.distance for hit in hits))

    def _update_cut_slider(self, furthest: float) -> None:
        """The slider goes from 0 to the furthest result; at its end nothing is cut off."""
        cut = self._session.max_distance
        self.cut_slider.blockSignals(True)
        self.cut_slider.setRange(0, max(1, int(furthest * CUT_STEPS) + 1))
        self.cut_slider.setValue(self.cut_slider.maximum() if cut is None else round(cut * CUT_STEPS))
        self.cut_slider.blockSignals(False)

    def _apply_cut(self) -> None:
        at_end = self.cut_slider.value() == self.cut_slider.maximum()
        self._session.set_max_distance(None if at_end else self.cut_slider.value() / CUT_STEPS)


def describe_listing(listing: PhotoListing, cut: float | None) -> str:
    """How many are shown: '24 of 1,200 photos nearer than 0.62'."""
    shown, among = len(listing.ids), format_count(listing.candidate_count, "photo")
    if listing.result is None:
        return among if shown == listing.candidate_count else f"{shown:,} of {among}"
    if cut is not None:
        full = " or more" if shown == MAX_HITS else ""
        return f"{shown:,}{full} of {among} nearer than {cut:.2f}"
    return among if shown == listing.candidate_count else f"{shown:,} nearest of {among}"


def _collect_photo_marks(session: Session) -> dict[int, int]:
    """Photo id -> mark, of the library's photos in the query; the photo that alone is asked for bears none."""
    found = list_marks(session.query) if session.query else []
    plain = (session.query_photo_id, 1)
    return {mark.example: mark.times for mark in found if isinstance(mark.example, int) and mark != plain}


def _describe_engine(engine: str, recall: float) -> str:
    if engine == "exact":
        return "every photo compared"
    return f"finds {format_percent(recall)} of the true nearest"
