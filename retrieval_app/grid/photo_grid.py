"""The grid of a listing's photos: what is painted, and what mouse and keys want of a photo or select.

A click finds what looks like a photo. The ring in a tile's corner, Ctrl, Shift and a rectangle drawn on empty ground
select; while anything is selected, a click selects too, and Escape ends that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from retrieval_app.grid.grid_model import GridModel
from retrieval_app.grid.justified_rows import lay_out_rows
from retrieval_app.grid.rubber_band import RubberBand
from retrieval_app.grid.tile_layout import TileLayout, lay_out_squares
from retrieval_app.grid.tile_parts import PART_SIGNS, TilePart, find_tile_part, locate_tile_part
from retrieval_app.grid.tile_view import Move, TileView
from retrieval_app.session.photo_selection import PhotoSelection
from retrieval_app.session.searching.photo_listing import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import claim_escape
from retrieval_app.widgets.tables import AnyIndex
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.tile_painter import (
    CAPTION_HEIGHT,
    TILE_PADDING,
    TileContent,
    paint_tile,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_TILE_SIDE, DEFAULT_TILE_SIDE, MAX_TILE_SIDE = 72, 92, 256  # px
SIDE_MARGIN = 9  # px at the left and the right of all rows
DIMMED_OPACITY = 0.35
ARRIVAL_PAUSE_MS = 16  # in which the pictures that arrive are painted all at once
THUMBNAIL_STEP = 64  # px: thumbnails are asked for in few sizes, as the heights of rows differ a little
MOVE_KEYS = {
    Qt.Key.Key_Left: Move.MoveLeft,
    Qt.Key.Key_Right: Move.MoveRight,
    Qt.Key.Key_Up: Move.MoveUp,
    Qt.Key.Key_Down: Move.MoveDown,
    Qt.Key.Key_PageUp: Move.MovePageUp,
    Qt.Key.Key_PageDown: Move.MovePageDown,
    Qt.Key.Key_Home: Move.MoveHome,
    Qt.Key.Key_End: Move.MoveEnd,
}
LEFT, SHIFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class _TileSpot(NamedTuple):
    """What lies under the pointer: a photo, and the part of its tile."""

    photo_id: int
    part: TilePart


class PhotoGrid(TileView):
    """The tiles of one listing, with signals for the photo that was chosen, opened, marked or became current."""

    chosen = Signal(int)  # photo id: a click, or Enter
    opened = Signal(int)  # photo id: a double click
    current_moved = Signal()  # another tile is current
    marked = Signal(int, int)  # photo id, 1 for more like this or -1 for less
    view_wanted = Signal()  # Space: the current photo large
    selection_chosen = Signal()  # Enter while photos are selected
    menu_wanted = Signal(QPoint)  # where on the screen
    end_neared = Signal()  # less than a screen of tiles lies below what is shown
    drag_wanted = Signal(list)  # photo ids: a picture is drawn away with the mouse

    def __init__(self, tiles: TileCache, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.side = DEFAULT_TILE_SIDE
        self.queried: int | None = None  # the photo that is the query, marked
        self.has_squares = False  # or rows of pictures that each keep their shape
        self._is_dimmed = False
        self.marks: Mapping[int, int] = {}  # photo id -> how often marked plus, negative for minus
        self.selection = PhotoSelection(self)
        self._tiles = tiles
        self._rubber_band = RubberBand(self, self.selection)
        self._pressed_spot: _TileSpot | None = None
        self._pressed_point = QPoint()
        self._clicked_photo: int | None = None
        self._hovered_place: int | None = None
        self.grid_model = GridModel(tiles, self)
        self.setModel(self.grid_model)
        for scrolled in (self.verticalScrollBar().valueChanged, self.verticalScrollBar().rangeChanged):
            scrolled.connect(self._look_for_end, Qt.ConnectionType.QueuedConnection)  # once it is where it shall be
        self._tell_current()
        for signal in (tiles.arrived, self.current_moved):
            signal.connect(self._tell_current)
        self._arrival_timer = QTimer(self, singleShot=True, interval=ARRIVAL_PAUSE_MS)
        self._arrival_timer.timeout.connect(self.viewport().update)
        tiles.arrived.connect(self._paint_arrivals)
        self.selection.changed.connect(self.viewport().update)

    def _paint_arrivals(self) -> None:
        if not self._arrival_timer.isActive():
            self._arrival_timer.start()

    # What is shown

    def show_listing(self, listing: PhotoListing) -> None:
        """Show photos; the current one stays current and the selected ones selected where they are among them."""
        current_id, scroll = self.current_id(), self.verticalOffset()
        self._hovered_place = None
        self.grid_model.show_listing(listing)
        self.show_sections(listing.sections, has_headers=listing.has_headers)
        self.selection.follow_listing(listing.ids)
        self.lay_out()
        self.verticalScrollBar().setValue(scroll)
        if current_id is not None and len(places := np.flatnonzero(listing.ids == current_id)):
            self._set_current(int(places[0]), scroll=False)

    def refresh_listing(self, listing: PhotoListing) -> None:
        """Show what has become of the listing; where the current photo has gone, the next one takes its place."""
        place = self.current_place()
        self.show_listing(listing)
        if place is not None and self.current_place() is None and len(listing.ids):
            self._set_current(min(place, len(listing.ids) - 1), scroll=False)

    def go_to(self, place: int, scroll: int | None = None) -> None:
        """Make the tile at a place current and scroll to it, or to `scroll`, a value of the scroll bar."""
        if place < len(self.grid_model.listing.ids):
            self._set_current(place, scroll=scroll is None)
        if scroll is not None:
            self.verticalScrollBar().setValue(scroll)

    def set_side(self, side: int) -> None:
        """Set the side of a tile's picture in px, clipped to the allowed range."""
        self.side = min(max(side, MIN_TILE_SIDE), MAX_TILE_SIDE)
        self.lay_out_in_place()

    def mark_photos(self, queried: int | None, marks: Mapping[int, int]) -> None:
        """Mark the photo that is the query, and those that are plus or minus in it; only what changes is painted."""
        changed = {photo for photo, _ in self.marks.items() ^ marks.items()}
        if queried != self.queried:
            changed |= {photo for photo in (queried, self.queried) if photo is not None}
        self.queried, self.marks = queried, marks
        for place in np.flatnonzero(np.isin(self.grid_model.listing.ids, list(changed))).tolist() if changed else ():
            self.update(self.grid_model.index_at_place(place))

    def set_dimmed(self, is_dimmed: bool) -> None:
        """Paint the photos as ones that something else will take the place of, or as usual."""
        if is_dimmed != self._is_dimmed:
            self._is_dimmed = is_dimmed
            self.viewport().update()

    def set_squares(self, has_squares: bool) -> None:
        """Lay the tiles out as squares of one size, or as rows of pictures that each keep their shape."""
        self.has_squares = has_squares
        self.lay_out_in_place()

    def set_aspects(self, aspects: NDArray[np.float32]) -> None:
        """Take the width over height of the library's photos, by their ids."""
        if aspects is not self.grid_model.photo_aspects:
            self.grid_model.photo_aspects = aspects
            self.lay_out_in_place()

    def current_place(self) -> int | None:
        """The place of the current tile in the listing; None where no tile is current."""
        return self.grid_model.find_place(self.currentIndex())

    def current_id(self) -> int | None:
        """The id of the current photo; None where no tile is current."""
        place = self.current_place()
        return None if place is None else int(self.grid_model.listing.ids[place])

    def list_chosen_ids(self) -> list[int]:
        """The ids of the selected photos in the order of the listing, else of the current one."""
        if self.selection.count:
            return self.selection.list_ids()
        return [] if (current_id := self.current_id()) is None else [current_id]

    def _set_current(self, place: int, *, scroll: bool = True) -> None:
        index, scroll_value = self.grid_model.index_at_place(place), self.verticalOffset()
        self.setCurrentIndex(index)
        self.verticalScrollBar().setValue(scroll_value)
        if scroll:
            self.scrollTo(index)

    def _look_for_end(self) -> None:
        bar = self.verticalScrollBar()
        if bar.value() + bar.pageStep() >= bar.maximum():
            self.end_neared.emit()

    def caption_height(self) -> int:
        """The height in px of the captions below the pictures: none where they are laid over them."""
        return CAPTION_HEIGHT if self.has_squares or self.grid_model.listing.has_findings else 0

    def make_layout(self, width: int) -> TileLayout:
        """Rows that fill the width, or squares of one size in columns."""
        sizes = max(1, width - 2 * SIDE_MARGIN), self.side, self.caption_height()
        starts, header_height = self.section_starts, self.header_height
        if self.has_squares:
            count = len(self.grid_model.listing.ids)
            layout = lay_out_squares(count, *sizes, section_starts=starts, header_height=header_height)
        else:
            aspects = self.grid_model.list_aspects()
            layout = lay_out_rows(aspects, *sizes, section_starts=starts, header_height=header_height)
        return layout._replace(lefts=layout.lefts + SIDE_MARGIN)

    def locate_part(self, place: int, part: TilePart) -> QRect:
        """The rectangle in the viewport of a part of the tile at a place."""
        return locate_tile_part(self.locate_place(place), part, self.caption_height())

    def paint_place(self, painter: QPainter, place: int, cell: QRect) -> None:
        """Paint the tile at a place."""
        photo, photo_id = self.grid_model.photo_at(place), int(self.grid_model.listing.ids[place])
        pixels = -int(-max(cell.width(), cell.height()) * self.devicePixelRatioF() // THUMBNAIL_STEP) * THUMBNAIL_STEP
        tile = TileContent(
            photo=photo,
            hit=self.grid_model.hit_at(place),
            pixmap=self._tiles.request_thumbnail(photo, pixels) if photo else None,
            queried=photo_id == self.queried,
            focused=self.hasFocus() and place == self.current_place(),
            hovered=place == self._hovered_place,
            mark=self.marks.get(photo_id, 0),
            selected=self.selection.includes(photo_id) if self.selection.count else None,
            caption_height=self.caption_height(),
            reason=self.grid_model.explain_place(place),
        )
        painter.setOpacity(DIMMED_OPACITY if self._is_dimmed else 1)
        paint_tile(painter, cell, tile, self._theme.tokens)

    def paint_above(self, painter: QPainter) -> None:
        """Paint the headers, and the rectangle that is being drawn."""
        super().paint_above(painter)
        self._rubber_band.paint_area(painter, self._theme.tokens.accent)

    # Keys

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Emit `current_moved`."""
        super().currentChanged(current, previous)
        self.viewport().update()
        self.current_moved.emit()

    def _tell_current(self) -> None:
        """Name the current tile for screen readers, to which Qt shows no tile of a view of our own kind."""
        name = self.grid_model.name_place(self.current_place())
        if name != self.accessibleName():
            self.setAccessibleName(name)

    def event(self, event: QEvent) -> bool:
        """Claim Escape while photos are selected: it ends that, and does not leave the results."""
        return claim_escape(event, lambda: bool(self.selection.count)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, select, choose by Enter, look at one large by Space; what is left goes to the window."""
        current = self.current_id()
        if event.key() in MOVE_KEYS:
            self._move_by_key(event)
        elif event.key() == Qt.Key.Key_Escape and self.selection.count:
            self.selection.clear_all()
        elif current is None:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.selection_chosen.emit() if self.selection.count else self.chosen.emit(current)
        elif event.key() == Qt.Key.Key_Space:
            self._press_space(event)
        else:
            event.ignore()

    def _move_by_key(self, event: QKeyEvent) -> None:
        """Move to another tile; with Shift, select what lies between it and where that began."""
        before, index = self.current_place(), self.moveCursor(MOVE_KEYS[Qt.Key(event.key())], event.modifiers())
        if not index.isValid():
            return
        is_extending = bool(event.modifiers() & SHIFT)
        if is_extending and not self.selection.has_anchor():
            self.selection.set_anchor(index.row() if before is None else before)
        self._set_current(index.row())
        if is_extending:
            self.selection.extend_to(index.row())
        elif not event.modifiers() & CONTROL:
            self.selection.drop_anchor()

    def _press_space(self, event: QKeyEvent) -> None:
        place = self.current_place()
        if event.modifiers() & CONTROL and place is not None:
            self.selection.toggle_place(place)
        else:
            self.view_wanted.emit()

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the pressed tile, or begin a rectangle; the side buttons of a mouse are left to the window."""
        if event.button() in (Qt.MouseButton.BackButton, Qt.MouseButton.ForwardButton):
            event.ignore()
            return
        point = event.position().toPoint()
        self._pressed_spot = self._find_spot(point) if event.button() == LEFT else None
        self._pressed_point = point
        if (place := self.find_place_at(point)) is not None and self._find_spot(point) is not None:
            if not event.modifiers() & SHIFT:
                self._set_current(place, scroll=False)
        elif event.button() == LEFT:
            self._rubber_band.start_at(point, toggled=bool(event.modifiers() & CONTROL))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the rectangle that was begun, or drag the pressed picture away, else mark the tile below the pointer."""
        point, pressed = event.position().toPoint(), self._pressed_spot
        far = (point - self._pressed_point).manhattanLength() >= QApplication.startDragDistance()
        if self._rubber_band.is_drawn:
            self._rubber_band.draw_to(point)
        elif pressed is not None and pressed.part == TilePart.PICTURE and far and event.buttons() & LEFT:
            self._pressed_spot = None
            is_selected = self.selection.includes(pressed.photo_id)
            self.drag_wanted.emit(self.selection.list_ids() if is_selected else [pressed.photo_id])
        self._hover_at(None if self._rubber_band.is_drawn else self.find_place_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Act at once where the press was on the same part of the same tile, without waiting for a double click."""
        point = event.position().toPoint()
        pressed, self._pressed_spot = self._pressed_spot, None
        if self._rubber_band.is_drawn:
            self._rubber_band.end_drawing()
        elif pressed is not None and pressed == self._find_spot(point):
            self._click_spot(pressed, self.find_place_at(point), event.modifiers())

    def _click_spot(self, spot: _TileSpot, place: int | None, modifiers: Qt.KeyboardModifier) -> None:
        assert place is not None
        self._clicked_photo = None
        if spot.part in PART_SIGNS:
            self.marked.emit(spot.photo_id, PART_SIGNS[spot.part])
        elif modifiers & SHIFT:
            if not self.selection.has_anchor():
                self.selection.set_anchor(place if (current := self.current_place()) is None else current)
            self.selection.extend_to(place)
            self._set_current(place, scroll=False)
        elif spot.part == TilePart.RING or modifiers & CONTROL or self.selection.takes_clicks:
            self.selection.toggle_place(place)
        else:
            self._clicked_photo = spot.photo_id
            self.chosen.emit(spot.photo_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the photo of the first click: by the second one its results may already lie under the pointer.

        Two quick clicks that do not find similar photos are two clicks.
        """
        if event.button() == LEFT and self._clicked_photo is not None and not self.selection.takes_clicks:
            self.opened.emit(self._clicked_photo)
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the tile below the pointer, or of the current one: it never searches.

        A tile that is not selected is then meant alone, as in file managers.
        """
        place = self.current_place()
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            place = self.find_place_at(event.pos())
        if place is None:
            return
        if not self.selection.includes(int(self.grid_model.listing.ids[place])) and self.selection.count:
            self.selection.clear_all()
        self._set_current(place, scroll=False)
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        point = self.viewport().mapToGlobal(self.locate_place(place).center()) if by_key else event.globalPos()
        self.menu_wanted.emit(point)

    def viewportEvent(self, event: QEvent) -> bool:
        """Show what the signs in the corners of a tile do as a tool tip; forget the pointer when it leaves."""
        if event.type() == QEvent.Type.Leave:
            self._hover_at(None)
        if isinstance(event, QHelpEvent) and (spot := self._find_spot(event.pos())) and spot.part.value:
            QToolTip.showText(event.globalPos(), spot.part.value, self)
            return True
        return super().viewportEvent(event)

    def _hover_at(self, place: int | None) -> None:
        if place != self._hovered_place:
            self._hovered_place = place
            self.viewport().update()

    def _find_spot(self, point: QPoint) -> _TileSpot | None:
        """What lies at a point of the viewport; None on the ground between tiles."""
        if (place := self.find_place_at(point)) is None:
            return None
        part = find_tile_part(self.locate_place(place), point, self.caption_height())
        return None if part is None else _TileSpot(int(self.grid_model.listing.ids[place]), part)

    def sizeHint(self) -> QSize:
        """The size of four columns in px."""
        return QSize(4 * (DEFAULT_TILE_SIDE + 2 * TILE_PADDING), 600)
