"""All close pairs of many embeddings without comparing all with all, the same for the same embeddings.

The library's own index depends on the order in which photos came; groups must not. So the caller's order decides here
(by content hash), and an index of its own is built with a fixed seed: two seconds for 20,000 photos.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer.progress import Progress, Steps
from indexer.search.generations import PROJECTED
from indexer.vectors import distances as engines
from indexer.vectors.annoy_index import build_annoy, open_annoy
from indexer.vectors.projection import fit_pca

NEIGHBOURS = 32  # followed from each photo; a larger group is held together by the pairs of all its members
EXACT_ROWS = 2_000  # below, all distances take half a second and no index is needed
TREES, SEARCH_K = 20, 2_000  # measured: bench_duplicates prints the share of the true pairs that is found
_ROUNDING = 1e-3  # of distances of projections in float32
_STEP = 512  # rows between two signs of progress, and pairs measured at a time

Nearest = Callable[[range], list[np.ndarray]]
"""Of each of these rows its NEIGHBOURS nearest rows, itself among them."""


def close_pairs(values: np.ndarray, reach: np.ndarray) -> Steps[np.ndarray]:
    """Pairs of rows (p, 2), the smaller first, of values (n, dim) float16, each within the other's reach (n,).

    From each row its NEIGHBOURS nearest are followed. Approximate above EXACT_ROWS, yet the same every time.
    """
    count, found = len(values), [np.empty((0, 2), np.int64)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # where mapped files cannot be removed
        yield Progress("compare", 0, count, "building an index")
        points = _projected(values)
        nearest = _exact(points) if count <= EXACT_ROWS else _indexed(points, Path(folder, "index.ann"))
        for start in range(0, count, _STEP):
            yield Progress("compare", start, count, "looking for neighbours")
            rows = range(start, min(start + _STEP, count))
            near = nearest(rows)
            own = np.repeat(np.array(rows), [len(one) for one in near])
            pairs = ordered(np.stack([own, np.concatenate(near)], axis=1))
            pairs = within_reach(points, pairs, reach + _ROUNDING)  # a projection never lengthens: most end here
            found.append(within_reach(values, pairs, reach))
    return ordered(np.concatenate(found))


def ordered(pairs: np.ndarray) -> np.ndarray:
    """The pairs (p, 2) with the smaller row first, each once, without those of a row with itself."""
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    each: np.ndarray = pairs[pairs[:, 0] != pairs[:, 1]]
    return each


def within_reach(values: np.ndarray, pairs: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Those of the pairs (p, 2) whose distance is at most the reach of both rows."""
    kept: np.ndarray = pairs[pair_distances(values, pairs) <= reach[pairs].min(axis=1)]
    return kept


def pair_distances(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Exact distances (p,) float64 of pairs of rows (p, 2) of values (n, dim)."""
    distances = np.empty(len(pairs), np.float64)
    for start in range(0, len(pairs), _STEP):
        one, other = pairs[start : start + _STEP].T
        difference = (values[one].astype(np.float32) - values[other].astype(np.float32)).astype(np.float64)
        distances[start : start + _STEP] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distances


def _projected(values: np.ndarray) -> np.ndarray:
    """Points (n, at most PROJECTED) float32 for values (n, dim), as near to each other as those or nearer."""
    if values.shape[1] <= PROJECTED:
        return values.astype(np.float32)
    projection = fit_pca(values, PROJECTED)
    starts = range(0, len(values), engines.BLOCK)
    return np.concatenate([values[start : start + engines.BLOCK].astype(np.float32) @ projection for start in starts])


def _exact(points: np.ndarray) -> Nearest:
    """By looking at all rows."""

    def nearest(rows: range) -> list[np.ndarray]:
        squares = engines.squared_distances(points, points[rows.start : rows.stop])
        return [engines.closest(column, NEIGHBOURS + 1) for column in squares.T]

    return nearest


def _indexed(points: np.ndarray, path: Path) -> Nearest:
    """By an Annoy index at `path` over the rows."""
    build_annoy(path, [points], points.shape[1], trees=TREES, seed=0)
    ask = open_annoy(path, points.shape[1])

    def nearest(rows: range) -> list[np.ndarray]:
        return [ask(point, NEIGHBOURS + 1, SEARCH_K) for point in points[rows.start : rows.stop]]

    return nearest
