"""How much is seen: whole tiles in the usual window and in a small one, panes that make room, no line that is cut."""

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLabel, QToolBar, QToolButton
from pytestqt.qtbot import QtBot

from indexer.search.results import Hit, SearchResult
from retrieval_app.search.details_panel import DetailsPanel
from retrieval_app.search.page import FOLD_WIDTH
from retrieval_app.session.searching.photo_listing import PhotoListing
from retrieval_app.widgets.tables import NamedFact
from retrieval_app.window.main_window import MainWindow
from tests.retrieval_app.search.test_details_panel import PHOTO
from tests.support.window_waits import wait_for

SHAPES = (1.5, 0.67, 1.33, 1.5, 1.0, 0.75, 1.78, 1.5)  # as a camera and a telephone give them
PHOTOS = 200


def count_whole_tiles(window: MainWindow, *, with_hits: bool) -> int:
    """The tiles of which all is seen, of a library or a search of photos in mixed shapes."""
    grid = window.search_page.results.grid
    ids = np.arange(1, PHOTOS + 1)
    hits = [Hit(place + 1, PHOTO._replace(id=place + 1), 0.3, None, None) for place in range(PHOTOS)]
    grid.set_aspects(np.resize(np.array(SHAPES, np.float32), PHOTOS + 1))
    grid.show_listing(PhotoListing(ids, SearchResult(hits, "exact", 1.0, 0.0, "") if with_hits else None))
    seen = grid.viewport().rect()
    return sum(seen.contains(grid.locate_place(place)) for place in range(PHOTOS))


@pytest.mark.parametrize(("size", "least"), [(QSize(1280, 800), 28), (QSize(900, 600), 12)])
def test_as_many_whole_tiles_are_seen_as_in_a_picture_program(
    window: MainWindow, qtbot: QtBot, size: QSize, least: int
) -> None:
    window.resize(size)
    panes = size.width() - 208 - (0 if size.width() < FOLD_WIDTH else 264)
    wait_for(qtbot, lambda: window.search_page.results.width() >= panes - 8)
    for has_squares in (False, True):
        window.search_page.results.grid.set_squares(has_squares)
        assert count_whole_tiles(window, with_hits=False) >= least
        assert count_whole_tiles(window, with_hits=True) >= least


def test_the_details_fold_in_a_narrow_window_and_come_back(window: MainWindow, qtbot: QtBot) -> None:
    details, action = window.search_page.details, window.menus.find_action("Details")
    window.resize(1280, 800)
    assert details.isVisible()
    window.resize(900, 600)
    wait_for(qtbot, lambda: not details.isVisible())
    action.trigger()
    assert details.isVisible()  # whoever wants them there has them
    window.resize(1280, 800)
    assert details.isVisible()
    action.trigger()
    window.resize(900, 600)
    window.resize(1280, 800)
    assert not details.isVisible()  # and whoever does not, not


def list_cut_labels(details: DetailsPanel) -> list[str]:
    """The texts for which there is too little room, in height or at the right."""
    labels = [label for label in details.findChildren(QLabel) if label.wordWrap() and not label.isHidden()]
    right = details.viewport().mapToGlobal(details.viewport().rect().bottomRight()).x()
    return [
        label.text()
        for label in labels
        if label.height() < label.heightForWidth(label.width())
        or label.mapToGlobal(label.rect().bottomRight()).x() > right
    ]


def test_no_line_of_the_details_is_cut(window: MainWindow, qtbot: QtBot) -> None:
    details = window.search_page.details
    window.resize(1280, 800)
    window.search_page.results.grid.go_to(0)
    wait_for(qtbot, lambda: window.search_page.current_photo() is not None)
    facts = [
        NamedFact("Likeness", "Perhaps the same: of 100 pairs this close 25 are."),
        NamedFact("Folder", "/a/" + "long name/" * 12),
    ]
    details._fill_facts(facts)
    for width in (220, 264, 300):
        window.search_page.panes.setSizes([208, 1280 - 208 - width, width])
        wait_for(qtbot, lambda: not list_cut_labels(details))


def test_the_toolbar_of_a_small_window_shows_all_pages_and_the_details_without_an_arrow(
    window: MainWindow, qtbot: QtBot
) -> None:
    bar, arrow = window.tool_bar, window.tool_bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert arrow is not None
    window.resize(1280, 800)
    wait_for(qtbot, lambda: bar.width() > 1200)
    all_actions = bar.actions()
    for name in ("default", "a library with a name of more than forty letters"):
        bar.show_library_name(name)
        window.resize(900, 600)
        wait_for(qtbot, lambda: bar.sizeHint().width() <= bar.width() <= 900 and not arrow.isVisible())
        details = bar.widgetForAction(window.menus.find_action("Details"))
        tabs = window.page_stack.tab_bar
        assert bar.rect().contains(details.geometry())
        assert tabs.width() >= tabs.sizeHint().width()
    window.resize(1280, 800)
    wait_for(qtbot, lambda: bar.actions() == all_actions)


def test_a_toolbar_without_room_has_an_arrow_to_the_rest(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(720, 480)
    bar = window.findChild(QToolBar)
    assert bar is not None
    arrow = bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert arrow is not None
    wait_for(qtbot, arrow.isVisible)
    assert bar.rect().contains(arrow.geometry())
    image = arrow.grab().toImage()
    middle = image.pixelColor(image.rect().center()).name()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert len(colours) > 1, middle  # there is a sign on it
