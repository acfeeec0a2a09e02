"""Selecting photos as a hand does: ring, Ctrl, Shift, a rectangle, keys; what a change of the listing leaves."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.grid.photo_grid import PhotoGrid
from retrieval_app.grid.tile_parts import TilePart
from retrieval_app.session.searching.photo_listing import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import Theme
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
MILLION = 1_000_000


@pytest.fixture
def grid(qapp: QApplication, qtbot: QtBot) -> Iterator[PhotoGrid]:
    """Forty photos with ids from 100 on, of which nothing has been read."""
    tiles = TileCache()
    grid = PhotoGrid(tiles, Theme(qapp, "light"))
    qtbot.addWidget(grid)
    grid.resize(780, 600)
    grid.show()
    grid.show_listing(PhotoListing(np.arange(100, 140)))
    yield grid
    tiles.close()


def locate_cell(grid: PhotoGrid, place: int) -> QPoint:
    return grid.visualRect(grid.grid_model.index_at_place(place)).center()


def click(grid: PhotoGrid, place: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(grid.viewport(), LEFT, modifiers, locate_cell(grid, place))


def click_ring(grid: PhotoGrid, place: int) -> None:
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.locate_part(place, TilePart.RING).center())


def list_places(grid: PhotoGrid) -> list[int]:
    return [photo_id - 100 for photo_id in grid.selection.list_ids()]


def test_the_ring_selects_and_then_a_plain_click_toggles_until_escape(grid: PhotoGrid) -> None:
    chosen: list[int] = []
    grid.chosen.connect(chosen.append)
    click_ring(grid, 2)
    click(grid, 4)
    click(grid, 7)
    click(grid, 4)
    assert list_places(grid) == [2, 7]
    assert chosen == []
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert list_places(grid) == []
    click(grid, 7)
    assert chosen == [107]


def test_ctrl_click_and_shift_click_select(grid: PhotoGrid) -> None:
    click(grid, 3, CONTROL)
    click(grid, 6, SHIFT)
    assert list_places(grid) == [3, 4, 5, 6]
    click(grid, 5, SHIFT)  # a range is drawn anew from where it began
    assert list_places(grid) == [3, 4, 5]
    click(grid, 9, CONTROL)
    click(grid, 8, SHIFT)
    assert list_places(grid) == [3, 4, 5, 8, 9]
    click(grid, 4, CONTROL)
    assert list_places(grid) == [3, 5, 8, 9]


def test_two_quick_clicks_while_selecting_are_two_clicks(grid: PhotoGrid) -> None:
    click_ring(grid, 0)
    QTest.mouseDClick(grid.viewport(), LEFT, pos=locate_cell(grid, 3))
    assert list_places(grid) == [0]


def test_shift_and_arrows_select_and_give_back(grid: PhotoGrid) -> None:
    grid.setFocus()
    grid.go_to(5)
    for _ in range(3):
        QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    assert list_places(grid) == [5, 6, 7, 8]
    QTest.keyClick(grid, Qt.Key.Key_Left, SHIFT)
    assert list_places(grid) == [5, 6, 7]
    QTest.keyClick(grid, Qt.Key.Key_Home, SHIFT)
    assert list_places(grid) == [0, 1, 2, 3, 4, 5]
    QTest.keyClick(grid, Qt.Key.Key_End)
    assert list_places(grid) == [0, 1, 2, 3, 4, 5]  # moving alone selects nothing
    QTest.keyClick(grid, Qt.Key.Key_Space, CONTROL)
    assert list_places(grid) == [0, 1, 2, 3, 4, 5, 39]


def drag_rectangle(grid: PhotoGrid, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mousePress(grid.viewport(), LEFT, modifiers, start)
    QTest.mouseMove(grid.viewport(), (start + end) / 2)
    QTest.mouseMove(grid.viewport(), end)
    QTest.mouseRelease(grid.viewport(), LEFT, modifiers, end)


def test_a_rectangle_from_empty_ground_selects_what_it_touches(grid: PhotoGrid) -> None:
    chosen: list[int] = []
    grid.chosen.connect(chosen.append)
    columns = int(grid.tile_layout.row_starts[1])
    drag_rectangle(grid, QPoint(1, 1), locate_cell(grid, columns + 1))
    assert list_places(grid) == [0, 1, columns, columns + 1]
    second = grid.visualRect(grid.grid_model.index_at_place(1))
    drag_rectangle(grid, second.topLeft() + QPoint(1, 1), second.center(), CONTROL)
    assert list_places(grid) == [0, columns, columns + 1]
    assert chosen == []


def test_a_rectangle_below_the_edge_scrolls_and_goes_on_selecting(grid: PhotoGrid, qtbot: QtBot) -> None:
    grid.set_side(200)
    outside = QPoint(grid.viewport().width() - 1, grid.viewport().height() + 60)
    QTest.mousePress(grid.viewport(), LEFT, NONE, QPoint(1, 1))
    QTest.mouseMove(grid.viewport(), outside)
    wait_for(qtbot, lambda: grid.selection.count == 40, progress=grid.verticalOffset)
    QTest.mouseRelease(grid.viewport(), LEFT, NONE, outside)
    assert grid.verticalOffset() > 0


def test_a_right_click_never_searches_and_means_the_tile_or_the_selection(grid: PhotoGrid) -> None:
    chosen: list[int] = []
    grid.chosen.connect(chosen.append)
    menus: list[list[int]] = []
    grid.menu_wanted.connect(lambda _point: menus.append(grid.list_chosen_ids()))
    click_ring(grid, 2)
    click_ring(grid, 4)
    for place in (4, 9):
        spot = locate_cell(grid, place)
        QTest.mouseClick(grid.viewport(), RIGHT, pos=spot)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, grid.viewport().mapToGlobal(spot))
        QApplication.sendEvent(grid.viewport(), event)
    assert menus == [[102, 104], [109]]
    assert chosen == []


def test_all_of_a_million_are_selected_as_one_array(grid: PhotoGrid) -> None:
    """By size, not by the clock: one byte for a photo, and no list of them before one is asked for."""
    grid.show_listing(PhotoListing(np.arange(MILLION, 0, -1)))
    grid.selection.select_all()
    assert grid.selection.count == MILLION
    assert grid.selection.includes(1) and grid.selection.includes(MILLION)
    grid.show_listing(PhotoListing(np.arange(1, MILLION + 1)))  # another order
    assert grid.selection.count == MILLION
    grid.selection.extend_to(0)
    assert grid.selection.list_ids()[:3] == [1, 2, 3]
    grid.selection.clear_all()
    assert grid.selection.list_ids() == []


def test_the_selection_survives_another_order_and_loses_what_is_gone(grid: PhotoGrid) -> None:
    for place in (3, 8, 20):
        click(grid, place, CONTROL)
    grid.refresh_listing(PhotoListing(np.arange(139, 99, -1)))
    assert grid.selection.list_ids() == [120, 108, 103]
    assert grid.current_id() == 120
    before = grid.current_place()
    assert before is not None
    grid.refresh_listing(PhotoListing(np.delete(np.arange(139, 99, -1), before)))
    assert grid.selection.list_ids() == [108, 103]
    assert grid.current_place() == before  # where the hand was


def test_escape_leaves_the_selection_first_and_then_the_results(window: MainWindow, qtbot: QtBot) -> None:
    search, grid = window.session.search, window.search_page.results.grid
    search.toggle_query_photo(int(search.listing.ids[0]))
    wait_for(qtbot, lambda: search.listing.result is not None)
    click_ring(grid, 3)
    assert window.search_page.results.selection_label.text() == "1 selected"
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert grid.selection.count == 0
    assert search.query is not None
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert search.query is None


def test_a_file_that_goes_leaves_the_rest_selected(window: MainWindow, qtbot: QtBot) -> None:
    grid, session = window.search_page.results.grid, window.session
    for place in (1, 2, 3):
        click(grid, place, CONTROL)
    ids = grid.selection.list_ids()
    with Library.open(session.library.folder) as library:
        library.store.database.execute_statement("UPDATE files SET state = 'missing' WHERE photo = ?", (ids[2],))
    wait_for(qtbot, lambda: len(session.search.listing.ids) == 23)
    assert grid.selection.list_ids() == ids[:2]
    assert grid.current_place() == 3
    another = int(session.search.listing.ids[9])
    session.search.toggle_query_photo(another)
    assert grid.selection.count == 0  # what is not seen is not selected
