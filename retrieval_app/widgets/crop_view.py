"""A picture of which the user chooses a part: a box drawn by mouse, sized by eight handles, moved by arrow keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen

from indexer.wording import tr
from retrieval_app.widgets.picture import LoadPixmap, PictureView
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.tile_painter import fit_pixmap

if TYPE_CHECKING:
    from indexer.search.query import CropBox

HANDLES = {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)} - {(0, 0)}  # corners and middles of edges
HANDLE_REACH = 8.0  # px around a handle that belong to it
MIN_BOX_SIDE = 12.0  # px; a smaller box was drawn by mistake
ARROW_STEP = 0.02  # of the picture, for one press of an arrow key
INITIAL_BOX = QRectF(0.2, 0.2, 0.6, 0.6)  # the box before the user has moved it
WHOLE_PICTURE = QRectF(0, 0, 1, 1)
PAUSE_MS = 300  # without a key, after which the search follows
ARROW_DIRECTIONS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
HANDLE_CURSORS = {
    (-1, -1): Qt.CursorShape.SizeFDiagCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
    (-1, 1): Qt.CursorShape.SizeBDiagCursor,
    (-1, 0): Qt.CursorShape.SizeHorCursor,
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, -1): Qt.CursorShape.SizeVerCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (0, 0): Qt.CursorShape.SizeAllCursor,
}


class _BoxDrag(NamedTuple):
    """A drag under way; points and boxes are in fractions of the picture's sides."""

    handle: tuple[int, int] | None  # (0, 0) for the whole box, None for a new box
    start: QPointF
    box_before: QRectF | None


class CropView(PictureView):
    """A picture with a box on it, in fractions of its sides."""

    box_changed = Signal(object)  # CropBox, or None for the whole picture

    def __init__(self, theme: Theme, load_pixmap: LoadPixmap) -> None:
        super().__init__(theme, load_pixmap)
        self._box: QRectF | None = None
        self._drag: _BoxDrag | None = None
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._emit_box)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Query picture"))
        self.setAccessibleDescription(
            tr("C chooses a part, arrow keys move it, with Shift they size it, Escape clears it")
        )
        self.setToolTip(tr("Drag a box to look for a part of the picture (C)"))

    @property
    def box(self) -> CropBox | None:
        """The chosen part as x, y, width and height in fractions of the picture's sides; None for all of it."""
        box = self._box
        return None if box is None else (box.x(), box.y(), box.width(), box.height())

    def show_box(self, box: CropBox | None) -> None:
        """Show a part as chosen, unless the user is changing it just now."""
        if self._drag is None and not self._pause.isActive():
            self._box = None if box is None else QRectF(*box)
            self.update()

    def start_cropping(self) -> None:
        """Take the keyboard focus, and choose the middle of the picture where no part is chosen."""
        self.setFocus()
        if self._box is None and self._find_picture_rect() is not None:
            self._box = QRectF(INITIAL_BOX)
            self._emit_box()

    def clear_box(self) -> None:
        """Choose all of the picture."""
        self._pause.stop()
        self._box = None
        self._emit_box()

    def _emit_box(self) -> None:
        self._pause.stop()
        self.update()
        self.box_changed.emit(self.box)

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a drag of a handle, of the box, or of a new box."""
        place = self._find_picture_rect()
        if event.button() != Qt.MouseButton.LeftButton or place is None:
            super().mousePressEvent(event)
            return
        before = None if self._box is None else QRectF(self._box)
        self._drag = _BoxDrag(self._find_handle_at(event.position()), to_fraction(event.position(), place), before)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Change the box by the drag under way; without one, show by the cursor what a drag would change."""
        place = self._find_picture_rect()
        if place is None:
            return
        if self._drag is None:
            handle = self._find_handle_at(event.position())
            self.setCursor(Qt.CursorShape.CrossCursor if handle is None else HANDLE_CURSORS[handle])
            return
        handle, start, before = self._drag
        here = to_fraction(event.position(), place)
        if handle is None or before is None:
            self._box = QRectF(start, here).normalized() & WHOLE_PICTURE
        else:
            self._box = move_box(before, here - start) if handle == (0, 0) else resize_box(before, handle, here - start)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag and emit the box; one with a side below MIN_BOX_SIDE gives way to the box before."""
        drag, self._drag, place = self._drag, None, self._find_picture_rect()
        if drag is None or place is None:
            super().mouseReleaseEvent(event)
            return
        drawn_box = _box_to_pixels(place, self._box) if self._box else QRectF()
        if min(drawn_box.width(), drawn_box.height()) < MIN_BOX_SIDE:
            self._box = drag.box_before
        self.update()
        if self._box != drag.box_before:
            self._emit_box()

    def _find_handle_at(self, position: QPointF) -> tuple[int, int] | None:
        """The handle at a point of the widget; (0, 0) within the box, None outside of it."""
        place = self._find_picture_rect()
        if self._box is None or place is None:
            return None
        box = _box_to_pixels(place, self._box)
        for handle in sorted(HANDLES, key=lambda handle: -abs(handle[0]) - abs(handle[1])):  # corners first
            away = position - _locate_handle(box, handle)
            if max(abs(away.x()), abs(away.y())) <= HANDLE_REACH:
                return handle
        return (0, 0) if box.contains(position) else None

    # The keys

    def event(self, event: QEvent) -> bool:
        """Take Escape from the window's shortcuts while there is a box that it clears."""
        is_shortcut = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_shortcut and event.key() == Qt.Key.Key_Escape and self._box is not None:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the box by arrows, its lower right corner by arrows with Shift; clear it by Escape."""
        if self._box is None or event.key() not in (*ARROW_DIRECTIONS, Qt.Key.Key_Escape):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.clear_box()
        else:
            across, down = ARROW_DIRECTIONS[Qt.Key(event.key())]
            by = QPointF(across, down) * ARROW_STEP
            wider = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._box = resize_box(self._box, (1, 1), by) if wider else move_box(self._box, by)
            self._pause.start()
            self.update()

    # Painting

    def _find_picture_rect(self) -> QRect | None:
        """Where the picture lies in the widget, in px; None while there is no picture."""
        pixmap = self.load_pixmap()
        return None if pixmap is None or pixmap.isNull() else fit_pixmap(pixmap, self.rect().adjusted(8, 8, -8, -8))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture with a veil over what is not chosen, and the box with its handles."""
        super().paintEvent(event)
        place, tokens = self._find_picture_rect(), self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if place is not None and self._box is not None:
            self._paint_box(painter, QRectF(place), _box_to_pixels(place, self._box))
        painter.end()

    def _paint_box(self, painter: QPainter, place: QRectF, box: QRectF) -> None:
        tokens, veil, around = self._theme.tokens, QColor(self._theme.tokens.ground), QPainterPath()
        veil.setAlphaF(0.7)
        around.addRect(place)
        around.addRect(box)  # odd-even filling leaves it free
        painter.fillPath(around, veil)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.setBrush(QColor(tokens.surface))
        for handle in HANDLES:
            square = QRectF(0, 0, 7, 7)
            square.moveCenter(_locate_handle(box, handle))
            painter.drawRect(square)


