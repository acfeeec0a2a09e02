"""The figures of an evaluation as a file for other programs: written in a thread, never into a photo folder."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from indexer.paths import show_path
from indexer.wording import tr
from retrieval_app.dialogs.save_dialog import ask_destination
from retrieval_app.evaluation.evaluation_report import EvaluationReport
from retrieval_app.session.session import Session
from retrieval_app.workers.writer import LibraryWriter

if TYPE_CHECKING:
    from indexer.library import Library

EXPORT_KINDS = {
    tr("All figures for programs (*.json)"): "json",
    tr("Figures of each label for spreadsheets (*.csv)"): "csv",
}


class EvaluationExporter(QObject):
    """Asks for a file and has the figures written into it."""

    written = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent
        self._writer = LibraryWriter(self)  # not the library's, so that no label waits for it
        self._writer.written.connect(self._report_written)
        self._writer.refused.connect(lambda _key, sentence: session.notice_posted.emit(sentence))
        session.closing.connect(self._writer.abandon)

    def ask_destination(self, report: EvaluationReport) -> None:
        """Ask for a file, and write the figures into it."""
        start = Path.home() / "evaluation"
        write = partial(self.write_file, report=report)
        ask_destination(self._window, tr("Export the figures"), start, EXPORT_KINDS, write)

    def write_file(self, out: Path, report: EvaluationReport) -> None:
        """Write into this file: JSON with all figures, or CSV with those of each label."""
        self._writer.follow_library(self._session.library.folder)
        self._writer.write(out, partial(write_report, out=out, report=report))

    def _report_written(self, _key: object, sentence: object) -> None:
        self._session.notice_posted.emit(str(sentence))
        self.written.emit()


def write_report(library: Library, out: Path, report: EvaluationReport) -> str:
    """Write the file; a sentence about what was written. LookalikeError where it may not or cannot lie there."""
    import json

    from indexer import atomic
    from indexer.errors import LookalikeError
    from indexer.places import require_safe_output
    from indexer.reports.export import write_csv
    from retrieval_app.evaluation.evaluation_report import LabelRow

    if out.suffix.lower() not in (".json", ".csv"):
        raise LookalikeError("Figures are written as .json or .csv: choose a name that ends so.")
    require_safe_output(out, library=library.folder, overwrite=True)  # the dialog has asked
    try:
        if out.suffix.lower() == ".csv":
            write_csv(out, LabelRow._fields, report.labels)
        else:
            atomic.write_file(out, (json.dumps(report.fields, indent=1) + "\n").encode())
    except OSError as error:
        raise LookalikeError(
            "{out} cannot be written ({strerror}).", out=show_path(os.fsencode(out)), strerror=error.strerror
        ) from error
    return tr("Figures written to {out}", out=show_path(os.fsencode(out)))
