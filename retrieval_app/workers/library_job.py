"""What is done to the open library: one job at a time in a child process, and between jobs the watch on its folders.

A run that crashes is started once more by itself. The second run decodes one by one the pictures that were being
decoded at the crash, so that it costs a single picture (`indexer.photos.journal`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.database.passed_over import describe_passed_over, parse_counts
from indexer.own_process import build_command
from indexer.wording import name_model, tr
from retrieval_app.wording import format_count, format_duration
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.folder_watch import FolderWatch
from retrieval_app.workers.job_state import STARTING, JobState
from retrieval_app.workers.job_wording import find_work_kind

RESUMABLE_COMMANDS = ("index", "use")  # the commands that go on where they stopped
STOPPED_TWICE = tr("The work stopped unexpectedly, and once more when it was started again. What was done is kept.")


class JobCommand(NamedTuple):
    """The command line of a job on a library; `repeat` starts the same job again, when the user wishes after a failure.

    `name` is that of the command.
    """

    library: Path
    name: str
    command: list[str]
    repeat: Callable[[], None]
    is_resumable: bool


class LibraryJob(QObject):
    """The job at work on the library, if there is one, and the watch, which pauses for it."""

    changed = Signal()  # `state`, or the watch
    ended = Signal(object, object)  # JobEnd; the JobCommand

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: JobState | None = None
        self.crashed = False  # whether the last job crashed and was started again
        self.watch = FolderWatch(self)
        self._child: ChildProcess | None = None
        self._job_command: JobCommand | None = None
        self.watch.changed.connect(self.changed)

    @property
    def library(self) -> Path | None:
        """The library that the job works on, be it the open one or another; None while there is no job."""
        return self._job_command.library if self._job_command else None

    @property
    def stop_text(self) -> str:
        """What stopping the job is called."""
        return find_work_kind(self.name).stop_text if self._job_command else ""

    @property
    def name(self) -> str:
        """The name of the job's command; "" while there is no job."""
        return self._job_command.name if self._job_command else ""

    def start_command(self, library: Path, arguments: Sequence[str], repeat: Callable[[], None]) -> None:
        """Run a command on a library in a child process, once the watch has let go of the library."""
        end = arguments.index("--") if "--" in arguments else len(arguments)  # of the options
        command = build_command(*arguments[:end], "--library", str(library), "--json", *arguments[end:])
        self._job_command = JobCommand(library, arguments[0], command, repeat, arguments[0] in RESUMABLE_COMMANDS)
        self.crashed = False
        self._show_state(STARTING)
        self.watch.pause_watching(self._start_child)

    def cancel_job(self) -> None:
        """Stop the job; what it has committed stays."""
        if self.state is not None:
            self._show_state(self.state._replace(stopping=True))
            if self._child is not None:
                self._child.cancel()
            else:  # the watch has not let go of the library yet
                self._handle_end(JobEnd(None, "", cancelled=True))

    def close(self) -> None:
        """End the children; the window is closing."""
        for child in (self._child, self.watch):
            if child is not None:
                child.close()

    def _start_child(self) -> None:
        assert self._job_command is not None
        self._child = ChildProcess(self._job_command.command, self, goes_on=self.crashed)
        self._child.progressed.connect(self._handle_progress)
        self._child.ended.connect(self._handle_end)

    def _handle_progress(self) -> None:
        assert self._child is not None
        self._show_state(self._child.state)

    def _show_state(self, state: JobState) -> None:
        self.state = state
        self.changed.emit()

    def _handle_end(self, end: JobEnd) -> None:
        assert self._job_command is not None
        self._child = None
        if end.crashed and end.result is None and self._job_command.is_resumable:
            if not self.crashed:
                self.crashed = True
                self._start_child()
                return
            end = end._replace(sentence=STOPPED_TWICE)
        finished_command, self._job_command, self.state = self._job_command, None, None
        self.changed.emit()
        self.watch.resume_watching()
        self.ended.emit(end, finished_command)


def summarize_job(result: dict[str, object]) -> str:
    """A sentence about the result of a finished job."""
    return JOB_SUMMARIES[str(result["result"])](result)


def _summarize_indexing(result: dict[str, object]) -> str:
    new = format_count(int(str(result["embedded"])), "new photo")
    carried = result.get("carried")
    words = (
        tr(
            " What you said of {changed_files} was carried over.",
            changed_files=format_count(len(carried), "changed file"),
        )
        if isinstance(carried, list) and carried
        else ""
    )
    if read := int(str(result.get("facts_read") or 0)):
        words += tr(" Date and camera were read of {photos} indexed before.", photos=format_count(read, "photo"))
    drives = tr(" Another drive is at the place of a folder: see Library.") if result.get("other_drives") else ""
    drives += (
        tr(" A folder that is offline is there at another place: see Library.") if result.get("moved_roots") else ""
    )
    return tr(
        "Indexed in {seconds}: {new}.{words}{drives}{passed_over}",
        seconds=format_duration(float(str(result["seconds"]))),
        new=new,
        words=words,
        drives=drives,
        passed_over=_tell_passed_over(result),
    )


def _tell_passed_over(result: dict[str, object]) -> str:
    """What was passed over, where nothing new was found: the user may wonder why."""
    passed = describe_passed_over(parse_counts(result.get("passed_over")))
    return tr(" Passed over: {passed}.", passed=", ".join(passed)) if passed and not result["embedded"] else ""


def _summarize_forgetting(result: dict[str, object]) -> str:
    return tr(
        "{photos} forgotten. The pictures themselves are untouched.",
        photos=format_count(int(str(result["photos"])), "photo"),
    )


def _summarize_labelling(result: dict[str, object]) -> str:
    added = result.get("added")
    copied = any(row["copy"] for row in added) if isinstance(added, list) else False
    how = tr(" A copy of it is in the library now.") if copied else ""
    return tr("Labelled “{label}”.", label=result["label"]) + how


def _name_used_model(result: Mapping[str, object]) -> str:
    return name_model(str(result["model"]), str(result["fingerprint"]))


JOB_SUMMARIES: dict[str, Callable[[dict[str, object]], str]] = {
    "index": _summarize_indexing,
    "use": lambda result: tr("The library now sees with {model}.", model=_name_used_model(result)),
    "forget": _summarize_forgetting,
    "label": _summarize_labelling,
    "roots": lambda result: tr("The library looks for the folder at its new place."),
    "model-rename": lambda result: tr("The model is called {name} now.", name=result["name"]),
    "model-delete": lambda result: tr("The model {name} is deleted. No photo was touched.", name=result["name"]),
    "model-export": lambda result: tr("The model {name} is in {folder}.", name=result["name"], folder=result["folder"]),
}
