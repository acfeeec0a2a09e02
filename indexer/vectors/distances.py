"""Euclidean distances of embeddings: the only place that computes them.

There are two ways. The norm of the difference is exact: distances that are shown or ranked by are computed so. Squared
norms and one matrix product are a hundred times as fast and rounded: they propose candidates, which are then compared
exactly, and give tables of all distances whose rounding is stated.
"""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

ROWS_PER_BLOCK = 1024  # rows converted to float32 at a time: 5 MB at 1280 dimensions
# Rows whose difference is taken at a time: of 100 at once, new memory costs three times the arithmetic.
ROWS_PER_DIFFERENCE = 8
PAIRS_PER_BLOCK = 512  # pairs of rows whose difference is taken at a time: 5 MB at 1280 dimensions
SQUARED_DISTANCE_NOISE = 4e-6  # rounding of a float32 squared distance of unit vectors by way of the scalar product
# Bytes of one block of distances; argpartition and its kin need about three times as much beside it.
BLOCK_BYTES = 64 * 1024 * 1024
EQUALITY_COLUMNS = 8  # that tell most vectors apart

# exact: the norm of the difference


def compute_exact_distances(values: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Euclidean distances (n,) float64 of values (n, dim) to query (dim,): the norm of the difference."""
    squares, target = np.empty(len(values)), query.astype(np.float32)
    for start in range(0, len(values), ROWS_PER_DIFFERENCE):
        difference = (values[start : start + ROWS_PER_DIFFERENCE].astype(np.float32) - target).astype(np.float64)
        squares[start : start + ROWS_PER_DIFFERENCE] = np.einsum("ij,ij->i", difference, difference)
    distances: np.ndarray = np.sqrt(squares)
    return distances


def compute_pair_distances(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Euclidean distances (p,) float64 of pairs of rows (p, 2) of values (n, dim): the norms of the differences.

    The difference is taken in float32 where the values are no wider, as `compute_exact_distances` does.
    """
    distances = np.empty(len(pairs), np.float64)
    precision = np.promote_types(values.dtype, np.float32)
    for start in range(0, len(pairs), PAIRS_PER_BLOCK):
        left, right = pairs[start : start + PAIRS_PER_BLOCK].T
        difference = values[left].astype(precision, copy=False)
        difference -= values[right]
        difference = difference.astype(np.float64, copy=False)
        distances[start : start + PAIRS_PER_BLOCK] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distances


# by way of the scalar product


def compute_squared_distances(values: np.ndarray, queries: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Squared Euclidean distances (n, m) float32 of values (n, dim) to queries (m, dim) float32.

    Of unit vectors they are within SQUARED_DISTANCE_NOISE of the exact ones. With `rows` (n,) only those rows count.
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
    """The rows (m,) of the `count` smallest squared distances (n,), and of all that may be as small, but for the noise.

    So ranking these rows by exact distance gives the exact ranking of all rows. Rows at infinity are left out.
    """
    if len(squares) > count:
        bound = np.partition(squares, count - 1)[count - 1] + 2 * SQUARED_DISTANCE_NOISE
        return np.flatnonzero((squares <= bound) & np.isfinite(squares))
    return np.flatnonzero(np.isfinite(squares))


def compute_distance_table(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) float64 of unit vectors (n, dim) to others (m, dim).

    Their squares are within 1e-14 of the exact ones where both are float64, within 1e-6 where one is float32.
    """
    squares = -2.0 * (vectors @ others.T).astype(np.float64)
    squares += np.einsum("ij,ij->i", vectors, vectors)[:, None] + np.einsum("ij,ij->i", others, others)
    distances: np.ndarray = np.sqrt(np.maximum(squares, 0))
    return distances


def iterate_squared_distances(vectors: np.ndarray, queries: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared Euclidean distances (b, n) float64 of queries to all vectors (n, dim) float64, block by block.

    Each block comes with the slice of the `queries`, which are rows (q,) of the vectors, that it belongs to; a query's
    distance to itself is infinite. Equal vectors are equally far from every query, to the last digit: a matrix product
    does not promise that for equal columns (those at the edge of a tile take another path), so each of several equal
    vectors has the distance that was computed for the first of them.
    """
    first, twin = _find_equal_vectors(vectors)
    gallery = vectors[first] if len(first) < len(vectors) else vectors
    norms = np.einsum("ij,ij->i", gallery, gallery)
    size = max(1, BLOCK_BYTES // (8 * len(vectors)))
    # A product with itself is symmetric, and takes half the time.
    products = gallery @ gallery.T if size >= len(queries) > len(gallery) // 2 else None
    for start in range(0, len(queries), size):
        rows = queries[start : start + size]
        squared = vectors[rows] @ gallery.T if products is None else products[twin[rows]]
        squared *= -2.0
        squared += norms
        squared += norms[twin[rows], None]
        np.maximum(squared, 0.0, out=squared)
        squared[np.arange(len(rows)), twin[rows]] = 0.0
        if gallery is not vectors:
            squared = squared[:, twin]
        squared[np.arange(len(rows)), rows] = np.inf
        yield slice(start, start + len(rows)), squared


def _find_equal_vectors(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (u,) where a vector appears first, and for each row (n,) the index of the first one that it equals."""
    # Sums of a few columns, each rounded in the same way: where all differ, no two vectors are equal.
    few = np.ascontiguousarray(vectors[:, :EQUALITY_COLUMNS].T)
    if len(np.unique(sum(weight * column for weight, column in enumerate(few, 1)))) == len(vectors):
        return np.arange(len(vectors)), np.arange(len(vectors))
    # Digests instead of np.unique(axis=0): that compares field by field and copies the array.
    seen: dict[bytes, int] = {}
    first: list[int] = []
    twin = np.empty(len(vectors), np.int64)
    for row, vector in enumerate(vectors):
        twin[row] = seen.setdefault(blake2b(vector.data, digest_size=16).digest(), len(first))
        if twin[row] == len(first):
            first.append(row)
    return np.array(first, np.int64), twin
