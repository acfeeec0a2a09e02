"""What is it? The vote of the nearest labelled photos on the query's picture, or *unknown*, and how far to trust that.

Asked for by a button, as its threshold is measured where photos or labels have changed; another query takes the
answer away.
"""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.identity import Identity, Rules, identify_by
from indexer.search.query import Example
from indexer.statistics.error_rates import Rate
from retrieval_app import wording as words
from retrieval_app.session import side_questions as asides
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides
from retrieval_app.widgets.controls import button, label

NO_LABELS = (
    "No photo here has a label yet, so nothing can be told by its likes. Give a few photos a label in their details."
)
SHOWN = 4  # labels that were voted for


class _Asked(NamedTuple):
    """The question about the query that came `ticket`-th."""

    ticket: int


class IdentityPanel(QWidget):
    """A button, and below it the answer: the label, others that were voted for, the rates."""

    said = Signal()

    def __init__(self, session: Session, beside: Asides) -> None:
        super().__init__()
        self._session = session
        self._asides = beside
        self._asked = _Asked(0)
        self._query = session.query
        self._rules = Rules()
        self.ask_button = button("What is it?")
        self.verdict = label("", "name", wrap=True)
        self.votes = label("", wrap=True)
        self.reasons = label("", "caption", wrap=True)
        self.ask_button.setToolTip("Ask the nearest labelled photos for a label of this picture (?)")
        self.ask_button.clicked.connect(self.ask)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.ask_button, self.verdict, self.votes, self.reasons):
            column.addWidget(part)
        session.query_changed.connect(self._follow)
        beside.answered.connect(self._take)
        beside.refused.connect(self._refuse)
        self._say("", "", "")
        self.setVisible(session.query is not None)

    def ask(self) -> None:
        """Have the query's first picture voted on."""
        query = self._session.query
        if query is not None:
            self._drop()
            self._say("Asking the nearest…", "", "")
            self._asides.ask(self._asked, partial(_identity, example=query.positives[0], rules=self._rules))

    def _follow(self) -> None:
        """Another query, or another model, has another answer."""
        self.setVisible(self._session.query is not None)
        if self._session.query is not self._query:
            self._query = self._session.query
            self._drop()
            self._say("", "", "")

    def _drop(self) -> None:
        self._asides.drop(self._asked)
        self._asked = _Asked(self._asked.ticket + 1)

    def _take(self, key: object, answer: object) -> None:
        if key == self._asked and isinstance(answer, Identity):
            self._say(answer.label or "Unknown", votes(answer), reasons(answer))
            self.said.emit()

    def _refuse(self, key: object, sentence: str) -> None:
        if key == self._asked:
            self._say("Nothing can be said", "", sentence)
            self.said.emit()

    def _say(self, verdict: str, votes: str, reasons: str) -> None:
        for part, text in ((self.verdict, verdict), (self.votes, votes), (self.reasons, reasons)):
            part.setText(text)
            part.setVisible(bool(text))


def votes(found: Identity) -> str:
    """The labels that were voted for, a line each."""
    return "\n".join(
        f"{one.label}: {words.share(one.vote)} of the vote, distance {one.distance:.3f}"
        for one in found.alternatives[:SHOWN]
    )


def reasons(found: Identity) -> str:
    """From where on a picture counts as unknown, how often that is wrong, and how it was measured."""
    said = []
    if found.threshold is None:
        said.append("Everything counts as unknown: there is too little to tell known from unknown by.")
    else:
        said.append(f"What is not nearer than {found.threshold:.3f} counts as unknown.")
    if found.fmr is not None:
        said.append(f"Pictures of other things are taken for known {_often(found.fmr)}.")
    if found.identified is not None:
        said.append(f"Known ones are given their label {_often(found.identified)}.")
    said.append(f"A distance is the mean of those to the nearest three of a label. {found.measured}")
    return " ".join(said)


def _often(rate: Rate) -> str:
    return f"{words.times(rate.value)} (95 % interval {words.share(rate.low)} to {words.share(rate.high)})"


def _identity(library: Library, example: Example, rules: Rules) -> Identity:
    if not asides.labels(library):
        raise LookalikeError(NO_LABELS)
    return identify_by(rules.of(library), example)
