"""What stands for a class on the map, near its middle: its name, or a photo of it; never over a picture.

The place nearest to the middle that is free is taken. Where none is free, as on a map full of pictures, the pictures
under the names of the largest classes give way; the other classes have no mark until there is room.
"""

from collections.abc import Container, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap

from retrieval_app.widgets.theme import ColourTokens
from retrieval_app.widgets.tile_painter import fit_pixmap

NAME_ALPHA, MARK_RADIUS = 215, 4  # of the ground behind a name, of 255, and px of the corners
MARK_REACH, MARK_STEP = 120, 12  # px from the middle of a class to its mark at most, and between places that are tried
MIDDLE_SIDE = 48  # px of the photo that stands for a class without a name
NAME_HEIGHT, NAME_MARGIN = 18, 6  # px of a name's box, and beside the name
MARK_GAP = 2  # px around a mark
MOST_COVERING = 3  # marks that may take the place of pictures


class PlacedMark(NamedTuple):
    """The mark of a class, by its code, and its box in px; one that is `covering` takes the place of pictures."""

    code: int
    box: QRect
    covering: bool


def measure_marks(names: Sequence[str], pictures: Container[int], font: QFont) -> list[tuple[int, int]]:
    """Width and height in px of the mark of each class: its name, or a photo where its code is among `pictures`."""
    metrics = QFontMetrics(font)
    photo_size = (MIDDLE_SIDE, MIDDLE_SIDE)
    return [
        photo_size if code in pictures else (metrics.horizontalAdvance(name) + 2 * NAME_MARGIN, NAME_HEIGHT)
        for code, name in enumerate(names)
    ]


def place_marks(
    middles: NDArray[np.float32], sizes: Sequence[tuple[int, int]], pictures: Sequence[QRect], bounds: QRect
) -> list[PlacedMark]:
    """The marks of classes with these middles (n, 2) and marks of these sizes (n) in px, largest classes first.

    A middle outside the bounds has none. No mark lies outside them or on another; on pictures only covering ones do.
    """
    offsets, edges, marks = _list_offsets(), _make_edges([bounds])[0], list[PlacedMark]()
    obstacles, left_over = _make_edges(pictures), list[int]()
    is_seen = ((middles >= edges[:2]) & (middles < edges[2:])).all(axis=1)
    for code in np.flatnonzero(is_seen).tolist():
        middle, size = middles[code], sizes[code]
        box = _find_place(np.round(middle + offsets - np.array(size) / 2), size, obstacles, edges)
        if box is None:
            left_over.append(code)
        else:
            marks.append(PlacedMark(code, box, covering=False))
            obstacles = np.vstack([obstacles, _make_edges([box])])
    occupied, most = _make_edges([mark.box for mark in marks]), len(marks) + MOST_COVERING
    for code in left_over:
        corner = np.round(middles[[code]] - np.array(sizes[code]) / 2)
        if len(marks) < most and (box := _find_place(corner, sizes[code], occupied, edges)) is not None:
            marks.append(PlacedMark(code, box, covering=True))
            occupied = np.vstack([occupied, _make_edges([box])])
    return marks


def _find_place(
    corners: NDArray[np.float64], size: tuple[int, int], obstacles: NDArray[np.float64], edges: NDArray[np.float64]
) -> QRect | None:
    """The first box of this size at one of the corners (m, 2) that is within the edges (4,) and on no obstacle (k, 4).

    None where there is none.
    """
    boxes = np.hstack([corners - MARK_GAP, corners + np.array(size) + MARK_GAP])
    is_within = ((boxes[:, :2] >= edges[:2]) & (boxes[:, 2:] <= edges[2:])).all(axis=1)
    reach = np.hstack([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None]
    is_free = is_within & ~_overlap_any(boxes, obstacles[_overlap_any(obstacles, reach)])
    if not is_free.any():
        return None
    left, top = corners[is_free.argmax()].astype(int).tolist()
    return QRect(left, top, *size)


@cache
def _list_offsets() -> NDArray[np.int64]:
    """Steps (m, 2) in px from a middle to the places that are tried, the nearest first."""
    steps = np.arange(-MARK_REACH, MARK_REACH + 1, MARK_STEP)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    squared = (offsets**2).sum(axis=1)
    return np.asarray(offsets[np.argsort(squared, kind="stable")][: int((squared <= MARK_REACH**2).sum())])


def _make_edges(boxes: Sequence[QRect]) -> NDArray[np.float64]:
    """Left, top, right and bottom of boxes, (n, 4)."""
    edges = [(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in boxes]
    return np.array(edges, np.float64).reshape(-1, 4)


def _overlap_any(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each of the boxes (n, 4) overlaps one of the others (m, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    overlaps = np.all(low < high, axis=2)
    return np.asarray(np.any(overlaps, axis=1), np.bool_)


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
