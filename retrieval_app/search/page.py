"""The search page: query on the left, photos in the centre, details on the right; before that, an invitation."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from indexer.library import Library, Photo
from retrieval_app.compare.page import ComparePage
from retrieval_app.search import ranking_switches as ways
from retrieval_app.search.details_panel import DetailsPanel
from retrieval_app.search.empty_library import FirstState
from retrieval_app.search.query_panel import QueryPanel
from retrieval_app.search.results_view import ResultsView
from retrieval_app.search.saved_searches import SavedSearches
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides
from retrieval_app.session.system_open import open_path, reveal
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.menus import Entry
from retrieval_app.widgets.theme import Theme


class _Label(NamedTuple):
    """What is written: a label of the user's for a photo."""

    photo: int


class SearchPage(QStackedWidget):
    """Wires the three panes to the session."""

    folder_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self, session: Session, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self.asides = Asides(self)
        session.library_changed.connect(lambda: self.asides.follow(session.folder))  # before anyone asks
        self.results = ResultsView(session, tiles, theme, self.asides)
        self.details = DetailsPanel(tiles, theme, self.asides)
        self.query = QueryPanel(session, tiles, theme, self.asides)
        self.saved = SavedSearches(session, self.asides, self)
        self.compare = ComparePage(theme, self.asides)
        self.panes = QSplitter(Qt.Orientation.Horizontal)
        self.first = FirstState(session)
        self._arrange()
        self._connect()
        self._choose()

    def _arrange(self) -> None:
        for pane, width, stretch in ((self.query, 208, 0), (self.results, 808, 1), (self.details, 264, 0)):
            self.panes.addWidget(pane)
            self.panes.setStretchFactor(self.panes.count() - 1, stretch)
            pane.setMinimumWidth(min(width, 180))
        self.panes.setSizes([208, 808, 264])
        self.panes.setHandleWidth(1)
        self.panes.setChildrenCollapsible(False)
        self.addWidget(self.first)
        self.addWidget(self.panes)
        self.addWidget(self.compare)

    def _connect(self) -> None:
        grid = self.results.grid
        grid.chosen.connect(self._session.click)
        grid.opened.connect(lambda photo: self.open_photo(self._tiles.one(photo)))
        grid.moved.connect(self._show_details)
        grid.compared.connect(self._compare)
        self.compare.closed.connect(self._show_panes)
        self.compare.stepped.connect(self._step)
        self._session.query_changed.connect(self._show_panes)
        grid.marked.connect(self._session.mark)
        for signal in (self._tiles.arrived, self._session.query_changed):
            signal.connect(self._show_details)
        self.details.similar_wanted.connect(self._find_similar)
        self.details.compare_wanted.connect(self._compare)
        self.details.label_given.connect(self._give_label)
        self._session.leaving.connect(self.details.label.finish)
        self._session.writer.written.connect(self._labelled)
        self._session.writer.refused.connect(self._not_labelled)
        self.details.open_wanted.connect(self.open_photo)
        self.details.folder_wanted.connect(self.open_folder)
        self.query.open_wanted.connect(self.picture_wanted)
        self.first.accepted.connect(self.folder_wanted)
        self._session.library_changed.connect(self._choose)
        self._session.job_changed.connect(self._choose)

    def _choose(self) -> None:
        """The invitation while there is nothing to show, else the panes, or the comparison that was opened."""
        if self._session.empty or self.currentWidget() is self.first:
            self._turn_to(self.first if self._session.empty else self.panes)

    def _turn_to(self, wanted: QWidget) -> None:
        if wanted is not self.currentWidget():
            self.setCurrentWidget(wanted)
            self.take_focus()

    def _show_panes(self) -> None:
        if self.currentWidget() is self.compare:
            self._turn_to(self.panes)

    def _compare(self) -> None:
        """Compare the current photo with the query's first picture."""
        query, photo = self._session.query, self.current_photo()
        if query is None:
            self._session.noticed.emit("Choose a query first; then Space compares it with a photo.")
        elif photo is not None:
            first = query.positives[0]
            self.compare.show_pair(first, f"Query: {self.query.named(first)}", photo)
            self._turn_to(self.compare)

    def _step(self, by: int) -> None:
        """Compare with the next result, or the one before."""
        grid = self.results.grid
        place = (grid.current_place() or 0) + by
        if 0 <= place < len(self._session.listing.ids):
            grid.go_to(place)
            self._compare()

    def entries(self, possible: Callable[[], bool]) -> list[Entry]:
        """The lines of the menu that change the query."""
        session = self._session
        return [
            Entry("More like this", partial(self._mark, 1), ("+", "="), possible=possible),
            Entry("Less like this", partial(self._mark, -1), ("-",), possible=possible),
            Entry("Filter…", self._filter, ("Ctrl+F",), "filter", possible),
            Entry("Choose a part of the query", self._crop, ("C",), possible=lambda: session.query is not None),
            *ways.entries(session),
            Entry("What is it?", self._identify, ("?",), possible=lambda: session.query is not None),
            Entry("Save this search…", self.saved.ask_name, ("Ctrl+S",), possible=lambda: session.query is not None),
            Entry("Undo the last change", session.undo, ("Ctrl+Z",), possible=lambda: session.history.changed),
        ]

    def _find_similar(self, photo: Photo) -> None:
        if photo.id != self._session.queried:
            self._session.click(photo.id)

    def _mark(self, by: int) -> None:
        if (current := self.results.grid.current_id()) is not None:
            self._session.mark(current, by)

    def _filter(self) -> None:
        bar = self.results.filter
        if bar.isVisible() and bar.isAncestorOf(bar.window().focusWidget()):
            self.results.close_filter()
        else:
            self.results.open_filter()

    def _crop(self) -> None:
        self.query.picture.begin()
        self.query.ensureWidgetVisible(self.query.picture)

    def _identify(self) -> None:
        self._show_panes()
        self.query.identity.ask()

    def take_focus(self) -> None:
        """Keys go to what is done first."""
        shown = self.currentWidget()
        other = self.compare.second if shown is self.compare else self.results.grid
        (self.first.offer if shown is self.first else other).setFocus()

    def current_photo(self) -> Photo | None:
        """The photo of the current tile."""
        place = self.results.grid.current_place()
        return None if place is None else self.results.grid.grid.photo(place)

    def _show_details(self) -> None:
        place = self.results.grid.current_place()
        hit = None if place is None else self.results.grid.grid.hit(place)
        photo = self.current_photo()
        queried = photo is not None and photo.id == self._session.queried
        query = self._session.query
        self.details.show_photo(photo, hit, query.positives[0] if query else None, queried=queried)

    def _give_label(self, photo: Photo, given: str | None) -> None:
        self._session.writer.write(_Label(photo.id), partial(_write_label, photo=photo.id, given=given))

    def _labelled(self, key: object, _answer: object) -> None:
        """What is shown may mean something else now; the library's own list is read again by itself."""
        if isinstance(key, _Label) and self._session.query is not None:
            self._session.keep_within(self._session.within)

    def _not_labelled(self, key: object, sentence: str) -> None:
        if isinstance(key, _Label):
            self._session.noticed.emit(sentence)
            if (photo := self.details.photo) is not None and photo.id == key.photo:
                self.details.label.show_label(photo.label)

    def open_photo(self, photo: Photo | None) -> None:
        """Open a photo in the system's viewer."""
        if photo is not None:
            open_path(self._session, photo.path)

    def open_folder(self, photo: Photo) -> None:
        """Open the folder of a photo in the system's file manager."""
        reveal(self._session, photo.path)


def _write_label(library: Library, photo: int, given: str | None) -> None:
    """A short write that waits for no job; None takes the label away."""
    library.annotations.label([photo], given)
