"""A dialog with all pairs that the user has ever said are no match, to be taken back one by one."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from indexer.paths import show_path
from indexer.wording import tr
from retrieval_app.duplicates.found_groups import DuplicatesState, RejectedPair
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.tables import RowTableModel, TableColumn, make_table_view

PAIR_COLUMNS: list[TableColumn[RejectedPair]] = [
    TableColumn(tr("Photo"), lambda pair: show_path(pair.first.path)),
    TableColumn(tr("is no match with"), lambda pair: show_path(pair.second.path)),
]
REJECTED_PAIRS_MEANING = tr(
    "These pairs never stand in one group. One that matches again may, when you next look for duplicates."
)


class RejectedPairsDialog(QDialog):
    """The list of rejected pairs, and a button that forgets the chosen one."""

    def __init__(self, duplicates: DuplicatesState, parent: QWidget) -> None:
        super().__init__(parent)
        self._duplicates = duplicates
        self.setWindowTitle(tr("No match"))
        self.resize(760, 360)
        self._pair_model = RowTableModel(PAIR_COLUMNS)
        self.pair_view = make_table_view(self._pair_model, PAIR_COLUMNS, tr("Pairs that are no match"))
        self._pair_model.setParent(self.pair_view)
        self.match_again_button = make_button(tr("Match again"))
        self.match_again_button.setToolTip(tr("Forget that the chosen pair is no match"))
        self.match_again_button.clicked.connect(self._forget_rejection)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.match_again_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        for widget in (make_label(REJECTED_PAIRS_MEANING, wrap=True), self.pair_view, buttons):
            column.addWidget(widget)
        duplicates.changed.connect(self._show_pairs)
        self.finished.connect(self.deleteLater)
        self._show_pairs()

    def _show_pairs(self) -> None:
        """Show the pairs as they are now; the chosen row stays."""
        pairs = self._duplicates.rejected_pairs
        if pairs is not self._pair_model.rows:
            place = self.pair_view.currentIndex().row()
            self._pair_model.show_rows(pairs)
            self.pair_view.selectRow(min(max(place, 0), len(pairs) - 1))
        self.match_again_button.setEnabled(bool(pairs))

    def _forget_rejection(self) -> None:
        place = self.pair_view.currentIndex().row()
        if 0 <= place < len(self._pair_model.rows):
            self._duplicates.forget_rejection(self._pair_model.rows[place])
