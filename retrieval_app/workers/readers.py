"""Threads that read the open library; the newest question is answered first, as it is what the user looks at."""

import contextlib
import threading
from collections.abc import Callable, Hashable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.library import Library

LibraryTask = Callable[[Library], object]


class LibraryReaders(QObject):
    """Threads that read the open library; the newest question is answered first, as it is what the user looks at."""

    answered = Signal(object, object)  # key, what the work returned
    failed = Signal(object, object)  # key, the exception
    _question_done = Signal(int, object, object, object)

    def __init__(self, threads: int, *, limit: int = 512, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._limit = limit
        self._folder: Path | None = None
        self._library_number = 0  # grows with each library: answers out of an earlier one are dropped
        self._closed = False
        self._waiting: dict[Hashable, LibraryTask] = {}
        self._running: set[Hashable] = set()
        self._condition = threading.Condition()
        self._question_done.connect(self._deliver_answer)
        self._threads = [threading.Thread(target=self._answer_questions, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def open(self, folder: Path | None) -> None:
        """Read this library from now on; questions about the one before are dropped."""
        with self._condition:
            self._folder = folder
            self._library_number += 1
            self._waiting.clear()
            self._running.clear()

    def ask_question(self, key: Hashable, work: LibraryTask) -> None:
        """Have `work` done, unless it is being done; beyond the limit the oldest questions are dropped."""
        with self._condition:
            if self._folder is None or key in self._running:
                return
            self._waiting.pop(key, None)
            self._waiting[key] = work
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
        for thread in self._threads:
            thread.join(timeout=10)

    def _answer_questions(self) -> None:
        library: Library | None = None
        opened_number = -1
        while (question := self._take_question()) is not None:
            library_number, folder, key, work = question
            result, error = None, None
            try:
                if library is not None and opened_number != library_number:
                    library.close()
                    library = None
                library = library or Library.open(folder)
                opened_number = library_number
                result = work(library)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                error = fault
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._question_done.emit(library_number, key, result, error)
        if library is not None:
            library.close()

    def _take_question(self) -> tuple[int, Path, Hashable, LibraryTask] | None:
        with self._condition:
            while not self._closed:
                if self._waiting and self._folder is not None:
                    key, work = self._waiting.popitem()
                    self._running.add(key)
                    return self._library_number, self._folder, key, work
                self._condition.wait()
            return None

    def _deliver_answer(self, library_number: int, key: Hashable, result: object, error: object) -> None:
        if library_number != self._library_number or self._closed:
            return
        with self._condition:
            self._running.discard(key)
        if error is None:
            self.answered.emit(key, result)
        else:
            self.failed.emit(key, error)
