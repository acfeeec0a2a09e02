"""Copies of the chosen photos' files in a folder that the user names: read in a thread, never into a photo folder."""

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import require_safe_output
from indexer.reports.photo_copies import copy_photo_file
from retrieval_app.session.session import Session
from retrieval_app.wording import format_count
from retrieval_app.workers.writer import LibraryWriter


class PhotoCopier(QObject):
    """Asks for a folder, has files copied into it, and says when that is done."""

    written = Signal(str, bytes)  # a sentence, the path of the folder

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._last_folder = Path.home()
        self._writer = LibraryWriter(self)  # not the library's, so that no label waits for copies
        self._writer.written.connect(lambda folder, sentence: self.written.emit(str(sentence), os.fsencode(folder)))
        self._writer.refused.connect(lambda _folder, sentence: session.notice_posted.emit(sentence))
        session.library.changed.connect(lambda: self._writer.follow_library(session.library.folder))
        session.closing.connect(self._writer.close)

    def is_idle(self) -> bool:
        """Whether everything has been copied."""
        return self._writer.is_idle()

    def ask_folder(self, photo_ids: list[int]) -> None:
        """Ask for a folder, and copy the files of these photos into it."""
        title = f"Copy {format_count(len(photo_ids), 'photo')} to a folder"
        if name := QFileDialog.getExistingDirectory(self._window, title, str(self._last_folder)):
            self.copy_photos(photo_ids, Path(name))

    def copy_photos(self, photo_ids: list[int], folder: Path) -> None:
        """Copy the files of these photos into a folder."""
        self._last_folder = folder
        self._session.notice_posted.emit(f"Copying {format_count(len(photo_ids), 'photo')}…")
        self._writer.write(folder, partial(_copy_files, photo_ids=photo_ids, folder=folder))


def _copy_files(library: Library, photo_ids: list[int], folder: Path) -> str:
    """Copy files; a sentence that says how many. LookalikeError where none may or can lie in the folder."""
    require_safe_output(folder / "photo", library=library.folder, overwrite=True)
    photos, reasons = library.load_photos(photo_ids), list[str]()
    for photo in photos:
        try:
            copy_photo_file(photo.path, folder)
        except PhotoError as error:
            reasons.append(f"{show_path(photo.path)} {error}")
    done = len(photos) - len(reasons)
    if reasons and not done:
        raise LookalikeError(f"Nothing was copied: {reasons[0]}.")
    left = f"; {format_count(len(reasons), 'file')} could not be: {reasons[0]}" if reasons else ""
    return f"{format_count(done, 'file')} copied to {show_path(folder)}{left}"
