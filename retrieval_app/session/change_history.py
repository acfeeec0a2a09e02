"""What the user has changed, by name, to be undone and done again: labels, decisions, marks of a query.

A change of the library is written in order by the library's writer, as everything the user says; undoing it writes
again. One that the engine refuses leaves the history.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

from retrieval_app.workers.writer import LibraryWriter

if TYPE_CHECKING:
    from indexer.library import Library

MOST_CHANGES = 200


class LibraryChange(NamedTuple):
    """The key of a write: which kind of change of which photos, `number` being that of the change."""

    kind: str
    photo_ids: tuple[int, ...]
    number: int


class NamedChange(QUndoCommand):
    """A change with its name, such as 'label 3 photos'."""

    def __init__(self, name: str, do: Callable[[], object], take_back: Callable[[], object]) -> None:
        super().__init__(name)
        self._do = do
        self._take_back = take_back

    def redo(self) -> None:
        """Do it, for the first time or again."""
        self._do()

    def undo(self) -> None:
        """Take it back."""
        self._take_back()


class ChangeHistory(QUndoStack):
    """The changes of the open library and of the query, the last one on top."""

    def __init__(self, writer: LibraryWriter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writer = writer
        self._number = 0
        self.setUndoLimit(MOST_CHANGES)
        writer.refused.connect(self._drop_refused)

    def make_change(self, name: str, do: Callable[[], object], take_back: Callable[[], object]) -> None:
        """Do something that can be taken back, and remember it by its name."""
        self.push(NamedChange(name, do, take_back))

    def change_library(
        self,
        name: str,
        kind: str,
        photo_ids: tuple[int, ...],
        do: Callable[[Library], object],
        take_back: Callable[[Library], object],
    ) -> None:
        """Have photos changed by the writer, which runs `do` and `take_back` in the order of the user's doing."""
        self._number += 1
        key = LibraryChange(kind, photo_ids, self._number)
        self.make_change(name, partial(self._writer.write, key, do), partial(self._writer.write, key, take_back))

    def _drop_refused(self, key: object, _sentence: str) -> None:
        """Forget the last change where the library has refused it."""
        if isinstance(key, LibraryChange) and key.number == self._number and self.canUndo():
            self.command(self.index() - 1).setObsolete(True)
            self.undo()
