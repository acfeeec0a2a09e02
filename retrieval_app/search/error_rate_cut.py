"""Cutting results off at a stated false-match rate instead of a distance: a menu of rates, each with its distance.

The false-match rate (FMR) is the share of pictures that differ which come in all the same. What the pairs at hand
cannot show is said instead of offered.
"""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QMenu, QWidget

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.statistics.calibration import Calibration
from retrieval_app import wording as words
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides

FMRS = (0.1, 0.01, 0.001)
RATES = "false-match rates"


class Limit(NamedTuple):
    """A false-match rate, what it says, and its distance; None where it cannot be shown, which `why` then says."""

    fmr: float
    said: str
    distance: float | None
    why: str


class RateCut(QMenu):
    """The rates to choose from; asked for when it opens, as they change with labels and photos."""

    def __init__(self, session: Session, beside: Asides, parent: QWidget) -> None:
        super().__init__("Cut off at a false-match rate", parent)
        self._session = session
        self._folder = session.folder
        self.limits: list[Limit] = []
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(lambda: beside.ask(RATES, rates))
        beside.answered.connect(self._take)
        session.library_changed.connect(self._follow)
        session.listing_changed.connect(self._allow)
        self._fill()

    def said(self, cut: float) -> str:
        """The rate that this cut-off was chosen by, in words; "" for any other."""
        return next((limit.said for limit in self.limits if limit.distance == cut), "")

    def _take(self, key: object, answer: object) -> None:
        if key == RATES and isinstance(answer, list):
            self.limits = answer
            self._fill()

    def _follow(self) -> None:
        """Another library has other rates."""
        if self._folder != self._session.folder:
            self._folder, self.limits = self._session.folder, []
            self._fill()

    def _fill(self) -> None:
        self.clear()
        self._allow()
        if not self.limits:
            self.addAction("Measuring what distances mean here…").setEnabled(False)
            return
        self.addAction("All results").triggered.connect(partial(self._cut, None))
        for limit in self.limits:
            if limit.distance is None:
                action = self.addAction(f"{limit.said}: cannot be shown by the pairs here")
                action.triggered.connect(partial(self._refuse, limit.why))
            else:
                action = self.addAction(f"{limit.said}: nearer than {limit.distance:.3f}")
                action.triggered.connect(partial(self._cut, limit.distance))
            action.setToolTip(limit.why)

    def _cut(self, distance: float | None) -> None:
        self._session.cut_at(distance)

    def _refuse(self, sentence: str) -> None:
        self._session.noticed.emit(sentence)

    def _allow(self) -> None:
        self.menuAction().setEnabled(bool(self._session.found.hits))


def rates(library: Library) -> list[Limit]:
    """What each of FMRS means in this library, as `lookalike search --max-fmr` takes it."""
    known = library.calibration()
    return [_limit(known, fmr) for fmr in FMRS]


def _limit(known: Calibration, fmr: float) -> Limit:
    strangers = "random photos" if known.source == "photos" else "pictures that differ"
    said = f"Lets 1 in {round(1 / fmr):,} {strangers} in"
    try:
        found = known.cutoff(fmr)
    except LookalikeError as error:
        return Limit(fmr, said, None, str(error))
    missed = f", and {words.times(found.fnmr.value)} one that is the same is missed" if found.fnmr else ""
    interval = f"95 % interval {words.share(found.fmr.low)} to {words.share(found.fmr.high)}"
    return Limit(fmr, said, found.furthest, f"False-match rate {fmr:g} ({interval}){missed}. {known.measured()}")
