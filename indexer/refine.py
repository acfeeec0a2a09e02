"""A second look at what a search has found: what those nearest have in common counts more.

Nothing is trained. The nearest photos are compared once more in the few directions in which this library's photos
differ most, each one moved towards its own nearest, the query too. docs/zero-shot.md has the measurements.
"""

import time
from typing import NamedTuple

import numpy as np

from indexer.filters import Filter
from indexer.library import Library, SearchResult
from indexer.projection import FIT_ROWS, fit_pca
from indexer.query import Query, combine

POOL = 300  # photos that are looked at again
DIMS, NEAREST, ALPHA = 64, 3, 3.0  # docs/zero-shot.md: chosen on drawings, checked on photographs
SAME = 1 - 1e-6  # a cosine from which on two are one picture


class Space(NamedTuple):
    """The leading principal directions (dim, DIMS) of a library's embeddings about their mean (dim,), float32."""

    mean: np.ndarray
    basis: np.ndarray

    def project(self, values: np.ndarray) -> np.ndarray:
        """Unit vectors (n, DIMS) of embeddings (n, dim)."""
        rows = (values.astype(np.float32) - self.mean) @ self.basis
        return _unit(rows)


def search(
    library: Library,
    query: Query,
    *,
    k: int = 50,
    exact: bool = False,
    within: Filter | None = None,
    max_distance: float | None = None,
) -> SearchResult:
    """As `Library.search`, with the nearest POOL photos in the order of a second look.

    Distances stay those of the embeddings, exact, so they need not ascend any more.
    """
    start = time.perf_counter()
    found = library.search(query, k=max(k, POOL), exact=exact, within=within, max_distance=max_distance)
    near, rest = found.hits[:POOL], found.hits[POOL:]
    if len(near) > 1:
        positives, negatives = ([library.vector(one) for one in part] for part in query[:2])
        values = np.stack([library.vector(hit.photo.id) for hit in near])
        best = order(combine(positives, negatives, query.weights), values, space(library))
        near = [near[row] for row in best.tolist()]
    hits = [hit._replace(rank=rank) for rank, hit in enumerate((near + rest)[:k], 1)]
    return found._replace(hits=hits, seconds=time.perf_counter() - start)


def space(library: Library) -> Space:
    """The library's own directions, from at most FIT_ROWS of its embeddings."""
    generation = library.generation()
    if generation is not None:
        values = generation.values[:: max(1, len(generation.values) // FIT_ROWS)].astype(np.float32)
    else:
        values = library.store.vectors(library.model_id, 0, None, FIT_ROWS).values.astype(np.float32)
    return fit(values)


def fit(values: np.ndarray) -> Space:
    """The leading directions of embeddings (n, dim)."""
    return Space(values.mean(axis=0), fit_pca(values, min(DIMS, values.shape[1])))


def order(vector: np.ndarray, values: np.ndarray, within: Space) -> np.ndarray:
    """Rows (n,) of embeddings (n, dim) from the likest to the query (dim,) to the least.

    Alpha query expansion (Radenovic, Tolias, Chum 2019, "Fine-tuning CNN image retrieval with no human annotation"),
    on both sides: query and photos become the sum of themselves and their nearest, weighted by powers of the cosine.
    """
    photos, query = within.project(values), within.project(vector[None])
    photos = _expanded(photos, photos)
    query = _expanded(query, photos)
    return np.argsort(-(photos @ query[0]), kind="stable")


def _expanded(queries: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Each query (m, DIMS) with its NEAREST photos (n, DIMS) added, but itself."""
    cosines = queries @ photos.T
    cosines[cosines > SAME] = 0
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    weights = np.maximum(np.take_along_axis(cosines, rows, axis=1), 0) ** ALPHA
    return _unit(queries + np.einsum("qk,qkd->qd", weights, photos[rows]))


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
