"""What the user says is written in the order in which it was said, and all of it before the window closes.

Reading is another matter (`jobs.Readers`): there the newest question comes first, and older ones may be dropped.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from indexer.library import Library
from retrieval_app.workers.child_process import Work

PATIENCE_SECONDS = 30.0  # how long closing waits for what is still to be written
LOG = logging.getLogger("lookalike.writing")


class _Write(NamedTuple):
    """What is to be done to the library that was open when it was said."""

    era: int
    folder: Path
    key: Hashable
    work: Work


class Writer(QObject):
    """A thread that writes into the open library, one thing after the other."""

    written = Signal(object, object)  # key, what the work returned; not of a library that was left
    refused = Signal(object, str)  # key, a sentence
    _done = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._era = 0  # grows with each library
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._left = 0  # given and not yet answered
        self._done.connect(self._answer)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def open(self, folder: Path | None) -> None:
        """Write into this library from now on; what was given before still goes into the one before."""
        self._folder = folder
        self._era += 1

    def write(self, key: Hashable, work: Work) -> None:
        """Have `work` done to the open library, after all that was given before."""
        if self._folder is not None:
            self._left += 1
            self._waiting.put(_Write(self._era, self._folder, key, work))

    def idle(self) -> bool:
        """Whether everything has been written."""
        return not self._left

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._folder = None
        self._waiting.put(None)
        self._thread.join(timeout=PATIENCE_SECONDS)
        if self._thread.is_alive():
            LOG.error("Closed before everything was written.")

    def _serve(self) -> None:
        library: Library | None = None
        opened = -1
        while (wanted := self._waiting.get()) is not None:
            result, error = None, None
            try:
                if library is not None and opened != wanted.era:
                    library.close()
                    library = None
                library = library or Library.open(wanted.folder)
                opened = wanted.era
                result = wanted.work(library)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                LOG.warning("Not written: %s: %s", wanted.key, fault)  # at closing nobody hears of it otherwise
                error = fault
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._done.emit(wanted, result, error)
        if library is not None:
            library.close()

    def _answer(self, wanted: _Write, result: object, error: Exception | None) -> None:
        self._left -= 1
        if isinstance(error, LookalikeError):
            self.refused.emit(wanted.key, str(error))
        elif error is not None:
            raise error
        elif wanted.era == self._era:
            self.written.emit(wanted.key, result)
