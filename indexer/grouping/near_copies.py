"""All pairs of photos that show the same picture, of pixels alone: near copies, and frames of a burst.

Of each photo the nearest by a tiny grey version are proposed, and those of nearly the same perceptual hash; each
proposal is then tried by laying one picture on the other. A hash or a tiny version alone joins playing cards, coins and
letters.
"""

from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from indexer.grouping.aligned_pictures import (
    PairMismatch,
    Pairs,
    SmallPictures,
    have_same_colours,
    join_mismatches,
    measure_mismatches,
    order_pairs,
)
from indexer.progress import Progress, Steps
from indexer.wording import tr

NEIGHBOUR_COUNT = 8  # proposed for each photo; longer bursts hang together by chains
LEAST_CORRELATION = 0.6  # of the tiny versions
TINY_SIDE = 12
FLATNESS = 4.0  # levels of grey added to each spread
LARGEST_ASPECT_RATIO = 1.22  # between the shapes of two photos
ENTRIES_PER_BLOCK = 2**21  # correlations at a time: what a processor's cache holds
SAMPLE_COLUMNS = 1024  # of which the nearest few bound from below how near the nearest few of all are
PAIRS_PER_STEP = 2048  # between two signs of progress
# A crowd: a component this large of whose pairs less than half show the same picture. Where pictures are alike by the
# thousand (one digit written again and again, forms, generated stars), small steps would lead through them all.
CROWD_SIZE, COHERENT_SHARE, COHERENCE_SAMPLE = 12, 0.5, 64
PAIRS_PER_MERGE = 9  # of two parts of a crowd, that must all show the same picture for the parts to be one

# Of thumbnails: a strip of fewer pixels has no rows to compare; JPEG alone leaves a spread of up to 2 levels of 255.
LEAST_SIDE, LARGEST_SMALL_ASPECT, LEAST_CONTRAST = 16, 4, 4.0
MARK_LEVELS = 16.0  # by which a pixel differs from the ground, or from its place in a copy
LEAST_MARKED_SHARE = 0.0005  # of the pixels: less is a speck of dust
# Pixel by pixel at 96 x 96: what may be left between copies, by their spread; how one may be lit; what a mark may
# cover, how far from the middle it is (1 is the edge), and how much of its difference goes one way. Measured on planted
# copies of the sample and on charts, pages, letters and signs that share a frame (tests: copy_corpus).
LARGEST_REST, LEAST_SPREAD, LEAST_GAIN, FITTING_ROUNDS = 0.12, 8.0, 0.6, 3
SPECK_PIXELS, LARGEST_MARK, LEAST_OFF_CENTRE, LEAST_ONE_WAY = 9, 0.15, 0.5, 0.8


class ComparedPairs(NamedTuple):
    """Pairs of rows (p, 2), the smaller first, and how unlike they are, (p,) each."""

    pairs: Pairs
    mismatch: PairMismatch


MeasurePairs = Callable[[SmallPictures, Pairs], PairMismatch]


class KnownMismatches:
    """The mismatches of the pairs that were measured last, at most `most_kept`, by their pictures' pixels."""

    def __init__(self, most_kept: int) -> None:
        self._kept: LRUCache[tuple[int, int], tuple[float, float]] = LRUCache(most_kept)

    def measure(self, pictures: SmallPictures, pairs: Pairs) -> PairMismatch:
        """As `measure_mismatches`, which measures only the pairs (p, 2) that are not kept."""
        key_of_row = {
            row: hash((pictures.grey[row].tobytes(), pictures.colours[row].tobytes())) for row in set(pairs.flat)
        }
        keys = [(key_of_row[left], key_of_row[right]) for left, right in pairs.tolist()]
        found = [self._kept.get(key) for key in keys]
        missing = [place for place, values in enumerate(found) if values is None]
        measured = measure_mismatches(pictures, pairs[missing])
        for place, ratio, median in zip(missing, measured.ratio.tolist(), measured.median.tolist(), strict=True):
            found[place] = self._kept[keys[place]] = (ratio, median)
        columns = np.array(found, np.float32).reshape(-1, 2).T
        return PairMismatch(*columns)


