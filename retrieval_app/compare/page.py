"""Two pictures beside each other: are they the same, how sure is that, and where do they match."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from indexer.library import Photo
from indexer.paths import show_path
from indexer.search.query import QueryExample
from indexer.statistics.calibration import PairComparison
from indexer.statistics.error_rates import ErrorRate
from retrieval_app.compare.comparison import HeatPair, PairVerdict, compute_heat_pair, judge_pair, load_sharp_picture
from retrieval_app.compare.distance_plot import DistancePlot
from retrieval_app.session.marks import is_same_example
from retrieval_app.session.side_questions import SideQuestions
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.distance_band import describe_rarity
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import ResolutionPair, ZoomState, ZoomView
from retrieval_app.wording import format_confidence, format_frequency, format_share
from retrieval_app.workers.readers import LibraryTask

VERDICT_TEXTS = {"same": "Counts as the same", "different": "Counts as different", "not sure": "Not sure"}
PAGE_KEY_STEPS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}


class _CompareRequest(NamedTuple):
    """A question about the pair that was shown `ticket`-th."""

    question: str
    pair_number: int


class ComparePage(QWidget):
    """The query's picture on the left, a photo of the library on the right, zoom and pan locked."""

    closed = Signal()
    stepped = Signal(int)  # 1 for the next result, -1 for the one before

    def __init__(self, theme: Theme, questions: SideQuestions) -> None:
        super().__init__()
        self._questions = questions
        self._pair_number = 0
        self._pair: tuple[QueryExample, QueryExample] | None = None
        self._heats: HeatPair | None = None
        self.verdict = make_label("", "title")
        self.reasons = make_label("", wrap=True)
        self._measurement_label = make_label("", "caption", wrap=True)
        self.first_view, self.second_view = ZoomView(theme, "Query picture"), ZoomView(theme, "Photo")
        self._name_labels = ElidedLabel("caption"), ElidedLabel("caption")
        self.plot = DistancePlot(theme)
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
        self.reasons.setMinimumHeight(2 * self.reasons.fontMetrics().lineSpacing())  # the pictures keep their place
        self.reasons.setAlignment(Qt.AlignmentFlag.AlignTop)
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
        column.addWidget(self.plot)
        column.addWidget(self._measurement_label)

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
        """Compare the query's picture with a photo; the part that is seen stays the same from pair to pair."""
        for what in ("first", "second", "opinion", "heats"):
            self._questions.drop_question(_CompareRequest(what, self._pair_number))
        old, self._pair, self._heats = self._pair, (first, photo.id), None
        self._pair_number += 1
        self._name_labels[0].setText(name)
        self._name_labels[1].setText(show_path(photo.path.rpartition(b"/")[2]))
        self.verdict.setText("Comparing…")
        self.reasons.clear()
        self._measurement_label.clear()
        self.second_view.show_picture(None)
        for view in (self.first_view, self.second_view):
            view.show_heat(None)
        self._show_heats(self.heat_box.isChecked())
        self._ask_question("opinion", partial(judge_pair, first=first, second=photo.id))
        self._ask_question("second", partial(load_sharp_picture, example=photo.id))
        if old is None or not is_same_example(old[0], first) or self.first_view.is_waiting():
            self.first_view.show_picture(None)
            self._ask_question("first", partial(load_sharp_picture, example=first))

    def _ask_question(self, what: str, work: LibraryTask) -> None:
        self._questions.ask_question(_CompareRequest(what, self._pair_number), work)

    def _show_heats(self, wanted: bool) -> None:
        """Show the heat maps, computed when they are first asked for."""
        if wanted and self._heats is None and self._pair is not None:
            first, second = self._pair
            self._ask_question("heats", partial(compute_heat_pair, first=first, second=second))
        shown = self._heats if wanted else None
        self.first_view.show_heat(shown.first if shown else None)
        self.second_view.show_heat(shown.second if shown else None)

    def _take_answer(self, key: object, answer: object) -> None:
        if not isinstance(key, _CompareRequest) or key.pair_number != self._pair_number:
            return
        if isinstance(answer, ResolutionPair):
            (self.first_view if key.question == "first" else self.second_view).show_picture(answer)
        elif isinstance(answer, HeatPair):
            self._heats = answer
            self._show_heats(self.heat_box.isChecked())
        elif isinstance(answer, PairVerdict):
            found = answer.comparison
            self.verdict.setText(VERDICT_TEXTS[found.verdict])
            self.reasons.setText(explain_verdict(found))
            self._measurement_label.setText(found.measured)
            self.plot.show_pair(answer.histogram, found.distance, found.threshold)

    def _show_refusal(self, key: object, sentence: str) -> None:
        if isinstance(key, _CompareRequest) and key.pair_number == self._pair_number:
            self.verdict.setText("These cannot be compared")
            self.reasons.setText(sentence)

    def _lock_views(self, view: ZoomState) -> None:
        for one in (self.first_view, self.second_view):
            one.show_zoom_state(view)

    # The keys

    def event(self, event: QEvent) -> bool:
        """Escape goes back to the results before it means anything else."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_W)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and Space go back, the page keys go on to other results, W shows where they match."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Space):
            self.closed.emit()
        elif event.key() in PAGE_KEY_STEPS:
            self.stepped.emit(PAGE_KEY_STEPS[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_W:
            self.heat_box.toggle()
        else:
            super().keyPressEvent(event)


def explain_verdict(found: PairComparison) -> str:
    """What each figure is: the verdict goes by a threshold, whose errors are of pairs known to differ or to be same.

    The probability is of a pair of which only the distance is known: where most pairs differ, it may be small for one
    that counts as the same, and then the reason is said too.
    """
    sentences = [_describe_distance(found)]
    if found.fmr is not None:
        missed = f" and {_describe_error_rate(found.fnmr)} about pairs that are the same" if found.fnmr else ""
        sentences.append(f"The threshold is wrong {_describe_error_rate(found.fmr)} about pairs that differ{missed}.")
    if found.probability is not None:
        why = ", as pairs that differ are far more common" * (found.verdict == "same" and found.probability < 0.5)
        share = format_confidence(found.probability)
        sentences.append(f"Of all pairs at this distance {share} have the same label{why}.")
    elif found.rarity is not None:
        sentences.append(f"It is {describe_rarity(found.rarity)}.")
    return " ".join(sentences)


def _describe_distance(found: PairComparison) -> str:
    """Where the distance lies among what counts as the same and as different."""
    distance = f"Distance {found.distance:.3f}"
    if found.threshold is None:
        return f"{distance}."
    if found.distance < found.threshold:
        return f"{distance}, nearer than the threshold of {found.threshold:.3f}."
    beyond = f"{distance}, beyond the threshold of {found.threshold:.3f}"
    if found.verdict == "different" or found.different_from is None:
        return f"{beyond}."
    return f"{beyond}, but pairs count as different only from {found.different_from:.3f} on."


def _describe_error_rate(rate: ErrorRate) -> str:
    interval = f"95 % interval {format_share(rate.low)} to {format_share(rate.high)}"
    return f"{format_frequency(rate.value)} ({interval})"
