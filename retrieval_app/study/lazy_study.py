"""Opens the study dialog; what it needs is imported only then, in a thread, as pyqtgraph takes half a second."""

from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from indexer.wording import tr
from retrieval_app.dialogs.questions import make_message_box, wait_for_answer
from retrieval_app.session.session import Session
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.generator_thread import GeneratorThread
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.work_list import Work

if TYPE_CHECKING:
    from retrieval_app.study.dialog import StudyDialog
    from retrieval_app.study.study_job import BuildStudyCommand, StudyJob

WHERE_IT_IS = tr("Evaluate > Study shows it")


class LazyStudyDialog(QObject):
    """The dialog once it has been opened, and notices about a study while it is closed."""

    def __init__(
        self, session: Session, theme: Theme, page: QWidget, *, command: "BuildStudyCommand | None" = None
    ) -> None:
        super().__init__(page)
        self._session, self._theme, self._page = session, theme, page
        self.command = command
        self.dialog: StudyDialog | None = None
        self._was_running = False
        self._loader = GeneratorThread(self)
        self._loader.ended.connect(self._create_dialog)
        session.closing.connect(self.close)

    @cached_property
    def job(self) -> "StudyJob":
        """The state of the study, made at its first use."""
        from retrieval_app.study.study_job import StudyJob  # see the docstring of this file

        job = StudyJob(self, command=self.command)
        self._session.work.follow_source(self._read_work, job.advanced, job.changed)
        job.changed.connect(self._tell_end)
        return job

    def open_dialog(self) -> None:
        """Show the dialog as it was left."""
        if self.dialog is None:
            self._loader.run_steps(_import_dialog())
        else:
            self.dialog.show_in_front()

    def may_close(self) -> bool:
        """Whether the window may close; asks the user while a study runs, which would be lost."""
        if "job" not in vars(self) or not self.job.running:
            return True
        question = tr("A study is at work. Close Lookalike and give it up? Nothing else is lost.")
        box = make_message_box(self._page.window(), question)
        return wait_for_answer(box, tr("Give it up"), tr("Keep studying"))

    def close(self) -> None:
        """End thread and child; the window is closing."""
        self._loader.close()
        if "job" in vars(self):
            self.job.close()

    def _create_dialog(self, dialog_class: "type[StudyDialog]") -> None:
        if self.dialog is None:
            self.dialog = dialog_class(self.job, self._session, self._theme, self._page.window())
        self.open_dialog()

    def _is_hidden(self) -> bool:
        return self.dialog is None or self.dialog.isHidden()

    def _read_work(self) -> Work | None:
        progress = self.job.progress
        if progress is None or not self.job.running:
            return None
        state = JobState(progress.latest, stopping=progress.stopping)
        text = tr("Study: {status}", status=progress.describe_status())
        return Work("study", state, self.job.cancel_study, text=text, open=self.open_dialog)

    def _tell_end(self) -> None:
        had_run, self._was_running = self._was_running, self.job.running
        if self.job.running or not had_run or not self._is_hidden():
            return
        if self.job.fields is not None or self.job.sentence:
            self._session.work.post_notice(
                self.job.sentence or tr("The study is done: {where_it_is}", where_it_is=WHERE_IT_IS), "Evaluate"
            )


def _import_dialog() -> "Generator[object, None, type[StudyDialog]]":
    yield None
    from retrieval_app.study.dialog import StudyDialog  # see the docstring of this file

    return StudyDialog
