"""What has been drawn of a map, and where it is now: it is moved and scaled while the map is dragged and zoomed."""

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QImage, QTransform
from PySide6.QtWidgets import QWidget

from retrieval_app.map.class_marks import PlacedMark
from retrieval_app.map.thumbnails import MapCell

DRAWN_MARGIN = 240  # px around the window that are drawn as well, so that a drag shows them at once
MOST_GROWN = 1.6  # times that what was drawn is enlarged while the map is zoomed, until it is drawn anew


class DrawnMap:
    """The image of the dots, the cells with pictures and the marks of classes, each None until it is made."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self.clear()

    def clear(self) -> None:
        """Drop all, so that it is made anew."""
        self.image: QImage | None = None
        self.cells: list[MapCell] | None = None
        self.marks: list[PlacedMark] | None = None
        self.moved = QTransform()  # from where a thing was drawn to where it is

    def find_area(self) -> QRectF:
        """The part of the window, and around it, that is drawn, in px."""
        return QRectF(self._widget.rect().adjusted(-DRAWN_MARGIN, -DRAWN_MARGIN, DRAWN_MARGIN, DRAWN_MARGIN))

    def find_seen(self) -> QRect:
        """What the window shows of what was drawn, in px as it was drawn."""
        return self.moved.inverted()[0].mapRect(self._widget.rect())

    def trace_back(self, position: QPointF) -> QPointF:
        """Where what is now at a position in the window was drawn, in px."""
        return self.moved.inverted()[0].map(position)

    def move_by(self, step: QTransform) -> bool:
        """Move what was drawn by a step; whether it still serves, without a gap and not too coarse."""
        self.moved *= step
        is_covering = self.moved.mapRect(self.find_area()).contains(QRectF(self._widget.rect()))
        return self.image is not None and is_covering and self.moved.m11() <= MOST_GROWN
