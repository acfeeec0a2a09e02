"""A question about the library that takes long and changes nothing: a child process answers it, beside any job."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from retrieval_app.session.session import Session
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.job_wording import WORK_KINDS, find_work_kind
from retrieval_app.workers.work_list import Work


class QuestionJob(QObject):
    """One question at a time; another library, or the end of the window, stops it."""

    state_changed = Signal()
    answered = Signal(object)  # the fields of the result

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.state: JobState | None = None  # None while nothing is asked
        self.failure_sentence = ""  # why the last question has no answer
        self._child: ChildProcess | None = None
        self._kind = ""
        session.work.follow_source(self._read_work, self.state_changed)
        session.library.closed.connect(self._leave_library)
        session.closing.connect(self._close_children)

    def start_question(self, arguments: Sequence[str], *, kind: str = "") -> None:
        """Ask the open library with one of the program's commands; the question before is dropped.

        `kind` is a key of WORK_KINDS, by default the name of the command.
        """
        self.drop_question()
        words = " ".join(arguments[:2])
        self.failure_sentence, self._kind = "", kind or (words if words in WORK_KINDS else arguments[0])
        folder = str(self._session.library.folder)
        self._child = ChildProcess(build_command(*arguments, "--library", folder, "--json", "--attached"), self)
        self._child.progressed.connect(self._show_state)
        self._child.ended.connect(self._handle_end)
        self._show_state()

    def drop_question(self) -> None:
        """Stop; no answer will come."""
        if self._child is not None:
            self._child.progressed.disconnect(self._show_state)
            self._child.ended.disconnect(self._handle_end)
            self._child.cancel()
            self._child = self.state = None
            self.state_changed.emit()

    def _read_work(self) -> Work | None:
        return Work(self._kind, self.state, self.drop_question) if self.state is not None else None

    def _tell_outcome(self, end: JobEnd) -> None:
        """Tell it where the page that shows it is not in view."""
        kind = find_work_kind(self._kind)
        failed = f"{kind.name}: {end.sentence}" if end.sentence else ""
        if sentence := failed or kind.done * (end.result is not None):
            self._session.work.post_unseen(sentence, kind.page)

    def _leave_library(self) -> None:
        """Drop what only its library's page would show; what moves files is finished."""
        if find_work_kind(self._kind).done:
            self.drop_question()

    def _show_state(self) -> None:
        assert self._child is not None
        self.state = self._child.state
        self.state_changed.emit()

    def _handle_end(self, end: JobEnd) -> None:
        self._child = self.state = None
        self.failure_sentence = end.sentence
        if end.result is not None:
            self.answered.emit(end.result)
        self.state_changed.emit()
        self._tell_outcome(end)

    def _close_children(self) -> None:
        """Stop the child of the question, and of questions that were dropped and have not ended yet."""
        for child in self.findChildren(ChildProcess):
            child.close()
