"""The menu Help; each entry loads what it shows only when it is wanted."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QWhatsThis

from retrieval_app.session.settings import WindowSettings
from retrieval_app.widgets.menus import KeyDescription, MenuEntry

if TYPE_CHECKING:
    from retrieval_app.help.first_tour import FirstTour
    from retrieval_app.help.guide_window import GuideWindow

TOUR_KEY, TOUR_SEEN = "tour", "seen"


class HelpMenu(QObject):
    """The entries of the menu Help of one window."""

    def __init__(
        self,
        window: QMainWindow,
        settings: WindowSettings,
        list_keys: Callable[[], Mapping[str, list[KeyDescription]]],
    ) -> None:
        super().__init__(window)
        self._window, self._settings, self._list_keys = window, settings, list_keys
        self.guide: GuideWindow | None = None
        self.tour: FirstTour | None = None

    def list_entries(self) -> list[MenuEntry | None]:
        """The entries of the menu Help."""
        return [
            MenuEntry("User guide", self.show_guide, ("Ctrl+F1",)),
            MenuEntry("A tour in three steps", self.show_tour),
            MenuEntry("What is this?", QWhatsThis.enterWhatsThisMode, ("Shift+F1",)),
            MenuEntry("Keys", self.show_keys, ("F1",), "keys"),
            None,
            MenuEntry("About Lookalike", self.show_about_box),
        ]

    def show_guide(self, page: str = "") -> None:
        """Open the user guide, at a page of it."""
        from retrieval_app.help.guide_window import GuideWindow

        if self.guide is None:
            self.guide = GuideWindow(self._window)
        if page:
            self.guide.show_page(page)
        self.guide.show()
        self.guide.raise_()

    def show_tour(self) -> None:
        """Show the three steps from the first one."""
        from retrieval_app.help.first_tour import FirstTour

        self.tour = FirstTour(self._window)
        self.tour.guide_wanted.connect(self.show_guide)
        self.tour.show()

    def show_first_tour(self) -> None:
        """Show the tour where the program was never used here before, and never again."""
        is_first = not self._settings.read_text(TOUR_KEY) and not self._settings.has_window()
        self._settings.write_value(TOUR_KEY, TOUR_SEEN)
        if is_first:
            self.show_tour()

    def show_keys(self) -> None:
        """Open the list of keys."""
        from retrieval_app.help.keys_dialog import KeysDialog

        KeysDialog(self._list_keys(), self._window).open()

    def show_about_box(self) -> None:
        """Open the box with the program's name, version and licence."""
        from retrieval_app.help.keys_dialog import make_about_box

        make_about_box(self._window).open()
