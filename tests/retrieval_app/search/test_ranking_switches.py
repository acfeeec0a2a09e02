"""Refine and changed copies in the window: the ranks are those of the command, and only the newest wish counts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QPushButton
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.ranking.search_request import RANK_COPIES, RANK_NEAREST, RANK_REFINED
from indexer.search.query import Query
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import Tell
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.window_waits import wait_for

ALL = EACH * len(CLASSES)
Told = Callable[..., list[tuple[int, str, float]]]
CONTROL = Qt.KeyboardModifier.ControlModifier
KEYS = {RANK_REFINED: Qt.Key.Key_R, RANK_COPIES: Qt.Key.Key_D}
OPTIONS = {RANK_NEAREST: [], RANK_REFINED: ["--refine"], RANK_COPIES: ["--near-copies"]}


def settle(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running and window.search_page.questions.is_idle())


def ask(window: MainWindow, picture: Path, qtbot: QtBot) -> None:
    window.session.search.run_query(Query((picture,)))
    settle(window, qtbot)


def switch(window: MainWindow, way: str, qtbot: QtBot) -> None:
    QTest.keyClick(window.search_page.results.grid, KEYS[way], CONTROL)
    settle(window, qtbot)


def shown(window: MainWindow) -> list[tuple[int, str, float]]:
    hits = window.session.search.listing.hits
    return [(hit.rank, hit.photo.path.decode(), round(hit.distance, 6)) for hit in hits]


@pytest.fixture
def told(tell: Tell, home: Path) -> Told:
    """What the command says of the same question."""

    def ask_command(*words: str | Path) -> list[tuple[int, str, float]]:
        hits = tell(home, "search", *words, "-k", str(ALL), "--json").result()["hits"]
        return [(hit["rank"], hit["path"], hit["distance"]) for hit in hits]

    return ask_command


def box(window: MainWindow, way: str) -> QCheckBox:
    return window.search_page.query_panel.ranking_boxes.check_boxes[way]


def chips(window: MainWindow) -> dict[str, QPushButton]:
    row = window.search_page.results.chip_row
    return {chip.text()[:-3]: chip for chip in row.findChildren(QPushButton) if not chip.isHidden()}


def changed(tmp_path: Path) -> Path:
    """A bar of the library, cut and mirrored."""
    picture = draw("bar", 2)
    part = picture.crop((20, 20, picture.width, picture.height)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    part.save(tmp_path / "changed.png")
    return tmp_path / "changed.png"


@pytest.mark.parametrize("way", [RANK_REFINED, RANK_COPIES])
def test_the_ranks_are_those_of_the_command(
    window: MainWindow, qtbot: QtBot, told: Told, tmp_path: Path, way: str
) -> None:
    picture = changed(tmp_path)
    ask(window, picture, qtbot)
    plain = shown(window)
    assert plain == told(picture)
    switch(window, way, qtbot)
    assert shown(window) == told(picture, *OPTIONS[way])
    assert [path for _, path, _ in shown(window)] != [path for _, path, _ in plain]
    assert box(window, way).isChecked()


def test_cut_and_filtered_ranks_are_those_of_the_command(
    window: MainWindow, qtbot: QtBot, told: Told, tmp_path: Path
) -> None:
    picture = changed(tmp_path)
    ask(window, picture, qtbot)
    bound = sorted(hit.distance for hit in window.session.search.listing.hits)[15]
    switch(window, RANK_REFINED, qtbot)
    window.session.search.conditions.set_max_distance(bound)
    window.session.search.conditions.set_filter(Filter(orientation="landscape"))
    settle(window, qtbot)
    assert 2 < len(shown(window)) < 16
    asked: list[str | Path] = [picture, "--refine", "--max-distance", str(bound), "--orientation", "landscape"]
    assert shown(window) == told(*asked)
    assert len(window.session.search.full_listing.hits) > len(
        shown(window)
    )  # the slider still knows how far results reach
    window.session.search.conditions.set_max_distance(None)
    settle(window, qtbot)
    assert len(shown(window)) == len(window.session.search.full_listing.hits)


def test_one_way_at_a_time_and_only_the_newest_wish_is_answered(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)
    plain = shown(window)
    for way in (
        RANK_REFINED,
        RANK_COPIES,
        RANK_COPIES,
    ):  # the last one switches off again, before anything was answered
        QTest.keyClick(window.search_page.results.grid, KEYS[way], CONTROL)
    assert window.session.search.is_running
    settle(window, qtbot)
    assert window.session.search.conditions.ranking == RANK_NEAREST
    assert shown(window) == plain
    switch(window, RANK_COPIES, qtbot)
    box(window, RANK_REFINED).click()
    settle(window, qtbot)
    assert (box(window, RANK_REFINED).isChecked(), box(window, RANK_COPIES).isChecked()) == (True, False)
    assert (
        window.menus.find_action("Refine").isChecked()
        and not window.menus.find_action("Find changed copies").isChecked()
    )


def test_a_chip_says_how_it_is_ranked_and_takes_it_away(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)
    plain = shown(window)
    switch(window, RANK_REFINED, qtbot)
    chips(window)["refined"].click()
    settle(window, qtbot)
    assert shown(window) == plain and not chips(window)


def test_changed_copies_are_of_one_picture_alone(window: MainWindow, qtbot: QtBot) -> None:
    first, other = (int(photo) for photo in window.session.search.listing.ids[[2, 20]])
    assert not window.menus.find_action("Refine").isEnabled()  # there is no query
    window.session.search.toggle_query_photo(first)
    switch(window, RANK_COPIES, qtbot)
    assert window.session.search.conditions.ranking == RANK_COPIES
    window.session.search.mark_example(other, -1)
    settle(window, qtbot)
    assert window.session.search.conditions.ranking == RANK_NEAREST
    assert not box(window, RANK_COPIES).isEnabled() and box(window, RANK_REFINED).isEnabled()
    assert not window.menus.find_action("Find changed copies").isEnabled()
    switch(window, RANK_COPIES, qtbot)
    assert window.session.search.conditions.ranking == RANK_NEAREST


@pytest.mark.parametrize("way", [RANK_REFINED, RANK_COPIES])
def test_a_saved_search_has_the_ranks_of_the_command(
    window: MainWindow, qtbot: QtBot, told: Told, tell: Tell, tmp_path: Path, *, way: str
) -> None:
    ask(window, changed(tmp_path), qtbot)
    switch(window, way, qtbot)
    before = shown(window)
    window.search_page.saved_searches.save_search("mine")
    wait_for(qtbot, lambda: window.search_page.saved_searches.names == ["mine"])
    switch(window, way, qtbot)
    assert shown(window) != before
    window.search_page.saved_searches.open_search("mine")
    settle(window, qtbot)
    assert box(window, way).isChecked()
    assert shown(window) == told("--saved", "mine") == before
    assert tell(tmp_path / "home", "search", "--saved", "mine", *OPTIONS[way]).code == 2
