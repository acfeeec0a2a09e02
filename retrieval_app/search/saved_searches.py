"""Searches kept by name: saved with words, crops, marks, filter and cut-off, reopened with the same ranks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu, QWidget

from indexer.ranking.search_request import SearchRequest
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.library import Library

NAMES_KEY = "names of saved searches"


class _SavedSearchWrite(NamedTuple):
    """The key of the write that saves a search under this name."""

    name: str


class _SavedSearchRead(NamedTuple):
    """The key of the question for the search saved under this name."""

    name: str


class SavedSearches(QObject):
    """The names of the saved searches, with a submenu that opens and forgets them."""

    def __init__(self, session: Session, questions: LibraryReaders, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._questions = questions
        self._window = window
        self._menu: QMenu | None = None
        self.names: list[str] = []  # none while there is no library to ask
        session.library.changed.connect(self._request_names)
        for answered in (questions.answered, session.library.writer.written):
            answered.connect(self._take_answer)
        for refused in (questions.refused, session.library.writer.refused):
            refused.connect(self._report_refusal)

    def add_submenu(self, menu: QMenu) -> None:
        """Add the list of saved searches to a menu."""
        self._menu = menu.addMenu(tr("Saved searches"))
        self._fill_submenu()

    def ask_name(self) -> None:
        """Ask for a name and save the current search under it."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(tr("Save this search"))
        dialog.setLabelText(tr("Name of the search: pictures, words, marks, part, filter, cut-off and order are kept."))
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.textValueSelected.connect(self.save_search)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_search(self, name: str) -> None:
        """Save the current search under a name, in place of a search that had it."""
        if (request := self._session.search.kept_request) is not None:
            save = partial(_save_and_list, name=name, request=request)
            self._session.library.writer.write(_SavedSearchWrite(name), save)

    def open_search(self, name: str) -> None:
        """Search as it was saved."""
        self._questions.ask_question(_SavedSearchRead(name), partial(_load_search, name=name))

    def forget_search(self, name: str) -> None:
        """Forget a saved search."""
        self._session.library.writer.write(NAMES_KEY, partial(_forget_and_list, name=name))

    def _request_names(self) -> None:
        if self._session.library.is_empty:
            self.names = []
            self._fill_submenu()
        else:
            self._questions.ask_question(NAMES_KEY, _list_searches)

    def _take_answer(self, key: object, answer: object) -> None:
        if isinstance(key, _SavedSearchRead) and isinstance(answer, SearchRequest):
            self._session.search.repeat_search(answer)
        elif (key == NAMES_KEY or isinstance(key, _SavedSearchWrite)) and isinstance(answer, list):
            self.names = answer
            self._fill_submenu()
            if isinstance(key, _SavedSearchWrite):
                self._session.notice_posted.emit(
                    tr("Saved as {name}; open it again from the menu Search.", name=key.name)
                )

    def _report_refusal(self, key: object, sentence: str) -> None:
        if key == NAMES_KEY or isinstance(key, (_SavedSearchWrite, _SavedSearchRead)):
            self._session.notice_posted.emit(sentence)

    def _fill_submenu(self) -> None:
        if self._menu is None:
            return
        self._menu.clear()
        self._menu.setEnabled(bool(self.names))
        for name in self.names:
            self._menu.addAction(_escape_ampersands(name)).triggered.connect(partial(self.open_search, name))
        if self.names:
            self._menu.addSeparator()
            forget_menu = self._menu.addMenu(tr("Forget"))
            for name in self.names:
                forget_menu.addAction(_escape_ampersands(name)).triggered.connect(partial(self.forget_search, name))


def _escape_ampersands(name: str) -> str:
    return name.replace("&", "&&")


def _save_and_list(library: Library, name: str, request: SearchRequest) -> list[str]:
    """Save a search; the names of all saved searches."""
    from indexer.ranking.saved_searches import save_search

    save_search(library, name.strip(), request)
    return _list_searches(library)


def _forget_and_list(library: Library, name: str) -> list[str]:
    """Forget a search; the names of those that are left."""
    from indexer.ranking.saved_searches import forget_search

    forget_search(library, name)
    return _list_searches(library)


def _list_searches(library: Library) -> list[str]:
    from indexer.ranking.saved_searches import list_saved_searches

    return list_saved_searches(library)


def _load_search(library: Library, name: str) -> SearchRequest:
    from indexer.ranking.saved_searches import load_search

    return load_search(library, name)
