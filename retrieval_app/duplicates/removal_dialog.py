"""The photos that are not kept, as a list to be read before anything happens: saved, copied, or moved to the trash."""

from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from indexer.duplicates.removal_plan import MOVE, PlanRow, write_plan
from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.places import require_safe_output
from indexer.wording import format_number, tr
from retrieval_app.duplicates.removal import DuplicateRemoval
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import arrange_parts, make_button, make_label
from retrieval_app.widgets.tables import RowTableModel, TableColumn, make_table_view
from retrieval_app.wording import format_count, format_size

PLAN_COLUMNS: list[TableColumn[PlanRow]] = [
    TableColumn(tr("File that may go"), lambda row: row.path),
    TableColumn(tr("Size"), lambda row: format_size(row.bytes), stretches=False),
    TableColumn(
        tr("Pixels"), lambda row: f"{format_number(row.width, ',')} x {format_number(row.height, ',')}", stretches=False
    ),
    TableColumn(tr("Changed"), lambda row: row.changed, stretches=False),
]
TRASH_MEANING = tr(
    "Only exact copies go to the trash, and never the last file of a content: each file is read "
    "once more before it goes. Edit > Undo puts them back. Near copies and look-alikes differ: "
    "save or copy their list."
)


class RemovalDialog(QDialog):
    """The list of what may go, and what can be done with it."""

    def __init__(self, session: Session, removal: DuplicateRemoval, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._removal = session, removal
        self.rows = removal.list_rows()
        self.moving = [row for row in self.rows if row.action == MOVE]
        self.setWindowTitle(tr("What may go"))
        self.resize(780, 460)
        model = RowTableModel(PLAN_COLUMNS)
        self.table = make_table_view(model, PLAN_COLUMNS, tr("Files that may go"))
        model.setParent(self.table)
        model.show_rows(self.moving)
        total = format_size(sum(row.bytes for row in self.moving))
        self.summary_label = make_label(
            tr("{files}, {total} in all.", files=format_count(len(self.moving), "file"), total=total), "name"
        )
        self.trash_button = make_button(tr("Move {files} to the trash", files=format_count(len(self.moving), "file")))
        self.save_button, self.copy_button = make_button(tr("Save the list…")), make_button(tr("Copy to a folder…"))
        self.allow_box = QCheckBox(tr("Files of this library may be moved to the trash"))
        self._arrange_widgets()
        self._connect_signals()
        removal.ask_allowance()
        self._show_allowance()

    def _arrange_widgets(self) -> None:
        self.save_button.setToolTip(tr("As a table (.csv); lookalike duplicates --plan FILE --trash carries it out"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        of_list = (self.save_button, self.copy_button, self.trash_button)
        row = arrange_parts(QHBoxLayout(), [*of_list, None, buttons], spacing=8)
        meaning = make_label(TRASH_MEANING, "muted", wrap=True)
        parts = (self.summary_label, self.table, meaning, self.allow_box)
        arrange_parts(QVBoxLayout(self), [*parts, row], spacing=12, margins=(16, 16, 16, 16))

    def _connect_signals(self) -> None:
        self.save_button.clicked.connect(self._ask_file)
        self.copy_button.clicked.connect(self.accept)
        self.trash_button.clicked.connect(self._move_to_trash)
        self.allow_box.clicked.connect(self._removal.set_allowance)
        self._removal.changed.connect(self._show_allowance)
        self.finished.connect(self.deleteLater)

    def save_list(self, out: Path) -> None:
        """Write the list; where it cannot be written, say why."""
        try:
            require_safe_output(out, library=self._session.library.folder, overwrite=True)
            write_plan(out, self.rows)
        except LookalikeError as error:
            self._session.notice_posted.emit(str(error))
            return
        self._session.notice_posted.emit(tr("The list is in {out}.", out=show_path(out)))

    def _ask_file(self) -> None:
        start = str(Path.home() / "what-may-go.csv")
        name, _ = QFileDialog.getSaveFileName(self, tr("Save the list"), start, tr("Table (*.csv)"))
        if name:
            self.save_list(Path(name))

    def _move_to_trash(self) -> None:
        self._removal.move_to_trash(self.rows)
        self.reject()

    def _show_allowance(self) -> None:
        self.allow_box.setChecked(self._removal.is_allowed)
        self.trash_button.setEnabled(self._removal.is_allowed and self._removal.has_copies and bool(self.moving))
