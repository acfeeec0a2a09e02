"""Comparing, driven as a user does: the verdict of the library in words, locked views, heat maps, full resolution."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.search.query import CroppedExample
from indexer.statistics.calibration import Calibration, DistanceCutoff
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.likeness import describe_likeness
from retrieval_app.compare.comparison import SCREEN_LONG_SIDE, load_sharp_picture
from retrieval_app.compare.page import ComparePage, explain_figures
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import MAX_ZOOM, ResolutionPair, ZoomState, ZoomView, clamp_zoom_state
from retrieval_app.window.main_window import MainWindow
from retrieval_app.wording import format_frequency
from tests.support.window_waits import wait_for, wait_for_signal


def compare(window: MainWindow, qtbot: QtBot, query: int = 2, place: int = 1) -> ComparePage:
    """Search with a photo, go to a result, press Space and wait for all that is known."""
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[query]))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    grid = window.search_page.results.grid
    grid.setFocus()
    grid.go_to(place)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    wait(window, qtbot)
    return window.search_page.compare_page


def wait(window: MainWindow, qtbot: QtBot) -> None:
    page = window.search_page.compare_page
    wait_for(qtbot, lambda: bool(page.figures.text()) and window.search_page.questions.is_idle())


def test_space_compares_with_the_query_and_says_what_verify_says(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    page = compare(window, qtbot)
    assert page.isVisible()
    first, second = window.session.search.query_photo_id, int(window.session.search.listing.ids[1])
    assert first is not None
    with Library.open(home / "default.library") as library:
        found = library.verify_pair(first, second)
    assert f"{page.verdict.text()}: {page.reasons.text()}".lower() == describe_likeness(found).lower()
    assert page.figures.text() == f"{explain_figures(found)} {found.measured}"
    assert f"Distance {window.session.search.listing.hits[1].distance:.3f}" in page.figures.text()
    assert not page.plot.isVisible()
    QTest.mouseClick(page.how_sure.button, Qt.MouseButton.LeftButton)
    assert page.plot.isVisible() and page.figures.isVisible()


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Space])
def test_escape_and_space_go_back_to_the_results_and_not_further(window: MainWindow, qtbot: QtBot, key: Qt.Key) -> None:
    page = compare(window, qtbot)
    query = window.session.search.query
    QTest.keyClick(page.second_view, key)
    assert not page.isVisible()
    assert window.session.search.query is query
    assert window.focusWidget() is window.search_page.results.grid


def test_space_without_a_query_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid
    grid.setFocus()
    grid.go_to(0)
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        QTest.keyClick(grid, Qt.Key.Key_Space)
    assert "Choose a query first" in said[0][0]
    assert not window.search_page.compare_page.isVisible()


def test_page_keys_go_through_the_results(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second_view, Qt.Key.Key_PageDown)
    wait(window, qtbot)
    assert f"Distance {window.session.search.listing.hits[2].distance:.3f}" in page.figures.text()
    for _ in range(3):
        QTest.keyClick(page.second_view, Qt.Key.Key_PageUp)
    wait(window, qtbot)
    assert "Distance 0.000" in page.figures.text()
    assert page.verdict.text() == "The same"
    assert window.search_page.results.grid.current_place() == 0
    assert not page.first_view.is_waiting()


def test_zoom_and_pan_are_locked(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_Right, Qt.Key.Key_Down):
        QTest.keyClick(page.second_view, key)
    assert page.first_view.zoom_state == page.second_view.zoom_state
    assert page.first_view.zoom_state.zoom > 1
    query = window.session.search.query
    seen = page.second_view.zoom_state
    QTest.mousePress(page.first_view, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    QTest.mouseMove(page.first_view, QPoint(75, 50))
    QTest.mouseRelease(page.first_view, Qt.MouseButton.LeftButton, pos=QPoint(75, 50))
    assert page.first_view.zoom_state == page.second_view.zoom_state != seen
    QTest.keyClick(page.first_view, Qt.Key.Key_0)
    assert page.second_view.zoom_state == ZoomState()
    assert window.session.search.query is query  # plus and minus were no marks


def test_heat_maps_come_on_demand_and_go(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second_view, Qt.Key.Key_W)
    assert page.heat_box.isChecked()
    wait_for(qtbot, window.search_page.questions.is_idle)
    hot = page.second_view.grab().toImage()
    QTest.keyClick(page.second_view, Qt.Key.Key_W)
    plain = page.second_view.grab().toImage()
    assert plain != hot
    QTest.keyClick(page.second_view, Qt.Key.Key_W)
    assert page.second_view.grab().toImage() == hot  # kept, not computed again
    assert window.search_page.questions.is_idle()


def test_another_query_closes_the_comparison(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second_view, Qt.Key.Key_Backspace)
    assert not page.isVisible()
    assert window.session.search.query is None


def test_pictures_are_read_at_full_resolution_upright_and_cropped(
    indexed: Path, tmp_path: Path, qapp: QApplication
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1800, 2400, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    Image.fromarray(noise).save(tmp_path / "large.jpg", exif=exif)
    with Library.open(indexed) as library:
        whole = load_sharp_picture(library, tmp_path / "large.jpg")
        part = load_sharp_picture(library, CroppedExample(tmp_path / "large.jpg", (0.5, 0.25, 0.25, 0.5)))
        none = load_sharp_picture(library, tmp_path / "gone.jpg")
    assert (whole.full.width(), whole.full.height()) == (1800, 2400)
    assert whole.small.height() == SCREEN_LONG_SIDE
    assert (part.full.width(), part.full.height()) == (450, 1200)
    assert none.full.isNull()


def test_zoom_keeps_what_lies_under_the_pointer(qapp: QApplication, qtbot: QtBot) -> None:
    view = ZoomView(Theme(qapp, "light"), "one")
    qtbot.addWidget(view)
    view.resize(400, 300)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    view.show_picture(ResolutionPair(image, image))
    at = QPointF(300, 100)

    def under() -> QPointF:
        target = view.find_picture_rect()
        return QPointF((at.x() - target.x()) / target.width(), (at.y() - target.y()) / target.height())

    before = under()
    view._zoom_about(2.0, at)
    view._zoom_about(1.7, at)
    assert view.zoom_state.zoom == pytest.approx(3.4)
    assert (under().x(), under().y()) == pytest.approx((before.x(), before.y()))
    assert view.find_picture_rect().width() == pytest.approx(3.4 * 400)


def test_a_view_stays_within_the_picture() -> None:
    assert clamp_zoom_state(ZoomState(0.2, 0.9, 0.1)) == ZoomState()
    assert clamp_zoom_state(ZoomState(4, 0.99, 0.0)) == ZoomState(4, 0.875, 0.125)
    assert clamp_zoom_state(ZoomState(1e9, 0.5, 0.5)).zoom == MAX_ZOOM


def test_reasons_say_how_often_the_threshold_is_wrong() -> None:
    wrong = (
        "The threshold is wrong 1 time in 100 (95 % interval 0.5 % to 2 %) about pairs that differ and 25 times in 100 "
        "(95 % interval 20 % to 31 %) about pairs that are the same."
    )
    cutoff = DistanceCutoff(0.412, ErrorRate(0.01, 0.005, 0.02), ErrorRate(0.25, 0.2, 0.31))
    found = Calibration("labels", 100, 9, 500, 4450, 0.1, ((0.0, 0.97),), (cutoff,), 0.9).judge_distance(0.231)
    assert explain_figures(found) == f"Distance 0.231, nearer than the threshold of 0.412. {wrong}"
    unsure = explain_figures(found._replace(distance=0.5, verdict="not sure", probability=0.2))
    assert unsure.startswith(
        "Distance 0.500, beyond the threshold of 0.412, but nearly all pairs that are the same lie below 0.900, so may "
        "this. The threshold"
    )
    different = explain_figures(found._replace(distance=1.0, verdict="different", probability=0.01))
    assert different.startswith("Distance 1.000, beyond the threshold of 0.412. The threshold")
    assert explain_figures(found._replace(threshold=None, fmr=None, fnmr=None)) == "Distance 0.231."
    assert format_frequency(0.0) == "not once"
