"""Plus and minus on the tiles, driven as a user does; the scale that they move along, on its own."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.search.query import CroppedExample, Query
from retrieval_app.grid.tile_parts import TilePart
from retrieval_app.session.searching.marks import MAX_MARKS, adjust_mark, list_marks, remove_example, replace_example
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for, wait_for_signal

LEFT = Qt.MouseButton.LeftButton
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def spot(window: MainWindow, photo: int, sign: int) -> QPoint:
    """The middle of a tile's plus or minus."""
    grid = window.search_page.results.grid
    place = window.session.search.listing.ids.tolist().index(photo)
    return grid.locate_part(place, TilePart.PLUS if sign > 0 else TilePart.MINUS).center()


def mark(window: MainWindow, qtbot: QtBot, photo: int, sign: int) -> None:
    QTest.mouseClick(window.search_page.results.grid.viewport(), LEFT, pos=spot(window, photo, sign))
    settle(window, qtbot)


def press(window: MainWindow, qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(window.search_page.results.grid, key, modifier)
    settle(window, qtbot)


def settle(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running)


def test_a_plus_on_a_tile_of_the_library_makes_it_the_query(window: MainWindow, qtbot: QtBot) -> None:
    wanted = int(window.session.search.listing.ids[4])
    mark(window, qtbot, wanted, 1)
    assert window.session.search.query == Query((wanted,))
    assert window.session.search.listing.hits[0].photo.id == wanted


def test_a_minus_without_a_query_says_what_is_missing(window: MainWindow, qtbot: QtBot) -> None:
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        mark(window, qtbot, int(window.session.search.listing.ids[4]), -1)
    assert "mark one with +" in said[0][0]
    assert window.session.search.query is None


def test_a_minus_moves_its_class_down(window: MainWindow, qtbot: QtBot) -> None:
    first = int(window.session.search.listing.ids[0])
    window.session.search.toggle_query_photo(first)
    settle(window, qtbot)
    before = window.session.search.listing.hits
    other = next(hit.photo for hit in before if hit.photo.label != before[0].photo.label)
    mark(window, qtbot, other.id, -1)
    after = [hit.photo.id for hit in window.session.search.listing.hits]
    of_its_class = [hit.photo.id for hit in before if hit.photo.label == other.label]
    ranks_before = [hit.rank for hit in before if hit.photo.id in of_its_class]
    ranks_after = [after.index(photo) + 1 for photo in of_its_class]
    assert window.session.search.query == Query((first,), (other.id,))
    assert ranks_after[0] > ranks_before[0] + 3
    assert sum(ranks_after) > sum(ranks_before)
    assert after[0] == first


def test_keys_mark_the_current_photo_and_ctrl_z_undoes(window: MainWindow, qtbot: QtBot) -> None:
    first, second = (int(photo) for photo in window.session.search.listing.ids[[1, 12]])
    grid = window.search_page.results.grid
    grid.setFocus()
    grid.go_to(1)
    press(window, qtbot, Qt.Key.Key_Plus)
    grid.go_to(window.session.search.listing.ids.tolist().index(second))
    press(window, qtbot, Qt.Key.Key_Plus)
    assert window.session.search.query == Query((first, second))
    assert grid.current_id() == second  # one goes on from where one was
    press(window, qtbot, Qt.Key.Key_Minus)
    assert window.session.search.query == Query((first,))
    press(window, qtbot, Qt.Key.Key_Minus)
    assert window.session.search.query == Query((first,), (second,))
    for wanted in (Query((first,)), Query((first, second)), Query((first,)), None):
        press(window, qtbot, Qt.Key.Key_Z, CONTROL)
        assert window.session.search.query == wanted
    assert not window.menus.find_action("Undo").isEnabled()


def test_ctrl_z_takes_back_marks_only(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
    settle(window, qtbot)
    query = window.session.search.query
    press(window, qtbot, Qt.Key.Key_Z, CONTROL)
    assert window.session.search.query == query


def test_marks_are_shown_in_the_panel_and_can_be_weighed_and_removed(window: MainWindow, qtbot: QtBot) -> None:
    ids = [int(photo) for photo in window.session.search.listing.ids[[0, 9, 18]]]
    for photo, sign in zip(ids, (1, 1, -1), strict=True):
        mark(window, qtbot, photo, sign)
    panel = window.search_page.query_panel
    assert [button.mark.example for button in panel.positive_row.buttons] == [ids[1]]
    assert [button.mark.example for button in panel.negative_row.buttons] == [ids[2]]
    panel.positive_row.buttons[0].setFocus()
    QTest.keyClick(panel.positive_row.buttons[0], Qt.Key.Key_Plus)
    settle(window, qtbot)
    assert window.session.search.query == Query((ids[0], ids[1]), (ids[2],), (1.0, 2.0))
    assert panel.positive_row.buttons[0].mark.times == 2
    assert panel.positive_row.buttons[0].hasFocus()
    QTest.mouseClick(panel.positive_row.buttons[0], LEFT)
    settle(window, qtbot)
    assert window.session.search.query == Query((ids[0],), (ids[2],))
    assert not panel.positive_row.isVisible()


def test_history_goes_through_marks(window: MainWindow, qtbot: QtBot) -> None:
    first, second = (int(photo) for photo in window.session.search.listing.ids[[2, 20]])
    mark(window, qtbot, first, 1)
    mark(window, qtbot, second, -1)
    ranks = window.session.search.listing.ids.tolist()
    press(window, qtbot, Qt.Key.Key_Backspace)
    assert window.session.search.query == Query((first,))
    press(window, qtbot, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert window.session.search.query == Query((first,), (second,))
    assert window.session.search.listing.ids.tolist() == ranks


def test_two_quick_clicks_on_a_plus_count_twice(window: MainWindow, qtbot: QtBot) -> None:
    wanted = int(window.session.search.listing.ids[0])
    grid = window.search_page.results.grid
    window.session.search.toggle_query_photo(wanted)
    settle(window, qtbot)
    corner_of_it = spot(window, wanted, 1)
    QTest.mouseClick(grid.viewport(), LEFT, pos=corner_of_it)
    QTest.mouseDClick(grid.viewport(), LEFT, pos=corner_of_it)  # sends the second press only
    QTest.mouseRelease(grid.viewport(), LEFT, pos=corner_of_it)
    settle(window, qtbot)
    assert window.session.search.query == Query((wanted,), (), (3.0,))


def test_a_picture_dropped_on_the_query_is_asked_for(window: MainWindow, qtbot: QtBot, photos_folder: Path) -> None:
    panel, data = window.search_page.query_panel.viewport(), QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos_folder / "bar" / "bar-1.png"))])
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(panel, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(panel, QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, NONE))
    settle(window, qtbot)
    assert window.session.search.query == Query((photos_folder / "bar" / "bar-1.png",))


