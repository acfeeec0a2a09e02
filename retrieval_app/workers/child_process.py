"""A child process that runs a command of this program with --json, and speaks JSON lines on its standard output."""

import contextlib
import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from indexer.own_process import RESTART_VARIABLE
from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.workers.job_state import STARTING, RateEstimator

GRACE_MS = 8_000  # for a child that was asked to stop to finish its batch; then it is killed
CLOSING_MS = 300  # the same where the window closes: a killed job loses no more than its batch
EXIT_REFUSED = 2  # the exit code that comes with one sentence for the user
EXIT_FAULT = 1  # with a traceback: a bug; with no output: the system ended what hung
STOPPED_UNEXPECTEDLY = tr("The work stopped unexpectedly. What was done is kept.")
LOG = logging.getLogger("lookalike.jobs")


class JobEnd(NamedTuple):
    """How a child process ended."""

    result: dict[str, object] | None  # the fields of its last line, None where it told no result
    sentence: str  # why there is no result; "" where there is one, or the child was cancelled
    cancelled: bool
    crashed: bool = False  # it did not end by itself


class ChildProcess(QObject):
    """One child process: progress and a `state` while it runs, then one end, after which the object deletes itself.

    One that `goes_on` with the work of a child that crashed counts on from where that was.
    """

    progressed = Signal(object)  # Progress
    ended = Signal(object)  # JobEnd

    def __init__(self, command: Sequence[str], parent: QObject | None = None, *, goes_on: bool = False) -> None:
        super().__init__(parent)
        self.state = STARTING
        self._rate_estimator = RateEstimator()
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
        if goes_on:
            environment = QProcessEnvironment.systemEnvironment()
            environment.insert(RESTART_VARIABLE, "1")
            self._process.setProcessEnvironment(environment)
        self._process.start(command[0], list(command[1:]))

    def cancel(self) -> None:
        """Ask the child to stop by closing its input; kill it where it has not ended after GRACE_MS."""
        if self._cancelled or self._has_ended:
            return
        self._cancelled = True
        self.state = self.state._replace(stopping=True)
        self._process.closeWriteChannel()
        QTimer.singleShot(GRACE_MS, self, self._process.kill)

    def close(self) -> None:
        """Stop the child before the application ends, and wait for it; no signal is emitted any more."""
        self._has_ended = True
        self._process.closeWriteChannel()
        if self._process.state() != QProcess.ProcessState.NotRunning and not self._process.waitForFinished(CLOSING_MS):
            self._process.kill()
            self._process.waitForFinished(CLOSING_MS)

    def is_running(self) -> bool:
        """Whether the child process has not ended."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def _read_output(self) -> None:
        *lines, self._partial_line = (self._partial_line + self._process.readAllStandardOutput().data()).split(b"\n")
        for line in lines:
            self._handle_line(line)

    def _handle_line(self, line: bytes) -> None:
        """Take one line of the child; what is not JSON is a stray print of a library and is passed over."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            if "result" in message:
                self._result = message
            else:
                progress = _parse_progress(message)
                self.state = self._rate_estimator.measure_state(progress, stopping=self._cancelled)
                self.progressed.emit(progress)

    def _read_errors(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        self._errors.extend(line.strip() for line in text.splitlines() if line.strip())

    def _report_start_failure(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._emit_end(
                JobEnd(None, tr("The program's own command could not be started. Install Lookalike again."), False)
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
            self.deleteLater()


def _parse_progress(message: Mapping[str, Any]) -> Progress:
    values = {str(name): float(value) for name, value in message.get("values", {}).items()}
    return Progress(
        str(message["stage"]), int(message["done"]), int(message["total"]), str(message.get("note") or ""), values
    )
