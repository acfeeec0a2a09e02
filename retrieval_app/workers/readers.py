"""Threads that read the open library; the newest question is answered first, as it is what the user looks at.

Writing is another matter (`writer`): there every task is run, in the order in which it was given.
"""

import threading
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from retrieval_app.workers.generator_thread import SignalGate
from retrieval_app.workers.library_thread import LibraryRelease, LibraryTask, PendingTask, TaskEnd, run_tasks
from retrieval_app.workers.refusals import extract_sentence

if TYPE_CHECKING:
    from indexer.library import Library

JOIN_SECONDS = 0.2  # how long closing waits for each thread: what it still reads is of no use any more


class LibraryReaders(QObject):
    """Threads that answer questions about the open library; whoever knows a question's key takes its answer.

    A question that fails emits `failed`, and then `refused` where the engine says why. Any other exception is a bug
    and is raised in the window's thread.
    """

    answered = Signal(object, object)  # key, what the work returned
    refused = Signal(object, str)  # key, a sentence for the user
    failed = Signal(object)  # key; there is no answer, be it for a refusal or for a bug
    _question_done = Signal(object)  # TaskEnd

    def __init__(self, threads: int, *, limit: int = 512, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._limit = limit
        self._folder: Path | None = None
        self._library_number = 0  # grows with each library: answers out of an earlier one are dropped
        self._closed = False
        self._waiting: dict[Hashable, LibraryTask] = {}
        self._running: set[Hashable] = set()
        self._condition = threading.Condition()
        self._gate = SignalGate()
        self._question_done.connect(self._deliver_end)
        self._threads = [
            threading.Thread(target=run_tasks, args=(self._take_question, self._report_end), daemon=True)
            for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def open_library(self, folder: Path | None) -> None:
        """Read this library from now on, or none; questions about the one before are dropped."""
        with self._condition:
            self._folder = folder
            self._library_number += 1
            self._waiting.clear()
            self._running.clear()
            self._condition.notify_all()

    def follow_library(self, folder: Path) -> None:
        """Read this library from now on; where it is the same as before, nothing is dropped."""
        if folder != self._folder:
            self.open_library(folder)

    def ask_question(self, key: Hashable, work: LibraryTask) -> None:
        """Have `work` done, unless it is being done; beyond the limit the oldest questions are dropped."""
        with self._condition:
            if self._folder is None or key in self._running:
                return
            self._waiting.pop(key, None)
            self._waiting[key] = partial(_read_at_once, work)
            if len(self._waiting) > self._limit:
                del self._waiting[next(iter(self._waiting))]
            self._condition.notify()

    def drop_question(self, key: Hashable) -> None:
        """Drop one question, if it still waits."""
        with self._condition:
            self._waiting.pop(key, None)

    def drop_questions(self) -> None:
        """Drop what waits; what is being done is still answered."""
        with self._condition:
            self._waiting.clear()

    def is_idle(self) -> bool:
        """Whether every question has been answered."""
        with self._condition:
            return not self._waiting and not self._running

    def close(self) -> None:
        """End the threads and wait for what they are doing."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._condition.notify_all()
        self._gate.close()
        for thread in self._threads:
            thread.join(timeout=JOIN_SECONDS)

    def _take_question(self, opened_number: int) -> PendingTask | LibraryRelease | None:
        """The newest question or another library, as soon as there is one; None once the readers are closed."""
        with self._condition:
            while not self._closed:
                if self._waiting and self._folder is not None:
                    key, work = self._waiting.popitem()
                    self._running.add(key)
                    return PendingTask(self._library_number, self._folder, key, work)
                if opened_number != self._library_number:
                    return LibraryRelease(self._library_number)
                self._condition.wait()
            return None

    def _report_end(self, end: TaskEnd) -> None:
        """Called in a reading thread."""
        self._gate.emit_signal(self._question_done, end)

    def _deliver_end(self, end: TaskEnd) -> None:
        key = end.task.key
        if end.task.library_number != self._library_number or self._closed:
            return
        with self._condition:
            self._running.discard(key)
        if end.error is None:
            self.answered.emit(key, end.result)
        else:
            self.failed.emit(key)
            self.refused.emit(key, extract_sentence(end.error))


def _read_at_once(work: LibraryTask, library: "Library") -> object:
    """Have the work done with as few questions to the library's database as its state allows."""
    purpose = work.func if isinstance(work, partial) else work
    with library.store.database.reading(getattr(purpose, "__qualname__", "")):
        return work(library)
