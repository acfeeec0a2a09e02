"""The library in other orders and in groups, by menus, mouse and keys in a real window; what is found as one types."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.ranking.photo_arrangement import PhotoArrangement
from indexer.wording import convert_to_microseconds
from retrieval_app.grid.photo_grid import PhotoGrid
from retrieval_app.search.order_menu import describe_arrangement
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.library_copies import copy_library
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for


def plant_dates(home: Path) -> dict[int, datetime]:
    """Give each photo a date of its own, the later the lower its id, over six years."""
    with Library.open(home / "default.library") as library:
        ids = sorted(library.find_photo_ids().tolist())
        dates = {id: datetime(2025 - place // 4, 1 + place % 4 * 3, 5) for place, id in enumerate(ids)}
        rows = [(id, (convert_to_microseconds(moment), None, "", "", "", *[None] * 6)) for id, moment in dates.items()]
        with library.store.database.transaction():
            library.store.embeddings.record_captures(rows)
    return dates


@pytest.fixture
def dates(indexed: Path, home: Path) -> dict[int, datetime]:
    copy_library(indexed, home / "default.library")
    return plant_dates(home)


@pytest.fixture
def dated_window(dates: dict[int, datetime], qtbot: QtBot) -> Iterator[MainWindow]:
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == len(dates))
        yield window


def choose(window: MainWindow, qtbot: QtBot, text: str) -> list[int]:
    """Choose an entry of the menu of orders as a user does: with the menu open, by a click; returns the new order."""
    results = window.search_page.results
    menu, before = results.order_button.order_menu, window.session.search.listing
    menu.popup(results.order_button.mapToGlobal(QPoint(0, 0)))
    action = next(action for action in menu.actions() if action.text() == text)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    wait_for(qtbot, lambda: window.session.search.listing is not before)
    return list(window.session.search.listing.ids.tolist())


def test_photos_are_sorted_grouped_and_found_again(
    dated_window: MainWindow, qtbot: QtBot, dates: dict[int, datetime], home: Path
) -> None:
    window, results = dated_window, dated_window.search_page.results
    grid = results.grid
    chosen = [3, 9]
    for photo_id in chosen:
        grid.selection.toggle_place(grid.grid_model.listing.ids.tolist().index(photo_id))
    newest = sorted(dates, key=lambda id: dates[id], reverse=True)
    assert choose(window, qtbot, "By date taken") == newest
    assert sorted(grid.selection.list_ids()) == chosen  # whatever the order
    assert results.order_button.text() == "by date taken ▾"
    assert choose(window, qtbot, "Other way round") == newest[::-1]
    grouped = choose(window, qtbot, "Groups by label")
    assert [section.title for section in grid.sections] == sorted(CLASSES)
    starts = [section.start for section in grid.sections]
    assert starts == [0, EACH, 2 * EACH]
    assert all(
        [dates[id] for id in grouped[start : start + EACH]] == sorted(dates[id] for id in grouped[start : start + EACH])
        for start in starts
    )
    check_headers(window, qtbot, grid)
    find_as_typed(window, qtbot, grouped)
    wait_for(qtbot, window.session.library.writer.is_idle)
    with Library.open(home / "default.library") as library:
        assert library.store.models.read_setting("photo order") == ["taken", True, "label"]


def check_headers(window: MainWindow, qtbot: QtBot, grid: PhotoGrid) -> None:
    """Each group begins a row below its header; that of the topmost photos stays, and no click goes through it."""
    window.resize(900, 600)
    grid.set_side(200)
    wait_for(qtbot, lambda: grid.verticalScrollBar().maximum() > grid.header_height)
    second = grid.sections[1].start
    assert grid.locate_place(second).left() == grid.locate_place(0).left()
    header, before = grid.locate_header(1), grid.locate_place(second - 1)
    assert before.bottom() < header.top() and header.bottom() + 1 == grid.locate_place(second).top()
    grid.verticalScrollBar().setValue(grid.header_height + 7)
    assert grid.locate_header(0).top() == 0
    under = QPoint(grid.locate_place(0).center().x(), grid.header_height // 2)
    assert grid.locate_place(0).contains(under)
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=under)
    assert window.session.search.query is None
    grid.verticalScrollBar().setValue(int(grid.tile_layout.header_tops[1]) - 10)
    assert grid.locate_header(0).bottom() < grid.locate_header(1).top() == 10  # pushed away by the next one
    grid.selection.clear_all()
    grid.setFocus()
    grid.go_to(second)
    for key in (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Home):
        QTest.keyClick(grid, key)
    assert grid.locate_place(0).top() >= grid.header_height  # the header hides no part of it


def find_as_typed(window: MainWindow, qtbot: QtBot, grouped: list[int]) -> None:
    """Words of file and folder names narrow the groups while they are typed; what fits none says so, with a way out."""
    results = window.search_page.results
    results.open_filter()
    QTest.keyClicks(results.filter_bar.name_field, "ISC 1")  # of disc/disc-1.png, in other case
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == 1)
    assert [section.start for section in results.grid.sections] == [0]
    QTest.keyClicks(results.filter_bar.name_field, " nowhere")
    wait_for(qtbot, results.no_match_notice.isVisible)
    assert (results.grid.isVisible(), results.no_match_notice.sentence.text()) == (False, "No photo matches")
    QTest.mouseClick(results.no_match_notice.clear_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == grouped)
    assert window.focusWidget() is results.grid
    assert results.grid.isVisible() and results.filter_bar.name_field.text() == ""


def test_the_time_line_leads_to_years_and_tells_months(
    dated_window: MainWindow, qtbot: QtBot, dates: dict[int, datetime]
) -> None:
    window, grid = dated_window, dated_window.search_page.results.grid
    assert not grid.time_line.isVisible()
    choose(window, qtbot, "By date taken")
    window.resize(900, 600)
    grid.set_side(256)
    line = grid.time_line
    wait_for(qtbot, lambda: line.isVisible() and grid.verticalScrollBar().maximum() > 300)
    marks = list(line.list_marks())
    assert [mark.text for mark in marks] == [str(year) for year in range(2025, 2019, -1)]
    assert line.geometry().left() > grid.viewport().geometry().right()
    QTest.mouseClick(line, Qt.MouseButton.LeftButton, pos=QPoint(4, marks[3].middle + 1))
    top = grid.find_place_at(QPoint(30, 20))
    assert top is not None
    photo_id = int(grid.grid_model.listing.ids[top])
    assert abs(dates[photo_id].year - 2022) <= 1  # a row may begin with the last of the year before
    section = line.find_section(0)
    assert section is not None and section.title == "October 2025"
    window.session.search.toggle_query_photo(photo_id)
    wait_for(qtbot, lambda: not line.isVisible())  # hits have no sections
    assert not window.search_page.results.order_button.isVisible()


def test_the_order_is_remembered_by_the_library(dates: dict[int, datetime], home: Path, qtbot: QtBot) -> None:
    with Library.open(home / "default.library") as library:
        library.store.models.set_setting("photo order", ["taken", True, ""])
    with open_window() as window:
        wait_for(qtbot, lambda: window.session.search.listing.ids.tolist() == sorted(dates, key=lambda id: dates[id]))
        assert window.search_page.results.order_button.text() == "by date taken, the other way round ▾"


def test_an_order_is_said_in_words() -> None:
    assert describe_arrangement(PhotoArrangement()) == "by folder and name"
    assert describe_arrangement(PhotoArrangement("size", False, "taken")) == "by size, in groups by month"
