"""The dialogs of the window: photos that could not be read, and the report of a bug."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from indexer.wording import tr
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.tables import FAILURE_COLUMNS, RowTableModel, copy_failures, make_table_view
from retrieval_app.wording import format_count

if TYPE_CHECKING:
    from indexer.database.file_table import FailedFile


class FailuresDialog(QDialog):
    """The files that could not be read, each with its reason; the list can be copied."""

    def __init__(self, failures: Sequence[FailedFile], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._failures = failures
        self.setWindowTitle(tr("Photos that could not be read"))
        self.resize(760, 360)
        table = RowTableModel(FAILURE_COLUMNS)
        table.show_rows(failures)
        self.table = make_table_view(table, FAILURE_COLUMNS, tr("Photos that could not be read"))
        table.setParent(self.table)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(tr("Copy the list"), QDialogButtonBox.ButtonRole.ActionRole).clicked.connect(self._copy_list)
        buttons.rejected.connect(self.reject)
        text = tr(
            "{photos} could not be read. A file is tried again when it changes.",
            photos=format_count(len(failures), "photo"),
        )
        _stack_widgets(self, [make_label(text, wrap=True), self.table, buttons])

    def _copy_list(self) -> None:
        copy_failures(self._failures)


class ReportDialog(QDialog):
    """The report of a bug, to be copied, with what the user can do."""

    def __init__(self, report: str, log: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Something went wrong"))
        self.resize(640, 400)
        text = QPlainTextEdit(report)
        text.setReadOnly(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(tr("Copy the report"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report))
        buttons.rejected.connect(self.reject)
        sentence = tr(
            "This is a fault in the program, not in your photos, and your library is safe. You "
            "can go on. The report below is also kept in {log}.",
            log=log,
        )
        _stack_widgets(self, [make_label(sentence, wrap=True), text, buttons])


def _stack_widgets(dialog: QDialog, widgets: Sequence[QWidget]) -> None:
    column = QVBoxLayout(dialog)
    column.setContentsMargins(16, 16, 16, 16)
    column.setSpacing(12)
    for widget in widgets:
        column.addWidget(widget)
