"""The pages of the window, of which one is shown: chosen by a row of buttons, or by Ctrl and its number.

A page is built when it is first shown: pages that nobody has looked at cost nothing at the start.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QWidget

from retrieval_app.widgets.menus import MenuEntry


class WindowPage(Protocol):
    """A widget that is a page of the window."""

    def take_focus(self) -> None:
        """Give the keyboard focus to what is first of use on the page."""


class PageStack(QStackedWidget):
    """Named pages, numbered in the order in which they are added, and the `button_row` that chooses among them."""

    page_wanted = Signal()  # a page is to be shown, be it another one or not
    page_changed = Signal()  # another page is shown

    def __init__(self) -> None:
        super().__init__()
        self.button_row = QWidget()
        self._row_layout = QHBoxLayout(self.button_row)
        self._row_layout.setContentsMargins(4, 0, 4, 0)
        self._row_layout.setSpacing(2)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        self._get_pages: dict[str, Callable[[], WindowPage]] = {}

    def add_page(self, name: str, purpose: str, get_page: Callable[[], WindowPage]) -> None:
        """Add a page at the end; `purpose` is its tool tip, and `get_page` returns it when it is to be shown."""
        self.addWidget(QWidget())
        button = QToolButton()
        button.setText(name)
        button.setCheckable(True)
        button.setChecked(not self._buttons)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(f"{purpose} (Ctrl+{self.count()})")
        button.setAccessibleName(f"{name} page")
        button.clicked.connect(partial(self.show_page, name))
        self._group.addButton(button)
        self._row_layout.addWidget(button)
        self._buttons[name], self._get_pages[name] = button, get_page

    def place_page(self, name: str, page: QWidget) -> None:
        """Put a page that has just been built in its place."""
        index = list(self._buttons).index(name)
        placeholder = self.widget(index)
        if placeholder is not None:
            self.removeWidget(placeholder)
            placeholder.deleteLater()
        self.insertWidget(index, page)
        if self._buttons[name].isChecked():
            self.setCurrentIndex(index)

    def show_page(self, name: str) -> None:
        """Show a page and give it the keyboard focus."""
        self.page_wanted.emit()
        page = self._get_pages[name]()
        index = list(self._buttons).index(name)
        self._buttons[name].setChecked(True)
        if index != self.currentIndex():
            self.setCurrentIndex(index)
            self.page_changed.emit()
        page.take_focus()

    def take_focus(self) -> None:
        """Give the keyboard focus to the page that is shown."""
        list(self._get_pages.values())[self.currentIndex()]().take_focus()

    def is_showing(self, name: str) -> bool:
        """Whether the page of that name is shown."""
        return self._buttons[name].isChecked()

    def list_menu_entries(self) -> list[MenuEntry]:
        """A menu entry for each page, in their order, that shows it."""
        return [
            MenuEntry(f"{name} page", partial(self.show_page, name), (f"Ctrl+{number}",))
            for number, name in enumerate(self._buttons, 1)
        ]
