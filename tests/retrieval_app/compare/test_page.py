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
from indexer.search.query import Cropped
from indexer.statistics.calibration import Calibration, Cutoff
from indexer.statistics.error_rates import Rate
from retrieval_app import wording as words
from retrieval_app.compare import comparison as pairs
from retrieval_app.compare.page import VERDICTS, ComparePage, reasons
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import MOST, Sharp, View, ZoomView, held
from retrieval_app.window.main_window import MainWindow


def compare(window: MainWindow, qtbot: QtBot, query: int = 2, place: int = 1) -> ComparePage:
    """Search with a photo, go to a result, press Space and wait for all that is known."""
    window.session.click(int(window.session.listing.ids[query]))
    qtbot.waitUntil(lambda: window.session.listing.result is not None, timeout=20_000)
    grid = window.page.results.grid
    grid.setFocus()
    grid.go_to(place)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    wait(window, qtbot)
    return window.page.compare


def wait(window: MainWindow, qtbot: QtBot) -> None:
    page = window.page.compare
    qtbot.waitUntil(lambda: page.verdict.text() in VERDICTS.values() and window.page.asides.idle(), timeout=20_000)


def test_space_compares_with_the_query_and_says_what_verify_says(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    page = compare(window, qtbot)
    assert page.isVisible()
    first, second = window.session.queried, int(window.session.listing.ids[1])
    assert first is not None
    with Library.open(home / "default.library") as library:
        found = library.verify(first, second)
    assert page.verdict.text() == VERDICTS[found.verdict]
    assert page.reasons.text() == reasons(found)
    assert f"Distance {window.session.listing.hits[1].distance:.3f}" in page.reasons.text()


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Space])
def test_escape_and_space_go_back_to_the_results_and_not_further(window: MainWindow, qtbot: QtBot, key: Qt.Key) -> None:
    page = compare(window, qtbot)
    query = window.session.query
    QTest.keyClick(page.second, key)
    assert not page.isVisible()
    assert window.session.query is query
    assert window.focusWidget() is window.page.results.grid


def test_space_without_a_query_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.page.results.grid
    grid.setFocus()
    grid.go_to(0)
    with qtbot.waitSignal(window.session.noticed) as said:
        QTest.keyClick(grid, Qt.Key.Key_Space)
    assert "Choose a query first" in said.args[0]
    assert not window.page.compare.isVisible()


def test_page_keys_go_through_the_results(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second, Qt.Key.Key_PageDown)
    wait(window, qtbot)
    assert f"Distance {window.session.listing.hits[2].distance:.3f}" in page.reasons.text()
    for _ in range(3):
        QTest.keyClick(page.second, Qt.Key.Key_PageUp)
    wait(window, qtbot)
    assert "Distance 0.000" in page.reasons.text()
    assert window.page.results.grid.current_place() == 0
    assert not page.first.waiting()


