"""A second look at what a search has found: what those nearest have in common counts more.

Nothing is trained. The nearest photos are compared once more in the few directions in which this library's photos
differ most, each one moved towards its own nearest, the query too. docs/zero-shot.md has the measurements.
"""

import time

import numpy as np

from indexer.database.filters import Filter
from indexer.library import Library, SearchResult
from indexer.search.query import Query, combine
from indexer.vectors.principal_space import Space, unit
from indexer.vectors.projection import FIT_ROWS

POOL = 300  # photos that are looked at again
NEAREST, ALPHA = 3, 3.0  # docs/zero-shot.md: chosen on drawings, checked on photographs
SAME = 1 - 1e-6  # a cosine from which on two are one picture


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
    """The library's own directions; fitted anew for another generation or, before the first, for more photos."""
    generation, store, model = library.generation(), library.store, library.model_id
    if generation is not None:
        published = (library.fingerprint, generation.manifest.number)
        return library.directions.of(published, lambda: generation.values)
    growing = (library.fingerprint, store.last_seq(model), store.count_embeddings(model))
    return library.directions.of(growing, lambda: store.vectors(model, 0, None, FIT_ROWS).values)


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
    return unit(queries + np.einsum("qk,qkd->qd", weights, photos[rows]))
