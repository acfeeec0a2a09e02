"""The map on the screen: a dot for each photo, names beside classes, the photo under the pointer, zoom and pan."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from indexer.paths import show_file_name
from indexer.search.results import Photo
from retrieval_app.map.dots import MapDots, class_colour, draw_dots
from retrieval_app.map.map_state import MapScene
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, resize_font
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap

POINTER_REACH = 12  # px from the pointer to the dot under it
CARD_SIDE = 144  # px of the picture that is shown beside a dot
MAP_MARGIN = 40  # px around the whole map
ZOOM_STEP = 1.25  # by which one turn of the wheel or one key makes it larger
DRAG_DISTANCE = 4  # px from which on a press and a move are a drag and no click
MAX_NAMES = 200  # of the largest classes, which are shown where they have room


class MapView(QWidget):
    """The dots of a scene, with a signal for the photo that was chosen."""

    chosen = Signal(int)  # photo id: a click, or Enter

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._tiles, self._theme = tiles, theme
        self.scene: MapScene | None = None
        self.current: int | None = None  # the row of the photo under the pointer, or reached by keys
        self.middle = np.zeros(2, np.float32)  # the point of the map in the middle of the window
        self.scale = 1.0  # px for a distance of 1 in the map
        self._layer: QImage | None = None
        self._positions: NDArray[np.float32] | None = None
        self._pressed: QPoint | None = None
        self._dragged = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Map of the photos")
        self.setToolTipDuration(0)
        tiles.arrived.connect(self.update)
        theme.changed.connect(self._redraw_map)

    # What is shown

    def show_scene(self, scene: MapScene | None) -> None:
        """Show all of a scene; one with the points of the last keeps zoom and position."""
        previous, self.scene = self.scene, scene
        if previous is None or scene is None or not np.array_equal(previous.points, scene.points):
            self.current = None
            self.show_whole_map()
        self._redraw_map()

    def show_whole_map(self) -> None:
        """Zoom so that all points fit in the window."""
        if self.scene is not None:
            low, high = self.scene.points.min(axis=0), self.scene.points.max(axis=0)
            room = np.array([max(1, self.width() - 2 * MAP_MARGIN), max(1, self.height() - 2 * MAP_MARGIN)])
            self.middle = (low + high) / 2
            self.scale = float((room / np.maximum(high - low, 1e-6)).min())
        self._redraw_map()

    def zoom(self, factor: float, centre: QPointF | None = None) -> None:
        """Make the map `factor` times as large, about a position in the window in px or about its middle."""
        position = centre or QPointF(self.rect().center())
        fixed_point = self._from_screen(position)
        self.scale *= factor
        self.middle = self.middle + (fixed_point - self._from_screen(position))
        self._redraw_map()

    def dot_positions(self) -> NDArray[np.float32]:
        """The positions of the dots in the window, (n, 2) float32 in px."""
        if self._positions is None:
            points = np.empty((0, 2), np.float32) if self.scene is None else self.scene.points
            self._positions = self._to_screen(points)
        return self._positions

    def _to_screen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Positions in the window (n, 2) in px of points of the map (n, 2), whose y axis goes up."""
        centre = np.array([self.width() / 2, self.height() / 2], np.float32)
        scales = np.array([self.scale, -self.scale], np.float32)
        positions: NDArray[np.float32] = ((points - self.middle) * scales + centre).astype(np.float32)
        return positions

    def _from_screen(self, position: QPointF) -> NDArray[np.float32]:
        """The point of the map (2,) at a position in the window in px."""
        x, y = (position.x() - self.width() / 2) / self.scale, (self.height() / 2 - position.y()) / self.scale
        point: NDArray[np.float32] = (self.middle + np.array([x, y])).astype(np.float32)
        return point

    def row_at(self, position: QPointF) -> int | None:
        """The row of the photo whose dot is nearest to a position in px; None beyond POINTER_REACH."""
        if self.scene is None:
            return None
        squared_distances = ((self.dot_positions() - np.array([position.x(), position.y()])) ** 2).sum(axis=1)
        row = int(squared_distances.argmin())
        return row if squared_distances[row] <= POINTER_REACH**2 else None

    def _redraw_map(self) -> None:
        self._layer = self._positions = None
        self.update()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dots, the names of the classes, and the current photo."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._layer is None:
            self._layer = self._draw_layer()
        painter.drawImage(QPointF(0, 0), self._layer)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self.scene is not None and self.current is not None:
            self._paint_photo(painter, self.current, self._tiles.request_photo(int(self.scene.ids[self.current])))
        painter.end()

    def _draw_layer(self) -> QImage:
        """The image of dots and names, which stays while only the pointer moves."""
        tokens, ratio = self._theme.tokens, self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        classes = np.empty(0, np.int64) if self.scene is None else self.scene.classes
        has_names = self.scene is not None and bool(self.scene.names)
        dots = MapDots((self.dot_positions() * ratio).astype(np.float32), classes)
        image = draw_dots(dots, size, tokens.ground, tokens.muted if has_names else tokens.accent)
        image.setDevicePixelRatio(ratio)
        if self.scene is not None:
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_names(painter, self.scene)
            painter.end()
        return image

    def _paint_names(self, painter: QPainter, scene: MapScene) -> None:
        """Paint names in the middle of their dots, largest classes first, without those that would cover others."""
        placed_boxes: list[QRect] = []
        painter.setFont(resize_font(self.font(), CAPTION_SIZE, bold=True))
        metrics = QFontMetrics(painter.font())
        for index, (x, y) in enumerate(self._to_screen(scene.middles[:MAX_NAMES]).tolist()):
            box = QRect(0, 0, metrics.horizontalAdvance(scene.names[index]) + 12, 18)
            box.moveCenter(QPoint(round(x), round(y)))
            if self.rect().contains(box) and not any(box.intersects(other) for other in placed_boxes):
                placed_boxes.append(box)
                self._paint_name(painter, box, index, scene.names[index])

    def _paint_name(self, painter: QPainter, box: QRect, index: int, name: str) -> None:
        tokens = self._theme.tokens
        ground = QColor(tokens.surface)
        ground.setAlpha(215)
        painter.setPen(QPen(class_colour(index, tokens.muted), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(box), 4, 4)
        painter.setPen(QColor(tokens.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _paint_photo(self, painter: QPainter, row: int, photo: Photo | None) -> None:
        """Paint a ring about a dot, and beside it a card with the picture, its name and its label."""
        tokens = self._theme.tokens
        x, y = self.dot_positions()[row].tolist()
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 8, 8)
        card = QRect(round(x) + 16, round(y) + 16, CARD_SIDE + 16, CARD_SIDE + 52)
        if card.right() > self.width():
            card.moveRight(round(x) - 16)
        if card.bottom() > self.height():
            card.moveBottom(min(round(y) - 16, self.height()))
        card.moveTop(max(0, card.top()))
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.setBrush(QColor(tokens.surface))
        painter.drawRoundedRect(card, CORNER_RADIUS, CORNER_RADIUS)
        if photo is not None:
            self._paint_card(painter, card, photo)

    def _paint_card(self, painter: QPainter, card: QRect, photo: Photo) -> None:
        tokens = self._theme.tokens
        pixmap = self._tiles.request_thumbnail(photo, round(CARD_SIDE * self.devicePixelRatioF()))
        square = QRect(card.left() + 8, card.top() + 8, CARD_SIDE, CARD_SIDE)
        if pixmap is not None and not pixmap.isNull():
            painter.drawPixmap(fit_pixmap(pixmap, square), pixmap)
        painter.setFont(resize_font(self.font(), CAPTION_SIZE))
        lines = (show_file_name(photo.path), photo.label or "")
        for line, (text, colour) in enumerate(zip(lines, (tokens.text, tokens.muted), strict=True)):
            place = QRect(square.left(), square.bottom() + 6 + 16 * line, CARD_SIDE, 16)
            painter.setPen(QColor(colour))
            short_text = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, CARD_SIDE)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, short_text)

    # What the user does

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the map into the new size."""
        super().resizeEvent(event)
        self.show_whole_map()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position().toPoint(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the map, or show the photo under the pointer."""
        if self._pressed is None:
            self._set_current(self.row_at(event.position()))
            return
        moved = event.position().toPoint() - self._pressed
        if self._dragged or moved.manhattanLength() > DRAG_DISTANCE:
            self._dragged = True
            self._pressed = event.position().toPoint()
            self.middle = self.middle + np.array([-moved.x(), moved.y()], np.float32) / self.scale
            self._redraw_map()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the photo of the dot that was clicked."""
        pressed, self._pressed = self._pressed, None
        row = self.row_at(event.position())
        if pressed is not None and not self._dragged:
            self._choose_photo(row)

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
        elif key == Qt.Key.Key_Home:
            self.show_whole_map()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose_photo(self.current)
        else:
            super().keyPressEvent(event)

    def _step_to_dot(self, direction: NDArray[np.float32]) -> None:
        """Go to the nearest dot within 45 degrees of `direction`; without a current dot, to the one nearest the middle.

        `direction` is a unit vector (2,) along an axis of the window.
        """
        positions = self.dot_positions()
        if self.current is None:
            centre = np.array([self.width() / 2, self.height() / 2])
            self._set_current(int(((positions - centre) ** 2).sum(axis=1).argmin()) if len(positions) else None)
            return
        offsets = positions - positions[self.current]
        along = offsets @ direction
        beside = np.abs(offsets @ direction[::-1])
        candidate_distances = np.where((along > 0) & (beside <= along), (offsets**2).sum(axis=1), np.inf)
        if np.isfinite(candidate_distances.min()):
            self._set_current(int(candidate_distances.argmin()))

    def _choose_photo(self, row: int | None) -> None:
        if row is not None and self.scene is not None:
            self.chosen.emit(int(self.scene.ids[row]))

    def _set_current(self, row: int | None) -> None:
        if row != self.current:
            self.current = row
            self.setCursor(Qt.CursorShape.ArrowCursor if row is None else Qt.CursorShape.PointingHandCursor)
            self.update()
