"""Photos on the map as thumbnails: one in each cell of a grid that lies on the map, so that none covers another.

The grid moves with the map and keeps its cells while it is dragged; a larger zoom makes the cells smaller on the map,
so that more photos have one of their own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMargins, QRect, QSize

from indexer.search.results import Photo
from retrieval_app.widgets.tile_painter import fit_size

CELL_SIDE, THUMBNAIL_MARGIN = 60, 3  # px, and around the picture in its cell


class MapCell(NamedTuple):
    """The row of the photo that is shown in a cell, and the cell's left upper corner in px."""

    row: int
    left: int
    top: int


def arrange_cells(positions: NDArray[np.float32], origin: NDArray[np.float32], size: tuple[int, int]) -> list[MapCell]:
    """The cells that show a photo in a window of `size` px, from the positions (n, 2) of the dots in px.

    `origin` (2,) is where the map's own origin lies in the window. Of several photos in a cell, the one nearest to its
    middle is shown.
    """
    width, height = size
    is_near = ((positions > -CELL_SIDE) & (positions < np.array([width, height]) + CELL_SIDE)).all(axis=1)
    rows = np.flatnonzero(is_near)
    moved = (positions[rows] - origin) / CELL_SIDE
    cells = np.floor(moved).astype(np.int64)
    off_middle = ((moved - cells - 0.5) ** 2).sum(axis=1)
    order = np.lexsort((off_middle, cells[:, 1], cells[:, 0]))
    cells, rows = cells[order], rows[order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = (np.diff(cells, axis=0) != 0).any(axis=1)
    corners = np.round(cells[is_first] * CELL_SIDE + origin).astype(np.int64)
    return [MapCell(row, left, top) for row, (left, top) in zip(rows[is_first].tolist(), corners.tolist(), strict=True)]


def find_picture_place(cell: MapCell, photo: Photo | None) -> QRect:
    """Where the picture of a cell is shown; all of the square inside its margin while its shape is not known."""
    square = QRect(cell.left, cell.top, CELL_SIDE, CELL_SIDE).marginsRemoved(QMargins(*[THUMBNAIL_MARGIN] * 4))
    return square if photo is None else fit_size(QSize(photo.width, photo.height), square)


def find_cell(cells: Sequence[MapCell], x: float, y: float) -> MapCell | None:
    """The cell at a place in px; None where there is none."""
    found = (cell for cell in cells if 0 <= x - cell.left < CELL_SIDE and 0 <= y - cell.top < CELL_SIDE)
    return next(found, None)
