"""The report about a training as a web page: a child process makes it, the system's browser shows it."""

import os
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.work_list import Work


class ReportJob(QObject):
    """Makes one report at a time; `sentence` tells that it is being made, or why that failed."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sentence = ""
        self._session = session
        self._job: ChildProcess | None = None
        session.work.follow_source(self._read_work, self.changed)

    @property
    def busy(self) -> bool:
        """Whether a report is being made."""
        return self._job is not None

    def open_report(self, checkpoint: Path) -> None:
        """Make the report about the training of a checkpoint, and show it."""
        if self._job is None:
            words = build_command("report", str(checkpoint), "--json", "--attached")
            self._job = ChildProcess(words, self)
            self._job.ended.connect(self._finish_job)
            self.sentence = tr("The report is being made…")
            self.changed.emit()

    def _read_work(self) -> Work | None:
        return Work("report", self._job.state, self._job.cancel) if self._job is not None else None

    def close(self) -> None:
        """End the child; the window is closing."""
        if self._job is not None:
            self._job.close()

    def _finish_job(self, end: JobEnd) -> None:
        self._job = None
        self.sentence = "" if end.result is not None else end.sentence
        self.changed.emit()
        if end.result is not None:
            open_path(self._session, os.fsencode(str(end.result["page"])))
