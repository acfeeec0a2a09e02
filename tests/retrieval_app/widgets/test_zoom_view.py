"""A heat map lies over a picture where the model saw it, and nowhere else; zooming keeps what lies under a point."""

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.models.framing import SquareBox
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import (
    MAX_ZOOM,
    WHOLE_AREA,
    HeatLayer,
    PixelArea,
    ZoomState,
    ZoomView,
    clamp_zoom_state,
    draw_heat,
    locate_square,
)


def test_a_square_around_a_wide_picture_reaches_beyond_it() -> None:
    assert locate_square(QRectF(10, 20, 300, 100), SquareBox(0, -1, 1, 3)) == QRectF(10, -80, 300, 300)
    assert locate_square(QRectF(10, 20, 300, 100), SquareBox(1 / 3, 0, 1 / 3, 1)) == QRectF(110, 20, 100, 100)


def test_heat_is_drawn_on_the_picture_only(qapp: QApplication) -> None:
    del qapp
    layer = QImage(30, 30, QImage.Format.Format_RGB32)
    layer.fill(QColor("blue"))
    stripes = QPainter(layer)
    stripes.fillRect(0, 10, 30, 10, QColor("red"))  # the middle third: what lies on the picture
    stripes.end()
    canvas = QImage(90, 90, QImage.Format.Format_RGB32)
    canvas.fill(QColor("white"))
    painter = QPainter(canvas)
    draw_heat(painter, QRectF(0, 30, 90, 30), HeatLayer(layer, SquareBox(0, -1, 1, 3)))
    painter.fillRect(80, 80, 5, 5, QColor("black"))  # drawing elsewhere goes on as before
    painter.end()
    colours = {y: canvas.pixelColor(45, y).name() for y in (10, 29, 31, 45, 58, 61, 75)}
    red, white = QColor("red").name(), QColor("white").name()
    assert colours == {10: white, 29: white, 31: red, 45: red, 58: red, 61: white, 75: white}
    assert canvas.pixelColor(82, 82) == QColor("black")


def test_zoom_keeps_what_lies_under_the_pointer(qapp: QApplication, qtbot: QtBot) -> None:
    view = ZoomView(Theme(qapp, "light"), "one")
    qtbot.addWidget(view)
    view.resize(400, 300)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    view.show_picture(image.size(), [PixelArea(image, WHOLE_AREA)])
    at = QPointF(300, 100)

    def under() -> QPointF:
        target = view.find_picture_rect()
        return QPointF((at.x() - target.x()) / target.width(), (at.y() - target.y()) / target.height())

    before = under()
    view.zoom_about(2.0, at)
    view.zoom_about(1.7, at)
    assert view.zoom_state.zoom == pytest.approx(3.4)
    assert (under().x(), under().y()) == pytest.approx((before.x(), before.y()))
    assert view.find_picture_rect().width() == pytest.approx(3.4 * 400)


def test_a_view_stays_within_the_picture() -> None:
    assert clamp_zoom_state(ZoomState(0.2, 0.9, 0.1)) == ZoomState(0.2)
    assert clamp_zoom_state(ZoomState(4, 0.99, 0.0)) == ZoomState(4, 0.875, 0.125)
    assert clamp_zoom_state(ZoomState(1e9, 0.5, 0.5)).zoom == MAX_ZOOM
