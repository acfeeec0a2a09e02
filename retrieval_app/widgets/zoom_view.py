"""A picture that can be enlarged and moved, alone or in step with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from indexer.wording import tr
from retrieval_app.widgets.theme import Theme

if TYPE_CHECKING:
    from indexer.models.framing import SquareBox

MIN_ZOOM, MAX_ZOOM = 1 / 32, 64.0  # times the fitted size; from an icon at its own size to a pixel of a panorama
ZOOM_STEP = 1.25  # factor of one key press or one notch of the wheel
MOVE_SHARE = 0.1  # of the widget, moved by one press of an arrow key with Shift
ZOOM_KEYS = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
ARROW_DIRECTIONS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
WHOLE_AREA = QRectF(0, 0, 1, 1)


class ZoomState(NamedTuple):
    """Which part of a picture is seen."""

    zoom: float = 1.0  # times the fitted size
    x: float = 0.5  # the point in the middle of the widget, in fractions of the picture's sides
    y: float = 0.5


def clamp_zoom_state(state: ZoomState) -> ZoomState:
    """The state within its bounds: a zoom from MIN_ZOOM to MAX_ZOOM, and a middle that keeps the seen part in it."""
    zoom = min(max(state.zoom, MIN_ZOOM), MAX_ZOOM)
    half_width = min(0.5, 0.5 / zoom)
    return ZoomState(zoom, min(max(state.x, half_width), 1 - half_width), min(max(state.y, half_width), 1 - half_width))


class PixelArea(NamedTuple):
    """Pixels of a picture or of a part of it."""

    image: QImage
    area: QRectF  # in fractions of the picture's sides


class HeatLayer(NamedTuple):
    """A heat map to lie over a picture, or over a part of it."""

    layer: QImage
    square: SquareBox  # where the layer lies, in fractions of the picture's sides; its border may lie outside


class ZoomView(QWidget):
    """One picture. To keep several in step, show the state that one of them emits in all of them."""

    zoom_changed = Signal(object)  # ZoomState; the user has changed it
    area_changed = Signal()  # another part of the picture is seen, or at another size
    drag_wanted = Signal()  # a picture that is seen whole is drawn away with the mouse

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._size = QSize()  # of the picture in its own px; empty while it is not known
        self._parts: Sequence[PixelArea] = ()
        self._heat_layer: HeatLayer | None = None
        self._drag_position: QPointF | None = None
        self._pointer: QPointF | None = None
        self._shows_focus = False  # where the keys were led here by Tab
        self.zoom_state = ZoomState()
        self.setAccessibleName(name)
        self.setAccessibleDescription(
            tr("Plus and minus zoom, Shift with arrows moves, 0 shows all, 1 pixel for pixel")
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._show_cursor()

    # What is shown

    def show_picture(self, size: QSize, parts: Sequence[PixelArea]) -> None:
        """Show a picture of this size in its own px by its parts, each over those before; an empty size: none yet."""
        is_resized = size != self._size
        self._size, self._parts = size, parts
        self.update()
        if is_resized:
            self.area_changed.emit()

    def has_picture(self) -> bool:
        """Whether any pixels are shown."""
        return bool(self._parts)

    def show_heat(self, heat_layer: HeatLayer | None) -> None:
        """Lay a heat map over the part of the picture that the model sees; None removes it."""
        self._heat_layer = heat_layer
        self.update()

    def show_zoom_state(self, zoom_state: ZoomState) -> None:
        """Show that part of the picture, within its bounds."""
        self.zoom_state = clamp_zoom_state(zoom_state)
        self._show_cursor()
        self.update()
        self.area_changed.emit()

    def find_picture_rect(self) -> QRectF:
        """The rectangle of all of the picture in px of the widget, of which most may lie outside; empty without one."""
        if self._size.isEmpty():
            return QRectF()
        fitted = QSizeF(self._size).scaled(QSizeF(self.size()), Qt.AspectRatioMode.KeepAspectRatio)
        size, middle = fitted * self.zoom_state.zoom, QRectF(self.rect()).center()
        corner = QPointF(middle.x() - self.zoom_state.x * size.width(), middle.y() - self.zoom_state.y * size.height())
        return QRectF(corner, size)

    def find_seen_area(self) -> QRectF:
        """The part of the picture that is seen, in fractions of its sides; empty without a picture."""
        target = self.find_picture_rect()
        seen = target & QRectF(self.rect())
        if seen.isEmpty():
            return QRectF()
        corner = QPointF((seen.x() - target.x()) / target.width(), (seen.y() - target.y()) / target.height())
        return QRectF(corner, QSizeF(seen.width() / target.width(), seen.height() / target.height()))

    def compute_scale(self) -> float:
        """Pixels of the screen for one of the picture's own: 1 where it is seen pixel for pixel; 0 without one."""
        if self._size.isEmpty():
            return 0.0
        return self.find_picture_rect().width() * self.devicePixelRatioF() / self._size.width()

    # The user

    def _change_zoom_state(self, zoom_state: ZoomState) -> None:
        self.show_zoom_state(zoom_state)
        self.zoom_changed.emit(self.zoom_state)

    def zoom_about(self, factor: float, fixed_point: QPointF | None = None) -> None:
        """Enlarge by a factor so that what lies under a point of the widget, by default the pointer, stays there."""
        target, state = self.find_picture_rect(), self.zoom_state
        if target.isEmpty():
            return
        given_point = self._pointer if fixed_point is None else fixed_point
        point = QRectF(self.rect()).center() if given_point is None else given_point
        smallest = min(1.0, state.zoom / self.compute_scale())
        zoom = min(max(state.zoom * factor, smallest), MAX_ZOOM)
        away = point - QRectF(self.rect()).center()
        shift = 1 - state.zoom / zoom
        x = state.x + away.x() / target.width() * shift
        y = state.y + away.y() / target.height() * shift
        self._change_zoom_state(ZoomState(zoom, x, y))

    def zoom_to_pixels(self, fixed_point: QPointF | None = None) -> None:
        """Show the picture pixel for pixel, so that what lies under a point, by default the pointer, stays there."""
        if scale := self.compute_scale():
            self.zoom_about(1 / scale, fixed_point)

    def _move_by(self, shift: QPointF) -> None:
        """Move the part that is seen by a shift in px."""
        target = self.find_picture_rect()
        if not target.isEmpty():
            x, y = self.zoom_state.x + shift.x() / target.width(), self.zoom_state.y + shift.y() / target.height()
            self._change_zoom_state(ZoomState(self.zoom_state.zoom, x, y))

    def _show_cursor(self) -> None:
        """Show by the pointer that an enlarged picture can be moved."""
        is_held = self._drag_position is not None
        held, open_hand = Qt.CursorShape.ClosedHandCursor, Qt.CursorShape.OpenHandCursor
        self.setCursor((held if is_held else open_hand) if self.zoom_state.zoom > 1 else Qt.CursorShape.ArrowCursor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.zoom_about(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to move the picture; the side buttons of a mouse are left to the window."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_position = event.position()
            self._show_cursor()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the enlarged picture with the pointer; draw away one that is seen whole."""
        before, self._pointer = self._drag_position, event.position()
        if before is not None and self.zoom_state.zoom > 1:
            self._drag_position = self._pointer
            self._move_by(before - self._pointer)
        elif before is not None and (before - self._pointer).manhattanLength() >= QApplication.startDragDistance():
            self._drag_position = None
            self.drag_wanted.emit()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """End the move."""
        self._drag_position = None
        self._show_cursor()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer: keys then zoom about the middle."""
        self._pointer = None
        super().leaveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of an enlarged picture; else show it pixel for pixel, or enlarge one that is seen so already."""
        if self.zoom_state.zoom > 1:
            self._change_zoom_state(ZoomState())
        elif scale := self.compute_scale():
            self.zoom_about(max(ZOOM_STEP, 1 / scale), event.position())

    def event(self, event: QEvent) -> bool:
        """Take plus and minus from the window's shortcuts, as they zoom here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in ZOOM_KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom by plus, minus, 0 and 1, move by arrows with Shift."""
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif event.key() in ZOOM_KEYS:
            self.zoom_about(ZOOM_KEYS[Qt.Key(event.key())])
        elif event.key() in ARROW_DIRECTIONS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            across, down = ARROW_DIRECTIONS[Qt.Key(event.key())]
            self._move_by(QPointF(across * self.width(), down * self.height()) * MOVE_SHARE)
        elif event.key() == Qt.Key.Key_0:
            self._change_zoom_state(ZoomState())
        elif event.key() == Qt.Key.Key_1:
            self.zoom_to_pixels()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a ring where Tab has led here."""
        self._shows_focus = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew; the zoom state stays."""
        super().resizeEvent(event)
        self.area_changed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ground, picture, heat map, and a ring for the keyboard focus."""
        tokens, target = self._theme.tokens, self.find_picture_rect()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(tokens.ground))
        for part in self._parts:
            painter.drawImage(locate_area(target, part.area), part.image)
        if self._parts and self._heat_layer is not None:
            draw_heat(painter, target, self._heat_layer)
        if self.hasFocus() and self._shows_focus:
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


def draw_heat(painter: QPainter, target: QRectF, heat: HeatLayer) -> None:
    """Draw a heat map over the picture that fills a rectangle, without what of it lies outside the picture."""
    painter.save()
    painter.setClipRect(target, Qt.ClipOperation.IntersectClip)
    painter.drawImage(locate_square(target, heat.square), heat.layer)
    painter.restore()


def locate_square(target: QRectF, square: SquareBox) -> QRectF:
    """The rectangle of a square, in fractions of a picture's sides, when the picture fills another rectangle."""
    return locate_area(target, QRectF(square.left, square.top, square.width, square.height))


def locate_area(target: QRectF, area: QRectF) -> QRectF:
    """The rectangle of an area, in fractions of a picture's sides, when the picture fills another rectangle."""
    corner = QPointF(target.x() + area.x() * target.width(), target.y() + area.y() * target.height())
    return QRectF(corner, QSizeF(area.width() * target.width(), area.height() * target.height()))
