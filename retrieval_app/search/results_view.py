"""The centre of the search page: what is shown in words, how it is narrowed, and the grid that shows it."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from indexer.ranking.filter_options import told
from indexer.ranking.rankings import NEAREST
from retrieval_app import wording as words
from retrieval_app.search.error_rate_cut import RateCut
from retrieval_app.search.filter_bar import ChipRow, FilterBar
from retrieval_app.search.grid import Grid
from retrieval_app.session import side_questions as asides
from retrieval_app.session.marks import marks
from retrieval_app.session.reading import HITS, ORDERS
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides
from retrieval_app.session.state import Listing
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.controls import Elided, label
from retrieval_app.widgets.theme import Theme

STEPS = 100  # of the cut-off, for a distance of 1
PAUSE_MS = 60  # while the cut-off slides, so that the grid is not laid out for every pixel


class ResultsView(QWidget):
    """The session's listing: the library, or ranked results; both may be filtered, results may be cut off."""

    def __init__(self, session: Session, tiles: Tiles, theme: Theme, beside: Asides) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self._asides = beside
        self._folder = session.folder
        self._left: tuple[int, int | None] = (0, None)  # scroll and current photo of the library, to come back to
        self._shown = Listing(np.empty(0, np.int64))
        self._query = session.query
        self.grid = Grid(tiles, theme)
        self.filter = FilterBar()
        self.chips = ChipRow()
        self.cut = QSlider(Qt.Orientation.Horizontal)
        self.rate_cut = RateCut(session, beside, self)
        self.cut_button = QToolButton()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._title = label("", "name")
        self._order = Elided(role="caption", elide=Qt.TextElideMode.ElideRight)
        self._order.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange()
        self._connect()
        self._show_filter()

    def _arrange(self) -> None:
        self.cut.setFixedWidth(72)
        self.cut.setAccessibleName("Cut-off distance")
        self.cut.setToolTip("Cut off: show only results nearer than this; at the right end, all")
        self.cut_button.setText("cut ▾")
        self.cut_button.setMenu(self.rate_cut)
        self.cut_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.cut_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cut_button.setToolTip("Cut off at a false-match rate: so that few pictures that differ come in")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title)
        head.addWidget(self._order, 1)
        head.addWidget(self.cut_button)
        head.addWidget(self.cut)
        above = QVBoxLayout()
        above.setContentsMargins(12, 10, 16, 6)
        above.setSpacing(8)
        above.addLayout(head)
        above.addWidget(self.filter)
        above.addWidget(self.chips)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self.grid, 1)
        self.filter.hide()

    def _connect(self) -> None:
        session = self._session
        session.listing_changed.connect(self._show)
        session.query_changed.connect(self._say)
        session.query_changed.connect(self._show_filter)
        session.library_changed.connect(self._offer)
        self.filter.wanted.connect(session.keep_within)
        self.filter.closed.connect(self.close_filter)
        self.cut.valueChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._cut)
        self._asides.answered.connect(self._take)

    # The listing

    def _show(self) -> None:
        listing, before, query = self._session.listing, self._shown, self._query
        self._show_filter()
        self._say()
        if listing is before:
            return
        self._shown, self._query = listing, self._session.query
        if listing.result is not None:
            if before.result is None:
                self._left = (self.grid.verticalScrollBar().value(), self.grid.current_id())
            self._turn(listing)
            changed = self._session.history.changed or query is self._query  # a mark, a filter, a cut
            if before.result is None or not changed or self.grid.current_place() is None:
                self.grid.go_to(0, scroll=0)
        elif before.result is None and self._folder == self._session.folder:
            self.grid.show_listing(listing)
        else:
            self._turn(listing)
            self._come_back(listing)

    def _turn(self, listing: Listing) -> None:
        self._tiles.turn()
        self.grid.show_listing(listing)

    def _come_back(self, listing: Listing) -> None:
        """To where the library was left; to the top of another one."""
        scroll, current = self._left if self._folder == self._session.folder else (0, None)
        self._folder = self._session.folder
        found = np.flatnonzero(listing.ids == (-1 if current is None else current))
        self.grid.go_to(int(found[0]) if len(found) else 0, scroll=scroll)

    def _say(self) -> None:
        session = self._session
        self.grid.queried = session.queried
        self.grid.marks = _marks(session)
        self.grid.viewport().update()
        result = session.listing.result
        if session.searching:
            self._title.setText("Searching…")
            self._order.clear()
        elif result is None:
            self._title.setText(in_words(session.listing, None))
            self._order.setText("by folder and name")
        else:
            self._title.setText(in_words(session.listing, session.cut))
            self._order.setText(f"{ORDERS[session.way].order}  ·  {_how(result.engine, result.recall_at_10)}")
        self._order.setToolTip(self._order.text())  # a narrow window has no room for all of it

    # Filter and cut-off

    def open_filter(self) -> None:
        """Show the fields and let the first one take the keys."""
        self.filter.show()
        self._offer()
        self.filter.label.setFocus()

    def close_filter(self) -> None:
        """Hide the fields; what is chosen stays, as chips."""
        self.filter.hide()
        self.grid.setFocus()

    def _offer(self) -> None:
        """The library's labels and folders, read when they are looked at."""
        if self.filter.isVisible():
            self._asides.ask(asides.LABELS, asides.labels)

    def _take(self, key: object, answer: object) -> None:
        if key == asides.LABELS and isinstance(answer, list):
            roots = self._session.info.roots if self._session.info else []
            self.filter.offer(answer, [Path(os.fsdecode(root.path)) for root in roots])

    def _show_filter(self) -> None:
        session = self._session
        self.filter.show_filter(session.within)
        chosen: list[tuple[str, Callable[[], object]]] = [
            (one.text, partial(session.keep_within, one.without)) for one in told(session.within)
        ]
        if session.cut is not None and session.query is not None:
            rate = self.rate_cut.said(session.cut)
            chosen.append(
                (f"nearer than {session.cut:.2f}{f': {rate.lower()}' * bool(rate)}", partial(session.cut_at, None))
            )
        if session.way != NEAREST and session.query is not None:
            chosen.append((ORDERS[session.way].chip, partial(session.rank, session.way)))
        self.chips.show_chips(chosen)
        hits = session.found.hits
        for widget in (self.cut, self.cut_button):
            widget.setVisible(bool(hits))
        if hits and not self._pause.isActive() and not self.cut.isSliderDown():
            self._show_cut(max(hit.distance for hit in hits))

    def _show_cut(self, furthest: float) -> None:
        """The slider goes from 0 to the furthest result; at its end nothing is cut off."""
        cut = self._session.cut
        self.cut.blockSignals(True)
        self.cut.setRange(0, max(1, int(furthest * STEPS) + 1))
        self.cut.setValue(self.cut.maximum() if cut is None else round(cut * STEPS))
        self.cut.blockSignals(False)

    def _cut(self) -> None:
        at_end = self.cut.value() == self.cut.maximum()
        self._session.cut_at(None if at_end else self.cut.value() / STEPS)


def in_words(listing: Listing, cut: float | None) -> str:
    """How many are shown: '24 of 1,200 photos nearer than 0.62'."""
    shown, among = len(listing.ids), words.count(listing.among, "photo")
    if listing.result is None:
        return among if shown == listing.among else f"{shown:,} of {among}"
    if cut is not None:
        full = " or more" if shown == HITS else ""
        return f"{shown:,}{full} of {among} nearer than {cut:.2f}"
    return among if shown == listing.among else f"{shown:,} nearest of {among}"


def _marks(session: Session) -> dict[int, int]:
    """Photo id -> mark, of the library's photos in the query; the photo that alone is asked for bears none."""
    found = marks(session.query) if session.query else []
    plain = (session.queried, 1)
    return {mark.example: mark.times for mark in found if isinstance(mark.example, int) and mark != plain}


def _how(engine: str, recall: float) -> str:
    if engine == "exact":
        return "every photo compared"
    return f"finds {words.percent(recall)} of the true nearest"
