"""The figures of an evaluation in large type, each with its name, its interval and what it means."""

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import format_number
from retrieval_app.evaluation.evaluation_report import EvaluationReport, MeasuredFigure
from retrieval_app.evaluation.evaluation_wording import (
    MAP_AT_R_MEANING,
    MAP_MEANING,
    P_AT_1_MEANING,
    describe_interval,
    describe_nearest_found,
)
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.theme import make_tabular_font

WIDEST_VALUE, WIDEST_INTERVAL = "0.00", "0.00 to 0.00"
FIGURE_MEANINGS = {"P@1": P_AT_1_MEANING, "MAP@R": MAP_AT_R_MEANING, "mAP": MAP_MEANING}


class FigureRow(QWidget):
    """One sentence, and beside it P@1, MAP@R and mAP with their intervals; tool tips say what they mean."""

    def __init__(self) -> None:
        super().__init__()
        self.sentence = make_label("", "title", wrap=True)
        self.values = {name: make_label("", "title") for name in FIGURE_MEANINGS}
        self.intervals = {name: make_label("", "caption") for name in FIGURE_MEANINGS}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(24)
        row.addWidget(self.sentence, 1)
        for name, meaning in FIGURE_MEANINGS.items():
            row.addWidget(self._make_block(name, meaning))

    def _make_block(self, name: str, meaning: str) -> QWidget:
        block = QWidget()
        block.setToolTip(f"<p>{meaning}</p>")
        block.setWhatsThis(f"<p>{meaning}</p>")
        self.values[name].setFont(make_tabular_font(self.font()))
        for label, widest in ((self.values[name], WIDEST_VALUE), (self.intervals[name], WIDEST_INTERVAL)):
            label.ensurePolished()  # so that its font is that of its role, and the row has its widths from the start
            label.setMinimumWidth(QFontMetrics(label.font()).horizontalAdvance(widest))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.values[name])
        head.addWidget(make_label(name, "section"))
        head.addStretch(1)
        column = QVBoxLayout(block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.intervals[name])
        return block

    def show_report(self, report: EvaluationReport) -> None:
        """Show the figures of a report."""
        self.sentence.setText(describe_nearest_found(report))
        figures: dict[str, MeasuredFigure] = {
            "P@1": report.p_at_1,
            "MAP@R": report.map_at_r,
            "mAP": report.mean_average_precision,
        }
        for name, figure in figures.items():
            self.values[name].setText(format_number(figure.value, ".2f"))
            self.intervals[name].setText(describe_interval(figure))
