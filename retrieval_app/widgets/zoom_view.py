"""A picture that can be enlarged and moved; several show the same part at the same size."""

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

from retrieval_app.widgets.theme import CAPTION, Theme, sized

MOST = 32.0  # times the fitted size
STEP = 1.25  # by one key or one notch of the wheel
MOVE = 0.1  # of what is seen, by one arrow key
KEYS = {Qt.Key.Key_Plus: STEP, Qt.Key.Key_Equal: STEP, Qt.Key.Key_Minus: 1 / STEP}
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class View(NamedTuple):
    """How often the fitted size, and which point of the picture, in fractions of its sides, lies in the middle."""

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


def held(view: View) -> View:
    """The view within its bounds: never smaller than fitted, and then in the middle."""
    zoom = min(max(view.zoom, 1.0), MOST)
    room = 0.5 / zoom
    return View(zoom, min(max(view.x, room), 1 - room), min(max(view.y, room), 1 - room))


class Sharp(NamedTuple):
    """A picture at full resolution, and smaller for where all of it is seen; both null where it cannot be read."""

    full: QImage
    small: QImage


class Heat(NamedTuple):
    """Where a picture matches, as a layer over its middle square, whose side is a share of the short side."""

    layer: QImage
    side: float


class ZoomView(QWidget):
    """One picture. Says when the user has changed the view; whoever locks several gives it to all of them."""

    viewed = Signal(object)  # View

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._sharp: Sharp | None = None
        self._heat: Heat | None = None
        self._from: QPointF | None = None
        self.view = View()
        self.setAccessibleName(name)
        self.setAccessibleDescription("Plus and minus zoom, arrow keys move, 0 shows all; both pictures follow")
        self.setToolTip("Wheel or + and - to zoom, drag or arrow keys to move, 0 to see all. Both pictures follow.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def show_picture(self, sharp: Sharp | None) -> None:
        """Show a picture; None while it is being read."""
        self._sharp = sharp
        self.update()

    def waiting(self) -> bool:
        """Whether there is no picture yet."""
        return self._sharp is None

    def show_heat(self, heat: Heat | None) -> None:
        """Lay a heat map over what the model sees of the picture; None takes it away."""
        self._heat = heat
        self.update()

    def show_view(self, view: View) -> None:
        """Show that part."""
        self.view = held(view)
        self.update()

    def target(self) -> QRectF:
        """Where the whole picture lies in the widget, mostly outside of it when enlarged."""
        if self._sharp is None or self._sharp.full.isNull():
            return QRectF()
        full = QSizeF(self._sharp.full.size())
        size = full.scaled(QSizeF(self.size()), Qt.AspectRatioMode.KeepAspectRatio) * self.view.zoom
        middle = QRectF(self.rect()).center()
        corner = QPointF(middle.x() - self.view.x * size.width(), middle.y() - self.view.y * size.height())
        return QRectF(corner, size)

    # The user

    def _change(self, view: View) -> None:
        self.show_view(view)
        self.viewed.emit(self.view)

    def _zoom(self, by: float, at: QPointF) -> None:
        """Enlarge so that what lies under a point stays there."""
        target, view = self.target(), self.view
        if target.isEmpty():
            return
        zoom = min(max(view.zoom * by, 1.0), MOST)
        away = at - QRectF(self.rect()).center()
        shift = 1 - view.zoom / zoom
        x = view.x + away.x() / target.width() * shift
        y = view.y + away.y() / target.height() * shift
        self._change(View(zoom, x, y))

    def _move(self, by: QPointF) -> None:
        """Move what is seen by so many pixels."""
        target = self.target()
        if not target.isEmpty():
            x, y = self.view.x + by.x() / target.width(), self.view.y + by.y() / target.height()
            self._change(View(self.view.zoom, x, y))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self._zoom(STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to move the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The picture follows the hand."""
        if self._from is not None:
            before, self._from = self._from, event.position()
            self._move(before - self._from)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """The hand lets go."""
        self._from = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """All of the picture, or one of its pixels for one of the screen."""
        self._change(View()) if self.view.zoom > 1 else self._zoom(self._pixels(), event.position())

    def _pixels(self) -> float:
        """The zoom at which the picture's pixels are the screen's."""
        target = self.target()
        if self._sharp is None or target.isEmpty():
            return 1.0
        return max(STEP, self._sharp.full.width() / (target.width() / self.view.zoom) / self.devicePixelRatioF())

    def event(self, event: QEvent) -> bool:
        """Plus and minus zoom here, whatever they mean elsewhere."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and move by keys."""
        if event.key() in KEYS:
            self._zoom(KEYS[Qt.Key(event.key())], QRectF(self.rect()).center())
        elif event.key() in ARROWS:
            across, down = ARROWS[Qt.Key(event.key())]
            self._move(QPointF(across * self.width(), down * self.height()) * MOVE)
        elif event.key() == Qt.Key.Key_0:
            self._change(View())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The view stays what it is."""
        super().resizeEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, picture, heat, and the ring of the keys."""
        tokens, target = self._theme.tokens, self.target()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(tokens.ground))
        if self._sharp is not None and not target.isEmpty():
            ratio = self.devicePixelRatioF()
            enough = target.width() * ratio <= self._sharp.small.width()
            painter.drawImage(target, self._sharp.small if enough else self._sharp.full)
            if self._heat is not None:
                painter.drawImage(middle_square(target, self._heat.side), self._heat.layer)
        else:
            painter.setPen(QColor(tokens.muted))
            painter.setFont(sized(painter.font(), CAPTION))
            waiting = "" if self._sharp is None else "cannot be shown"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, waiting)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


def middle_square(target: QRectF, share: float) -> QRectF:
    """The square in the middle of a picture whose side is a share of its short side."""
    side = share * min(target.width(), target.height())
    square = QRectF(0, 0, side, side)
    square.moveCenter(target.center())
    return square
