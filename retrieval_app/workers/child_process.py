"""Long work out of the window's way: child processes that speak JSON lines, and threads that read the library.

What writes much or takes long is a `Job`: the same command a user could type, run with --json. What only reads (the
search, pages of photos, thumbnails) runs in `Readers`, whose threads open the library for themselves.
"""

import contextlib
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from indexer.library import Library
from indexer.progress import Progress

GRACE_MS = 8_000  # a child that was asked to stop finishes its batch; one that does not is ended
EXIT_REFUSED = 2  # the exit code that comes with one sentence for the user
EXIT_FAULT = 1  # with a traceback for a bug, without a word where the system ended what hung
STOPPED_UNEXPECTEDLY = "The work stopped unexpectedly. What was done is kept."
RATE_WINDOW_SECONDS = 15.0  # the rate is that of the last seconds, as photos differ in size from folder to folder
LOG = logging.getLogger("lookalike.jobs")
LibraryTask = Callable[[Library], object]


class JobEnd(NamedTuple):
    """How a child ended: its last line, or the sentence that says why there is none."""

    result: dict[str, object] | None
    sentence: str
    cancelled: bool
    crashed: bool = False  # it did not end by itself


class ChildProcess(QObject):
    """One child process: progress while it runs, then one end."""

    progressed = Signal(object)  # Progress
    ended = Signal(object)  # JobEnd

    def __init__(self, command: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._result: dict[str, object] | None = None
        self._partial_line = b""
        self._errors: deque[str] = deque(maxlen=50)
        self._cancelled = False
        self._has_ended = False
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read_output)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._handle_finished)
        self._process.errorOccurred.connect(self._report_start_failure)
        self._process.start(command[0], list(command[1:]))

    def cancel(self) -> None:
        """Ask the child to stop by closing its input; end it when it does not."""
        if self._cancelled or self._has_ended:
            return
        self._cancelled = True
        self._process.closeWriteChannel()
        QTimer.singleShot(GRACE_MS, self, self._process.kill)

    def close(self) -> None:
        """Stop the child before the application ends, and wait for it; it says nothing any more."""
        self._has_ended = True
        self._process.closeWriteChannel()
        if self._process.state() != QProcess.ProcessState.NotRunning and not self._process.waitForFinished(GRACE_MS):
            self._process.kill()
            self._process.waitForFinished(GRACE_MS)

    def is_running(self) -> bool:
        """Whether the child is at work."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def _read_output(self) -> None:
        *lines, self._partial_line = (self._partial_line + self._process.readAllStandardOutput().data()).split(b"\n")
        for line in lines:
            self._handle_line(line)

    def _handle_line(self, line: bytes) -> None:
        """One line of the child; what is not JSON is a stray print of a library and is passed over."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            if "result" in message:
                self._result = message
            else:
                self.progressed.emit(_parse_progress(message))

    def _read_errors(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        self._errors.extend(line.strip() for line in text.splitlines() if line.strip())

    def _report_start_failure(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._emit_end(
                JobEnd(None, "The program's own command could not be started. Install Lookalike again.", False)
            )

    def _handle_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_output()
        self._read_errors()
        killed = status == QProcess.ExitStatus.CrashExit
        if self._cancelled:
            self._emit_end(JobEnd(self._result, "", cancelled=True))
        elif not killed and code == EXIT_REFUSED and self._errors:
            self._emit_end(JobEnd(None, self._errors[-1], cancelled=False))
        elif not killed and self._result is not None:
            self._emit_end(JobEnd(self._result, "", cancelled=False))
        else:
            LOG.error("A job ended with code %s:\n%s", code, "\n".join(self._errors))
            silent = code == EXIT_FAULT and not self._errors
            self._emit_end(JobEnd(self._result, STOPPED_UNEXPECTEDLY, cancelled=False, crashed=killed or silent))

    def _emit_end(self, end: JobEnd) -> None:
        if not self._has_ended:
            self._has_ended = True
            self.ended.emit(end)


def _parse_progress(message: Mapping[str, Any]) -> Progress:
    values = {str(name): float(value) for name, value in message.get("values", {}).items()}
    return Progress(
        str(message["stage"]), int(message["done"]), int(message["total"]), str(message.get("note") or ""), values
    )


class RateEstimator:
    """How fast a stage goes and how long it still takes, from the progress of its last seconds."""

    def __init__(self) -> None:
        self._stage = ""
        self._recent: deque[tuple[float, Progress]] = deque()

    def add_progress(self, progress: Progress, now: float) -> None:
        """Take one progress at the time `now` in seconds."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._recent.clear()
        self._recent.append((now, progress))
        while len(self._recent) > 2 and now - self._recent[0][0] > RATE_WINDOW_SECONDS:
            self._recent.popleft()

    @property
    def items_per_second(self) -> float | None:
        """Items a second, or None before there is a second to judge by."""
        if len(self._recent) < 2:
            return None
        (start, first), (end, last) = self._recent[0], self._recent[-1]
        enough = end - start >= 1 and last.done > first.done
        return (last.done - first.done) / (end - start) if enough else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of the stage, or None where nothing can be said."""
        rate = self.items_per_second
        if rate is None or not self._recent[-1][1].total:
            return None
        last = self._recent[-1][1]
        return max(0, last.total - last.done) / rate


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
