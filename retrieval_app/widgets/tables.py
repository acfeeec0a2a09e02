"""Quiet tables: whole rows are chosen, names are shortened in their middle, no grid."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from indexer.database.file_table import FailedFile
from indexer.paths import show_path

AnyIndex = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")
_NO_PARENT = QModelIndex()


class TableColumn(NamedTuple, Generic[Row]):
    """A column: its heading, what stands in it, and whether it takes the room that is left or only what it needs."""

    heading: str
    text: Callable[[Row], str]
    stretches: bool = True


class RowTableModel(QAbstractTableModel, Generic[Row]):
    """Rows of one kind, shown as plain text."""

    def __init__(self, columns: Sequence[TableColumn[Row]]) -> None:
        super().__init__()
        self.columns = columns
        self.rows: Sequence[Row] = ()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        """As many as there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        """As many as there are."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text, also as a tool tip, as it may be cut short."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return self.columns[index.column()].text(self.rows[index.row()])

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """The headings."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self.columns[section].heading


def make_table_view(model: QAbstractItemModel, columns: Sequence[TableColumn[Any]], name: str) -> QTableView:
    """A view on a table, or on a filter before one, that says its name to screen readers."""
    view = QTableView()
    view.setProperty("role", "list")
    view.setAccessibleName(name)
    view.setModel(model)
    view.setShowGrid(False)
    view.setTabKeyNavigation(False)
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.setWordWrap(False)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.verticalHeader().hide()
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    mode = QHeaderView.ResizeMode
    for section, column in enumerate(columns):
        header.setSectionResizeMode(section, mode.Stretch if column.stretches else mode.ResizeToContents)
    return view


class NamedFact(NamedTuple):
    """One line of the details."""

    name: str
    value: str


FAILURE_COLUMNS: list[TableColumn[FailedFile]] = [
    TableColumn("File", lambda failure: show_path(failure.path)),
    TableColumn("Why it could not be read", lambda failure: failure.reason),
]


def copy_failures(failures: Sequence[FailedFile]) -> None:
    """Put the list into the clipboard, file and reason with a tabulator between them."""
    lines = [f"{show_path(failure.path)}\t{failure.reason}" for failure in failures]
    QGuiApplication.clipboard().setText("\n".join(lines))
