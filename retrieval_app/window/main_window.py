"""The main window: builds pages, menus, toolbar and status line, and connects them. It decides nothing."""

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QMouseEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QVBoxLayout, QWidget

from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.fine_tuning.lazy_dialog import LazyTrainDialog
from retrieval_app.grid.photo_grid import DEFAULT_TILE_SIDE, MAX_TILE_SIDE, MIN_TILE_SIDE
from retrieval_app.help.help_menu import HelpMenu
from retrieval_app.preferences.effects import UserPreferences
from retrieval_app.search.page import SearchPage
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.session.tiles import TileCache
from retrieval_app.tool_bar.main_tool_bar import MainToolBar
from retrieval_app.widgets.menus import KeyDescription, MenuEntry, WindowMenus
from retrieval_app.widgets.theme import THEME_CHOICES, Theme
from retrieval_app.window.drop_area import DropArea
from retrieval_app.window.exporting import ListingExporter
from retrieval_app.window.library_actions import LibraryActions
from retrieval_app.window.model_menu import build_models_page, list_model_entries
from retrieval_app.window.opening import InputOpener
from retrieval_app.window.page_stack import PageStack, connect_map
from retrieval_app.window.running_window import HandedOverFiles, OpenRequest
from retrieval_app.window.trouble_banner import TroubleBanner
from retrieval_app.window.viewing import ViewerOpener
from retrieval_app.work_line.status_line import StatusLine

if TYPE_CHECKING:
    from retrieval_app.duplicates.page import DuplicatesPage
    from retrieval_app.evaluation.page import EvaluationPage
    from retrieval_app.labelling.page import LabellingPage
    from retrieval_app.library.page import LibraryPage
    from retrieval_app.map.page import MapPage
    from retrieval_app.models.page import ModelsPage

SIZE_STEP = 24  # px by which the pictures grow with one key


