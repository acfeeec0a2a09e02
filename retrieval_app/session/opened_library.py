"""The open library: where it lies, what was last read of it, and how a change that another process commits is noticed.

A timer looks at the library's version; where it has changed, a reader thread takes a snapshot of everything the window
shows of it. A library that does not exist yet is empty, until a job has made it. Of a shared one the server tells what
was committed, to a reader thread; a server that is away is waited for.
"""

from __future__ import annotations

from functools import cached_property, partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from indexer.database.sqlite.opening import has_library
from indexer.errors import LookalikeError
from indexer.ranking.photo_arrangement import PhotoArrangement
from indexer.wording import tr
from retrieval_app.session.snapshot import ARRANGEMENT_SETTING, LibrarySnapshot, save_arrangement, take_snapshot
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.workers.engine_loading import EngineLoader
from retrieval_app.workers.library_job import LibraryJob
from retrieval_app.workers.readers import LibraryReaders
from retrieval_app.workers.writer import PATIENCE_SECONDS, SERVER_PATIENCE_SECONDS, LibraryWriter

if TYPE_CHECKING:
    from indexer.database.file_table import FailedFile
    from indexer.library import Library, LibraryInfo

POLL_MS = 700  # how often another process's commits are looked for
NEWS_MS = 250  # how often it is looked whether a server has told of any
SNAPSHOT_KEY, WARM_UP_KEY, NEWS_KEY = "snapshot", "warm", "news"


def await_data_version(library: Library) -> int:
    """The number of commits that the library's server has told of."""
    return library.store.database.await_data_version()


