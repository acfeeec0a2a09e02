"""The table of files that could not be used, each with its reason, with a filter, the way to a file, and a copy."""

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from indexer.database.file_table import FailedFile
from indexer.database.passed_over import describe_passed_over
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_containing_folder
from retrieval_app.widgets.controls import arrange_parts, make_button, make_label
from retrieval_app.widgets.tables import FAILURE_COLUMNS, RowTableModel, copy_failures, make_table_view
from retrieval_app.wording import format_count

FILTER_WIDTH, FILTER_FRAME = 220, 44  # px, the second around the text, for the button that clears it


class FailuresPane(QWidget):
    """A table of files and reasons, sorted and filtered, with buttons, and what was passed over without being read."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.table: RowTableModel[FailedFile] = RowTableModel(FAILURE_COLUMNS)
        self.filtered_model = QSortFilterProxyModel(self)
        self.filtered_model.setSourceModel(self.table)
        self.view = make_table_view(self.filtered_model, FAILURE_COLUMNS, tr("Photos that could not be read"))
        self.filter_edit = QLineEdit()
        self.reveal_button = make_button(tr("Show in its folder"))
        self.copy_button = make_button(tr("Copy the list"), "link")
        self._count_label = make_label("", "caption")
        self.passed_over_label = make_label("", "caption", wrap=True)
        self._set_up_widgets()
        self._arrange_widgets()
        session.library.changed.connect(self.show_failures)
        self.show_failures()

    def _set_up_widgets(self) -> None:
        self.filtered_model.setFilterKeyColumn(-1)
        self.filtered_model.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.filter_edit.setPlaceholderText(tr("Filter by name or reason"))
        self.filter_edit.setAccessibleName(tr("Filter by name or reason"))
        self.filter_edit.setClearButtonEnabled(True)
        hint_width = self.filter_edit.fontMetrics().horizontalAdvance(self.filter_edit.placeholderText())
        self.filter_edit.setFixedWidth(max(FILTER_WIDTH, hint_width + FILTER_FRAME))
        self.filter_edit.textChanged.connect(self._filter_failures)
        self.reveal_button.setToolTip(tr("Open the file's folder in the system's file manager (Enter)"))
        self.reveal_button.clicked.connect(self._reveal_chosen)
        self.view.activated.connect(self._reveal_chosen)
        self.view.selectionModel().selectionChanged.connect(self._update_controls)
        self.copy_button.setToolTip(tr("Copy every file and its reason to the clipboard"))
        self.copy_button.clicked.connect(lambda: copy_failures(self._session.library.failures))

    def _arrange_widgets(self) -> None:
        title = make_label(tr("COULD NOT BE READ"), "section")
        above = [title, self._count_label, self.filter_edit]
        head = arrange_parts(QHBoxLayout(), above, spacing=12, stretched=[self._count_label])
        remark = make_label(tr("A file is tried again when it changes."), "caption")
        actions = arrange_parts(QHBoxLayout(), [self.reveal_button, self.copy_button, None, remark], spacing=8)
        column = QVBoxLayout(self)
        arrange_parts(column, [head, self.view, actions, self.passed_over_label], spacing=8, stretched=[self.view])

    def show_failures(self) -> None:
        """Show the failures of the open library."""
        if list(self.table.rows) != self._session.library.failures:
            self.table.show_rows(self._session.library.failures)
        info = self._session.library.info
        passed = describe_passed_over(info.passed_over) if info else []
        self.passed_over_label.setText(tr("Passed over: {passed}.", passed=", ".join(passed)) if passed else "")
        self.passed_over_label.setVisible(bool(passed))
        self._update_controls()

    def _filter_failures(self, text: str) -> None:
        self.filtered_model.setFilterFixedString(text)
        self._update_controls()

    def _update_controls(self) -> None:
        total, shown = len(self.table.rows), self.filtered_model.rowCount()
        self._count_label.setText(
            format_count(total, "file")
            if shown == total
            else tr("{shown:,} of {total:,} files", shown=shown, total=total)
        )
        self.copy_button.setEnabled(total > 0)
        self.reveal_button.setEnabled(self.view.selectionModel().hasSelection())

    def _reveal_chosen(self) -> None:
        if rows := self.view.selectionModel().selectedRows():
            open_containing_folder(self._session, self.table.rows[self.filtered_model.mapToSource(rows[0]).row()].path)
