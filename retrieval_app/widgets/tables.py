"""Tables of plain text without a grid: rows are chosen whole, long text is shortened in its middle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QHeaderView,
    QScrollArea,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from indexer.paths import insert_break_points, show_path
from indexer.wording import tr
from retrieval_app.widgets.controls import make_label

if TYPE_CHECKING:
    from indexer.database.file_table import FailedFile

AnyIndex = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")
FACT_WIDTH = 264  # px, of a column of facts
_NO_PARENT = QModelIndex()


class TableColumn(NamedTuple, Generic[Row]):
    """A column of a table: its heading, the text of its cells, and whether it takes the room that is left."""

    heading: str
    text: Callable[[Row], str]  # the cell of a row
    stretches: bool = True  # whether it takes the room that is left, or only what its text needs


class RowTableModel(QAbstractTableModel, Generic[Row]):
    """Rows of one type, each cell the text that its column makes of the row."""

    def __init__(self, columns: Sequence[TableColumn[Row]]) -> None:
        super().__init__()
        self.columns = columns
        self.rows: Sequence[Row] = ()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows in the place of the ones before."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        """The number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        """The number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text of a cell, also as its tool tip, as the cell may show it shortened."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return self.columns[index.column()].text(self.rows[index.row()])

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """The heading of a column."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self.columns[section].heading


def make_table_view(model: QAbstractItemModel, columns: Sequence[TableColumn[Any]], name: str) -> QTableView:
    """A view of a table, or of a filter model before one; `name` is what screen readers say."""
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
    """A named value, as a line of details or figures."""

    name: str
    value: str


def make_fact_form(facts: Iterable[NamedFact]) -> QFormLayout:
    """Facts as lines, the names on the left; values may be marked and copied, and long paths break."""
    form = QFormLayout()
    form.setHorizontalSpacing(12)
    form.setVerticalSpacing(6)
    for fact in facts:
        name, value = make_label(fact.name, "muted"), make_label(insert_break_points(fact.value), wrap=True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label in (name, value):
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        form.addRow(name, value)
    return form


class FactSection(NamedTuple):
    """The facts under one heading."""

    title: str
    facts: list[NamedFact]


class FactColumn(QScrollArea):
    """Sections of facts below each other, in a column of one width."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(FACT_WIDTH)
        self._shown_sections: list[FactSection] = []

    def show_sections(self, sections: Iterable[FactSection]) -> None:
        """Show these sections; unchanged ones are not built again."""
        new_sections = list(sections)
        if new_sections == self._shown_sections:
            return
        self._shown_sections = new_sections
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        for section in new_sections:
            column.addWidget(make_label(section.title, "section"))
            column.addLayout(make_fact_form(section.facts))
            column.addSpacing(12)
        column.addStretch(1)
        self.setWidget(content)


FAILURE_COLUMNS: list[TableColumn[FailedFile]] = [
    TableColumn(tr("File"), lambda failure: show_path(failure.path)),
    TableColumn(tr("Why it could not be read"), lambda failure: tr(failure.reason)),
]


def copy_failures(failures: Sequence[FailedFile]) -> None:
    """Put the failures into the clipboard, a line each: the file, a tabulator, the reason."""
    lines = [f"{show_path(failure.path)}\t{tr(failure.reason)}" for failure in failures]
    QGuiApplication.clipboard().setText("\n".join(lines))
