"""Where the tiles of a listing lie on the ground that scrolls: arithmetic on arrays, for a million tiles at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect

from retrieval_app.widgets.tile_painter import TILE_PADDING


class TileLayout(NamedTuple):
    """Tiles in rows, in px of the ground; `row_starts[r]` is the place of the first tile of row r."""

    row_starts: NDArray[np.int64]  # (rows + 1,), the last one is the number of tiles
    row_tops: NDArray[np.int64]  # (rows + 1,), the last one is the height of the ground
    lefts: NDArray[np.int64]  # (n,)
    widths: NDArray[np.int64]  # (n,)

    @property
    def tile_count(self) -> int:
        """The number of tiles."""
        return len(self.lefts)

    @property
    def height(self) -> int:
        """The height of the ground in px."""
        return int(self.row_tops[-1])

    def find_row(self, place: int) -> int:
        """The row of the tile at a place."""
        return int(np.searchsorted(self.row_starts, place, "right")) - 1

    def locate_tile(self, place: int) -> QRect:
        """The rectangle of a tile on the ground."""
        row = self.find_row(place)
        top, bottom = int(self.row_tops[row]), int(self.row_tops[row + 1])
        return QRect(int(self.lefts[place]), top, int(self.widths[place]), bottom - top)

    def find_rows_between(self, top: int, bottom: int) -> range:
        """The rows of which something lies between two heights, both included."""
        last_row = len(self.row_tops) - 2
        first = int(np.searchsorted(self.row_tops, top, "right")) - 1
        last = int(np.searchsorted(self.row_tops, bottom, "right")) - 1
        return range(max(first, 0), min(last, last_row) + 1)

    def find_places(self, area: QRect) -> NDArray[np.int64]:
        """The places of the tiles that touch a rectangle of the ground, in order."""
        rows = self.find_rows_between(area.top(), area.bottom())
        if not rows or area.isEmpty():
            return np.empty(0, np.int64)
        places = np.arange(self.row_starts[rows.start], self.row_starts[rows.stop])
        lefts = self.lefts[places]
        return places[(lefts <= area.right()) & (lefts + self.widths[places] > area.left())]

    def find_place(self, point: QPoint) -> int | None:
        """The place of the tile at a point of the ground; None between and below tiles."""
        places = self.find_places(QRect(point, point))
        return int(places[0]) if len(places) else None

    def find_place_in_row(self, row: int, across: int) -> int:
        """The place of the tile of a row whose middle is nearest to a distance from the left."""
        start, stop = int(self.row_starts[row]), int(self.row_starts[row + 1])
        middles = self.lefts[start:stop] + self.widths[start:stop] // 2
        return start + int(np.abs(middles - across).argmin())


def lay_out_squares(count: int, ground_width: int, side: int, caption_height: int) -> TileLayout:
    """Tiles of one size in as many columns as fit and at least one, which share the width of the ground."""
    columns = max(1, ground_width // (side + 2 * TILE_PADDING))
    rows = -(-count // columns)
    row_starts = np.minimum(np.arange(rows + 1, dtype=np.int64) * columns, count)
    row_tops = np.arange(rows + 1, dtype=np.int64) * (side + caption_height + 2 * TILE_PADDING)
    column_lefts = np.arange(columns + 1, dtype=np.int64) * ground_width // columns
    lefts = np.tile(column_lefts[:-1], rows)[:count]
    widths = np.tile(np.diff(column_lefts), rows)[:count]
    return TileLayout(row_starts, row_tops, lefts, widths)
