"""Dots on a plane as an image: painted one by one up to a limit, set as pixels beyond it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from indexer.reports.palette import CLASS_COLOURS

MAX_PAINTED_DOTS = 20_000  # painting more one by one takes longer than a frame


class MapDots(NamedTuple):
    """Positions (n, 2) float32 in device pixels, and the index of each dot's class (n,), -1 for no class."""

    positions: NDArray[np.float32]
    classes: NDArray[np.int64]


def class_colour(index: int, default_colour: str) -> QColor:
    """The colour of a class by its index, from the first again beyond the palette; `default_colour` below 0."""
    return QColor(CLASS_COLOURS[index % len(CLASS_COLOURS)] if index >= 0 else default_colour)


def draw_dots(dots: MapDots, size: QSize, background: str, default_colour: str) -> QImage:
    """An image of `size` in device pixels: the dots that lie in it, in the colours of their classes."""
    side = np.array([size.width(), size.height()])
    is_visible = ((dots.positions >= 0) & (dots.positions < side)).all(axis=1)
    visible = MapDots(dots.positions[is_visible], dots.classes[is_visible])
    draw = _paint_dots if len(visible.positions) <= MAX_PAINTED_DOTS else _set_pixels
    return draw(visible, size, background, default_colour)


def _paint_dots(dots: MapDots, size: QSize, background: str, default_colour: str) -> QImage:
    """Round translucent dots of 8 px, of 5 px where they are many."""
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor(background))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = 8 if len(dots.positions) < 2_000 else 5
    for index in np.unique(dots.classes).tolist():
        colour = class_colour(index, default_colour)
        colour.setAlpha(190)
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints([QPointF(x, y) for x, y in dots.positions[dots.classes == index].tolist()])
    painter.end()
    return image


def _set_pixels(dots: MapDots, size: QSize, background: str, default_colour: str) -> QImage:
    """An opaque square of two by two pixels for each dot."""
    pixels = np.full((size.height() + 1, size.width() + 1), QColor(background).rgb(), np.uint32)
    palette = np.array([QColor(colour).rgb() for colour in (*CLASS_COLOURS, default_colour)], np.uint32)
    colours = palette[np.where(dots.classes < 0, len(CLASS_COLOURS), dots.classes % len(CLASS_COLOURS))]
    x, y = dots.positions.astype(np.int64).T
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        pixels[y + dy, x + dx] = colours
    visible = np.ascontiguousarray(pixels[:-1, :-1])
    return QImage(visible.data, size.width(), size.height(), 4 * size.width(), QImage.Format.Format_RGB32).copy()
