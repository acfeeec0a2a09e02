"""Projections of embeddings to fewer dimensions."""

import numpy as np

FIT_ROWS = 4096  # more rows do not change the leading components noticeably
OVERSAMPLED, ITERATIONS = 16, 3  # Halko, Martinsson, Tropp 2011: a few more columns and powers than wanted


def fit_pca(values: np.ndarray, dim: int) -> np.ndarray:
    """The `dim` leading principal directions of values (n, width), as columns of a (width, dim) float32 matrix.

    By randomised subspace iteration (Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithm 4.4)
    with a fixed seed, on at most FIT_ROWS evenly spaced rows: a full eigendecomposition of 1280 dimensions takes two
    seconds, this a tenth. The mean need not be subtracted when projecting: differences do not depend on it.
    """
    rows = values[:: max(1, len(values) // FIT_ROWS)].astype(np.float32)
    rows -= rows.mean(0)
    columns = min(dim + OVERSAMPLED, rows.shape[1])
    basis = np.random.default_rng(0).standard_normal((rows.shape[1], columns)).astype(np.float32)
    for _ in range(ITERATIONS):
        basis = _orthonormal(rows.T @ (rows @ basis))
    basis, _ = np.linalg.qr(basis)  # where there are fewer rows than columns, the rest is orthonormal too
    inside = rows @ basis
    _, vectors = np.linalg.eigh(inside.T @ inside)
    return np.ascontiguousarray((basis @ vectors)[:, : -dim - 1 : -1], np.float32)


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns with the same span, by way of the small Gram matrix: a QR here costs ten times as much."""
    exact = columns.astype(np.float64)
    values, vectors = np.linalg.eigh(exact.T @ exact)
    unit: np.ndarray = exact @ (vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1] + 1e-30)))
    return unit.astype(np.float32)
