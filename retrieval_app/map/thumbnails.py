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
    corner = np.floor(-origin / CELL_SIDE).astype(np.intp)  # the cell that the window begins in
    shape = np.ceil(np.array(size) / CELL_SIDE).astype(np.intp) + 1
    moved = (positions - origin) / np.float32(CELL_SIDE) - corner.astype(np.float32)
    rows = np.flatnonzero(((moved >= 0) & (moved < shape)).all(axis=1))
    moved = moved[rows]
    off_middle = ((moved % 1 - np.float32(0.5)) ** 2).sum(axis=1)
    cells = moved.astype(np.intp)
    codes = cells[:, 0] * shape[1] + cells[:, 1]
    least = np.full(shape.prod(), np.inf, np.float32)
    np.minimum.at(least, codes, off_middle)
    nearest = np.flatnonzero(off_middle == least[codes])
    used, first = np.unique(codes[nearest], return_index=True)
    across, down = np.divmod(used, shape[1])
    corners = np.round((np.stack([across, down], axis=1) + corner) * CELL_SIDE + origin).astype(np.intp)
    shown = rows[nearest[first]].tolist()
    return [MapCell(row, left, top) for row, (left, top) in zip(shown, corners.tolist(), strict=True)]


def find_picture_place(cell: MapCell, photo: Photo | None) -> QRect:
    """Where the picture of a cell is shown; all of the square inside its margin while its shape is not known."""
    square = QRect(cell.left, cell.top, CELL_SIDE, CELL_SIDE).marginsRemoved(QMargins(*[THUMBNAIL_MARGIN] * 4))
    return square if photo is None else fit_size(QSize(photo.width, photo.height), square)


def find_cell(cells: Sequence[MapCell], x: float, y: float) -> MapCell | None:
    """The cell at a place in px; None where there is none."""
    found = (cell for cell in cells if 0 <= x - cell.left < CELL_SIDE and 0 <= y - cell.top < CELL_SIDE)
    return next(found, None)
