"""The job on the open library: indexing, watching its folders, and the commands that change it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from indexer.paths import find_home_folder
from indexer.photos.samples import find_sample_folder
from retrieval_app.session.opened_library import OpenedLibrary
from retrieval_app.session.snapshot import WATCHED_SETTING, save_watched_setting
from retrieval_app.session.trouble import TroubleMessage, explain_missing_folder
from retrieval_app.workers.child_process import JobEnd
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.library_job import LibraryJob, summarize_job


class SessionJob(QObject):
    """One job at a time; says how it went, and what the user can do where it failed."""

    changed = Signal()  # `state`, or the watch
    trouble_changed = Signal(object)  # TroubleMessage, or None when it is over
    notice_posted = Signal(str)  # a sentence for the status line

    def __init__(self, library: OpenedLibrary, library_job: LibraryJob, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._library_job = library_job
        self.watch = library_job.watch
        library_job.changed.connect(self.changed)
        library_job.ended.connect(self._handle_end)
        library_job.watch.failed.connect(self._report_watch_failure)
        library.writer.refused.connect(self._report_write_failure)

    @property
    def state(self) -> JobState | None:
        """How the job at work is doing; None while there is none."""
        return self._library_job.state

    # Any job

    def run_command(self, arguments: Sequence[str], repeat: Callable[[], None]) -> None:
        """Run a command on the library in a child process; `repeat` is offered to the user if it fails."""
        if self.state is not None:
            sentence = "Indexing is under way. Cancel it first, or wait until it is done."
            self.trouble_changed.emit(TroubleMessage(sentence, "Cancel it", self.cancel_job))
            return
        self.trouble_changed.emit(None)
        self._library_job.start_command(self._library.folder, arguments, repeat)

    def cancel_job(self) -> None:
        """Stop the running job; what it has committed stays."""
        self._library_job.cancel_job()

    def close(self) -> None:
        """End the children; the window is closing."""
        self._library_job.close()

    def _handle_end(self, end: JobEnd, repeat: Callable[[], None]) -> None:
        self._library.resume_polling()
        if end.cancelled:
            self.notice_posted.emit("The work was stopped. What was done is kept; start it again to go on.")
        elif end.result is None:
            self.trouble_changed.emit(TroubleMessage(end.sentence, "Try again", repeat))
        else:
            crash_notice = " The work had stopped unexpectedly, and went on by itself." * self._library_job.crashed
            self.notice_posted.emit(summarize_job(end.result) + crash_notice)
            if end.result["result"] == "roots":
                self.rescan_folders()

    # Indexing

    def index_folders(self, folders: Sequence[Path], *, labelled: bool = False) -> None:
        """Index photo folders; the user's own folders never go into the library of the bundled sample."""
        repeat = partial(self.index_folders, folders, labelled=labelled)
        if missing := [folder for folder in folders if not folder.is_dir()]:
            take_parent = partial(self.index_folders, [missing[0].parent], labelled=labelled)
            self.trouble_changed.emit(explain_missing_folder(missing[0], repeat, take_parent))
        else:
            if self._library.folder == _find_sample_library() and find_sample_folder() not in folders:
                self._library.switch_to(find_home_folder() / "default.library")
            self.run_command(["index", *map(str, folders), *["--labelled"] * labelled, "--attached"], repeat)

    def try_sample(self) -> None:
        """Index the bundled pictures into a library of their own."""
        self._library.switch_to(_find_sample_library())
        self.index_folders([find_sample_folder()], labelled=True)

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
            self.trouble_changed.emit(TroubleMessage(sentence, "Try again", repeat))

    def _report_watch_failure(self, sentence: str) -> None:
        sentence = f"The folders are no longer watched. {sentence}"
        self.trouble_changed.emit(TroubleMessage(sentence, "Watch again", partial(self.watch_folders, True)))


def _find_sample_library() -> Path:
    return find_home_folder() / "sample.library"
