"""The virtualised grid: any number of photos as tiles, of which only the visible ones cost anything.

A table view whose cells are mapped to photos (row x columns + column) opens a million of them at once; Qt's own icon
view takes seconds, as it lays out every item.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from indexer.paths import show_file_name
from indexer.search.results import Hit, Photo
from retrieval_app.session.photo_listing import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.distance_band import describe_distance
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.tile_painter import (
    CAPTION_HEIGHT,
    TILE_PADDING,
    TileContent,
    locate_picture_square,
    locate_sign,
    paint_tile,
)

AnyIndex = QModelIndex | QPersistentModelIndex
MIN_TILE_SIDE, DEFAULT_TILE_SIDE, MAX_TILE_SIDE = 96, 136, 256  # px
MARK_TIPS = {1: "More like this (+)", -1: "Less like this (-)"}
_INVALID_INDEX = QModelIndex()


class _TileSpot(NamedTuple):
    """What lies under the pointer: a photo, and its plus (1), its minus (-1) or neither (0)."""

    photo_id: int
    sign: int


class GridModel(QAbstractTableModel):
    """A listing laid out in columns."""

    def __init__(self, tiles: TileCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = tiles
        self.listing = PhotoListing(np.empty(0, np.int64))
        self.columns = 1

    def show_listing(self, listing: PhotoListing, columns: int) -> None:
        """Lay out a listing anew."""
        self.beginResetModel()
        self.listing, self.columns = listing, columns
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _INVALID_INDEX) -> int:
        """Rows of cells; the last one may be partly empty."""
        return 0 if parent.isValid() else -(-len(self.listing.ids) // self.columns)

    def columnCount(self, parent: AnyIndex = _INVALID_INDEX) -> int:
        """Cells in a row."""
        return 0 if parent.isValid() else self.columns

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, for screen readers, and what the distance means; tiles are painted from `photo_at` and `hit_at`."""
        if (place := self.find_place(index)) is None:
            return None
        hit = self.hit_at(place)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return describe_distance(hit) if hit else None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        photo = self.photo_at(place)
        return show_file_name(photo.path) if photo else ""

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Enabled and selectable for photos; nothing for the empty cells of the last row."""
        if self.find_place(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def find_place(self, index: AnyIndex) -> int | None:
        """The place of a cell in the listing; None for the empty cells of the last row."""
        place = index.row() * self.columns + index.column()
        return place if index.isValid() and place < len(self.listing.ids) else None

    def index_at_place(self, place: int) -> QModelIndex:
        """The cell of a place in the listing."""
        return self.index(place // self.columns, place % self.columns)

    def hit_at(self, place: int) -> Hit | None:
        """The ranked hit at a place; None where the listing is the whole library."""
        return self.listing.hits[place] if self.listing.hits else None

    def photo_at(self, place: int) -> Photo | None:
        """The photo at a place; None until it has been read."""
        hit = self.hit_at(place)
        return hit.photo if hit else self._tiles.request_photo_in_row(self.listing.ids, place)


class _GridPainter(QStyledItemDelegate):
    """Paints the cells of a grid."""

    def __init__(self, grid: "PhotoGrid", tiles: TileCache, theme: Theme) -> None:
        super().__init__(grid)
        self._grid = grid
        self._tiles = tiles
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint one cell; nothing in the empty cells of the last row."""
        model, side = self._grid.grid_model, self._grid.side
        if (place := model.find_place(index)) is None:
            return
        photo = model.photo_at(place)
        state: QStyle.StateFlag = option.state
        pixels = round(side * self._grid.devicePixelRatioF())
        tile = TileContent(
            photo=photo,
            hit=model.hit_at(place),
            pixmap=self._tiles.request_thumbnail(photo, pixels) if photo else None,
            side=side,
            queried=int(model.listing.ids[place]) == self._grid.queried,
            focused=bool(state & QStyle.StateFlag.State_HasFocus),
            hovered=bool(state & QStyle.StateFlag.State_MouseOver),
            mark=self._grid.marks.get(int(model.listing.ids[place]), 0),
        )
        painter.save()
        paint_tile(painter, option.rect, tile, self._theme.tokens)
        painter.restore()


