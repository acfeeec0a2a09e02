"""A threshold on the distances of labelled pairs, moved by mouse or keys: in the histogram, and on the ROC."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from indexer.wording import tr
from retrieval_app.charts.distance_histogram import DistanceHistogramPlot
from retrieval_app.evaluation.evaluation_report import EvaluationReport, ThresholdRates
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, resize_font

KEY_STEPS = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01, Qt.Key.Key_PageDown: -0.1, Qt.Key.Key_PageUp: 0.1}
ERROR_OPACITY = 0.45
DOT_RADIUS = 5
ROC_LEFT, ROC_RIGHT, ROC_TOP, ROC_BOTTOM = 40, 12, 30, 34  # px around the curve
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


class ThresholdPlot(DistanceHistogramPlot):
    """The histogram with a line to be dragged: what is wrong on either side of it is filled."""

    moved = Signal(float)  # the distance that the threshold was dragged to

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.threshold = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 160)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setToolTip(tr("Drag the line to another distance, or move it by the arrow keys"))

    def show_threshold(self, report: EvaluationReport, threshold: float) -> None:
        """Show the distances of a report, and a threshold on them."""
        self.histogram, self.threshold = report.histogram, threshold
        self.setAccessibleDescription(tr("Threshold {threshold:.3f}", threshold=threshold))
        self.update()

    def list_marks(self) -> list[float]:
        """The threshold."""
        return [self.threshold]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the threshold to the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.moved.emit(max(0.0, self.find_distance_at(event.position().x())))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the threshold; without a button, show the values at the pointer."""
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.moved.emit(max(0.0, self.find_distance_at(event.position().x())))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Move the threshold as a click does; copying has a button here."""
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the threshold by a step."""
        if event.key() in KEY_STEPS:
            self.moved.emit(max(0.0, self.threshold + KEY_STEPS[Qt.Key(event.key())]))
        else:
            super().keyPressEvent(event)

    def paint_marks(self, painter: QPainter) -> None:
        """Paint what is wrong on either side, and the line."""
        if self.histogram is None:
            return
        tokens, plot, x = self.theme.tokens, self.get_plot_area(), self.get_x(self.threshold)
        left = QRectF(plot.topLeft(), QPointF(x, plot.bottom() + 1))
        right = QRectF(QPointF(x, plot.top()), QPointF(plot.right(), plot.bottom() + 1))
        for side, counts, colour in (
            (left, self.histogram.mismatched, tokens.likely),
            (right, self.histogram.matched, tokens.accent),
        ):
            filling = QColor(colour)
            filling.setAlphaF(ERROR_OPACITY)
            painter.save()
            painter.setClipRect(side)
            painter.fillPath(self.outline_counts(counts), filling)
            painter.restore()
        self.paint_line(
            painter, self.threshold, tr("threshold {threshold:.3f}", threshold=self.threshold), QColor(tokens.text), 1
        )
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)


class RocPlot(QWidget):
    """The share of same pairs that are found over the share of different ones taken for the same; a dot for the
    threshold.
    """

    moved = Signal(float)  # the distance of the point of the curve that was clicked

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rates: tuple[ThresholdRates, ...] = ()
        self._current: ThresholdRates | None = None
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("ROC: same pairs found over different pairs taken for the same"))
        self.setToolTip(tr("Click a point of the curve to move the threshold there"))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """The usual size in px."""
        return QSize(300, 300)

    def show_rates(self, report: EvaluationReport, current: ThresholdRates | None) -> None:
        """Show the curve of a report, and where the threshold is on it."""
        self._rates, self._current = report.rates, current
        self.update()

    def copy_picture(self) -> None:
        """Copy the plot to the clipboard as a picture."""
        QGuiApplication.clipboard().setPixmap(self.grab())

    def locate_rates(self, rates: ThresholdRates) -> QPointF:
        """Where a point of the curve is, in px of the widget."""
        plot = self._get_plot_area()
        return QPointF(plot.left() + rates.fmr * plot.width(), plot.top() + rates.fnmr * plot.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the threshold to the point of the curve that is nearest to the pointer."""
        if self._rates and event.button() == Qt.MouseButton.LeftButton:
            at = event.position()
            nearest = min(self._rates, key=lambda rates: (self.locate_rates(rates) - at).manhattanLength())
            self.moved.emit(nearest.distance)

    def _get_plot_area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(ROC_LEFT, ROC_TOP, -ROC_RIGHT, -ROC_BOTTOM)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint axes, curve and dot."""
        painter, tokens = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(make_tabular_font(resize_font(self.font(), CAPTION_SIZE)))
        self._paint_axes(painter)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.drawPolyline(QPolygonF([self.locate_rates(rates) for rates in self._rates]))
        if self._current is not None:
            painter.setPen(QPen(QColor(tokens.surface), 2))
            painter.setBrush(QColor(tokens.text))
            painter.drawEllipse(self.locate_rates(self._current), DOT_RADIUS, DOT_RADIUS)
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        plot, tokens, middle = self._get_plot_area(), self._theme.tokens, Qt.AlignmentFlag.AlignCenter
        painter.setPen(QColor(tokens.line))
        painter.drawRect(plot)
        painter.drawLine(plot.bottomLeft(), plot.topRight())  # what chance gives
        painter.setPen(QColor(tokens.muted))
        for tick in TICKS:
            x, y = plot.left() + tick * plot.width(), plot.bottom() - tick * plot.height()
            painter.drawText(QRectF(x - 20, plot.bottom() + 3, 40, 15), middle, f"{tick:g}")
            place = QRectF(0, y - 8, ROC_LEFT - 5, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{tick:g}")
        below = QRectF(plot.left(), plot.bottom() + 15, plot.width(), 16)
        painter.drawText(below, middle, tr("different pairs taken for the same (FMR)"))
        above = QRectF(plot.left(), 4, plot.width(), 16)
        painter.drawText(
            above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, tr("same pairs found (1 - FNMR)")
        )
