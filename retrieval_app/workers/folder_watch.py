"""The watch on a library's folders: a child that indexes whatever changes, and makes way for other work."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.progress import Progress
from retrieval_app.session.state import JobState
from retrieval_app.workers.child_process import Job, JobEnd, Pace

IDLE = "watch"  # the stage in which the child waits for something to happen


class Watch(QObject):
    """The watch on one library. What is wanted and what the child does meet in `_settle`."""

    changed = Signal()
    failed = Signal(str)  # it stopped and stays away; the sentence says why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = False
        self.state: JobState | None = None  # while something is being indexed
        self._folder: Path | None = None
        self._paused = False
        self._then: Callable[[], None] | None = None
        self._job: Job | None = None
        self._watched: Path | None = None  # the library of the child
        self._crashed = False
        self._pace = Pace()

    def follow(self, folder: Path, *, wanted: bool) -> None:
        """Watch the folders of this library and of no other, if that is wanted."""
        self._folder, self.wanted, self._crashed = folder, wanted, False
        self.changed.emit()
        self._settle()

    def make_way(self, then: Callable[[], None]) -> None:
        """Pause, and do what is wanted once the child has let go of the library."""
        self._paused, self._then = True, then
        self._settle()

    def resume(self) -> None:
        """Go on after a pause."""
        self._paused, self._then = False, None
        self._settle()

    def close(self) -> None:
        """End the child; the window is closing."""
        if self._job is not None:
            self._job.close()

    def _settle(self) -> None:
        wanted = self._folder if self.wanted and not self._paused else None
        if self._job is not None:
            if self._watched != wanted:
                self._job.cancel()
        elif wanted is not None:
            self._start(wanted)
        elif self._then is not None:
            then, self._then = self._then, None
            then()

    def _start(self, folder: Path) -> None:
        command = [sys.executable, "-m", "retrieval_app.cli", "index", "--watch"]
        self._watched, self._pace = folder, Pace()
        self._job = Job([*command, "--library", str(folder), "--json", "--attached"], self)
        self._job.progressed.connect(self._progress)
        self._job.ended.connect(self._end)

    def _progress(self, progress: Progress) -> None:
        self._pace.add(progress, time.monotonic())
        if progress.stage != IDLE:
            self.state = JobState(progress, self._pace.rate, self._pace.seconds_left, stopping=False)
            self.changed.emit()
        elif self.state is not None:
            self.state, self._crashed = None, False  # a run has come through
            self.changed.emit()

    def _end(self, end: JobEnd) -> None:
        assert self._job is not None
        self._job.deleteLater()
        self._job = self._watched = self.state = None
        again = end.crashed and not self._crashed  # the next run tries the picture that broke this one alone
        self._crashed = end.crashed
        if not end.cancelled and not again:
            self.wanted = False
            self.failed.emit(end.sentence)
        self.changed.emit()
        self._settle()
