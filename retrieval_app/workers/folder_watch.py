"""The watch on a library's folders: a child that indexes whatever changes, and makes way for other work."""

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from indexer.progress import Progress
from retrieval_app.workers.child_process import ChildProcess, JobEnd, JobState, RateEstimator

IDLE_STAGE = "watch"  # the stage in which the child waits for something to happen


class FolderWatch(QObject):
    """The watch on one library. What is wanted and what the child does meet in `_settle`."""

    changed = Signal()
    failed = Signal(str)  # it stopped and stays away; the sentence says why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = False
        self.state: JobState | None = None  # while something is being indexed
        self._folder: Path | None = None
        self._paused = False
        self._after_pause: Callable[[], None] | None = None
        self._job: ChildProcess | None = None
        self._child_library: Path | None = None  # the library of the child
        self._crashed = False
        self._rate_estimator = RateEstimator()

    def follow_library(self, folder: Path, *, wanted: bool) -> None:
        """Watch the folders of this library and of no other, if that is wanted."""
        self._folder, self.wanted, self._crashed = folder, wanted, False
        self.changed.emit()
        self._update_child()

    def pause_watching(self, after_pause: Callable[[], None]) -> None:
        """Pause, and do what is wanted once the child has let go of the library."""
        self._paused, self._after_pause = True, after_pause
        self._update_child()

    def resume_watching(self) -> None:
        """Go on after a pause."""
        self._paused, self._after_pause = False, None
        self._update_child()

    def close(self) -> None:
        """End the child; the window is closing."""
        if self._job is not None:
            self._job.close()

    def _update_child(self) -> None:
        wanted = self._folder if self.wanted and not self._paused else None
        if self._job is not None:
            if self._child_library != wanted:
                self._job.cancel()
        elif wanted is not None:
            self._start_child(wanted)
        elif self._after_pause is not None:
            after_pause, self._after_pause = self._after_pause, None
            after_pause()

    def _start_child(self, folder: Path) -> None:
        command = build_command("index", "--watch", "--library", str(folder), "--json", "--attached")
        self._child_library, self._rate_estimator = folder, RateEstimator()
        self._job = ChildProcess(command, self)
        self._job.progressed.connect(self._handle_progress)
        self._job.ended.connect(self._handle_end)

    def _handle_progress(self, progress: Progress) -> None:
        self._rate_estimator.add_progress(progress, time.monotonic())
        if progress.stage != IDLE_STAGE:
            self.state = JobState(
                progress, self._rate_estimator.items_per_second, self._rate_estimator.seconds_left, stopping=False
            )
            self.changed.emit()
        elif self.state is not None:
            self.state, self._crashed = None, False  # a run has come through
            self.changed.emit()

    def _handle_end(self, end: JobEnd) -> None:
        assert self._job is not None
        self._job.deleteLater()
        self._job = self._child_library = self.state = None
        starts_again = end.crashed and not self._crashed  # the next run tries the picture that broke this one alone
        self._crashed = end.crashed
        if not end.cancelled and not starts_again:
            self.wanted = False
            self.failed.emit(end.sentence)
        self.changed.emit()
        self._update_child()
