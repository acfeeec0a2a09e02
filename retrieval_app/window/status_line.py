"""The line at the foot of the window, with the running job, and the banner at its head, with what is wrong."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QWidget

from retrieval_app import wording as words
from retrieval_app.session.session import Session
from retrieval_app.session.state import JobState, Trouble
from retrieval_app.session.system_open import reveal
from retrieval_app.widgets.controls import Elided, button, label
from retrieval_app.widgets.theme import Theme

STAGES = {
    "start": "Starting",
    "prepare": "Preparing the model",
    "scan": "Looking for photos",
    "embed": "Indexing",
    "publish": "Building the search index",
    "hash": "Looking at every photo",
    "compare": "Comparing",
    "map": "Laying out the map",
}
COUNTED = ("embed", "hash", "map")


class StatusLine(QWidget):
    """Progress with rate, time left and cancel; notices; failures; the library's figures."""

    failures_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.text = Elided()
        self.file = button("Show in its folder", "link")
        self._path = b""
        self._bar = QProgressBar()
        self.cancel = button("Cancel", "link")
        self.failures = button("", "link")
        self._figures = label("", "muted")
        self._arrange()
        self.cancel.clicked.connect(session.cancel)
        self.failures.clicked.connect(self.failures_wanted)
        self.file.clicked.connect(lambda: reveal(session, self._path))
        self.file.hide()
        session.job_changed.connect(self._show_job)
        session.library_changed.connect(self._show_figures)
        session.noticed.connect(self._notice)
        self._show_job()
        self._show_figures()

    def _arrange(self) -> None:
        self.setProperty("role", "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(36)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(120, 4)
        self._bar.setAccessibleName("Progress")
        self.text.setMinimumWidth(120)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(12)
        row.addWidget(self._bar)
        row.addWidget(self.text, 1)
        for widget in (self.file, self.cancel, self.failures, self._figures):
            row.addWidget(widget)

    def _show_job(self) -> None:
        mine = self._session.job
        self.cancel.setVisible(mine is not None and not mine.stopping)
        job = mine or self._session.work.watch.state
        self._bar.setVisible(job is not None)
        if job is None:
            self.text.clear()
            return
        self._bar.setRange(0, job.progress.total)  # a total of 0 shows that it works without saying how far
        self._bar.setValue(job.progress.done)
        self.text.setText("Stopping…" if job.stopping else sentence(job))

    def offer_file(self, sentence: str, path: bytes) -> None:
        """Say that a file was written, with a link that shows where, until there is other news."""
        self._notice(sentence)
        self._path = path
        self.file.setToolTip(sentence)
        self.file.show()

    def _notice(self, text: str) -> None:
        self.file.hide()
        if self._session.job is None:
            self.text.setText(text)

    def _show_figures(self) -> None:
        info, failures = self._session.info, len(self._session.failures)
        self.failures.setVisible(failures > 0)
        self.failures.setText(f"{words.count(failures, 'photo')} could not be read")
        if info is None:
            self._figures.clear()
            return
        figures = [words.count(info.photos, "photo")]
        if info.recall_at_10 is not None:
            figures.append(f"recall {words.percent(info.recall_at_10)}")
        if offline := sum(root.state == "offline" for root in info.roots):
            figures.append(f"{words.count(offline, 'folder')} offline")
        self._figures.setText(", ".join([*figures, f"model: {info.model}"]))


def sentence(job: JobState) -> str:
    """How the job is doing: 'Indexing 12,300 of 40,000  ·  218/s  ·  2 min left'."""
    progress = job.progress
    parts = [STAGES.get(progress.stage, progress.stage.capitalize())]
    if progress.stage == "scan":
        parts[0] += f" {progress.done:,}" if progress.done else ""
    elif progress.stage in COUNTED and progress.total:
        parts[0] += f" {progress.done:,} of {progress.total:,}"
        parts += [words.rate(job.rate)] if job.rate is not None else []
        parts += [f"{words.duration(job.seconds_left)} left"] if job.seconds_left is not None else []
    elif progress.note:
        parts.append(progress.note)
    return "  ·  ".join(parts)


class Banner(QFrame):
    """What is wrong, in a sentence, with the one button that does something about it."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._trouble: Trouble | None = None
        self.setProperty("role", "banner")
        self._sign = QLabel()
        self.sentence = label("", wrap=True)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.remedy = button("")
        self._close = QToolButton()
        self._close.setToolTip("Close this message")
        self._arrange()
        self.remedy.clicked.connect(self._act)
        self._close.clicked.connect(self.hide)
        session.troubled.connect(self._show)
        theme.changed.connect(self._draw)
        self._draw()
        self.hide()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._sign)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.remedy)
        row.addWidget(self._close)

    def _draw(self) -> None:
        self._sign.setPixmap(self._theme.icon("warning").pixmap(QSize(20, 20)))
        self._close.setIcon(self._theme.icon("close"))

    def _show(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        self.setVisible(trouble is not None)
        if trouble is not None:
            self.sentence.setText(trouble.sentence)
            self.remedy.setText(trouble.button)

    def _act(self) -> None:
        self.hide()
        if self._trouble is not None:
            self._trouble.remedy()
