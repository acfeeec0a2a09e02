"""A question about the library that takes long and changes nothing: a child process answers it, beside any job."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from indexer.progress import Progress
from retrieval_app.session.session import Session
from retrieval_app.workers.child_process import ChildProcess, JobEnd, JobState, RateEstimator


class QuestionJob(QObject):
    """One question at a time; another library, or the end of the window, stops it."""

    state_changed = Signal()
    answered = Signal(object)  # the fields of the result

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.state: JobState | None = None
        self.failure_sentence = ""  # why the last question has no answer
        self._job: ChildProcess | None = None
        self._rate_estimator = RateEstimator()
        session.session_closing.connect(self._close_jobs)

    def start_question(self, arguments: Sequence[str]) -> None:
        """Ask the open library with one of the program's commands; what was asked before is dropped."""
        self.drop_question()
        self.failure_sentence, self._rate_estimator = "", RateEstimator()
        command = build_command(*arguments, "--library", str(self._session.folder), "--json", "--attached")
        job = self._job = ChildProcess(command, self)
        job.progressed.connect(self._handle_progress)
        job.ended.connect(self._handle_end)
        self._handle_progress(Progress("start", 0, 0))

    def drop_question(self) -> None:
        """Stop; no answer will come."""
        if self._job is not None:
            self._job.progressed.disconnect(self._handle_progress)
            self._job.ended.disconnect(self._handle_end)
            self._job.ended.connect(self._job.deleteLater)
            self._job.cancel()
            self._job = self.state = None
            self.state_changed.emit()

    def _handle_progress(self, progress: Progress) -> None:
        self._rate_estimator.add_progress(progress, time.monotonic())
        self.state = JobState(
            progress, self._rate_estimator.items_per_second, self._rate_estimator.seconds_left, stopping=False
        )
        self.state_changed.emit()

    def _handle_end(self, end: JobEnd) -> None:
        assert self._job is not None
        self._job.deleteLater()
        self._job = self.state = None
        self.failure_sentence = end.sentence
        if end.result is not None:
            self.answered.emit(end.result)
        self.state_changed.emit()

    def _close_jobs(self) -> None:
        for job in self.findChildren(ChildProcess):
            job.close()