class OpenedLibrary(QObject):
    """One library at a time, with the threads that read and write it.

    `reader` is one thread, so that snapshots and searches share what they have read.
    """

    closing = Signal()  # about to be closed: what the user is still typing about it is finished now
    closed = Signal()  # what was read of it has been dropped
    left = Signal()  # the library before is no longer shown: what was read of it is forgotten; comes before `changed`
    changed = Signal()  # another library is open, or its counts, failures or model are others
    opened = Signal()  # another library is open; comes after `changed`
    photos_read = Signal(bool)  # the photos were read again, and whether with another model; comes after `changed`
    trouble_changed = Signal(object)  # TroubleMessage

    def __init__(self, folder: Path, library_job: LibraryJob, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = self._shown_folder = folder
        self.info: LibraryInfo | None = None  # None before the first photo
        self.failures: list[FailedFile] = []
        self.previous_model = ""  # the name of the model to go back to, "" where there is none
        self.arrangement = PhotoArrangement()  # the order and the groups of its photos
        self.writer = LibraryWriter(self)
        self.reader = LibraryReaders(1, parent=self)
        self._library_job = library_job
        self._library: Library | None = None
        self._version = -1
        self._snapshot_pending = False
        self._is_away = False  # the server of a shared library
        self._was_read = False  # or cannot be
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll_library)
        self._engine = EngineLoader(self)
        self._engine.loaded.connect(self._use_engine)
        self.reader.answered.connect(self._receive_snapshot)
        self.reader.failed.connect(self._handle_failure)
        self.reader.refused.connect(self._handle_refusal)

    # These arrays are made when they are wanted: the first paint waits for no numpy.

    @cached_property
    def photo_ids(self) -> np.ndarray:
        """The ids of the photos (n,) int64, by folder and name."""
        return np.empty(0, np.int64)

    @cached_property
    def photo_aspects(self) -> np.ndarray:
        """The width over height by photo id, float32; 0 where it is not known."""
        return np.zeros(1, np.float32)

    @property
    def is_open(self) -> bool:
        """Whether there is a library in the folder, and it could be opened."""
        return self._library is not None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.info is None or self.info.photos == 0

    @property
    def is_being_opened(self) -> bool:
        """Whether it has not been read yet, so that nobody knows whether it is empty."""
        return self._is_coming() and not self._was_read

    def _is_coming(self) -> bool:
        """Whether there is a library, open or to be opened as soon as the engine is loaded."""
        return self.is_open or (not self._engine.is_loaded and has_library(self.folder))

    @property
    def is_known_empty(self) -> bool:
        """Whether there is nothing in it, or nothing in it can be read."""
        return self.is_empty and not self.is_being_opened

    def switch_to(self, folder: Path) -> None:
        """Show another library; one that does not exist yet is empty until something is indexed into it.

        A job at work on the one before goes on.
        """
        self._leave_library()
        self.folder = folder
        self.show_folder()

    def show_folder(self) -> None:
        """Show the library in `folder`: the first one when the window has been painted, or another one."""
        self.resume_polling()
        self._was_read = not self._is_coming()  # what a job makes later is empty until then
        if self._shown_folder != self.folder:
            self._shown_folder = self.folder
            self.left.emit()
        self.changed.emit()
        self.opened.emit()

    def _use_engine(self) -> None:
        """Open the library that has waited for the engine."""
        self._poll_library()
        if not self.is_open:
            self._was_read = True
            self.changed.emit()

    def resume_polling(self) -> None:
        """Look at the library now, and from now on."""
        self._engine.load_engine()
        self._timer.start()
        self._poll_library()

    def stop_polling(self) -> None:
        """Look at the library no more, until it is opened again or a job on it has ended."""
        self._timer.stop()

    def close(self) -> None:
        """Write what is still to be written, end the threads and close the library."""
        self._engine.close()
        self.writer.close(SERVER_PATIENCE_SECONDS if self._is_shared else PATIENCE_SECONDS)
        self.reader.close()
        if self._library is not None:
            self._library.close()
            self._library = None

    def set_arrangement(self, arrangement: PhotoArrangement) -> None:
        """Remember an order of the photos, also for when the library is opened again."""
        self.arrangement = arrangement
        self.writer.write(ARRANGEMENT_SETTING, partial(save_arrangement, arrangement=arrangement))

    def _leave_library(self) -> None:
        self.closing.emit()
        self._library_job.watch.follow_library(self.folder, wanted=False)
        if self._library is not None:
            self._library.close()
        self._library, self._version, self._snapshot_pending, self._was_read = None, -1, False, False
        self._is_away = False
        self.reader.open_library(None)
        self.writer.open_library(None)
        self.info, self.failures, self.previous_model = None, [], ""
        self.photo_ids, self.photo_aspects = np.empty(0, np.int64), np.zeros(1, np.float32)
        self.arrangement = PhotoArrangement()
        self.closed.emit()

    def _poll_library(self) -> None:
        """Look for a library that came into being, or for what another process committed."""
        if self._library is None and not self._try_open():
            return
        assert self._library is not None
        if self._is_shared:
            self.reader.ask_question(NEWS_KEY, await_data_version)
            return
        try:
            version = self._library.store.database.read_data_version()
        except LookalikeError as error:
            self._give_up(str(error))
            return
        self._note_version(version)

    @property
    def _is_shared(self) -> bool:
        return self._library is not None and self._library.store.database.is_shared

    def _note_version(self, version: int) -> None:
        if version != self._version and not self._snapshot_pending:
            self._version, self._snapshot_pending = version, True
            self.reader.ask_question(SNAPSHOT_KEY, partial(take_snapshot, last_known_id=len(self.photo_aspects) - 1))

    def _try_open(self) -> bool:
        """Open the library where there is one; whether it is open."""
        if not has_library(self.folder):
            return False
        if not self._engine.is_loaded:  # it will be: `resume_polling` has begun that
            return False
        from indexer.library import Library

        try:
            self._library = Library.open(self.folder)
        except LookalikeError as error:
            if self._library_job.library != self.folder:  # while a job makes the library, the next look will find it
                self._give_up(str(error))
            return False
        self.reader.open_library(self.folder)
        self.writer.open_library(self.folder)
        self._timer.setInterval(NEWS_MS if self._is_shared else POLL_MS)
        return True

    def _receive_news(self, version: int) -> None:
        """The server has answered: go on where it was away, and read again where somebody has committed."""
        if self._is_away:
            self._is_away = False
            self.trouble_changed.emit(None)
        self._note_version(version)

    def _receive_snapshot(self, key: object, answer: object) -> None:
        if key == NEWS_KEY and isinstance(answer, int):
            self._receive_news(answer)
        if not isinstance(answer, LibrarySnapshot):
            return
        self._snapshot_pending, self._was_read = False, True
        fingerprint_before = self.info.fingerprint if self.info else ""
        if self.info is None:
            self.arrangement = answer.arrangement
            self._library_job.watch.follow_library(self.folder, wanted=answer.is_watched)
            self.reader.ask_question(WARM_UP_KEY, methodcaller("warm_up"))
        self.photo_ids, self.info, self.failures = answer.photo_ids, answer.info, answer.failures
        if len(answer.new_aspects):
            self.photo_aspects = np.concatenate([self.photo_aspects, answer.new_aspects])
        self.previous_model = answer.previous_model
        self.changed.emit()
        self.photos_read.emit(self.info is not None and self.info.fingerprint != fingerprint_before)

    def _handle_failure(self, key: object) -> None:
        """Stop looking at a library that cannot be read, also where a bug is the reason."""
        if key == SNAPSHOT_KEY:
            self._snapshot_pending = False
            self._end_opening()
        if key in (SNAPSHOT_KEY, WARM_UP_KEY):
            self.stop_polling()

    def _handle_refusal(self, key: object, sentence: str) -> None:
        if self._is_shared and key in (SNAPSHOT_KEY, WARM_UP_KEY, NEWS_KEY):
            self._wait_for_server(sentence)
        elif key in (SNAPSHOT_KEY, WARM_UP_KEY):
            self._give_up(sentence)

    def _wait_for_server(self, sentence: str) -> None:
        """Say once that the server is away, and go on asking whether it is back."""
        self._end_opening()
        self._version = -1
        self._timer.start()
        if not self._is_away:
            self._is_away = True
            self.trouble_changed.emit(TroubleMessage(sentence, tr("Try now"), self._poll_library))

    def _end_opening(self) -> None:
        """What has not been read by now will not be."""
        if self.is_being_opened:
            self._was_read = True
            self.changed.emit()

    def _give_up(self, sentence: str) -> None:
        """Look at the library no more until the user wants to try again."""
        self.stop_polling()
        self._end_opening()
        self.trouble_changed.emit(TroubleMessage(sentence, tr("Try again"), partial(self.switch_to, self.folder)))
