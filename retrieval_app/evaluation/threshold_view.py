"""Same or different: a threshold on distances, and how often it would be wrong either way."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.evaluation.evaluation_report import EvaluationReport, ThresholdRates
from retrieval_app.evaluation.evaluation_wording import describe_false_matches, describe_misses
from retrieval_app.evaluation.threshold_plots import RocPlot, ThresholdPlot
from retrieval_app.widgets.chip_row import Chip, ChipRow
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_frequency, format_share

PLOT_HELP = tr(
    "Distances of pairs of photos. Blue: of one label. Grey: of two. Filled strongly: what the threshold gets wrong."
)
TOO_FEW = tr("There are no pairs of one label and of two to compare.")


class ThresholdView(QWidget):
    """The distance as a number, the two error rates as sentences, the histogram and the ROC."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._report: EvaluationReport | None = None
        self.distance_box = QDoubleSpinBox()
        self.presets = ChipRow()
        self.false_match_label, self.miss_label = make_label("", wrap=True), make_label("", wrap=True)
        self.histogram, self.roc = ThresholdPlot(theme), RocPlot(theme)
        explain_figure(self, "threshold")
        self.distance_box.setRange(0, 2)
        self.distance_box.setDecimals(3)
        self.distance_box.setSingleStep(0.01)
        self.distance_box.setAccessibleName(tr("Threshold, a distance"))
        self.distance_box.valueChanged.connect(self._show_threshold)
        for plot in (self.histogram, self.roc):
            plot.moved.connect(self.distance_box.setValue)
        self._arrange_widgets()

    def _arrange_widgets(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(make_label(tr("Nearer than"), "name"))
        head.addWidget(self.distance_box)
        head.addWidget(make_label(tr("counts as the same"), "name"))
        head.addSpacing(16)
        head.addWidget(self.presets, 1, Qt.AlignmentFlag.AlignVCenter)
        help_row, plots = QHBoxLayout(), QHBoxLayout()
        help_row.addWidget(make_label(PLOT_HELP, "caption", wrap=True), 1)
        plots.setSpacing(16)
        for plot, stretch, name in ((self.histogram, 3, tr("Copy the histogram")), (self.roc, 2, tr("Copy the ROC"))):
            copy_button = make_button(name, "link")
            copy_button.clicked.connect(plot.copy_picture)
            help_row.addWidget(copy_button)
            plots.addWidget(plot, stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        for label in (self.false_match_label, self.miss_label):
            column.addWidget(label)
        column.addLayout(help_row)
        column.addLayout(plots, 1)

    def show_report(self, report: EvaluationReport) -> None:
        """Show the distances of a report at the threshold set before, else at the strictest that enough pairs back."""
        is_first, self._report = self._report is None, report
        presets = list_presets(report)
        self.presets.show_chips(
            Chip(
                text,
                partial(self.distance_box.setValue, rates.distance),
                tr("Distance {distance:.3f}", distance=rates.distance),
            )
            for text, rates in presets
        )
        if is_first and presets:
            self.distance_box.setValue(presets[0][1].distance)
        self._show_threshold()

    def _show_threshold(self) -> None:
        if self._report is None:
            return
        distance = self.distance_box.value()
        rates = self._report.find_rates(distance)
        self.false_match_label.setText(describe_false_matches(rates) if rates else TOO_FEW)
        self.miss_label.setText(describe_misses(rates) if rates else "")
        self.histogram.show_threshold(self._report, distance)
        self.roc.show_rates(self._report, rates)


def list_presets(report: EvaluationReport) -> list[tuple[str, ThresholdRates]]:
    """Named thresholds to start from: one for each FMR that enough pairs back, and the one of equal error rates."""
    backed = sorted(report.backed_thresholds, key=lambda rates: rates.fmr)
    presets = [(tr("wrong {fmr}", fmr=format_frequency(rates.fmr)), rates) for rates in backed]
    if report.rates and report.eer is not None:
        equal = min(report.rates, key=lambda rates: abs(rates.fmr - rates.fnmr))
        presets.append((tr("both errors equal, {eer}", eer=format_share(report.eer)), equal))
    return presets