def compare_neighbours(
    pictures: SmallPictures,
    aspects: NDArray[np.float64],
    wished: Pairs,
    measure: MeasurePairs = measure_mismatches,
) -> Steps[ComparedPairs]:
    """Every photo of n compared with its nearest few by a tiny grey version, and the wished pairs of rows (w, 2);
    `aspects` (n,) are widths over heights.
    """
    proposed = yield from _propose_pairs(pictures.grey, aspects)
    pairs = order_pairs(np.concatenate([proposed, wished]))
    blocks = []
    for start in range(0, len(pairs), PAIRS_PER_STEP):
        yield Progress("group", start, len(pairs), tr("comparing pictures"))
        blocks.append(measure(pictures, pairs[start : start + PAIRS_PER_STEP]))
    return ComparedPairs(pairs, join_mismatches(blocks))


def select_same_pictures(pictures: SmallPictures, compared: ComparedPairs) -> Pairs:
    """Pairs of rows (s, 2) that show the same picture; where a chain of such pairs joins different pictures, only those
    within groups that agree.
    """
    same = compared.mismatch.ratio <= 1
    pairs, ratios = compared.pairs[same], compared.mismatch.ratio[same]
    is_crowd = _find_crowds(pictures, connect_pairs(pairs, len(pictures.grey)))[pairs[:, 0]]
    order = np.argsort(ratios[is_crowd], kind="stable")
    return np.concatenate([pairs[~is_crowd], _divide_crowds(pictures, pairs[is_crowd][order])])


def _divide_crowds(pictures: SmallPictures, pairs: Pairs) -> Pairs:
    """Pairs (d, 2) that connect the parts in which all agree, built from pairs (p, 2), the most alike first.

    Complete linkage in rounds: any two parts that are each other's nearest are tried, all such at once, and become one
    if a sample of the pairs between them shows the same picture; else they are not tried again.
    """
    count = len(pictures.grey)
    parts, links = np.arange(count), np.empty((0, 2), np.int64)
    while len(pairs):
        between, numbers = np.unique(np.sort(parts[pairs], axis=1), axis=0, return_inverse=True)
        tried = _find_mutual_nearest(between, numbers)
        agree = _do_parts_agree(pictures, parts, between[tried])
        first_pairs = np.unique(numbers, return_index=True)[1]
        links = np.concatenate([links, pairs[first_pairs[tried[agree]]]])
        parts = connect_pairs(links, count)
        pairs = pairs[~np.isin(numbers, tried[~agree])]
        pairs = pairs[parts[pairs[:, 0]] != parts[pairs[:, 1]]]
    return links


