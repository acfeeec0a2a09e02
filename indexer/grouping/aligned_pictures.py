"""Whether two small grey pictures show the same: laid on each other as well as they go, then compared place by place.

A part may be missing at the edges, light and contrast may differ, so each pair is first aligned by the affine map that
leaves the least difference (Baker, Matthews 2004, "Lucas-Kanade 20 Years On", inverse compositional). Then the fine
structure is compared in small cells. Pictures of one scene differ a little everywhere, by noise and by what an affine
map cannot straighten; two drawings with a common frame, or two cards of one deck, agree everywhere but in a few cells.
So it is not the mean that decides but the worst cells, against the median of them all.

Cells without contrast say nothing. Where nearly all are without, a coarser structure may still be compared, and where
that has no contrast either nothing is claimed. For hundreds of pairs at a time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pairs = NDArray[np.int64]

PAIRS_PER_BLOCK = 256  # 60 MB
SMOOTHED_PIXELS = 150_000  # at once: 1 MB as float64, which the processor keeps close
# Measured on drawings (openclipart-png and the bundled ones), stamps and portraits, where what is joined was looked at,
# and on generated bursts and near copies (bench_groups). The kings of clubs and of spades are a fifth beyond the bound.
LARGEST_MISMATCH, LEAST_MISMATCH, MEDIAN_FACTOR = 0.4, 0.15, 3.0
COARSE_MISMATCH = 0.4  # beyond it no finer look is needed
LEAST_CORRELATION = 0.8  # of the aligned pictures at 24 x 24
LEAST_COLOUR_CORRELATION, STRONG_COLOUR_CORRELATION = 0.6, 0.94
# Variances of colour, in squared levels of 255: up to which a picture counts as grey, from which on as strongly
# coloured, and by which noise lowers a correlation.
COLOURED, STRONGLY_COLOURED, COLOUR_NOISE = 20.0, 200.0, 120.0
LEAST_CELLS = 8  # with contrast
CELLS_PER_EXCEPTION, MOST_EXCEPTIONS = 20, 2  # cells that may differ: a hair in the lens, a date in the corner
FLATNESS = 2.0  # levels of grey added to each spread, so that flat pictures correlate with nothing
LARGEST_STEP = 0.12  # of half the side, by which one iteration may move, stretch or shear
LARGEST_SHIFT, LARGEST_SHEAR = 0.22, 0.12  # of half the side
LARGEST_STRETCH = 1.25  # of each side


class SmallPictures(NamedTuple):
    """Small versions of n pictures: `grey` (n, 96, 96) and `colours` (n, 12, 12, 3), uint8."""

    grey: NDArray[np.uint8]
    colours: NDArray[np.uint8]


class PairMismatch(NamedTuple):
    """How unlike the two pictures of each pair are, (p,) each: `ratio`, at most 1 where both show the same picture and
    infinite where nothing speaks for it; `median`, the mismatch of the middle cell, 0 for equal pictures and about 1
    for pictures that have nothing in common.
    """

    ratio: Floats
    median: Floats


class _CellTest(NamedTuple):
    """How structure is compared: pixels of a cell, pixels left out at the borders, noise and least energy in levels."""

    cell: int
    margin: int
    noise: float
    contrast: float


_DETAIL_TEST = _CellTest(8, 4, 2.0, 20.0**0.5)
_COARSE_TEST = _CellTest(4, 2, 0.7, 3.0**0.5)


class _SmallSize(NamedTuple):
    """Pictures (n, 24, 24) and their structure."""

    small: Floats
    coarse: Floats


class _LargeSize(NamedTuple):
    """Pictures (n, 48, 48), and the structure of them at (n, 96, 96)."""

    middle: Floats
    detail: Floats


def order_pairs(pairs: Pairs) -> Pairs:
    """The pairs (p, 2) with the smaller row first, sorted, each once, without pairs of a row with itself."""
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    distinct: Pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return distinct


def measure_mismatches(pictures: SmallPictures, pairs: Pairs) -> PairMismatch:
    """How unlike the pictures of each pair of rows (p, 2) are after alignment."""
    starts = range(0, len(pairs), PAIRS_PER_BLOCK)
    return join_mismatches([_measure_block(pictures, pairs[start : start + PAIRS_PER_BLOCK]) for start in starts])


def join_mismatches(blocks: Sequence[PairMismatch]) -> PairMismatch:
    """The mismatches of all blocks in one."""
    nothing = PairMismatch(np.empty(0, np.float32), np.empty(0, np.float32))
    return PairMismatch(*(np.concatenate(column) for column in zip(nothing, *blocks, strict=True)))


def _measure_block(pictures: SmallPictures, pairs: Pairs) -> PairMismatch:
    """As `measure_mismatches`; most pairs are rejected at 24 x 24 pixels."""
    result = PairMismatch(np.full(len(pairs), np.inf, np.float32), np.ones(len(pairs), np.float32))
    rows, left, right = _number_rows(pairs)
    size = _build_small(pictures.grey[rows])
    maps = np.tile(np.eye(3, dtype=np.float32), (len(pairs), 1, 1))
    maps = _align(size.small[left], size.small[right], maps, margin=2, iterations=8)
    chosen = np.flatnonzero(_are_alike_at_a_glance(size, left, right, maps))
    if chosen.size:
        found = _measure_in_detail(pictures, pairs[chosen], maps[chosen])
        result.ratio[chosen], result.median[chosen] = found
    return result


def _number_rows(pairs: Pairs) -> tuple[Pairs, Pairs, Pairs]:
    """The distinct rows (r,) of pairs (p, 2), and where among them the left and the right ones are, (p,) each."""
    rows, places = np.unique(pairs, return_inverse=True)
    left, right = places.reshape(-1, 2).T
    return rows, left, right


def _are_alike_at_a_glance(size: _SmallSize, left: Pairs, right: Pairs, maps: Floats) -> NDArray[np.bool_]:
    """Whether the pairs, (p,), correlate at 24 x 24 pixels as a whole and in nearly every cell."""
    moved = _sample(size.small[right], maps, _make_grid(size.small.shape[1], 2))
    alike = _are_plausible(maps) & (_correlate(_cut_border(size.small[left], 2), moved) > LEAST_CORRELATION)
    cells = _compare_cells(size.coarse[left], size.coarse[right], maps, _COARSE_TEST)
    alike &= _pick_worst(cells) <= COARSE_MISMATCH
    return alike


def _measure_in_detail(pictures: SmallPictures, pairs: Pairs, maps: Floats) -> PairMismatch:
    """Mismatch of the worst cells over what the median of all allows: in detail, else where there is none coarsely."""
    rows, left, right = _number_rows(pairs)
    large, small = _build_large(pictures.grey[rows]), _build_small(pictures.grey[rows])
    maps = _align(large.middle[left], large.middle[right], maps, margin=3, iterations=4)
    detail = _rate_cells(_compare_cells(large.detail[left], large.detail[right], maps, _DETAIL_TEST))
    coarse = _rate_cells(_compare_cells(small.coarse[left], small.coarse[right], maps, _COARSE_TEST))
    colours = pictures.colours[rows]
    usable = _are_plausible(maps) & have_same_colours(colours[left], colours[right], maps)
    fine = np.isfinite(detail.ratio)
    ratio = np.where(usable, np.where(fine, detail.ratio, coarse.ratio), np.inf)
    return PairMismatch(ratio.astype(np.float32), np.where(fine, detail.median, coarse.median))


def _rate_cells(cells: Floats) -> PairMismatch:
    count = (cells >= 0).sum(axis=1)
    ordered = -np.sort(-cells, axis=1)
    median = np.take_along_axis(ordered, (count // 2)[:, None].clip(max=cells.shape[1] - 1), axis=1)[:, 0]
    bound = np.minimum(LARGEST_MISMATCH, LEAST_MISMATCH + MEDIAN_FACTOR * median)
    ratio = np.where(count >= LEAST_CELLS, _pick_worst(cells) / bound, np.inf)
    return PairMismatch(ratio.astype(np.float32), np.where(count >= LEAST_CELLS, median, 1).astype(np.float32))


def _pick_worst(cells: Floats) -> Floats:
    """The greatest mismatch (p,) of cells (p, c) but for one or two exceptions where there are many with contrast."""
    exceptions = ((cells >= 0).sum(axis=1) // CELLS_PER_EXCEPTION).clip(max=MOST_EXCEPTIONS)
    worst = -np.sort(-cells, axis=1)[:, : MOST_EXCEPTIONS + 1]
    return np.asarray(np.take_along_axis(worst, exceptions[:, None], axis=1)[:, 0])


def _compare_cells(structure: Floats, other: Floats, maps: Floats, test: _CellTest) -> Floats:
    """Mismatch of each cell (p, c), 0 to 2: 1 - 2 <a, b> / (<a, a> + <b, b> + noise); -1 where there is no contrast."""
    count, side, _ = structure.shape
    grid, limit = _make_grid(side, 0), 1 - (2 * test.margin + 1) / side
    inside = (np.abs(maps[:, :2] @ grid).max(axis=1) <= limit) & (np.abs(grid[:2]).max(axis=0) <= limit)
    left = structure.reshape(count, -1) * inside
    right = _sample(other, maps, grid) * inside
    right *= _fit_gain(left, right)[:, None]

    def sum_cells(values: Floats) -> Floats:
        cells = side // test.cell
        summed: Floats = values.reshape(count, cells, test.cell, cells, test.cell).sum((2, 4)).reshape(count, -1)
        return summed

    energy, pixels = sum_cells(left * left) + sum_cells(right * right), sum_cells(inside.astype(np.float32))
    mismatch = 1 - 2 * sum_cells(left * right) / (energy + test.noise**2 * test.cell**2)
    has_contrast = (energy > 2 * test.contrast**2 * pixels) & (pixels > 0.4 * test.cell**2)
    return np.where(has_contrast, mismatch.clip(min=0), -1).astype(np.float32)


def _fit_gain(left: Floats, right: Floats) -> Floats:
    """By which factor (p,) the right is closest to the left: pictures of other contrast are the same picture."""
    products, squares = (left * right).sum(axis=1), (right * right).sum(axis=1)
    return np.asarray((products / (squares + 1e-3)).clip(0.4, 2.5), np.float32)


def have_same_colours(colours: NDArray[np.uint8], others: NDArray[np.uint8], maps: Floats) -> NDArray[np.bool_]:
    """Whether the colours of the two pictures of each pair agree, bool (p,); strong colours must agree more closely.

    Of a coloured and a grey picture, which may be its copy, the lightness must agree.
    """
    grid = _make_grid(colours.shape[1], 1)
    left, right = (_split_colour(values) for values in (colours, others))
    fixed = [_cut_border(channel, 1) for channel in left]
    moved = [_sample(channel, maps, grid) for channel in right]
    spreads = [np.stack([one.var(axis=1) for one in side[1:]]).sum(axis=0) for side in (fixed, moved)]
    shared = np.stack([_multiply_centred(*pair) for pair in zip(fixed[1:], moved[1:], strict=True)]).sum(axis=0)
    energy = np.sqrt(spreads[0] * spreads[1])
    bound = np.maximum(LEAST_COLOUR_CORRELATION, STRONG_COLOUR_CORRELATION - COLOUR_NOISE / (energy + 1e-3))
    gain = _multiply_centred(fixed[0], moved[0]) / (moved[0].var(axis=1) + 1)
    as_light = (np.abs(np.log2(np.maximum(gain, 1e-3))) < 1 / 3) & (np.abs(np.mean(fixed[0] - moved[0], axis=1)) < 15)
    one_is_grey = np.minimum(*spreads) <= COLOURED
    same: NDArray[np.bool_] = np.where(
        one_is_grey, as_light | (np.maximum(*spreads) < STRONGLY_COLOURED), shared > bound * energy
    )
    return same


def _multiply_centred(values: Floats, others: Floats) -> Floats:
    """Covariance (n,) of rows (n, pixels)."""
    return np.asarray(np.mean(values * others, axis=1) - values.mean(axis=1) * others.mean(axis=1))


def _split_colour(colours: NDArray[np.uint8]) -> list[Floats]:
    """Lightness, and red and blue less it, each (n, side, side)."""
    values = colours.astype(np.float32)
    lightness = values @ np.array([0.299, 0.587, 0.114], np.float32)
    return [lightness, values[..., 0] - lightness, values[..., 2] - lightness]


# alignment


def _align(pictures: Floats, others: Floats, maps: Floats, *, margin: int, iterations: int) -> Floats:
    """Affine maps (p, 3, 3), from the given ones on, that lay the others (p, s, s) on the pictures (p, s, s).

    Coordinates go from -1 to 1 over each side. Light and contrast are taken out; `margin` pixels at the border do not
    count.
    """
    count, side, _ = pictures.shape
    grid = _make_grid(side, margin)
    target, slopes = _normalise(_cut_border(pictures, margin)), _make_slopes(pictures, grid, margin)
    ridge = np.eye(6, dtype=np.float32) * (grid.shape[1] * 2e-3)  # keeps stripes from sliding along themselves
    inverse = np.linalg.inv(slopes @ slopes.transpose(0, 2, 1) + ridge)
    for _ in range(iterations):
        difference = _normalise(_sample(others, maps, grid)) - target
        step = (inverse @ (slopes @ difference[..., None])).reshape(count, 2, 3).clip(-LARGEST_STEP, LARGEST_STEP)
        steps = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
        steps[:, :2] += step
        maps = maps @ np.linalg.inv(steps)
    return maps


def _make_slopes(pictures: Floats, grid: Floats, margin: int) -> Floats:
    """By how much each pixel changes with each of the six numbers of an affine map, (p, 6, pixels)."""
    side = pictures.shape[1]
    scale = (side / 2) / (_cut_border(pictures, margin).std(axis=1, keepdims=True) + FLATNESS)
    down, across = (_cut_border(np.gradient(pictures, axis=axis), margin) * scale for axis in (1, 2))
    return np.stack([slope * weight for slope in (across, down) for weight in grid], axis=1)


def _are_plausible(maps: Floats) -> NDArray[np.bool_]:
    """Whether the maps, (p,), only move, stretch and turn a little, as a crop or a hand does."""
    stretches = np.abs(np.log(np.maximum(maps[:, (0, 1), (0, 1)], 1e-3))).max(axis=1)
    shears = np.abs(maps[:, (0, 1), (1, 0)]).max(axis=1)
    shifts = np.abs(maps[:, :2, 2]).max(axis=1)
    plausible: NDArray[np.bool_] = (
        (stretches <= np.log(LARGEST_STRETCH)) & (shears <= LARGEST_SHEAR) & (shifts <= LARGEST_SHIFT)
    )
    return plausible


def _make_grid(side: int, margin: int) -> Floats:
    """The centres of the pixels but for a margin, x, y and 1, (3, pixels); the picture goes from -1 to 1."""
    centres = ((np.arange(margin, side - margin) + 0.5) * 2 / side - 1).astype(np.float32)
    down, across = np.meshgrid(centres, centres, indexing="ij")
    return np.stack([across.ravel(), down.ravel(), np.ones(across.size, np.float32)])


def _sample(pictures: Floats, maps: Floats, grid: Floats) -> Floats:
    """The pictures (p, s, s) at the mapped points of the grid, (p, pixels), bilinear; outside, their edges go on."""
    count, side, _ = pictures.shape
    places = (maps[:, :2] @ grid + 1) * (side / 2) - 0.5
    np.clip(places, 0, side - 1.001, out=places)
    whole = places.astype(np.int32)
    across, down = (places - whole).transpose(1, 0, 2)
    first = (np.arange(count, dtype=np.int32) * side**2)[:, None] + whole[:, 1] * side + whole[:, 0]
    values = pictures.ravel()
    upper = values[first] + (values[first + 1] - values[first]) * across
    lower = values[first + side] + (values[first + side + 1] - values[first + side]) * across
    return np.asarray(upper + (lower - upper) * down)


def _cut_border(pictures: Floats, margin: int) -> Floats:
    """The pixels (n, pixels) of pictures (n, s, s) but for a margin."""
    side = pictures.shape[1]
    return pictures[:, margin : side - margin, margin : side - margin].reshape(len(pictures), -1)


def _normalise(values: Floats) -> Floats:
    """Values (n, pixels) about 0 with a spread of about 1, of flat ones less."""
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.sqrt(np.square(centred).mean(axis=1, keepdims=True)) + FLATNESS))


def _correlate(values: Floats, others: Floats) -> Floats:
    """Correlation (n,) of rows (n, pixels), lower the flatter they are."""
    one, other = (row - row.mean(axis=1, keepdims=True) for row in (values, others))
    noise = FLATNESS**2
    spreads = (np.square(one).mean(axis=1) + noise) * (np.square(other).mean(axis=1) + noise)
    return np.asarray((one * other).mean(axis=1) / np.sqrt(spreads))


def _build_small(grey: NDArray[np.uint8]) -> _SmallSize:
    """Pictures (n, 96, 96) at 24 x 24 pixels, a little smoothed."""
    small = _smooth(_halve(_halve(grey.astype(np.float32))), 0.7)
    return _SmallSize(small, small - _smooth(small, 2.0))


def _build_large(grey: NDArray[np.uint8]) -> _LargeSize:
    """Pictures (n, 96, 96) at 48 x 48 pixels, and their structure at full size, a little smoothed."""
    large = _smooth(grey.astype(np.float32), 0.8)
    return _LargeSize(_smooth(_halve(large), 0.6), large - _smooth(large, 2.0))


def _smooth(pictures: Floats, width: float) -> Floats:
    """Pictures (n, side, side) smoothed by a Gaussian of that width in pixels, cut off beyond three of them.

    Value by value what scipy's gaussian_filter gives.
    """
    reach = int(3 * width + 0.5)
    weights = np.exp(-0.5 / width**2 * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    step = max(1, SMOOTHED_PIXELS // pictures.shape[1] ** 2)
    blocks = (pictures[start : start + step] for start in range(0, len(pictures), step))
    smoothed = [_average(_average(block, weights).swapaxes(1, 2), weights).swapaxes(1, 2) for block in blocks]
    return np.ascontiguousarray(np.concatenate(smoothed)) if smoothed else pictures


def _average(pictures: Floats, weights: NDArray[np.float64]) -> Floats:
    """Rows of pixels (n, rows, ...) averaged with those before and after them, the first and the last repeated."""
    reach, count = len(weights) // 2, pictures.shape[1]
    padded = np.concatenate(
        [np.repeat(pictures[:, :1], reach, axis=1), pictures, np.repeat(pictures[:, -1:], reach, axis=1)],
        axis=1,
        dtype=np.float64,
    )
    total = padded[:, reach : reach + count] * weights[reach]
    pair = np.empty_like(total)
    for place in range(reach):
        np.add(padded[:, place : place + count], padded[:, 2 * reach - place :][:, :count], out=pair)
        np.multiply(pair, weights[place], out=pair)
        total += pair
    return np.asarray(total, np.float32)


def _halve(pictures: Floats) -> Floats:
    count, side, _ = pictures.shape
    return np.asarray(pictures.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4)))
