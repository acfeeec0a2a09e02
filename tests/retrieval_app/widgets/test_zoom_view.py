"""A heat map lies over a picture where the model saw it, and nowhere else."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from indexer.models.framing import SquareBox
from retrieval_app.widgets.zoom_view import HeatLayer, draw_heat, locate_square


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
