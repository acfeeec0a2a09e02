"""Two pictures beside each other: are they the same, how sure is that, and where do they match."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from indexer.library import Photo
from indexer.paths import show_path
from indexer.search.query import Example
from indexer.statistics.calibration import Comparison
from indexer.statistics.error_rates import Rate
from retrieval_app import wording as words
from retrieval_app.compare import comparison as pairs
from retrieval_app.compare.comparison import Heats, Opinion
from retrieval_app.compare.distance_plot import DistancePlot
from retrieval_app.session.marks import same
from retrieval_app.session.side_questions import Asides
from retrieval_app.widgets import distance_band as bands
from retrieval_app.widgets.controls import Elided, button, label
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import Sharp, View, ZoomView
from retrieval_app.workers.child_process import Work

VERDICTS = {"same": "Counts as the same", "different": "Counts as different", "not sure": "Not sure"}
STEPS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}


class _Key(NamedTuple):
    """A question about the pair that was shown `ticket`-th."""

    what: str
    ticket: int


class ComparePage(QWidget):
    """The query's picture on the left, a photo of the library on the right, zoom and pan locked."""

    closed = Signal()
    stepped = Signal(int)  # 1 for the next result, -1 for the one before

    def __init__(self, theme: Theme, beside: Asides) -> None:
        super().__init__()
        self._asides = beside
        self._ticket = 0
        self._pair: tuple[Example, Example] | None = None
        self._heats: Heats | None = None
        self.verdict = label("", "title")
        self.reasons = label("", wrap=True)
        self._measured = label("", "caption", wrap=True)
        self.first, self.second = ZoomView(theme, "Query picture"), ZoomView(theme, "Photo")
        self._names = Elided("caption"), Elided("caption")
        self.plot = DistancePlot(theme)
        self.why = QCheckBox("Show where they match")
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._head())
        self.reasons.setMinimumHeight(2 * self.reasons.fontMetrics().lineSpacing())  # the pictures keep their place
        self.reasons.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.reasons)
        row = QHBoxLayout()
        row.setSpacing(12)
        for name, view in zip(self._names, (self.first, self.second), strict=True):
            side = QVBoxLayout()
            side.setSpacing(4)
            side.addWidget(view, 1)
            side.addWidget(name)
            row.addLayout(side, 1)
        column.addLayout(row, 1)
        column.addWidget(self.plot)
        column.addWidget(self._measured)

    def _head(self) -> QHBoxLayout:
        back, before, after = button("Back to the results"), button("Previous"), button("Next")
        back.setToolTip("Back to the results (Esc, Space)")
        before.setToolTip("Compare with the result before (Page Up)")
        after.setToolTip("Compare with the next result (Page Down)")
        back.clicked.connect(self.closed)
        before.clicked.connect(partial(self.stepped.emit, -1))
        after.clicked.connect(partial(self.stepped.emit, 1))
        self.why.setToolTip("Heat maps: light where a place of one picture is found in the other (W)")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.verdict)
        head.addStretch(1)
        for widget in (self.why, before, after, back):
            head.addWidget(widget)
        return head

    def _connect(self) -> None:
        self.why.toggled.connect(self._explain)
        for view in (self.first, self.second):
            view.viewed.connect(self._lock)
        self._asides.answered.connect(self._take)
        self._asides.refused.connect(self._refuse)

    # The pair

    def show_pair(self, first: Example, name: str, photo: Photo) -> None:
        """Compare the query's picture with a photo; the part that is seen stays the same from pair to pair."""
        for what in ("first", "second", "opinion", "heats"):
            self._asides.drop(_Key(what, self._ticket))
        old, self._pair, self._heats = self._pair, (first, photo.id), None
        self._ticket += 1
        self._names[0].setText(name)
        self._names[1].setText(show_path(photo.path.rpartition(b"/")[2]))
        self.verdict.setText("Comparing…")
        self.reasons.clear()
        self._measured.clear()
        self.second.show_picture(None)
        for view in (self.first, self.second):
            view.show_heat(None)
        self._explain(self.why.isChecked())
        self._ask("opinion", partial(pairs.opinion, first=first, second=photo.id))
        self._ask("second", partial(pairs.sharp, example=photo.id))
        if old is None or not same(old[0], first) or self.first.waiting():
            self.first.show_picture(None)
            self._ask("first", partial(pairs.sharp, example=first))

    def _ask(self, what: str, work: Work) -> None:
        self._asides.ask(_Key(what, self._ticket), work)

    def _explain(self, wanted: bool) -> None:
        """Show the heat maps, computed when they are first asked for."""
        if wanted and self._heats is None and self._pair is not None:
            first, second = self._pair
            self._ask("heats", partial(pairs.heats, first=first, second=second))
        shown = self._heats if wanted else None
        self.first.show_heat(shown.first if shown else None)
        self.second.show_heat(shown.second if shown else None)

    def _take(self, key: object, answer: object) -> None:
        if not isinstance(key, _Key) or key.ticket != self._ticket:
            return
        if isinstance(answer, Sharp):
            (self.first if key.what == "first" else self.second).show_picture(answer)
        elif isinstance(answer, Heats):
            self._heats = answer
            self._explain(self.why.isChecked())
        elif isinstance(answer, Opinion):
            found = answer.comparison
            self.verdict.setText(VERDICTS[found.verdict])
            self.reasons.setText(reasons(found))
            self._measured.setText(found.measured)
            self.plot.show_pair(answer.histogram, found.distance, found.threshold)

    def _refuse(self, key: object, sentence: str) -> None:
        if isinstance(key, _Key) and key.ticket == self._ticket:
            self.verdict.setText("These cannot be compared")
            self.reasons.setText(sentence)

    def _lock(self, view: View) -> None:
        for one in (self.first, self.second):
            one.show_view(view)

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
        elif event.key() in STEPS:
            self.stepped.emit(STEPS[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_W:
            self.why.toggle()
        else:
            super().keyPressEvent(event)


def reasons(found: Comparison) -> str:
    """What each figure is: the verdict goes by a threshold, whose errors are of pairs known to differ or to be same.

    The probability is of a pair of which only the distance is known: where most pairs differ, it may be small for one
    that counts as the same, and then the reason is said too.
    """
    said = [_place(found)]
    if found.fmr is not None:
        missed = f" and {_often(found.fnmr)} about pairs that are the same" if found.fnmr else ""
        said.append(f"The threshold is wrong {_often(found.fmr)} about pairs that differ{missed}.")
    if found.probability is not None:
        why = ", as pairs that differ are far more common" * (found.verdict == "same" and found.probability < 0.5)
        share = words.confidence(found.probability)
        said.append(f"Of all pairs at this distance {share} have the same label{why}.")
    elif found.rarity is not None:
        said.append(f"It is {bands.rarity(found.rarity)}.")
    return " ".join(said)


def _place(found: Comparison) -> str:
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


def _often(rate: Rate) -> str:
    interval = f"95 % interval {words.share(rate.low)} to {words.share(rate.high)}"
    return f"{words.times(rate.value)} ({interval})"
