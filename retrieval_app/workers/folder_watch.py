"""The watch on a library's folders: a child process that indexes what changes, and pauses for a job."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from indexer.progress import Progress
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.job_state import JobState

IDLE_STAGE = "watch"  # the stage in which the child waits for something to happen


class FolderWatch(QObject):
    """The watch on one library: `_update_child` starts or stops the child until it does what is wanted."""

    changed = Signal()
    failed = Signal(str)  # it has stopped and does not start again; the sentence says why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = False  # whether the user wants the folders to be watched
        self.state: JobState | None = None  # while something is being indexed
        self._folder: Path | None = None
        self._paused = False
        self._after_pause: Callable[[], None] | None = None
        self._child: ChildProcess | None = None
        self._child_library: Path | None = None  # the library of the child
        self._crashed = False  # the last child did, and no run has come through since

    def follow_library(self, folder: Path, *, wanted: bool) -> None:
        """Watch the folders of this library if that is wanted, and of no other."""
        self._folder, self.wanted, self._crashed = folder, wanted, False
        self.changed.emit()
        self._update_child()

    def pause_watching(self, after_pause: Callable[[], None]) -> None:
        """Pause, and call `after_pause` once the child has let go of the library."""
        self._paused, self._after_pause = True, after_pause
        self._update_child()

    def resume_watching(self) -> None:
        """Go on after a pause."""
        self._paused, self._after_pause = False, None
        self._update_child()

    def close(self) -> None:
        """End the child; the window is closing."""
        if self._child is not None:
            self._child.close()

    def _update_child(self) -> None:
        """Take the next step from what the child does to what it is to do; its end takes the step after that."""
        wanted_library = self._folder if self.wanted and not self._paused else None
        if self._child is not None:
            if self._child_library != wanted_library:
                self._child.cancel()
        elif wanted_library is not None:
            self._start_child(wanted_library)
        elif self._after_pause is not None:
            after_pause, self._after_pause = self._after_pause, None
            after_pause()

    def _start_child(self, folder: Path) -> None:
        command = build_command("index", "--watch", "--library", str(folder), "--json", "--attached")
        self._child_library = folder
        self._child = ChildProcess(command, self)
        self._child.progressed.connect(self._handle_progress)
        self._child.ended.connect(self._handle_end)

    def _handle_progress(self, progress: Progress) -> None:
        assert self._child is not None
        if progress.stage != IDLE_STAGE:
            self.state = self._child.state._replace(stopping=False)  # a pause is no news for the user
            self.changed.emit()
        elif self.state is not None:
            self.state, self._crashed = None, False  # a run has come through
            self.changed.emit()

    def _handle_end(self, end: JobEnd) -> None:
        self._child = self._child_library = self.state = None
        starts_again = end.crashed and not self._crashed  # the next run tries the picture that broke this one alone
        self._crashed = end.crashed
        if not end.cancelled and not starts_again:
            self.wanted = False
            self.failed.emit(end.sentence)
        self.changed.emit()
        self._update_child()
