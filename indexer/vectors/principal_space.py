"""The few directions in which a library's photos differ most, fitted once and kept while its photos stay the same."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.vectors.projection import MAX_FIT_ROWS, fit_pca
from indexer.vectors.unit_vectors import scale_to_unit_length

PRINCIPAL_DIMS = 64  # docs/zero-shot.md: chosen on drawings, checked on photographs


class PrincipalSpace(NamedTuple):
    """The mean (dim,) of a library's embeddings and their leading principal directions `basis` (dim, d), float32.

    d is PRINCIPAL_DIMS, or the embeddings' own dimension where that is smaller.
    """

    mean: np.ndarray
    basis: np.ndarray

    def project(self, values: np.ndarray) -> np.ndarray:
        """Embeddings (n, dim) along the principal directions, as unit vectors (n, d) float32."""
        return scale_to_unit_length(values.astype(np.float32) @ self.basis - self.mean @ self.basis, np.float32)


class PrincipalSpaceCache:
    """The last space that was fitted, and the state of the library then; one, as a library has one active model."""

    def __init__(self) -> None:
        self._fitted_on: object = None
        self._space: PrincipalSpace | None = None

    def fit_if_changed(self, state: object, read_embeddings: Callable[[], np.ndarray]) -> PrincipalSpace:
        """The space of embeddings (n, dim), which are read and fitted only where `state` has changed since."""
        if self._space is None or state != self._fitted_on:
            self._fitted_on, self._space = state, fit_principal_space(read_embeddings())
        return self._space


def fit_principal_space(values: np.ndarray) -> PrincipalSpace:
    """The principal space of embeddings (n, dim), fitted on at most MAX_FIT_ROWS of them, evenly spaced."""
    rows = values[:: max(1, -(-len(values) // MAX_FIT_ROWS))].astype(np.float32)
    return PrincipalSpace(rows.mean(axis=0), fit_pca(rows, min(PRINCIPAL_DIMS, rows.shape[1])))
