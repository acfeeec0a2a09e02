"""The line at the foot of the window, about the running job, and the banner at its head, about what is wrong."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QWidget

from retrieval_app.actions.system_open import open_containing_folder
from retrieval_app.session.session import Session
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import Theme
from retrieval_app.wording import format_count, format_percent
from retrieval_app.workers.job_wording import describe_job


class StatusLine(QWidget):
    """One line with the running job or the last notice, the number of failures, and the library's figures."""

    failures_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.message_label = ElidedLabel()
        self.file_button = make_button("Show in its folder", "link")
        self._path = b""
        self._bar = QProgressBar()
        self.cancel_button = make_button("", "link")
        self.copying_button = make_button("", "link")
        self.failures_button = make_button("", "link")
        self._copying_text = ""  # how far the copying of files is, beside the job
        self._figures = make_label("", "muted")
        explain_figure(self._figures, "library")
        self._arrange_widgets()
        self.cancel_button.clicked.connect(session.job.cancel_job)
        self.failures_button.clicked.connect(self.failures_wanted)
        self.file_button.clicked.connect(lambda: open_containing_folder(session, self._path))
        for button in (self.file_button, self.copying_button):
            button.hide()
        session.job.changed.connect(self._show_job)
        session.library.changed.connect(self._show_figures)
        session.library.opened.connect(self._show_job)
        session.notice_posted.connect(self._show_notice)
        self._show_job()
        self._show_figures()

    def _arrange_widgets(self) -> None:
        self.setProperty("role", "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(36)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(120, 4)
        self._bar.setAccessibleName("Progress")
        self.message_label.setMinimumWidth(120)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(12)
        row.addWidget(self._bar)
        row.addWidget(self.message_label, 1)
        for widget in (self.file_button, self.cancel_button, self.copying_button, self.failures_button, self._figures):
            row.addWidget(widget)

    def _show_job(self) -> None:
        session_job, other_name = self._session.job.state, self._session.job.other_name
        self.cancel_button.setVisible(session_job is not None and not session_job.stopping)
        self.cancel_button.setText(self._session.job.stop_text)
        job = session_job or self._session.job.watch.state
        self._bar.setVisible(job is not None)
        told = []
        if job is not None:
            self._bar.setRange(0, job.progress.total)  # a total of 0 shows that it works without saying how far
            self._bar.setValue(job.progress.done)
            told = ["Stopping…" if job.stopping else describe_job(job)]
            told[0] = f"{other_name}: {told[0]}" if other_name else told[0]
        self.message_label.setText("  ·  ".join([*told, self._copying_text] if self._copying_text else told))

    def show_copying(self, text: str, stop_text: str) -> None:
        """Tell how far the copying of files is; empty texts when nothing is copied any more."""
        self._copying_text = text
        self.copying_button.setText(stop_text)
        self.copying_button.setVisible(bool(stop_text))
        if text:
            self.file_button.hide()
        self._show_job()

    def offer_file(self, sentence: str, path: bytes) -> None:
        """Show a notice with a link that opens the folder of a file, until the next notice."""
        self._show_notice(sentence)
        self._path = path
        self.file_button.setToolTip(sentence)
        self.file_button.show()

    def _show_notice(self, text: str) -> None:
        self.file_button.hide()
        if self._session.job.state is None:
            self.message_label.setText(text)

    def _show_figures(self) -> None:
        info, failures = self._session.library.info, len(self._session.library.failures)
        self.failures_button.setVisible(failures > 0)
        self.failures_button.setText(f"{format_count(failures, 'photo')} could not be read")
        if info is None:
            self._figures.clear()
            return
        figures = [format_count(info.photos, "photo")]
        if info.recall_at_10 is not None:
            figures.append(f"recall {format_percent(info.recall_at_10)}")
        if offline := sum(root.state == "offline" for root in info.roots):
            figures.append(f"{format_count(offline, 'folder')} offline")
        self._figures.setText(", ".join([*figures, f"model: {info.model}"]))


class TroubleBanner(QFrame):
    """A sentence that says what is wrong, and the button that does something about it; hidden where nothing is."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._trouble: TroubleMessage | None = None
        self.setProperty("role", "banner")
        self._warning_icon = QLabel()
        self.sentence_label = make_label("", wrap=True)
        self.sentence_label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.remedy_button = make_button("")
        self._close_button = QToolButton()
        self._close_button.setToolTip("Close this message")
        self._arrange_widgets()
        self.remedy_button.clicked.connect(self._run_remedy)
        self._close_button.clicked.connect(self.hide)
        session.trouble_changed.connect(self._show_trouble)
        theme.changed.connect(self._draw_icons)
        self._draw_icons()
        self.hide()

    def _arrange_widgets(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._warning_icon)
        row.addWidget(self.sentence_label, 1)
        row.addWidget(self.remedy_button)
        row.addWidget(self._close_button)

    def _draw_icons(self) -> None:
        self._warning_icon.setPixmap(self._theme.get_icon("warning").pixmap(QSize(20, 20)))
        self._close_button.setIcon(self._theme.get_icon("close"))

    def _show_trouble(self, trouble: TroubleMessage | None) -> None:
        self._trouble = trouble
        self.setVisible(trouble is not None)
        if trouble is not None:
            self.sentence_label.setText(trouble.sentence)
            self.remedy_button.setText(trouble.button_text)

    def _run_remedy(self) -> None:
        self.hide()
        if self._trouble is not None:
            self._trouble.remedy()
