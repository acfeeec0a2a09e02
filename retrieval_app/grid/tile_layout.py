"""Where the tiles of a listing lie on the ground that scrolls: arithmetic on arrays, for a million tiles at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QPoint, QRect

from retrieval_app.widgets.tile_painter import TILE_PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TileLayout(NamedTuple):
    """Tiles in rows, in px of the ground; `row_starts[r]` is the place of the first tile of row r.

    Over the first row of each section, one of `header_rows`, there is room for a header.
    """

    row_starts: NDArray[np.int64]  # (rows + 1,), the last one is the number of tiles
    row_tops: NDArray[np.int64]  # (rows + 1,), the last one is the height of the ground
    row_bottoms: NDArray[np.int64]  # (rows,)
    lefts: NDArray[np.int64]  # (n,)
    widths: NDArray[np.int64]  # (n,)
    header_rows: NDArray[np.int64]  # (sections,)
    header_height: int

    @property
    def tile_count(self) -> int:
        """The number of tiles."""
        return len(self.lefts)

    @property
    def height(self) -> int:
        """The height of the ground in px."""
        return int(self.row_tops[-1])

    @property
    def header_tops(self) -> NDArray[np.int64]:
        """The top of each section's header (sections,)."""
        return self.row_tops[self.header_rows] - self.header_height

    def find_row(self, place: int) -> int:
        """The row of the tile at a place."""
        return int(np.searchsorted(self.row_starts, place, "right")) - 1

    def locate_tile(self, place: int) -> QRect:
        """The rectangle of a tile on the ground."""
        row = self.find_row(place)
        top, bottom = int(self.row_tops[row]), int(self.row_bottoms[row])
        return QRect(int(self.lefts[place]), top, int(self.widths[place]), bottom - top)

    def find_rows_between(self, top: int, bottom: int) -> range:
        """The rows of which something lies between two heights, both included."""
        last_row = len(self.row_bottoms) - 1
        first = int(np.searchsorted(self.row_bottoms, top, "right"))
        last = int(np.searchsorted(self.row_tops, bottom, "right")) - 1
        return range(first, min(last, last_row) + 1)

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


NO_SECTIONS = (0,)  # all tiles are one


def lay_out_squares(
    count: int,
    ground_width: int,
    side: int,
    caption_height: int,
    *,
    section_starts: Sequence[int] = NO_SECTIONS,
    header_height: int = 0,
) -> TileLayout:
    """Tiles of one size in as many columns as fit and at least one, which share the width of the ground."""
    columns = max(1, ground_width // (side + 2 * TILE_PADDING))
    starts = np.asarray(section_starts, np.int64)
    counts = np.diff(starts, append=count)
    section_rows = -(-counts // columns)
    rows_before = np.repeat(np.cumsum(section_rows) - section_rows, section_rows)
    rows_within = np.arange(len(rows_before)) - rows_before
    row_starts = np.append(np.repeat(starts, section_rows) + rows_within * columns, count)
    column_lefts = np.arange(columns + 1, dtype=np.int64) * ground_width // columns
    tile_columns = (np.arange(count) - np.repeat(starts, counts)) % columns
    heights = np.full(len(row_starts) - 1, side + caption_height + 2 * TILE_PADDING)
    tiles = TileSpans(row_starts, column_lefts[tile_columns], np.diff(column_lefts)[tile_columns])
    return stack_rows(tiles, heights, starts, header_height)


class TileSpans(NamedTuple):
    """Which tiles are in one row, and where each is in it, as in a TileLayout."""

    row_starts: NDArray[np.int64]
    lefts: NDArray[np.int64]
    widths: NDArray[np.int64]


def stack_rows(
    tiles: TileSpans, heights: NDArray[np.int64], section_starts: NDArray[np.int64], header_height: int
) -> TileLayout:
    """Rows of these heights (rows,) below each other, with headers over those where a section starts."""
    row_starts, lefts, widths = tiles
    header_rows = np.searchsorted(row_starts[:-1], section_starts) if len(heights) else np.empty(0, np.int64)
    room_above = np.zeros(len(heights) + 1, np.int64)
    room_above[header_rows] = header_height
    tops = np.cumsum(room_above)
    tops[1:] += np.cumsum(heights)
    return TileLayout(row_starts, tops, tops[:-1] + heights, lefts, widths, header_rows, header_height)
