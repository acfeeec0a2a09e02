"""All close pairs of many embeddings without comparing all with all, the same pairs for the same embeddings.

The library's index depends on the order in which photos were indexed, and groups must not. So another index is built
here with a fixed seed, in the caller's order (by content hash): two seconds for 20,000 photos.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer.grouping.aligned_pictures import order_pairs
from indexer.progress import Progress, Steps
from indexer.search.generations import PROJECTED_DIMS
from indexer.vectors.annoy_index import build_annoy, is_annoy_installed, open_annoy
from indexer.vectors.distances import (
    ROWS_PER_BLOCK,
    compute_pair_distances,
    compute_squared_distances,
    find_closest_rows,
)
from indexer.vectors.projection import fit_pca
from indexer.wording import tr

NEIGHBOUR_COUNT = 32  # neighbours of each photo; pairs of all its members connect a larger group
EXACT_ROWS = 2_000  # up to so many rows no index is needed: all distances take half a second
TREE_COUNT, SEARCH_K = 20, 2_000  # measured: bench_duplicates prints the share of the true pairs that is found
_PROJECTION_ROUNDING = 1e-3  # error of distances between projections in float32
_ROWS_PER_STEP = 512  # rows between two reports of progress

FindNeighbours = Callable[[range], list[np.ndarray]]
"""From a range of rows to the NEIGHBOUR_COUNT + 1 nearest rows of each, itself among them."""


def find_close_pairs(values: np.ndarray, max_distances: np.ndarray) -> Steps[np.ndarray]:
    """Pairs of rows (p, 2) int64, the smaller first, whose distance is at most the greatest (n,) of both rows.

    The rows are those of values (n, dim) float16. Each is paired with its NEIGHBOUR_COUNT nearest rows only. Above
    EXACT_ROWS rows neighbours are approximate, yet the same every time.
    """
    count, pair_parts = len(values), [np.empty((0, 2), np.int64)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # where mapped files cannot be removed
        yield Progress("compare", 0, count, tr("building an index"))
        points = _project_points(values)
        find_neighbours = (
            _make_exact_finder(points)
            if count <= EXACT_ROWS or not is_annoy_installed()
            else _make_annoy_finder(points, Path(folder, "index.ann"))
        )
        for start in range(0, count, _ROWS_PER_STEP):
            yield Progress("compare", start, count, tr("looking for neighbours"))
            rows = range(start, min(start + _ROWS_PER_STEP, count))
            neighbour_rows = find_neighbours(rows)
            query_rows = np.repeat(np.array(rows), [len(nearest_rows) for nearest_rows in neighbour_rows])
            pairs = order_pairs(np.stack([query_rows, np.concatenate(neighbour_rows)], axis=1))
            # A projection never lengthens a distance, so most pairs are ruled out by their projections.
            pairs = select_close_pairs(points, pairs, max_distances + _PROJECTION_ROUNDING)
            pair_parts.append(select_close_pairs(values, pairs, max_distances))
    return order_pairs(np.concatenate(pair_parts))


def select_close_pairs(values: np.ndarray, pairs: np.ndarray, max_distances: np.ndarray) -> np.ndarray:
    """Those of the pairs (p, 2) whose distance is at most the greatest (n,) of both rows."""
    selected: np.ndarray = pairs[compute_pair_distances(values, pairs) <= max_distances[pairs].min(axis=1)]
    return selected


def _project_points(values: np.ndarray) -> np.ndarray:
    """The values (n, dim) projected to PROJECTED_DIMS dimensions at most, float32; no distance becomes longer."""
    if values.shape[1] <= PROJECTED_DIMS:
        return values.astype(np.float32)
    projection = fit_pca(values, PROJECTED_DIMS)
    starts = range(0, len(values), ROWS_PER_BLOCK)
    return np.concatenate([values[start : start + ROWS_PER_BLOCK].astype(np.float32) @ projection for start in starts])


def _make_exact_finder(points: np.ndarray) -> FindNeighbours:
    """A search for neighbours that compares all rows."""

    def find_neighbours(rows: range) -> list[np.ndarray]:
        squares = compute_squared_distances(points, points[rows.start : rows.stop])
        return [find_closest_rows(column, NEIGHBOUR_COUNT + 1) for column in squares.T]

    return find_neighbours


def _make_annoy_finder(points: np.ndarray, path: Path) -> FindNeighbours:
    """A search for neighbours by an Annoy index, which is built at `path`."""
    build_annoy(path, [points], points.shape[1], trees=TREE_COUNT, seed=0)
    find_candidates = open_annoy(path, points.shape[1])

    def find_neighbours(rows: range) -> list[np.ndarray]:
        return [find_candidates(point, NEIGHBOUR_COUNT + 1, SEARCH_K) for point in points[rows.start : rows.stop]]

    return find_neighbours
