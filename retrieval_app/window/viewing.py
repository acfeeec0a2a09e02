"""The viewer in the window: what opens it, what closes it, and what of the window goes away while it is shown."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from indexer.search.query import Query, QueryExample
from indexer.wording import tr
from retrieval_app.grid.photo_sequence import PhotoSequence
from retrieval_app.search.details_panel import list_photo_facts
from retrieval_app.search.page import SearchPage
from retrieval_app.session.searching.marks import is_same_example
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.session.tiles import TileCache
from retrieval_app.viewer.slide_show import DEFAULT_INTERVAL, INTERVALS
from retrieval_app.widgets.menus import MenuEntry, WindowMenus
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.page_stack import PageStack

if TYPE_CHECKING:
    from retrieval_app.viewer.passing_notice import PassingNotice
    from retrieval_app.viewer.photo_viewer import PhotoViewer

INTERVAL_SETTING = "slide seconds"


class ViewerOpener(QObject):
    """Puts the viewer in the place of the pages; the viewer is made when it is first wanted."""

    changed = Signal()  # it has been opened or closed, or shows another photo

    def __init__(
        self, window: QMainWindow, session: Session, tiles: TileCache, theme: Theme, settings: WindowSettings
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._tiles, self._theme = window, session, tiles, theme
        self._settings = settings
        self._query: Query | None = None  # when the viewer was opened, or since then
        self._was_full_screen = False
        self.viewer: PhotoViewer | None = None
        self.places = QStackedWidget()  # of the pages, and the viewer
        self._toolbar, self._status_line = QWidget(), QWidget()
        self._focus_pages: Callable[[], None] = lambda: None
        self._drag_out: Callable[[list[int]], None] = lambda _ids: None
        self._show_menu: Callable[[QPoint], None] = lambda _point: None
        self.is_open = False
        remembered = settings.read_number(INTERVAL_SETTING, DEFAULT_INTERVAL)
        self.interval = remembered if remembered in INTERVALS else DEFAULT_INTERVAL
        self._follow_timer = QTimer(self, singleShot=True, interval=0)  # once all that follows a change has settled
        self._follow_timer.timeout.connect(self._follow_sequence)
        session.search.query_changed.connect(self._follow_query)
        session.search.listing_changed.connect(self._follow_timer.start)
        session.library.closed.connect(self.close_viewer)
        session.closing.connect(self._close_threads)
        window.installEventFilter(self)

    def add_pages(self, page_stack: PageStack) -> QStackedWidget:
        """The stack that shows the pages of the window, or the viewer in their place."""
        self.places.addWidget(page_stack)
        self._focus_pages = page_stack.take_focus
        page_stack.page_wanted.connect(self.close_viewer)
        return self.places

    def connect_window(self, search_page: SearchPage, menus: WindowMenus) -> None:
        """Work with the photos of the search page and what can be done with them, from the menus of the window too."""
        search_page.view_wanted.connect(self.view_sequence)
        search_page.list_seen_ids = self.list_ids
        search_page.results.grid.current_moved.connect(self._follow_timer.start)
        self._drag_out = search_page.photo_actions.drag_out
        self._show_menu = partial(search_page.photo_actions.show_context_menu, menus, shows_mark_keys=False)
        texts = {seconds: tr("{seconds} seconds", seconds=seconds) for seconds in INTERVALS}
        menus.add_choices("View", "Each slide", texts, lambda: self.interval, self.set_interval)

    def hide_while_open(self, toolbar: QWidget, status_line: QWidget) -> None:
        """Hide the toolbar while a photo is seen large, and the status line while it fills the screen."""
        self._toolbar, self._status_line = toolbar, status_line

    def _close_threads(self) -> None:
        if self.viewer is not None:
            self.viewer.close_threads()

    def list_ids(self) -> list[int]:
        """The id of the photo that is seen large, as a list; empty where none is."""
        return self.viewer.list_ids() if self.viewer is not None and self.is_open else []

    def open_viewer(self, sequence: PhotoSequence, *, is_comparing: bool = False, is_slide_show: bool = False) -> None:
        """Show the current photo of a sequence large, by default its first one."""
        if sequence.find_place() is None:
            if not sequence.count_photos():
                return
            sequence.go_to_place(0)
        viewer = self._make_viewer()
        viewer.pictures.readers.follow_library(self._session.library.folder)
        viewer.questions.follow_library(self._session.library.folder)
        if not self.is_open:
            self._was_full_screen = self._window.isFullScreen()
        self.is_open = True
        self._query = self._session.search.query
        self.places.setCurrentWidget(viewer)  # before the toolbar goes: the pages keep their size and their place
        self._show_parts()
        viewer.resize(self.places.size())
        viewer.open_sequence(sequence, is_comparing=is_comparing)
        if is_slide_show and not viewer.slide_show.is_running:
            viewer.toggle_slides()
        self.changed.emit()

    def close_viewer(self) -> None:
        """Show the pages again, with the photo that was seen last as the current one."""
        if not self.is_open or self.viewer is None:
            return
        self.is_open = False
        self.viewer.leave_sequence()
        if self._window.isFullScreen() and not self._was_full_screen:
            self._toggle_full_screen()
        self._show_parts()
        self.places.setCurrentIndex(0)
        self._focus_pages()
        self.changed.emit()

    def view_sequence(self, sequence: PhotoSequence, is_comparing: bool = False) -> None:  # a slot
        """Show a sequence large; with `is_comparing` while one is shown already, show its partner beside it, or no
        longer.
        """
        if self.viewer is not None and self.is_open and is_comparing:
            self.viewer.toggle_partner()
        else:
            self.open_viewer(sequence, is_comparing=is_comparing)

    def list_menu_entries(
        self, make_sequence: Callable[[], PhotoSequence], has_photos: Callable[[], bool]
    ) -> list[MenuEntry]:
        """The menu entries that show the photos of a sequence large."""

        def start_slides() -> None:
            if self.viewer is not None and self.is_open:
                self.viewer.toggle_slides()
            else:
                self.open_viewer(make_sequence(), is_slide_show=True)

        def can_open() -> bool:
            return has_photos() and not self.is_open

        return [
            MenuEntry("Look at it large", lambda: self.open_viewer(make_sequence()), possible=can_open),
            MenuEntry("Slide show", start_slides, possible=has_photos),
        ]

    def set_interval(self, seconds: int) -> None:
        """Show each photo of a slide show for so many seconds from now on, and remember that."""
        self.interval = seconds
        self._settings.write_value(INTERVAL_SETTING, seconds)
        if self.viewer is not None:
            self.viewer.slide_show.set_interval(seconds)

    def _make_viewer(self) -> "PhotoViewer":
        if self.viewer is None:
            # This import waits until a photo is looked at, as the pages do.
            from retrieval_app.viewer.passing_notice import PassingNotice  # see above
            from retrieval_app.viewer.photo_viewer import PhotoViewer

            viewer = self.viewer = PhotoViewer(self._tiles, self._theme, list_photo_facts)
            self.places.addWidget(viewer)
            viewer.slide_show.set_interval(self.interval)
            viewer.closed.connect(self.close_viewer)
            for readers in (viewer.pictures.readers, viewer.questions):
                self._session.library.closed.connect(partial(readers.open_library, None))
            viewer.full_screen_wanted.connect(self._toggle_full_screen)
            viewer.search_wanted.connect(self._search_example)
            viewer.notice_posted.connect(self._session.notice_posted)
            self._session.notice_posted.connect(partial(self._show_notice, PassingNotice(viewer)))
            viewer.photo_changed.connect(self.changed)
            viewer.menu_wanted.connect(self._show_menu)
            viewer.drag_wanted.connect(self._drag_out)
        return self.viewer

    def _follow_sequence(self) -> None:
        if self.is_open and self.viewer is not None:
            self.viewer.follow_sequence()

    def _follow_query(self) -> None:
        """Go back to the pages where something else is searched for; a mark more or less keeps the photo in view."""
        query, before = self._session.search.query, self._query
        self._query = query
        if query is not before and not _begin_alike(query, before):
            self.close_viewer()

    def _search_example(self, example: QueryExample) -> None:
        self.close_viewer()
        self._session.search.run_query(Query(positives=(example,)))

    # The window around it

    def _toggle_full_screen(self) -> None:
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the window into a full screen and out of it."""
        if event.type() == QEvent.Type.WindowStateChange:
            self._show_parts()
        return False

    def _show_notice(self, notice: "PassingNotice", sentence: str) -> None:
        """Show what is told over the picture where it fills the screen; elsewhere the status line tells it."""
        if sentence and self.is_open and self._window.isFullScreen():
            notice.show_notice(sentence)

    def _show_parts(self) -> None:
        """Hide the toolbar while a picture is seen large, and in a full screen all but the picture.

        The menu bar is only made flat: the keys of a hidden one would do nothing.
        """
        is_bare = self.is_open and self._window.isFullScreen()
        self._window.menuBar().setMaximumHeight(0 if is_bare else 16_777_215)
        self._toolbar.setVisible(not self.is_open)
        self._status_line.setVisible(not is_bare)
        if self.viewer is not None:
            self.viewer.show_bare(is_bare)


def _begin_alike(query: Query | None, other: Query | None) -> bool:
    """Whether the first picture of two queries is the same, as where one came of marking pictures in the other."""
    return query is not None and other is not None and is_same_example(query.positives[0], other.positives[0])
