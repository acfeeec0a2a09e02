"""A question about the library that takes long and changes nothing: a child process answers it, beside any job."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from retrieval_app.session.session import Session
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.job_state import JobState


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
        session.closing.connect(self._close_children)

    def start_question(self, arguments: Sequence[str]) -> None:
        """Ask the open library with one of the program's commands; the question before is dropped."""
        self.drop_question()
        self.failure_sentence = ""
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

    def _close_children(self) -> None:
        """Stop the child of the question, and of questions that were dropped and have not ended yet."""
        for child in self.findChildren(ChildProcess):
            child.close()
