"""The library page: its folders and their state, what could not be read and why, the watch, and its figures."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from indexer.places import SUFFIX
from retrieval_app.library.facts import LibraryFacts, chapters
from retrieval_app.library.failures_pane import FailuresPane
from retrieval_app.library.roots_pane import RootsPane
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import Elided, button
from retrieval_app.widgets.invitation import Invitation
from retrieval_app.window.status_line import sentence

OFF = "Off: new and changed photos are found when you look for changes."
IDLE = "What is added, changed or removed shows within seconds."
PAUSED = "Paused until the work under way is done."


class LibraryPage(QStackedWidget):
    """An invitation while the library has no folder, else the folders, the failures and the figures."""

    folder_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.first = Invitation(
            "This library has no photo folder yet",
            "Its folders and their state, and what could not be read and why, will stand here.",
            "Choose a photo folder",
        )
        self.title = Elided("title")
        self.add = button("Index folder…")
        self.look = button("Look for changes")
        self.watch = QCheckBox("Watch the folders")
        self.watch_state = Elided("muted", Qt.TextElideMode.ElideRight)
        self.roots = RootsPane(session)
        self.failures = FailuresPane(session)
        self.facts = LibraryFacts()
        self.addWidget(self.first)
        self.addWidget(self._body())
        self._connect()
        self._update()

    def _body(self) -> QWidget:
        tables = QSplitter(Qt.Orientation.Vertical)
        for pane in (self.roots, self.failures):
            tables.addWidget(pane)
            pane.setMinimumHeight(128)
        tables.setChildrenCollapsible(False)
        tables.setHandleWidth(24)
        tables.setStyleSheet("QSplitter::handle { background: transparent; }")
        body, left = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addLayout(self._head())
        column.addWidget(tables, 1)
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedWidth(1)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left, 1)
        row.addWidget(line)
        row.addWidget(self.facts)
        return body

    def _head(self) -> QVBoxLayout:
        self.look.setToolTip("Look through the folders now (F5)")
        self.add.setToolTip("Add a photo folder to the library (Ctrl+I)")
        self.watch.setToolTip("Index whatever changes in the folders, now and whenever this library is open")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.title, 1)
        first.addWidget(self.look)
        first.addWidget(self.add)
        second.setSpacing(12)
        second.addWidget(self.watch)
        second.addWidget(self.watch_state, 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(first)
        column.addLayout(second)
        return column

    def _connect(self) -> None:
        session = self._session
        self.first.accepted.connect(self.folder_wanted)
        self.add.clicked.connect(self.folder_wanted)
        self.look.clicked.connect(session.rescan)
        self.watch.clicked.connect(session.watch)
        for signal in (session.library_changed, session.job_changed):
            signal.connect(self._update)

    def take_focus(self) -> None:
        """Keys go to the folders."""
        (self.first.offer if self.currentWidget() is self.first else self.roots.view).setFocus()

    def _update(self) -> None:
        session = self._session
        info = session.info
        self.setCurrentIndex(int(info is not None and bool(info.roots)))
        self.first.offer.setEnabled(session.job is None)
        if info is None:
            return
        self.title.setText(info.folder.name.removesuffix(SUFFIX))
        for action in (self.add, self.look):
            action.setEnabled(session.job is None)
        self.watch.setChecked(session.work.watch.wanted)
        self.watch_state.setText(self._watching())
        self.facts.show_chapters(chapters(info))

    def _watching(self) -> str:
        watch = self._session.work.watch
        if not watch.wanted:
            return OFF
        if watch.state is not None:
            return sentence(watch.state)
        return IDLE if self._session.job is None else PAUSED
