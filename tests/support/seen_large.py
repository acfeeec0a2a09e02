"""The viewer in a test: opened by Space as a user does, its keys pressed, its threads waited for."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from retrieval_app.viewer.photo_viewer import PhotoViewer
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for

NO_MODIFIER = Qt.KeyboardModifier.NoModifier


def look_large(window: MainWindow, place: int) -> PhotoViewer:
    """Press Space on the tile at a place of the grid; returns at once."""
    grid = window.search_page.results.grid
    grid.setFocus()
    grid.go_to(place)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    return get_viewer(window)


def get_viewer(window: MainWindow) -> PhotoViewer:
    viewer = window.viewer_opener.viewer
    assert viewer is not None
    assert viewer.isVisible()
    return viewer


def press_key(key: Qt.Key, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
    """Press a key where the keyboard focus is."""
    target = QApplication.focusWidget()
    assert target is not None
    QTest.keyClick(target, key, modifiers)


def search_for(window: MainWindow, qtbot: QtBot, place: int) -> None:
    """Search with the photo at a place of the library."""
    search = window.session.search
    search.toggle_query_photo(int(search.listing.ids[place]))
    wait_for(qtbot, lambda: search.listing.result is not None and not search.is_running)


def wait_until_sharp(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the picture is sharp or cannot be read, and nothing more is asked."""
    viewer = get_viewer(window)
    wait_for(
        qtbot,
        lambda: (
            viewer.stage.pane.is_settled
            and viewer.pictures.readers.is_idle()
            and viewer.questions.is_idle()
            and window.tiles.is_idle()
        ),
    )
