"""The table of the library's photo folders: path, state, files, labels, and what can be done with a folder."""

import os
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from indexer.database.contents import RootInfo
from indexer.paths import show_path
from indexer.wording import format_number, tr
from retrieval_app.library.forgetting_dialog import ForgettingQuestion
from retrieval_app.library.left_out_dialog import LeftOutDialog
from retrieval_app.session.library_commands import accept_drive, move_folder
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.tables import RowTableModel, TableColumn, make_table_view
from retrieval_app.wording import format_count

STATE_TEXTS = {"online": "online", "offline": tr("offline: not there or empty")}
OTHER_DRIVE_TEXT = tr("offline: another drive is there now")


def describe_state(root: RootInfo) -> str:
    """Whether the folder is there, and if not, what is known of it."""
    if root.moved_to:
        return tr("offline: is it at {moved_to} now?", moved_to=show_path(root.moved_to))
    return OTHER_DRIVE_TEXT if root.other_drive else STATE_TEXTS[root.state]


ROOT_COLUMNS: list[TableColumn[RootInfo]] = [
    TableColumn(tr("Folder"), lambda root: show_path(root.path)),
    TableColumn(tr("State"), describe_state, stretches=False),
    TableColumn(tr("Files"), lambda root: format_number(root.files, ","), stretches=False),
    TableColumn(tr("Labels"), lambda root: tr("sub-folders are classes") if root.labelled else "none", stretches=False),
    TableColumn(
        tr("Left out"),
        lambda root: format_number(len(root.exclusions), ",") if root.exclusions else "",
        stretches=False,
    ),
]


class RootsPane(QWidget):
    """A table of folders, with buttons for the chosen one below it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.table: RowTableModel[RootInfo] = RowTableModel(ROOT_COLUMNS)
        self.view = make_table_view(self.table, ROOT_COLUMNS, tr("Photo folders"))
        self.view.activated.connect(self._open_chosen)
        self.open_button = make_button(tr("Open folder"))
        self.move_button = make_button(tr("It has moved…"))
        self.left_out_button = make_button(tr("Left out…"))
        self.here_button = make_button(tr("It is the same"))
        self.forget_button = make_button(tr("Forget…"))
        self.forget_missing = make_button("", "link")
        self._forgetting = ForgettingQuestion(session, self)
        self._arrange_widgets()
        self._connect_signals()
        self.show_roots()

    def _arrange_widgets(self) -> None:
        self.open_button.setToolTip(tr("Open the folder in the system's file manager (Enter)"))
        self.move_button.setToolTip(tr("Say where the folder is now; nothing is embedded again"))
        self.left_out_button.setToolTip(tr("Leave a folder in it out of the library, or take one back in"))
        self.forget_button.setToolTip(tr("Take the folder out of the library; its pictures stay where they are"))
        self.forget_missing.setToolTip(tr("Take the files that are gone out of the library"))
        actions = QHBoxLayout()
        actions.setSpacing(8)
        self.here_button.setToolTip(tr("Index what is there now as this folder; what it does not have is then missing"))
        for action in (self.open_button, self.move_button, self.here_button, self.left_out_button, self.forget_button):
            actions.addWidget(action)
        actions.addStretch(1)
        actions.addWidget(self.forget_missing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(make_label(tr("PHOTO FOLDERS"), "section"))
        column.addWidget(self.view, 1)
        column.addLayout(actions)

    def _connect_signals(self) -> None:
        self.open_button.clicked.connect(self._open_chosen)
        self.move_button.clicked.connect(self._ask_place)
        self.left_out_button.clicked.connect(self._show_left_out)
        self.here_button.clicked.connect(self._accept_drive)
        self.forget_button.clicked.connect(self._ask_to_forget)
        self.forget_missing.clicked.connect(lambda: self._forgetting.start_asking(None))
        self.view.selectionModel().selectionChanged.connect(self._update_buttons)
        self._session.library.changed.connect(self.show_roots)
        self._session.job.changed.connect(self._update_buttons)

    def show_roots(self) -> None:
        """Show the library's folders; the chosen one stays chosen."""
        info = self._session.library.info
        roots, row = info.roots if info else [], self.view.currentIndex().row()
        if list(self.table.rows) != roots:
            self.table.show_rows(roots)
            self.view.selectRow(min(max(row, 0), len(roots) - 1))
        missing = info.missing if info else 0
        self.forget_missing.setVisible(missing > 0)
        self.forget_missing.setText(tr("Forget {missing_files}…", missing_files=format_count(missing, "missing file")))
        self._update_buttons()

    def chosen_root(self) -> RootInfo | None:
        """The chosen folder, which the buttons act on; None where none is chosen."""
        rows = self.view.selectionModel().selectedRows()
        return self.table.rows[rows[0].row()] if rows else None

    def _update_buttons(self) -> None:
        is_idle = self._session.job.state is None
        self.open_button.setEnabled(self.chosen_root() is not None)
        root = self.chosen_root()
        for action in (self.move_button, self.here_button, self.left_out_button, self.forget_button):
            action.setEnabled(is_idle and root is not None)
        self.here_button.setVisible(root is not None and root.other_drive)
        self.forget_missing.setEnabled(is_idle)

    def _open_chosen(self) -> None:
        if root := self.chosen_root():
            open_path(self._session, root.path)

    def _ask_place(self) -> None:
        if root := self.chosen_root():
            start = Path(os.fsdecode(root.moved_to)) if root.moved_to else Path(os.fsdecode(root.path)).parent
            title = tr("Where is {path} now?", path=show_path(root.path))
            if new_folder := QFileDialog.getExistingDirectory(self, title, str(start)):
                move_folder(self._session, root.path, Path(new_folder))

    def _show_left_out(self) -> None:
        if root := self.chosen_root():
            LeftOutDialog(self._session, root, self).open()

    def _accept_drive(self) -> None:
        if root := self.chosen_root():
            accept_drive(self._session, root.path)

    def _ask_to_forget(self) -> None:
        if root := self.chosen_root():
            self._forgetting.start_asking(root.path)
