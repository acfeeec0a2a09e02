"""What is done to the open library: one job at a time in a child process, and between jobs the watch on its folders.

A run that crashes is started once more by itself: the new one takes the pictures that were being decoded one by one, so
that the crash costs a single picture (indexer/journal.py).
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.progress import Progress
from retrieval_app import wording as words
from retrieval_app.session.state import JobState
from retrieval_app.workers.child_process import Job, JobEnd, Pace
from retrieval_app.workers.folder_watch import Watch

GOES_ON = ("index", "use")  # the commands that go on where they stopped
TWICE = "The work stopped unexpectedly, and once more when it was started again. What was done is kept."


class Order(NamedTuple):
    """A command for a library, and what gives it again when the user wishes."""

    command: list[str]
    again: Callable[[], None]
    goes_on: bool


class Work(QObject):
    """The job at work, if there is one, and the watch."""

    changed = Signal()
    ended = Signal(object, object)  # JobEnd; what does it again

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: JobState | None = None
        self.crashed = False  # the last job did, and was started again
        self.watch = Watch(self)
        self._job: Job | None = None
        self._order: Order | None = None
        self._pace = Pace()
        self.watch.changed.connect(self.changed)

    def start(self, library: Path, arguments: Sequence[str], again: Callable[[], None]) -> None:
        """Have a command done to a library, once the watch has made way."""
        command = [sys.executable, "-m", "retrieval_app.cli", *arguments, "--library", str(library), "--json"]
        self._order = Order(command, again, arguments[0] in GOES_ON)
        self.crashed = False
        self._progress(Progress("start", 0, 0))
        self.watch.make_way(self._launch)

    def cancel(self) -> None:
        """Stop the job; what it has committed stays."""
        if self.state is not None:
            self.state = self.state._replace(stopping=True)
            self.changed.emit()
            if self._job is not None:
                self._job.cancel()
            else:  # the watch has not made way yet
                self._end(JobEnd(None, "", cancelled=True))

    def close(self) -> None:
        """End the children; the window is closing."""
        for child in (self._job, self.watch):
            if child is not None:
                child.close()

    def _launch(self) -> None:
        assert self._order is not None
        self._pace = Pace()
        self._job = Job(self._order.command, self)
        self._job.progressed.connect(self._progress)
        self._job.ended.connect(self._end)

    def _progress(self, progress: Progress) -> None:
        self._pace.add(progress, time.monotonic())
        stopping = self.state is not None and self.state.stopping
        self.state = JobState(progress, self._pace.rate, self._pace.seconds_left, stopping)
        self.changed.emit()

    def _end(self, end: JobEnd) -> None:
        assert self._order is not None
        if self._job is not None:
            self._job.deleteLater()
            self._job = None
        if end.crashed and end.result is None and self._order.goes_on:
            if not self.crashed:
                self.crashed = True
                self._launch()
                return
            end = end._replace(sentence=TWICE)
        order, self._order, self.state = self._order, None, None
        self.changed.emit()
        self.watch.resume()
        self.ended.emit(end, order.again)


def summary(result: dict[str, object]) -> str:
    """One sentence about a finished job."""
    return SUMMARIES[str(result["result"])](result)


def _indexed(result: dict[str, object]) -> str:
    new = words.count(int(str(result["embedded"])), "new photo")
    return f"Indexed in {words.duration(float(str(result['seconds'])))}: {new}."


def _forgotten(result: dict[str, object]) -> str:
    return f"{words.count(int(str(result['photos'])), 'photo')} forgotten. The pictures themselves are untouched."


SUMMARIES: dict[str, Callable[[dict[str, object]], str]] = {
    "index": _indexed,
    "use": lambda result: f"The library now sees with {result['model']}.",
    "forget": _forgotten,
    "roots": lambda result: "The library looks for the folder at its new place.",
}
