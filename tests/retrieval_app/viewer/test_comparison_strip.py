"""Comparing, driven as a user does: the verdict of the library in words, locked views, heat maps, the reasons."""

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.correspondences.matched_points import LEAST_POINTS
from indexer.library import Library
from indexer.statistics.calibration import Calibration, DistanceCutoff
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.likeness import describe_likeness
from retrieval_app.viewer.comparison_strip import explain_figures
from retrieval_app.viewer.photo_viewer import PhotoViewer
from retrieval_app.widgets.zoom_view import ZoomState
from retrieval_app.window.main_window import MainWindow
from retrieval_app.wording import format_frequency
from tests.support.seen_large import look_large, press_key, search_for, wait_until_sharp
from tests.support.window_waits import wait_for_signal


def compare(window: MainWindow, qtbot: QtBot, query: int = 2, place: int = 1) -> PhotoViewer:
    """Search with a photo, look at a result and press T, and wait for all that is known."""
    search_for(window, qtbot, query)
    viewer = look_large(window, place)
    press_key(Qt.Key.Key_T)
    wait_until_sharp(window, qtbot)
    return viewer


def test_t_shows_the_query_beside_a_result_and_says_what_verify_says(
    window: MainWindow, qtbot: QtBot, home: Path
) -> None:
    viewer = compare(window, qtbot)
    strip, hits = viewer.stage.strip, window.session.search.listing.hits
    first, second = window.session.search.query_photo_id, int(window.session.search.listing.ids[1])
    assert first is not None
    with Library.open(home / "default.library") as library:
        found = library.verify_pair(first, second)
    assert strip.verdict.text() == describe_likeness(found) != ""
    assert strip.figures.text() == f"{explain_figures(found)} {found.measured}"
    assert f"Distance {hits[1].distance:.3f}" in strip.figures.text()
    assert not strip.plot.isVisible()
    strip.fold.button.click()
    assert strip.plot.isVisible()
    assert viewer.stage.partner_pane.view.has_picture()
    assert viewer.stage.partner_pane.name_label.text().startswith("Query: ")
    partner = viewer.stage.partner_pane.view.grab().toImage()
    press_key(Qt.Key.Key_PageDown)
    wait_until_sharp(window, qtbot)
    assert f"Distance {hits[2].distance:.3f}" in strip.figures.text()
    press_key(Qt.Key.Key_Home)
    wait_until_sharp(window, qtbot)
    assert "Distance 0.000" in strip.figures.text()
    assert viewer.stage.partner_pane.view.grab().toImage() == partner  # the query stays
    press_key(Qt.Key.Key_T)
    assert not viewer.stage.partner_pane.isVisible()
    assert not strip.isVisible()


def test_t_without_a_query_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    viewer = look_large(window, 0)
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        press_key(Qt.Key.Key_T)
    assert "Choose a query first" in said[0][0]
    assert not viewer.stage.is_comparing()
    assert not window.menus.find_action("Compare").isEnabled()


def test_zoom_and_pan_are_locked_and_the_heat_maps_come_and_go(window: MainWindow, qtbot: QtBot) -> None:
    viewer = compare(window, qtbot)
    view, partner_view = viewer.stage.pane.view, viewer.stage.partner_pane.view
    for _ in range(3):
        press_key(Qt.Key.Key_Plus)
    press_key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert partner_view.zoom_state == view.zoom_state
    assert view.zoom_state.zoom > 1
    seen = view.zoom_state
    QTest.mousePress(partner_view, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    QTest.mouseMove(partner_view, QPoint(75, 50))
    QTest.mouseRelease(partner_view, Qt.MouseButton.LeftButton, pos=QPoint(75, 50))
    assert partner_view.zoom_state == view.zoom_state != seen
    press_key(Qt.Key.Key_Right)
    assert partner_view.zoom_state == view.zoom_state != ZoomState()  # from pair to pair as well
    press_key(Qt.Key.Key_0)
    assert partner_view.zoom_state == ZoomState()

    wait_until_sharp(window, qtbot)
    plain = view.grab().toImage()
    press_key(Qt.Key.Key_W)
    assert viewer.bar.buttons["heat"].isChecked()
    wait_until_sharp(window, qtbot)
    hot = view.grab().toImage()
    assert plain != hot
    press_key(Qt.Key.Key_W)
    assert view.grab().toImage() == plain
    press_key(Qt.Key.Key_W)
    assert view.grab().toImage() == hot  # kept, not computed again
    assert viewer.questions.is_idle()
    press_key(Qt.Key.Key_Home)  # the query itself
    press_key(Qt.Key.Key_P)
    assert viewer.bar.buttons["points"].isChecked()
    wait_until_sharp(window, qtbot)
    lines = viewer.stage.lines.list_lines()
    assert len(lines) >= LEAST_POINTS
    assert {round(line.begin.y() - line.end.y()) for line in lines} == {0}
    shift = lines[0].end.x() - lines[0].begin.x()
    assert shift > partner_view.width()
    assert all(abs(line.end.x() - line.begin.x() - shift) < 1 for line in lines)
    press_key(Qt.Key.Key_P)
    assert not viewer.stage.lines.list_lines()
    press_key(Qt.Key.Key_Backspace)  # another query
    assert not viewer.isVisible()
    assert window.session.search.query is None


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
