"""The figures of each label as a table, the worst first; a click on a heading sorts by it."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.wording import format_number, tr
from retrieval_app.evaluation.evaluation_report import EvaluationReport
from retrieval_app.widgets.controls import arrange_parts, make_label
from retrieval_app.widgets.tables import AnyIndex, RowTableModel, TableColumn, make_table_view

TABLE_HELP = tr("The label whose photos find each other worst comes first. Enter or a double click shows its mistakes.")


class LabelFinding(NamedTuple):
    """One label: its place among the names, its figures, and the label it is most often taken for with the count."""

    place: int
    name: str
    photos: int
    p_at_1: float
    map_at_r: float
    taken_for: str
    taken_count: int


COLUMNS: list[TableColumn[LabelFinding]] = [
    TableColumn(tr("Label"), lambda row: row.name),
    TableColumn(tr("Photos"), lambda row: format_number(row.photos, ","), stretches=False),
    TableColumn(tr("Nearest is right (P@1)"), lambda row: format_number(row.p_at_1, ".2f"), stretches=False),
    TableColumn(tr("MAP@R"), lambda row: format_number(row.map_at_r, ".2f"), stretches=False),
    TableColumn(
        tr("Most often taken for"),
        lambda row: f"{row.taken_for} ({format_number(row.taken_count, ',')})" if row.taken_count else "",
    ),
]
SORT_KEYS: tuple[Callable[[LabelFinding], object], ...] = (
    lambda row: row.name.casefold(),
    lambda row: row.photos,
    lambda row: row.p_at_1,
    lambda row: row.map_at_r,
    lambda row: row.taken_count,
)
MAP_AT_R_COLUMN = 3


class LabelTable(QWidget):
    """The table with its heading line."""

    opened = Signal(int)  # the place of a label among the names

    def __init__(self) -> None:
        super().__init__()
        self.table_model: RowTableModel[LabelFinding] = RowTableModel(COLUMNS)
        self.view = make_table_view(self.table_model, COLUMNS, tr("Figures of each label"))
        header = self.view.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(MAP_AT_R_COLUMN, Qt.SortOrder.AscendingOrder)
        header.sortIndicatorChanged.connect(self._sort_rows)
        self.view.activated.connect(self._open_row)
        heading = make_label(TABLE_HELP, "caption", wrap=True)
        arrange_parts(QVBoxLayout(self), [heading, self.view], spacing=8, stretched=[self.view])

    def show_report(self, report: EvaluationReport) -> None:
        """Show the labels of a report in the order that is chosen."""
        header = self.view.horizontalHeader()
        self.table_model.rows = list_findings(report)
        self._sort_rows(header.sortIndicatorSection(), header.sortIndicatorOrder())

    def _sort_rows(self, column: int, order: Qt.SortOrder) -> None:
        is_descending = order == Qt.SortOrder.DescendingOrder
        self.table_model.show_rows(sorted(self.table_model.rows, key=SORT_KEYS[column], reverse=is_descending))  # type: ignore[arg-type]

    def _open_row(self, index: AnyIndex) -> None:
        self.opened.emit(self.table_model.rows[index.row()].place)


def list_findings(report: EvaluationReport) -> list[LabelFinding]:
    """The labels of a report, each with the label that most of its mistakes are taken for."""
    mistakes: dict[int, list[tuple[int, str]]] = {}
    for (own, found), queries in report.group_by_cell().items():
        if own != found:
            mistakes.setdefault(own, []).append((len(queries), report.names[found]))
    place_of = {name: place for place, name in enumerate(report.names)}
    findings = []
    for row in report.labels:
        count, name = max(mistakes.get(place_of[row.name], []), default=(0, ""))
        findings.append(LabelFinding(place_of[row.name], *row, name, count))
    return findings
