"""The job on the open library: indexing, watching its folders, and the commands that change it.

One job is at work at a time. What brings photos into a library waits for it in a queue, whichever library it is for;
any other command is refused while a job is at work, as what it is about may look different afterwards.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.home.folders import find_home_folder
from indexer.paths import show_path
from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.session.opened_library import OpenedLibrary
from retrieval_app.session.snapshot import WATCHED_SETTING, save_watched_setting
from retrieval_app.session.trouble import TroubleMessage, explain_missing_folder
from retrieval_app.workers.child_process import JobEnd
from retrieval_app.workers.job_state import STARTING, JobState
from retrieval_app.workers.job_wording import find_work_kind
from retrieval_app.workers.library_job import JobCommand, LibraryJob, summarize_job
from retrieval_app.workers.work_list import Work, WorkList

QUEUED_COMMANDS = ("index", "label")  # that wait for the job at work


class WaitingCommand(NamedTuple):
    """A command on a library that is run after the job at work; `subject` says in a few words what it is about."""

    library: Path
    arguments: Sequence[str]
    repeat: Callable[[], None]
    subject: str


class SessionJob(QObject):
    """One job at a time; says how it went, and what the user can do where it failed."""

    changed = Signal()  # `state`, what waits, or the watch
    done = Signal(object)  # the result of a job on the open library that was not stopped and did not fail
    trouble_changed = Signal(object)  # TroubleMessage, or None when it is over
    notice_posted = Signal(str)  # a sentence for the status line

    def __init__(
        self, library: OpenedLibrary, library_job: LibraryJob, work: WorkList, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._library = library
        self._library_job = library_job
        self.indexed_folders: Sequence[Path] = ()  # that the user has last named
        self.waiting: deque[WaitingCommand] = deque()  # the first is next
        self.watch = library_job.watch
        library_job.changed.connect(self.changed)
        library_job.ended.connect(self._handle_end)
        library_job.watch.failed.connect(self._report_watch_failure)
        library.writer.refused.connect(self._report_write_failure)
        work.follow_source(self._read_job, self.changed)
        work.follow_source(self._read_waiting, self.changed)
        work.follow_source(self._read_watch, self.changed)

    @property
    def state(self) -> JobState | None:
        """How the job at work is doing, on whichever library; None while there is none."""
        return self._library_job.state

    @property
    def state_here(self) -> JobState | None:
        """How the job on the open library is doing; None while there is none."""
        return self.state if self._library_job.library == self._library.folder else None

    @property
    def library(self) -> Path | None:
        """The library that the job at work is on; None while there is none."""
        return self._library_job.library

    @property
    def stop_text(self) -> str:
        """What stopping the job at work is called, such as 'Stop indexing'; "" without one."""
        return self._library_job.stop_text

    @property
    def other_name(self) -> str:
        """The name of the library that the job at work is on where it is not the open one, else ""."""
        library = self._library_job.library
        return "" if library is None or library == self._library.folder else name_library(library)

    def describe_obstacle(self) -> str:
        """A sentence about the job at work, in whose way no other job may come; "" without one."""
        if self.state is None:
            return ""
        return tr("The library {other_name}", other_name=self.other_name).rstrip() + tr(
            " is being worked on: wait until that is done, or stop it."
        )

    def _read_job(self) -> Work | None:
        job = self._library_job
        return Work(job.name, job.state, self.cancel_job, job.library) if job.state is not None else None

    def _read_waiting(self) -> Work | None:
        if not self.waiting:
            return None
        subjects = [command.subject or name_library(command.library) for command in self.waiting]
        return Work(
            "waiting",
            STARTING,
            self.drop_waiting,
            text=tr("Waiting to be added: {subjects}", subjects=", ".join(subjects)),
        )

    def _read_watch(self) -> Work | None:
        return Work("watch", self.watch.state, None) if self.watch.state is not None else None

    # Any job

    def run_command(self, arguments: Sequence[str], repeat: Callable[[], None], subject: str = "") -> None:
        """Run a command on the library in a child process, at once or where it may wait in its turn.

        `repeat` is offered to the user if it fails; `subject` names what it is about while it waits.
        """
        if self.state is not None and arguments[0] in QUEUED_COMMANDS:
            self._queue_command(WaitingCommand(self._library.folder, arguments, repeat, subject))
        elif self.state is not None:
            self.trouble_changed.emit(TroubleMessage(self.describe_obstacle(), self.stop_text, self.cancel_job))
        else:
            self.trouble_changed.emit(None)
            self._library_job.start_command(self._library.folder, arguments, repeat)

    def _queue_command(self, command: WaitingCommand) -> None:
        """Have a command run after those that wait, unless the same one waits already."""
        if all(command[:2] != other[:2] for other in self.waiting):
            self.waiting.append(command)
            self.changed.emit()

    def drop_waiting(self) -> None:
        """Forget what waits; the job at work goes on."""
        self.waiting.clear()
        self.changed.emit()

    def _start_waiting(self) -> None:
        """Start the next command, unless the end of the last one has led to another."""
        if self.waiting and self.state is None:
            command = self.waiting.popleft()
            self._library_job.start_command(command.library, command.arguments, command.repeat)

    def cancel_job(self) -> None:
        """Stop the running job; what it has committed stays."""
        self._library_job.cancel_job()

    def close(self) -> None:
        """End the children; the window is closing."""
        self.waiting.clear()
        self._library_job.close()

    def _handle_end(self, end: JobEnd, command: JobCommand) -> None:
        """Tell how a job went, by the name of its library where another one is open by now."""
        self._library.resume_polling()
        is_here = command.library == self._library.folder
        told = "" if is_here else f"{name_library(command.library)}: "
        page = find_work_kind(command.name).page
        if end.cancelled:
            self._tell_outcome(
                tr("{told}The work was stopped. What was done is kept; start it again to go on.", told=told), page
            )
        elif end.result is None:
            repeat = command.repeat if is_here else partial(self._repeat_there, command)
            self.trouble_changed.emit(TroubleMessage(told + end.sentence, tr("Try again"), repeat))
        else:
            crash_notice = tr(" The work had stopped unexpectedly, and went on by itself.") * self._library_job.crashed
            self._tell_outcome(told + summarize_job(end.result) + crash_notice, page)
            if is_here:
                self.done.emit(end.result)
            if end.result["result"] == "roots" and is_here:
                self.rescan_folders()
        self._start_waiting()

    def _tell_outcome(self, sentence: str, page: str) -> None:
        self._work.post_notice(sentence, page)
        self.notice_posted.emit(sentence)

    def _repeat_there(self, command: JobCommand) -> None:
        self._library.switch_to(command.library)
        command.repeat()

    # Indexing

    def index_folders(self, folders: Sequence[Path], *, labelled: bool = False) -> None:
        """Index photo folders; the user's own folders never go into the library of the bundled sample."""
        repeat = partial(self.index_folders, folders, labelled=labelled)
        if missing := [folder for folder in folders if not folder.is_dir()]:
            take_parent = partial(self.index_folders, [missing[0].parent], labelled=labelled)
            self.trouble_changed.emit(explain_missing_folder(missing[0], repeat, take_parent))
        else:
            from indexer.photos.samples import find_photograph_folder

            if self._library.folder == _find_sample_library() and find_photograph_folder() not in folders:
                self._library.switch_to(find_home_folder() / "default.library")
            self.indexed_folders = folders
            subject = ", ".join(show_path(Path(folder.name)) for folder in folders)
            self.run_command(["index", *map(str, folders), *["--labelled"] * labelled, "--attached"], repeat, subject)

    def try_sample(self) -> None:
        """Index the bundled photographs into a library of their own."""

        from indexer.photos.samples import find_photograph_folder

        self._library.switch_to(_find_sample_library())
        self.index_folders([find_photograph_folder()], labelled=True)

    def can_rescan(self) -> bool:
        """Whether there is a library whose folders can be looked through, and no job at work."""
        return self.state is None and self._library.is_open

    def rescan_folders(self) -> None:
        """Bring the library's own folders up to date."""
        if self.can_rescan():
            self.run_command(["index", "--attached"], self.rescan_folders)

    # Watching

    def watch_folders(self, wanted: bool) -> None:
        """Index whatever changes in the library's folders, from now on and at every start, or no longer."""
        self.watch.follow_library(self._library.folder, wanted=wanted)
        self._library.writer.write(WATCHED_SETTING, partial(save_watched_setting, watched=wanted))

    def _report_write_failure(self, key: object, sentence: str) -> None:
        if key == WATCHED_SETTING:
            repeat = partial(self.watch_folders, self.watch.wanted)
            self.trouble_changed.emit(TroubleMessage(sentence, tr("Try again"), repeat))

    def _report_watch_failure(self, sentence: str) -> None:
        sentence = tr("The folders are no longer watched. {sentence}", sentence=sentence)
        self.trouble_changed.emit(TroubleMessage(sentence, tr("Watch again"), partial(self.watch_folders, True)))


def _find_sample_library() -> Path:
    return find_home_folder() / "photographs.library"
