"""Menus as data: each entry with its action, keys, icon, and when it is possible."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import (
    QMainWindow,
    QMenu,
)

from indexer.wording import tr
from retrieval_app.widgets.theme import Theme

Choice = TypeVar("Choice")
MENU_TITLES = {
    "File": tr("File"),
    "Edit": tr("Edit"),
    "View": tr("View"),
    "Search": tr("Search"),
    "Model": tr("Model"),
    "Library": tr("Library"),
    "Help": tr("Help"),
}


class KeyDescription(NamedTuple):
    """A key and what it does."""

    key: str
    purpose: str


class MenuEntry(NamedTuple):
    """One entry of a menu; its English text is its name, by which the window finds it in any language."""

    text: str
    run: Callable[[], object]
    keys: tuple[str, ...] = ()
    icon: str = ""  # the name of a file in assets/icons
    possible: Callable[[], bool] = lambda: True  # called at each `update_actions`
    checked: Callable[[], bool] | None = None  # whether a switch is on; None for an entry that is no switch
    name_now: Callable[[], str] | None = None  # what it is called now, where that changes


class WindowMenus:
    """The menus of the window's menu bar, made from entries; None in a menu is a separator."""

    def __init__(self, window: QMainWindow, menus: Mapping[str, Sequence[MenuEntry | None]]) -> None:
        self._window = window
        self.menus: dict[str, QMenu] = {}
        self._entries: dict[str, tuple[QAction, MenuEntry]] = {}
        self._entries_by_menu = menus
        for title, entries in menus.items():
            menu = self.menus[title] = window.menuBar().addMenu(MENU_TITLES[title])
            for entry in entries:
                if entry is None:
                    menu.addSeparator()
                else:
                    menu.addAction(self._make_action(entry))

    def _make_action(self, entry: MenuEntry) -> QAction:
        action = QAction(self._window)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        _name_action(action, tr(entry.text), entry.keys)
        action.setCheckable(entry.checked is not None)
        action.triggered.connect(lambda _checked: entry.run())
        self._entries[entry.text] = (action, entry)
        return action

    def add_choices(
        self,
        title: str,
        text: str,
        choices: Mapping[Choice, str],
        read_chosen: Callable[[], Choice],
        choose: Callable[[Choice], object],
    ) -> None:
        """Add a submenu to the menu of that title: texts of which one is ticked; `choose` takes the new choice."""
        group, menu = QActionGroup(self._window), self.menus[title].addMenu(tr(text))
        for choice, choice_text in choices.items():
            action = menu.addAction(choice_text)
            action.setCheckable(True)
            action.setChecked(choice == read_chosen())
            menu.aboutToShow.connect(partial(_tick_chosen, action, choice, read_chosen))
            action.triggered.connect(partial(_choose_plainly, choose, choice))
            group.addAction(action)

    def find_action(self, text: str) -> QAction:
        """The action of the entry with this text. KeyError where there is none."""
        return self._entries[text][0]

    def update_actions(self) -> None:
        """Enable the entries that are possible now, and tick the switches that are on."""
        for action, entry in self._entries.values():
            action.setEnabled(entry.possible())
            if entry.checked is not None:
                action.setChecked(entry.checked())
            if entry.name_now is not None:
                _name_action(action, entry.name_now(), entry.keys)

    def draw_icons(self, theme: Theme) -> None:
        """Give the actions their icons in the colours of the theme."""
        for action, entry in self._entries.values():
            if entry.icon:
                action.setIcon(theme.get_icon(entry.icon))

    def list_keys(self) -> dict[str, list[KeyDescription]]:
        """The keys of all entries that have any, with what they do, by the title of their menu."""
        return {
            MENU_TITLES[title]: [
                KeyDescription(
                    ", ".join(entry.keys), (entry.name_now() if entry.name_now else tr(entry.text)).rstrip("…")
                )
                for entry in entries
                if entry and entry.keys
            ]
            for title, entries in self._entries_by_menu.items()
        }


def _tick_chosen(action: QAction, choice: Choice, read_chosen: Callable[[], Choice]) -> None:
    action.setChecked(choice == read_chosen())


def _choose_plainly(choose: Callable[[Choice], object], choice: Choice, _checked: bool) -> None:
    choose(choice)


def _name_action(action: QAction, text: str, keys: tuple[str, ...]) -> None:
    action.setText(text)
    action.setToolTip(text.rstrip("…") + (f" ({', '.join(keys)})" if keys else ""))
