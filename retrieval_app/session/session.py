"""The app's state as one object: methods in, signals out, no widgets.

The pages read its attributes when a signal says that they changed. It opens the library, starts the child that
indexes, has searches done on one thread where the latest wins, and keeps the history of queries.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from indexer.database.file_table import FailedFile
from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library, LibraryInfo
from indexer.photos.samples import find_sample_folder
from indexer.places import find_home_folder
from indexer.ranking.rankings import RANK_NEAREST, SearchRequest, can_rank
from indexer.search.query import Query, QueryExample
from retrieval_app.session.marks import adjust_mark
from retrieval_app.session.reading import (
    NO_FILTER,
    WATCHED_SETTING,
    FoundListings,
    LibrarySnapshot,
    find_filtered_photos,
    find_ranked_photos,
    save_watched_setting,
    take_snapshot,
)
from retrieval_app.session.state import PhotoListing, QueryHistory, TroubleMessage, explain_missing_folder
from retrieval_app.workers.child_process import JobEnd, JobState
from retrieval_app.workers.library_job import LibraryJob, summarize_job
from retrieval_app.workers.readers import LibraryReaders
from retrieval_app.workers.writer import LibraryWriter

POLL_MS = 700  # how often another process's commits are looked for
SNAPSHOT_KEY = "snapshot"


class Session(QObject):
    """One open library, its listing, query, history and running job."""

    library_changed = Signal()  # another library, or its counts, failures and model
    listing_changed = Signal()
    query_changed = Signal()
    job_changed = Signal()
    trouble_changed = Signal(object)  # Trouble, or None when it is over
    notice_posted = Signal(str)  # a sentence for the status line
    library_closing = Signal()  # the library is about to be closed: what is half said of it is finished now
    session_closing = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.info: LibraryInfo | None = None
        self.failures: list[FailedFile] = []
        self.previous_model = ""  # the model to go back to
        self.listing = self.full_listing = PhotoListing(np.empty(0, np.int64))  # found: before the cut-off
        self.photo_filter = NO_FILTER
        self.max_distance: float | None = None
        self.ranking = RANK_NEAREST  # of ways.WAYS
        self.history = QueryHistory()
        self.searching = False
        self.library_job = LibraryJob(self)
        self.writer = LibraryWriter(self)
        self._photo_ids = self.listing.ids
        self._library: Library | None = None
        self._version = -1
        self._snapshot_pending = False
        self._search_number = 0
        self._reader = LibraryReaders(1, parent=self)  # one thread, so that snapshot and search share what they read
        self._reader.answered.connect(self._receive_answer)
        self._reader.failed.connect(self._handle_failure)
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll_library)
        self.library_job.changed.connect(self.job_changed)
        self.library_job.ended.connect(self._handle_job_end)
        self.library_job.watch.failed.connect(self._report_watch_failure)
        self.writer.refused.connect(self._report_write_failure)

    # The library

    @property
    def query(self) -> Query | None:
        """The query whose results are shown; None for the whole library."""
        return self.history.current_query

    @property
    def current_search(self) -> SearchRequest | None:
        """The search whose results are shown; None for the whole library."""
        if self.query is None:
            return None
        return SearchRequest(
            self.query, None if self.photo_filter == NO_FILTER else self.photo_filter, self.max_distance, self.ranking
        )

    @property
    def query_photo_id(self) -> int | None:
        """The photo of the library that alone is the query, if it is one."""
        if self.query is None or len(self.query.positives) != 1 or not isinstance(self.query.positives[0], int):
            return None
        return self.query.positives[0]

    @property
    def job_state(self) -> JobState | None:
        """The job at work on the library."""
        return self.library_job.state

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.info is None or self.info.photos == 0

    def open_library(self, folder: Path) -> None:
        """Show another library; one that does not exist yet is empty until something is indexed into it."""
        if self.job_state is not None:
            self.report_trouble(
                "Another library can be opened when indexing is done or cancelled.", "Cancel", self.cancel_job
            )
            return
        self._leave_library()
        self.folder = folder
        self._timer.start()
        self._poll_library()
        self.library_changed.emit()
        self.query_changed.emit()
        self._show_listing(PhotoListing(self._photo_ids))

    def close(self) -> None:
        """End threads and child; the window is closing."""
        self._timer.stop()
        self.library_closing.emit()
        self.session_closing.emit()
        self.library_job.close()
        self.writer.close()
        self._reader.close()
        if self._library is not None:
            self._library.close()
            self._library = None

    def _leave_library(self) -> None:
        self.library_closing.emit()
        self.library_job.watch.follow_library(self.folder, wanted=False)
        if self._library is not None:
            self._library.close()
        self._library, self._version, self._snapshot_pending = None, -1, False
        self._reader.open(None)
        self.writer.open(None)
        self.info, self.failures, self.previous_model, self.history = None, [], "", QueryHistory()
        self._photo_ids, self.photo_filter, self.max_distance, self.ranking = (
            np.empty(0, np.int64),
            NO_FILTER,
            None,
            RANK_NEAREST,
        )
        self._drop_pending_search()

    def _poll_library(self) -> None:
        """Look for a library that came into being, or for what another process committed."""
        if self._library is None and not self._try_open_library():
            return
        assert self._library is not None
        try:
            version = self._library.read_data_version()
        except LookalikeError as error:
            self._stop_polling(error)
            return
        if version != self._version and not self._snapshot_pending:
            self._version, self._snapshot_pending = version, True
            self._reader.ask_question(SNAPSHOT_KEY, take_snapshot)

    def _try_open_library(self) -> bool:
        if not (self.folder / "library.sqlite").exists():
            return False
        try:
            self._library = Library.open(self.folder)
        except LookalikeError as error:
            if self.job_state is None:  # while a job makes the library, the next look will find it
                self._stop_polling(error)
            return False
        self._reader.open(self.folder)
        self.writer.open(self.folder)
        return True

    def _receive_answer(self, key: object, answer: object) -> None:
        if isinstance(answer, LibrarySnapshot):
            self._receive_snapshot(answer)
        elif isinstance(answer, FoundListings) and key == self._search_number:
            self._receive_listings(answer)

    def _handle_failure(self, key: object, error: Exception) -> None:
        if key == SNAPSHOT_KEY:
            self._snapshot_pending = False
            self._stop_polling(error)
        elif key == self._search_number:
            self._report_search_failure(error)
        else:
            self._stop_polling(error)

    def _receive_snapshot(self, snapshot: LibrarySnapshot) -> None:
        self._snapshot_pending = False
        fingerprint_before = self.info.fingerprint if self.info else ""
        if self.info is None:
            self.library_job.watch.follow_library(self.folder, wanted=snapshot.is_watched)
            self._reader.ask_question("warm", Library.warm_up)
        self._photo_ids, self.info, self.failures, self.previous_model, _ = snapshot
        self.library_changed.emit()
        if self.query is None:
            self._show_library_photos()
        elif self.info is not None and self.info.fingerprint != fingerprint_before:
            self._show_current_query()  # what is shown was ranked by another model

    def _stop_polling(self, error: Exception) -> None:
        """Look at the library no more until the user wants to try again."""
        self._timer.stop()
        self._report_error(error, "Try again", partial(self.open_library, self.folder))

    # Searching

    def search(self, query: Query) -> None:
        """Rank the library by its distance to the query; an earlier search that is still running is forgotten."""
        if self.is_empty:
            self.report_trouble(
                "Nothing is here to search. Index a photo folder first.", "Try the sample", self.try_sample
            )
            return
        self.history.add_query(query)
        self._show_current_query()

    def repeat_search(self, search: SearchRequest) -> None:
        """Search as it was done before: with this filter and cut-off, and in this way."""
        self.photo_filter, self.max_distance, self.ranking = (
            search.within or NO_FILTER,
            search.max_distance,
            search.ranking,
        )
        self.search(search.query)

    def toggle_query_photo(self, photo_id: int) -> None:
        """Take a photo of the library as the query; a second time, go back to the whole library."""
        if photo_id == self.query_photo_id:
            self.show_library()
        else:
            self.search(Query(positives=(photo_id,)))

    def mark_example(self, example: QueryExample, step: int) -> None:
        """Look for more (1) or less (-1) of a picture, once more; a mark and its opposite undo each other."""
        self.change_query(adjust_mark(self.query, example, step))

    def change_query(self, query: Query | None) -> None:
        """Rank by a query that came of changing the current one; None where nothing to look for would be left."""
        if query is None:
            self.notice_posted.emit("A search needs a picture to look like: mark one with + first.")
        elif not self.is_empty:
            self.history.add_query(query, changed=True)
            self._show_current_query()

    def undo_change(self) -> None:
        """Take back the last mark or crop."""
        if self.history.is_change:
            self.move_in_history(-1)

    def show_library(self) -> None:
        """Drop the query and show the whole library."""
        if self.query is not None:
            self.history.add_query(None)
            self._show_current_query()

    def move_in_history(self, steps: int) -> None:
        """Go back (-1) or forward (+1) in the history of queries."""
        if self.history.can_move(steps):
            self.history.move_by(steps)
            self._show_current_query()

    def _show_current_query(self) -> None:
        """Show what the history points at."""
        self._drop_pending_search()
        if not self.can_rank_by(self.ranking):
            self.ranking = RANK_NEAREST
        self.query_changed.emit()
        if self.current_search is None:
            self._show_library_photos()
        else:
            self.searching = True
            self._reader.ask_question(self._search_number, partial(find_ranked_photos, search=self.current_search))
            self.listing_changed.emit()

    def _show_library_photos(self) -> None:
        """Show the library, or what of it passes the filter."""
        if self.photo_filter == NO_FILTER:
            self._show_listing(PhotoListing(self._photo_ids, candidate_count=len(self._photo_ids)))
        else:
            self._reader.ask_question(self._search_number, partial(find_filtered_photos, within=self.photo_filter))

    def set_filter(self, photo_filter: Filter) -> None:
        """Show and search only the photos that pass the filter."""
        self.photo_filter = photo_filter
        self._show_current_query()

    def set_max_distance(self, distance: float | None) -> None:
        """Show only results up to a distance; None for all."""
        self.max_distance = distance
        if self.query is None or self.ranking == RANK_NEAREST:
            self._show_listing(self.full_listing)
        else:
            self._show_current_query()

    def toggle_ranking(self, ranking: str) -> None:
        """Rank in one of WAYS from now on; a second time, by distance again."""
        new_ranking = RANK_NEAREST if ranking == self.ranking else ranking
        if self.can_rank_by(new_ranking):
            self.ranking = new_ranking
            self._show_current_query()

    def can_rank_by(self, ranking: str) -> bool:
        """Whether there is a query that can be ranked so."""
        return self.query is not None and can_rank(ranking, self.query)

    def _drop_pending_search(self) -> None:
        """Forget searches under way and troubles of the past."""
        self._reader.drop_question(self._search_number)
        self._search_number += 1
        self.searching = False
        self.trouble_changed.emit(None)

    def _receive_listings(self, answer: FoundListings) -> None:
        self.searching = False
        self._show_listing(*answer)
        self.notice_posted.emit(answer.full_listing.result.notice if answer.full_listing.result else "")

    def _report_search_failure(self, error: Exception) -> None:
        self.searching = False
        self.listing_changed.emit()
        self._report_error(error, "Back to the library", self.show_library)

    def _show_listing(self, full_listing: PhotoListing, cut_listing: PhotoListing | None = None) -> None:
        self.full_listing, self.listing = (
            full_listing,
            full_listing.cut_at_distance(self.max_distance) if cut_listing is None else cut_listing,
        )
        self.listing_changed.emit()

    # Indexing

    def index_folders(self, folders: Sequence[Path], *, labelled: bool = False) -> None:
        """Index photo folders in a child process; the user's own folders never mix with the sample's."""
        repeat = partial(self.index_folders, folders, labelled=labelled)
        if missing := [folder for folder in folders if not folder.is_dir()]:
            take_parent = partial(self.index_folders, [missing[0].parent], labelled=labelled)
            self.trouble_changed.emit(explain_missing_folder(missing[0], repeat, take_parent))
        else:
            if self.folder == _sample_library_folder() and find_sample_folder() not in folders:
                self.open_library(find_home_folder() / "default.library")
            self.run_command(["index", *map(str, folders), *["--labelled"] * labelled, "--attached"], repeat)

    def can_rescan(self) -> bool:
        """Whether there is a library whose folders can be looked through, and no job at work."""
        return self.job_state is None and self._library is not None

    def rescan_folders(self) -> None:
        """Bring the library's own folders up to date."""
        if self.can_rescan():
            self.run_command(["index", "--attached"], self.rescan_folders)

    def watch_folders(self, wanted: bool) -> None:
        """Index whatever changes in the library's folders, from now on and at every start, or no longer."""
        self.library_job.watch.follow_library(self.folder, wanted=wanted)
        self.writer.write(WATCHED_SETTING, partial(save_watched_setting, watched=wanted))

    def _report_write_failure(self, key: object, sentence: str) -> None:
        if key == WATCHED_SETTING:
            self.report_trouble(sentence, "Try again", partial(self.watch_folders, self.library_job.watch.wanted))

    def _report_watch_failure(self, sentence: str) -> None:
        self.report_trouble(
            f"The folders are no longer watched. {sentence}", "Watch again", partial(self.watch_folders, True)
        )

    def try_sample(self) -> None:
        """Index the bundled pictures into a library of their own."""
        self.open_library(_sample_library_folder())
        self.index_folders([find_sample_folder()], labelled=True)

    def cancel_job(self) -> None:
        """Stop the running job; what it has committed stays."""
        self.library_job.cancel()

    # The job

    def run_command(self, arguments: Sequence[str], repeat: Callable[[], None]) -> None:
        """Have a command done to the library in a child process; `again` is what the user may wish if it fails."""
        if self.job_state is not None:
            sentence = "Indexing is under way. Cancel it first, or wait until it is done."
            self.report_trouble(sentence, "Cancel it", self.cancel_job)
            return
        self.trouble_changed.emit(None)
        self.library_job.start_command(self.folder, arguments, repeat)

    def _handle_job_end(self, end: JobEnd, repeat: Callable[[], None]) -> None:
        self._timer.start()
        self._poll_library()
        if end.cancelled:
            self.notice_posted.emit("The work was stopped. What was done is kept; start it again to go on.")
        elif end.result is None:
            self.report_trouble(end.sentence, "Try again", repeat)
        else:
            crash_notice = (
                " The work had stopped unexpectedly, and went on by itself." if self.library_job.crashed else ""
            )
            self.notice_posted.emit(summarize_job(end.result) + crash_notice)
            if end.result["result"] == "roots":
                self.rescan_folders()

    # Sentences

    def report_trouble(self, sentence: str, button: str, remedy: Callable[[], None]) -> None:
        """Say what is wrong, with the one thing that can be done about it."""
        self.trouble_changed.emit(TroubleMessage(sentence, button, remedy))

    def _report_error(self, error: Exception, button: str, remedy: Callable[[], None]) -> None:
        """A sentence of the engine goes to the user; anything else is a bug and goes to the report."""
        if not isinstance(error, LookalikeError):
            raise error
        self.report_trouble(str(error), button, remedy)


def _sample_library_folder() -> Path:
    return find_home_folder() / "sample.library"
