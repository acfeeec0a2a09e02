"""All that is at work in one list: what it is, how far, how it is stopped, and the notices that it left.

The list keeps nothing of its own about what is at work: it asks each source whenever it is read, so that no entry can
outlive its work. A source says by a signal that its answer is another one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, SignalInstance

from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.job_wording import describe_job, find_work_kind

MOST_NOTICES = 20  # the oldest goes first


class Work(NamedTuple):
    """One work: its kind, how it is doing, and the library it is on where that matters.

    `stop` asks it to end, None where it cannot be stopped; `open` shows it where that is more than a page. `text` says
    how it is doing in the place of what its progress tells.
    """

    kind: str  # a key of job_wording.WORK_KINDS
    state: JobState
    stop: Callable[[], None] | None
    library: Path | None = None
    text: str = ""
    open: Callable[[], None] | None = None

    @property
    def page(self) -> str:
        """The page that it belongs to."""
        return find_work_kind(self.kind).page

    @property
    def stop_text(self) -> str:
        """What stopping it is called; "" where it cannot be stopped, or is being stopped."""
        can_stop = self.stop is not None and not self.state.stopping
        return find_work_kind(self.kind).stop_text if can_stop else ""

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self.state.progress

    def describe(self) -> str:
        """How it is doing, in one line."""
        kind = find_work_kind(self.kind)
        if self.state.stopping:
            return tr("Stopping: {lower}{name}…", lower=kind.name[0].lower(), name=kind.name[1:])
        return self.text or describe_job(self.state, kind.name)


class WorkNotice(NamedTuple):
    """What became of a work, until somebody has seen it; `number` tells it from another one of the same words."""

    number: int
    sentence: str
    page: str


ReadWork = Callable[[], Work | None]


class WorkList(QObject):
    """The works of the window, in the order in which their sources were added, and the notices, the newest first."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sources: list[ReadWork] = []
        self._posted = 0
        self.notices: list[WorkNotice] = []
        self.shown_page = ""  # by the window: what is seen there needs no notice

    def follow_source(self, read_work: ReadWork, *signals: SignalInstance) -> None:
        """Ask this source too; it emits one of the signals when its answer changes."""
        self._sources.append(read_work)
        for signal in signals:
            signal.connect(self.changed)

    @property
    def works(self) -> list[Work]:
        """What is at work now."""
        return [work for read_work in self._sources if (work := read_work()) is not None]

    def post_notice(self, sentence: str, page: str = "") -> None:
        """Tell what became of a work, until that is dismissed."""
        self._posted += 1
        self.notices = [WorkNotice(self._posted, sentence, page), *self.notices][:MOST_NOTICES]
        self.changed.emit()

    def post_unseen(self, sentence: str, page: str) -> None:
        """Tell what became of a work whose outcome stands on its page, unless that page is shown."""
        if page != self.shown_page:
            self.post_notice(sentence, page)

    def dismiss_notice(self, notice: WorkNotice) -> None:
        """Drop a notice that somebody has seen."""
        self.notices = [kept for kept in self.notices if kept.number != notice.number]
        self.changed.emit()

    def show_page(self, page: str) -> None:
        """Take which page is shown, and drop the notices about what it shows."""
        self.shown_page = page
        self.notices = [kept for kept in self.notices if kept.page != page or not kept.page]
        self.changed.emit()
