"""Projections of embeddings to fewer dimensions."""

import numpy as np

FIT_ROWS = 20_000  # more rows do not change the leading components noticeably


def fit_pca(values: np.ndarray, dim: int) -> np.ndarray:
    """The `dim` principal directions of values (n, width), as the columns of a (width, dim) float32 matrix.

    Pearson 1901; by the eigenvectors of the covariance (width, width), fitted on at most FIT_ROWS evenly spaced rows.
    The mean is not subtracted when projecting: differences of projected vectors do not depend on it.
    """
    step = max(1, len(values) // FIT_ROWS)
    rows = values[::step].astype(np.float32)
    rows -= rows.mean(0)
    _, vectors = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(vectors[:, : -dim - 1 : -1], np.float32)
