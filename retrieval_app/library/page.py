"""The library page: the folders, the files that could not be read, the switch that watches the folders, the figures."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.library.facts import LibraryFacts, list_fact_sections
from retrieval_app.library.failures_pane import FailuresPane
from retrieval_app.library.roots_pane import RootsPane
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import ElidedLabel, make_button
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.workers.job_wording import describe_job

WATCH_OFF = tr("Off: new and changed photos are found when you look for changes.")
WATCH_IDLE = tr("What is added, changed or removed shows within seconds.")
WATCH_PAUSED = tr("Paused until the work under way is done.")


class LibraryPage(QStackedWidget):
    """An invitation while the library has no folder, else the folders, the failures and the figures."""

    folder_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.folder_invitation = InvitationView(
            tr("This library has no photo folder yet"),
            tr("Its folders and their state, and what could not be read and why, will stand here."),
            tr("Choose a photo folder"),
        )
        self.title = ElidedLabel("title")
        self.add_button = make_button(tr("Index folder…"))
        self.look_button = make_button(tr("Look for changes"))
        self.watch_box = QCheckBox(tr("Watch the folders"))
        self.watch_state = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        self.roots = RootsPane(session)
        self.failures = FailuresPane(session)
        self.facts = LibraryFacts()
        self.addWidget(self.folder_invitation)
        self.addWidget(self._make_body())
        self._connect_signals()
        self._update_page()

    def _make_body(self) -> QWidget:
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
        column.addLayout(self._make_head())
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

    def _make_head(self) -> QVBoxLayout:
        self.look_button.setToolTip(tr("Look through the folders now (F5)"))
        self.add_button.setToolTip(tr("Add a photo folder to the library (Ctrl+I)"))
        self.watch_box.setToolTip(tr("Index whatever changes in the folders, now and whenever this library is open"))
        first, second = QHBoxLayout(), QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.title, 1)
        first.addWidget(self.look_button)
        first.addWidget(self.add_button)
        second.setSpacing(12)
        second.addWidget(self.watch_box)
        second.addWidget(self.watch_state, 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(first)
        column.addLayout(second)
        return column

    def _connect_signals(self) -> None:
        session = self._session
        self.folder_invitation.accepted.connect(self.folder_wanted)
        self.add_button.clicked.connect(self.folder_wanted)
        self.look_button.clicked.connect(session.job.rescan_folders)
        self.watch_box.clicked.connect(session.job.watch_folders)
        for signal in (session.library.changed, session.job.changed):
            signal.connect(self._update_page)

    def take_focus(self) -> None:
        """Give the keyboard focus to the table of folders, or to the invitation in its place."""
        (self.folder_invitation.offer if self.currentWidget() is self.folder_invitation else self.roots.view).setFocus()

    def _update_page(self) -> None:
        session = self._session
        info = session.library.info
        self.setCurrentIndex(int(info is not None and bool(info.roots)))
        self.folder_invitation.offer.setEnabled(session.job.state is None)
        if info is None:
            return
        self.title.setText(name_library(info.folder))
        for action in (self.add_button, self.look_button):
            action.setEnabled(session.job.state is None)
        self.watch_box.setChecked(session.job.watch.wanted)
        self.watch_state.setText(self._describe_watch())
        self.facts.show_sections(list_fact_sections(info))

    def _describe_watch(self) -> str:
        """Whether the folders are watched, and what the watching process is doing."""
        watch = self._session.job.watch
        if not watch.wanted:
            return WATCH_OFF
        if watch.state is not None:
            return describe_job(watch.state)
        return WATCH_IDLE if self._session.job.state is None else WATCH_PAUSED
