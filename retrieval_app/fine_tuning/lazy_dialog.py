"""Opens the fine-tuning dialog from the menu; all that trains is imported only then, the dialog in a thread of its own.

The dialog's module imports pyqtgraph, which takes half a second.
"""

from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from indexer.wording import tr
from retrieval_app.dialogs.questions import make_message_box, wait_for_answer
from retrieval_app.fine_tuning.source_kinds import FOLDER_SOURCE, LIBRARY_SOURCE
from retrieval_app.session.session import Session
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.generator_thread import GeneratorThread
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.work_list import Work

if TYPE_CHECKING:
    from retrieval_app.fine_tuning.dialog import TrainDialog
    from retrieval_app.fine_tuning.training_job import BuildCommand, FineTuning
    from training.registry.stopped_trainings import StoppedTraining

INSTANT_RECIPE = "instant"


class LazyTrainDialog(QObject):
    """The dialog once it has been opened, and notices about a training while it is closed."""

    ended = Signal()  # a training has, or its model was deleted

    def __init__(
        self, session: Session, theme: Theme, window: QWidget, *, command: "BuildCommand | None" = None
    ) -> None:
        super().__init__(window)
        self._session, self._theme, self._window = session, theme, window
        self._command = command
        self.dialog: TrainDialog | None = None
        self._source_kind, self._was_running = FOLDER_SOURCE, False
        self._resume_arguments: list[str] = []  # of a training that is to go on when the dialog is shown
        self._recipe = ""  # to be chosen when the dialog is shown; "" leaves it as it was
        self._loader = GeneratorThread(self)
        self._loader.ended.connect(self._create_dialog)

    @cached_property
    def tuning(self) -> "FineTuning":
        """The state of fine-tuning, made at its first use."""
        from retrieval_app.fine_tuning.training_job import FineTuning  # see the docstring of this file

        tuning = FineTuning(self, command=self._command)
        self._session.work.follow_source(self._read_work, tuning.advanced, tuning.changed)
        tuning.changed.connect(self._tell_end)
        return tuning

    @property
    def _was_used(self) -> bool:
        return "tuning" in vars(self)

    def open_dialog(self, kind: str) -> None:
        """Show the dialog as it was left, with `kind` as its source: one of `source_row.SOURCE_KINDS`."""
        self._source_kind = kind
        if self.dialog is None:
            self._loader.run_steps(_import_dialog())
        else:
            self.dialog.choose_page.source_row.prefer_kind(kind)
            if self._recipe:
                self.dialog.choose_page.form.choose_recipe(self._recipe)
                self._recipe = ""
            self.dialog.show_in_front()
            self.tuning.resume_training(self._resume_arguments)
            self._resume_arguments = []

    def open_instant(self) -> None:
        """Show the dialog with the library's labels as its source and the recipe that takes seconds chosen."""
        self._recipe = INSTANT_RECIPE
        self.open_dialog(LIBRARY_SOURCE)

    def continue_training(self, training: "StoppedTraining") -> None:
        """Go on with a training that was stopped, and show it."""
        self._resume_arguments = training.resume_arguments
        self.open_dialog(self._source_kind)

    def may_close(self) -> bool:
        """Whether the window may close; asks the user while a training runs, which would be lost."""
        if not self._was_used or not self.tuning.running:
            return True
        question = tr("A training is at work. Close Lookalike and give it up? Nothing else is lost.")
        box = make_message_box(self._window, question)
        return wait_for_answer(box, tr("Give it up"), tr("Keep training"))

    def close(self) -> None:
        """End threads and children; the window is closing."""
        self._loader.close()
        if self.dialog is not None:
            self.dialog.close_readers()
        if self._was_used:
            self.tuning.close()

    def _create_dialog(self, dialog_class: "type[TrainDialog]") -> None:
        if self.dialog is None:
            self.dialog = dialog_class(self.tuning, self._session, self._theme, self._window)
        self.open_dialog(self._source_kind)

    def _is_hidden(self) -> bool:
        return self.dialog is None or self.dialog.isHidden()

    def _read_work(self) -> Work | None:
        training = self.tuning.training
        if training is None or not self.tuning.running:
            return None
        state = JobState(training.latest_progress, seconds_left=training.seconds_left, stopping=training.stopping)
        text = training.describe_status()
        return Work("train", state, self.tuning.cancel_training, text=text, open=self._show_again)

    def _show_again(self) -> None:
        self.open_dialog(self._source_kind)

    def _tell_end(self) -> None:
        from training.judging.verdict_wording import describe_meaning, describe_nearest  # see above

        had_run, self._was_running = self._was_running, self.tuning.running
        if self.tuning.running:
            return
        self.ended.emit()
        if not had_run or not self._is_hidden():
            return
        if self.tuning.outcome is not None:
            outcome = self.tuning.outcome
            came = f"{describe_nearest(outcome)} {describe_meaning(outcome)}"
            self._session.work.post_notice(
                tr("The training {name} is done. {came}", name=outcome.name, came=came), "Models"
            )
        elif self.tuning.sentence:
            self._session.work.post_notice(self.tuning.sentence, "Models")


def _import_dialog() -> "Generator[object, None, type[TrainDialog]]":
    yield None
    from retrieval_app.fine_tuning.dialog import TrainDialog  # see the docstring of this file

    return TrainDialog
