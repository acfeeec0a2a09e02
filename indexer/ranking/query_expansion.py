"""Query expansion: the nearest photos of a search, reordered by what they have in common with their neighbours.

Nothing is trained. The query and the nearest photos are projected onto the few directions in which this library's
photos differ most, each is moved towards its own nearest photos, and the photos are ranked again.
docs/letterbox.md has the measurements.
"""

import time
from typing import Unpack

import numpy as np

from indexer.library import Library
from indexer.search.query import Query, SearchLimits
from indexer.search.results import SearchResult
from indexer.vectors.principal_space import PrincipalSpace
from indexer.vectors.projection import MAX_FIT_ROWS
from indexer.vectors.unit_vectors import scale_to_unit_length

POOL_SIZE = 300  # nearest photos that are reordered
EXPANSION_NEIGHBOURS, EXPANSION_POWER = 3, 1.0  # docs/letterbox.md: chosen on three sets
SAME_COSINE = 1 - 1e-6  # from this cosine on, two vectors are of one picture


def search_with_expansion(
    library: Library, query: Query, *, k: int = 50, **limits: Unpack[SearchLimits]
) -> SearchResult:
    """The hits of `Library.search`, the nearest POOL_SIZE of them reordered by query expansion.

    Distances stay the exact ones between embeddings, so they need not ascend.
    """
    start = time.perf_counter()
    nearest = library.find_nearest(query, k=k, pool=POOL_SIZE, **limits)
    rows = np.arange(len(nearest.ids))
    if len(rows) > 1:
        pool_values = nearest.values[:POOL_SIZE]
        rows[:POOL_SIZE] = rank_by_expansion(nearest.vector, pool_values, get_principal_space(library))
    return library.build_result(nearest.select_rows(rows[:k]), start, library.load_calibration())


def get_principal_space(library: Library) -> PrincipalSpace:
    """The principal directions of the library's embeddings, from its cache.

    They are fitted anew for another generation or, before the first one, where photos were added.
    """
    generation, store, model = library.load_generation(), library.store, library.model_id
    if generation is not None:
        generation_key = (library.model_fingerprint, generation.manifest.number)
        return library.principal_space_cache.fit_if_changed(generation_key, lambda: generation.values)
    embeddings_key = (
        library.model_fingerprint,
        store.embeddings.find_last_seq(model),
        store.embeddings.count_embeddings(model),
    )
    return library.principal_space_cache.fit_if_changed(
        embeddings_key, lambda: store.embeddings.read_embeddings(model, 0, None, MAX_FIT_ROWS).values
    )


def rank_by_expansion(vector: np.ndarray, values: np.ndarray, principal_space: PrincipalSpace) -> np.ndarray:
    """Rows (n,) of the embeddings (n, dim), ordered from the most similar to the query (dim,) to the least.

    Alpha query expansion (Radenovic, Tolias, Chum 2019, "Fine-tuning CNN image retrieval with no human annotation"),
    on both sides: query and photos become the sum of themselves and their nearest, weighted by powers of the cosine.
    """
    photos, query = principal_space.project(values), principal_space.project(vector[None])
    photos = _expand_queries(photos, photos)
    query = _expand_queries(query, photos)
    return np.argsort(-(photos @ query[0]), kind="stable")


def _expand_queries(queries: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Each query (m, d) plus its EXPANSION_NEIGHBOURS nearest photos (n, d), itself left out, scaled to unit length."""
    cosines = queries @ photos.T
    cosines[cosines > SAME_COSINE] = 0
    count = min(EXPANSION_NEIGHBOURS, cosines.shape[1])
    rows = np.argpartition(cosines, -count, axis=1)[:, -count:]
    weights = np.maximum(np.take_along_axis(cosines, rows, axis=1), 0) ** EXPANSION_POWER
    return scale_to_unit_length(queries + np.einsum("qk,qkd->qd", weights, photos[rows]), np.float32)
