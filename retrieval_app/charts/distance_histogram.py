"""The distances of labelled pairs, of one label and of two, as two outlines over one axis: the ground of two plots.

Painted by hand: it needs no pan, zoom or legend, and pyqtgraph would take half a second to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from indexer.wording import tr
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, mix_disabled_colour, resize_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.statistics.detailed_metrics import DistanceHistogram

LEFT, RIGHT, TOP, BOTTOM = 16, 16, 34, 34  # px around the curves
DISTANCE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
LONGEST_AXIS = 1.5  # distance at the end of the axis without a histogram
FILLING = 0.14  # opacity below an outline


class DistanceHistogramPlot(QWidget):
    """Two outlines, each as high as the plot, with what a subclass paints over them; a double click copies it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.histogram: DistanceHistogram | None = None
        self._pointed_distance: float | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Distances of labelled pictures"))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """The usual size in px: low and wide."""
        return QSize(480, 148)

    def list_marks(self) -> list[float]:
        """The distances that must lie on the axis, beside those of the histogram."""
        return []

    def paint_marks(self, painter: QPainter) -> None:
        """Paint what stands over the outlines."""

    def copy_picture(self) -> None:
        """Copy the plot to the clipboard as a picture."""
        QGuiApplication.clipboard().setPixmap(self.grab())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the values at the distance under the pointer."""
        distance = self.find_distance_at(event.position().x())
        self._pointed_distance = distance if 0 <= distance <= self._get_axis_end() else None
        self.update()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Copy the plot to the clipboard as a picture."""
        self.copy_picture()

    # Where things lie

    def get_plot_area(self) -> QRectF:
        """The rectangle of the outlines, in px of the widget."""
        return QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)

    def _get_axis_end(self) -> float:
        """The distance at the right end of the axis."""
        furthest = self.histogram.edges[-1] if self.histogram else LONGEST_AXIS
        return max(furthest, *self.list_marks(), 0.0) * 1.03

    def get_x(self, distance: float) -> float:
        """Where a distance lies on the axis, in px from the left of the widget."""
        plot = self.get_plot_area()
        return plot.left() + plot.width() * distance / self._get_axis_end()

    def find_distance_at(self, x: float) -> float:
        """The distance at a place on the axis, in px from the left of the widget; below 0 to the left of the axis."""
        plot = self.get_plot_area()
        return (x - plot.left()) / plot.width() * self._get_axis_end()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint axis, outlines, what a subclass adds, and the values at the pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(make_tabular_font(resize_font(painter.font(), CAPTION_SIZE)))
        self._paint_axis(painter)
        tokens = self.theme.tokens
        if self.histogram is not None:
            self._paint_curve(painter, self.histogram.mismatched, QColor(tokens.muted))
            self._paint_curve(painter, self.histogram.matched, QColor(tokens.accent))
        self.paint_marks(painter)
        self._paint_reading(painter)
        painter.end()

    def _paint_axis(self, painter: QPainter) -> None:
        plot, tokens = self.get_plot_area(), self.theme.tokens
        painter.setPen(QColor(tokens.line))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(QColor(tokens.muted))
        for tick in DISTANCE_TICKS:
            if tick <= self._get_axis_end():
                place = QRectF(self.get_x(tick) - 60, plot.bottom() + 2, 120, 15)
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{tick:g}")
        place = QRectF(plot.left(), plot.bottom() + 15, plot.width(), 16)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "distance")

    def outline_counts(self, counts: Sequence[int]) -> QPainterPath:
        """The outline of counts, scaled to the plot's height: there are far more mismatched pairs than matched ones."""
        assert self.histogram is not None
        plot, max_count = self.get_plot_area(), max(counts, default=0) or 1
        path = QPainterPath(plot.bottomLeft())
        for count, left, right in zip(counts, self.histogram.edges, self.histogram.edges[1:], strict=False):
            y = plot.bottom() - plot.height() * count / max_count
            path.lineTo(self.get_x(left), y)
            path.lineTo(self.get_x(right), y)
        path.lineTo(self.get_x(self.histogram.edges[-1]), plot.bottom())
        return path

    def _paint_curve(self, painter: QPainter, counts: Sequence[int], colour: QColor) -> None:
        path, filling = self.outline_counts(counts), QColor(colour)
        filling.setAlphaF(FILLING)
        painter.fillPath(path, filling)
        painter.setPen(QPen(colour, 1.2))
        painter.drawPath(path)

    def paint_line(self, painter: QPainter, distance: float, text: str, colour: QColor, row: int) -> None:
        """Paint a line at a distance, its text in row 0 or 1 above the plot: solid for row 0, dashed for row 1."""
        plot, x = self.get_plot_area(), self.get_x(distance)
        painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine if row else Qt.PenStyle.SolidLine))
        painter.drawLine(QPointF(x, plot.top() - 4 - 14 * (1 - row)), QPointF(x, plot.bottom()))
        painter.setPen(colour)
        width = painter.fontMetrics().horizontalAdvance(text) + 8
        is_left = distance < max(self.list_marks()) or x + 4 + width > self.width()
        left = max(2.0, x - width if is_left else x + 4)  # outward from the other line
        place = QRectF(left, plot.top() - 32 + 14 * row, width, 15)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _paint_reading(self, painter: QPainter) -> None:
        """Paint the names of the curves, and with the pointer over them the share of pairs that are nearer."""
        plot, distance = self.get_plot_area(), self._pointed_distance
        if self.histogram is not None and distance is not None:
            painter.setPen(QPen(mix_disabled_colour(self.theme.tokens), 1, Qt.PenStyle.DotLine))
            x = self.get_x(distance)
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        x = plot.left()
        for text, colour in self._list_reading():
            painter.setPen(colour)
            width = painter.fontMetrics().horizontalAdvance(text)
            painter.drawText(QRectF(x, plot.bottom() + 15, width + 2, 16), Qt.AlignmentFlag.AlignVCenter, text)
            x += width + 14

    def _list_reading(self) -> list[tuple[str, QColor]]:
        """The texts below the axis, each with its colour."""
        accent, muted = QColor(self.theme.tokens.accent), QColor(self.theme.tokens.muted)
        histogram, distance = self.histogram, self._pointed_distance
        if histogram is None:
            return [(tr("too few labels to tell how far the same and others are"), muted)]
        if distance is None:
            return [(tr("same label"), accent), (tr("other labels"), muted)]
        same = _compute_share_nearer(histogram.edges, histogram.matched, distance)
        other = _compute_share_nearer(histogram.edges, histogram.mismatched, distance)
        return [
            (tr("same label {same:.1%} nearer", same=same), accent),
            (tr("other labels {other:.1%} nearer", other=other), muted),
            (tr("than {distance:.3f}", distance=distance), muted),
        ]


def _compute_share_nearer(edges: list[float], counts: list[int], distance: float) -> float:
    """The share of pairs nearer than a distance, from 0 to 1; within a bin, in proportion."""
    nearer = 0.0
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        nearer += count * min(1.0, max(0.0, (distance - left) / (right - left)))
    return nearer / (sum(counts) or 1)
