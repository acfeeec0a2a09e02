"""Rows of pictures that each keep their own shape and together fill the width: nothing is cut, little ground is lost.

Every row takes as many pictures as come nearest to the wished height; then it is made a little higher or lower, so
that they fill it. Only the last row keeps the wished height.
"""

import numpy as np
from numpy.typing import NDArray

from retrieval_app.grid.tile_layout import TileLayout
from retrieval_app.widgets.tile_painter import TILE_PADDING

MIN_ASPECT, MAX_ASPECT = 0.4, 3.5  # width over height of a tile; what is beyond is fitted into it
MARGIN = 2 * TILE_PADDING  # px between two pictures side by side


def lay_out_rows(aspects: NDArray[np.float64], ground_width: int, height: int, caption_height: int) -> TileLayout:
    """Tiles of pictures with these widths over heights (n,), in rows of about `height` px, captions below each."""
    shapes = np.clip(np.asarray(aspects, np.float64), MIN_ASPECT, MAX_ASPECT)
    shapes = np.minimum(shapes, max(ground_width - MARGIN, 1) / height)
    row_starts = _break_rows(shapes * height + MARGIN, ground_width)
    counts = np.diff(row_starts)
    heights = _fill_rows(shapes, row_starts, ground_width, height)
    steps = shapes * np.repeat(heights, counts) + MARGIN
    ends = np.cumsum(steps)
    row_offsets = np.repeat(ends[row_starts[:-1]] - steps[row_starts[:-1]], counts)
    rights = np.minimum(np.rint(ends - row_offsets), ground_width).astype(np.int64)
    lefts = np.zeros_like(rights)
    lefts[1:] = rights[:-1]  # not rounded by itself: at a half pixel it would overlap the tile before
    lefts[row_starts[:-1]] = 0
    tops = np.zeros(len(row_starts), np.int64)
    np.cumsum(np.rint(heights).astype(np.int64) + MARGIN + caption_height, out=tops[1:])
    return TileLayout(row_starts, tops, lefts, rights - lefts)


def _break_rows(widths: NDArray[np.float64], ground_width: int) -> NDArray[np.int64]:
    """The place of the first tile of each row (rows + 1,), for tiles that are so wide at the wished height (n,)."""
    count = len(widths)
    ends = np.concatenate([[0.0], np.cumsum(widths)])
    nearest = np.searchsorted((ends[:-1] + ends[1:]) / 2, ends[:-1] + ground_width)  # to a full row from each tile on
    next_starts = np.maximum(nearest, np.arange(1, count + 1)).tolist()
    starts = [0]
    while starts[-1] < count:
        starts.append(next_starts[starts[-1]])
    return np.array(starts, np.int64)


def _fill_rows(
    shapes: NDArray[np.float64], row_starts: NDArray[np.int64], ground_width: int, height: int
) -> NDArray[np.float64]:
    """The height of the pictures of each row (rows,) at which they fill the width."""
    if len(row_starts) < 2:
        return np.empty(0)
    sums = np.add.reduceat(shapes, row_starts[:-1])
    heights = (ground_width - MARGIN * np.diff(row_starts)) / sums
    heights[-1] = min(heights[-1], height)
    filled: NDArray[np.float64] = np.maximum(heights, 1.0)
    return filled
