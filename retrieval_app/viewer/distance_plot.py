"""The distances of labelled pairs, of one label and of two, and where one pair stands among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QPainter

from retrieval_app.charts.distance_histogram import DistanceHistogramPlot
from retrieval_app.widgets.theme import Theme

if TYPE_CHECKING:
    from indexer.statistics.detailed_metrics import DistanceHistogram


class DistancePlot(DistanceHistogramPlot):
    """Two outlines over one axis of distance, with the threshold and the pair's own distance as lines."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._distance = 0.0
        self._threshold: float | None = None
        self.setToolTip("Point to read a distance; a double click copies the plot as a picture")

    def show_pair(self, histogram: DistanceHistogram | None, distance: float, threshold: float | None) -> None:
        """Show the distance of a pair and the threshold among the curves; without a histogram there are no curves."""
        self.histogram, self._distance, self._threshold = histogram, distance, threshold
        threshold_text = "" if threshold is None else f", threshold {threshold:.3f}"
        self.setAccessibleDescription(f"This pair {distance:.3f}{threshold_text}")
        self.update()

    def list_marks(self) -> list[float]:
        """The pair's own distance and the threshold."""
        return [self._distance, self._threshold or 0.0]

    def paint_marks(self, painter: QPainter) -> None:
        """Paint the two lines."""
        tokens = self.theme.tokens
        if self._threshold is not None:
            self.paint_line(painter, self._threshold, f"threshold {self._threshold:.3f}", QColor(tokens.muted), 1)
        self.paint_line(painter, self._distance, f"this pair {self._distance:.3f}", QColor(tokens.text), 0)
