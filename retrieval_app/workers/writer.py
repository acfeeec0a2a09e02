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
from retrieval_app.workers.readers import LibraryTask

PATIENCE_SECONDS = 30.0  # how long closing waits for what is still to be written
LOG = logging.getLogger("lookalike.writing")


class _PendingWrite(NamedTuple):
    """What is to be done to the library that was open when it was said."""

    library_number: int
    folder: Path
    key: Hashable
    work: LibraryTask


class LibraryWriter(QObject):
    """A thread that writes into the open library, one thing after the other."""

    written = Signal(object, object)  # key, what the work returned; not of a library that was left
    refused = Signal(object, str)  # key, a sentence
    _write_done = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._library_number = 0  # grows with each library
        self._waiting: queue.SimpleQueue[_PendingWrite | None] = queue.SimpleQueue()
        self._unanswered = 0  # given and not yet answered
        self._write_done.connect(self._deliver_result)
        self._thread = threading.Thread(target=self._run_writes, daemon=True)
        self._thread.start()

    def open(self, folder: Path | None) -> None:
        """Write into this library from now on; what was given before still goes into the one before."""
        self._folder = folder
        self._library_number += 1

    def write(self, key: Hashable, work: LibraryTask) -> None:
        """Have `work` done to the open library, after all that was given before."""
        if self._folder is not None:
            self._unanswered += 1
            self._waiting.put(_PendingWrite(self._library_number, self._folder, key, work))

    def is_idle(self) -> bool:
        """Whether everything has been written."""
        return not self._unanswered

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._folder = None
        self._waiting.put(None)
        self._thread.join(timeout=PATIENCE_SECONDS)
        if self._thread.is_alive():
            LOG.error("Closed before everything was written.")

    def _run_writes(self) -> None:
        library: Library | None = None
        opened_number = -1
        while (pending := self._waiting.get()) is not None:
            result, error = None, None
            try:
                if library is not None and opened_number != pending.library_number:
                    library.close()
                    library = None
                library = library or Library.open(pending.folder)
                opened_number = pending.library_number
                result = pending.work(library)
            except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
                LOG.warning("Not written: %s: %s", pending.key, fault)  # at closing nobody hears of it otherwise
                error = fault
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._write_done.emit(pending, result, error)
        if library is not None:
            library.close()

    def _deliver_result(self, pending: _PendingWrite, result: object, error: Exception | None) -> None:
        self._unanswered -= 1
        if isinstance(error, LookalikeError):
            self.refused.emit(pending.key, str(error))
        elif error is not None:
            raise error
        elif pending.library_number == self._library_number:
            self.written.emit(pending.key, result)
