"""All pairs of photos that show the same picture, of pixels alone: near copies, and frames of a burst.

Of each photo the nearest by a tiny grey version are proposed, and those of nearly the same perceptual hash; each
proposal is then tried by laying one picture on the other. A hash or a tiny version alone joins playing cards, coins and
letters.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.matching.aligned_pictures import PairMismatch, Pairs, SmallPictures, join_mismatches, measure_mismatches
from indexer.matching.close_pairs import order_pairs
from indexer.progress import Progress, Steps

NEIGHBOUR_COUNT = 8  # proposed for each photo; longer bursts hang together by chains
LEAST_CORRELATION = 0.6  # of the tiny versions
TINY_SIDE = 12
FLATNESS = 4.0  # levels of grey added to each spread
LARGEST_ASPECT_RATIO = 1.22  # between the shapes of two photos
ROWS_PER_BLOCK = 1024
PAIRS_PER_STEP = 2048  # between two signs of progress
# A crowd: a component this large of whose pairs less than half show the same picture. Where pictures are alike by the
# thousand (one digit written again and again, forms, generated stars), small steps would lead through them all.
CROWD_SIZE, COHERENT_SHARE, COHERENCE_SAMPLE = 12, 0.5, 64
PAIRS_PER_MERGE = 9  # of two parts of a crowd, that must all show the same picture for the parts to be one


class ComparedPairs(NamedTuple):
    """Pairs of rows (p, 2), the smaller first, and how unlike they are, (p,) each."""

    pairs: Pairs
    mismatch: PairMismatch


def compare_neighbours(pictures: SmallPictures, aspects: NDArray[np.float64], wished: Pairs) -> Steps[ComparedPairs]:
    """Every photo of n against its nearest few, and the wished pairs (w, 2); `aspects` (n,) are widths over heights."""
    pairs = order_pairs(np.concatenate([_propose_pairs(pictures.grey, aspects), wished]))
    blocks = []
    for start in range(0, len(pairs), PAIRS_PER_STEP):
        yield Progress("group", start, len(pairs), "comparing pictures")
        blocks.append(measure_mismatches(pictures, pairs[start : start + PAIRS_PER_STEP]))
    return ComparedPairs(pairs, join_mismatches(blocks))


def select_same_pictures(pictures: SmallPictures, compared: ComparedPairs) -> Pairs:
    """Pairs of rows (s, 2) that connect the photos which show the same picture, not more of a crowd than agree."""
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
    """The component (n,) of each of `count` rows, by number, where the pairs (p, 2) connect them."""
    from scipy import sparse  # noqa: PLC0415 (0.3 s, and only grouping needs it)
    from scipy.sparse import csgraph  # noqa: PLC0415

    links = sparse.coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(csgraph.connected_components(links, directed=False)[1], np.int64)


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


def _propose_pairs(grey: NDArray[np.uint8], aspects: NDArray[np.float64]) -> Pairs:
    """The nearest few of each photo by correlation of tiny versions, (p, 2), of nearly the same shape."""
    tiny, shapes = _make_tiny(grey), np.log(aspects).astype(np.float32)
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(tiny), ROWS_PER_BLOCK):
        rows = np.arange(start, min(start + ROWS_PER_BLOCK, len(tiny)))
        correlation = tiny[rows] @ tiny.T
        correlation[np.abs(shapes[rows, None] - shapes) > np.log(LARGEST_ASPECT_RATIO)] = -1
        correlation[np.arange(len(rows)), rows] = -1
        count = min(NEIGHBOUR_COUNT, len(tiny) - 1)
        columns = (
            np.argpartition(-correlation, count - 1, axis=1)[:, :count] if count else np.empty((len(rows), 0), int)
        )
        near = np.take_along_axis(correlation, columns, axis=1) > LEAST_CORRELATION
        found.append(np.stack([np.repeat(rows, near.sum(axis=1)), columns[near]], axis=1))
    return np.concatenate(found)


def _make_tiny(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tiny versions (n, 144) of pictures (n, 96, 96), about 0 and of unit length, shorter where they are flat."""
    step = grey.shape[1] // TINY_SIDE
    if not len(grey):
        return np.empty((0, TINY_SIDE**2), np.float32)
    tiny = np.stack([one.reshape(TINY_SIDE, step, TINY_SIDE, step).mean((1, 3), np.float32).ravel() for one in grey])
    tiny -= tiny.mean(axis=1, keepdims=True)
    return np.asarray(tiny / np.sqrt(np.square(tiny).sum(axis=1, keepdims=True) + FLATNESS**2 * tiny.shape[1]))
