"""A generator run in a thread, heard in the window's thread: for reading that needs no open library."""

import contextlib
import threading
from collections.abc import Generator

from PySide6.QtCore import QObject, Signal

JOIN_SECONDS = 10.0


class GeneratorThread(QObject):
    """One generator at a time; the next one takes its place, and what the one before still says is not heard."""

    stepped = Signal(object)  # what it yielded
    ended = Signal(object)  # what it returned
    failed = Signal(object)  # the exception
    _relayed = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run_number = 0
        self._threads: list[threading.Thread] = []
        self._relayed.connect(self._emit_signal)

    def run_steps(self, steps: Generator[object, None, object]) -> None:
        """Run the steps to their end, unless something else is run before."""
        self._run_number += 1
        thread = threading.Thread(target=self._relay_steps, args=(self._run_number, steps), daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def close(self) -> None:
        """Stop at the next step and wait for it."""
        self._run_number += 1
        for thread in self._threads:
            thread.join(timeout=JOIN_SECONDS)

    def _relay_steps(self, run_number: int, steps: Generator[object, None, object]) -> None:
        with contextlib.suppress(RuntimeError), contextlib.closing(steps):  # RuntimeError: the window is gone
            try:
                while run_number == self._run_number:
                    self._relayed.emit(run_number, self.stepped, next(steps))
            except StopIteration as stop:
                self._relayed.emit(run_number, self.ended, stop.value)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                self._relayed.emit(run_number, self.failed, fault)

    def _emit_signal(self, run_number: int, signal: object, value: object) -> None:
        if run_number == self._run_number:
            signal.emit(value)  # type: ignore[attr-defined]
