"""The app's state, without widgets: the opened library, the search in it, the job on it, what can be undone.

Methods go in, signals come out: a page calls a method of one of them, and reads their attributes again when a signal
says that they changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from retrieval_app.session.change_history import ChangeHistory
from retrieval_app.session.opened_library import OpenedLibrary
from retrieval_app.session.searching.photo_search import PhotoSearch
from retrieval_app.session.session_job import SessionJob
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.workers.library_job import LibraryJob
from retrieval_app.workers.readers import LibraryReaders
from retrieval_app.workers.work_list import WorkList


class Session(QObject):
    """What all pages share: the open library, the search in it, the job on it, all that is at work, and the undoing.

    Their troubles and notices for the user are passed on here.
    """

    trouble_changed = Signal(object)  # TroubleMessage, or None when it is over
    notice_posted = Signal(str)  # a sentence for the status line
    closing = Signal()  # the window is closing: threads and children end

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        library_job = LibraryJob(self)
        self.work = WorkList(self)
        self.library = OpenedLibrary(folder, library_job, self)
        self.job = SessionJob(self.library, library_job, self.work, self)
        self.changes = ChangeHistory(self.library.writer, self)
        self.library.closed.connect(self.changes.clear)
        self.search = PhotoSearch(self.library, self.changes, self.job.try_sample, self)
        for troubled in (self.library.trouble_changed, self.job.trouble_changed, self.search.trouble_changed):
            troubled.connect(self.trouble_changed)
        for noticed in (self.job.notice_posted, self.search.notice_posted):
            noticed.connect(self.notice_posted)

    def report_trouble(self, sentence: str, button_text: str, remedy: Callable[[], None]) -> None:
        """Say what is wrong, with the one thing that can be done about it."""
        self.trouble_changed.emit(TroubleMessage(sentence, button_text, remedy))

    def make_reader(self, parent: QObject, take_answer: Callable[[object, Any], None]) -> LibraryReaders:
        """A thread for the questions of one page about the open library, which ends with the window.

        `take_answer` gets each question's key with its answer; what the engine refuses is posted as a notice.
        """
        reader = LibraryReaders(1, parent=parent)
        reader.answered.connect(take_answer)
        reader.refused.connect(lambda _key, sentence: self.notice_posted.emit(sentence))
        self.closing.connect(reader.close)
        return reader

    def close(self) -> None:
        """End threads and children; the window is closing."""
        self.library.stop_polling()
        self.library.closing.emit()
        self.closing.emit()
        self.job.close()
        self.library.close()