def to_fraction(position: QPointF, place: QRect) -> QPointF:
    """A point of the widget, in px, as fractions of the picture's sides, moved into the picture."""
    x, y = (position.x() - place.x()) / place.width(), (position.y() - place.y()) / place.height()
    return QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))


def move_box(box: QRectF, shift: QPointF) -> QRectF:
    """The box moved by a shift, both in fractions of the picture's sides, and stopped at its edges."""
    x = min(max(box.x() + shift.x(), 0.0), 1 - box.width())
    y = min(max(box.y() + shift.y(), 0.0), 1 - box.height())
    return QRectF(QPointF(x, y), box.size())


def resize_box(box: QRectF, handle: tuple[int, int], shift: QPointF) -> QRectF:
    """The box with one handle moved, cut to the picture; a handle that passes the opposite side turns the box over."""
    across, down = handle
    upper = box.topLeft() + QPointF(shift.x() * (across < 0), shift.y() * (down < 0))
    lower = box.bottomRight() + QPointF(shift.x() * (across > 0), shift.y() * (down > 0))
    return QRectF(upper, lower).normalized() & WHOLE_PICTURE


def _box_to_pixels(place: QRect, box: QRectF) -> QRectF:
    """A box of fractions of the picture's sides in px of the widget."""
    corner = QPointF(place.x() + box.x() * place.width(), place.y() + box.y() * place.height())
    return QRectF(corner, QSizeF(box.width() * place.width(), box.height() * place.height()))


def _locate_handle(box: QRectF, handle: tuple[int, int]) -> QPointF:
    """The point of a handle on a box."""
    middle = box.center()
    return QPointF(middle.x() + handle[0] * box.width() / 2, middle.y() + handle[1] * box.height() / 2)
