"""Below two pictures side by side: whether they are the same in one sentence, and unfolded, how sure that is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.statistics.likeness import describe_likeness, explain_levels
from indexer.wording import tr
from retrieval_app.charts.pair_distance_plot import DistancePlot
from retrieval_app.viewer.comparison import (
    HeatPair,
    PairVerdict,
    PointPair,
    compute_heat_pair,
    compute_point_pair,
    judge_pair,
)
from retrieval_app.widgets.controls import FoldedSection, make_label, stack_widgets
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_error_rate
from retrieval_app.workers.library_thread import LibraryTask
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.search.query import QueryExample
    from indexer.statistics.calibration import PairComparison

LAYERS = {"heats": compute_heat_pair, "points": compute_point_pair}  # what may lie over a pair, by name
NO_POINTS = tr("No points of these two lie alike.")
NOTHING_KNOWN = tr("Nothing can be said: there are too few photos.")


class ComparedPair(NamedTuple):
    """Two pictures that are compared: the partner, of a query or chosen, and a photo of the library."""

    partner: QueryExample
    photo_id: int


class _PairQuestion(NamedTuple):
    """The key of a question about the pair with this number."""

    subject: str  # "verdict" or a key of LAYERS
    pair_number: int


class ComparisonStrip(QWidget):
    """The verdict on a pair, with its reasons, error rates and the distances of labelled pairs folded below."""

    layer_changed = Signal(str, object)  # a key of LAYERS, and its HeatPair or PointPair, or None while there is none
    notice_posted = Signal(str)

    def __init__(self, theme: Theme, questions: LibraryReaders) -> None:
        super().__init__()
        self._questions = questions
        self._pair: ComparedPair | None = None
        self._pair_number = 0
        self._layers = dict[str, HeatPair | PointPair]()  # those of the pair that have been computed
        self.shown_layers = set[str]()
        self.verdict = make_label("", "name", wrap=True)
        self.figures = make_label("", "caption", wrap=True)
        self.plot = DistancePlot(theme)
        explain_figure(self, "pair")
        explain_figure(self.plot, "plot")
        self.fold = FoldedSection(tr("How sure?"), stack_widgets(self.figures, self.plot))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 8)
        column.setSpacing(0)
        column.addWidget(self.verdict)
        column.addWidget(self.fold)
        questions.answered.connect(self._take_answer)
        questions.refused.connect(self._show_refusal)

    def show_pair(self, pair: ComparedPair | None) -> None:
        """Compare a pair; None compares nothing more."""
        for subject in ("verdict", *LAYERS):
            self._questions.drop_question(_PairQuestion(subject, self._pair_number))
        self._pair, self._layers = pair, {}
        self._pair_number += 1
        for layer in LAYERS:
            self.layer_changed.emit(layer, None)
        if pair is not None:
            self.verdict.setText(tr("Comparing…"))
            self._ask_question("verdict", partial(judge_pair, first=pair.partner, second=pair.photo_id))
            for layer in sorted(self.shown_layers):
                self.show_layer(layer, True)

    def show_layer(self, name: str, is_shown: bool) -> None:
        """Lay one of LAYERS over the pair, or take it away; it is computed when it is first shown."""
        (self.shown_layers.add if is_shown else self.shown_layers.discard)(name)
        if is_shown and name not in self._layers and self._pair is not None:
            first, second = self._pair
            self._ask_question(name, partial(LAYERS[name], first=first, second=second))
        self.layer_changed.emit(name, self._layers.get(name) if is_shown else None)

    def _ask_question(self, subject: str, task: LibraryTask) -> None:
        self._questions.ask_question(_PairQuestion(subject, self._pair_number), task)

    def _take_answer(self, key: object, answer: object) -> None:
        if not isinstance(key, _PairQuestion) or key.pair_number != self._pair_number:
            return
        if isinstance(answer, HeatPair | PointPair):
            self._layers[key.subject] = answer
            self.show_layer(key.subject, key.subject in self.shown_layers)
            if answer == PointPair([], []):
                self.notice_posted.emit(NO_POINTS)
        elif isinstance(answer, PairVerdict):
            comparison = answer.comparison
            self.verdict.setText(describe_likeness(comparison) or NOTHING_KNOWN)
            self.verdict.setToolTip(explain_levels(comparison))
            self.figures.setText(f"{explain_figures(comparison)} {comparison.measured}")
            self.plot.show_pair(answer.histogram, comparison.distance, comparison.threshold)
            self.fold.show()

    def _show_refusal(self, key: object, sentence: str) -> None:
        if isinstance(key, _PairQuestion) and key == _PairQuestion("verdict", self._pair_number):
            self.verdict.setText(tr("These cannot be compared. {sentence}", sentence=sentence))
            self.fold.hide()


def explain_figures(comparison: PairComparison) -> str:
    """What stands behind a comparison, in sentences: distance and threshold, and how often the threshold is wrong."""
    sentences = [_describe_distance(comparison)]
    if comparison.fmr is not None:
        errors = tr("{fmr} about pairs that differ", fmr=format_error_rate(comparison.fmr))
        if comparison.fnmr is not None:
            errors += tr(" and {fnmr} about pairs that are the same", fnmr=format_error_rate(comparison.fnmr))
        sentences.append(tr("The threshold is wrong {errors}.", errors=errors))
    return " ".join(sentences)


def _describe_distance(comparison: PairComparison) -> str:
    """The distance, and whether it is below the threshold, above it, or in the range that counts as not sure."""
    distance = tr("Distance {distance:.3f}", distance=comparison.distance)
    if comparison.threshold is None:
        return f"{distance}."
    if comparison.distance < comparison.threshold:
        return tr(
            "{distance}, nearer than the threshold of {threshold:.3f}.",
            distance=distance,
            threshold=comparison.threshold,
        )
    beyond = tr(
        "{distance}, beyond the threshold of {threshold:.3f}", distance=distance, threshold=comparison.threshold
    )
    if comparison.verdict == "different" or comparison.different_from is None:
        return f"{beyond}."
    return tr(
        "{beyond}, but nearly all pairs that are the same lie below {different_from:.3f}, so may this.",
        beyond=beyond,
        different_from=comparison.different_from,
    )
