"""The few directions in which a library's photos differ most, kept in memory while its photos stay the same."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.vectors.projection import FIT_ROWS, fit_pca

DIMS = 64  # docs/zero-shot.md: chosen on drawings, checked on photographs


class Space(NamedTuple):
    """The leading principal directions (dim, DIMS) of a library's embeddings about their mean (dim,), float32."""

    mean: np.ndarray
    basis: np.ndarray

    def project(self, values: np.ndarray) -> np.ndarray:
        """Unit vectors (n, DIMS) of embeddings (n, dim)."""
        return unit((values.astype(np.float32) - self.mean) @ self.basis)


class Directions:
    """The last space that was fitted, and of what: one only, as a library has one active model."""

    def __init__(self) -> None:
        self._of: object = None
        self._space: Space | None = None

    def of(self, what: object, values: Callable[[], np.ndarray]) -> Space:
        """The space of embeddings (n, dim); they are read and fitted only where `what` says that they are others."""
        if self._space is None or what != self._of:
            self._of, self._space = what, fit(values())
        return self._space


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows (n, dim) at unit length, float32; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def fit(values: np.ndarray) -> Space:
    """The leading directions of embeddings (n, dim), from at most FIT_ROWS of them, evenly spaced."""
    rows = values[:: max(1, -(-len(values) // FIT_ROWS))].astype(np.float32)
    return Space(rows.mean(axis=0), fit_pca(rows, min(DIMS, rows.shape[1])))
