"""The pairs that the user has said are no match, from earlier too, to be taken back one by one."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from indexer.paths import show_path
from retrieval_app.duplicates.found_groups import Duplicates, Parted
from retrieval_app.widgets.controls import button, label
from retrieval_app.widgets.tables import Column, Table, table_view

COLUMNS: list[Column[Parted]] = [
    Column("Photo", lambda pair: show_path(pair.one.path)),
    Column("is no match with", lambda pair: show_path(pair.other.path)),
]
MEANING = "These pairs never stand in one group. One that matches again may, when you next look for duplicates."


class NoMatches(QDialog):
    """The list, and a button that takes the chosen pair off it."""

    def __init__(self, duplicates: Duplicates, parent: QWidget) -> None:
        super().__init__(parent)
        self._duplicates = duplicates
        self.setWindowTitle("No match")
        self.resize(760, 360)
        self._pairs = Table(COLUMNS)
        self.table = table_view(self._pairs, COLUMNS, "Pairs that are no match")
        self._pairs.setParent(self.table)
        self.again = button("Match again")
        self.again.setToolTip("Forget that the chosen pair is no match")
        self.again.clicked.connect(self._join)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.again, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        for widget in (label(MEANING, wrap=True), self.table, buttons):
            column.addWidget(widget)
        duplicates.changed.connect(self._show)
        self.finished.connect(self.deleteLater)
        self._show()

    def _show(self) -> None:
        """The pairs as they are now; the place is kept."""
        pairs = self._duplicates.parted
        if pairs is not self._pairs.rows:
            place = self.table.currentIndex().row()
            self._pairs.show(pairs)
            self.table.selectRow(min(max(place, 0), len(pairs) - 1))
        self.again.setEnabled(bool(pairs))

    def _join(self) -> None:
        place = self.table.currentIndex().row()
        if 0 <= place < len(self._pairs.rows):
            self._duplicates.join(self._pairs.rows[place])