def _find_mutual_nearest(between: Pairs, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of `between` (b, 2), pairs of parts, that are each other's nearest; `numbers` (p,) ranks them, the nearest
    first, some more than once.
    """
    ranked = numbers[np.sort(np.unique(numbers, return_index=True)[1])]
    places = np.empty(len(between), np.int64)
    places[ranked] = np.arange(len(ranked))
    nearest = np.full(between.max() + 1, len(between))
    np.minimum.at(nearest, between.ravel(), np.repeat(places, 2))
    return np.flatnonzero((nearest[between] == places[:, None]).all(axis=1))


def _do_parts_agree(pictures: SmallPictures, parts: NDArray[np.int64], tried: Pairs) -> NDArray[np.bool_]:
    """Whether a sample of the photos of both parts shows the same picture, for each tried pair of parts (t, 2)."""
    samples = []
    for one, other in tried:
        across = np.array(list(product(np.flatnonzero(parts == one), np.flatnonzero(parts == other))))
        samples.append(across[np.unique(np.linspace(0, len(across) - 1, PAIRS_PER_MERGE).astype(np.int64))])
    same = measure_mismatches(pictures, np.concatenate(samples)).ratio <= 1
    ends = np.cumsum([len(sample) for sample in samples])
    return np.array([part.all() for part in np.split(same, ends[:-1])])


def connect_pairs(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """The component (n,) of each of `count` rows, numbered by its first row, where the pairs (p, 2) connect them.

    In rounds, each row takes the lowest row that its component is known to reach (Shiloach, Vishkin 1982).
    """
    lowest = np.arange(count)
    while len(pairs):
        ends = lowest[pairs]
        pairs, ends = pairs[ends[:, 0] != ends[:, 1]], ends[ends[:, 0] != ends[:, 1]]
        np.minimum.at(lowest, ends.max(axis=1), ends.min(axis=1))
        while (lowest[lowest] != lowest).any():
            lowest = lowest[lowest]
    return np.unique(lowest, return_inverse=True)[1]


def _find_crowds(pictures: SmallPictures, components: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row, (n,), is in a large component whose members do not show the same picture, only neighbours do.

    Pairs half the component apart, in its order, stand for all.
    """
    is_crowd = np.zeros(len(components), bool)
    for number in np.flatnonzero(np.bincount(components) > CROWD_SIZE):
        rows = np.flatnonzero(components == number)
        starts = np.unique(np.linspace(0, len(rows) // 2 - 1, COHERENCE_SAMPLE).astype(np.int64))
        pairs = np.stack([rows[starts], rows[starts + len(rows) // 2]], axis=1)
        is_crowd[rows] = (measure_mismatches(pictures, pairs).ratio <= 1).mean() < COHERENT_SHARE
    return is_crowd


def _propose_pairs(grey: NDArray[np.uint8], aspects: NDArray[np.float64]) -> Steps[Pairs]:
    """The nearest few of each photo by correlation of tiny versions, (p, 2), of nearly the same shape."""
    tiny, shapes = _make_tiny(grey), np.log(aspects).astype(np.float32)
    found = [np.empty((0, 2), np.int64)]
    block = max(ENTRIES_PER_BLOCK // max(len(tiny), 1), 1)
    for start in range(0, len(tiny), block):
        yield Progress("group", start, len(tiny), tr("looking for pictures that are alike"))
        rows = np.arange(start, min(start + block, len(tiny)))
        correlation = tiny[rows] @ tiny.T
        is_other_shape = np.abs(shapes[rows, None] - shapes) > np.log(LARGEST_ASPECT_RATIO)
        np.copyto(correlation, -1, where=is_other_shape)
        correlation[np.arange(len(rows)), rows] = -1
        nearest = _select_largest(correlation, NEIGHBOUR_COUNT, LEAST_CORRELATION)
        found.append(nearest + np.array([start, 0]))
    return np.concatenate(found)


def _select_largest(values: NDArray[np.float32], count: int, least: float) -> NDArray[np.int64]:
    """Row and column (s, 2) of the `count` largest values of each row of (r, n) that are above `least`."""
    floor = np.full(len(values), np.nextafter(np.float32(least), np.float32(np.inf)))
    sample = values[:, :SAMPLE_COLUMNS]
    if sample.shape[1] > count:
        floor = np.maximum(floor, np.partition(sample, -count, axis=1)[:, -count])
    rows, columns = np.nonzero(values >= floor[:, None])
    order = np.lexsort((-values[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    is_kept = np.arange(len(rows)) - np.searchsorted(rows, rows) < count
    return np.stack([rows[is_kept], columns[is_kept]], axis=1)


def _make_tiny(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tiny versions (n, 144) of pictures (n, 96, 96), about 0 and of unit length, shorter where they are flat."""
    step = grey.shape[1] // TINY_SIDE
    if not len(grey):
        return np.empty((0, TINY_SIDE**2), np.float32)
    tiny = np.stack([one.reshape(TINY_SIDE, step, TINY_SIDE, step).mean((1, 3), np.float32).ravel() for one in grey])
    tiny -= tiny.mean(axis=1, keepdims=True)
    return np.asarray(tiny / np.sqrt(np.square(tiny).sum(axis=1, keepdims=True) + FLATNESS**2 * tiny.shape[1]))


# proposals of a hash


class ThumbnailKind(NamedTuple):
    """What a thumbnail says before any comparison: whether it shows nothing, and whether it is wide and high enough."""

    is_blank: bool
    is_comparable: bool


def read_thumbnail_kind(jpeg: bytes) -> ThumbnailKind:
    """Whether a thumbnail is blank, and whether it can be compared with others."""
    with Image.open(BytesIO(jpeg)) as image:
        grey = np.asarray(image.convert("L"), np.float32)
        is_strip = min(image.size) < LEAST_SIDE and max(image.size) > LARGEST_SMALL_ASPECT * min(image.size)
    marked_share = float((np.abs(grey - np.median(grey)) > MARK_LEVELS).mean())
    is_blank = float(grey.std()) < LEAST_CONTRAST and marked_share < LEAST_MARKED_SHARE
    return ThumbnailKind(is_blank, not is_blank and not is_strip)


def show_same_picture(pictures: SmallPictures, others: SmallPictures) -> NDArray[np.bool_]:
    """Whether each picture shows the same as the other of its place, (p,): laid on each other, or pixel by pixel."""
    count = len(pictures.grey)
    both = SmallPictures(*(np.concatenate(sides) for sides in zip(pictures, others, strict=True)))
    pairs = np.stack([np.arange(count), np.arange(count) + count], axis=1)
    same = measure_mismatches(both, pairs).ratio <= 1
    rest = np.flatnonzero(~same)
    if rest.size:
        same[rest] = _agree_but_for_a_mark(SmallPictures(*(side[rest] for side in pictures)), _take(others, rest))
    return same


def _take(pictures: SmallPictures, rows: NDArray[np.int64]) -> SmallPictures:
    return SmallPictures(pictures.grey[rows], pictures.colours[rows])


def _agree_but_for_a_mark(pictures: SmallPictures, others: SmallPictures) -> NDArray[np.bool_]:
    """Whether the pictures, (p,), agree pixel by pixel but for one mark near an edge that only one of them has.

    Light and contrast may differ. What is written at an edge, such as an owner or a date, is darker throughout than
    what it covers, or lighter; two writings in one place differ both ways, and what is in the middle is the picture.
    """
    left, right = (_flatten(side.grey) for side in (pictures, others))
    unmarked = np.ones(left.shape, bool)
    for _ in range(FITTING_ROUNDS):
        difference, gain = _fit_light(left, right, unmarked)
        unmarked = np.abs(difference) <= MARK_LEVELS
    spread = left.std(axis=1)
    rest = np.sqrt((np.square(difference) * unmarked).sum(axis=1) / unmarked.sum(axis=1).clip(min=1))
    agree = (rest <= LARGEST_REST * spread) & (spread >= LEAST_SPREAD) & (gain >= LEAST_GAIN) & (gain <= 1 / LEAST_GAIN)
    unmoved = np.tile(np.eye(3, dtype=np.float32), (len(left), 1, 1))
    agree &= have_same_colours(pictures.colours, others.colours, unmoved)
    return np.asarray(agree & _are_edge_marks(difference, ~unmarked))


def _flatten(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures (p, side, side) as rows of pixels."""
    return grey.reshape(len(grey), -1).astype(np.float32)


def _fit_light(
    left: NDArray[np.float32], right: NDArray[np.float32], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is left of the left (p, pixels) once the right in its light and contrast is taken off; the contrast (p,)."""
    weights = counted / counted.sum(axis=1, keepdims=True).clip(min=1)
    means = [(side * weights).sum(axis=1, keepdims=True) for side in (left, right)]
    one, other = left - means[0], right - means[1]
    gain = (one * other * weights).sum(axis=1) / ((other * other * weights).sum(axis=1) + 1e-3)
    return np.asarray(one - gain[:, None] * other, np.float32), np.asarray(gain, np.float32)


def _are_edge_marks(difference: NDArray[np.float32], marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether what is marked (p, pixels) is nothing, or one small place near an edge that differs one way."""
    side = round(difference.shape[1] ** 0.5)
    return np.array(
        [
            _is_edge_mark(one.reshape(side, side), places.reshape(side, side))
            for one, places in zip(difference, marked, strict=True)
        ],
        bool,
    )


def _is_edge_mark(difference: NDArray[np.float32], marked: NDArray[np.bool_]) -> bool:
    if marked.sum() <= SPECK_PIXELS:
        return True
    side, places = len(marked), np.argwhere(marked)
    low, high = np.quantile(places, (0.02, 0.98), axis=0)
    share = float(np.prod(high - low + 1)) / side**2
    off_centre = float(np.abs((low + high + 1) / side - 1).max())
    values = difference[marked]
    one_way = max(values[values > 0].sum(), -values[values < 0].sum()) / np.abs(values).sum()
    return share <= LARGEST_MARK and off_centre >= LEAST_OFF_CENTRE and bool(one_way >= LEAST_ONE_WAY)