class MainWindow(QMainWindow):
    """The window with all its pages; closing it ends every thread and child process."""

    def __init__(self, session: Session, tiles: TileCache, theme: Theme, settings: WindowSettings) -> None:
        super().__init__()
        self.session = session
        self.tiles = tiles
        self.theme = theme
        self._settings = settings
        self.input_opener = InputOpener(session, settings, self)
        self.handed_over_files: HandedOverFiles | None = None
        self.listing_exporter = ListingExporter(session, settings, self)
        self.library_actions = LibraryActions(session, settings, self)
        self.search_page = SearchPage(session, tiles, theme)
        self.page_stack = PageStack()
        self._add_pages()
        self.status_line = StatusLine(session)
        self.banner = TroubleBanner(session, theme)
        self.training = LazyTrainDialog(session, theme, self)
        self.menus = WindowMenus(self, self._list_menus())
        self.menus.add_choices("View", "Theme", THEME_CHOICES, lambda: self.theme.choice, self.theme.choose_theme)
        self.menus.menus["Search"].addMenu(self.search_page.results.cut_menu)
        self.menus.menus["View"].addMenu(self.search_page.results.order_button.order_menu)
        self.search_page.saved_searches.add_submenu(self.menus.menus["Search"])
        self.tool_bar = MainToolBar(self.menus, self.page_stack.tab_bar, self._list_libraries)
        self._arrange_widgets()
        self.drop_area = DropArea(self, self.input_opener)
        self._connect_signals()
        self._restore_settings()
        self._draw_icons()
        self._update_controls()
        self.search_page.take_focus()

    # Building

    @cached_property
    def help_menu(self) -> HelpMenu:
        """The menu Help, and what it opens."""
        return HelpMenu(self, self._settings, self._list_keys)

    def _list_keys(self) -> Mapping[str, list[KeyDescription]]:
        return self.menus.list_keys()

    def _add_pages(self) -> None:
        add_page = self.page_stack.add_page
        grid_selection = self.search_page.results.grid.selection
        self.preferences = UserPreferences(self.session, self.theme, self._settings, grid_selection)
        self.preferences.folder_move.library_moved.connect(self.library_actions.known.follow_move)
        self.viewer_opener = ViewerOpener(self, self.session, self.tiles, self.theme, self._settings)
        add_page("Search", "Find what looks alike", lambda: self.search_page)
        add_page("Duplicates", "Photos that are there more than once", lambda: self.duplicates_page)
        add_page("Map", "All photos in a plane, alike ones together", lambda: self.map_page)
        add_page("Evaluate", "How well the model finds what belongs together", lambda: self.evaluation_page)
        add_page("Models", "What the library sees with, and could see with", lambda: self.models_page)
        add_page("Library", "Folders, failures and figures", lambda: self.library_page)
        add_page("Label", "Photos without a label, one after the other", lambda: self.labelling_page)
        self.page_stack.place_page("Search", self.search_page)

    # These imports wait until the page is wanted: they and the building took longer than a bare window's whole start.

    @cached_property
    def duplicates_page(self) -> "DuplicatesPage":
        """The page of duplicates, built at its first use."""
        from retrieval_app.duplicates.page import DuplicatesPage  # see above

        page = DuplicatesPage(self.session, self.tiles, self.theme)
        page.groups_view.view_wanted.connect(self.viewer_opener.view_sequence)
        return self.page_stack.place_page("Duplicates", page)

    @cached_property
    def map_page(self) -> "MapPage":
        """The map, built at its first use."""
        from retrieval_app.map.page import MapPage  # see above

        connect_map(page := MapPage(self.session, self.tiles, self.theme), self.search_page, self.menus)
        return self.page_stack.place_page("Map", page)

    @cached_property
    def evaluation_page(self) -> "EvaluationPage":
        """The page of figures, built at its first use."""
        from retrieval_app.evaluation.page import EvaluationPage  # see above

        page = EvaluationPage(self.session, self.tiles, self.theme)
        page.labelling_wanted.connect(lambda: self.page_stack.show_page("Label"))
        return self.page_stack.place_page("Evaluate", page)

    @cached_property
    def models_page(self) -> "ModelsPage":
        """The page of models, built at its first use."""
        return self.page_stack.place_page("Models", build_models_page(self, self.session, self.training))

    @cached_property
    def library_page(self) -> "LibraryPage":
        """The page of the library, built at its first use."""
        from retrieval_app.library.page import LibraryPage  # see above

        return self.page_stack.place_page("Library", LibraryPage(self.session))

    @cached_property
    def labelling_page(self) -> "LabellingPage":
        """The page that labels one photo after the other, built at its first use."""
        from retrieval_app.labelling.page import LabellingPage  # see above

        return self.page_stack.place_page("Label", LabellingPage(self.session, self.tiles, self.theme))

    def _list_menus(self) -> dict[str, list[MenuEntry | None]]:
        return self._list_picture_menus() | self._list_search_menus() | self._list_library_menus()

    def _list_picture_menus(self) -> dict[str, list[MenuEntry | None]]:
        grid = self.search_page.results.grid
        return {
            "File": [
                MenuEntry("New window", self.library_actions.open_window, ("Ctrl+N",)),
                None,
                MenuEntry("Index folder…", self.input_opener.choose_folder, ("Ctrl+I",), "index-folder"),
                MenuEntry("Index labelled folder…", self.input_opener.choose_labelled_folder),
                None,
                MenuEntry(
                    "Open a picture…", self.input_opener.choose_pictures, ("Ctrl+O",), "open-picture", self._has_photos
                ),
                MenuEntry(
                    "Export…",
                    self.listing_exporter.ask_destination,
                    ("Ctrl+E",),
                    "open-external",
                    self.listing_exporter.can_export,
                ),
                None,
                MenuEntry("Quit", self.close, ("Ctrl+Q",)),
            ],
            "Edit": [
                *self.search_page.list_photo_entries(self._can_use_search_page),
                None,
                MenuEntry("Paste as query", self.input_opener.paste_clipboard, ("Ctrl+V",), "paste", self._has_photos),
                None,
                MenuEntry("Settings…", self.show_settings, ("Ctrl+,",)),
            ],
            "View": [
                *self.page_stack.list_menu_entries(),
                None,
                *self.viewer_opener.list_menu_entries(self.search_page.make_sequence, self._has_photos),
                None,
                MenuEntry("Larger pictures", partial(self._resize_tiles, SIZE_STEP), ("Ctrl++", "Ctrl+="), "large"),
                MenuEntry("Smaller pictures", partial(self._resize_tiles, -SIZE_STEP), ("Ctrl+-",), "small"),
                MenuEntry(
                    "Square tiles",
                    lambda: self._show_squares(not grid.has_squares),
                    possible=self._can_use_search_page,
                    checked=lambda: grid.has_squares,
                ),
                None,
                MenuEntry("Details", self._toggle_details, ("F9",), "details", self._can_use_search_page),
                MenuEntry("Full screen", self._toggle_full_screen, ("F11",)),
            ],
        }

    def _list_search_menus(self) -> dict[str, list[MenuEntry | None]]:
        search = self.session.search
        back, forward = partial(search.move_in_history, -1), partial(search.move_in_history, 1)
        return {
            "Search": [
                MenuEntry("Back", back, ("Alt+Left", "Backspace"), "back", lambda: search.history.can_move(-1)),
                MenuEntry("Forward", forward, ("Alt+Right",), "forward", lambda: search.history.can_move(1)),
                MenuEntry("Whole library", search.show_library, ("Esc",), "library", lambda: search.query is not None),
                None,
                *self.search_page.list_query_entries(self._can_use_search_page),
            ],
        }

    def _list_library_menus(self) -> dict[str, list[MenuEntry | None]]:
        session = self.session
        return {
            "Model": list_model_entries(self, session, self.training, self._has_photos),
            "Library": [
                MenuEntry("New library…", self.library_actions.ask_new),
                MenuEntry("Open library…", self.input_opener.choose_library),
                MenuEntry("Libraries…", self.library_actions.show_libraries),
                None,
                MenuEntry("Look for changes", session.job.rescan_folders, ("F5",), "refresh", session.job.can_rescan),
                None,
                MenuEntry("Photos that could not be read…", self.show_failures, (), "warning", self._has_failures),
            ],
            "Help": self.help_menu.list_entries(),
        }

    def _has_failures(self) -> bool:
        return bool(self.session.library.failures)

    def _arrange_widgets(self) -> None:
        self.addToolBar(self.tool_bar)
        self.viewer_opener.hide_while_open(self.tool_bar, self.status_line)
        self.tool_bar.size_slider.setRange(MIN_TILE_SIDE, MAX_TILE_SIDE)
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.viewer_opener.add_pages(self.page_stack), 1)
        column.addWidget(self.status_line.panel)
        column.addWidget(self.status_line)
        self.setCentralWidget(place)
        self.setMinimumSize(720, 480)
        self.resize(1280, 800)

    def _connect_signals(self) -> None:
        session = self.session
        session.library.changed.connect(lambda: self.tiles.follow_library(session.library.folder))
        for signal in (session.library.changed, session.search.query_changed, session.job.changed):
            signal.connect(self._update_controls)
        grid = self.search_page.results.grid
        for signal in (session.changes.indexChanged, grid.selection.changed, grid.current_moved):
            signal.connect(self._update_controls)
        self.viewer_opener.connect_window(self.search_page, self.menus)
        self.viewer_opener.changed.connect(self._update_controls)
        grid.menu_wanted.connect(partial(self.search_page.photo_actions.show_context_menu, self.menus))
        session.search.query_changed.connect(self._show_results)
        self.page_stack.page_changed.connect(self._update_controls)
        self.page_stack.folder_wanted.connect(self.input_opener.choose_folder)
        self.search_page.picture_wanted.connect(self.input_opener.choose_pictures)
        self.search_page.results.label_line.lasting_wanted.connect(self.training.open_instant)
        self.status_line.failures_wanted.connect(self.show_failures)
        self.listing_exporter.list_selected = grid.selection.list_ids
        for writer in (self.listing_exporter, self.search_page.photo_actions.copier):
            writer.written.connect(self.status_line.offer_file)
        self.status_line.follow_pages(self.page_stack.page_named, self.page_stack.show_page)
        self.tool_bar.size_slider.valueChanged.connect(grid.set_side)
        self.theme.changed.connect(self._draw_icons)

    def _restore_settings(self) -> None:
        """Restore size, panes, tile size and details as they were when the window was last closed."""
        self.tool_bar.size_slider.setValue(self._settings.read_number("tile", DEFAULT_TILE_SIDE))
        self.search_page.show_details(self._settings.read_text("details", "shown") == "shown")
        self._show_squares(self._settings.read_text("tiles", "rows") == "squares")
        self._settings.restore_window(self, self.search_page.panes)

    # Keeping up

    def _draw_icons(self) -> None:
        self.menus.draw_icons(self.theme)
        self.menus.find_action("Whole library").setIcon(self.theme.get_icon("library"))

    def _update_controls(self) -> None:
        name = name_library(self.session.library.folder)
        self.setWindowTitle(tr("{name} - Lookalike", name=name))
        self.tool_bar.show_library_name(name)
        self.menus.update_actions()

    def _has_photos(self) -> bool:
        return not self.session.library.is_empty

    def _can_use_search_page(self) -> bool:
        return self._has_photos() and self.page_stack.is_showing("Search") and not self.viewer_opener.is_open

    def _show_results(self) -> None:
        if self.session.search.query is not None and not self.page_stack.is_showing("Search"):
            self.page_stack.show_page("Search")

    def _list_libraries(self, menu: QMenu) -> None:
        texts = ("New library…", "Open library…", "Libraries…")
        self.library_actions.fill_menu(menu, [self.menus.find_action(text) for text in texts])

    # What the menus do

    def show_failures(self) -> None:
        """Open the list of photos that could not be read."""
        from retrieval_app.window.dialogs import FailuresDialog  # as of the pages

        FailuresDialog(self.session.library.failures, self).open()

    def show_settings(self) -> None:
        """Open the settings."""
        from retrieval_app.preferences.dialog import SettingsDialog  # as of the pages

        SettingsDialog(self.session, self.theme, self.preferences, self).open()

    def _resize_tiles(self, pixels: int) -> None:
        self.tool_bar.size_slider.setValue(self.tool_bar.size_slider.value() + pixels)

    def _toggle_details(self) -> None:
        self.search_page.toggle_details()
        self._settings.write_value("details", "shown" if self.search_page.wants_details else "hidden")

    def _show_squares(self, has_squares: bool) -> None:
        self.search_page.results.grid.set_squares(has_squares)
        self._settings.write_value("tiles", "squares" if has_squares else "rows")

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go back and forward in the history by the side buttons of the mouse."""
        steps = {Qt.MouseButton.BackButton: -1, Qt.MouseButton.ForwardButton: 1}
        if event.button() in steps:
            self.session.search.move_in_history(steps[event.button()])

    def receive_files(self, home: Path) -> None:
        """Open what later starts of the program hand over, where no other window of the home folder does."""
        self.handed_over_files = HandedOverFiles(home, self)
        self.handed_over_files.received.connect(self._open_handed_over)
        self.handed_over_files.start_listening()

    def _open_handed_over(self, request: OpenRequest) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        self.input_opener.open_request(request)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the settings, and end all threads and child processes; a training at work may keep the window open."""
        evaluation_page = vars(self).get("evaluation_page")  # None where it was never shown
        if not self.training.may_close() or (evaluation_page and not evaluation_page.study.may_close()):
            event.ignore()
            return
        if self.handed_over_files is not None:
            self.handed_over_files.close()
        self._settings.write_value("tile", self.tool_bar.size_slider.value())
        self._settings.write_value("theme", self.theme.choice)
        self._settings.save_window(self, self.search_page.panes)
        self.hide()
        self.training.close()
        self.session.close()
        self.search_page.questions.close()
        self.tiles.close()
        super().closeEvent(event)
