"""Dots on a plane as an image: painted one by one up to a limit, set as pixels beyond it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from indexer.reports.palette import CLASS_COLOURS

MAX_PAINTED_DOTS = 2_000  # painting more one by one takes longer than a frame
MAX_ROUND_DOTS = 20_000  # of more, each is a square of two by two pixels
_ROUND_STEPS = [(dx, dy) for dx in range(-2, 3) for dy in range(-2, 3) if dx * dx + dy * dy <= 5]
_SQUARE_STEPS = [(0, 0), (1, 0), (0, 1), (1, 1)]


class MapDots(NamedTuple):
    """Positions (n, 2) float32 in device pixels, the index of each dot's class (n,), -1 for no class, and whether it is
    selected (n,).
    """

    positions: NDArray[np.float32]
    classes: NDArray[np.int64]
    selected: NDArray[np.bool_]


def class_colour(index: int, default_colour: str) -> QColor:
    """The colour of a class by its index, from the first again beyond the palette; `default_colour` below 0."""
    return QColor(CLASS_COLOURS[index % len(CLASS_COLOURS)] if index >= 0 else default_colour)


class DotColours(NamedTuple):
    """The colours of the ground, of dots without a class, and of selected dots."""

    ground: str
    default: str
    selected: str


def draw_dots(dots: MapDots, size: QSize, colours: DotColours) -> QImage:
    """An image of `size` in device pixels: the dots that lie in it, in the colours of their classes."""
    side = np.array([size.width(), size.height()])
    is_visible = ((dots.positions >= 0) & (dots.positions < side)).all(axis=1)
    visible = MapDots(dots.positions[is_visible], dots.classes[is_visible], dots.selected[is_visible])
    draw = _paint_dots if len(visible.positions) <= MAX_PAINTED_DOTS else _set_pixels
    return draw(visible, size, colours)


def _paint_dots(dots: MapDots, size: QSize, colours: DotColours) -> QImage:
    """Round translucent dots of 8 px, of 5 px where they are many; selected ones lie on larger ones."""
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor(colours.ground))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = 8 if len(dots.positions) < 2_000 else 5
    _paint_points(painter, dots.positions[dots.selected], QColor(colours.selected), width + 5)
    for index in np.unique(dots.classes).tolist():
        colour = class_colour(index, colours.default)
        colour.setAlpha(190)
        _paint_points(painter, dots.positions[dots.classes == index], colour, width)
    painter.end()
    return image


def _paint_points(painter: QPainter, positions: NDArray[np.float32], colour: QColor, width: int) -> None:
    painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPoints([QPointF(x, y) for x, y in positions.tolist()])


def _set_pixels(dots: MapDots, size: QSize, colours: DotColours) -> QImage:
    """An opaque dot of five pixels across for each, or a square of two by two where they are very many."""
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor(colours.ground))
    pixels = np.frombuffer(image.bits(), np.uint32)  # rows without gaps, as each pixel has four bytes
    palette = np.array(
        [QColor(colour).rgb() for colour in (*CLASS_COLOURS, colours.default, colours.selected)], np.uint32
    )
    kinds = np.where(dots.classes < 0, len(CLASS_COLOURS), dots.classes % len(CLASS_COLOURS))
    dot_colours = palette[np.where(dots.selected, len(CLASS_COLOURS) + 1, kinds)]
    steps = _ROUND_STEPS if len(dots.positions) <= MAX_ROUND_DOTS else _SQUARE_STEPS
    x, y = dots.positions.astype(np.intp).T
    for dx, dy in steps:
        row, column = np.clip(y + dy, 0, size.height() - 1), np.clip(x + dx, 0, size.width() - 1)
        pixels[row * size.width() + column] = dot_colours
    return image
