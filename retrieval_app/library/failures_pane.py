"""The files that could not be used and why: filtered as one types, shown in the file manager, copied as a list."""

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from indexer.database.store import Failure
from retrieval_app import wording as words
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import reveal
from retrieval_app.widgets.controls import button, label
from retrieval_app.widgets.tables import Table, table_view
from retrieval_app.window.dialogs import FAILURES, copy_failures


class FailuresPane(QWidget):
    """A table of files and reasons."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.table: Table[Failure] = Table(FAILURES)
        self.filtered = QSortFilterProxyModel(self)
        self.filtered.setSourceModel(self.table)
        self.view = table_view(self.filtered, FAILURES, "Photos that could not be read")
        self.filter = QLineEdit()
        self.reveal = button("Show in its folder")
        self.copy = button("Copy the list", "link")
        self._count = label("", "caption")
        self._set_up()
        self._arrange()
        session.library_changed.connect(self.show_failures)
        self.show_failures()

    def _set_up(self) -> None:
        self.filtered.setFilterKeyColumn(-1)
        self.filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.filter.setPlaceholderText("Filter by name or reason")
        self.filter.setAccessibleName("Filter by name or reason")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(220)
        self.filter.textChanged.connect(self._filter)
        self.reveal.setToolTip("Open the file's folder in the system's file manager (Enter)")
        self.reveal.clicked.connect(self._reveal)
        self.view.activated.connect(self._reveal)
        self.view.selectionModel().selectionChanged.connect(self._update)
        self.copy.setToolTip("Copy every file and its reason to the clipboard")
        self.copy.clicked.connect(lambda: copy_failures(self._session.failures))

    def _arrange(self) -> None:
        head, actions = QHBoxLayout(), QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(label("COULD NOT BE READ", "section"))
        head.addWidget(self._count, 1)
        head.addWidget(self.filter)
        actions.addWidget(self.reveal)
        actions.addWidget(self.copy)
        actions.addStretch(1)
        actions.addWidget(label("A file is tried again when it changes.", "caption"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addLayout(actions)

    def show_failures(self) -> None:
        """Show the library's failures."""
        if list(self.table.rows) != self._session.failures:
            self.table.show(self._session.failures)
        self._update()

    def _filter(self, text: str) -> None:
        self.filtered.setFilterFixedString(text)
        self._update()

    def _update(self) -> None:
        every, shown = len(self.table.rows), self.filtered.rowCount()
        self._count.setText(words.count(every, "file") if shown == every else f"{shown:,} of {every:,} files")
        self.copy.setEnabled(every > 0)
        self.reveal.setEnabled(self.view.selectionModel().hasSelection())

    def _reveal(self) -> None:
        if rows := self.view.selectionModel().selectedRows():
            reveal(self._session, self.table.rows[self.filtered.mapToSource(rows[0]).row()].path)
