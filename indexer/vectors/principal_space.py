"""The few directions in which a library's photos differ most, kept in memory while its photos stay the same."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.vectors.projection import MAX_FIT_ROWS, fit_pca

PRINCIPAL_DIMS = 64  # docs/zero-shot.md: chosen on drawings, checked on photographs


class PrincipalSpace(NamedTuple):
    """The leading principal directions (dim, DIMS) of a library's embeddings about their mean (dim,), float32."""

    mean: np.ndarray
    basis: np.ndarray

    def project(self, values: np.ndarray) -> np.ndarray:
        """Unit vectors (n, DIMS) of embeddings (n, dim)."""
        return scale_to_unit_length((values.astype(np.float32) - self.mean) @ self.basis)


class PrincipalSpaceCache:
    """The last space that was fitted, and of what: one only, as a library has one active model."""

    def __init__(self) -> None:
        self._fitted_on: object = None
        self._space: PrincipalSpace | None = None

    def fit_if_changed(self, state: object, read_embeddings: Callable[[], np.ndarray]) -> PrincipalSpace:
        """The space of embeddings (n, dim); they are read and fitted only where `what` says that they are others."""
        if self._space is None or state != self._fitted_on:
            self._fitted_on, self._space = state, fit_principal_space(read_embeddings())
        return self._space


def scale_to_unit_length(rows: np.ndarray) -> np.ndarray:
    """Rows (n, dim) at unit length, float32; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def fit_principal_space(values: np.ndarray) -> PrincipalSpace:
    """The leading directions of embeddings (n, dim), from at most FIT_ROWS of them, evenly spaced."""
    rows = values[:: max(1, -(-len(values) // MAX_FIT_ROWS))].astype(np.float32)
    return PrincipalSpace(rows.mean(axis=0), fit_pca(rows, min(PRINCIPAL_DIMS, rows.shape[1])))
