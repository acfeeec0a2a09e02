"""What is asked of the library beside the searches: labels, verdicts, heat maps, saved searches.

One thread of its own, so that no search waits for them.
"""

from collections.abc import Hashable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from indexer.library import Library
from retrieval_app.workers.child_process import Readers, Work

LABELS = "labels"


class Asides(QObject):
    """Questions by key; whoever knows the key takes the answer."""

    answered = Signal(object, object)  # key, what the work returned
    refused = Signal(object, str)  # key, a sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._readers = Readers(1, parent=self)
        self._readers.answered.connect(self.answered)
        self._readers.failed.connect(self._fail)

    def follow(self, folder: Path) -> None:
        """The library may be another one; questions about the one before are dropped."""
        if folder != self._folder:
            self._folder = folder
            self._readers.open(folder)

    def ask(self, key: Hashable, work: Work) -> None:
        """Have `work` done; a question that waits already is not asked twice."""
        self._readers.ask(key, work)

    def drop(self, key: Hashable) -> None:
        """Drop a question, if it still waits."""
        self._readers.drop(key)

    def idle(self) -> bool:
        """Whether every question has been answered."""
        return self._readers.idle()

    def close(self) -> None:
        """End the thread."""
        self._readers.close()

    def _fail(self, key: object, error: Exception) -> None:
        """A sentence of the engine goes to whoever asked; anything else is a bug."""
        if not isinstance(error, LookalikeError):
            raise error
        self.refused.emit(key, str(error))


def labels(library: Library) -> list[str]:
    """The labels in use, in order."""
    return sorted(set(library.annotations.labels(library.model_id).values()))
