"""What is it? The vote of the nearest labelled photos on the query's picture, or *unknown*, and how far to trust that.

Asked for by a button, as its threshold has to be measured again when photos or labels have changed. Another query
clears the answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.errors import LookalikeError
from indexer.statistics.likeness import find_likeness_word
from indexer.wording import tr
from retrieval_app.actions.enrolment import EnrolmentRow, PictureEnrolment
from retrieval_app.actions.labels import LABELS_KEY, list_labels
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import FoldedSection, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.wording import format_error_rate, format_share
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.library import Library
    from indexer.matching.identification import IdentificationResult, LabelAlternative
    from indexer.matching.identification_rule import IdentificationRuleCache
    from indexer.search.query import QueryExample

NO_LABELS = tr(
    "No photo here has a label yet, so nothing can be told by its likes. Give this one its label, and a few more."
)
MAX_VOTES_SHOWN = 4  # labels that were voted for


class _IdentityRequest(NamedTuple):
    """The key of the question about the query with this number."""

    number: int


class IdentityPanel(QWidget):
    """A button, and below it the answer: the label, others that were voted for, the rates."""

    answer_shown = Signal()

    def __init__(self, session: Session, questions: LibraryReaders) -> None:
        super().__init__()
        self._session = session
        self._questions = questions
        self._request = _IdentityRequest(0)
        self._query = session.search.query
        self._rules: IdentificationRuleCache | None = None  # made with the first question
        self.ask_button = make_button(tr("What is it?"))
        self.verdict = make_label("", "name", wrap=True)
        self.votes = make_label("", wrap=True)
        self.reasons = make_label("", "caption", wrap=True)
        self.how_sure = FoldedSection(tr("How sure?"), self.reasons)
        self.enrolment = PictureEnrolment(session, self)
        self.enrolment_row = EnrolmentRow()
        self.ask_button.setToolTip(tr("Ask the nearest labelled photos for a label of this picture (?)"))
        explain_figure(self, "identity")
        self.ask_button.clicked.connect(self.ask_identity)
        self.enrolment_row.label_given.connect(self._give_label)
        self.enrolment_row.label_edit.focus_entered.connect(lambda: questions.ask_question(LABELS_KEY, list_labels))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.ask_button, self.verdict, self.votes, self.enrolment_row, self.how_sure):
            column.addWidget(part)
        session.search.query_changed.connect(self._follow_query)
        questions.answered.connect(self._take_identity)
        questions.refused.connect(self._show_refusal)
        self._show_answer("", "", "")
        self.setVisible(session.search.query is not None)

    def ask_identity(self) -> None:
        """Ask for the label of the query's first picture."""
        query = self._session.search.query
        if query is not None:
            from indexer.matching.identification_rule import IdentificationRuleCache

            self._rules = self._rules or IdentificationRuleCache()
            self._drop_request()
            self._show_answer(tr("Asking the nearest…"), "", "")
            self._questions.ask_question(
                self._request, partial(_identify_example, example=query.positives[0], rules=self._rules)
            )

    def _follow_query(self) -> None:
        """Clear the answer where the query is another one, or is searched with another model."""
        self.setVisible(self._session.search.query is not None)
        if self._session.search.query is not self._query:
            self._query = self._session.search.query
            self._drop_request()
            self._show_answer("", "", "")

    def _drop_request(self) -> None:
        self._questions.drop_question(self._request)
        self._request = _IdentityRequest(self._request.number + 1)

    def _take_identity(self, key: object, answer: object) -> None:
        if key == self._request:
            from indexer.matching.identification import IdentificationResult, describe_identity

            assert isinstance(answer, IdentificationResult)
            self._show_answer(describe_identity(answer), describe_votes(answer), describe_rates(answer))
            self._offer_label(answer.best or "")
        elif key == LABELS_KEY and isinstance(answer, list):
            self.enrolment_row.label_edit.offer_labels(answer)

    def _show_refusal(self, key: object, sentence: str) -> None:
        if key == self._request:
            self._show_answer(tr("Nothing can be said."), sentence, "")
            self._offer_label("")

    def _offer_label(self, label: str) -> None:
        """Offer this label, or one to be written, for the picture that was asked about."""
        self.enrolment_row.offer_label(label)
        self.enrolment_row.show()
        self.answer_shown.emit()

    def _give_label(self, label: str) -> None:
        """Give the picture a label; where that is done, the answer is another one."""
        if self._query is not None:
            self.enrolment.enrol_example(self._query.positives[0], label)
            self._drop_request()
            self._show_answer("", "", "")

    def _show_answer(self, verdict: str, votes: str, reasons: str) -> None:
        for part, text in ((self.verdict, verdict), (self.votes, votes)):
            part.setText(text)
            part.setVisible(bool(text))
        self.enrolment_row.hide()
        self.reasons.setText(reasons)
        self.how_sure.setVisible(bool(reasons))


def describe_votes(identity: IdentificationResult) -> str:
    """The labels that were voted for, best first, a line each with their share and how close their photos are."""
    return "\n".join(_describe_vote(candidate) for candidate in identity.alternatives[:MAX_VOTES_SHOWN])


def _describe_vote(candidate: LabelAlternative) -> str:
    word = f" ({found})" if (found := find_likeness_word(candidate)) else ""
    return tr(
        "{label}: {vote} of the vote, distance {distance:.3f}{word}",
        label=candidate.label,
        vote=format_share(candidate.vote),
        distance=candidate.distance,
        word=word,
    )


def describe_rates(identity: IdentificationResult) -> str:
    """From which distance on a picture counts as unknown, the error rates of that, and how they were measured."""
    nothing = tr("Everything counts as unknown: there is too little to tell known from unknown by.")
    sentences = [identity.describe_rule() or nothing]
    if identity.confidence is not None:
        share = format_share(identity.confidence)
        sentences.append(
            tr(
                "If half of what is asked is known, {best} is right {share} of the time.",
                best=identity.best,
                share=share,
            )
        )
    if identity.fmr is not None:
        sentences.append(tr("Pictures of other things are taken for known {fmr}.", fmr=format_error_rate(identity.fmr)))
    if identity.identified is not None:
        sentences.append(
            tr("Known ones are given their label {identified}.", identified=format_error_rate(identity.identified))
        )
    sentences.append(
        tr("A distance is the mean of those to the nearest three of a label. {measured}", measured=identity.measured)
    )
    return " ".join(sentences)


def _identify_example(library: Library, example: QueryExample, rules: IdentificationRuleCache) -> IdentificationResult:

    if not list_labels(library):
        raise LookalikeError(NO_LABELS)
    from indexer.matching.identification import identify_with_rule

    return identify_with_rule(rules.get_rule(library), example)
