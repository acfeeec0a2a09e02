"""A generator run in a thread, heard in the window's thread: for reading that needs no open library."""

import contextlib
import threading
from collections.abc import Generator

from PySide6.QtCore import QObject, Signal

JOIN_SECONDS = 10.0


class Background(QObject):
    """One generator at a time; the next one takes its place, and what the one before still says is not heard."""

    stepped = Signal(object)  # what it yielded
    ended = Signal(object)  # what it returned
    failed = Signal(object)  # the exception
    _said = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turn = 0
        self._threads: list[threading.Thread] = []
        self._said.connect(self._tell)

    def run(self, steps: Generator[object, None, object]) -> None:
        """Run the steps to their end, unless something else is run before."""
        self._turn += 1
        thread = threading.Thread(target=self._serve, args=(self._turn, steps), daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def close(self) -> None:
        """Stop at the next step and wait for it."""
        self._turn += 1
        for thread in self._threads:
            thread.join(timeout=JOIN_SECONDS)

    def _serve(self, turn: int, steps: Generator[object, None, object]) -> None:
        with contextlib.suppress(RuntimeError), contextlib.closing(steps):  # RuntimeError: the window is gone
            try:
                while turn == self._turn:
                    self._said.emit(turn, self.stepped, next(steps))
            except StopIteration as stop:
                self._said.emit(turn, self.ended, stop.value)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                self._said.emit(turn, self.failed, fault)

    def _tell(self, turn: int, signal: object, said: object) -> None:
        if turn == self._turn:
            signal.emit(said)  # type: ignore[attr-defined]
