"""The main window: menus, toolbar, page, status line. It wires and decides nothing."""

import os
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QMouseEvent,
)
from PySide6.QtWidgets import (
    QMainWindow,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from indexer.paths import show_path
from indexer.places import SUFFIX, libraries
from retrieval_app.duplicates.page import DuplicatesPage
from retrieval_app.fine_tuning.lazy_dialog import TrainDoor
from retrieval_app.fine_tuning.source_row import FOLDER, LIBRARY
from retrieval_app.library.page import LibraryPage
from retrieval_app.map.page import MapPage
from retrieval_app.search.details_panel import NOT_TEXT, file_url
from retrieval_app.search.grid import LARGEST, SMALLEST, USUAL
from retrieval_app.search.page import SearchPage
from retrieval_app.session.library_commands_library_model import can_go_back, go_back
from retrieval_app.session.session import Session
from retrieval_app.session.settings import Settings
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets import theme as themes
from retrieval_app.widgets.menus import Entry, Menus
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.dialogs import FailuresDialog, Key, KeysDialog, about
from retrieval_app.window.drop_and_paste import promising, received
from retrieval_app.window.exporting import Exporting
from retrieval_app.window.opening import WaysIn
from retrieval_app.window.page_stack import Pages
from retrieval_app.window.status_line import Banner, StatusLine

SIZE_STEP = 24  # px by which the pictures grow with one key
HAND_KEYS = [
    Key("Arrows", "Move from photo to photo"),
    Key("Enter, click", "Find what looks like this photo"),
    Key("Click again", "Back to the whole library"),
    Key("Space", "Compare the current photo with the query"),
    Key("Page Up, Page Down", "Compare with the result before or after"),
    Key("W", "While comparing: show where the pictures match"),
    Key("Double click", "Open in the system's viewer"),
]


class MainWindow(QMainWindow):
    """Everything the user sees."""

    def __init__(self, session: Session, tiles: Tiles, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self.session = session
        self.tiles = tiles
        self.theme = theme
        self._settings = settings
        self.ways_in = WaysIn(session, settings, self)
        self.exporting = Exporting(session, settings, self)
        self.page = SearchPage(session, tiles, theme)
        self.pages = Pages()
        self.pages.add("Search", self.page, "Find what looks alike", self.page.take_focus)
        self.duplicates = DuplicatesPage(session, tiles, theme)
        self.pages.add(
            "Duplicates", self.duplicates, "Photos that are there more than once", self.duplicates.take_focus
        )
        self.map = MapPage(session, tiles, theme)
        self.pages.add("Map", self.map, "All photos in a plane, alike ones together", self.map.take_focus)
        self.library = LibraryPage(session)
        self.pages.add("Library", self.library, "Folders, failures and figures", self.library.take_focus)
        self.status = StatusLine(session)
        self.banner = Banner(session, theme)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.library_button = QToolButton()
        self.training = TrainDoor(session, theme, self)
        self.menus = Menus(self, self._menus())
        self._add_themes()
        self.menus.menus["Search"].addMenu(self.page.results.rate_cut)
        self.page.saved.fill(self.menus.menus["Search"])
        self._fill_toolbar()
        self._arrange()
        self._connect()
        self._recall()
        self._draw()
        self._update()
        self.page.take_focus()

    # Building

    def _menus(self) -> dict[str, list[Entry | None]]:
        return self._menus_of_pictures() | self._menus_of_searching() | self._menus_of_the_library()

    def _menus_of_pictures(self) -> dict[str, list[Entry | None]]:
        return {
            "File": [
                Entry("Index folder…", self.ways_in.choose_folder, ("Ctrl+I",), "index-folder"),
                Entry("Index labelled folder…", self.ways_in.choose_labelled_folder),
                None,
                Entry("Open a picture…", self.ways_in.choose_pictures, ("Ctrl+O",), "open-picture", self._filled),
                Entry("Export…", self.exporting.ask, ("Ctrl+E",), "open-external", self.exporting.possible),
                None,
                Entry("Quit", self.close, ("Ctrl+Q",)),
            ],
            "Edit": [
                Entry("Copy path", self.copy_path, ("Ctrl+C",), possible=self._looking),
                Entry("Paste as query", self.ways_in.paste, ("Ctrl+V",), "paste", self._filled),
            ],
            "View": [
                *self.pages.entries(),
                None,
                Entry("Larger pictures", partial(self._grow, SIZE_STEP), ("Ctrl++", "Ctrl+="), "large"),
                Entry("Smaller pictures", partial(self._grow, -SIZE_STEP), ("Ctrl+-",), "small"),
                None,
                Entry("Details", self._toggle_details, ("F9",), "details", self._looking),
                Entry("Full screen", self._toggle_full_screen, ("F11",)),
            ],
        }

    def _menus_of_searching(self) -> dict[str, list[Entry | None]]:
        session = self.session
        back, forward = partial(session.move, -1), partial(session.move, 1)
        return {
            "Search": [
                Entry("Back", back, ("Alt+Left", "Backspace"), "back", lambda: session.history.can_move(-1)),
                Entry("Forward", forward, ("Alt+Right",), "forward", lambda: session.history.can_move(1)),
                Entry("Whole library", session.show_library, ("Esc",), "library", lambda: session.query is not None),
                None,
                *self.page.entries(self._looking),
            ],
        }

    def _menus_of_the_library(self) -> dict[str, list[Entry | None]]:
        session = self.session
        return {
            "Model": [
                Entry("Fine-tune on labelled folders…", partial(self.training.open, FOLDER)),
                Entry(
                    "Fine-tune on the labels of this library…",
                    partial(self.training.open, LIBRARY),
                    possible=self._filled,
                ),
                None,
                Entry(
                    "Go back to the previous model", partial(go_back, session), possible=partial(can_go_back, session)
                ),
            ],
            "Library": [
                Entry("Open library…", self.ways_in.choose_library),
                Entry("Look for changes", session.rescan, ("F5",), "refresh", session.can_rescan),
                None,
                Entry("Photos that could not be read…", self.show_failures, (), "warning", self._failed),
            ],
            "Help": [
                Entry("Keys", self.show_keys, ("F1",), "keys"),
                Entry("About Lookalike", lambda: about(self).open()),
            ],
        }

    def _failed(self) -> bool:
        return bool(self.session.failures)

    def _add_themes(self) -> None:
        group = QActionGroup(self)
        place = self.menus.menus["View"].addMenu("Theme")
        for choice, text in themes.CHOICES.items():
            action = place.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == self.theme.choice)
            action.triggered.connect(partial(self.theme.choose, choice))
            group.addAction(action)

    def _fill_toolbar(self) -> None:
        bar = QToolBar("Tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(themes.ICON_SIDE, themes.ICON_SIDE))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(bar)
        self._fill_library_button()
        bar.addWidget(self.library_button)
        bar.addWidget(self.pages.row)
        for text in ("Back", "Forward", "Whole library", "Index folder…", "Open a picture…"):
            bar.addAction(self.menus.action(text))
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(space)
        self.size_slider.setRange(SMALLEST, LARGEST)
        self.size_slider.setFixedWidth(112)
        self.size_slider.setToolTip("Size of the pictures (Ctrl++, Ctrl+-)")
        self.size_slider.setAccessibleName("Size of the pictures")
        bar.addAction(self.menus.action("Smaller pictures"))
        bar.addWidget(self.size_slider)
        bar.addAction(self.menus.action("Larger pictures"))
        bar.addAction(self.menus.action("Details"))

    def _fill_library_button(self) -> None:
        menu = QMenu(self)
        menu.aboutToShow.connect(partial(self._list_libraries, menu))
        self.library_button.setMenu(menu)
        self.library_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.library_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.library_button.setToolTip("The open library; choose another one")

    def _arrange(self) -> None:
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.setCentralWidget(place)
        self.setAcceptDrops(True)
        self.setMinimumSize(720, 480)
        self.resize(1280, 800)

    def _connect(self) -> None:
        session = self.session
        session.library_changed.connect(lambda: self.tiles.follow(session.folder))
        for signal in (session.library_changed, session.query_changed, session.job_changed):
            signal.connect(self._update)
        session.query_changed.connect(self._show_results)
        self.pages.turned.connect(self._update)
        self.page.folder_wanted.connect(self.ways_in.choose_folder)
        for page in (self.duplicates, self.map, self.library):
            page.folder_wanted.connect(self.ways_in.choose_folder)
        self.page.picture_wanted.connect(self.ways_in.choose_pictures)
        self.status.failures_wanted.connect(self.show_failures)
        self.exporting.written.connect(self.status.offer_file)
        self.size_slider.valueChanged.connect(self.page.results.grid.set_side)
        self.theme.changed.connect(self._draw)

    def _recall(self) -> None:
        """As the window was left the last time."""
        self.size_slider.setValue(self._settings.number("tile", USUAL))
        self.page.details.setVisible(self._settings.text("details", "shown") == "shown")
        self._settings.restore(self, self.page.panes)

    # Keeping up

    def _draw(self) -> None:
        self.menus.draw(self.theme)
        self.menus.action("Whole library").setIcon(self.theme.icon("library"))

    def _update(self) -> None:
        name = self.session.folder.name.removesuffix(SUFFIX)
        self.setWindowTitle(f"{show_path(os.fsencode(name))} - Lookalike")
        self.library_button.setText(f"{show_path(os.fsencode(name))} ▾")
        self.menus.update()

    def _filled(self) -> bool:
        return not self.session.empty

    def _looking(self) -> bool:
        return self._filled() and self.pages.shows("Search")

    def _show_results(self) -> None:
        if self.session.query is not None and not self.pages.shows("Search"):
            self.pages.go_to("Search")

    def _list_libraries(self, menu: QMenu) -> None:
        menu.clear()
        for folder in libraries():
            action = menu.addAction(folder.name.removesuffix(SUFFIX).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(folder == self.session.folder)
            action.triggered.connect(partial(self.session.open, folder))
        if menu.actions():
            menu.addSeparator()
        menu.addAction(self.menus.action("Open library…"))

    # What the menus do

    def copy_path(self) -> None:
        """Put the path of the current photo into the clipboard."""
        photo = self.page.current_photo()
        url = file_url(photo.path) if photo else None
        if url is not None:
            QGuiApplication.clipboard().setText(url.toLocalFile())
            self.session.noticed.emit("The path is in the clipboard.")
        elif photo is not None:
            self.session.noticed.emit(NOT_TEXT)

    def show_failures(self) -> None:
        """List the photos that could not be read."""
        FailuresDialog(self.session.failures, self).open()

    def show_keys(self) -> None:
        """List the keys."""
        KeysDialog([*HAND_KEYS, *self.menus.overview()], self).open()

    def _grow(self, by: int) -> None:
        self.size_slider.setValue(self.size_slider.value() + by)

    def _toggle_details(self) -> None:
        details = self.page.details
        details.setVisible(details.isHidden())
        self._settings.put("details", "hidden" if details.isHidden() else "shown")

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # What comes from outside

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Pictures and folders are welcome."""
        if promising(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A picture is a query, several are one query, a folder is indexed."""
        event.setDropAction(Qt.DropAction.CopyAction)  # a move would let the other program delete its file
        event.accept()
        self.ways_in.take(received(event.mimeData()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The side buttons of a mouse go back and forward."""
        steps = {Qt.MouseButton.BackButton: -1, Qt.MouseButton.ForwardButton: 1}
        if event.button() in steps:
            self.session.move(steps[event.button()])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the settings; end threads and the running jobs."""
        if not self.training.may_close():
            event.ignore()
            return
        self._settings.put("tile", self.size_slider.value())
        self._settings.put("theme", self.theme.choice)
        self._settings.save(self, self.page.panes)
        self.hide()
        self.training.close()
        self.session.close()
        self.page.asides.close()
        self.tiles.close()
        super().closeEvent(event)
