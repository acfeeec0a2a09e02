"""A threshold is moved by mouse, keys and numbers; its error rates are those of counting all pairs."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from retrieval_app.evaluation.threshold_view import ThresholdView, list_presets
from retrieval_app.widgets.theme import Theme
from tests.retrieval_app.evaluation.conftest import MeasuredLibrary

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def view(measured: MeasuredLibrary, qtbot: QtBot) -> ThresholdView:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    view = ThresholdView(Theme(app, "light"))
    qtbot.addWidget(view)
    view.resize(900, 500)
    view.show_report(measured.report)
    view.show()
    qtbot.waitExposed(view)
    return view


def count_wrong(measured: MeasuredLibrary, distance: float) -> tuple[float, float]:
    """FMR and FNMR by counting."""
    nearer = sum(other < distance for other in measured.mismatched)
    missed = sum(own >= distance for own in measured.matched)
    return nearer / len(measured.mismatched), missed / len(measured.matched)


@pytest.mark.parametrize("distance", [0.0, 0.5, 0.9, 1.1, 1.23, 1.4, 1.99])
def test_the_rates_at_any_threshold_are_those_of_counting(measured: MeasuredLibrary, distance: float) -> None:
    rates = measured.report.find_rates(distance)
    assert rates is not None
    furthest = max(measured.mismatched + measured.matched)
    assert abs(rates.distance - distance) <= 0.001 + 1e-9 or distance > furthest
    # the command rounds distances to six digits, so that a pair exactly there may fall on either side
    low, high = (count_wrong(measured, rates.distance + by) for by in (-1e-5, 1e-5))
    assert low[0] - 1e-6 <= rates.fmr <= high[0] + 1e-6
    assert high[1] - 1e-6 <= rates.fnmr <= low[1] + 1e-6


def test_a_drag_moves_the_line_and_the_sentences_follow(view: ThresholdView, measured: MeasuredLibrary) -> None:
    plot = view.histogram
    middle = round(plot.get_plot_area().center().y())
    start, end = (QPoint(round(plot.get_x(distance)), middle) for distance in (0.8, 1.2))
    QTest.mousePress(plot, LEFT, NONE, start)
    assert view.distance_box.value() == pytest.approx(0.8, abs=0.01)
    QTest.mouseMove(plot, end)
    QTest.mouseRelease(plot, LEFT, NONE, end)
    QTest.mouseClick(plot, LEFT, NONE, end)
    distance = view.distance_box.value()
    assert distance == pytest.approx(1.2, abs=0.01)
    fmr, fnmr = count_wrong(measured, distance)
    told = [int(word) for label in (view.false_match_label, view.miss_label) for word in _find_counts(label.text())]
    assert told == pytest.approx([1000 * fmr, 1000 * fnmr], abs=8)  # the table's step is 0.002
    assert f"{distance:.3f}" in plot.accessibleDescription()


def _find_counts(sentence: str) -> list[str]:
    """The count out of 1,000 in a sentence."""
    words = sentence.replace(",", "").split()
    return [words[words.index("would") - 1]]


def test_arrows_and_the_number_field_move_it_too(view: ThresholdView) -> None:
    view.distance_box.setValue(1.0)
    view.histogram.setFocus()
    QTest.keyClick(view.histogram, Qt.Key.Key_Right)
    QTest.keyClick(view.histogram, Qt.Key.Key_Right)
    QTest.keyClick(view.histogram, Qt.Key.Key_Left)
    assert view.distance_box.value() == pytest.approx(1.01)
    assert view.histogram.threshold == pytest.approx(1.01)


def test_a_click_on_the_roc_moves_it_to_that_point(view: ThresholdView, measured: MeasuredLibrary) -> None:
    wanted = measured.report.find_rates(1.15)
    assert wanted is not None
    QTest.mouseClick(view.roc, LEFT, NONE, view.roc.locate_rates(wanted).toPoint())
    found = measured.report.find_rates(view.distance_box.value())
    assert found is not None
    away = view.roc.locate_rates(found) - view.roc.locate_rates(wanted)
    assert QPointF.dotProduct(away, away) <= 8  # px, squared: the pointer is at a whole pixel


def test_a_preset_is_a_click_away(view: ThresholdView, measured: MeasuredLibrary) -> None:
    names = [name for name, _ in list_presets(measured.report)]
    assert "wrong 1 time in 10" in names
    assert measured.report.eer is not None
    equal = list_presets(measured.report)[-1][1]
    assert (equal.fmr + equal.fnmr) / 2 == pytest.approx(measured.report.eer, abs=0.02)
    before = view.distance_box.value()
    buttons = view.presets.findChildren(QPushButton)
    QTest.mouseClick(buttons[-1], LEFT)
    assert view.distance_box.value() == pytest.approx(equal.distance, abs=1e-3)
    assert before != view.distance_box.value()
