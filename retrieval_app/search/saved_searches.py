"""Searches kept by name: saved with crops, marks, filter and cut-off, reopened with the same ranks."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu, QWidget

from indexer.library import Library
from indexer.ranking import saved_searches as saved
from indexer.ranking.rankings import Search
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides

NAMES = "names of saved searches"


class _Saving(NamedTuple):
    """The question to keep a search by this name."""

    name: str


class _Opening(NamedTuple):
    """The question for the search of this name."""

    name: str


class SavedSearches(QObject):
    """The names, a menu of them, and what it does."""

    def __init__(self, session: Session, beside: Asides, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._asides = beside
        self._window = window
        self._menu: QMenu | None = None
        self.names: list[str] = []  # none while there is no library to ask
        session.library_changed.connect(self._follow)
        for answered in (beside.answered, session.writer.written):
            answered.connect(self._take)
        for refused in (beside.refused, session.writer.refused):
            refused.connect(self._refuse)

    def fill(self, menu: QMenu) -> None:
        """Add the list of saved searches to a menu."""
        self._menu = menu.addMenu("Saved searches")
        self._list()

    def ask_name(self) -> None:
        """Ask for a name and keep the current search by it."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Save this search")
        dialog.setLabelText("Name of the search: pictures, marks, part, filter, cut-off and order are kept.")
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.textValueSelected.connect(self.save)
        dialog.open()

    def save(self, name: str) -> None:
        """Keep the current search by a name, in place of one that had it."""
        if self._session.asked is not None:
            self._session.writer.write(_Saving(name), partial(_save, name=name, kept=self._session.asked))

    def open(self, name: str) -> None:
        """Look at a saved search again."""
        self._asides.ask(_Opening(name), partial(saved.load, name=name))

    def forget(self, name: str) -> None:
        """Forget a saved search."""
        self._session.writer.write(NAMES, partial(_forget, name=name))

    def _follow(self) -> None:
        if self._session.empty:
            self.names = []
            self._list()
        else:
            self._asides.ask(NAMES, saved.names)

    def _take(self, key: object, answer: object) -> None:
        if isinstance(key, _Opening) and isinstance(answer, Search):
            self._session.reopen(answer)
        elif (key == NAMES or isinstance(key, _Saving)) and isinstance(answer, list):
            self.names = answer
            self._list()
            if isinstance(key, _Saving):
                self._session.noticed.emit(f"Saved as {key.name}; open it again from the menu Search.")

    def _refuse(self, key: object, sentence: str) -> None:
        if key == NAMES or isinstance(key, (_Saving, _Opening)):
            self._session.noticed.emit(sentence)

    def _list(self) -> None:
        if self._menu is None:
            return
        self._menu.clear()
        self._menu.setEnabled(bool(self.names))
        for name in self.names:
            self._menu.addAction(_plain(name)).triggered.connect(partial(self.open, name))
        if self.names:
            self._menu.addSeparator()
            gone = self._menu.addMenu("Forget")
            for name in self.names:
                gone.addAction(_plain(name)).triggered.connect(partial(self.forget, name))


def _plain(name: str) -> str:
    return name.replace("&", "&&")


def _save(library: Library, name: str, kept: Search) -> list[str]:
    saved.save(library, name.strip(), kept)
    return saved.names(library)


def _forget(library: Library, name: str) -> list[str]:
    saved.forget(library, name)
    return saved.names(library)
