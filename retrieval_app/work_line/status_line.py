"""The line at the foot of the window: what is at work, else what was last said; at its right what the library holds."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from indexer.places import name_library
from indexer.wording import name_model, tr
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_containing_folder
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.wording import format_count, format_percent
from retrieval_app.work_line.desktop_progress import DesktopProgress
from retrieval_app.work_line.work_panel import WorkPanel, make_work_bar, open_work, show_progress
from retrieval_app.workers.work_list import Work, WorkNotice

MARGIN, SPACING = 16, 12  # px, at both ends of the line, and between what stands in it
LEAST_WIDTH = 1100  # px of a line with room for the figures beside what is said
NOTICE_MS = 12_000  # for which a passing remark stands before the newest notice that lasts


class StatusLine(QWidget):
    """One line with the first work or the last notice, the number of failures, and the library's figures.

    A passing remark (`session.notice_posted`) is shown until the next one, or for a while; what became of a work
    stands until it is dismissed.
    """

    failures_wanted = Signal()
    page_wanted = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._list = session, session.work
        self.panel = WorkPanel(session.work, self._describe_work)
        self.message_label = ElidedLabel()
        self.file_button, self.cancel_button = make_button(tr("Show in its folder"), "link"), make_button("", "link")
        self.open_button, self.dismiss_button = make_button("", "link"), make_button(tr("Dismiss"), "link")
        self.more_button, self.failures_button = make_button("", "link"), make_button("", "link")
        self._remark, self._path = "", b""
        self._remark_timer = QTimer(self, singleShot=True, interval=NOTICE_MS)
        self._bar = make_work_bar()
        self._figures = make_label("", "muted")
        explain_figure(self._figures, "library")
        self._arrange_widgets()
        self._connect_signals()
        self.file_button.hide()
        self._show_work()
        self._show_figures()
        DesktopProgress(session.work, self)

    def _arrange_widgets(self) -> None:
        self.setProperty("role", "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(36)
        self.message_label.setMinimumWidth(120)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN, 0)
        row.setSpacing(SPACING)
        row.addWidget(self._bar)
        row.addWidget(self.message_label, 1)
        buttons = (self.file_button, self.open_button, self.cancel_button, self.dismiss_button, self.more_button)
        for widget in (*buttons, self.failures_button, self._figures):
            row.addWidget(widget)

    def _connect_signals(self) -> None:
        session = self._session
        self.cancel_button.clicked.connect(self._stop_work)
        self.dismiss_button.clicked.connect(self._dismiss_notice)
        self.open_button.clicked.connect(self.open_shown)
        self.more_button.clicked.connect(self.panel.toggle_rows)
        self.panel.page_wanted.connect(self.page_wanted)
        self.failures_button.clicked.connect(self.failures_wanted)
        self.file_button.clicked.connect(lambda: open_containing_folder(session, self._path))
        self._remark_timer.timeout.connect(self._end_remark)
        for signal in (session.work.changed, session.library.opened):
            signal.connect(self._show_work)
        session.library.changed.connect(self._show_figures)
        session.notice_posted.connect(self._show_remark)

    def follow_pages(self, page_named: SignalInstance, show_page: Callable[[str], None]) -> None:
        """Show a page that a work belongs to by this function, and hear by this signal which one is shown."""
        page_named.connect(self._list.show_page)
        self.page_wanted.connect(show_page)

    # What is at work, and what was said

    def _describe_work(self, work: Work) -> str:
        """How a work is doing, by the name of its library where that is not the open one."""
        is_elsewhere = work.library not in (None, self._session.library.folder)
        return f"{name_library(work.library)}: {work.describe()}" if work.library and is_elsewhere else work.describe()

    def _find_notice(self) -> WorkNotice | None:
        """The notice that is shown: none while something is at work, or a remark stands in its place."""
        notices = self._list.notices
        return notices[0] if notices and not self._list.works and not self._remark else None

    def _show_work(self) -> None:
        works, notices = self._list.works, self._list.notices
        work, notice = (works[0] if works else None), self._find_notice()
        self._bar.setVisible(work is not None)
        if work is not None:
            show_progress(self._bar, work)
            self._remark, self._path = "", b""
        self.message_label.setText(self._describe_work(work) if work else notice.sentence if notice else self._remark)
        self.message_label.setToolTip(self.message_label.text())
        self.cancel_button.setText(work.stop_text if work else "")
        self.cancel_button.setVisible(bool(work and work.stop_text))
        page = work.page if work else notice.page if notice else ""
        self.open_button.setText(tr("Show {page}", page=tr(page)))
        self.open_button.setVisible(bool(page) and page != self._list.shown_page)
        self.file_button.setVisible(bool(self._path) and work is None)
        self.dismiss_button.setVisible(notice is not None)
        more = len(works) + len(notices) - int(work is not None or notice is not None)
        is_listed = not self.panel.isHidden()
        self.more_button.setText(tr("Hide the list") if is_listed else tr("{more} more", more=more))
        self.more_button.setToolTip(tr("All that is at work, and what became of what was"))
        self.more_button.setVisible(is_listed or (more > 0 and bool(work or notice)))
        self._make_room()

    def _make_room(self) -> None:
        """Let the figures go where there is not room for them and for what is said."""
        has_room = self.width() >= LEAST_WIDTH or not self.message_label.text()
        self._figures.setVisible(has_room and self._measure_rest() <= self.width())

    def _measure_rest(self) -> int:
        """The width in px that all take up beside a message of the least width."""
        others = [self._bar, self.file_button, self.open_button, self.cancel_button, self.dismiss_button]
        seen = [widget for widget in (*others, self.more_button, self.failures_button) if not widget.isHidden()]
        widths = [self._figures.sizeHint().width(), self.message_label.minimumWidth()]
        widths += [widget.sizeHint().width() for widget in seen]
        return sum(widths) + SPACING * (len(widths) - 1) + 2 * MARGIN

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show what there is room for."""
        super().resizeEvent(event)
        self._make_room()

    def open_shown(self) -> None:
        """Show the work or the notice that the line is about where it belongs."""
        works, notice = self._list.works, self._find_notice()
        if works:
            open_work(works[0], self.page_wanted.emit)
        elif notice is not None and notice.page:
            self.page_wanted.emit(notice.page)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on what is said leads to where it belongs."""
        if self.message_label.geometry().contains(event.position().toPoint()):
            self.open_shown()

    def _stop_work(self) -> None:
        works = self._list.works
        if works and works[0].stop is not None:
            works[0].stop()

    def _dismiss_notice(self) -> None:
        notice = self._find_notice()
        self._remark = ""
        if notice is not None:
            self._list.dismiss_notice(notice)

    def offer_file(self, sentence: str, path: bytes) -> None:
        """Show a remark with a link that opens the folder of a file, until the next remark."""
        self._show_remark(sentence)
        self._remark_timer.stop()
        self._path = path
        self.file_button.setToolTip(sentence)
        self._show_work()

    def _show_remark(self, text: str) -> None:
        is_noticed = any(notice.sentence == text for notice in self._list.notices[:1])
        self._remark, self._path = "" if is_noticed else text, b""
        self._remark_timer.start()
        self._show_work()

    def _end_remark(self) -> None:
        if self._list.notices:
            self._remark = ""
            self._show_work()

    # What the library holds

    def _show_figures(self) -> None:
        info, failures = self._session.library.info, len(self._session.library.failures)
        self.failures_button.setVisible(failures > 0)
        self.failures_button.setText(tr("{photos} could not be read", photos=format_count(failures, "photo")))
        if info is None:
            self._figures.clear()
            return
        figures = [format_count(info.photos, "photo")]
        if info.recall_at_10 is not None:
            figures.append(tr("recall {recall_at_10}", recall_at_10=format_percent(info.recall_at_10)))
        if offline := sum(root.state == "offline" for root in info.roots):
            figures.append(tr("{folders} offline", folders=format_count(offline, "folder")))
        self._figures.setText(", ".join([*figures, tr("model: {name}", name=name_model(info.model, info.fingerprint))]))
