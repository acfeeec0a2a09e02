"""Cutting results off by likeness instead of a distance: a menu of the words of the tiles, and below it of error rates.

A word's cut-off is the distance up to which tiles say it or a stronger one. The false-match rate (FMR) is the
share of differing pictures that are nevertheless nearer than the cut-off. A rate that the measured pairs are too few to
show is listed with the reason instead of a distance.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtWidgets import QMenu, QWidget

from indexer.errors import LookalikeError
from indexer.ranking.search_request import RANK_LABELS
from indexer.statistics.likeness import SAME, LevelCut, find_level_cuts
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.wording import format_frequency, format_interval
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.library import Library
    from indexer.statistics.calibration import Calibration

OFFERED_FMRS = (0.1, 0.01, 0.001)
CHOICES_KEY = "cut-offs"


class FmrChoice(NamedTuple):
    """A false-match rate in words, with its cut-off distance: None where the measured pairs cannot show the rate."""

    fmr: float
    sentence: str
    distance: float | None
    explanation: str  # how it was measured, or why it cannot be shown


class CutChoices(NamedTuple):
    """What results can be cut off by: words of likeness, each with its distance, and false-match rates."""

    levels: list[LevelCut]
    rates: list[FmrChoice]


NOTHING_MEASURED = CutChoices([], [])


class LikenessCutMenu(QMenu):
    """The words and rates to choose from, measured when the menu opens, as they change with labels and photos."""

    def __init__(self, session: Session, questions: LibraryReaders, parent: QWidget) -> None:
        super().__init__(tr("Cut off by likeness"), parent)
        self._session = session
        self._folder = session.library.folder
        self.choices = NOTHING_MEASURED
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(lambda: questions.ask_question(CHOICES_KEY, list_cut_choices))
        questions.answered.connect(self._take_choices)
        session.library.changed.connect(self._follow_library)
        session.search.listing_changed.connect(self._update_enabled)
        self._fill_menu()

    def describe_cut(self, cut: float) -> str:
        """The word or rate that this cut-off was chosen by; "" for any other."""
        words = [(describe_level_cut(choice), choice.distance) for choice in self.choices.levels]
        words += [(choice.sentence, choice.distance) for choice in self.choices.rates if choice.distance is not None]
        return next((sentence for sentence, distance in words if distance == cut), "")

    def _take_choices(self, key: object, answer: object) -> None:
        if key == CHOICES_KEY and isinstance(answer, CutChoices):
            self.choices = answer
            self._fill_menu()

    def _follow_library(self) -> None:
        """Forget the rates of another library."""
        if self._folder != self._session.library.folder:
            self._folder, self.choices = self._session.library.folder, NOTHING_MEASURED
            self._fill_menu()

    def _fill_menu(self) -> None:
        self.clear()
        self._update_enabled()
        if not self.choices.rates:
            self.addAction(tr("Measuring what distances mean here…")).setEnabled(False)
            return
        self.addAction(tr("All results")).triggered.connect(partial(self._cut_results, None))
        for cut in self.choices.levels:
            action = self.addAction(
                tr("{level_cut}: nearer than {distance:.3f}", level_cut=describe_level_cut(cut), distance=cut.distance)
            )
            action.setToolTip(cut.level.meaning)
            action.triggered.connect(partial(self._cut_results, cut.distance))
        self.rate_menu = self.addMenu(tr("By error rate"))
        self.rate_menu.setToolTipsVisible(True)
        for choice in self.choices.rates:
            self._add_rate(self.rate_menu, choice)

    def _add_rate(self, menu: QMenu, choice: FmrChoice) -> None:
        if choice.distance is None:
            action = menu.addAction(tr("{sentence}: cannot be shown by the pairs here", sentence=choice.sentence))
            action.triggered.connect(partial(self._report_reason, choice.explanation))
        else:
            action = menu.addAction(
                tr("{sentence}: nearer than {distance:.3f}", sentence=choice.sentence, distance=choice.distance)
            )
            action.triggered.connect(partial(self._cut_results, choice.distance))
        action.setToolTip(choice.explanation)

    def _cut_results(self, distance: float | None) -> None:
        self._session.search.conditions.set_max_distance(distance)

    def _report_reason(self, sentence: str) -> None:
        self._session.notice_posted.emit(sentence)

    def _update_enabled(self) -> None:
        search = self._session.search  # the rates are of the model's distances
        self.menuAction().setEnabled(bool(search.full_listing.hits) and search.conditions.ranking != RANK_LABELS)


def list_cut_choices(library: Library) -> CutChoices:
    """The words that hold here, and each of OFFERED_FMRS with the cut-off of `lookalike search --max-fmr`."""
    calibration = library.load_calibration()
    rates = [_make_fmr_choice(calibration, fmr) for fmr in OFFERED_FMRS]
    return CutChoices(find_level_cuts(calibration.interpret_distance), rates)


def describe_level_cut(cut: LevelCut) -> str:
    """What a cut-off at a level leaves, in words: 'Only the same', 'Likely and better', 'Only very close', 'Close and
    better'.
    """
    if cut.level.strength == SAME.strength:
        return tr("Only the same") if cut.level == SAME else tr("Only {word}", word=tr(cut.level.word))
    return tr("{capitalize} and better", capitalize=tr(cut.level.word).capitalize())


def _make_fmr_choice(calibration: Calibration, fmr: float) -> FmrChoice:
    mismatches = tr("random photos") if calibration.source == "photos" else tr("pictures that differ")
    sentence = tr("Lets 1 in {fmr:,} {mismatches} in", fmr=round(1 / fmr), mismatches=mismatches)
    try:
        cutoff = calibration.choose_cutoff(fmr)
    except LookalikeError as error:
        return FmrChoice(fmr, sentence, None, str(error))
    missed = (
        tr(", and {frequency} one that is the same is missed", frequency=format_frequency(cutoff.fnmr.value))
        if cutoff.fnmr
        else ""
    )
    return FmrChoice(
        fmr,
        sentence,
        cutoff.max_same_distance,
        tr(
            "False-match rate {fmr:g} ({fmr2}){missed}. {pairs}",
            fmr=fmr,
            fmr2=format_interval(cutoff.fmr),
            missed=missed,
            pairs=calibration.describe_pairs(),
        ),
    )
