"""Which model sees the pictures: a table of those there are, and what can be done about the chosen one."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from indexer.wording import name_model, tr
from retrieval_app.dialogs.questions import make_message_box
from retrieval_app.model_choice.model_job import ModelJob
from retrieval_app.model_choice.model_rows import ModelRow, describe_comparison, list_columns, parse_rows
from retrieval_app.session.library_commands import (
    can_switch_back,
    explain_switch_obstacle,
    start_model_switch,
    start_switch_back,
)
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.tables import RowTableModel, make_table_view

WEIGHTS_FILTER = tr("Weights (*.safetensors *.pth *.pt *.bin);;All files (*)")
WIDTH, HEIGHT = 880, 560  # px
LONG_SOURCE = 90  # letters of a line about where a model comes from
CLI_ADVICE = tr(" Give a local file")  # where advice for the command line begins; the dialog has a button for it


class ModelDialog(QDialog):
    """The models, one chosen; made ready, measured, compared and used from here."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rates: dict[str, str] = {}  # of models, by fingerprint: how fast they are here, in words
        self._wanted_name = ""  # chosen when the list comes
        self.job = ModelJob(self)
        self.setWindowTitle(tr("Choose a model"))
        self.resize(WIDTH, HEIGHT)
        self._make_widgets()
        self._arrange_widgets()
        self._connect_signals()

    # Building

    def _make_widgets(self) -> None:
        self.in_use_line = make_label("", wrap=True)
        columns = list_columns("")
        self.table = RowTableModel(columns)
        self.view = make_table_view(self.table, columns, tr("Models"))
        self.table.setParent(self.view)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.name_line, self.facts_line = make_label("", "title"), make_label("", wrap=True)
        self.source_line, self.rate_line = make_label("", "muted", wrap=True), make_label("", "muted", wrap=True)
        self.answer_line = make_label("", wrap=True)
        self.progress_bar = QProgressBar()
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setFixedHeight(4)
        self.ready_button, self.use_button = (
            make_button(tr("Download…")),
            make_button(tr("Use for this library"), "primary"),
        )
        self.compare_button = make_button(tr("Better on your photos?"))
        self.remove_button, self.file_button = make_button(tr("Remove from here")), make_button(tr("From a file…"))
        self.back_button, self.cancel_button = make_button(tr("Go back to the model before")), make_button(tr("Cancel"))
        self.close_button = make_button(tr("Close"))

    def _arrange_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.in_use_line)
        column.addWidget(self.view, 1)
        for label in (self.name_line, self.facts_line, self.source_line, self.rate_line, self.answer_line):
            column.addWidget(label)
        progress_row = QHBoxLayout()
        progress_row.addWidget(self.progress_bar, 1)
        progress_row.addWidget(self.cancel_button)
        column.addLayout(progress_row)
        column.addLayout(
            _line_up([self.ready_button, self.compare_button, self.remove_button, self.file_button], self.use_button)
        )
        column.addLayout(_line_up([self.back_button], self.close_button))

    def _connect_signals(self) -> None:
        self.view.selectionModel().currentRowChanged.connect(self._show_row)
        self.job.changed.connect(self._show_work)
        self._session.work.follow_source(self.job.read_work, self.job.changed)
        self._session.library.changed.connect(self._show_row)
        self._session.job.changed.connect(self._show_work)
        self._session.closing.connect(self.job.close_children)
        for button, slot in (
            (self.ready_button, self._make_ready),
            (self.use_button, self._use_model),
            (self.compare_button, self._compare_models),
            (self.remove_button, self._remove_model),
            (self.file_button, self._choose_file),
            (self.back_button, partial(start_switch_back, self._session)),
            (self.cancel_button, self.job.cancel),
            (self.close_button, self.close),
        ):
            button.setAutoDefault(False)
            button.clicked.connect(partial(_call, slot))

    # The list

    def refresh_list(self, name: str = "") -> None:
        """Read the list again; then the row of that name is the chosen one, else the one before."""
        row = self._chosen_row()
        self._wanted_name = name or (row.name if row else "")
        self.job.start_command(["list"], self._take_list)

    def _take_list(self, result: Mapping[str, Any]) -> None:
        rows = parse_rows(result)
        self.table.columns = list_columns(self._used_fingerprint())
        self.table.show_rows(rows)
        names = [row.name for row in rows]
        used = next((row.name for row in rows if row.fingerprint == self._used_fingerprint()), names[0])
        wanted = self._wanted_name if self._wanted_name in names else used
        self.view.selectRow(names.index(wanted))
        self._show_row()

    def _used_fingerprint(self) -> str:
        info = self._session.library.info
        return info.fingerprint if info else ""

    def _chosen_row(self) -> ModelRow | None:
        index = self.view.currentIndex()
        return self.table.rows[index.row()] if index.isValid() and index.row() < len(self.table.rows) else None

    # The chosen row

    def _show_row(self, *_: object) -> None:
        row, info = self._chosen_row(), self._session.library.info
        own = tr("The library sees with {model}. ", model=name_model(info.model, info.fingerprint)) if info else ""
        self.in_use_line.setText(tr("{own}Labels and decisions stay whatever the model, and you can go back.", own=own))
        self.name_line.setText(row.full_name if row else "")
        self.facts_line.setText(f"{_shorten(row.good_for)}\n{row.facts}" if row else "")
        self.source_line.setText(_shorten(row.source) if row else "")
        self.rate_line.setText(self._describe_rate(row) if row else "")
        self.answer_line.setText("")
        self._show_work()
        if row and row.is_ready and row.fingerprint not in self._rates and self.job.child is None:
            self.job.start_command(["info", row.fingerprint], partial(self._take_rate, row.fingerprint))

    def _describe_rate(self, row: ModelRow) -> str:
        if not row.is_ready:
            return tr("How fast it is here can be measured when it is ready.")
        return self._rates.get(row.fingerprint, tr("Measuring how fast it is here…"))

    def _take_rate(self, fingerprint: str, result: Mapping[str, Any]) -> None:
        rate = result.get("photos_per_minute")
        self._rates[fingerprint] = (
            tr("About {rate:,} photos a minute here, one after another.", rate=int(rate)) if rate else ""
        )
        row = self._chosen_row()
        if row is not None:
            self.rate_line.setText(self._describe_rate(row))

    def _show_work(self) -> None:
        """What is at work, or why it gave nothing, and which buttons can be pressed."""
        row, child = self._chosen_row(), self.job.child
        self.progress_bar.setVisible(child is not None)
        self.cancel_button.setVisible(child is not None)
        if child is not None:
            progress = child.state.progress
            self.progress_bar.setRange(0, 1000 if progress.total else 0)
            self.progress_bar.setValue(round(1000 * progress.done / progress.total) if progress.total else 0)
            if progress.stage == "download" and progress.total:
                self.answer_line.setText(
                    tr(
                        "{note}: {done:,.0f} of {total:,.0f} MB",
                        note=progress.note,
                        done=progress.done / 1e6,
                        total=progress.total / 1e6,
                    )
                )
            elif progress.note:
                self.answer_line.setText(progress.note)
        elif self.job.sentence:
            self.answer_line.setText(_adapt_sentence(self.job.sentence))
        self._enable_buttons(row, is_idle=child is None)

    def _enable_buttons(self, row: ModelRow | None, *, is_idle: bool) -> None:
        is_used = row is not None and row.fingerprint == self._used_fingerprint() != ""
        can_switch = row is not None and row.is_ready and not is_used and not explain_switch_obstacle(self._session)
        self.ready_button.setVisible(row is not None and not row.is_ready)
        self.ready_button.setText(tr("Make it ready") if row is not None and row.is_packaged else tr("Download…"))
        self.ready_button.setEnabled(is_idle)
        self.use_button.setEnabled(is_idle and can_switch)
        self.compare_button.setEnabled(is_idle and can_switch)
        self.remove_button.setVisible(row is not None and row.is_ready and row.state == "installed")
        self.remove_button.setEnabled(is_idle and not is_used)
        self.file_button.setEnabled(is_idle)
        self.back_button.setVisible(can_switch_back(self._session))

    # What the buttons do

    def _make_ready(self) -> None:
        row = self._chosen_row()
        if row is None or not (row.is_packaged or self._accepts_download(row)):
            return
        accepted = ["--accept-licence"] if row.non_commercial else []
        self.job.start_command(["add", row.name, *accepted], lambda _: self.refresh_list(row.name))

    def _accepts_download(self, row: ModelRow) -> bool:
        """Say what is downloaded from where under which licence, and ask."""
        limits = tr("\n\nThis licence forbids commercial use.") if row.non_commercial else ""
        text = tr(
            "Download {name}, {megabytes} MB, from {source}?\n\nIts licence: {licence}.{limits}",
            name=row.name,
            megabytes=row.megabytes,
            source=row.source,
            licence=row.licence,
            limits=limits,
        )
        box = make_message_box(self, text, title=tr("Download a model"))
        accept = box.addButton(tr("Accept and download"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(tr("Not now"), QMessageBox.ButtonRole.RejectRole)
        box.exec()
        box.deleteLater()
        return box.clickedButton() is accept

    def _use_model(self) -> None:
        row = self._chosen_row()
        if row is not None:
            start_model_switch(self._session, Path(row.path), anyway=True)
            self.close()

    def _compare_models(self) -> None:
        row = self._chosen_row()
        if row is not None:
            words = ["compare", row.fingerprint, "--library", str(self._session.library.folder)]
            self.job.start_command(words, lambda result: self.answer_line.setText(describe_comparison(result)))

    def _remove_model(self) -> None:
        row = self._chosen_row()
        if row is not None:
            self.job.start_command(["remove", row.fingerprint], lambda _: self.refresh_list())

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Weights of a model"), "", WEIGHTS_FILTER)
        if not path:
            return
        row = self._chosen_row()
        names = [one.name for one in self.table.rows if one.source.startswith("https:")]
        current = names.index(row.name) if row is not None and row.name in names else 0
        question = tr("Of which model are these weights? A name of the list, or of a network of timm:")
        name, accepted = QInputDialog.getItem(self, tr("Weights of a model"), question, names, current)
        if accepted and name:
            self.job.start_command(["add", name, "--weights", path], lambda _: self.refresh_list())

    def closeEvent(self, event: Any) -> None:
        """End what is at work; a download goes on where it was when it is wanted again."""
        self.job.drop()
        super().closeEvent(event)


def _line_up(left: Sequence[QPushButton], right: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for button in left:
        row.addWidget(button)
    row.addStretch(1)
    row.addWidget(right)
    return row


def _call(slot: Any, *_: object) -> None:
    """Call without what the signal brings."""
    slot()


def _shorten(source: str) -> str:
    return source if len(source) <= LONG_SOURCE else f"{source[: LONG_SOURCE - 1]}…"


def _adapt_sentence(sentence: str) -> str:
    """The sentence of a command, with the dialog's own button in the place of advice for the command line."""
    said, cut, _ = sentence.partition(CLI_ADVICE)
    return tr("{said} Or download its file elsewhere, and choose it: From a file…", said=said) if cut else said
