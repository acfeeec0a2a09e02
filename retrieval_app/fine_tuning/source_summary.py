"""The summary of a labelled folder or library: classes with their counts as bars, and problems in sentences."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from indexer.wording import format_number, tr
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.widgets.controls import arrange_parts, make_label
from retrieval_app.widgets.theme import Theme, make_tabular_font
from retrieval_app.wording import format_count
from training.data.sources import LibraryLabels
from training.data.summary import SourceSummary

_NOWHERE = QModelIndex()
ROW_HEIGHT, BAR_HEIGHT, NUMBER_WIDTH = 24, 4, 56  # px: height of a row and of a bar, room for the number


class _ClassCountModel(QAbstractTableModel):
    """A row for each class: its name and its count of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, int]] = []
        self._headings = (tr("Class"), tr("Pictures"))
        self.max_count = 1

    def show_counts(self, counts: dict[str, int], headings: tuple[str, str]) -> None:
        """Show other classes, under the headings of the two columns."""
        self.beginResetModel()
        self._headings = headings
        self._rows = list(counts.items())
        self.max_count = max(counts.values(), default=1)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        """The number of classes."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        """Name and number."""
        return 0 if parent.isValid() else 2

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name or the count; as the tool tip too, where a long name can be read in full."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return self._rows[index.row()][index.column()]

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """The headings of the two columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self._headings[section]


class _CountBarDelegate(QStyledItemDelegate):
    """Paints a count with a bar whose length is in proportion to it."""

    def __init__(self, classes: _ClassCountModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._classes, self._theme = classes, theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the bar from the left and the count at the right."""
        place: QRect = option.rect.adjusted(8, 0, -12, 0)
        count = int(index.data())
        tokens = self._theme.tokens
        room = place.width() - NUMBER_WIDTH
        bar = QRect(
            place.left(),
            place.center().y() - BAR_HEIGHT // 2,
            max(2, room * count // self._classes.max_count),
            BAR_HEIGHT,
        )
        painter.fillRect(bar, QColor(tokens.accent))
        painter.setPen(QColor(tokens.text))
        painter.setFont(make_tabular_font(option.font))
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, format_number(count, ","))


class SourceSummaryPanel(QWidget):
    """The right half of the first page: what the source contains."""

    def __init__(self, tuning: FineTuning, theme: Theme) -> None:
        super().__init__()
        self._tuning = tuning
        self._class_model = _ClassCountModel()
        self.place = make_label("", "section")
        self.title = make_label("", "name", wrap=True)
        self.problems = make_label("", "muted", wrap=True)
        self.table = QTableView()
        self._set_up_table(theme)
        parts = [self.place, self.title, self.problems, self.table]
        arrange_parts(QVBoxLayout(self), parts, spacing=8, stretched=[self.table]).addStretch(0)
        tuning.changed.connect(self._show_summary)
        self._show_summary()

    def _set_up_table(self, theme: Theme) -> None:
        table = self.table
        table.setProperty("role", "list")
        table.setModel(self._class_model)
        table.setItemDelegateForColumn(1, _CountBarDelegate(self._class_model, theme, table))
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionMode(QTableView.SelectionMode.NoSelection)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for section in (0, 1):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)

    def _show_summary(self) -> None:
        contents, reading = self._tuning.contents, self._tuning.reading_progress
        in_library = isinstance(self._tuning.source, LibraryLabels)
        self.place.setText(tr("Found in the library") if in_library else tr("Found in the folder"))
        self.table.setVisible(contents is not None and bool(contents.summary.counts))
        self.problems.setVisible(contents is not None and bool(contents.summary.problems))
        if contents is not None:
            summary = contents.summary
            self.title.setText(_describe_counts(summary, in_library=in_library))
            self.problems.setText("\n".join(summary.problems))
            self._class_model.show_counts(
                summary.counts, (tr("Label"), tr("Photos")) if in_library else (tr("Class"), tr("Pictures"))
            )
        elif reading is not None:
            self.title.setText(
                tr("Reading {done:,} of {total:,}…", done=reading.done, total=reading.total)
                if reading.total
                else tr("Reading…")
            )
        else:
            self.title.setText(self._tuning.refusal or tr("No folder is chosen yet."))


def _describe_counts(summary: SourceSummary, *, in_library: bool) -> str:
    """How many pictures and classes there are, in the words for a folder or for a library."""
    if in_library:
        return f"{format_count(summary.photos, 'labelled photo')}, {format_count(summary.classes, 'label')}"
    return tr(
        "{pictures} in {classes}",
        pictures=format_count(summary.photos, "picture"),
        classes=format_count(summary.classes, "class", "classes"),
    )
