"""Two pictures side by side: whether they are the same, how sure that is, and where they match."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from indexer.paths import show_file_name
from indexer.search.query import QueryExample
from indexer.search.results import Photo
from indexer.statistics.calibration import PairComparison
from indexer.statistics.likeness import LikenessParts, explain_levels, split_likeness
from retrieval_app.compare.comparison import HeatPair, PairVerdict, compute_heat_pair, judge_pair, load_sharp_picture
from retrieval_app.compare.distance_plot import DistancePlot
from retrieval_app.session.marks import is_same_example
from retrieval_app.widgets.controls import ElidedLabel, FoldedSection, make_button, make_label, stack_widgets
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import ResolutionPair, ZoomState, ZoomView
from retrieval_app.wording import format_error_rate
from retrieval_app.workers.library_thread import LibraryTask
from retrieval_app.workers.readers import LibraryReaders

PAGE_KEY_STEPS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}


class _CompareRequest(NamedTuple):
    """The key of a question about the pair with this number."""

    question: str
    pair_number: int


class ComparePage(QWidget):
    """The query's picture on the left, a photo of the library on the right, zoom and pan locked."""

    closed = Signal()
    stepped = Signal(int)  # 1 for the next result, -1 for the one before

    def __init__(self, theme: Theme, questions: LibraryReaders) -> None:
        super().__init__()
        self._questions = questions
        self._pair_number = 0
        self._pair: tuple[QueryExample, QueryExample] | None = None
        self._heats: HeatPair | None = None
        self.verdict = make_label("", "title")
        self.reasons = make_label("", wrap=True)
        self.figures = make_label("", "caption", wrap=True)
        self.first_view, self.second_view = ZoomView(theme, "Query picture"), ZoomView(theme, "Photo")
        self._name_labels = ElidedLabel("caption"), ElidedLabel("caption")
        self.plot = DistancePlot(theme)
        self.how_sure = FoldedSection("How sure?", stack_widgets(self.figures, self.plot))
        self.heat_box = QCheckBox("Show where they match")
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange_widgets()
        self._connect_signals()

    def _arrange_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._make_head())
        self.reasons.setMinimumHeight(self.reasons.fontMetrics().lineSpacing())  # the pictures keep their place
        column.addWidget(self.reasons)
        row = QHBoxLayout()
        row.setSpacing(12)
        for name, view in zip(self._name_labels, (self.first_view, self.second_view), strict=True):
            side = QVBoxLayout()
            side.setSpacing(4)
            side.addWidget(view, 1)
            side.addWidget(name)
            row.addLayout(side, 1)
        column.addLayout(row, 1)
        column.addWidget(self.how_sure)

    def _make_head(self) -> QHBoxLayout:
        back, before, after = make_button("Back to the results"), make_button("Previous"), make_button("Next")
        back.setToolTip("Back to the results (Esc, Space)")
        before.setToolTip("Compare with the result before (Page Up)")
        after.setToolTip("Compare with the next result (Page Down)")
        back.clicked.connect(self.closed)
        before.clicked.connect(partial(self.stepped.emit, -1))
        after.clicked.connect(partial(self.stepped.emit, 1))
        self.heat_box.setToolTip("Heat maps: light where a place of one picture is found in the other (W)")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.verdict)
        head.addStretch(1)
        for widget in (self.heat_box, before, after, back):
            head.addWidget(widget)
        return head

    def _connect_signals(self) -> None:
        self.heat_box.toggled.connect(self._show_heats)
        for view in (self.first_view, self.second_view):
            view.zoom_changed.connect(self._lock_views)
        self._questions.answered.connect(self._take_answer)
        self._questions.refused.connect(self._show_refusal)

    # The pair

    def show_pair(self, first: QueryExample, name: str, photo: Photo) -> None:
        """Compare the query's picture with a photo; zoom and position stay the same from pair to pair."""
        for question in ("first", "second", "verdict", "heats"):
            self._questions.drop_question(_CompareRequest(question, self._pair_number))
        previous_pair, self._pair, self._heats = self._pair, (first, photo.id), None
        self._pair_number += 1
        self._name_labels[0].setText(name)
        self._name_labels[1].setText(show_file_name(photo.path))
        self.verdict.setText("Comparing…")
        self.reasons.clear()
        self.figures.clear()
        self.second_view.show_picture(None)
        for view in (self.first_view, self.second_view):
            view.show_heat(None)
        self._show_heats(self.heat_box.isChecked())
        self._ask_question("verdict", partial(judge_pair, first=first, second=photo.id))
        self._ask_question("second", partial(load_sharp_picture, example=photo.id))
        if previous_pair is None or not is_same_example(previous_pair[0], first) or self.first_view.is_waiting():
            self.first_view.show_picture(None)
            self._ask_question("first", partial(load_sharp_picture, example=first))

    def _ask_question(self, question: str, task: LibraryTask) -> None:
        self._questions.ask_question(_CompareRequest(question, self._pair_number), task)

    def _show_heats(self, is_shown: bool) -> None:
        """Show or hide the heat maps; they are computed when they are first shown."""
        if is_shown and self._heats is None and self._pair is not None:
            first, second = self._pair
            self._ask_question("heats", partial(compute_heat_pair, first=first, second=second))
        heats = self._heats if is_shown else None
        self.first_view.show_heat(heats.first if heats else None)
        self.second_view.show_heat(heats.second if heats else None)

    def _take_answer(self, key: object, answer: object) -> None:
        if not isinstance(key, _CompareRequest) or key.pair_number != self._pair_number:
            return
        if isinstance(answer, ResolutionPair):
            (self.first_view if key.question == "first" else self.second_view).show_picture(answer)
        elif isinstance(answer, HeatPair):
            self._heats = answer
            self._show_heats(self.heat_box.isChecked())
        elif isinstance(answer, PairVerdict):
            comparison = answer.comparison
            parts = split_likeness(comparison) or LikenessParts("Nothing can be said", "there are too few photos")
            self.verdict.setText(parts.opening)
            self.verdict.setToolTip(explain_levels(comparison))
            self.reasons.setText(f"{parts.evidence[:1].upper()}{parts.evidence[1:]}.")
            self.figures.setText(f"{explain_figures(comparison)} {comparison.measured}")
            self.plot.show_pair(answer.histogram, comparison.distance, comparison.threshold)

    def _show_refusal(self, key: object, sentence: str) -> None:
        if isinstance(key, _CompareRequest) and key.pair_number == self._pair_number:
            self.verdict.setText("These cannot be compared")
            self.reasons.setText(sentence)

    def _lock_views(self, state: ZoomState) -> None:
        for view in (self.first_view, self.second_view):
            view.show_zoom_state(state)

    # The keys

    def event(self, event: QEvent) -> bool:
        """Claim Escape and W from the window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_W)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go back with Escape and Space, to other results with the page keys, show the heat maps with W."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Space):
            self.closed.emit()
        elif event.key() in PAGE_KEY_STEPS:
            self.stepped.emit(PAGE_KEY_STEPS[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_W:
            self.heat_box.toggle()
        else:
            super().keyPressEvent(event)


def explain_figures(comparison: PairComparison) -> str:
    """What stands behind a comparison, in sentences: distance and threshold, and how often the threshold is wrong."""
    sentences = [_describe_distance(comparison)]
    if comparison.fmr is not None:
        errors = f"{format_error_rate(comparison.fmr)} about pairs that differ"
        if comparison.fnmr is not None:
            errors += f" and {format_error_rate(comparison.fnmr)} about pairs that are the same"
        sentences.append(f"The threshold is wrong {errors}.")
    return " ".join(sentences)


def _describe_distance(comparison: PairComparison) -> str:
    """The distance, and whether it is below the threshold, above it, or in the range that counts as not sure."""
    distance = f"Distance {comparison.distance:.3f}"
    if comparison.threshold is None:
        return f"{distance}."
    if comparison.distance < comparison.threshold:
        return f"{distance}, nearer than the threshold of {comparison.threshold:.3f}."
    beyond = f"{distance}, beyond the threshold of {comparison.threshold:.3f}"
    if comparison.verdict == "different" or comparison.different_from is None:
        return f"{beyond}."
    return f"{beyond}, but nearly all pairs that are the same lie below {comparison.different_from:.3f}, so may this."
