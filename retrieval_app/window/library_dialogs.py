"""The dialogs about libraries as things: a new one, and the list of all with what can be done to each."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from indexer.errors import LookalikeError
from indexer.paths import get_parent_folder, show_path
from indexer.places import choose_library_folder, name_library
from indexer.wording import tr
from retrieval_app.widgets.controls import arrange_parts, make_button, make_label
from retrieval_app.widgets.tables import RowTableModel, TableColumn, make_table_view


class NewLibraryDialog(QDialog):
    """Asks for the name of a new library and the folder it shall lie in."""

    wanted = Signal(Path)  # the folder of the library

    def __init__(self, parent_folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent_folder = parent_folder
        self.name_field = QLineEdit()
        self.place_label = make_label("", "muted", wrap=True)
        self.folder_button = make_button(tr("Another folder…"))
        self.create_button = make_button(tr("Make library"))
        self._arrange_widgets()
        self.name_field.textChanged.connect(self._show_place)
        self.folder_button.clicked.connect(self._choose_folder)
        self.create_button.clicked.connect(self._accept_name)
        self._show_place()

    def _arrange_widgets(self) -> None:
        self.setWindowTitle(tr("New library"))
        self.setMinimumWidth(480)
        self.place_label.setMinimumHeight(3 * self.place_label.fontMetrics().lineSpacing())  # of a long path
        self.place_label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.name_field.setPlaceholderText(tr("Holidays"))
        self.name_field.setAccessibleName(tr("Name of the library"))
        cancel_button = make_button(tr("Cancel"))
        cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.folder_button)
        buttons.addStretch(1)
        for button in (cancel_button, self.create_button):
            buttons.addWidget(button)
        for button in (self.folder_button, cancel_button):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(
            make_label(tr("A library knows the photos of some folders, which stay where they are."), wrap=True)
        )
        for widget in (make_label(tr("Name"), "section"), self.name_field, self.place_label):
            column.addWidget(widget)
        column.addLayout(buttons)

    def set_parent_folder(self, folder: Path) -> None:
        """Let the library lie in this folder."""
        self._parent_folder = folder
        self._show_place()

    def _choose_folder(self) -> None:
        title = tr("Choose the folder that the library shall lie in")
        if name := QFileDialog.getExistingDirectory(self, title, str(self._parent_folder)):
            self.set_parent_folder(Path(name))

    def _find_folder(self) -> Path | None:
        """Where the library would lie; None, with the reason in the place of that, where it cannot."""
        try:
            return choose_library_folder(self.name_field.text(), self._parent_folder)
        except LookalikeError as error:
            self.place_label.setText(
                str(error) if self.name_field.text() else tr("Its own files will lie in a folder.")
            )
            return None

    def _show_place(self) -> None:
        folder = self._find_folder()
        self.create_button.setEnabled(folder is not None)
        if folder is not None:
            self.place_label.setText(tr("Its own files will lie in {folder}.", folder=show_path(folder)))

    def _accept_name(self) -> None:
        if (folder := self._find_folder()) is not None:
            self.accept()
            self.wanted.emit(folder)


class LibraryRow(NamedTuple):
    """A library of the list; `state` says what is with it, "" for nothing special."""

    folder: Path
    state: str
    is_open: bool
    is_there: bool
    is_idle: bool


LIBRARY_COLUMNS: list[TableColumn[LibraryRow]] = [
    TableColumn(tr("Library"), lambda row: name_library(row.folder), stretches=False),
    TableColumn(tr("Where it lies"), lambda row: show_path(get_parent_folder(os.fsencode(row.folder)))),
    TableColumn("", lambda row: row.state, stretches=False),
]


class LibrariesDialog(QDialog):
    """All known libraries; each can be opened, renamed, taken off the list and deleted."""

    open_wanted = Signal(Path)
    rename_wanted = Signal(Path)
    removal_wanted = Signal(Path)
    deletion_wanted = Signal(Path)
    new_wanted = Signal()

    def __init__(self, list_rows: Callable[[], list[LibraryRow]], parent: QWidget) -> None:
        super().__init__(parent)
        self._list_rows = list_rows
        self._table: RowTableModel[LibraryRow] = RowTableModel(LIBRARY_COLUMNS)
        self.view = make_table_view(self._table, LIBRARY_COLUMNS, tr("Libraries"))
        self.open_button, self.rename_button = make_button(tr("Open")), make_button(tr("Rename…"))
        self.removal_button, self.deletion_button = make_button(tr("Take off the list")), make_button(tr("Delete…"))
        self._arrange_widgets()
        self.view.selectionModel().selectionChanged.connect(self._update_buttons)
        self.view.doubleClicked.connect(lambda _index: self.open_button.click())
        self._wire(self.open_button, self.open_wanted.emit, closes=True)
        self._wire(self.rename_button, self.rename_wanted.emit)
        self._wire(self.removal_button, self.removal_wanted.emit)
        self._wire(self.deletion_button, self.deletion_wanted.emit)
        self.refresh()

    def _arrange_widgets(self) -> None:
        self.setWindowTitle(tr("Libraries"))
        self.resize(720, 360)
        self._table.setParent(self.view)
        self.removal_button.setToolTip(tr("The library stays where it is; opening it brings it back to the list"))
        self.deletion_button.setToolTip(tr("Says first what goes; no photo is ever touched"))
        new_button, close_button = make_button(tr("New library…")), make_button(tr("Close"))
        new_button.clicked.connect(self._want_new)
        close_button.clicked.connect(self.reject)
        of_library = (self.open_button, self.rename_button, self.removal_button, self.deletion_button)
        for button in (*of_library, new_button, close_button):
            button.setAutoDefault(False)
        row = arrange_parts(QHBoxLayout(), [*of_library, None, new_button, close_button], spacing=8)
        column = QVBoxLayout(self)
        arrange_parts(column, [self.view, row], spacing=12, margins=(16, 16, 16, 16), stretched=[self.view])

    def _wire(self, button: QPushButton, act: Callable[[Path], object], *, closes: bool = False) -> None:
        def act_on_chosen() -> None:
            if (chosen := self.find_chosen()) is not None:
                act(chosen.folder)
                if closes:
                    self.accept()

        button.clicked.connect(act_on_chosen)

    def _want_new(self) -> None:
        self.accept()
        self.new_wanted.emit()

    def refresh(self) -> None:
        """Read the list again; the chosen library stays chosen where it is still in it, else the open one is."""
        chosen = self.find_chosen()
        rows = self._list_rows()
        self._table.show_rows(rows)
        places = [place for place, row in enumerate(rows) if chosen is not None and row.folder == chosen.folder]
        places += [place for place, row in enumerate(rows) if row.is_open]
        self.view.selectRow(places[0] if places else 0)
        self._update_buttons()

    def choose_folder(self, folder: Path) -> None:
        """Choose a library of the list."""
        self.view.selectRow([row.folder for row in self._table.rows].index(folder))

    def find_chosen(self) -> LibraryRow | None:
        """The chosen library; None where the list is empty."""
        index: QModelIndex = self.view.currentIndex()
        return self._table.rows[index.row()] if index.isValid() else None

    def _update_buttons(self) -> None:
        row = self.find_chosen()
        self.open_button.setEnabled(row is not None and row.is_there and not row.is_open)
        self.removal_button.setEnabled(row is not None and not row.is_open)
        for button in (self.rename_button, self.deletion_button):
            button.setEnabled(row is not None and row.is_there and row.is_idle)
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
