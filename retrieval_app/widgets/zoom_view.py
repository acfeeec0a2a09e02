"""A picture that can be enlarged and moved, alone or in step with others."""

from typing import NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
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

from indexer.models.framing import SquareBox
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, resize_font

MAX_ZOOM = 32.0  # times the fitted size
ZOOM_STEP = 1.25  # factor of one key press or one notch of the wheel
MOVE_SHARE = 0.1  # of the widget, moved by one press of an arrow key
ZOOM_KEYS = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
ARROW_DIRECTIONS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class ZoomState(NamedTuple):
    """Which part of a picture is seen."""

    zoom: float = 1.0  # times the fitted size
    x: float = 0.5  # the point in the middle of the widget, in fractions of the picture's sides
    y: float = 0.5


def clamp_zoom_state(state: ZoomState) -> ZoomState:
    """The state within its bounds: a zoom from 1 to MAX_ZOOM, and a middle that keeps the seen part in the picture."""
    zoom = min(max(state.zoom, 1.0), MAX_ZOOM)
    half_width = 0.5 / zoom
    return ZoomState(zoom, min(max(state.x, half_width), 1 - half_width), min(max(state.y, half_width), 1 - half_width))


class ResolutionPair(NamedTuple):
    """A picture at full resolution, and smaller, to paint while all of it is seen; null where it cannot be read."""

    full: QImage
    small: QImage


class HeatLayer(NamedTuple):
    """A heat map to lie over a picture, or over a part of it."""

    layer: QImage
    square: SquareBox  # where the layer lies, in fractions of the picture's sides; its border may lie outside


class ZoomView(QWidget):
    """One picture. To keep several in step, show the state that one of them emits in all of them."""

    zoom_changed = Signal(object)  # ZoomState; the user has changed it

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._images: ResolutionPair | None = None
        self._heat_layer: HeatLayer | None = None
        self._drag_position: QPointF | None = None
        self.zoom_state = ZoomState()
        self.setAccessibleName(name)
        self.setAccessibleDescription("Plus and minus zoom, arrow keys move, 0 shows all; both pictures follow")
        self.setToolTip("Wheel or + and - to zoom, drag or arrow keys to move, 0 to see all. Both pictures follow.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def show_picture(self, images: ResolutionPair | None) -> None:
        """Show a picture; None while it is being read."""
        self._images = images
        self.update()

    def is_waiting(self) -> bool:
        """Whether no picture has been shown yet, or it is still being read."""
        return self._images is None

    def show_heat(self, heat_layer: HeatLayer | None) -> None:
        """Lay a heat map over the part of the picture that the model sees; None removes it."""
        self._heat_layer = heat_layer
        self.update()

    def show_zoom_state(self, zoom_state: ZoomState) -> None:
        """Show that part of the picture, within its bounds."""
        self.zoom_state = clamp_zoom_state(zoom_state)
        self.update()

    def find_picture_rect(self) -> QRectF:
        """The rectangle of all of the picture in px of the widget, of which most may lie outside; empty without one."""
        if self._images is None or self._images.full.isNull():
            return QRectF()
        full = QSizeF(self._images.full.size())
        size = full.scaled(QSizeF(self.size()), Qt.AspectRatioMode.KeepAspectRatio) * self.zoom_state.zoom
        middle = QRectF(self.rect()).center()
        corner = QPointF(middle.x() - self.zoom_state.x * size.width(), middle.y() - self.zoom_state.y * size.height())
        return QRectF(corner, size)

    # The user

    def _change_zoom_state(self, zoom_state: ZoomState) -> None:
        self.show_zoom_state(zoom_state)
        self.zoom_changed.emit(self.zoom_state)

    def _zoom_about(self, factor: float, fixed_point: QPointF) -> None:
        """Enlarge by a factor so that what lies under a point of the widget stays there."""
        target, state = self.find_picture_rect(), self.zoom_state
        if target.isEmpty():
            return
        zoom = min(max(state.zoom * factor, 1.0), MAX_ZOOM)
        away = fixed_point - QRectF(self.rect()).center()
        shift = 1 - state.zoom / zoom
        x = state.x + away.x() / target.width() * shift
        y = state.y + away.y() / target.height() * shift
        self._change_zoom_state(ZoomState(zoom, x, y))

    def _move_by(self, shift: QPointF) -> None:
        """Move the part that is seen by a shift in px."""
        target = self.find_picture_rect()
        if not target.isEmpty():
            x, y = self.zoom_state.x + shift.x() / target.width(), self.zoom_state.y + shift.y() / target.height()
            self._change_zoom_state(ZoomState(self.zoom_state.zoom, x, y))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self._zoom_about(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to move the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_position = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the picture with the pointer."""
        if self._drag_position is not None:
            before, self._drag_position = self._drag_position, event.position()
            self._move_by(before - self._drag_position)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """End the move."""
        self._drag_position = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of an enlarged picture; else enlarge it to one of its pixels for one of the screen."""
        self._change_zoom_state(ZoomState()) if self.zoom_state.zoom > 1 else self._zoom_about(
            self._compute_pixel_zoom(), event.position()
        )

    def _compute_pixel_zoom(self) -> float:
        """The zoom at which one pixel of the picture is one of the screen, at least ZOOM_STEP."""
        target = self.find_picture_rect()
        if self._images is None or target.isEmpty():
            return 1.0
        return max(
            ZOOM_STEP, self._images.full.width() / (target.width() / self.zoom_state.zoom) / self.devicePixelRatioF()
        )

    def event(self, event: QEvent) -> bool:
        """Take plus and minus from the window's shortcuts, as they zoom here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in ZOOM_KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom by plus, minus and 0, move by arrows."""
        if event.key() in ZOOM_KEYS:
            self._zoom_about(ZOOM_KEYS[Qt.Key(event.key())], QRectF(self.rect()).center())
        elif event.key() in ARROW_DIRECTIONS:
            across, down = ARROW_DIRECTIONS[Qt.Key(event.key())]
            self._move_by(QPointF(across * self.width(), down * self.height()) * MOVE_SHARE)
        elif event.key() == Qt.Key.Key_0:
            self._change_zoom_state(ZoomState())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew; the zoom state stays."""
        super().resizeEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ground, picture, heat map, and a ring for the keyboard focus."""
        tokens, target = self._theme.tokens, self.find_picture_rect()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(tokens.ground))
        if self._images is not None and not target.isEmpty():
            ratio = self.devicePixelRatioF()
            small_suffices = target.width() * ratio <= self._images.small.width()
            painter.drawImage(target, self._images.small if small_suffices else self._images.full)
            if self._heat_layer is not None:
                draw_heat(painter, target, self._heat_layer)
        else:
            painter.setPen(QColor(tokens.muted))
            painter.setFont(resize_font(painter.font(), CAPTION_SIZE))
            notice = "" if self._images is None else "cannot be shown"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, notice)
        if self.hasFocus():
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
    corner = QPointF(target.x() + square.left * target.width(), target.y() + square.top * target.height())
    return QRectF(corner, QSizeF(square.width * target.width(), square.height * target.height()))
