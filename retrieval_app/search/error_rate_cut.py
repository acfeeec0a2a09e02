"""Cutting results off at a stated false-match rate instead of a distance: a menu of rates, each with its distance.

The false-match rate (FMR) is the share of differing pictures that are nevertheless nearer than the cut-off. A rate that
the measured pairs are too few to show is listed with the reason instead of a distance.
"""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QMenu, QWidget

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.ranking.rankings import RANK_LABELS
from indexer.statistics.calibration import Calibration
from retrieval_app.session.session import Session
from retrieval_app.wording import format_frequency, format_interval
from retrieval_app.workers.readers import LibraryReaders

OFFERED_FMRS = (0.1, 0.01, 0.001)
RATES_KEY = "false-match rates"


class FmrChoice(NamedTuple):
    """A false-match rate in words, with its cut-off distance: None where the measured pairs cannot show the rate."""

    fmr: float
    sentence: str
    distance: float | None
    explanation: str  # how it was measured, or why it cannot be shown


class ErrorRateMenu(QMenu):
    """The rates to choose from, measured when the menu opens, as they change with labels and photos."""

    def __init__(self, session: Session, questions: LibraryReaders, parent: QWidget) -> None:
        super().__init__("Cut off at a false-match rate", parent)
        self._session = session
        self._folder = session.library.folder
        self.choices: list[FmrChoice] = []
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(lambda: questions.ask_question(RATES_KEY, list_fmr_choices))
        questions.answered.connect(self._take_choices)
        session.library.changed.connect(self._follow_library)
        session.search.listing_changed.connect(self._update_enabled)
        self._fill_menu()

    def describe_cut(self, cut: float) -> str:
        """The rate that this cut-off was chosen by, in words; "" for any other."""
        return next((choice.sentence for choice in self.choices if choice.distance == cut), "")

    def _take_choices(self, key: object, answer: object) -> None:
        if key == RATES_KEY and isinstance(answer, list):
            self.choices = answer
            self._fill_menu()

    def _follow_library(self) -> None:
        """Forget the rates of another library."""
        if self._folder != self._session.library.folder:
            self._folder, self.choices = self._session.library.folder, []
            self._fill_menu()

    def _fill_menu(self) -> None:
        self.clear()
        self._update_enabled()
        if not self.choices:
            self.addAction("Measuring what distances mean here…").setEnabled(False)
            return
        self.addAction("All results").triggered.connect(partial(self._cut_results, None))
        for choice in self.choices:
            if choice.distance is None:
                action = self.addAction(f"{choice.sentence}: cannot be shown by the pairs here")
                action.triggered.connect(partial(self._report_reason, choice.explanation))
            else:
                action = self.addAction(f"{choice.sentence}: nearer than {choice.distance:.3f}")
                action.triggered.connect(partial(self._cut_results, choice.distance))
            action.setToolTip(choice.explanation)

    def _cut_results(self, distance: float | None) -> None:
        self._session.search.set_max_distance(distance)

    def _report_reason(self, sentence: str) -> None:
        self._session.notice_posted.emit(sentence)

    def _update_enabled(self) -> None:
        search = self._session.search  # the rates are of the model's distances
        self.menuAction().setEnabled(bool(search.full_listing.hits) and search.ranking != RANK_LABELS)


def list_fmr_choices(library: Library) -> list[FmrChoice]:
    """A choice for each of OFFERED_FMRS; its distance is the cut-off of `lookalike search --max-fmr`."""
    calibration = library.load_calibration()
    return [_make_fmr_choice(calibration, fmr) for fmr in OFFERED_FMRS]


def _make_fmr_choice(calibration: Calibration, fmr: float) -> FmrChoice:
    mismatches = "random photos" if calibration.source == "photos" else "pictures that differ"
    sentence = f"Lets 1 in {round(1 / fmr):,} {mismatches} in"
    try:
        cutoff = calibration.choose_cutoff(fmr)
    except LookalikeError as error:
        return FmrChoice(fmr, sentence, None, str(error))
    missed = f", and {format_frequency(cutoff.fnmr.value)} one that is the same is missed" if cutoff.fnmr else ""
    return FmrChoice(
        fmr,
        sentence,
        cutoff.max_same_distance,
        f"False-match rate {fmr:g} ({format_interval(cutoff.fmr)}){missed}. {calibration.describe_pairs()}",
    )
