"""Fine-tuning: choose, train, judge, each a page of one window that leaves the main one usable."""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from indexer.errors import LookalikeError
from retrieval_app import wording as words
from retrieval_app.fine_tuning.pages import ChoosePage, RunningPage
from retrieval_app.fine_tuning.report_job import RunReport
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.fine_tuning.training_progress import explained
from retrieval_app.fine_tuning.verdict_view import VerdictView
from retrieval_app.session import library_commands_library_model as library_model
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import button, label
from retrieval_app.widgets.theme import Theme

MARGIN = 32  # px of the main window that stay in view


class TrainDialog(QDialog):
    """Closing it leaves a training at work; opening it again shows where that is."""

    def __init__(self, tuning: FineTuning, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tuning = tuning
        self._session = session
        self._theme = theme
        self.choose_page = ChoosePage(tuning, session, theme)
        self.verdict = VerdictView(theme)
        self.pages = QStackedWidget()
        self.note = label("", "muted", wrap=True)
        self.report = RunReport(session, self)
        self.read = button("Open the report")
        self.discard = button("Discard…")
        self.cancel = button("Cancel training")
        self.leave = button("Close")
        self.start = button("Start", "primary")
        self.use = button("", "primary")
        self.setWindowTitle("Fine-tune the model")
        self.setMinimumSize(720, 480)
        self.resize(960, 700)
        self._arrange()
        self._connect()
        self._show()
        self.start.setFocus()

    def _arrange(self) -> None:
        for page in (self.choose_page, self.verdict):
            self.pages.addWidget(page)
        foot = QWidget()
        foot.setProperty("role", "status")
        foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(foot)
        row.setContentsMargins(24, 12, 24, 12)
        row.setSpacing(12)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.note, 1)
        for control in self._buttons():
            control.setAutoDefault(False)
            row.addWidget(control)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.pages, 1)
        column.addWidget(foot)

    def _buttons(self) -> tuple[QPushButton, ...]:
        return (self.read, self.discard, self.cancel, self.leave, self.start, self.use)

    def _connect(self) -> None:
        self.choose_page.source.folder_wanted.connect(self._ask_folder)
        self.choose_page.form.changed.connect(self._say)
        self.start.clicked.connect(self._start)
        self.cancel.clicked.connect(self.tuning.cancel)
        self.leave.clicked.connect(self.close)
        self.read.clicked.connect(self._read)
        self.report.changed.connect(self._say)
        self.discard.clicked.connect(self._discard)
        self.use.clicked.connect(self._use)
        self.tuning.changed.connect(self._show)
        self.tuning.advanced.connect(self._show_buttons)
        for signal in (self._session.library_changed, self._session.job_changed):
            signal.connect(self._say)

    @cached_property
    def running_page(self) -> RunningPage:
        """Made when it is first shown, as charts take their time."""
        page = RunningPage(self.tuning, self._theme)
        self.pages.addWidget(page)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        """It leaves some of the main window in view."""
        super().showEvent(event)
        if (window := self.parentWidget()) is not None:
            self.resize(self.size().boundedTo(window.size() - QSize(MARGIN, MARGIN)))

    def close_readers(self) -> None:
        """End what reads pictures and makes the report; the main window is closing."""
        self.verdict.close_reader()
        self.report.close()

    # Keeping up

    def _show(self) -> None:
        """The page that fits the state, with its buttons."""
        outcome = self.tuning.outcome
        page: QWidget = self.choose_page
        if self.tuning.running:
            page = self.running_page
        elif outcome is not None:
            page = self.verdict
        if page is self.verdict is not self.pages.currentWidget() and outcome is not None:
            self.verdict.show_outcome(outcome)
        turned = page is not self.pages.currentWidget()
        self.pages.setCurrentWidget(page)
        self._show_buttons()
        self._say()
        if turned:
            (self.start if page is self.choose_page else self.leave).setFocus()

    def _show_buttons(self) -> None:
        running, done = self.tuning.running, not self.tuning.running and self.tuning.outcome is not None
        for control, shown in (
            (self.start, not running and not done),
            (self.cancel, running),
            (self.read, done),
            (self.discard, done),
            (self.use, done),
        ):
            control.setVisible(shown)
        self.cancel.setEnabled(self.tuning.course is None or not self.tuning.course.stopping)
        outcome = self.tuning.outcome
        worth = outcome is None or outcome.install
        self.use.setText("Use this model" if worth else "Use it anyway…")
        self.use.setProperty("role", "primary" if worth else "")  # nothing invites to a model that is not better
        self.use.style().polish(self.use)

    def _say(self) -> None:
        """One sentence at the foot: what stands in the way, how long it takes, what comes next."""
        if self.tuning.running:
            self.note.setText("You can close this and go on working; the training goes on.")
        elif self.tuning.outcome is not None:
            obstacle = library_model.obstacle(self._session)
            self.use.setEnabled(not obstacle)
            for control in (self.read, self.discard):
                control.setEnabled(not self.report.busy)
            self.note.setText(
                self.report.sentence
                or obstacle
                or "Using it embeds all photos of the library once more; you can go back."
            )
        else:
            obstacle, told = self._readiness()
            self.start.setEnabled(not obstacle)
            self.note.setText("  ".join(part for part in (self.tuning.sentence, obstacle or told) if part))

    def _readiness(self) -> tuple[str, str]:
        """Why it cannot start, and how long it would take."""
        try:
            config = self.choose_page.form.config()
        except LookalikeError as fault:
            return str(fault), ""
        obstacle = self.tuning.obstacle(config)
        return obstacle, "" if obstacle else explained(config, self.tuning.learning(config))

    # What the buttons do

    def _ask_folder(self) -> None:
        start = str(self.choose_page.source.folder or Path.home())
        name = QFileDialog.getExistingDirectory(self, "Choose a folder whose sub-folders are named by class", start)
        if name:
            self.tuning.choose(Path(name))

    def _start(self) -> None:
        self.report.sentence = ""
        self.tuning.start(self.choose_page.form.config())

    def _read(self) -> None:
        if self.tuning.outcome is not None:
            self.report.open(self.tuning.outcome.checkpoint)

    def _discard(self) -> None:
        self._ask("Delete the new model? The library keeps the one it has.", "Delete it", self.tuning.discard)

    def _use(self) -> None:
        outcome = self.tuning.outcome
        if outcome is None:
            return
        doubts = [] if outcome.install else ["On pictures it has never seen it is not clearly better than before."]
        if away := library_model.folders_away(self._session):
            doubts.append(
                f"{words.count(away, 'photo folder is', 'photo folders are')} offline: their photos cannot be found "
                "under the new model until they are back and indexed."
            )
        take = partial(self._take, outcome.checkpoint, anyway=bool(doubts))
        if doubts:
            self._ask(" ".join([*doubts, "Use the new model anyway?"]), "Use it", take)
        else:
            take()

    def _take(self, checkpoint: Path, *, anyway: bool) -> None:
        self.tuning.again()
        self.close()
        library_model.use(self._session, checkpoint, anyway=anyway)

    def _ask(self, question: str, yes: str, act: Callable[[], None]) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, self.windowTitle(), question, parent=self)
        box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton("Keep as it is", QMessageBox.ButtonRole.RejectRole))
        box.accepted.connect(act)
        box.open()
