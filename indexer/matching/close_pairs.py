"""All close pairs of many embeddings without comparing all with all, the same for the same embeddings.

The library's own index depends on the order in which photos came; groups must not. So the caller's order decides here
(by content hash), and an index of its own is built with a fixed seed: two seconds for 20,000 photos.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer.progress import Progress, Steps
from indexer.search.generations import PROJECTED_DIMS
from indexer.vectors.annoy_index import build_annoy, open_annoy
from indexer.vectors.distances import ROWS_PER_BLOCK, compute_squared_distances, find_closest_rows
from indexer.vectors.projection import fit_pca

NEIGHBOUR_COUNT = 32  # followed from each photo; a larger group is held together by the pairs of all its members
EXACT_ROWS = 2_000  # below, all distances take half a second and no index is needed
TREE_COUNT, SEARCH_K = 20, 2_000  # measured: bench_duplicates prints the share of the true pairs that is found
_PROJECTION_ROUNDING = 1e-3  # of distances of projections in float32
_ROWS_PER_STEP = 512  # rows between two signs of progress, and pairs measured at a time

FindNeighbours = Callable[[range], list[np.ndarray]]
"""Of each of these rows its NEIGHBOURS nearest rows, itself among them."""


def find_close_pairs(values: np.ndarray, max_distances: np.ndarray) -> Steps[np.ndarray]:
    """Pairs of rows (p, 2), the smaller first, of values (n, dim) float16, each within the other's reach (n,).

    From each row its NEIGHBOURS nearest are followed. Approximate above EXACT_ROWS, yet the same every time.
    """
    count, pair_parts = len(values), [np.empty((0, 2), np.int64)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # where mapped files cannot be removed
        yield Progress("compare", 0, count, "building an index")
        points = _project_points(values)
        find_neighbours = (
            _make_exact_finder(points) if count <= EXACT_ROWS else _make_annoy_finder(points, Path(folder, "index.ann"))
        )
        for start in range(0, count, _ROWS_PER_STEP):
            yield Progress("compare", start, count, "looking for neighbours")
            rows = range(start, min(start + _ROWS_PER_STEP, count))
            neighbour_rows = find_neighbours(rows)
            query_rows = np.repeat(np.array(rows), [len(one) for one in neighbour_rows])
            pairs = order_pairs(np.stack([query_rows, np.concatenate(neighbour_rows)], axis=1))
            pairs = select_close_pairs(
                points, pairs, max_distances + _PROJECTION_ROUNDING
            )  # a projection never lengthens: most end here
            pair_parts.append(select_close_pairs(values, pairs, max_distances))
    return order_pairs(np.concatenate(pair_parts))


def order_pairs(pairs: np.ndarray) -> np.ndarray:
    """The pairs (p, 2) with the smaller row first, each once, without those of a row with itself."""
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    distinct: np.ndarray = pairs[pairs[:, 0] != pairs[:, 1]]
    return distinct


def select_close_pairs(values: np.ndarray, pairs: np.ndarray, max_distances: np.ndarray) -> np.ndarray:
    """Those of the pairs (p, 2) whose distance is at most the reach of both rows."""
    selected: np.ndarray = pairs[compute_distances_of_pairs(values, pairs) <= max_distances[pairs].min(axis=1)]
    return selected


def compute_distances_of_pairs(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Exact distances (p,) float64 of pairs of rows (p, 2) of values (n, dim)."""
    distances = np.empty(len(pairs), np.float64)
    for start in range(0, len(pairs), _ROWS_PER_STEP):
        one, other = pairs[start : start + _ROWS_PER_STEP].T
        difference = (values[one].astype(np.float32) - values[other].astype(np.float32)).astype(np.float64)
        distances[start : start + _ROWS_PER_STEP] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distances


def _project_points(values: np.ndarray) -> np.ndarray:
    """Points (n, at most PROJECTED) float32 for values (n, dim), as near to each other as those or nearer."""
    if values.shape[1] <= PROJECTED_DIMS:
        return values.astype(np.float32)
    projection = fit_pca(values, PROJECTED_DIMS)
    starts = range(0, len(values), ROWS_PER_BLOCK)
    return np.concatenate([values[start : start + ROWS_PER_BLOCK].astype(np.float32) @ projection for start in starts])


def _make_exact_finder(points: np.ndarray) -> FindNeighbours:
    """By looking at all rows."""

    def find_neighbours(rows: range) -> list[np.ndarray]:
        squares = compute_squared_distances(points, points[rows.start : rows.stop])
        return [find_closest_rows(column, NEIGHBOUR_COUNT + 1) for column in squares.T]

    return find_neighbours


def _make_annoy_finder(points: np.ndarray, path: Path) -> FindNeighbours:
    """By an Annoy index at `path` over the rows."""
    build_annoy(path, [points], points.shape[1], trees=TREE_COUNT, seed=0)
    find_candidates = open_annoy(path, points.shape[1])

    def find_neighbours(rows: range) -> list[np.ndarray]:
        return [find_candidates(point, NEIGHBOUR_COUNT + 1, SEARCH_K) for point in points[rows.start : rows.stop]]

    return find_neighbours
