"""Ranking by labels in the window: live, said over the results, left again, and the way to make it last."""

import os
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.ranking.search_request import RANK_LABELS, RANK_NEAREST
from retrieval_app.search.ranking_switches import LabelRankingLine
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import Tell
from tests.support.drawings import CLASSES, EACH
from tests.support.window_waits import wait_for
from training.data.sources import LibraryLabels

ALL = EACH * len(CLASSES)


def settle(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running and window.search_page.questions.is_idle())


def line(window: MainWindow) -> LabelRankingLine:
    return window.search_page.results.label_line


def press_key(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    settle(window, qtbot)


def shown(window: MainWindow) -> list[tuple[str, float]]:
    return [(os.fsdecode(hit.photo.path), round(hit.distance, 6)) for hit in window.session.search.listing.hits]


def told(tell: Tell, home: Path, picture: str, *options: str) -> list[tuple[str, float]]:
    result = tell(home, "search", picture, *options, "-k", str(ALL), "--json").result()
    return [(hit["path"], hit["distance"]) for hit in result["hits"]]


def write_label(window: MainWindow, text: str) -> None:
    edit = window.search_page.details.label_edit
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


def take_labels_away(home: Path) -> None:
    with Library.open(home / "default.library") as library:
        library.store.database.execute_statement("UPDATE files SET label = NULL")


def test_ranks_change_at_once_follow_each_label_and_come_back(
    window: MainWindow, qtbot: QtBot, home: Path, tell: Tell
) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)
    plain = shown(window)
    picture = plain[0][0]
    assert line(window).isHidden()
    press_key(window, qtbot)
    taught = shown(window)
    assert taught == told(tell, home, picture, "--by-labels")
    assert [path for path, _ in taught] != [path for path, _ in plain]
    assert line(window).isVisible()
    assert line(window).sentence.text() == f"Ranked by your {ALL} labels in {len(CLASSES)} classes"
    assert not window.search_page.results.cut_button.isVisible()
    assert {(hit.probability, hit.rarity) for hit in window.session.search.listing.hits} == {(None, None)}
    window.search_page.results.grid.go_to(ALL - 1)
    write_label(window, "one of its own")
    wait_for(qtbot, lambda: f"{len(CLASSES) + 1} classes" in line(window).sentence.text())
    settle(window, qtbot)
    assert shown(window) == told(tell, home, picture, "--by-labels")
    assert [distance for _, distance in shown(window)] != [distance for _, distance in taught]
    QTest.mouseClick(line(window).leave_button, Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    assert line(window).isHidden()
    assert shown(window) == plain
    assert window.search_page.results.cut_button.isVisible()


def test_it_lasts_from_query_to_query_and_starts_without_one(window: MainWindow, qtbot: QtBot) -> None:
    press_key(window, qtbot)  # there is no query yet
    assert line(window).isVisible()
    assert line(window).sentence.text() == "Searches are ranked by your labels: click a photo."
    first, other = (int(photo) for photo in window.session.search.listing.ids[[2, 20]])
    for photo in (first, other):
        window.session.search.toggle_query_photo(photo)
        settle(window, qtbot)
        assert line(window).sentence.text().startswith("Ranked by your")
        window.session.search.show_library()
        settle(window, qtbot)
    assert window.session.search.conditions.ranking == RANK_LABELS
    assert window.menus.find_action("Rank by my labels").isChecked()
    window.session.search.toggle_query_photo(first)
    settle(window, qtbot)
    window.session.search.conditions.set_max_distance(0.5)
    press_key(window, qtbot)
    assert window.session.search.conditions.max_distance is None  # what was cut were distances of another kind


def test_too_few_labels_are_said_and_the_model_ranks_on(home: Path, window: MainWindow, qtbot: QtBot) -> None:
    troubles: list[TroubleMessage | None] = []
    window.session.trouble_changed.connect(troubles.append)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)
    plain = shown(window)
    take_labels_away(home)
    press_key(window, qtbot)
    wait_for(qtbot, lambda: bool(troubles) and troubles[-1] is not None)
    settle(window, qtbot)
    message = troubles[-1]
    assert message is not None and "takes two labels at least" in message.sentence
    assert (window.session.search.conditions.ranking, shown(window), line(window).isHidden()) == (
        RANK_NEAREST,
        plain,
        True,
    )
    for place, label in ((0, "a"), (1, "a"), (2, "b")):
        window.search_page.results.grid.go_to(place)
        write_label(window, label)
        wait_for(qtbot, window.session.library.writer.is_idle)
        settle(window, qtbot)
    message.remedy()
    wait_for(qtbot, lambda: line(window).sentence.text().startswith("Ranked by your 3 labels in 2 classes"))


def test_from_there_the_labels_can_be_learned_for_good(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    press_key(window, qtbot)
    QTest.mouseClick(line(window).use_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: window.training.dialog is not None and window.training.dialog.isVisible())
    assert window.training.dialog is not None
    tuning = window.training.tuning
    wait_for(qtbot, lambda: tuning.contents is not None)
    assert isinstance(tuning.source, LibraryLabels)
    form = window.training.dialog.choose_page.form
    assert form.plan.duration.chosen_value() == form.read_config().recipe == "instant"
    form.plan.duration.buttons["quick"].click()
    window.training.dialog.close()
    QTest.mouseClick(line(window).use_button, Qt.MouseButton.LeftButton)
    assert window.training.dialog.isVisible() and form.read_config().recipe == "instant"
