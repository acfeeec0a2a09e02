"""The centre of the search page: a line that says what is shown, and the grid that shows it."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from retrieval_app import words
from retrieval_app.grid import Grid
from retrieval_app.labels import Elided, label
from retrieval_app.marking import marks
from retrieval_app.session import Session
from retrieval_app.state import Listing
from retrieval_app.theme import Theme
from retrieval_app.tiles import Tiles


class ResultsView(QWidget):
    """The session's listing: the whole library, or ranked results."""

    def __init__(self, session: Session, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self._folder = session.folder
        self._left: tuple[int, int | None] = (0, None)  # scroll and current photo of the library, to come back to
        self._shown = Listing(np.empty(0, np.int64))
        self.grid = Grid(tiles, theme)
        self._title = label("", "name")
        self._order = Elided(role="caption", elide=Qt.TextElideMode.ElideRight)
        self._order.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange()
        session.listing_changed.connect(self._show)
        session.query_changed.connect(self._say)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 10, 16, 6)
        head.setSpacing(12)
        head.addWidget(self._title)
        head.addWidget(self._order, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.grid, 1)

    def _show(self) -> None:
        listing, before = self._session.listing, self._shown
        self._say()
        if listing is before:
            return
        self._shown = listing
        if listing.result is not None:
            if before.result is None:
                self._left = (self.grid.verticalScrollBar().value(), self.grid.current_id())
            self._turn(listing)
            if not self._session.history.changed or before.result is None:  # after a mark the photo stays current
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
            self._title.setText(words.count(len(session.listing.ids), "photo"))
            self._order.setText("by folder and name")
        else:
            self._title.setText(words.count(len(result.hits), "nearest photo"))
            self._order.setText(f"by distance, 0 is the same  ·  {_how(result.engine, result.recall_at_10)}")


def _marks(session: Session) -> dict[int, int]:
    """Photo id -> mark, of the library's photos in the query; the photo that alone is asked for bears none."""
    found = marks(session.query) if session.query else []
    plain = (session.queried, 1)
    return {mark.example: mark.times for mark in found if isinstance(mark.example, int) and mark != plain}


def _how(engine: str, recall: float) -> str:
    if engine == "exact":
        return "every photo compared"
    return f"finds {words.percent(recall)} of the true nearest"
