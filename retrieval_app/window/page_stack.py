"""The pages of the window, of which one is shown: chosen by tabs, or by Ctrl and its number.

A page is built when it is first shown: pages that nobody has looked at cost nothing at the start.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QTabBar, QWidget

from indexer.wording import tr
from retrieval_app.widgets.controls import refuse_drops
from retrieval_app.widgets.menus import MenuEntry, WindowMenus

if TYPE_CHECKING:
    from retrieval_app.map.page import MapPage
    from retrieval_app.search.page import SearchPage

Page = TypeVar("Page", bound=QWidget)


class WindowPage(Protocol):
    """A widget that is a page of the window."""

    def take_focus(self) -> None:
        """Give the keyboard focus to what is first of use on the page."""


class PageStack(QStackedWidget):
    """Named pages, numbered in the order in which they are added, and the `tab_bar` that chooses among them."""

    page_wanted = Signal()  # a page is to be shown, be it another one or not
    page_changed = Signal()  # another page is shown
    page_named = Signal(str)  # the same, with its name
    folder_wanted = Signal()  # the first state of a page offers to index a folder, and it is wanted

    def __init__(self) -> None:
        super().__init__()
        self.tab_bar = QTabBar()
        self.tab_bar.setDrawBase(False)
        self.tab_bar.setExpanding(False)
        self.tab_bar.setUsesScrollButtons(False)
        self.tab_bar.setElideMode(Qt.TextElideMode.ElideNone)
        self.tab_bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tab_bar.setAccessibleName(tr("Pages"))
        self.tab_bar.currentChanged.connect(self._show_tab)
        self._get_pages: dict[str, Callable[[], WindowPage]] = {}

    def add_page(self, name: str, purpose: str, get_page: Callable[[], WindowPage]) -> None:
        """Add a page at the end; `purpose` is its tool tip, and `get_page` returns it when it is to be shown."""
        self.addWidget(QWidget())
        self._get_pages[name] = get_page
        with QSignalBlocker(self.tab_bar):
            index = self.tab_bar.addTab(tr(name))
        self.tab_bar.setTabToolTip(index, f"{tr(purpose)} (Ctrl+{self.count()})")

    def place_page(self, name: str, page: Page) -> Page:
        """Put a page that has just been built in its place, and pass on its `folder_wanted`, which most have.

        Its text fields take no drops: the window does, and no file name is written into one.
        """
        refuse_drops(page)
        if (folder_wanted := getattr(page, "folder_wanted", None)) is not None:
            folder_wanted.connect(self.folder_wanted)
        index = list(self._get_pages).index(name)
        is_shown, placeholder = index == self.currentIndex(), self.widget(index)
        if placeholder is not None:
            self.removeWidget(placeholder)
            placeholder.deleteLater()
        self.insertWidget(index, page)
        if is_shown:
            self.setCurrentIndex(index)
        return page

    def show_page(self, name: str) -> None:
        """Show a page and give it the keyboard focus."""
        self.page_wanted.emit()
        page, index = self._get_pages[name](), list(self._get_pages).index(name)
        with QSignalBlocker(self.tab_bar):
            self.tab_bar.setCurrentIndex(index)
        self._turn_to(index)
        page.take_focus()

    def _show_tab(self, index: int) -> None:
        """Show the page of a tab; whoever moves along the tabs by keys stays there."""
        name = list(self._get_pages)[index]
        if self.tab_bar.hasFocus():
            self.page_wanted.emit()
            self._get_pages[name]()
            self._turn_to(index)
        else:
            self.show_page(name)

    def _turn_to(self, index: int) -> None:
        if index != self.currentIndex():
            self.setCurrentIndex(index)
            self.page_changed.emit()
            self.page_named.emit(list(self._get_pages)[index])

    def take_focus(self) -> None:
        """Give the keyboard focus to the page that is shown."""
        list(self._get_pages.values())[self.currentIndex()]().take_focus()

    def is_showing(self, name: str) -> bool:
        """Whether the page of that name is shown."""
        return list(self._get_pages).index(name) == self.tab_bar.currentIndex()

    def list_menu_entries(self) -> list[MenuEntry]:
        """A menu entry for each page, in their order, that shows it."""
        return [
            MenuEntry(
                f"{name} page",
                partial(self.show_page, name),
                (f"Ctrl+{number}",),
                name_now=partial(_name_entry, name),
            )
            for number, name in enumerate(self._get_pages, 1)
        ]


def connect_map(page: "MapPage", search_page: "SearchPage", menus: WindowMenus) -> "MapPage":
    """Let the actions on photos take what is selected on the map, from the menu bar and from a menu on the map."""
    search_page.list_page_ids = page.list_chosen_ids
    page.map_view.selection.changed.connect(menus.update_actions)
    page.map_view.menu_wanted.connect(partial(search_page.photo_actions.show_context_menu, menus))
    return page


def _name_entry(page_name: str) -> str:
    return tr("{page} page", page=tr(page_name))
