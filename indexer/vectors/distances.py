"""From a query vector to the rows nearest to it: approximately by Annoy, and exactly. The only importer of Annoy.

Annoy proposes candidates; distances and order are always computed exactly. Annoy crashes or answers wrongly on a
damaged file, a wrong dimension or a vector that is not finite, so `open_annoy` is for files that a manifest has
vouched for.
"""

import numpy as np

ROWS_PER_BLOCK = 1024  # rows converted to float32 at a time: 5 MB at 1280 dimensions
ROWS_PER_DIFFERENCE = (
    8  # rows whose difference is taken at a time: of 100 at once, new memory costs three times the arithmetic
)
SQUARED_DISTANCE_NOISE = 4e-6  # rounding of a float32 squared distance of unit vectors by way of the scalar product


def compute_squared_distances(values: np.ndarray, queries: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Squared Euclidean distances (n, m) float32, within NOISE, of values (n, dim) to queries (m, dim).

    With `rows` (n,) only those of the values are looked at.
    """
    count = len(values) if rows is None else len(rows)
    result = np.empty((count, len(queries)), np.float32)
    for start in range(0, count, ROWS_PER_BLOCK):
        part = slice(start, start + ROWS_PER_BLOCK) if rows is None else rows[start : start + ROWS_PER_BLOCK]
        block = values[part].astype(np.float32)
        squares = np.einsum("ij,ij->i", block, block)
        result[start : start + ROWS_PER_BLOCK] = squares[:, None] - 2 * (block @ queries.T)
    result += np.einsum("ij,ij->i", queries, queries)
    return result


def find_closest_rows(squares: np.ndarray, count: int) -> np.ndarray:
    """Rows (m,) that hold the `count` smallest of squares (n,), with all that are as small within NOISE.

    So a ranking by exact distance over these rows is the exact ranking of all rows. Infinite ones are never among them.
    """
    if len(squares) > count:
        bound = np.partition(squares, count - 1)[count - 1] + 2 * SQUARED_DISTANCE_NOISE
        return np.flatnonzero((squares <= bound) & np.isfinite(squares))
    return np.flatnonzero(np.isfinite(squares))


def compute_exact_distances(values: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Euclidean distances (n,) float64 of values (n, dim) to query (dim,): the norm of the difference."""
    squares, target = np.empty(len(values)), query.astype(np.float32)
    for start in range(0, len(values), ROWS_PER_DIFFERENCE):
        difference = (values[start : start + ROWS_PER_DIFFERENCE].astype(np.float32) - target).astype(np.float64)
        squares[start : start + ROWS_PER_DIFFERENCE] = np.einsum("ij,ij->i", difference, difference)
    distances: np.ndarray = np.sqrt(squares)
    return distances
