"""The app's state as one object: methods in, signals out, no widgets.

The pages read its attributes when a signal says that they changed. It opens the library, starts the child that
indexes, has searches done on one thread where the latest wins, and keeps the history of queries.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from indexer.database.filters import Filter
from indexer.database.store import Failure
from indexer.errors import LookalikeError
from indexer.library import Info, Library
from indexer.photos.samples import sample_folder
from indexer.places import home
from indexer.ranking.rankings import NEAREST, Search, takes
from indexer.search.query import Example, Query
from retrieval_app.session import marks as marking
from retrieval_app.session.reading import EVERYTHING, Answer, listed, ranked
from retrieval_app.session.reading_snapshot import WATCHED, Snapshot, keep_watched, take_snapshot
from retrieval_app.session.state import History, JobState, Listing, Trouble, no_folder
from retrieval_app.workers.child_process import JobEnd, Readers
from retrieval_app.workers.library_job import Work, summary
from retrieval_app.workers.writer import Writer

POLL_MS = 700  # how often another process's commits are looked for
SNAPSHOT = "snapshot"


class Session(QObject):
    """One open library, its listing, query, history and running job."""

    library_changed = Signal()  # another library, or its counts, failures and model
    listing_changed = Signal()
    query_changed = Signal()
    job_changed = Signal()
    troubled = Signal(object)  # Trouble, or None when it is over
    noticed = Signal(str)  # a sentence for the status line
    leaving = Signal()  # the library is about to be closed: what is half said of it is finished now
    closing = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.info: Info | None = None
        self.failures: list[Failure] = []
        self.previous = ""  # the model to go back to
        self.listing = self.found = Listing(np.empty(0, np.int64))  # found: before the cut-off
        self.within = EVERYTHING
        self.cut: float | None = None
        self.way = NEAREST  # of ways.WAYS
        self.history = History()
        self.searching = False
        self.work = Work(self)
        self.writer = Writer(self)
        self._ids = self.listing.ids
        self._library: Library | None = None
        self._version = -1
        self._reading = False
        self._ticket = 0
        self._reader = Readers(1, parent=self)  # one thread, so that snapshot and search share what they read
        self._reader.answered.connect(self._take)
        self._reader.failed.connect(self._fail)
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)
        self.work.changed.connect(self.job_changed)
        self.work.ended.connect(self._end)
        self.work.watch.failed.connect(self._unwatched)
        self.writer.refused.connect(self._not_written)

    # The library

    @property
    def query(self) -> Query | None:
        """The query whose results are shown; None for the whole library."""
        return self.history.current

    @property
    def asked(self) -> Search | None:
        """The search whose results are shown; None for the whole library."""
        if self.query is None:
            return None
        return Search(self.query, None if self.within == EVERYTHING else self.within, self.cut, self.way)

    @property
    def queried(self) -> int | None:
        """The photo of the library that alone is the query, if it is one."""
        if self.query is None or len(self.query.positives) != 1 or not isinstance(self.query.positives[0], int):
            return None
        return self.query.positives[0]

    @property
    def job(self) -> JobState | None:
        """The job at work on the library."""
        return self.work.state

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.info is None or self.info.photos == 0

    def open(self, folder: Path) -> None:
        """Show another library; one that does not exist yet is empty until something is indexed into it."""
        if self.job is not None:
            self.trouble("Another library can be opened when indexing is done or cancelled.", "Cancel", self.cancel)
            return
        self._leave()
        self.folder = folder
        self._timer.start()
        self._poll()
        self.library_changed.emit()
        self.query_changed.emit()
        self._show(Listing(self._ids))

    def close(self) -> None:
        """End threads and child; the window is closing."""
        self._timer.stop()
        self.leaving.emit()
        self.closing.emit()
        self.work.close()
        self.writer.close()
        self._reader.close()
        if self._library is not None:
            self._library.close()
            self._library = None

    def _leave(self) -> None:
        self.leaving.emit()
        self.work.watch.follow(self.folder, wanted=False)
        if self._library is not None:
            self._library.close()
        self._library, self._version, self._reading = None, -1, False
        self._reader.open(None)
        self.writer.open(None)
        self.info, self.failures, self.previous, self.history = None, [], "", History()
        self._ids, self.within, self.cut, self.way = np.empty(0, np.int64), EVERYTHING, None, NEAREST
        self._settle()

    def _poll(self) -> None:
        """Look for a library that came into being, or for what another process committed."""
        if self._library is None and not self._enter():
            return
        assert self._library is not None
        try:
            version = self._library.version()
        except LookalikeError as error:
            self._give_up(error)
            return
        if version != self._version and not self._reading:
            self._version, self._reading = version, True
            self._reader.ask(SNAPSHOT, take_snapshot)

    def _enter(self) -> bool:
        if not (self.folder / "library.sqlite").exists():
            return False
        try:
            self._library = Library.open(self.folder)
        except LookalikeError as error:
            if self.job is None:  # while a job makes the library, the next look will find it
                self._give_up(error)
            return False
        self._reader.open(self.folder)
        self.writer.open(self.folder)
        return True

    def _take(self, key: object, answer: object) -> None:
        if isinstance(answer, Snapshot):
            self._take_snapshot(answer)
        elif isinstance(answer, Answer) and key == self._ticket:
            self._take_answer(answer)

    def _fail(self, key: object, error: Exception) -> None:
        if key == SNAPSHOT:
            self._reading = False
            self._give_up(error)
        elif key == self._ticket:
            self._fail_search(error)
        else:
            self._give_up(error)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self._reading = False
        before = self.info.fingerprint if self.info else ""
        if self.info is None:
            self.work.watch.follow(self.folder, wanted=snapshot.watched)
            self._reader.ask("warm", Library.warm)
        self._ids, self.info, self.failures, self.previous, _ = snapshot
        self.library_changed.emit()
        if self.query is None:
            self._list()
        elif self.info is not None and self.info.fingerprint != before:
            self._look()  # what is shown was ranked by another model

    def _give_up(self, error: Exception) -> None:
        """Look at the library no more until the user wants to try again."""
        self._timer.stop()
        self._explain(error, "Try again", partial(self.open, self.folder))

    # Searching

    def search(self, query: Query) -> None:
        """Rank the library by its distance to the query; an earlier search that is still running is forgotten."""
        if self.empty:
            self.trouble("Nothing is here to search. Index a photo folder first.", "Try the sample", self.try_sample)
            return
        self.history.visit(query)
        self._look()

    def reopen(self, search: Search) -> None:
        """Search as it was done before: with this filter and cut-off, and in this way."""
        self.within, self.cut, self.way = search.within or EVERYTHING, search.max_distance, search.way
        self.search(search.query)

    def click(self, photo: int) -> None:
        """Take a photo of the library as the query; a second time, go back to the whole library."""
        if photo == self.queried:
            self.show_library()
        else:
            self.search(Query(positives=(photo,)))

    def mark(self, example: Example, by: int) -> None:
        """Look for more (1) or less (-1) of a picture, once more; a mark and its opposite undo each other."""
        self.change(marking.marked(self.query, example, by))

    def change(self, query: Query | None) -> None:
        """Rank by a query that came of changing the current one; None where nothing to look for would be left."""
        if query is None:
            self.noticed.emit("A search needs a picture to look like: mark one with + first.")
        elif not self.empty:
            self.history.visit(query, changed=True)
            self._look()

    def undo(self) -> None:
        """Take back the last mark or crop."""
        if self.history.changed:
            self.move(-1)

    def show_library(self) -> None:
        """Drop the query and show the whole library."""
        if self.query is not None:
            self.history.visit(None)
            self._look()

    def move(self, by: int) -> None:
        """Go back (-1) or forward (+1) in the history of queries."""
        if self.history.can_move(by):
            self.history.move(by)
            self._look()

    def _look(self) -> None:
        """Show what the history points at."""
        self._settle()
        if not self.takes(self.way):
            self.way = NEAREST
        self.query_changed.emit()
        if self.asked is None:
            self._list()
        else:
            self.searching = True
            self._reader.ask(self._ticket, partial(ranked, asked=self.asked))
            self.listing_changed.emit()

    def _list(self) -> None:
        """Show the library, or what of it passes the filter."""
        if self.within == EVERYTHING:
            self._show(Listing(self._ids, among=len(self._ids)))
        else:
            self._reader.ask(self._ticket, partial(listed, within=self.within))

    def keep_within(self, within: Filter) -> None:
        """Show and search only the photos that pass the filter."""
        self.within = within
        self._look()

    def cut_at(self, distance: float | None) -> None:
        """Show only results up to a distance; None for all."""
        self.cut = distance
        if self.query is None or self.way == NEAREST:
            self._show(self.found)
        else:
            self._look()

    def rank(self, way: str) -> None:
        """Rank in one of WAYS from now on; a second time, by distance again."""
        wanted = NEAREST if way == self.way else way
        if self.takes(wanted):
            self.way = wanted
            self._look()

    def takes(self, way: str) -> bool:
        """Whether there is a query that can be ranked so."""
        return self.query is not None and takes(way, self.query)

    def _settle(self) -> None:
        """Forget searches under way and troubles of the past."""
        self._reader.drop(self._ticket)
        self._ticket += 1
        self.searching = False
        self.troubled.emit(None)

    def _take_answer(self, answer: Answer) -> None:
        self.searching = False
        self._show(*answer)
        self.noticed.emit(answer.found.result.notice if answer.found.result else "")

    def _fail_search(self, error: Exception) -> None:
        self.searching = False
        self.listing_changed.emit()
        self._explain(error, "Back to the library", self.show_library)

    def _show(self, found: Listing, shown: Listing | None = None) -> None:
        self.found, self.listing = found, found.nearer(self.cut) if shown is None else shown
        self.listing_changed.emit()

    # Indexing

    def index(self, folders: Sequence[Path], *, labelled: bool = False) -> None:
        """Index photo folders in a child process; the user's own folders never mix with the sample's."""
        again = partial(self.index, folders, labelled=labelled)
        if missing := [folder for folder in folders if not folder.is_dir()]:
            take_parent = partial(self.index, [missing[0].parent], labelled=labelled)
            self.troubled.emit(no_folder(missing[0], again, take_parent))
        else:
            if self.folder == _sample_library() and sample_folder() not in folders:
                self.open(home() / "default.library")
            self.run(["index", *map(str, folders), *["--labelled"] * labelled, "--attached"], again)

    def can_rescan(self) -> bool:
        """Whether there is a library whose folders can be looked through, and no job at work."""
        return self.job is None and self._library is not None

    def rescan(self) -> None:
        """Bring the library's own folders up to date."""
        if self.can_rescan():
            self.run(["index", "--attached"], self.rescan)

    def watch(self, wanted: bool) -> None:
        """Index whatever changes in the library's folders, from now on and at every start, or no longer."""
        self.work.watch.follow(self.folder, wanted=wanted)
        self.writer.write(WATCHED, partial(keep_watched, watched=wanted))

    def _not_written(self, key: object, sentence: str) -> None:
        if key == WATCHED:
            self.trouble(sentence, "Try again", partial(self.watch, self.work.watch.wanted))

    def _unwatched(self, sentence: str) -> None:
        self.trouble(f"The folders are no longer watched. {sentence}", "Watch again", partial(self.watch, True))

    def try_sample(self) -> None:
        """Index the bundled pictures into a library of their own."""
        self.open(_sample_library())
        self.index([sample_folder()], labelled=True)

    def cancel(self) -> None:
        """Stop the running job; what it has committed stays."""
        self.work.cancel()

    # The job

    def run(self, arguments: Sequence[str], again: Callable[[], None]) -> None:
        """Have a command done to the library in a child process; `again` is what the user may wish if it fails."""
        if self.job is not None:
            busy = "Indexing is under way. Cancel it first, or wait until it is done."
            self.trouble(busy, "Cancel it", self.cancel)
            return
        self.troubled.emit(None)
        self.work.start(self.folder, arguments, again)

    def _end(self, end: JobEnd, again: Callable[[], None]) -> None:
        self._timer.start()
        self._poll()
        if end.cancelled:
            self.noticed.emit("The work was stopped. What was done is kept; start it again to go on.")
        elif end.result is None:
            self.trouble(end.sentence, "Try again", again)
        else:
            went_on = " The work had stopped unexpectedly, and went on by itself." if self.work.crashed else ""
            self.noticed.emit(summary(end.result) + went_on)
            if end.result["result"] == "roots":
                self.rescan()

    # Sentences

    def trouble(self, sentence: str, button: str, remedy: Callable[[], None]) -> None:
        """Say what is wrong, with the one thing that can be done about it."""
        self.troubled.emit(Trouble(sentence, button, remedy))

    def _explain(self, error: Exception, button: str, remedy: Callable[[], None]) -> None:
        """A sentence of the engine goes to the user; anything else is a bug and goes to the report."""
        if not isinstance(error, LookalikeError):
            raise error
        self.trouble(str(error), button, remedy)


def _sample_library() -> Path:
    return home() / "sample.library"
