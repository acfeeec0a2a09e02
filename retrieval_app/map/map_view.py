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

from indexer.library import Photo
from indexer.paths import show_path
from retrieval_app.map.dots import MapDots, class_colour, draw_dots
from retrieval_app.map.map_state import MapScene
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, resize_font
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap

POINTER_REACH = 12  # px from the pointer to the dot that it means
CARD_SIDE = 144  # px of the picture that is shown beside a dot
MAP_MARGIN = 40  # px around the whole map
ZOOM_STEP = 1.25  # by which one turn of the wheel or one key makes it larger
DRAG_DISTANCE = 4  # px that make a drag of a click


MAX_NAMES = 200  # classes of which the names are tried, the largest ones


class MapView(QWidget):
    """The dots of a scene; says which photo was chosen."""

    chosen = Signal(int)  # photo id: a click, or Enter

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._tiles, self._theme = tiles, theme
        self.scene: MapScene | None = None
        self.current: int | None = None  # the row of the photo under the pointer, or that the keys have come to
        self.middle, self.scale = np.zeros(2, np.float32), 1.0  # of the window, in the map; px for 1
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
        """Show a scene, whole; where it is the same photos in the same places, as it was."""
        before, self.scene = self.scene, scene
        same = before is not None and scene is not None and np.array_equal(before.points, scene.points)
        if not same:
            self.current = None
            self.show_whole_map()
        self._redraw_map()

    def show_whole_map(self) -> None:
        """Show the whole map."""
        if self.scene is not None:
            low, high = self.scene.points.min(axis=0), self.scene.points.max(axis=0)
            room = np.array([max(1, self.width() - 2 * MAP_MARGIN), max(1, self.height() - 2 * MAP_MARGIN)])
            self.middle = (low + high) / 2
            self.scale = float((room / np.maximum(high - low, 1e-6)).min())
        self._redraw_map()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Make the map so many times as large about a place in the window."""
        spot = at or QPointF(self.rect().center())
        fixed_point = self._from_screen(spot)
        self.scale *= factor
        self.middle = self.middle + (fixed_point - self._from_screen(spot))
        self._redraw_map()

    def dot_positions(self) -> NDArray[np.float32]:
        """Where the dots are in the window, (n, 2) in px."""
        if self._positions is None:
            points = np.empty((0, 2), np.float32) if self.scene is None else self.scene.points
            self._positions = self._to_screen(points)
        return self._positions

    def _to_screen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        centre = np.array([self.width() / 2, self.height() / 2], np.float32)
        turned = np.array([self.scale, -self.scale], np.float32)
        result: NDArray[np.float32] = ((points - self.middle) * turned + centre).astype(np.float32)
        return result

    def _from_screen(self, spot: QPointF) -> NDArray[np.float32]:
        x, y = (spot.x() - self.width() / 2) / self.scale, (self.height() / 2 - spot.y()) / self.scale
        result: NDArray[np.float32] = (self.middle + np.array([x, y])).astype(np.float32)
        return result

    def row_at(self, spot: QPointF) -> int | None:
        """The row of the photo whose dot lies there."""
        if self.scene is None:
            return None
        squared_distances = ((self.dot_positions() - np.array([spot.x(), spot.y()])) ** 2).sum(axis=1)
        row = int(squared_distances.argmin())
        return row if squared_distances[row] <= POINTER_REACH**2 else None

    def _redraw_map(self) -> None:
        self._layer = self._positions = None
        self.update()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The dots, the names of the classes, and the photo that is meant."""
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
        """The dots and the names, which stay while only the pointer moves."""
        tokens, ratio = self._theme.tokens, self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        classes = np.empty(0, np.int64) if self.scene is None else self.scene.classes
        named = self.scene is not None and bool(self.scene.names)
        dots = MapDots((self.dot_positions() * ratio).astype(np.float32), classes)
        image = draw_dots(dots, size, tokens.ground, tokens.muted if named else tokens.accent)
        image.setDevicePixelRatio(ratio)
        if self.scene is not None:
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_names(painter, self.scene)
            painter.end()
        return image

    def _paint_names(self, painter: QPainter, scene: MapScene) -> None:
        """The name of a class in the middle of its dots, the largest classes first, none over another."""
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
        """A ring about the dot, and beside it the picture, its name and its label."""
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
        lines = (show_path(photo.path.rpartition(b"/")[2]), photo.label or "")
        for line, (text, colour) in enumerate(zip(lines, (tokens.text, tokens.muted), strict=True)):
            place = QRect(square.left(), square.bottom() + 6 + 16 * line, CARD_SIDE, 16)
            painter.setPen(QColor(colour))
            shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, CARD_SIDE)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)

    # What the user does

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the whole map again."""
        super().resizeEvent(event)
        self.show_whole_map()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Larger or smaller about the pointer."""
        self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The start of a click or a drag."""
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
        """A click on a dot chooses its photo."""
        pressed, self._pressed = self._pressed, None
        row = self.row_at(event.position())
        if pressed is not None and not self._dragged:
            self._choose_photo(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the next dot that way, Enter chooses, + and - zoom, Home shows everything."""
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
        """To the nearest dot within 45 degrees of the way; at first to the one nearest to the middle."""
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
