"""Lines over two pictures side by side, from each point to the same point in the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from retrieval_app.widgets.zoom_view import ZoomView

if TYPE_CHECKING:
    from retrieval_app.viewer.comparison import PointPair

DOT_RADIUS, LINE_WIDTH = 3.5, 1.2  # px


class PointLine(NamedTuple):
    """A line in px of the widget, and the hue of its colour in degrees."""

    begin: QPointF
    end: QPointF
    hue: int


class PointLines(QWidget):
    """Lies over the widget that holds both views, and lets the mouse through."""

    def __init__(self, first: ZoomView, second: ZoomView, parent: QWidget) -> None:
        super().__init__(parent)
        self._ground, self._views = parent, (first, second)
        self._points: PointPair | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        for view in self._views:
            view.area_changed.connect(self.update)
        self.hide()

    def show_points(self, points: PointPair | None) -> None:
        """Draw the lines of these points; None removes them."""
        self._points = points
        self.setGeometry(self._ground.rect())
        self.setVisible(points is not None)
        self.raise_()
        self.update()

    def list_lines(self) -> list[PointLine]:
        """The lines both of whose ends are seen."""
        return list(self._find_lines())

    def _find_lines(self) -> Iterator[PointLine]:
        if self._points is None or any(view.isHidden() for view in self._views):
            return
        targets = [view.find_picture_rect() for view in self._views]
        seen_areas = [QRectF(view.rect()) for view in self._views]
        for row, hue in zip(self._points.ends, self._points.hues, strict=True):
            ends = [
                QPointF(target.x() + x * target.width(), target.y() + y * target.height())
                for target, (x, y) in zip(targets, (row[:2], row[2:]), strict=True)
            ]
            if all(area.contains(end) for area, end in zip(seen_areas, ends, strict=True)):
                begin, end = (view.mapTo(self._ground, end) for view, end in zip(self._views, ends, strict=True))
                yield PointLine(begin, end, hue)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines, each with a dot at both ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self._find_lines():
            colour = QColor.fromHsl(line.hue, 217, 115)
            painter.setPen(QPen(colour, LINE_WIDTH))
            painter.drawLine(line.begin, line.end)
            painter.setPen(QPen(Qt.GlobalColor.white, 1))
            painter.setBrush(colour)
            for dot in (line.begin, line.end):
                painter.drawEllipse(dot, DOT_RADIUS, DOT_RADIUS)
