"""The distances of labelled pairs, of one label and of two, and where one pair stands among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QPainter

from indexer.wording import tr
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
        self.setToolTip(tr("Point to read a distance; a double click copies the plot as a picture"))

    def show_pair(self, histogram: DistanceHistogram | None, distance: float, threshold: float | None) -> None:
        """Show the distance of a pair and the threshold among the curves; without a histogram there are no curves."""
        self.histogram, self._distance, self._threshold = histogram, distance, threshold
        threshold_text = "" if threshold is None else tr(", threshold {threshold:.3f}", threshold=threshold)
        self.setAccessibleDescription(
            tr("This pair {distance:.3f}{threshold_text}", distance=distance, threshold_text=threshold_text)
        )
        self.update()

    def list_marks(self) -> list[float]:
        """The pair's own distance and the threshold."""
        return [self._distance, self._threshold or 0.0]

    def paint_marks(self, painter: QPainter) -> None:
        """Paint the two lines."""
        tokens = self.theme.tokens
        if self._threshold is not None:
            self.paint_line(
                painter,
                self._threshold,
                tr("threshold {threshold:.3f}", threshold=self._threshold),
                QColor(tokens.muted),
                1,
            )
        self.paint_line(
            painter, self._distance, tr("this pair {distance:.3f}", distance=self._distance), QColor(tokens.text), 0
        )
