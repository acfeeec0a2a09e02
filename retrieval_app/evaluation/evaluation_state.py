"""The evaluation of the open library as one object without widgets: are there labels, and what a child has measured."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

from retrieval_app.evaluation.evaluation_report import EvaluationReport, parse_report
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.session.session import Session

if TYPE_CHECKING:
    from indexer.library import Library


class LabelStock(NamedTuple):
    """What there is to measure by: the number of labelled photos and of labels that two of them share, and a stamp that
    changes with the library.
    """

    photos: int
    shared_labels: int
    stamp: tuple[object, ...]

    @property
    def is_enough(self) -> bool:
        """Whether there are two labels, one of them of two photos."""
        return self.shared_labels > 0 and self.photos > 2


class EvaluationState(QObject):
    """The labels and the report of the open library; reads and measures only while the page is visible."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._visible = False
        self._measured_stamp: tuple[object, ...] | None = None  # of the labels at the start of the measuring
        self.stock: LabelStock | None = None  # None until it is read
        self.report: EvaluationReport | None = None
        self.job = QuestionJob(session, self)
        self._reader = session.make_reader(self, self._take_stock)
        self.job.answered.connect(self._take_report)
        self.job.state_changed.connect(self.changed)
        session.library.left.connect(self._leave_library)
        session.library.changed.connect(self._follow_library)

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is visible; a visible one reads the labels, and is measured once by itself."""
        self._visible = visible
        if visible:
            self._read_stock()

    @property
    def is_outdated(self) -> bool:
        """Whether labels, photos or model have changed since what is shown was measured."""
        return self.report is not None and self.stock is not None and self.stock.stamp != self._measured_stamp

    def start_measuring(self) -> None:
        """Measure the library as it is now, in a child process."""
        if self.stock is not None:
            self._measured_stamp = self.stock.stamp
            self.job.start_question(["evaluate"])

    def cancel_measuring(self) -> None:
        """Stop; what was measured before stays."""
        self.job.drop_question()

    def _leave_library(self) -> None:
        self.job.drop_question()
        self.stock = self.report = self._measured_stamp = None
        self._reader.open_library(None)
        self.changed.emit()

    def _follow_library(self) -> None:
        if self._visible:
            self._read_stock()

    def _read_stock(self) -> None:
        if not self._session.library.is_empty:
            self._reader.follow_library(self._session.library.folder)
            self._reader.ask_question("labels", read_label_stock)

    def _take_stock(self, _key: object, stock: LabelStock) -> None:
        self.stock = stock
        if self._measured_stamp is None and stock.is_enough and self._visible:
            self.start_measuring()
        self.changed.emit()

    def _take_report(self, fields: dict[str, object]) -> None:
        self.report = parse_report(fields)
        self.changed.emit()


def read_label_stock(library: Library) -> LabelStock:
    """How much of a library is labelled now."""
    counts = Counter(library.annotations.read_labels(library.model_id).values())
    shared = sum(count > 1 for count in counts.values()) if len(counts) > 1 else 0
    stamp = (library.model_fingerprint, library.annotations.fingerprint_labels()[0], *sorted(counts.items()))
    return LabelStock(sum(counts.values()), shared, stamp)
