"""The window of fine-tuning: a page each to choose, to train and to judge; the main window stays usable."""

from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from indexer.errors import LookalikeError
from indexer.wording import tr
from retrieval_app.dialogs.paged_dialog import PagedDialog
from retrieval_app.dialogs.questions import ask_question, make_message_box
from retrieval_app.fine_tuning.dialog_pages import ChoosePage, RunningPage
from retrieval_app.fine_tuning.plan_rows import DURATION_CHOICES
from retrieval_app.fine_tuning.report_job import ReportJob
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.fine_tuning.training_progress import estimate_seconds, explain_estimate
from retrieval_app.fine_tuning.verdict_view import VerdictView
from retrieval_app.session.library_commands import count_offline_folders, explain_switch_obstacle, start_model_switch
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count, format_duration
from training.data.sources import suggest_name
from training.judging.verdict_wording import describe_use
from training.settings.config import TrainConfig


class TrainDialog(PagedDialog):
    """The pages and the buttons below them. Closing it lets a training go on; opened again, it shows its progress."""

    def __init__(self, tuning: FineTuning, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tuning = tuning
        self._session = session
        self._theme = theme
        self.choose_page = ChoosePage(tuning, session, theme)
        self.verdict_view = VerdictView(theme)
        self.report_job = ReportJob(session, self)
        self.report_button = make_button(tr("Open the report"))
        self.discard_button = make_button(tr("Discard…"))
        self.cancel_button = make_button(tr("Cancel training"))
        self.close_button = make_button(tr("Close"))
        self.start_button = make_button(tr("Start"), "primary")
        self.use_button = make_button("", "primary")
        self.setWindowTitle(tr("Fine-tune the model"))
        self.setMinimumSize(720, 480)
        self.resize(960, 700)
        self.arrange_widgets(
            (self.choose_page, self.verdict_view),
            (
                self.report_button,
                self.discard_button,
                self.cancel_button,
                self.close_button,
                self.start_button,
                self.use_button,
            ),
        )
        self._connect_signals()
        self._show_page()
        self.start_button.setFocus()

    def _connect_signals(self) -> None:
        self.choose_page.source_row.folder_wanted.connect(self._ask_folder)
        self.choose_page.form.changed.connect(self._update_note)
        self.choose_page.form.plan.class_level.edited.connect(self._choose_class_level)
        self.start_button.clicked.connect(self._start_training)
        self.cancel_button.clicked.connect(self.tuning.cancel_training)
        self.close_button.clicked.connect(self.close)
        self.verdict_view.name_given.connect(self._rename_model)
        self.report_button.clicked.connect(self._open_report)
        self.report_job.changed.connect(self._update_note)
        self.discard_button.clicked.connect(self._confirm_discard)
        self.use_button.clicked.connect(self._confirm_use)
        self.tuning.changed.connect(self._show_page)
        self.tuning.advanced.connect(self._show_buttons)
        for signal in (self._session.library.changed, self._session.job.changed):
            signal.connect(self._update_note)

    @cached_property
    def running_page(self) -> RunningPage:
        """The page with the curves, made when it is first shown, as charts take time to make."""
        page = RunningPage(self.tuning, self._theme)
        self.pages.addWidget(page)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        """Stay smaller than the main window, so that some of that is in view."""
        super().showEvent(event)
        self.fit_in_window()

    def close_readers(self) -> None:
        """End the thread that reads pictures and the child that makes the report; the main window is closing."""
        self.verdict_view.close_reader()
        self.report_job.close()

    # Showing the state

    def _show_page(self) -> None:
        """Show the page of the current state, with its buttons."""
        outcome = self.tuning.outcome
        page: QWidget = self.choose_page
        if self.tuning.running:
            page = self.running_page
        elif outcome is not None:
            page = self.verdict_view
        if page is self.verdict_view is not self.pages.currentWidget() and outcome is not None:
            self.verdict_view.show_outcome(outcome)
        page_changed = page is not self.pages.currentWidget()
        self.pages.setCurrentWidget(page)
        self._show_buttons()
        self._update_note()
        if page_changed:
            (self.start_button if page is self.choose_page else self.close_button).setFocus()

    def _show_buttons(self) -> None:
        running, done = self.tuning.running, not self.tuning.running and self.tuning.outcome is not None
        for control, is_visible in (
            (self.start_button, not running and not done),
            (self.cancel_button, running),
            (self.report_button, done),
            (self.discard_button, done),
            (self.use_button, done),
        ):
            control.setVisible(is_visible)
        self.cancel_button.setEnabled(self.tuning.training is None or not self.tuning.training.stopping)
        outcome = self.tuning.outcome
        is_better = outcome is None or outcome.install
        self.use_button.setText(tr("Use this model") if is_better else tr("Use it anyway…"))
        # A model that is not better is not suggested.
        self.use_button.setProperty("role", "primary" if is_better else "")
        self.use_button.style().polish(self.use_button)

    def _update_note(self) -> None:
        """Write at the foot what prevents the next step, how long it takes, or what follows."""
        if self.tuning.running:
            self.note.setText(tr("You can close this and go on working; the training goes on."))
        elif self.tuning.outcome is not None:
            obstacle = explain_switch_obstacle(self._session)
            self.use_button.setEnabled(not obstacle)
            for control in (self.report_button, self.discard_button):
                control.setEnabled(not self.report_job.busy)
            sentences = (self.tuning.sentence, self.report_job.sentence, obstacle, describe_use(self.tuning.outcome))
            self.note.setText(next(filter(None, sentences)))
        else:
            self._show_plan()
            obstacle, time_estimate = self._check_readiness()
            self.start_button.setEnabled(not obstacle)
            self.note.setText("  ".join(part for part in (self.tuning.sentence, obstacle or time_estimate) if part))

    def _check_readiness(self) -> tuple[str, str]:
        """Why a training cannot start, and how long it would take; "" for what does not apply."""
        try:
            config = self.choose_page.form.read_config()
        except LookalikeError as fault:
            return str(fault), ""
        obstacle = self.tuning.find_obstacle(config)
        return obstacle, "" if obstacle else explain_estimate(config, self.tuning.count_training_pictures(config))

    def _show_plan(self) -> None:
        """Show what depends on the source: the question about its classes, the durations and the suggested name."""
        plan, tuning = self.choose_page.form.plan, self.tuning
        if tuning.contents is not None:
            plan.show_levels(tuning.contents.summary.deeper_label, tuning.class_level)
        plan.suggest_name(suggest_name(tuning.source) if tuning.source is not None else "")
        with suppress(LookalikeError):  # of a setting out of range, which the note says
            config = self.choose_page.form.read_config()
            plan.show_estimates({recipe: self._estimate_duration(config, recipe) for recipe in DURATION_CHOICES})

    def _estimate_duration(self, config: TrainConfig, recipe: str) -> str:
        config = replace(config, recipe=recipe)
        pictures = self.tuning.count_training_pictures(config)
        return format_duration(estimate_seconds(config, pictures)) if pictures else ""

    # What the buttons do

    def _choose_class_level(self) -> None:
        level = self.choose_page.form.plan.class_level.chosen_value()
        self.tuning.choose_source(self.tuning.source, 2 if level == 2 else 1)

    def _ask_folder(self) -> None:
        start = str(self.choose_page.source_row.folder or Path.home())
        name = QFileDialog.getExistingDirectory(self, tr("Choose a folder whose sub-folders are named by class"), start)
        if name:
            self.tuning.choose_source(Path(name))

    def _start_training(self) -> None:
        self.report_job.sentence = ""
        form = self.choose_page.form
        self.tuning.start_training(form.read_config(), form.plan.read_name())

    def _rename_model(self, name: str) -> None:
        self.tuning.rename_model(name)
        if self.tuning.outcome is not None:
            self.verdict_view.name_field.setText(self.tuning.outcome.name)

    def _open_report(self) -> None:
        if self.tuning.outcome is not None:
            self.report_job.open_report(self.tuning.outcome.checkpoint)

    def _confirm_discard(self) -> None:
        question = tr("Delete the new model? The library keeps the one it has.")
        ask_question(self._make_box(question), tr("Delete it"), self.tuning.discard_model)

    def _make_box(self, question: str) -> QMessageBox:
        return make_message_box(self, question, title=self.windowTitle())

    def _confirm_use(self) -> None:
        outcome = self.tuning.outcome
        if outcome is None:
            return
        doubts = [] if outcome.install else [tr("On pictures it has never seen it is not clearly better than before.")]
        if offline_folders := count_offline_folders(self._session):
            doubts.append(
                tr(
                    "{photo_folders_are} offline: their photos cannot be found under the new model "
                    "until they are back and indexed.",
                    photo_folders_are=format_count(offline_folders, "photo folder is", "photo folders are"),
                )
            )
        use_model = partial(self._use_model, outcome.checkpoint, anyway=bool(doubts))
        if doubts:
            question = " ".join([*doubts, tr("Use the new model anyway?")])
            ask_question(self._make_box(question), tr("Use it"), use_model)
        else:
            use_model()

    def _use_model(self, checkpoint: Path, *, anyway: bool) -> None:
        self.tuning.leave_outcome()
        self.close()
        start_model_switch(self._session, checkpoint, anyway=anyway)
