"""A rectangle drawn with the mouse over tiles: what it touches is selected; at the edges the ground scrolls along."""

from PySide6.QtCore import QPoint, QRect, QTimer
from PySide6.QtGui import QColor, QPainter, QPen

from retrieval_app.grid.tile_view import TileView
from retrieval_app.session.photo_selection import PhotoSelection

SCROLL_MS, SCROLL_SHARE = 30, 0.5  # px scrolled at a time, for each px that the pointer is outside


class RubberBand:
    """One rectangle at a time, from where the mouse was pressed to where it is."""

    def __init__(self, view: TileView, selection: PhotoSelection) -> None:
        self._view = view
        self._selection = selection
        self._start: QPoint | None = None  # on the ground, which scrolls
        self._pointer = QPoint()  # in the viewport
        self._toggled = False
        self._timer = QTimer(view, interval=SCROLL_MS)
        self._timer.timeout.connect(self._scroll_along)

    @property
    def is_drawn(self) -> bool:
        """Whether the mouse is held."""
        return self._start is not None

    def start_at(self, pointer: QPoint, *, toggled: bool) -> None:
        """Begin at a point of the viewport; `toggled` leaves out what is selected already."""
        self._start, self._pointer, self._toggled = pointer + self._shift(), pointer, toggled
        self._selection.keep_as_base()

    def draw_to(self, pointer: QPoint) -> None:
        """Select what lies between the start and a point of the viewport."""
        self._pointer = pointer
        places = self._view.tile_layout.find_places(self._find_area())
        self._selection.select_places(places, toggled=self._toggled)
        outside = self._measure_outside()
        if outside and not self._timer.isActive():
            self._timer.start()
        elif not outside:
            self._timer.stop()
        self._view.viewport().update()

    def end_drawing(self) -> None:
        """Keep what is selected."""
        self._start = None
        self._timer.stop()
        self._view.viewport().update()

    def paint_area(self, painter: QPainter, colour: str) -> None:
        """Paint the rectangle while the mouse is held."""
        if self._start is None:
            return
        ground = QColor(colour)
        painter.setPen(QPen(ground, 1))
        ground.setAlpha(40)
        painter.setBrush(ground)
        painter.drawRect(self._find_area().translated(-self._shift()))

    def _find_area(self) -> QRect:
        """The rectangle on the ground."""
        assert self._start is not None
        return QRect(self._start, self._pointer + self._shift()).normalized()

    def _shift(self) -> QPoint:
        return QPoint(0, self._view.verticalOffset())

    def _measure_outside(self) -> int:
        """How far the pointer is above (negative) or below the viewport, in px."""
        height = self._view.viewport().height()
        return min(self._pointer.y(), 0) + max(self._pointer.y() - height, 0)

    def _scroll_along(self) -> None:
        bar = self._view.verticalScrollBar()
        step = self._measure_outside() * SCROLL_SHARE
        bar.setValue(bar.value() + round(step))
        self.draw_to(self._pointer)