def test_zoom_and_pan_are_locked(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_Right, Qt.Key.Key_Down):
        QTest.keyClick(page.second, key)
    assert page.first.view == page.second.view
    assert page.first.view.zoom > 1
    query = window.session.query
    seen = page.second.view
    QTest.mousePress(page.first, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    QTest.mouseMove(page.first, QPoint(75, 50))
    QTest.mouseRelease(page.first, Qt.MouseButton.LeftButton, pos=QPoint(75, 50))
    assert page.first.view == page.second.view != seen
    QTest.keyClick(page.first, Qt.Key.Key_0)
    assert page.second.view == View()
    assert window.session.query is query  # plus and minus were no marks


def test_heat_maps_come_on_demand_and_go(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second, Qt.Key.Key_W)
    assert page.why.isChecked()
    qtbot.waitUntil(window.page.asides.idle, timeout=20_000)
    hot = page.second.grab().toImage()
    QTest.keyClick(page.second, Qt.Key.Key_W)
    plain = page.second.grab().toImage()
    assert plain != hot
    QTest.keyClick(page.second, Qt.Key.Key_W)
    assert page.second.grab().toImage() == hot  # kept, not computed again
    assert window.page.asides.idle()


def test_another_query_closes_the_comparison(window: MainWindow, qtbot: QtBot) -> None:
    page = compare(window, qtbot)
    QTest.keyClick(page.second, Qt.Key.Key_Backspace)
    assert not page.isVisible()
    assert window.session.query is None


def test_pictures_are_read_at_full_resolution_upright_and_cropped(
    indexed: Path, tmp_path: Path, qapp: QApplication
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1800, 2400, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    Image.fromarray(noise).save(tmp_path / "large.jpg", exif=exif)
    with Library.open(indexed) as library:
        whole = pairs.sharp(library, tmp_path / "large.jpg")
        part = pairs.sharp(library, Cropped(tmp_path / "large.jpg", (0.5, 0.25, 0.25, 0.5)))
        none = pairs.sharp(library, tmp_path / "gone.jpg")
    assert (whole.full.width(), whole.full.height()) == (1800, 2400)
    assert whole.small.height() == pairs.FITTED
    assert (part.full.width(), part.full.height()) == (450, 1200)
    assert none.full.isNull()


def test_zoom_keeps_what_lies_under_the_pointer(qapp: QApplication, qtbot: QtBot) -> None:
    view = ZoomView(Theme(qapp, "light"), "one")
    qtbot.addWidget(view)
    view.resize(400, 300)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    view.show_picture(Sharp(image, image))
    at = QPointF(300, 100)

    def under() -> QPointF:
        target = view.target()
        return QPointF((at.x() - target.x()) / target.width(), (at.y() - target.y()) / target.height())

    before = under()
    view._zoom(2.0, at)
    view._zoom(1.7, at)
    assert view.view.zoom == pytest.approx(3.4)
    assert (under().x(), under().y()) == pytest.approx((before.x(), before.y()))
    assert view.target().width() == pytest.approx(3.4 * 400)


def test_a_view_stays_within_the_picture() -> None:
    assert held(View(0.2, 0.9, 0.1)) == View()
    assert held(View(4, 0.99, 0.0)) == View(4, 0.875, 0.125)
    assert held(View(1e9, 0.5, 0.5)).zoom == MOST


def test_reasons_say_how_often_the_threshold_is_wrong() -> None:
    wrong = (
        "The threshold is wrong 1 time in 100 (95 % interval 0.5 % to 2 %) about pairs that differ and 25 times in 100 "
        "(95 % interval 20 % to 31 %) about pairs that are the same."
    )
    cutoff = Cutoff(0.412, Rate(0.01, 0.005, 0.02), Rate(0.25, 0.2, 0.31))
    found = Calibration("labels", 100, 9, 500, 4450, 0.1, ((0.0, 0.97),), (cutoff,), 0.9).compare(0.231)
    assert reasons(found) == (
        f"Distance 0.231, nearer than the threshold of 0.412. {wrong} Of all pairs at this distance 97 % have the same "
        "label."
    )
    unlikely = reasons(found._replace(probability=0.47))
    assert unlikely.endswith("47 % have the same label, as pairs that differ are far more common.")
    unsure = reasons(found._replace(distance=0.5, verdict="not sure", probability=0.2))
    assert unsure.startswith(
        "Distance 0.500, beyond the threshold of 0.412, but pairs count as different only from 0.900 on. The threshold"
    )
    different = reasons(found._replace(distance=1.0, verdict="different", probability=0.01))
    assert different.startswith("Distance 1.000, beyond the threshold of 0.412. The threshold")
    assert reasons(found._replace(threshold=None, fmr=None, fnmr=None, probability=None, rarity=20_000.0)) == (
        "Distance 0.231. It is closer than 1 in 20,000 random pairs."
    )
    assert words.times(0.0) == "not once"
