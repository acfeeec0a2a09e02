"""Points of the map and positions in the widget stand for each other, at any zoom and place."""

import numpy as np
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.map.map_viewport import MAP_MARGIN, MapViewport

POINTS = np.array([[-1, -1], [3, -1], [3, 1]], np.float32)


def make_viewport(qtbot: QtBot) -> MapViewport:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(400 + 2 * MAP_MARGIN, 400 + 2 * MAP_MARGIN)
    viewport = MapViewport(widget)
    viewport.fit_points(POINTS)
    return viewport


def test_fitted_points_reach_the_margins_and_up_is_up(qtbot: QtBot) -> None:
    positions = make_viewport(qtbot).to_screen(POINTS).tolist()
    assert positions == [[40, 340], [440, 340], [440, 140]]


def test_zoom_keeps_what_is_at_the_pointer_and_a_move_takes_all_along(qtbot: QtBot) -> None:
    viewport = make_viewport(qtbot)
    viewport.zoom_about(4, QPointF(440, 140))
    np.testing.assert_allclose(viewport.to_screen(POINTS), [[-1160, 940], [440, 940], [440, 140]], atol=1e-3)
    viewport.move_by(QPoint(-7, 5))
    np.testing.assert_allclose(viewport.to_screen(POINTS[2:]), [[433, 145]], atol=1e-3)
    np.testing.assert_allclose(viewport.from_screen(QPointF(433, 145)), [3, 1], atol=1e-5)
