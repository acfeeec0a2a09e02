"""The list of all that is at work, each with its bar and what stops it, and of the notices not dismissed yet."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import ElidedLabel, arrange_parts, make_button
from retrieval_app.workers.work_list import Work, WorkList, WorkNotice

ROW_HEIGHT = 32  # px
FRAME_HEIGHT = 12  # px above and below the rows
MOST_ROWS = 6  # that are seen without scrolling


class WorkRow(QWidget):
    """One line of the list: a bar where something is at work, a text that leads to its page, and a button."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = make_work_bar()
        self.text_label = ElidedLabel("", Qt.TextElideMode.ElideRight)
        self.open_button, self.end_button = make_button("", "link"), make_button("", "link")
        self.setFixedHeight(ROW_HEIGHT)
        parts = [self.bar, self.text_label, self.open_button, self.end_button]
        arrange_parts(QHBoxLayout(self), parts, spacing=12, margins=(16, 0, 16, 0), stretched=[self.text_label])
        self._acts: list[Callable[[], None]] = [_do_nothing, _do_nothing]
        for place, button in enumerate((self.open_button, self.end_button)):
            button.clicked.connect(partial(self._run_act, place))

    def _run_act(self, place: int, _checked: bool = False) -> None:
        self._acts[place]()

    def show_work(self, work: Work, text: str, open_work: Callable[[], None]) -> None:
        """Show how a work is doing."""
        show_progress(self.bar, work)
        self.bar.show()
        self.text_label.setText(text)
        self._show_button(self.open_button, tr("Show {page}", page=tr(work.page)) if work.page else "")
        self._show_button(self.end_button, work.stop_text)
        self._acts = [open_work, work.stop or _do_nothing]

    def show_notice(self, notice: WorkNotice, open_page: Callable[[], None], dismiss: Callable[[], None]) -> None:
        """Show what became of a work."""
        self.bar.hide()
        self.text_label.setText(notice.sentence)
        self._show_button(self.open_button, tr("Show {page}", page=tr(notice.page)) if notice.page else "")
        self._show_button(self.end_button, tr("Dismiss"))
        self._acts = [open_page, dismiss]

    def _show_button(self, button: QPushButton, text: str) -> None:
        button.setText(text)
        button.setVisible(bool(text))
        button.setAccessibleName(f"{text}: {self.text_label.text()}" if text else "")


class WorkPanel(QFrame):
    """The rows, as many as there are works and notices; hidden until it is wanted, and when there is nothing."""

    page_wanted = Signal(str)

    def __init__(self, work_list: WorkList, describe: Callable[[Work], str]) -> None:
        super().__init__()
        self._list, self._describe = work_list, describe
        self.rows: list[WorkRow] = []
        self.setProperty("role", "status")
        self.setAccessibleName(tr("All that is at work"))
        self._place = QWidget()
        self._column = QVBoxLayout(self._place)
        self._column.setContentsMargins(0, 4, 0, 4)
        self._column.setSpacing(0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._place)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)
        work_list.changed.connect(self._show_rows)
        self.hide()

    def toggle_rows(self) -> None:
        """Show the list, or hide it."""
        self.setVisible(self.isHidden() and self._count_rows() > 0)
        self._list.changed.emit()

    def _count_rows(self) -> int:
        return len(self._list.works) + len(self._list.notices)

    def _show_rows(self) -> None:
        if self.isHidden():
            return
        works, notices = self._list.works, self._list.notices
        count = len(works) + len(notices)
        while len(self.rows) < count:
            self.rows.append(WorkRow())
            self._column.addWidget(self.rows[-1])
        for number, row in enumerate(self.rows):
            row.setVisible(number < count)
        for row, work in zip(self.rows, works, strict=False):
            row.show_work(work, self._describe(work), partial(open_work, work, self.page_wanted.emit))
        for row, notice in zip(self.rows[len(works) :], notices, strict=False):
            row.show_notice(notice, partial(self._open_notice, notice), partial(self._list.dismiss_notice, notice))
        self.setFixedHeight(ROW_HEIGHT * min(count, MOST_ROWS) + FRAME_HEIGHT)
        self.setVisible(count > 0)

    def _open_notice(self, notice: WorkNotice) -> None:
        self._list.dismiss_notice(notice)
        self.page_wanted.emit(notice.page)


def open_work(work: Work, open_page: Callable[[str], None]) -> None:
    """Show a work where it is seen best, else the page that it belongs to."""
    if work.open is not None:
        work.open()
    elif work.page:
        open_page(work.page)


def make_work_bar() -> QProgressBar:
    """A thin bar without a text."""
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setFixedSize(120, 4)
    bar.setAccessibleName(tr("Progress"))
    return bar


def show_progress(bar: QProgressBar, work: Work) -> None:
    """Show how far a work is; where nobody knows, only that it is at work."""
    bar.setRange(0, work.progress.total)
    bar.setValue(work.progress.done)


def _do_nothing() -> None:
    pass