class PhotoGrid(QTableView):
    """The tiles of one listing, with signals for the photo that was chosen, opened, marked or became current."""

    chosen = Signal(int)  # photo id: a click, or Enter
    opened = Signal(int)  # photo id: a double click
    current_moved = Signal()  # another tile is current
    marked = Signal(int, int)  # photo id, 1 for more like this or -1 for less
    compare_wanted = Signal(int)  # photo id: Space

    def __init__(self, tiles: TileCache, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = DEFAULT_TILE_SIDE
        self.queried: int | None = None  # the photo that is the query, marked
        self.marks: Mapping[int, int] = {}  # photo id -> how often marked plus, negative for minus
        self._pressed_spot: _TileSpot | None = None
        self._clicked_photo: int | None = None
        self.grid_model = GridModel(tiles, self)
        self.setModel(self.grid_model)
        self.setItemDelegate(_GridPainter(self, tiles, theme))
        self._hide_table_parts()
        tiles.arrived.connect(self.viewport().update)

    def _hide_table_parts(self) -> None:
        """Hide what a table shows and a grid of pictures does not need: frame, lines, headers, selection."""
        self.setAccessibleName("Photos")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else the columns could flip-flop
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    # What is shown

    def show_listing(self, listing: PhotoListing) -> None:
        """Show photos; the current one stays current where it is among them."""
        previous_id, scroll = self.current_id(), self.verticalScrollBar().value()
        self._lay_out(listing)
        self.verticalScrollBar().setValue(scroll)
        if previous_id is not None and len(places := np.flatnonzero(listing.ids == previous_id)):
            self._set_current(int(places[0]), scroll=False)

    def go_to(self, place: int, scroll: int | None = None) -> None:
        """Make the tile at a place current and scroll to it, or to `scroll`, a value of the scroll bar."""
        if place < len(self.grid_model.listing.ids):
            self._set_current(place, scroll=scroll is None)
        if scroll is not None:
            self.verticalScrollBar().setValue(scroll)

    def set_side(self, side: int) -> None:
        """Set the side of a tile's picture in px, clipped to the allowed range."""
        self.side = min(max(side, MIN_TILE_SIDE), MAX_TILE_SIDE)
        self._lay_out_again()

    def current_place(self) -> int | None:
        """The place of the current tile in the listing; None where no tile is current."""
        return self.grid_model.find_place(self.currentIndex())

    def current_id(self) -> int | None:
        """The id of the current photo; None where no tile is current."""
        place = self.current_place()
        return None if place is None else int(self.grid_model.listing.ids[place])

    def _set_current(self, place: int, *, scroll: bool = True) -> None:
        index = self.grid_model.index_at_place(place)
        scroll_value = self.verticalScrollBar().value()
        self.setCurrentIndex(index)
        if scroll:
            self.scrollTo(index)
        else:
            self.verticalScrollBar().setValue(scroll_value)

    def _lay_out(self, listing: PhotoListing) -> None:
        width = max(1, self.viewport().width())
        columns = max(1, width // (self.side + 2 * TILE_PADDING))
        self.grid_model.show_listing(listing, columns)
        self.horizontalHeader().setDefaultSectionSize(width // columns)
        self.verticalHeader().setDefaultSectionSize(self.side + CAPTION_HEIGHT + 2 * TILE_PADDING)
        self.verticalScrollBar().setSingleStep(48)
        self.updateGeometries()

    def _lay_out_again(self) -> None:
        """Lay out cells of another size; the photo at the top stays at the top."""
        top, current = self.grid_model.find_place(self.indexAt(QRect(0, 0, 1, 1).center())), self.current_place()
        self._lay_out(self.grid_model.listing)
        if top is not None:
            self.scrollTo(self.grid_model.index_at_place(top), QAbstractItemView.ScrollHint.PositionAtTop)
        if current is not None:
            self._set_current(current, scroll=False)

    # What the user does

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out as many columns as fit."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._lay_out_again()

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Emit `current_moved`."""
        super().currentChanged(current, previous)
        self.current_moved.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses the current photo, Space compares it with the query."""
        current = self.current_id()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current is not None:
            self.chosen.emit(current)
        elif event.key() == Qt.Key.Key_Space and current is not None:
            self.compare_wanted.emit(current)
        elif event.key() == Qt.Key.Key_Backspace:
            event.ignore()  # goes back in history
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Do nothing: Qt would search the names of all photos for the typed letters."""

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """The cell that a key leads to: arrows go on from the end of a row to the start of the next."""
        count = len(self.grid_model.listing.ids)
        if not count:
            return QModelIndex()
        columns = self.grid_model.columns
        page = columns * max(1, self.viewport().height() // max(1, self.verticalHeader().defaultSectionSize()))
        move = QAbstractItemView.CursorAction
        steps = {
            move.MoveLeft: -1,
            move.MovePrevious: -1,
            move.MoveRight: 1,
            move.MoveNext: 1,
            move.MoveUp: -columns,
            move.MoveDown: columns,
            move.MovePageUp: -page,
            move.MovePageDown: page,
            move.MoveHome: -count,
            move.MoveEnd: count,
        }
        place = self.current_place()
        return self.grid_model.index_at_place(0 if place is None else min(max(place + steps[action], 0), count - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the pressed tile; the side buttons of a mouse are left to the window."""
        if event.button() in (Qt.MouseButton.BackButton, Qt.MouseButton.ForwardButton):
            event.ignore()
            return
        super().mousePressEvent(event)
        self._pressed_spot = self._find_spot(event.position()) if event.button() == Qt.MouseButton.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose or mark at once where the press was on the same tile, without waiting for a double click."""
        super().mouseReleaseEvent(event)
        pressed, self._pressed_spot = self._pressed_spot, None
        if pressed is None or pressed != self._find_spot(event.position()):
            return
        if pressed.sign:
            self.marked.emit(*pressed)
        else:
            self._clicked_photo = pressed.photo_id
            self.chosen.emit(pressed.photo_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the photo of the first click: by the second one its results may already lie under the pointer."""
        spot = self._find_spot(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if spot is not None and spot.sign:
            self._pressed_spot = spot  # two quick clicks on a plus are two
        elif self._clicked_photo is not None:
            self.opened.emit(self._clicked_photo)

    def viewportEvent(self, event: QEvent) -> bool:
        """Show what the signs in the corners of a tile do as a tool tip."""
        if isinstance(event, QHelpEvent) and (spot := self._find_spot(QPointF(event.pos()))) and spot.sign:
            QToolTip.showText(event.globalPos(), MARK_TIPS[spot.sign], self)
            return True
        return super().viewportEvent(event)

    def _find_spot(self, position: QPointF) -> _TileSpot | None:
        index = self.indexAt(position.toPoint())
        if (place := self.grid_model.find_place(index)) is None:
            return None
        square = locate_picture_square(self.visualRect(index), self.side)
        signs = (sign for sign in MARK_TIPS if locate_sign(square, sign).contains(position.toPoint()))
        return _TileSpot(int(self.grid_model.listing.ids[place]), next(signs, 0))

    def sizeHint(self) -> QSize:
        """The size of four columns in px."""
        return QSize(4 * (DEFAULT_TILE_SIDE + 2 * TILE_PADDING), 600)
