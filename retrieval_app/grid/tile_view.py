"""An item view of tiles that lie as a `TileLayout` says; it lays out, scrolls and paints only what is visible.

Qt's own icon view takes seconds for a million items, as it lays out every one of them by a call of its own.
"""

from __future__ import annotations

import bisect
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QWidget

from retrieval_app.grid.section_headers import HEADER_HEIGHT, locate_header, paint_headers
from retrieval_app.grid.tile_layout import NO_SECTIONS, TileLayout, lay_out_squares
from retrieval_app.grid.time_line import TimeLine
from retrieval_app.widgets.tables import AnyIndex
from retrieval_app.widgets.theme import Theme

if TYPE_CHECKING:
    from indexer.ranking.photo_arrangement import PhotoSection

Move = QAbstractItemView.CursorAction
ROW_STEPS = {Move.MoveUp: -1, Move.MoveDown: 1}
PLACE_STEPS = {Move.MoveLeft: -1, Move.MovePrevious: -1, Move.MoveRight: 1, Move.MoveNext: 1}
SCROLL_STEP = 48  # px of one notch


class TileView(QAbstractItemView):
    """A list model's items as tiles; the row of an index is the place of its tile.

    They may lie in sections, with headers where these are groups, and a time line where there is something to jump to.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sections: Sequence[PhotoSection] = ()
        self.section_starts: Sequence[int] = NO_SECTIONS  # where there are headers
        self.header_height = 0
        self._theme = theme
        self.time_line = TimeLine(theme, self)
        ground = QWidget()  # one made in C++ makes PySide load all kinds of widgets, to find which it is
        ground.setBackgroundRole(QPalette.ColorRole.Base)  # as the one made in C++ has it
        ground.setAutoFillBackground(True)
        self.setViewport(ground)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else the columns could flip-flop
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(SCROLL_STEP)
        for signal in (self.verticalScrollBar().valueChanged, self.verticalScrollBar().rangeChanged):
            signal.connect(self._show_position)
        self.time_line.place_wanted.connect(self._scroll_to_section)

    @cached_property
    def tile_layout(self) -> TileLayout:
        """Where the tiles lie: none at first, in arrays that are made when they are wanted."""
        return lay_out_squares(0, 1, 1, 0)

    @property
    def is_laid_out(self) -> bool:
        """Whether there ever was an item to lay out: the first paint, of no tiles, waits for no numpy."""
        return "tile_layout" in vars(self)

    def show_sections(self, sections: Sequence[PhotoSection], *, has_headers: bool) -> None:
        """Take the sections of what is listed; it is laid out next."""
        self.sections = sections
        self.header_height = HEADER_HEIGHT if has_headers and sections else 0
        self.section_starts = [section.start for section in sections] if self.header_height else NO_SECTIONS
        self.time_line.show_sections(sections)
        self._place_time_line()

    def locate_header(self, number: int) -> QRect:
        """The rectangle in the viewport of the header of a section."""
        return locate_header(self.tile_layout, number, self._find_seen())

    def _find_seen(self) -> QRect:
        """What the viewport shows of the ground."""
        return self.viewport().rect().translated(0, self.verticalOffset())

    def _show_position(self) -> None:
        if self.is_laid_out:
            self.time_line.show_layout(self.tile_layout, self._find_seen())

    def _place_time_line(self) -> None:
        width = self.time_line.measure_width()
        if self.viewportMargins().right() != width:
            self.setViewportMargins(0, 0, width, 0)
        area = self.viewport().geometry()
        self.time_line.setVisible(width > 0)
        self.time_line.setGeometry(area.right() + 1, area.top(), width, area.height())

    def _scroll_to_section(self, place: int) -> None:
        top = self.tile_layout.locate_tile(place).top() - self.tile_layout.header_height
        self.verticalScrollBar().setValue(top)

    @abstractmethod
    def make_layout(self, width: int) -> TileLayout:
        """Where the tiles lie on a ground of this width in px."""

    @abstractmethod
    def paint_place(self, painter: QPainter, place: int, cell: QRect) -> None:
        """Paint the tile at a place into its rectangle of the viewport."""

    def lay_out(self) -> None:
        """Lay out the tiles anew."""
        if not self.is_laid_out and not self.model().rowCount():
            return
        self.tile_layout = self.make_layout(max(1, self.viewport().width()))
        self.updateGeometries()
        self._show_position()
        self.viewport().update()

    def lay_out_in_place(self) -> None:
        """Lay out the tiles anew; the one at the top stays at the top."""
        if not self.is_laid_out:
            self.lay_out()
            return
        layout = self.tile_layout
        scroll = self.verticalOffset() + layout.header_height
        top = int(layout.row_starts[layout.find_rows_between(scroll, scroll).start]) if layout.tile_count else 0
        self.lay_out()
        if top < self.tile_layout.tile_count:
            self.verticalScrollBar().setValue(self.tile_layout.locate_tile(top).top() - self.tile_layout.header_height)

    def find_place_at(self, point: QPoint) -> int | None:
        """The place of the tile at a point of the viewport; None between tiles, and where a header is over them."""
        if not self.is_laid_out or point.y() < self.tile_layout.header_height:
            return None
        return self.tile_layout.find_place(point + QPoint(0, self.verticalOffset()))

    def locate_place(self, place: int) -> QRect:
        """The rectangle in the viewport of the tile at a place."""
        return self.tile_layout.locate_tile(place).translated(0, -self.verticalOffset())

    # What Qt asks an item view

    def visualRect(self, index: AnyIndex) -> QRect:
        """The rectangle of an item in the viewport."""
        is_laid_out = index.isValid() and index.row() < self.tile_layout.tile_count
        return self.locate_place(index.row()) if is_laid_out else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The item at a point of the viewport."""
        place = self.find_place_at(point)
        return QModelIndex() if place is None else self.model().index(place, 0)

    def scrollTo(
        self, index: AnyIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Scroll as little as shows all of an item, or so that it is at the top or in the middle."""
        if not index.isValid():
            return
        rect, bar, hints = self.visualRect(index), self.verticalScrollBar(), QAbstractItemView.ScrollHint
        above, below = rect.top() - self.tile_layout.header_height, rect.bottom() + 1 - self.viewport().height()
        if hint == hints.PositionAtTop or (hint == hints.EnsureVisible and above < 0):
            bar.setValue(bar.value() + above)
        elif hint == hints.PositionAtCenter:
            bar.setValue(bar.value() + (above + below) // 2)
        elif hint == hints.PositionAtBottom or below > 0:
            bar.setValue(bar.value() + below)

    def horizontalOffset(self) -> int:
        """Always 0, as rows never are wider than the viewport."""
        return 0

    def verticalOffset(self) -> int:
        """How far the ground is scrolled, in px."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: AnyIndex) -> bool:
        """False: no tile is ever hidden."""
        return False

    def setSelection(self, _rect: QRect, _command: object) -> None:
        """Do nothing, as Qt's own selection lists every item."""

    def visualRegionForSelection(self, _selection: object) -> QRegion:
        """An empty region, as Qt's own selection is not used."""
        return QRegion()

    def moveCursor(self, action: QAbstractItemView.CursorAction, _modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """The item that a key leads to: left and right go on in the next row, up and down to what lies there."""
        if not self.is_laid_out or not self.tile_layout.tile_count:
            return QModelIndex()
        layout = self.tile_layout
        if not self.currentIndex().isValid():
            return self.model().index(0, 0)
        place = self.currentIndex().row()
        if action in PLACE_STEPS:
            place = min(max(place + PLACE_STEPS[action], 0), layout.tile_count - 1)
        elif action in (Move.MoveHome, Move.MoveEnd):
            place = 0 if action == Move.MoveHome else layout.tile_count - 1
        else:
            place = self._find_place_in_other_row(place, action)
        return self.model().index(place, 0)

    def _find_place_in_other_row(self, place: int, action: QAbstractItemView.CursorAction) -> int:
        """The place above or below, by one row or by as many as the viewport shows; at the ends, the place itself."""
        layout, tile = self.tile_layout, self.tile_layout.locate_tile(place)
        row, last_row = layout.find_row(place), len(layout.row_tops) - 2
        if action in ROW_STEPS:
            target = row + ROW_STEPS[action]
        else:
            page = max(tile.height(), self.viewport().height() - tile.height())
            reach = tile.top() + (page if action == Move.MovePageDown else -page)
            target = bisect.bisect_right(layout.row_tops, min(max(reach, 0), layout.height - 1)) - 1
        if not 0 <= target <= last_row:
            return place
        return layout.find_place_in_row(target, tile.center().x())

    def updateGeometries(self) -> None:
        """Let the scroll bar reach the end of the ground."""
        super().updateGeometries()
        if not self.is_laid_out:
            return
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self.tile_layout.height - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(SCROLL_STEP)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out what fits into another width."""
        super().resizeEvent(event)
        self._place_time_line()
        self._show_position()
        if event.oldSize().width() != event.size().width():
            self.lay_out_in_place()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tiles of the area that has to be painted."""
        if not self.is_laid_out:
            return
        painter = QPainter(self.viewport())
        area = event.rect().translated(0, self.verticalOffset())
        for place in self.tile_layout.find_places(area).tolist():
            painter.save()
            self.paint_place(painter, place, self.locate_place(place))
            painter.restore()
        self.paint_above(painter)
        painter.end()

    def paint_above(self, painter: QPainter) -> None:
        """Paint what lies over the tiles: the headers."""
        if self.header_height and self.tile_layout.tile_count:
            paint_headers(painter, self.tile_layout, self._find_seen(), self.sections, self._theme.tokens)
