"""The page Evaluate: how well the library's model finds photos of the same label."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from indexer.search.query import Query
from indexer.wording import tr
from retrieval_app.evaluation.comparison_view import ComparisonView
from retrieval_app.evaluation.evaluation_export import EvaluationExporter
from retrieval_app.evaluation.evaluation_state import EvaluationState
from retrieval_app.evaluation.evaluation_wording import describe_scope
from retrieval_app.evaluation.figure_row import FigureRow
from retrieval_app.evaluation.label_table import LabelTable
from retrieval_app.evaluation.mistakes_view import HardestView, MistakesView
from retrieval_app.evaluation.threshold_view import ThresholdView
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache
from retrieval_app.study.lazy_study import LazyStudyDialog
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.job_wording import describe_job, describe_stage

HOW_TO_LABEL = tr(
    "Give photos of two kinds or more a label: one after the other on the page Label, or many at "
    "once by selecting them and pressing Ctrl+L. Or index a folder whose sub-folders are named "
    "by what they hold: File > Index labelled folder."
)
OUTDATED = tr("Labels, photos or the model have changed since.")
CANCEL_TEXT = tr("Cancel measuring")


class EvaluationPage(QStackedWidget):
    """An invitation while there are no photos or no labels, else figures with views of what stands behind them."""

    folder_wanted = Signal()
    labelling_wanted = Signal()  # the page that labels photos

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.evaluation = EvaluationState(session, self)
        self.folder_invitation = InvitationView(
            tr("How well the model finds what belongs together will stand here"),
            tr("Index a photo folder first."),
            tr("Choose a photo folder"),
        )
        self.label_invitation = InvitationView(
            tr("Give some photos a label, and it can be measured how well each finds its like"),
            HOW_TO_LABEL,
            tr("Label photos"),
        )
        self.first_view = InvitationView(tr("How well does each photo find its like?"), "", tr("Measure"))
        self.status_label = ElidedLabel("muted", Qt.TextElideMode.ElideRight)
        self.measure_button = make_button(tr("Measure again"))
        self.cancel_button = make_button(CANCEL_TEXT, "link")
        self.figure_row = FigureRow()
        self.scope_label = make_label("", "caption", wrap=True)
        self.mistakes_view = MistakesView(tiles, theme)
        self.threshold_view = ThresholdView(theme)
        self.label_table = LabelTable()
        self.hardest_view = HardestView(tiles, theme)
        self.comparison_view = ComparisonView(session)
        self.views = {
            tr("Mistakes"): self.mistakes_view,
            tr("Same or different"): self.threshold_view,
            tr("Labels"): self.label_table,
            tr("Hardest photos"): self.hardest_view,
            tr("Compare models"): self.comparison_view,
        }
        self.view_bar, self.view_stack = QTabBar(), QStackedWidget()
        self.copy_button, self.export_button = make_button(tr("Copy as picture"), "link"), make_button(tr("Export…"))
        self.exporter = EvaluationExporter(session, self)
        self.study_button, self.study = make_button(tr("Study…")), LazyStudyDialog(session, theme, self)
        self.body = self._make_body()
        for page in (self.folder_invitation, self.label_invitation, self.first_view, self.body):
            self.addWidget(page)
        self._shown_report: object = None
        self._connect_signals()
        self._update_page()

    def _make_body(self) -> QWidget:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(make_label(tr("Evaluate"), "title"))
        head.addWidget(self.status_label, 1)
        for button in (
            self.cancel_button,
            self.copy_button,
            self.export_button,
            self.study_button,
            self.measure_button,
        ):
            head.addWidget(button)
        self.view_bar.setDrawBase(False)
        self.view_bar.setExpanding(False)
        self.view_bar.setAccessibleName(tr("Views of the figures"))
        for name, view in self.views.items():
            self.view_bar.addTab(name)
            self.view_stack.addWidget(view)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self.figure_row)
        column.addWidget(self.scope_label)
        column.addWidget(self.view_bar, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.view_stack, 1)
        return body

    def _connect_signals(self) -> None:
        self.folder_invitation.accepted.connect(self.folder_wanted)
        self.label_invitation.accepted.connect(self.labelling_wanted)
        self.first_view.accepted.connect(self._toggle_measuring)
        self.measure_button.clicked.connect(self.evaluation.start_measuring)
        self.cancel_button.clicked.connect(self.evaluation.cancel_measuring)
        self.view_bar.currentChanged.connect(self.view_stack.setCurrentIndex)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setPixmap(self.body.grab()))
        self.export_button.clicked.connect(self._export_figures)
        self.study_button.clicked.connect(self.study.open_dialog)
        for invitation in (self.label_invitation, self.first_view):
            link = make_button(tr("Study on a folder of pictures…"), "link")
            link.clicked.connect(self.study.open_dialog)
            invitation.add_control(link)
        self.label_table.opened.connect(self._show_mistakes_of)
        for chosen in (self.mistakes_view.chosen, self.hardest_view.photos.chosen):
            chosen.connect(self._find_similar)
        self.evaluation.changed.connect(self._update_page)
        for signal in (self._session.library.changed, self._session.job.changed):
            signal.connect(self._update_page)

    def _toggle_measuring(self) -> None:
        """Measure for the first time, or stop doing so."""
        if self.evaluation.job.state is None:
            self.evaluation.start_measuring()
        else:
            self.evaluation.cancel_measuring()

    def show_view(self, name: str) -> None:
        """Show one of the views, by its name on the bar."""
        self.view_bar.setCurrentIndex(list(self.views).index(name))

    def _show_mistakes_of(self, place: int) -> None:
        """Show the most frequent mistake of a label."""
        self.show_view(tr("Mistakes"))
        self.mistakes_view.choose_label(place)

    def _export_figures(self) -> None:
        if self.evaluation.report is not None:
            self.exporter.ask_destination(self.evaluation.report)

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
        """Measure and read the library while the page is seen."""
        super().showEvent(event)
        self.evaluation.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Measure and read nothing while the page is hidden."""
        super().hideEvent(event)
        self.evaluation.set_visible(False)

    def _update_page(self) -> None:
        state = self.evaluation
        before, focused = self.currentWidget(), QApplication.focusWidget()
        self.setCurrentWidget(self._choose_view())
        had_focus = before is not None and focused is not None and before.isAncestorOf(focused)
        if had_focus and before is not self.currentWidget():
            self.take_focus()
        indexing = describe_stage(self._session.job.state_here)
        self.folder_invitation.show_work(
            indexing, tr("Figures can be measured as soon as photos are indexed.") * bool(indexing)
        )
        is_measuring = state.job.state is not None
        for label in (self.status_label, self.first_view.promise):
            label.setText(self._describe_state())
        self.first_view.offer.setText(CANCEL_TEXT if is_measuring else tr("Measure"))
        self.cancel_button.setVisible(is_measuring)
        self.measure_button.setVisible(not is_measuring)
        if state.report is not None and state.report is not self._shown_report:
            self.figure_row.show_report(state.report)
            self.scope_label.setText(describe_scope(state.report))
            for view in (self.mistakes_view, self.threshold_view, self.label_table, self.hardest_view):
                view.show_report(state.report)
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
            return tr("Reading the labels…")
        return OUTDATED if state.is_outdated else ""
