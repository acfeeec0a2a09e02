"""The picture that is asked about gets a label, and comes into the library with it where it is from outside.

A child process takes it in (`indexer.exchange.enrolment`), in its turn where a job is at work. Then it is a change like
any other: undoing it gives the photo the label it had, and hides the copy that was made.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.paths import show_path
from indexer.search.query import CroppedExample
from indexer.wording import tr
from retrieval_app.actions.label_edit import LabelEdit
from retrieval_app.actions.labels import LABEL_CHANGE, label_photos
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button

if TYPE_CHECKING:
    from PIL.Image import Image

    from indexer.exchange.enrolment import EnrolledPhoto
    from indexer.library import Library
    from indexer.search.query import QueryExample


class PictureEnrolment(QObject):
    """Labels the pictures of queries, one child after the other, and remembers each as a change to be undone."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._pasted: tempfile.TemporaryDirectory[str] | None = None  # made with the first pasted picture
        session.job.done.connect(self._remember_change)
        session.closing.connect(self._remove_pasted)

    def enrol_example(self, example: QueryExample, label: str) -> None:
        """Give a picture this label; of a cropped one the whole picture gets it."""
        picture = example.example if isinstance(example, CroppedExample) else example
        if isinstance(picture, int):
            label_photos(self._session.changes, [picture], label)
            return
        self._enrol_file(picture if isinstance(picture, Path) else self._keep_pasted(picture), label)

    def _keep_pasted(self, picture: Image) -> Path:
        """A file of a pasted picture, for the child to copy; named by the time, as it has no name."""
        self._pasted = self._pasted or tempfile.TemporaryDirectory(prefix="lookalike-pasted-")
        path = Path(self._pasted.name) / f"{datetime.now().astimezone():Pasted %Y-%m-%d %H.%M.%S.%f}.png"
        picture.save(path)
        return path

    def _remove_pasted(self) -> None:
        if self._pasted is not None:
            self._pasted.cleanup()

    def _enrol_file(self, path: Path, label: str) -> None:
        repeat = partial(self._enrol_file, path, label)
        subject = show_path(Path(path.name))
        self._session.job.run_command(["label", "--add", "--", label, str(path)], repeat, subject)

    def _remember_change(self, result: dict[str, object]) -> None:
        """Make what a child has done a change of the open library; done again, it finds everything done."""
        rows = result.get("added") if result["result"] == "label" else None
        if not isinstance(rows, list):
            return
        from indexer.exchange.enrolment import EnrolledPhoto

        photos = [
            EnrolledPhoto(row["id"], row["before"], None if row["copy"] is None else Path(row["copy"])) for row in rows
        ]
        label = str(result["label"])
        self._session.changes.change_library(
            tr("label a picture “{label}”", label=label),
            LABEL_CHANGE,
            tuple(photo.photo_id for photo in photos),
            partial(_repeat_enrolment, label=label, photos=photos),
            partial(_take_back, photos=photos),
        )


class EnrolmentRow(QWidget):
    """Two buttons: one gives the label of the answer, the other asks for another one, which Enter gives."""

    label_given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._label = ""
        self.accept_button, self.new_button = make_button(tr("Label it so")), make_button(tr("New label…"))
        self.label_edit = LabelEdit()
        self.label_edit.setPlaceholderText(tr("Label"))
        self.label_edit.setToolTip(tr("A label of yours for this picture (Enter gives it)"))
        self.new_button.setToolTip(
            tr("Write the label of this picture; from outside, a copy of it comes into the library")
        )
        self.accept_button.clicked.connect(lambda: self._give_label(self._label))
        self.new_button.clicked.connect(self._write_label)
        self.label_edit.returnPressed.connect(lambda: self._give_label(self.label_edit.text().strip()))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.accept_button, self.new_button, self.label_edit):
            column.addWidget(part)

    def offer_label(self, label: str) -> None:
        """Offer this label to be given; with "" only a written one can be."""
        self._label = label
        self.accept_button.setVisible(bool(label))
        self.accept_button.setToolTip(
            tr(
                "Label it {label}; from outside, a copy of it comes into the library (Ctrl+Z takes it back)",
                label=label,
            )
        )
        self.label_edit.clear()
        self.label_edit.hide()

    def _write_label(self) -> None:
        self.label_edit.show()
        self.label_edit.setFocus()

    def _give_label(self, label: str) -> None:
        if label:
            self.label_edit.hide()
            self.label_given.emit(label)


def _repeat_enrolment(library: Library, label: str, photos: list[EnrolledPhoto]) -> None:
    from indexer.exchange.enrolment import repeat_enrolment

    repeat_enrolment(library, label, photos)


def _take_back(library: Library, photos: list[EnrolledPhoto]) -> None:
    from indexer.exchange.enrolment import take_back_enrolment

    take_back_enrolment(library, photos)
