"""What stands in the middle of a class on the map: its name, or the photo that stands for it."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from retrieval_app.widgets.theme import ColourTokens
from retrieval_app.widgets.tile_painter import fit_pixmap

NAME_ALPHA, MARK_RADIUS = 215, 4  # of the ground behind a name, of 255, and px of the corners


def paint_class_name(painter: QPainter, box: QRect, colour: QColor, tokens: ColourTokens, name: str) -> None:
    """Paint a name in a box, within a line in the colour of its class."""
    ground = QColor(tokens.surface)
    ground.setAlpha(NAME_ALPHA)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(ground)
    painter.drawRoundedRect(QRectF(box), MARK_RADIUS, MARK_RADIUS)
    painter.setPen(QColor(tokens.text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)


def paint_class_photo(painter: QPainter, box: QRect, colour: QColor, pixmap: QPixmap | None) -> None:
    """Paint a photo fitted into a box, within a thick line in the colour of its class; nothing until it is read."""
    if pixmap is None or pixmap.isNull():
        return
    place = fit_pixmap(pixmap, box)
    painter.drawPixmap(place, pixmap)
    painter.setPen(QPen(colour, 3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(place), MARK_RADIUS, MARK_RADIUS)
