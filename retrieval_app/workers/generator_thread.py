"""A generator run in a thread, heard in the window's thread: for reading that needs no open library."""

import contextlib
import threading
from collections.abc import Generator

from PySide6.QtCore import QObject, Signal, SignalInstance

from retrieval_app.workers.refusals import extract_sentence

JOIN_SECONDS = 0.2  # how long closing waits for each thread: what it still reads is of no use any more


class SignalGate:
    """Lets a thread emit signals of an object until it is closed: from then on the object may be destroyed at any time.

    To find that out by emitting would be too late: Qt may be destroying the object at that moment.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_closed = False

    def emit_signal(self, signal: SignalInstance, *values: object) -> None:
        """Emit a signal whose receivers live in the window's thread; nothing once the gate is closed."""
        with self._lock:
            if not self._is_closed:
                signal.emit(*values)

    def close(self) -> None:
        """Let no signal through any more; one that is being emitted has been when this returns."""
        with self._lock:
            self._is_closed = True


class GeneratorThread(QObject):
    """One generator at a time: a new one takes the place of the one before, of which nothing is heard any more.

    An error of the engine emits `refused`; any other exception is a bug and is raised in the window's thread.
    """

    stepped = Signal(object)  # what it yielded
    ended = Signal(object)  # what it returned
    refused = Signal(str)  # a sentence for the user
    _relayed = Signal(int, object, object)  # number of the run, the signal to emit, its value
    _error_relayed = Signal(int, object)  # number of the run, the exception

    def __init__(self, parent: QObject | None = None, *, join_seconds: float = JOIN_SECONDS) -> None:
        super().__init__(parent)
        self._join_seconds = join_seconds  # longer where a step that is cut off would leave half a file
        self._run_number = 0
        self._threads: list[threading.Thread] = []
        self._gate = SignalGate()
        self._relayed.connect(self._deliver_value)
        self._error_relayed.connect(self._deliver_error)

    def run_steps(self, steps: Generator[object, None, object]) -> None:
        """Run a generator to its end, unless another one is run before."""
        self._run_number += 1
        thread = threading.Thread(target=self._relay_steps, args=(self._run_number, steps), daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def stop_steps(self) -> None:
        """Stop at the next step; nothing is heard of the generator any more."""
        self._run_number += 1

    def is_running(self) -> bool:
        """Whether a step is still being done, be it one that nobody hears of any more."""
        return any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Stop at the next step and wait for it."""
        self.stop_steps()
        self._gate.close()
        for thread in self._threads:
            thread.join(timeout=self._join_seconds)

    def _relay_steps(self, run_number: int, steps: Generator[object, None, object]) -> None:
        emit_signal = self._gate.emit_signal
        with contextlib.suppress(RuntimeError), contextlib.closing(steps):  # RuntimeError: the window is gone
            try:
                while run_number == self._run_number:
                    emit_signal(self._relayed, run_number, self.stepped, next(steps))
            except StopIteration as stop:
                emit_signal(self._relayed, run_number, self.ended, stop.value)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                emit_signal(self._error_relayed, run_number, fault)

    def _deliver_value(self, run_number: int, signal: object, value: object) -> None:
        if run_number == self._run_number:
            signal.emit(value)  # type: ignore[attr-defined]

    def _deliver_error(self, run_number: int, error: Exception) -> None:
        if run_number == self._run_number:
            self.refused.emit(extract_sentence(error))