@pytest.mark.parametrize("sign", [1, -1])
def test_marks_move_along_one_scale_and_stop_at_its_ends(sign: int) -> None:
    query: Query | None = Query((1,))
    for _ in range(MAX_MARKS + 3):
        query = adjust_mark(query, 2, sign)
    assert query is not None
    assert [mark.times for mark in list_marks(query)] == [1, sign * MAX_MARKS]
    for _ in range(MAX_MARKS):
        query = adjust_mark(query, 2, -sign)
    assert query == Query((1,))


def test_a_query_of_nothing_to_look_for_is_none() -> None:
    assert adjust_mark(None, 3, -1) is None
    assert adjust_mark(Query((3,)), 3, -1) is None
    assert remove_example(Query((3,), (4,)), 3) is None
    assert remove_example(Query((3, 5), (4,)), 3) == Query((5,), (4,))


def test_weights_and_crops_survive_a_mark() -> None:
    bitmap = Image.new("RGB", (8, 8))
    part = CroppedExample(bitmap, (0, 0, 0.5, 0.5))
    query = Query((part, Path("a.png")), (7, 7), (1.0, 3.0))
    assert [mark.times for mark in list_marks(query)] == [1, 3, -2]
    more = adjust_mark(query, 8, 1)
    assert more == Query((part, Path("a.png"), 8), (7, 7), (1.0, 3.0, 1.0))
    assert replace_example(query, part, bitmap) == Query((bitmap, Path("a.png")), (7, 7), (1.0, 3.0))
