"""Two models beside each other, on photos of this library."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from indexer.wording import format_number, tr
from retrieval_app.evaluation.evaluation_wording import describe_comparison
from retrieval_app.evaluation.model_rivals import ModelRivals, RivalModel
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.wording import format_share
from retrieval_app.workers.job_wording import describe_job

COMPARISON_HELP = tr(
    "Both look at the same photos of this library, 300 at most; those that either has learned "
    "from are left out. Nothing changes in the library."
)
ONE_MODEL = tr(
    "There is one model here: choose another by Model > Choose a model, or fine-tune one. Then both can be compared."
)
FIGURE_ROWS = {
    "label_found": tr("Nearest is of the same label (P@1)"),
    "map_at_r": tr("MAP@R"),
    "copies_found": tr("Changed copies found"),
    "seconds_per_photo": tr("Time for a photo"),
    "megabytes": tr("Size"),
}


class ComparisonView(QWidget):
    """Two lists to choose from, a button, and the figures of both."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.rivals = ModelRivals(session, self)
        self.first_box, self.second_box = QComboBox(), QComboBox()
        self.compare_button = make_button(tr("Compare"))
        self.cancel_button = make_button(tr("Cancel comparing"), "link")
        self.state_label = make_label("", "muted", wrap=True)
        self.progress_bar = QProgressBar()
        self.sentence = make_label("", "title", wrap=True)
        self.figures = QWidget()
        self._cells = QGridLayout(self.figures)
        self._shown_fields: dict[str, Any] | None = None
        self._arrange_widgets()
        self.compare_button.clicked.connect(self._compare)
        self.cancel_button.clicked.connect(self.rivals.job.drop_question)
        self.rivals.changed.connect(self._update_view)
        for box in (self.first_box, self.second_box):
            box.currentIndexChanged.connect(self._update_view)
        self._update_view()

    def _arrange_widgets(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(12)
        for box, name in ((self.first_box, tr("First model")), (self.second_box, tr("Second model"))):
            box.setAccessibleName(name)
            box.setMinimumContentsLength(16)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for part, stretch in (
            (self.first_box, 1),
            (make_label(tr("with")), 0),
            (self.second_box, 1),
            (self.compare_button, 0),
            (self.cancel_button, 0),
        ):
            row.addWidget(part, stretch)
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setFixedHeight(4)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setHorizontalSpacing(24)
        self._cells.setVerticalSpacing(6)
        self._cells.setColumnStretch(3, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(make_label(COMPARISON_HELP, "caption", wrap=True))
        column.addLayout(row)
        for widget in (self.state_label, self.progress_bar, self.sentence, self.figures):
            column.addWidget(widget)
        column.addStretch(1)

    def showEvent(self, event: QShowEvent) -> None:
        """Read which models there are now."""
        super().showEvent(event)
        self.rivals.read_models()

    def _compare(self) -> None:
        first, second = self._chosen_model(self.first_box), self._chosen_model(self.second_box)
        if first and second:
            self.rivals.compare_models(first, second)

    def _chosen_model(self, box: QComboBox) -> RivalModel | None:
        return self.rivals.models[box.currentIndex()] if 0 <= box.currentIndex() < len(self.rivals.models) else None

    def _update_view(self) -> None:
        self._offer_models()
        state, models = self.rivals.job.state, self.rivals.models
        is_possible = len(models) > 1 and self.first_box.currentIndex() != self.second_box.currentIndex()
        self.compare_button.setEnabled(state is None and is_possible)
        self.cancel_button.setVisible(state is not None)
        self.progress_bar.setVisible(state is not None)
        text = self.rivals.job.failure_sentence or (ONE_MODEL if len(models) == 1 else "")
        if state is not None:
            self.progress_bar.setRange(0, state.progress.total)
            self.progress_bar.setValue(state.progress.done)
            text = describe_job(state)
        self.state_label.setText(text)
        self.state_label.setVisible(bool(text))
        if self.rivals.fields is not self._shown_fields:
            self._show_fields(self.rivals.fields)

    def _offer_models(self) -> None:
        """Offer the models in both lists, where they are others than before: the first with the second."""
        names = [model.name for model in self.rivals.models]
        for number, box in enumerate((self.first_box, self.second_box)):
            if names != [box.itemText(row) for row in range(box.count())]:
                box.blockSignals(True)
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(min(number, len(names) - 1))
                box.blockSignals(False)

    def _show_fields(self, fields: dict[str, Any] | None) -> None:
        """Show a comparison as a sentence and a table, or none."""
        self._shown_fields = fields
        while item := self._cells.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.sentence.setText(describe_comparison(fields) if fields else "")
        if fields is None:
            return
        sides = (fields["before"], fields["after"])
        for column, side in enumerate(sides, 1):
            self._cells.addWidget(make_label(side["name"], "section"), 0, column, Qt.AlignmentFlag.AlignRight)
        shown = [name for name in FIGURE_ROWS if sides[0][name] is not None]
        for row, name in enumerate(shown, 1):
            self._cells.addWidget(make_label(FIGURE_ROWS[name], "muted"), row, 0)
            for column, side in enumerate(sides, 1):
                text = format_side_figure(name, side[name])
                self._cells.addWidget(make_label(text), row, column, Qt.AlignmentFlag.AlignRight)


def format_side_figure(name: str, value: float) -> str:
    """A figure of a model with its unit, by its name in FIGURE_ROWS."""
    if name == "seconds_per_photo":
        return tr("{value:,.0f} ms", value=1000 * value)
    if name == "megabytes":
        return tr("{value:,.0f} MB", value=value)
    return format_number(value, ".3f") if name == "map_at_r" else format_share(value)
