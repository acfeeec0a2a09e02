"""The chosen model or training: what it is, what it was worth, and what can be done about it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.models.shelf_rows import ShelfRow
from retrieval_app.session.library_commands import explain_switch_obstacle
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from training.registry.kept_models import ACTIVE, PREVIOUS, READY
from training.registry.stopped_trainings import StoppedTraining


class ModelDetails(QWidget):
    """The row that is chosen, in sentences, above its buttons; each button emits what is wanted."""

    use_wanted = Signal(object)  # ShelfRow, as for all of them
    continue_wanted = Signal(object)
    report_wanted = Signal(object)
    rename_wanted = Signal(object)
    export_wanted = Signal(object)
    deletion_wanted = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.row: ShelfRow | None = None
        self.name_label = make_label("", "title", wrap=True)
        self.meaning_label = make_label("", wrap=True)
        self.origin_label = make_label("", wrap=True)
        self.verdict_label = make_label("", wrap=True)
        explain_figure(self, "model")
        self.facts_label = make_label("", "muted", wrap=True)
        self.note_label = make_label("", "muted", wrap=True)
        self.use_button, self.continue_button = make_button("", "primary"), make_button(tr("Go on with it"), "primary")
        self.report_button, self.rename_button = make_button(tr("Report")), make_button(tr("Rename…"))
        self.export_button, self.delete_button = make_button(tr("Export checkpoint…")), make_button(tr("Delete…"))
        self._arrange_widgets()
        for button, wanted in (
            (self.use_button, self.use_wanted),
            (self.continue_button, self.continue_wanted),
            (self.report_button, self.report_wanted),
            (self.rename_button, self.rename_wanted),
            (self.export_button, self.export_wanted),
            (self.delete_button, self.deletion_wanted),
        ):
            button.clicked.connect(lambda _checked, signal=wanted: signal.emit(self.row))
        session.job.changed.connect(self._show_buttons)

    def _arrange_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        labels = (self.name_label, self.verdict_label, self.origin_label, self.meaning_label, self.facts_label)
        for label in labels:
            column.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.use_button, self.continue_button, self.report_button):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.rename_button, self.export_button, self.delete_button):
            row.addWidget(button)
        column.addSpacing(4)
        column.addWidget(self.note_label)
        column.addLayout(row)

    def show_row(self, row: ShelfRow | None) -> None:
        """Show this row; None where there is none."""
        self.row = row
        model = row.model if row else None
        self.name_label.setText(row.name if row else "")
        self.meaning_label.setText(row.meaning if row else "")
        learnt = (
            tr("It learns from")
            if row and row.training
            else tr("It learnt from")
            if model and model.verdict
            else tr("From")
        )
        self.origin_label.setText(f"{learnt} {row.origin}." if row and row.origin else "")
        self.verdict_label.setText(model.verdict if model else "")
        self.facts_label.setText(row.facts if row else "")
        for label in (self.verdict_label, self.origin_label):
            label.setVisible(bool(label.text()))
        self._show_buttons()

    def _suggest_use(self, row: ShelfRow | None) -> None:
        """Say what using the model is; one that was found no better is not suggested."""
        model = row.model if row else None
        is_doubtful = model is not None and bool(model.verdict) and not model.is_better
        is_previous = model is not None and model.state == PREVIOUS
        text = (
            tr("Go back to this model")
            if is_previous
            else tr("Use it anyway…")
            if is_doubtful
            else tr("Use this model")
        )
        self.use_button.setText(text)
        self.use_button.setProperty("role", "" if is_doubtful and not is_previous else "primary")
        self.use_button.style().polish(self.use_button)

    def _show_buttons(self) -> None:
        row = self.row
        model, training = (row.model, row.training) if row else (None, None)
        is_active = model is not None and model.state == ACTIVE
        obstacle = explain_switch_obstacle(self._session) if model and not is_active else ""
        is_idle = self._session.job.state is None and self._session.library.is_open
        self._suggest_use(row)
        self.use_button.setVisible(model is not None and not is_active)
        self.use_button.setEnabled(not obstacle)
        self.continue_button.setVisible(training is not None)
        self.continue_button.setEnabled(training is not None and bool(training.resume_arguments))
        self.report_button.setVisible(bool(model and model.verdict and model.checkpoint))
        for button in (self.rename_button, self.export_button):
            button.setVisible(model is not None)
        self.rename_button.setEnabled(is_idle and model is not None and model.state != READY)
        self.export_button.setEnabled(is_idle)
        self.delete_button.setVisible(row is not None)
        self.delete_button.setText(tr("Give up…") if isinstance(row and row.item, StoppedTraining) else tr("Delete…"))
        self.delete_button.setEnabled(is_idle and not is_active)
        self.delete_button.setToolTip(tr("The model in use cannot be deleted: use another one first.") * is_active)
        self.note_label.setText(obstacle)
        self.note_label.setVisible(bool(obstacle))
