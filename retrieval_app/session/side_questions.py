"""What is asked of the library beside the searches: labels, verdicts, heat maps, saved searches.

One thread of its own, so that no search waits for them.
"""

from collections.abc import Hashable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from indexer.library import Library
from retrieval_app.workers.readers import LibraryReaders, LibraryTask

LABELS_KEY = "labels"


class SideQuestions(QObject):
    """Questions by key; whoever knows the key takes the answer."""

    answered = Signal(object, object)  # key, what the work returned
    refused = Signal(object, str)  # key, a sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._readers = LibraryReaders(1, parent=self)
        self._readers.answered.connect(self.answered)
        self._readers.failed.connect(self._refuse_question)

    def follow_library(self, folder: Path) -> None:
        """The library may be another one; questions about the one before are dropped."""
        if folder != self._folder:
            self._folder = folder
            self._readers.open(folder)

    def ask_question(self, key: Hashable, work: LibraryTask) -> None:
        """Have `work` done; a question that waits already is not asked twice."""
        self._readers.ask_question(key, work)

    def drop_question(self, key: Hashable) -> None:
        """Drop a question, if it still waits."""
        self._readers.drop_question(key)

    def is_idle(self) -> bool:
        """Whether every question has been answered."""
        return self._readers.is_idle()

    def close(self) -> None:
        """End the thread."""
        self._readers.close()

    def _refuse_question(self, key: object, error: Exception) -> None:
        """A sentence of the engine goes to whoever asked; anything else is a bug."""
        if not isinstance(error, LookalikeError):
            raise error
        self.refused.emit(key, str(error))


def list_labels(library: Library) -> list[str]:
    """The labels in use, in order."""
    return sorted(set(library.annotations.read_labels(library.model_id).values()))
