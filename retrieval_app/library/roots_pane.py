"""The library's photo folders: where they are, whether they are there, and what can be done about them."""

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QVBoxLayout, QWidget

from indexer.library import RootInfo
from indexer.paths import show_path
from retrieval_app import wording as words
from retrieval_app.session import library_commands as folders
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.widgets.controls import button, label
from retrieval_app.widgets.tables import Column, Table, table_view

STATES = {"online": "online", "offline": "offline: not there or empty"}
ROOTS: list[Column[RootInfo]] = [
    Column("Folder", lambda root: show_path(root.path)),
    Column("State", lambda root: STATES[root.state], stretches=False),
    Column("Files", lambda root: f"{root.files:,}", stretches=False),
    Column("Labels", lambda root: "sub-folders are classes" if root.labelled else "none", stretches=False),
]


class RootsPane(QWidget):
    """A table of folders with their actions under it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.table: Table[RootInfo] = Table(ROOTS)
        self.view = table_view(self.table, ROOTS, "Photo folders")
        self.view.activated.connect(self._open)
        self.open_button = button("Open folder")
        self.move_button = button("This folder has moved…")
        self.forget_button = button("Forget…")
        self.forget_missing = button("", "link")
        self._arrange()
        self._connect()
        self.show_roots()

    def _arrange(self) -> None:
        self.open_button.setToolTip("Open the folder in the system's file manager (Enter)")
        self.move_button.setToolTip("Say where the folder is now; nothing is embedded again")
        self.forget_button.setToolTip("Take the folder out of the library; its pictures stay where they are")
        self.forget_missing.setToolTip("Take the files that are gone out of the library")
        actions = QHBoxLayout()
        actions.setSpacing(8)
        for action in (self.open_button, self.move_button, self.forget_button):
            actions.addWidget(action)
        actions.addStretch(1)
        actions.addWidget(self.forget_missing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label("PHOTO FOLDERS", "section"))
        column.addWidget(self.view, 1)
        column.addLayout(actions)

    def _connect(self) -> None:
        self.open_button.clicked.connect(self._open)
        self.move_button.clicked.connect(self._ask_place)
        self.forget_button.clicked.connect(self._ask_to_forget)
        self.forget_missing.clicked.connect(self._ask_to_forget_missing)
        self.view.selectionModel().selectionChanged.connect(self._update)
        self._session.library_changed.connect(self.show_roots)
        self._session.job_changed.connect(self._update)

    def show_roots(self) -> None:
        """Show the library's folders; the chosen one stays chosen."""
        info = self._session.info
        roots, row = info.roots if info else [], self.view.currentIndex().row()
        if list(self.table.rows) != roots:
            self.table.show(roots)
            self.view.selectRow(min(max(row, 0), len(roots) - 1))
        missing = info.missing if info else 0
        self.forget_missing.setVisible(missing > 0)
        self.forget_missing.setText(f"Forget {words.count(missing, 'missing file')}…")
        self._update()

    def chosen(self) -> RootInfo | None:
        """The folder that the actions are about."""
        rows = self.view.selectionModel().selectedRows()
        return self.table.rows[rows[0].row()] if rows else None

    def _update(self) -> None:
        free = self._session.job is None
        self.open_button.setEnabled(self.chosen() is not None)
        for action in (self.move_button, self.forget_button):
            action.setEnabled(free and self.chosen() is not None)
        self.forget_missing.setEnabled(free)

    def _open(self) -> None:
        if root := self.chosen():
            open_path(self._session, root.path)

    def _ask_place(self) -> None:
        if root := self.chosen():
            was = Path(os.fsdecode(root.path)).parent
            place = QFileDialog.getExistingDirectory(self, f"Where is {show_path(root.path)} now?", str(was))
            if place:
                folders.move(self._session, root.path, Path(place))

    def _ask_to_forget(self) -> None:
        if root := self.chosen():
            what = f"Forget {show_path(root.path)} with its {words.count(root.files, 'file')}?"
            ask(self, what, "Forget the folder", partial(folders.forget, self._session, root.path))

    def _ask_to_forget_missing(self) -> None:
        missing = self._session.info.missing if self._session.info else 0
        what = f"Forget {words.count(missing, 'file')} that cannot be found any more?"
        ask(self, what, "Forget them", partial(folders.forget_missing, self._session))


def ask(parent: QWidget, what: str, yes: str, then: "partial[None]") -> None:
    """Ask before something is forgotten; the answer that changes nothing is the one that Enter gives."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Lookalike", what, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("Embeddings and labels leave the library. The pictures themselves are not touched.")
    forget = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton("Keep", QMessageBox.ButtonRole.RejectRole))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    forget.clicked.connect(then)
    box.open()
