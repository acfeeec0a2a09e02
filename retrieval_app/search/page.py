"""The search page: query on the left, photos in the centre, details on the right; before that, an invitation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QStackedWidget, QWidget

from indexer.paths import show_file_name
from indexer.wording import tr
from retrieval_app.actions.labels import LABEL_CHANGE, label_photos
from retrieval_app.actions.photo_actions import PhotoActions
from retrieval_app.grid.photo_sequence import Partner, PhotoSequence, make_grid_sequence, make_list_sequence
from retrieval_app.search.details_panel import DetailsPanel
from retrieval_app.search.empty_library import EmptyLibraryInvitation
from retrieval_app.search.query_panel import QueryPanel
from retrieval_app.search.ranking_switches import list_ranking_entries
from retrieval_app.search.results_view import ResultsView
from retrieval_app.search.saved_searches import SavedSearches
from retrieval_app.session.change_history import LibraryChange
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_containing_folder, open_picture
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.menus import MenuEntry
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.search.results import Photo

FOLD_WIDTH = 1000  # px of the page below which the details make room for photos
MOST_COMPARED = 100  # selected photos


class SearchPage(QStackedWidget):
    """The three panes, connected to the session; the invitation in their place."""

    view_wanted = Signal(object, bool)  # PhotoSequence to be seen large, and whether beside what it is compared with
    folder_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self, session: Session, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self.questions = LibraryReaders(1, parent=self)  # not the session's, so that no search waits for heat maps
        session.library.changed.connect(self._follow_library)  # before anyone asks
        self.results = ResultsView(session, tiles, theme, self.questions)
        self.details = DetailsPanel(tiles, theme, self.questions)
        self.query_panel = QueryPanel(session, tiles, theme, self.questions)
        self.saved_searches = SavedSearches(session, self.questions, self)
        self.photo_actions = PhotoActions(session, tiles, theme, self.questions, self)
        self.list_seen_ids: Callable[[], list[int]] = list  # the photo that is seen large, if one is
        self.list_page_ids: Callable[[], list[int]] = list  # those chosen on another page, where one is shown
        for pane, name in (
            (self.query_panel, tr("Query")),
            (self.results, tr("Results")),
            (self.details, tr("Details")),
        ):
            pane.setAccessibleName(name)
        self.panes = QSplitter(Qt.Orientation.Horizontal)
        self._sides = dict[QObject, QScrollArea]()  # what stands in a pane at the side, and the pane
        self.wants_details = True
        self._is_narrow = False
        self.invitation = EmptyLibraryInvitation(session)
        self._arrange_panes()
        self._connect_signals()
        self._choose_view()

    def _arrange_panes(self) -> None:
        for pane, least_width, stretch in ((self.query_panel, 180, 0), (self.results, 180, 1), (self.details, 220, 0)):
            self.panes.addWidget(pane)
            self.panes.setStretchFactor(self.panes.count() - 1, stretch)
            pane.setMinimumWidth(least_width)
            if isinstance(pane, QScrollArea) and (content := pane.widget()) is not None:
                self._sides[content] = pane
                content.installEventFilter(self)
        self.panes.setSizes([208, 808, 264])
        self.panes.setHandleWidth(1)
        self.panes.setChildrenCollapsible(False)
        self.addWidget(self.invitation)
        self.addWidget(self.panes)

    def _connect_signals(self) -> None:
        grid = self.results.grid
        grid.chosen.connect(self._session.search.toggle_query_photo)
        grid.opened.connect(lambda photo: self.open_photo(self._tiles.request_photo(photo)))
        grid.current_moved.connect(self._show_details)
        grid.view_wanted.connect(self.view_current)
        grid.marked.connect(self._session.search.mark_example)
        grid.drag_wanted.connect(self.photo_actions.drag_out)
        grid.selection_chosen.connect(self.photo_actions.find_similar)
        self.photo_actions.list_ids = lambda: self.list_seen_ids() or self.list_page_ids() or grid.list_chosen_ids()
        self.photo_actions.go_on = self._go_to_next
        search = self._session.search
        for signal in (self._tiles.arrived, search.query_changed, search.listing_changed):
            signal.connect(self._show_details)
        self.details.similar_wanted.connect(self._find_similar)
        self.details.compare_wanted.connect(partial(self.view_current, is_comparing=True))
        self.details.label_given.connect(lambda photo, label: label_photos(self._session.changes, [photo.id], label))
        self._session.library.closing.connect(self.details.label_edit.finish_editing)
        self._session.library.writer.written.connect(self._refresh_after_label)
        self._session.library.writer.refused.connect(self._show_label_again)
        self.details.open_wanted.connect(self.open_photo)
        self.details.folder_wanted.connect(self.open_folder)
        self.query_panel.open_wanted.connect(self.picture_wanted)
        self.invitation.accepted.connect(self.folder_wanted)
        self._session.library.changed.connect(self._choose_view)
        self._session.job.changed.connect(self._choose_view)

    def show_details(self, wanted: bool) -> None:
        """Show the details where there is room for them, or never."""
        self.wants_details = wanted
        self.details.setVisible(wanted and not self._is_narrow)

    def toggle_details(self) -> None:
        """Show or hide the details; in a narrow window, until its width changes much."""
        is_shown = self.details.isHidden()
        self.details.setVisible(is_shown)
        if not self._is_narrow:
            self.wants_details = is_shown

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the panes at the sides as wide as their longest word, so that none is cut in any language."""
        if event.type() == QEvent.Type.LayoutRequest and isinstance(watched, QWidget) and watched in self._sides:
            side = self._sides[watched]
            frame = 2 * side.frameWidth() + side.verticalScrollBar().sizeHint().width()
            side.setMinimumWidth(max(side.minimumWidth(), watched.minimumSizeHint().width() + frame))
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the details away in a narrow window."""
        super().resizeEvent(event)
        is_narrow = event.size().width() < FOLD_WIDTH
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self.show_details(self.wants_details)

    def _follow_library(self) -> None:
        self.questions.follow_library(self._session.library.folder)

    def _choose_view(self) -> None:
        """The invitation where there is nothing to show, else the panes."""
        is_empty = self._session.library.is_known_empty
        if is_empty or self.currentWidget() is self.invitation:
            self._turn_to(self.invitation if is_empty else self.panes)

    def _turn_to(self, widget: QWidget) -> None:
        if widget is not self.currentWidget():
            self.setCurrentWidget(widget)
            self.take_focus()

    # Looking and comparing

    def view_current(self, *, is_comparing: bool = False) -> None:
        """Show the current photo large, alone or beside the query's picture."""
        self.view_wanted.emit(self.make_sequence(), is_comparing)

    def make_sequence(self) -> PhotoSequence:
        """The photos of the grid, each to be compared with the query's first picture."""
        return make_grid_sequence(self.results.grid, self._find_partner)

    def _find_partner(self) -> Partner | None:
        query = self._session.search.query
        if query is None:
            return None
        return Partner(
            query.positives[0], tr("Query: {positives}", positives=self.query_panel.name_picture(query.positives[0]))
        )

    def _compare_chosen(self) -> None:
        """Compare the first of the selected photos with the others, or the current photo with the query."""
        photo_ids = self.photo_actions.list_ids()
        if len(photo_ids) > 1 and not self.list_seen_ids():
            self.photo_actions.ask_photos(photo_ids[:MOST_COMPARED], self._compare_photos)
        else:
            self.view_current(is_comparing=True)

    def _compare_photos(self, photos: list[Photo]) -> None:
        if len(photos) > 1:
            partner = Partner(photos[0].id, show_file_name(photos[0].path))
            self.view_wanted.emit(make_list_sequence(photos[1:], partner), True)

    def list_query_entries(self, is_possible: Callable[[], bool]) -> list[MenuEntry]:
        """The menu entries that change the query; `is_possible` tells whether photos can be marked and filtered."""
        search = self._session.search

        def can_mark() -> bool:
            return bool(self.list_seen_ids()) or is_possible()

        return [
            MenuEntry("More like this", partial(self.photo_actions.mark_chosen, 1), ("+", "="), possible=can_mark),
            MenuEntry("Less like this", partial(self.photo_actions.mark_chosen, -1), ("-",), possible=can_mark),
            MenuEntry("Filter…", self._toggle_filter, ("Ctrl+F",), "filter", is_possible),
            MenuEntry(
                "Choose a part of the query",
                self._begin_crop,
                ("C",),
                possible=lambda: search.query is not None,
            ),
            *list_ranking_entries(self._session),
            MenuEntry("What is it?", self._ask_identity, ("?",), possible=lambda: search.query is not None),
            MenuEntry(
                "Save this search…",
                self.saved_searches.ask_name,
                ("Ctrl+S",),
                possible=lambda: search.kept_request is not None,
            ),
        ]

    def list_photo_entries(self, is_possible: Callable[[], bool]) -> list[MenuEntry | None]:
        """The menu entries that act on the chosen photos; `is_possible` tells whether photos are shown."""
        grid, selection = self.results.grid, self.results.grid.selection

        def has_any() -> bool:
            is_chosen = selection.count > 0 or grid.current_place() is not None
            return bool(self.list_seen_ids() or self.list_page_ids()) or (is_possible() and is_chosen)

        def can_compare() -> bool:
            is_several = selection.count > 1 or len(self.list_page_ids()) > 1
            return has_any() and (self._session.search.query is not None or is_several)

        self.photo_actions.has_any = has_any
        return [
            *self.photo_actions.list_undo_entries(),
            None,
            MenuEntry("Select all", selection.select_all, ("Ctrl+A",), possible=is_possible),
            MenuEntry("Select none", selection.clear_all, ("Ctrl+Shift+A",), possible=lambda: selection.count > 0),
            None,
            *self.photo_actions.list_entries(),
            MenuEntry("Compare", self._compare_chosen, possible=can_compare),
        ]

    def _find_similar(self, photo: Photo) -> None:
        if photo.id != self._session.search.query_photo_id:
            self._session.search.toggle_query_photo(photo.id)

    def _go_to_next(self) -> None:
        """Make the next photo current, where nothing is selected."""
        grid = self.results.grid
        place = grid.current_place()
        if place is not None and place + 1 < len(grid.grid_model.listing.ids):
            grid.go_to(place + 1)

    def _toggle_filter(self) -> None:
        has_open, bar = self.results.has_filter_open, self.results.filter_bar
        if has_open and bar.isAncestorOf(bar.window().focusWidget()):
            self.results.close_filter()
        else:
            self.results.open_filter()

    def _begin_crop(self) -> None:
        self.query_panel.picture.start_cropping()
        self.query_panel.ensureWidgetVisible(self.query_panel.picture)

    def _ask_identity(self) -> None:
        self.query_panel.identity.ask_identity()

    def take_focus(self) -> None:
        """Give the keyboard focus to the grid, or to what is shown in its place."""
        (self.invitation.offer if self.currentWidget() is self.invitation else self.results.grid).setFocus()

    def current_photo(self) -> Photo | None:
        """The photo of the current tile; None where there is none or it has not been read."""
        place = self.results.grid.current_place()
        return None if place is None else self.results.grid.grid_model.photo_at(place)

    def _show_details(self) -> None:
        place, search = self.results.grid.current_place(), self._session.search
        is_old = search.is_running  # the distance is to what was looked for before
        hit = None if place is None or is_old else self.results.grid.grid_model.hit_at(place)
        photo = self.current_photo()
        queried = photo is not None and photo.id == search.query_photo_id
        query = search.query
        reason = "" if place is None or is_old else self.results.grid.grid_model.explain_place(place)
        self.details.show_photo(photo, hit, query.positives[0] if query else None, queried=queried, reason=reason)

    def _refresh_after_label(self, key: object, _answer: object) -> None:
        """Search again, as filter and ranking may depend on the label; a list without a query is read again anyway."""
        is_label = isinstance(key, LibraryChange) and key.kind == LABEL_CHANGE
        if is_label and self._session.search.query is not None:
            self._session.search.conditions.set_filter(self._session.search.conditions.photo_filter)

    def _show_label_again(self, key: object, _sentence: str) -> None:
        """Show the label that a photo still has where another one was refused."""
        photo = self.details.photo
        if isinstance(key, LibraryChange) and photo is not None and photo.id in key.photo_ids:
            self.details.label_edit.show_label(photo.label)

    def open_photo(self, photo: Photo | None) -> None:
        """Open a photo in the system's viewer."""
        if photo is not None:
            open_picture(self._session, photo.path)

    def open_folder(self, photo: Photo) -> None:
        """Open the folder of a photo in the system's file manager."""
        open_containing_folder(self._session, photo.path)
