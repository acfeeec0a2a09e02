"""Rows of pictures that each keep their own shape and together fill the width: nothing is cut, little ground is lost.

Every row takes as many pictures as come nearest to the wished height; then it is made a little higher or lower, so
that they fill it. Only the last row of a section keeps the wished height.
Arrays of a million are worked on in place, as new memory takes as long as the arithmetic.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieval_app.grid.tile_layout import NO_SECTIONS, TileLayout, TileSpans, stack_rows
from retrieval_app.widgets.tile_painter import TILE_PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_ASPECT, MAX_ASPECT = 0.4, 3.5  # width over height of a tile; what is beyond is fitted into it
MARGIN = 2 * TILE_PADDING  # px between two pictures side by side


def lay_out_rows(
    aspects: NDArray[np.float64],
    ground_width: int,
    height: int,
    caption_height: int,
    *,
    section_starts: Sequence[int] = NO_SECTIONS,
    header_height: int = 0,
) -> TileLayout:
    """Tiles of pictures with these widths over heights (n,), in rows of about `height` px, captions below each.

    Each section begins a row and leaves room for its header above.
    """
    starts = np.asarray(section_starts, np.int64)
    shapes = np.clip(np.asarray(aspects, np.float64), MIN_ASPECT, MAX_ASPECT)
    np.minimum(shapes, max(ground_width - MARGIN, 1) / height, out=shapes)
    row_starts = _break_rows(shapes * height + MARGIN, ground_width, starts)
    counts = np.diff(row_starts)
    is_last = np.isin(row_starts[1:], np.append(starts, len(shapes)))
    heights = _fill_rows(shapes, row_starts, ground_width, np.where(is_last, height, np.inf))
    steps = shapes * np.repeat(heights, counts) + MARGIN
    ends = np.cumsum(steps)
    row_offsets = np.repeat(ends[row_starts[:-1]] - steps[row_starts[:-1]], counts)
    ends -= row_offsets
    rights = np.minimum(np.rint(ends, out=ends), ground_width, out=ends).astype(np.int64)
    lefts = np.zeros_like(rights)
    lefts[1:] = rights[:-1]  # not rounded by itself: at a half pixel it would overlap the tile before
    lefts[row_starts[:-1]] = 0
    row_heights = np.rint(heights).astype(np.int64) + MARGIN + caption_height
    return stack_rows(TileSpans(row_starts, lefts, rights - lefts), row_heights, starts, header_height)


def _break_rows(widths: NDArray[np.float64], ground_width: int, section_starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the first tile of each row (rows + 1,), for tiles that are so wide at the wished height (n,)."""
    count = len(widths)
    ends = np.concatenate([[0.0], np.cumsum(widths)])
    middles = ends[:-1] + ends[1:]
    middles /= 2
    next_starts = np.searchsorted(middles, ends[:-1] + ground_width)  # those nearest to a full row from each tile on
    np.maximum(next_starts, np.arange(1, count + 1), out=next_starts)
    section_ends = np.append(section_starts[1:], count)
    lengths = np.diff(section_starts, append=count)
    np.minimum(next_starts, np.repeat(section_ends, lengths) if len(lengths) > 1 else count, out=next_starts)
    next_start = next_starts.data  # a list of a million takes as long as all else
    starts = array("q", [0])
    while starts[-1] < count:
        starts.append(next_start[starts[-1]])
    return np.frombuffer(starts, np.int64)


def _fill_rows(
    shapes: NDArray[np.float64],
    row_starts: NDArray[np.int64],
    ground_width: int,
    greatest: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The height of the pictures of each row (rows,) at which they fill the width, or the greatest that it may have."""
    if len(row_starts) < 2:
        return np.empty(0)
    sums = np.add.reduceat(shapes, row_starts[:-1])
    heights = (ground_width - MARGIN * np.diff(row_starts)) / sums
    filled: NDArray[np.float64] = np.maximum(np.minimum(heights, greatest), 1.0)
    return filled
