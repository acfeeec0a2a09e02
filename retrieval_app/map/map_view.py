"""The map on the screen: a dot for each photo, names beside classes, the photo under the pointer, zoom and pan."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from indexer.search.results import Photo
from indexer.wording import tr
from retrieval_app.map import class_marks
from retrieval_app.map.areas import DrawnArea
from retrieval_app.map.dot_painting import DotColours, MapDots, class_colour, draw_dots
from retrieval_app.map.dot_steps import find_nearest, find_next
from retrieval_app.map.drawn_map import DRAWN_MARGIN, DrawnMap
from retrieval_app.map.map_state import MapScene
from retrieval_app.map.map_viewport import MapViewport
from retrieval_app.map.photo_card import CARD_SIDE, paint_card, place_card
from retrieval_app.map.thumbnails import CELL_SIDE, MapCell, arrange_cells, find_cell, find_picture_place
from retrieval_app.session.photo_selection import PhotoSelection
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import claim_escape
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, resize_font
from retrieval_app.widgets.tile_painter import fit_pixmap

POINTER_REACH = 12  # px from the pointer to the dot under it
ZOOM_STEP = 1.25  # by which one turn of the wheel or one key makes it larger
DRAG_DISTANCE = 4  # px from which on a press and a move are a drag and no click
MOVE_TOOL, RECTANGLE_TOOL, LASSO_TOOL = "move", "rectangle", "lasso"  # what a drag does
REST_MS = 150  # after the last zoom, until the map is drawn anew
MAX_NAMES = 200  # of the largest classes, which are shown where they have room


class MapView(QWidget):
    """The dots of a scene, with a signal for the photo that was chosen."""

    chosen = Signal(int)  # photo id: a click, or Enter
    menu_wanted = Signal(QPoint)  # on the screen, for what can be done with the chosen photos

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._tiles, self._theme = tiles, theme
        self.scene: MapScene | None = None
        self.current: int | None = None  # the row of the photo under the pointer, or reached by keys
        self.viewport = MapViewport(self)
        self.selection = PhotoSelection(self)
        self.tool = MOVE_TOOL
        self.has_pictures = True
        self._area: DrawnArea | None = None
        self._drawn = DrawnMap(self)
        self._lacks_shapes = False  # of pictures, when the names were placed
        self._positions: NDArray[np.float32] | None = None
        self._pressed: QPoint | None = None
        self._dragged = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Map of the photos"))
        self.setToolTipDuration(0)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._redraw_map)
        tiles.arrived.connect(self._take_tiles)
        theme.changed.connect(self._redraw_map)
        self.selection.changed.connect(self._redraw_map)

    # What is shown

    def show_scene(self, scene: MapScene | None) -> None:
        """Show all of a scene; one with the points of the last keeps zoom and position."""
        previous, self.scene = self.scene, scene
        if previous is None or scene is None or not np.array_equal(previous.points, scene.points):
            self.current = None
            self.show_whole_map()
            self.selection.follow_listing(np.empty(0, np.int64) if scene is None else scene.ids)
        self._redraw_map()

    def show_whole_map(self) -> None:
        """Zoom so that all points fit in the window."""
        if self.scene is not None:
            self.viewport.fit_points(self.scene.points)
        self._redraw_map()

    def show_pictures(self, wanted: bool) -> None:
        """Show thumbnails where they have room, or dots alone."""
        self.has_pictures = wanted
        self._redraw_map()

    def list_chosen_ids(self) -> list[int]:
        """The selected photos, or else the one under the pointer."""
        if self.selection.count or self.scene is None or self.current is None:
            return self.selection.list_ids()
        return [int(self.scene.ids[self.current])]

    def zoom(self, factor: float, centre: QPointF | None = None) -> None:
        """Make the map `factor` times as large, about a position in the window in px or about its middle."""
        position = centre or QPointF(self.rect().center())
        self.viewport.zoom_about(factor, position)
        self._positions = None
        to_origin = QTransform.fromTranslate(-position.x(), -position.y())
        self._move_drawn(to_origin * QTransform.fromScale(factor, factor) * to_origin.inverted()[0])
        self._rest.start()

    def dot_positions(self) -> NDArray[np.float32]:
        """The positions of the dots in the window, (n, 2) float32 in px."""
        if self._positions is None:
            points = np.empty((0, 2), np.float32) if self.scene is None else self.scene.points
            self._positions = self.viewport.to_screen(points)
        return self._positions

    def row_at(self, position: QPointF) -> int | None:
        """The row of the photo whose thumbnail is at a position in px, else of the nearest dot within POINTER_REACH."""
        if self.scene is None:
            return None
        shown = find_cell(self.list_cells(), *self._drawn.trace_back(position).toTuple())
        if shown is not None:
            return shown.row
        row = find_nearest(self.dot_positions(), position)
        nearest = None if row is None else QPointF(*self.dot_positions()[row].tolist()) - position
        return row if nearest is not None and math.hypot(nearest.x(), nearest.y()) <= POINTER_REACH else None

    def list_cells(self) -> list[MapCell]:
        """The cells that show a photo as a thumbnail, where they were before the map was dragged and zoomed."""
        if self._drawn.cells is None:
            start, size = np.full(2, -DRAWN_MARGIN, np.float32), self._drawn.find_area().size().toSize().toTuple()
            origin = self.viewport.to_screen(np.zeros((1, 2), np.float32))[0] - start
            cells = arrange_cells(self.dot_positions() - start, origin, size) if self.has_pictures else []
            self._drawn.cells = [MapCell(row, left - DRAWN_MARGIN, top - DRAWN_MARGIN) for row, left, top in cells]
        return self._drawn.cells

    def _move_drawn(self, step: QTransform) -> None:
        """Show what was drawn moved by a step; it is drawn anew where it would leave a gap or be too coarse."""
        if not self._drawn.move_by(step):
            self._redraw_map()
        self.update()

    def _redraw_map(self) -> None:
        self._rest.stop()
        self._drawn.clear()
        self._positions = None
        self.update()

    def _take_tiles(self) -> None:
        """Place the names anew if the shape of a picture was not known; show what has been read."""
        if self._lacks_shapes:
            self._drawn.marks = None
        self.update()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dots, the names of the classes, and the current photo."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._drawn.image is None:
            self._drawn.image = self._draw_dots()
        painter.save()
        painter.setTransform(self._drawn.moved, combine=True)
        painter.drawImage(self._drawn.find_area().topLeft(), self._drawn.image)
        if self.scene is not None:
            self._paint_cells(painter, self.scene)
            self._paint_names(painter, self.scene)
        painter.restore()
        if self._area is not None:
            self._area.paint_area(painter, tokens.accent)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self.scene is not None and self.current is not None:
            self._paint_photo(painter, self.current, self._tiles.request_photo(int(self.scene.ids[self.current])))
        painter.end()

    def _draw_dots(self) -> QImage:
        """The image of the dots, which stays while only the pointer moves."""
        tokens, ratio = self._theme.tokens, self.devicePixelRatioF()
        size = (self._drawn.find_area().size() * ratio).toSize()
        classes = np.empty(0, np.int64) if self.scene is None else self.scene.classes
        has_names = self.scene is not None and bool(self.scene.names)
        positions = ((self.dot_positions() + DRAWN_MARGIN) * ratio).astype(np.float32)
        dots = MapDots(positions, classes, self.selection.mask_listing())
        colours = DotColours(tokens.ground, tokens.muted if has_names else tokens.accent, tokens.accent)
        image = draw_dots(dots, size, colours)
        image.setDevicePixelRatio(ratio)
        return image

    def _paint_cells(self, painter: QPainter, scene: MapScene) -> None:
        """Paint the thumbnails that lie in the window and in the place of no name."""
        seen = self._drawn.find_seen()
        covering = [mark.box for mark in self.list_marks(scene) if mark.covering]
        for cell in self.list_cells():
            square = QRect(cell.left, cell.top, CELL_SIDE, CELL_SIDE)
            if square.intersects(seen) and not any(square.intersects(box) for box in covering):
                self._paint_cell(painter, scene, cell)

    def _paint_cell(self, painter: QPainter, scene: MapScene, cell: MapCell) -> None:
        """Paint a thumbnail within a thin line in the colour of its class, or a thick one where it is selected."""
        photo = self._tiles.request_photo_in_row(scene.ids, cell.row)
        square = find_picture_place(cell, None)
        pixmap = photo and self._tiles.request_thumbnail(photo, round(square.width() * self.devicePixelRatioF()))
        if pixmap is None or pixmap.isNull():
            return
        place, is_selected = fit_pixmap(pixmap, square), self.selection.includes(int(scene.ids[cell.row]))
        painter.drawPixmap(place, pixmap)
        colour = class_colour(int(scene.classes[cell.row]), self._theme.tokens.line)
        painter.setPen(QPen(QColor(self._theme.tokens.accent) if is_selected else colour, 4 if is_selected else 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)

    def list_marks(self, scene: MapScene) -> list[class_marks.PlacedMark]:
        """Where the names of the classes stand, or the photos for them, before the map was dragged."""
        if self._drawn.marks is None:
            font = resize_font(self.font(), CAPTION_SIZE, bold=True)
            sizes = class_marks.measure_marks(scene.names[:MAX_NAMES], scene.pictures, font)
            moved = self._drawn.moved
            offset = np.array([moved.dx(), moved.dy()], np.float32)
            middles = (self.viewport.to_screen(scene.middles[:MAX_NAMES]) - offset) / moved.m11()
            photos = [self._tiles.request_photo_in_row(scene.ids, cell.row) for cell in self.list_cells()]
            self._lacks_shapes = None in photos
            pictures = [find_picture_place(*shown) for shown in zip(self.list_cells(), photos, strict=True)]
            self._drawn.marks = class_marks.place_marks(middles, sizes, pictures, self._drawn.find_seen())
        return self._drawn.marks

    def _paint_names(self, painter: QPainter, scene: MapScene) -> None:
        painter.setFont(resize_font(self.font(), CAPTION_SIZE, bold=True))
        side, tokens = round(class_marks.MIDDLE_SIDE * self.devicePixelRatioF()), self._theme.tokens
        for code, box, _ in self.list_marks(scene):
            colour = class_colour(code, tokens.muted)
            if code in scene.pictures:
                photo = self._tiles.request_photo(scene.pictures[code])
                class_marks.paint_class_photo(
                    painter, box, colour, photo and self._tiles.request_thumbnail(photo, side)
                )
            else:
                class_marks.paint_class_name(painter, box, colour, tokens, scene.names[code])

    def _paint_photo(self, painter: QPainter, row: int, photo: Photo | None) -> None:
        """Paint a ring about a dot, and beside it a card with the picture, its name and its label."""
        x, y = self.dot_positions()[row].tolist()
        painter.setPen(QPen(QColor(self._theme.tokens.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 8, 8)
        painter.setFont(resize_font(self.font(), CAPTION_SIZE))
        card = place_card(QPoint(round(x), round(y)), self.rect())
        pixmap = photo and self._tiles.request_thumbnail(photo, round(CARD_SIDE * self.devicePixelRatioF()))
        paint_card(painter, card, self._theme.tokens, photo, pixmap)

    # What the user does

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the map into the new size."""
        super().resizeEvent(event)
        self.show_whole_map()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or a drag begins; with a tool, or with Shift, begin an area."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed, self._dragged = event.position().toPoint(), False
        if self.tool != MOVE_TOOL or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._area = DrawnArea(event.position(), is_lasso=self.tool == LASSO_TOOL)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw an area or drag the map, or show the photo under the pointer."""
        if self._pressed is None:
            self._set_current(self.row_at(event.position()))
            return
        moved = event.position().toPoint() - self._pressed
        if not self._dragged and moved.manhattanLength() <= DRAG_DISTANCE:
            return
        self._dragged = True
        if self._area is not None:
            self._area.extend_to(event.position())
            self.update()
            return
        self._pressed = event.position().toPoint()
        self._move_map(moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select what lies in the area, or choose the photo that was clicked; Ctrl adds to what is selected."""
        pressed, self._pressed = self._pressed, None
        area, self._area = self._area, None
        if pressed is None:
            return
        is_adding = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        row = self.row_at(event.position())
        if self._dragged and area is not None:
            self._select_rows(area.find_rows(self.dot_positions()), is_adding=is_adding)
        elif not self._dragged and is_adding and row is not None:
            self.selection.toggle_place(row)
        elif not self._dragged:
            self._choose_photo(row)
        self.update()

    def _move_map(self, moved: QPoint) -> None:
        """Move the map in the window by px; it is drawn anew only where what is drawn ends."""
        self.viewport.move_by(moved)
        if self._positions is not None:
            self._positions = self._positions + np.array([moved.x(), moved.y()], np.float32)
        self._move_drawn(QTransform.fromTranslate(moved.x(), moved.y()))

    def _select_rows(self, rows: NDArray[np.int64], *, is_adding: bool) -> None:
        if not is_adding:
            self.selection.clear_all()
        self.selection.keep_as_base()
        self.selection.select_places(rows)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the selected photos, or of the one at the pointer."""
        row = self.row_at(QPointF(event.pos()))
        if row is not None and self.scene is not None and not self.selection.includes(int(self.scene.ids[row])):
            self._select_rows(np.array([row]), is_adding=False)
        if self.list_chosen_ids():
            self.menu_wanted.emit(event.globalPos())

    def event(self, event: QEvent) -> bool:
        """Claim Escape while photos are selected."""
        return claim_escape(event, lambda: bool(self.selection.count)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the next dot with the arrows, choose with Enter, zoom with + and -, fit all dots with Home."""
        directions = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        zooms = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
        key = Qt.Key(event.key())
        if key in directions:
            self._step_to_dot(np.array(directions[key], np.float32))
        elif key in zooms:
            self.zoom(zooms[key])
        elif key == Qt.Key.Key_Escape and self.selection.count:
            self.selection.clear_all()
        elif key == Qt.Key.Key_Home:
            self.show_whole_map()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose_photo(self.current)
        else:
            super().keyPressEvent(event)

    def _step_to_dot(self, direction: NDArray[np.float32]) -> None:
        """Go to the dot that an arrow key leads to; `direction` is a unit vector (2,) along an axis of the window."""
        positions = self.dot_positions()
        if self.current is None:
            self._set_current(find_nearest(positions, QPointF(self.width() / 2, self.height() / 2)))
        elif (row := find_next(positions, self.current, direction)) is not None:
            self._set_current(row)

    def _choose_photo(self, row: int | None) -> None:
        if row is not None and self.scene is not None:
            self.chosen.emit(int(self.scene.ids[row]))

    def _set_current(self, row: int | None) -> None:
        if row != self.current:
            self.current = row
            self.setCursor(Qt.CursorShape.ArrowCursor if row is None else Qt.CursorShape.PointingHandCursor)
            self.update()
