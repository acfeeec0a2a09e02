"""Saved searches: kept by name with everything that was asked, and reopened with the same ranks."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.ranking.search_request import RANK_REFINED, SearchRequest
from indexer.search.query import CroppedExample, Query
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import draw
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for, wait_for_signal


def settle(window: MainWindow, qtbot: QtBot) -> None:
    session, beside = window.session, window.search_page.questions
    wait_for(qtbot, lambda: session.library.writer.is_idle() and not session.search.is_running and beside.is_idle())


def saved(window: MainWindow) -> list[QAction]:
    """The lines of the menu Search > Saved searches."""
    menu = next(action.menu() for action in window.menus.menus["Search"].actions() if action.text() == "Saved searches")
    return list(menu.actions()) if menu else []  # type: ignore[attr-defined]


def ask(window: MainWindow, query: Query, qtbot: QtBot) -> None:
    window.session.search.repeat_search(SearchRequest(query, Filter(orientation="landscape"), 1.2))
    settle(window, qtbot)


def keep(window: MainWindow, name: str, qtbot: QtBot) -> None:
    """Ctrl+S, a name, Enter."""
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(QInputDialog)
    assert isinstance(dialog, QInputDialog)
    dialog.setTextValue(name)
    dialog.accept()
    settle(window, qtbot)


def test_a_search_is_saved_by_name_and_reopened_with_the_same_ranks_after_a_restart(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    draw("bar", 44).save(tmp_path / "outside.png")
    first, other = (int(photo) for photo in window.session.search.listing.ids[[2, 20]])
    part = CroppedExample(tmp_path / "outside.png", (0.25, 0.25, 0.5, 0.5))
    query = Query((first, part), (other,), (1.0, 2.0))
    ask(window, query, qtbot)
    window.session.search.conditions.toggle_ranking(RANK_REFINED)
    settle(window, qtbot)
    ranks = [(hit.photo.id, hit.distance) for hit in window.session.search.listing.hits]
    assert ranks
    keep(window, "bars & discs", qtbot)
    window.close()
    with open_window() as again:
        wait_for(qtbot, lambda: again.search_page.saved_searches.names == ["bars & discs"])
        assert saved(again)[0].text() == "bars && discs"
        saved(again)[0].trigger()
        settle(again, qtbot)
        assert (again.session.search.query, again.session.search.conditions.ranking) == (query, RANK_REFINED)
        assert (again.session.search.conditions.photo_filter, again.session.search.conditions.max_distance) == (
            Filter(orientation="landscape"),
            1.2,
        )
        assert [(hit.photo.id, hit.distance) for hit in again.session.search.listing.hits] == ranks
        assert again.search_page.query_panel.positive_row.buttons[0].mark.times == 2


def test_a_saved_search_can_be_forgotten(window: MainWindow, qtbot: QtBot) -> None:
    ask(window, Query((int(window.session.search.listing.ids[2]),)), qtbot)
    keep(window, "mine", qtbot)
    assert window.search_page.saved_searches.names == ["mine"]
    window.search_page.saved_searches.forget_search("mine")
    settle(window, qtbot)
    assert saved(window) == []


def test_a_name_of_nothing_is_refused_with_a_sentence(window: MainWindow, qtbot: QtBot) -> None:
    ask(window, Query((int(window.session.search.listing.ids[2]),)), qtbot)
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        window.search_page.saved_searches.save_search("  ")
    assert "needs a name" in said[0][0]


def test_a_first_start_complains_of_nothing(empty_window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, empty_window.search_page.questions.is_idle)
    assert empty_window.status_line.message_label.text() == ""
