"""The page Evaluate: how well the library's model finds photos of the same label."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from indexer.search.query import Query
from retrieval_app.evaluation.evaluation_state import EvaluationState
from retrieval_app.evaluation.evaluation_wording import describe_scope
from retrieval_app.evaluation.figure_row import FigureRow
from retrieval_app.evaluation.mistakes_view import MistakesView
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.job_wording import describe_job, describe_stage

HOW_TO_LABEL = (
    "Select photos that show the same and press Ctrl+L to give them a label; do so for two kinds or more. Or index a "
    "folder whose sub-folders are named by what they hold: File > Index labelled folder."
)
OUTDATED = "Labels, photos or the model have changed since."
CANCEL_TEXT = "Cancel measuring"


class EvaluationPage(QStackedWidget):
    """An invitation while there are no photos or no labels, else figures with views of what stands behind them."""

    folder_wanted = Signal()
    photos_wanted = Signal()  # the photos, to label some

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.evaluation = EvaluationState(session, self)
        self.folder_invitation = InvitationView(
            "How well the model finds what belongs together will stand here",
            "Index a photo folder first.",
            "Choose a photo folder",
        )
        self.label_invitation = InvitationView(
            "Give some photos a label, and it can be measured how well each finds its like",
            HOW_TO_LABEL,
            "Show the photos to label",
        )
        self.first_view = InvitationView("How well does each photo find its like?", "", "Measure")
        self.status_label = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        self.measure_button = make_button("Measure again")
        self.cancel_button = make_button(CANCEL_TEXT, "link")
        self.figure_row = FigureRow()
        self.scope_label = make_label("", "caption", wrap=True)
        self.mistakes_view = MistakesView(tiles, theme)
        self.body = self._make_body()
        for page in (self.folder_invitation, self.label_invitation, self.first_view, self.body):
            self.addWidget(page)
        self._shown_report: object = None
        self._connect_signals()
        self._update_page()

    def _make_body(self) -> QWidget:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(make_label("Evaluate", "title"))
        head.addWidget(self.status_label, 1)
        for button in (self.cancel_button, self.measure_button):
            head.addWidget(button)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self.figure_row)
        column.addWidget(self.scope_label)
        column.addWidget(self.mistakes_view, 1)
        return body

    def _connect_signals(self) -> None:
        self.folder_invitation.accepted.connect(self.folder_wanted)
        self.label_invitation.accepted.connect(self.photos_wanted)
        self.first_view.accepted.connect(self._toggle_measuring)
        self.measure_button.clicked.connect(self.evaluation.start_measuring)
        self.cancel_button.clicked.connect(self.evaluation.cancel_measuring)
        self.mistakes_view.chosen.connect(self._find_similar)
        self.evaluation.changed.connect(self._update_page)
        for signal in (self._session.library.changed, self._session.job.changed):
            signal.connect(self._update_page)

    def _toggle_measuring(self) -> None:
        """Measure for the first time, or stop doing so."""
        if self.evaluation.job.state is None:
            self.evaluation.start_measuring()
        else:
            self.evaluation.cancel_measuring()

    def _find_similar(self, photo_id: int) -> None:
        self._session.search.run_query(Query(positives=(photo_id,)))

    def take_focus(self) -> None:
        """Give the keyboard focus to the matrix, or to the invitation in its place."""
        shown = self.currentWidget()
        if isinstance(shown, InvitationView):
            shown.offer.setFocus()
        else:
            self.mistakes_view.matrix.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Let the figures follow the library from now on."""
        super().showEvent(event)
        self.evaluation.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Let them rest while nobody sees them."""
        super().hideEvent(event)
        self.evaluation.set_visible(False)

    def _update_page(self) -> None:
        state = self.evaluation
        self.setCurrentWidget(self._choose_view())
        indexing = describe_stage(self._session.job.state_here)
        self.folder_invitation.show_work(
            indexing, "Figures can be measured as soon as photos are indexed." * bool(indexing)
        )
        is_measuring = state.job.state is not None
        for label in (self.status_label, self.first_view.promise):
            label.setText(self._describe_state())
        self.first_view.offer.setText(CANCEL_TEXT if is_measuring else "Measure")
        self.first_view.offer.setEnabled(state.stock is not None)
        self.cancel_button.setVisible(is_measuring)
        self.measure_button.setVisible(not is_measuring)
        if state.report is not None and state.report is not self._shown_report:
            self.figure_row.show_report(state.report)
            self.scope_label.setText(describe_scope(state.report))
            self.mistakes_view.show_report(state.report)
        self._shown_report = state.report

    def _choose_view(self) -> QWidget:
        if self._session.library.is_known_empty:
            return self.folder_invitation
        stock = self.evaluation.stock
        if stock is not None and not stock.is_enough and self.evaluation.report is None:
            return self.label_invitation
        return self.body if self.evaluation.report is not None else self.first_view

    def _describe_state(self) -> str:
        state = self.evaluation
        if state.job.state is not None:
            return describe_job(state.job.state)
        if state.job.failure_sentence:
            return state.job.failure_sentence
        if state.stock is None:
            return "Reading the labels…"
        return OUTDATED if state.is_outdated else ""
