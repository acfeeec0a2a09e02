"""What the user says is written in the order in which it was said, and all of it before the window closes.

Reading is another matter (`readers`): there the newest question comes first, and older ones may be dropped.
"""

import logging
import queue
import threading
import time
from collections.abc import Hashable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from retrieval_app.workers.generator_thread import SignalGate
from retrieval_app.workers.library_thread import LibraryRelease, LibraryTask, PendingTask, TaskEnd, run_tasks
from retrieval_app.workers.refusals import extract_sentence

PATIENCE_SECONDS = 30.0  # how long closing waits for what is still to be written
SERVER_PATIENCE_SECONDS = 3.0  # and of those, how long for the next thing of it, where a server takes it
LOG = logging.getLogger("lookalike.writing")


class LibraryWriter(QObject):
    """A thread that writes into the open library, one thing after the other.

    What the engine refuses to write emits `refused`; any other exception is a bug and is raised in the window's thread.
    """

    written = Signal(object, object)  # key, what the work returned; not of a library that was left
    refused = Signal(object, str)  # key, a sentence for the user
    _write_done = Signal(object)  # TaskEnd

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._library_number = 0  # grows with each library
        self._waiting: queue.SimpleQueue[PendingTask | LibraryRelease | None] = queue.SimpleQueue()
        self._unanswered = 0  # given and not yet answered
        self._ended = 0  # tasks, counted by the writing thread
        self._gate = SignalGate()
        self._write_done.connect(self._deliver_end)
        self._thread = threading.Thread(target=run_tasks, args=(self._take_task, self._report_end), daemon=True)
        self._thread.start()

    def open_library(self, folder: Path | None) -> None:
        """Write into this library from now on, or none; what was given before still goes into the one before."""
        self._folder = folder
        self._library_number += 1
        self._waiting.put(LibraryRelease(self._library_number))

    def follow_library(self, folder: Path) -> None:
        """Write into this library from now on, which may be the same as before."""
        if folder != self._folder:
            self.open_library(folder)

    def write(self, key: Hashable, work: LibraryTask) -> None:
        """Have `work` done to the open library, after all that was given before."""
        if self._folder is not None:
            self._unanswered += 1
            self._waiting.put(PendingTask(self._library_number, self._folder, key, work))

    def is_idle(self) -> bool:
        """Whether everything has been written."""
        return not self._unanswered

    def close(self, patience: float = PATIENCE_SECONDS) -> None:
        """Write what waits, and end the thread; `patience` is how many seconds one thing of it may take."""
        self._folder = None
        self._waiting.put(None)
        deadline, ended = time.monotonic() + PATIENCE_SECONDS, -1
        while self._thread.is_alive() and ended != self._ended and time.monotonic() < deadline:
            ended = self._ended
            self._thread.join(timeout=patience)
        self._gate.close()
        if self._thread.is_alive():
            LOG.error("Closed before everything was written.")

    def abandon(self) -> None:
        """Write nothing more, and do not wait for what is being written: for files that can be written again."""
        self._folder = None
        self._waiting.put(None)
        self._gate.close()

    def _take_task(self, _opened_number: int) -> PendingTask | LibraryRelease | None:
        return self._waiting.get()

    def _report_end(self, end: TaskEnd) -> None:
        """Called in the writing thread."""
        self._ended += 1
        if end.error is not None:  # the log is all that is left of it where the window has closed meanwhile
            LOG.warning("Not written: %s: %s", end.task.key, end.error)
        self._gate.emit_signal(self._write_done, end)

    def _deliver_end(self, end: TaskEnd) -> None:
        self._unanswered -= 1
        if end.error is not None:
            self.refused.emit(end.task.key, extract_sentence(end.error))
        elif end.task.library_number == self._library_number:
            self.written.emit(end.task.key, end.result)
