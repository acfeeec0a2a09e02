"""What was computed by scipy before is computed without it, value by value."""

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from indexer.grouping.aligned_pictures import _smooth
from indexer.grouping.near_copies import connect_pairs


@pytest.mark.parametrize("width", [0.6, 0.7, 0.8, 2.0])
@pytest.mark.parametrize(("count", "side"), [(0, 24), (1, 96), (40, 96), (300, 24)])
def test_a_picture_is_smoothed_as_by_scipy(width: float, count: int, side: int) -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (count, side, side)).astype(np.float32)
    expected = ndimage.gaussian_filter(pictures, (0, width, width), mode="nearest", truncate=3)
    found = _smooth(pictures, width)
    assert found.dtype == np.dtype(np.float32) and found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(30))
def test_components_are_numbered_as_by_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 200))
    pairs = random.integers(0, count, (int(random.integers(0, 2 * count)), 2))
    links = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    expected = csgraph.connected_components(links, directed=False)[1]
    np.testing.assert_array_equal(connect_pairs(pairs, count), expected)


def test_a_chain_of_many_photos_in_any_order_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(20_000)
    assert set(connect_pairs(np.stack([order[:-1], order[1:]], axis=1), len(order)).tolist()) == {0}
