"""Whoever moves through the window by Tab sees where the focus is: each stop looks different with it and without."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for

PAGES = ("Search", "Duplicates", "Map", "Evaluate", "Models", "Library", "Label")
MOST_STOPS = 60


def list_stops(window: MainWindow) -> list[QWidget]:
    """The widgets that Tab leads to, from the one that has the focus on, until it comes back to one of them."""
    stops: list[QWidget] = []
    for _ in range(MOST_STOPS):
        widget = QApplication.focusWidget()
        if widget is not None and widget in stops:
            break
        if widget is not None:
            stops.append(widget)
        QTest.keyClick(widget or window, Qt.Key.Key_Tab)
    return stops


def shows_focus(widget: QWidget) -> bool:
    widget.clearFocus()
    without = widget.grab().toImage()
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    return widget.grab().toImage() != without


def test_the_focus_is_seen_on_every_stop_of_every_page(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    search = window.session.search
    for page in PAGES:
        window.page_stack.show_page(page)
        if page == "Search":
            search.toggle_query_photo(int(search.listing.ids[3]))
            wait_for(qtbot, lambda: not search.is_running and window.tiles.is_idle())
        stops = list_stops(window)
        assert len(stops) > 3
        hidden = [f"{type(stop).__name__} {stop.accessibleName()}" for stop in stops if not shows_focus(stop)]
        assert (page, hidden) == (page, [])
