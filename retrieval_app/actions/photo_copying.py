"""Copies of the chosen photos' files, or links to them, in a folder that the user names: never a photo folder.

A thread places one file after the other, tells how far it is, and can be stopped after each.
"""

import os
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from indexer.errors import LookalikeError, PhotoError
from indexer.paths import show_path
from indexer.places import require_safe_output
from indexer.progress import Progress
from indexer.reports.photo_copies import copy_photo_file, link_photo_file
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count
from retrieval_app.workers.generator_thread import GeneratorThread
from retrieval_app.workers.job_state import STARTING, JobState
from retrieval_app.workers.work_list import Work

WAIT_MS = 20  # between two looks whether the last file is whole
CLOSING_SECONDS = 30.0  # for the file that is being copied when the window closes


class PlacingWay(NamedTuple):
    """A way to place a file in another folder, as a copy or a link, with the templates of its sentences."""

    title: str
    at_work: str
    stop_text: str
    stopped: str
    done: str
    refused: str
    place_file: Callable[[bytes, Path], Path]


COPY_WAY = PlacingWay(
    "Copy {photos} to a folder",
    "Copying {done:,} of {files}",
    "Stop copying",
    "Copying was stopped: {placed:,} of {files} copied to {folder}",
    "{files} copied to {folder}",
    "Nothing was copied: {reason}.",
    copy_photo_file,
)
LINK_WAY = PlacingWay(
    "Link {photos} in a folder",
    "Linking {done:,} of {files}",
    "Stop linking",
    "Linking was stopped: {placed:,} of {files} linked in {folder}",
    "{files} linked in {folder}",
    "Nothing was linked: {reason}.",
    link_photo_file,
)


class CopyRequest(NamedTuple):
    """Photos of a library whose files shall be in a folder too; `placed` are those that are there by now."""

    library: Path
    photo_ids: tuple[int, ...]
    folder: Path
    way: PlacingWay
    placed: list[Path]


class PhotoCopier(QObject):
    """Asks for a folder, has files copied or linked into it one request after the other, and says when that is done."""

    progressed = Signal(str, str)  # how far it is, and what stopping it is called; both "" when nothing is copied
    written = Signal(str, bytes)  # a sentence, the path of the folder

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._last_folder = Path.home()
        self._requests: deque[CopyRequest] = deque()  # the first one is at work
        self._thread = GeneratorThread(self, join_seconds=CLOSING_SECONDS)
        self._state, self._text = STARTING, ""
        self._thread.stepped.connect(self._show_progress)
        self._thread.ended.connect(self._finish_request)
        self._thread.refused.connect(self._report_refusal)
        session.closing.connect(self._thread.close)
        session.work.follow_source(self.read_work, self.progressed)

    def is_idle(self) -> bool:
        """Whether everything has been copied."""
        return not self._requests

    def ask_folder(self, photo_ids: list[int], way: PlacingWay = COPY_WAY) -> None:
        """Ask for a folder, and have the files of these photos in it."""
        title = tr(way.title, photos=format_count(len(photo_ids), "photo"))
        if name := QFileDialog.getExistingDirectory(self._window, title, str(self._last_folder)):
            self.copy_photos(photo_ids, Path(name), way)

    def copy_photos(self, photo_ids: list[int], folder: Path, way: PlacingWay = COPY_WAY) -> None:
        """Copy the files of these photos into a folder, or link to them there, after what was asked for before."""
        self._last_folder = folder
        self._requests.append(CopyRequest(self._session.library.folder, tuple(photo_ids), folder, way, []))
        if len(self._requests) == 1:
            self._start_request()

    def read_work(self) -> Work | None:
        """What is being copied, for the list of all that is at work."""
        if not self._requests:
            return None
        way = self._requests[0].way
        return Work("copy" if way is COPY_WAY else "link", self._state, self.stop_copying, text=self._text)

    def stop_copying(self) -> None:
        """Stop after the file that is being copied; what is copied stays, and what waits is not begun."""
        self._thread.stop_steps()
        self._state = self._state._replace(stopping=True)
        self.progressed.emit(tr("Stopping…"), "")
        self._finish_stop()

    def _finish_stop(self) -> None:
        """Tell what there is, as soon as the last file is whole."""
        if self._thread.is_running():
            QTimer.singleShot(WAIT_MS, self, self._finish_stop)
            return
        request = self._requests[0]
        self._requests.clear()
        self._state = STARTING
        self.progressed.emit("", "")
        count = format_count(len(request.photo_ids), "file")
        folder = show_path(request.folder)
        sentence = tr(request.way.stopped, placed=len(request.placed), files=count, folder=folder)
        self.written.emit(sentence, os.fsencode(request.folder))

    def _start_request(self) -> None:
        self._thread.run_steps(place_files(self._requests[0]))

    def _show_progress(self, progress: Progress) -> None:
        way = self._requests[0].way
        count = format_count(progress.total, "file")
        self._state, self._text = JobState(progress), tr(way.at_work, done=progress.done, files=count)
        self.progressed.emit(self._text, tr(way.stop_text))

    def _finish_request(self, sentence: str) -> None:
        folder = self._requests[0].folder
        self._go_on()
        self.written.emit(sentence, os.fsencode(folder))

    def _report_refusal(self, sentence: str) -> None:
        self._go_on()
        self._session.notice_posted.emit(sentence)

    def _go_on(self) -> None:
        """Begin what was asked for next."""
        self._requests.popleft()
        self._state, self._text = STARTING, ""
        self.progressed.emit("", "")
        if self._requests:
            self._start_request()


def place_files(request: CopyRequest) -> Generator[Progress, None, str]:
    """Copy or link files one by one; a sentence that says how many. LookalikeError where none may or can lie there."""
    reasons: list[str] = []
    from indexer.library import Library

    with Library.open(request.library) as library:
        require_safe_output(request.folder / "photo", library=request.library, overwrite=True)
        photos = library.load_photos(request.photo_ids)
    for number, photo in enumerate(photos):
        yield Progress("copy", number, len(photos))
        try:
            request.placed.append(request.way.place_file(photo.path, request.folder))
        except PhotoError as error:
            reasons.append(f"{show_path(photo.path)} {error}")
    if reasons and not request.placed:
        raise LookalikeError(request.way.refused, reason=reasons[0])
    count = format_count(len(request.placed), "file")
    said = tr(request.way.done, files=count, folder=show_path(request.folder))
    if not reasons:
        return said
    return tr(
        "{said}; {files} could not be: {reason}",
        said=said,
        files=format_count(len(reasons), "file"),
        reason=reasons[0],
    )
