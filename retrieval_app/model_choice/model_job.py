"""One command about a model at a time, in a child process: the list, a download, a measurement, a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from indexer.own_process import build_command
from indexer.wording import tr
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.work_list import Work

LONG_COMMANDS = ("add", "compare")  # they end when their standard input closes
TakeResult = Callable[[Mapping[str, Any]], None]


class ModelJob(QObject):
    """Runs a command and hands its result on; `child` is there while it runs, `sentence` says why it gave none."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.child: ChildProcess | None = None
        self.sentence = ""
        self._take_result: TakeResult | None = None
        self._kind = ""

    def start_command(self, arguments: Sequence[str], take_result: TakeResult) -> None:
        """Run `lookalike model` with these arguments; a command that is still at work is dropped."""
        self.drop()
        self.sentence, self._take_result, self._kind = "", take_result, tr("model {arguments}", arguments=arguments[0])
        attached = ["--attached"] if arguments[0] in LONG_COMMANDS else []
        self.child = ChildProcess(build_command("model", *arguments, "--json", *attached), self)
        self.child.progressed.connect(self.changed)
        self.child.ended.connect(self._finish_command)
        self.changed.emit()

    def read_work(self) -> Work | None:
        """The command as a work, where it is one that takes long."""
        is_long = self.child is not None and self._kind.removeprefix("model ") in LONG_COMMANDS
        return Work(self._kind, self.child.state, self.cancel) if self.child is not None and is_long else None

    def cancel(self) -> None:
        """Ask the command to end; what it has downloaded is kept for the next try."""
        if self.child is not None:
            self.child.cancel()
            self.changed.emit()

    def drop(self) -> None:
        """End the command in the background; nothing more comes of it."""
        if self.child is not None:
            self.child.progressed.disconnect(self.changed)
            self.child.ended.disconnect(self._finish_command)
            self.child.cancel()
            self.child = None

    def close_children(self) -> None:
        """End the command, and those that were dropped; the window is closing."""
        for child in self.findChildren(ChildProcess):
            child.close()

    def _finish_command(self, end: JobEnd) -> None:
        self.child = None
        self.sentence = tr("It was stopped; what has come is kept for the next try.") if end.cancelled else end.sentence
        take_result, self._take_result = self._take_result, None
        if end.result is not None and not end.cancelled and take_result is not None:
            take_result(end.result)
        self.changed.emit()
