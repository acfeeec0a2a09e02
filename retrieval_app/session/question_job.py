"""A question about the library that takes long and changes nothing: a child process answers it, beside any job."""

import sys
import time
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from indexer.progress import Progress
from retrieval_app.session.session import Session
from retrieval_app.session.state import JobState
from retrieval_app.workers.child_process import Job, JobEnd, Pace


class Inquiry(QObject):
    """One question at a time; another library, or the end of the window, stops it."""

    changed = Signal()
    answered = Signal(object)  # the fields of the result

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.state: JobState | None = None
        self.sentence = ""  # why the last question has no answer
        self._job: Job | None = None
        self._pace = Pace()
        session.closing.connect(self._close)

    def ask(self, arguments: Sequence[str]) -> None:
        """Ask the open library with one of the program's commands; what was asked before is dropped."""
        self.drop()
        self.sentence, self._pace = "", Pace()
        command = [sys.executable, "-m", "retrieval_app.cli", *arguments, "--library", str(self._session.folder)]
        job = self._job = Job([*command, "--json", "--attached"], self)
        job.progressed.connect(self._progress)
        job.ended.connect(self._end)
        self._progress(Progress("start", 0, 0))

    def drop(self) -> None:
        """Stop; no answer will come."""
        if self._job is not None:
            self._job.progressed.disconnect(self._progress)
            self._job.ended.disconnect(self._end)
            self._job.ended.connect(self._job.deleteLater)
            self._job.cancel()
            self._job = self.state = None
            self.changed.emit()

    def _progress(self, progress: Progress) -> None:
        self._pace.add(progress, time.monotonic())
        self.state = JobState(progress, self._pace.rate, self._pace.seconds_left, stopping=False)
        self.changed.emit()

    def _end(self, end: JobEnd) -> None:
        assert self._job is not None
        self._job.deleteLater()
        self._job = self.state = None
        self.sentence = end.sentence
        if end.result is not None:
            self.answered.emit(end.result)
        self.changed.emit()

    def _close(self) -> None:
        for job in self.findChildren(Job):
            job.close()
