"""The photos nearest to a vector: Annoy's candidates, the tail exactly, and only what is present and passes a filter.

A generation covers the embeddings up to a seq; later ones are the tail and are compared one by one. Without a sound
generation everything is tail. What is present is looked up at query time, so Annoy's index need not change when a photo
goes or comes back. Where few photos are allowed, those are compared exactly; where many are, Annoy is asked for more
candidates.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.embedding_table import StoredEmbeddings
from indexer.database.filters import Filter
from indexer.database.interface import DatabaseState
from indexer.database.model_table import GenerationRow, KnownModel
from indexer.database.store import Store
from indexer.errors import GenerationError
from indexer.search import generations
from indexer.search.allowed_photos import AllowedPhotos
from indexer.search.generations import Generation, has_generation
from indexer.search.server_candidates import ServerCandidates, find_server_candidates
from indexer.vectors.class_metric import ClassMetric, MetricNorm, compute_metric_distances, compute_metric_squares
from indexer.vectors.distances import compute_exact_distances, compute_squared_distances, find_closest_rows
from indexer.vectors.recall import NODE_COST


class SearchCandidates(NamedTuple):
    """Photo ids (m,), their values (m, dim) float16, and the engine that proposed them.

    "annoy", "pgvector", or "exact" where all were compared.
    """

    ids: np.ndarray
    values: np.ndarray
    engine: str


class QueryNeighbours(NamedTuple):
    """The photos nearest to a query's vector (dim,) float32, and the engine that proposed them.

    In the order of (distance, id): ids (n,), values (n, dim) float16 and exact distances (n,). `from_pool` where a
    class metric ranked only those that are near without it.
    """

    vector: np.ndarray
    ids: np.ndarray
    values: np.ndarray
    distances: np.ndarray
    engine: str
    from_pool: bool = False

    def select_rows(self, rows: np.ndarray) -> "QueryNeighbours":
        """The photos of these rows (m,), in their order."""
        return self._replace(ids=self.ids[rows], values=self.values[rows], distances=self.distances[rows])


class MetricQuery(NamedTuple):
    """A query's vector (dim,) float32 without a class metric, its vector (dim,) under it, the metric and its norm."""

    vector: np.ndarray
    mapped: np.ndarray
    metric: ClassMetric
    norm: MetricNorm

    def propose_rows(self, values: np.ndarray, k: int, rows: np.ndarray | None = None) -> np.ndarray:
        """Places (m,) in `rows` (n,), or in all values (n, dim), of the k nearest under the metric and all as near."""
        return find_closest_rows(compute_metric_squares(values, self.mapped, (self.metric, self.norm), rows), k)


METRIC_POOL = 10_000  # photos that are compared under a class metric: a fraction of a second


class LibrarySearcher:
    """The generation, tail and present photos of a library, kept up to date with its database.

    Used in its store's thread. `notice` is a sentence where the generation is damaged, else empty.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.generation: Generation | None = None
        self.server_candidates: ServerCandidates | None = None  # in place of a generation
        self.notice = ""
        self.unfiltered_photos = self._allow_photos(None)
        self._read_tail = _make_empty_vectors(0)
        self._is_tail_read = False  # up to the last refresh
        self._model = self._kept_model = KnownModel(0, "", 0)
        self._tried_generation = 0
        self._database_state: DatabaseState | None = None
        self._cached_filter: tuple[Filter, AllowedPhotos] | None = None

    @property
    def recall_at_10(self) -> float:
        """The measured recall of what proposes candidates, 1 where every photo is compared."""
        if self.server_candidates is not None:
            return self.server_candidates.index.recall_at_10
        return self.generation.manifest.recall_at_10 if self.generation else 1.0

    # keeping up with the database

    def refresh(self, fingerprint: str, model: KnownModel) -> None:
        """Read generation, tail and present photos again, if the database has changed since the last call."""
        database = self.store.database
        state = database.read_state(fingerprint)
        if state == self._database_state:
            return
        self.refresh_generation(fingerprint, model)
        self._refresh_server_candidates(model)
        if model != self._model:
            self._empty_tail(model)
        self._model, self._is_tail_read = model, False
        self.unfiltered_photos, self._cached_filter = self._allow_photos(None), None
        if not database.is_shared:
            self._refresh_tail()
            _ = self.unfiltered_photos.mask
        self._database_state = database.accept_own_changes(state)

    def _allow_photos(self, within: Filter | None) -> AllowedPhotos:
        ids = self.generation.ids if self.generation else np.zeros(0, np.int64)
        return AllowedPhotos(self.store.database, within, ids)

    def find_allowed_photos(self, within: Filter | None) -> AllowedPhotos:
        """The photos that are present and pass the filter, as of the last refresh; cached for the last filter."""
        if within is None:
            return self.unfiltered_photos
        if self._cached_filter is None or self._cached_filter[0] != within:
            self._cached_filter = within, self._allow_photos(within)
        return self._cached_filter[1]

    def refresh_generation(self, fingerprint: str, model: KnownModel) -> None:
        """Open the model's newest generation, if it is a new one; `generation` is None where none is sound."""
        row = self._find_generation(model.id)
        number = row.number if row else 0
        if number == self._tried_generation:
            return
        self._tried_generation, self.notice = number, ""
        self._empty_tail(model)
        self.generation = self._open_generation(row, fingerprint) if row else None

    def _refresh_server_candidates(self, model: KnownModel) -> None:
        """Ask the server for candidates, where it has the vectors and this computer has none of its own."""
        is_wanted = self.generation is None and self._kept_model != model
        start_before = self._find_tail_start()
        self.server_candidates = find_server_candidates(self.store.database, model.id) if is_wanted else None
        if self._find_tail_start() != start_before:
            self._empty_tail(model)

    def _find_generation(self, model: int) -> GenerationRow | None:
        """The newest generation; None where it is a shared library's and its files are on another computer."""
        row = self.store.models.find_generation(model)
        is_elsewhere = row and self.store.database.is_shared and not has_generation(self.folder, row.number)
        return None if is_elsewhere else row

    def _open_generation(self, row: GenerationRow, fingerprint: str) -> Generation | None:
        """The verified generation; None, with a notice, where it is damaged. Files once hashed are not hashed again."""
        name = f"verified {row.number}"
        stored_identities = self.store.models.read_setting(name)
        identities = stored_identities if isinstance(stored_identities, dict) else {}
        try:
            opened, current_identities = generations.open_verified_generation(self.folder, row, fingerprint, identities)
        except GenerationError as error:
            self.notice = f"{error}"[:-1] + ": every photo is compared, until the next index run builds it anew."
            return None
        if opened.lacks_annoy:
            self.notice = "Annoy is not installed: every photo is compared. To search faster: pip install annoy"
        opened.preload_files()
        if current_identities != identities:
            self.store.models.keep_setting(name, current_identities)
        return opened

    def _keep_few_vectors(self) -> None:
        """Bring all embeddings here where they are few: the server knows no class metric."""
        if self.server_candidates is not None and self.server_candidates.index.rows <= METRIC_POOL:
            self._kept_model, self.server_candidates = self._model, None
            self._empty_tail(self._model)

    @property
    def tail(self) -> StoredEmbeddings:
        """The embeddings outside of what proposes candidates, as of the last refresh or later.

        Those of a shared library are brought here when they are first asked for.
        """
        if not self._is_tail_read:
            self._refresh_tail()
        return self._read_tail

    def count_tail(self) -> int:
        """The number of embeddings in the tail; reads none."""
        if self._is_tail_read:
            return len(self._read_tail.ids)
        return self.store.embeddings.count_embeddings(self._model.id, self._find_tail_start())

    def _empty_tail(self, model: KnownModel) -> None:
        self._read_tail, self._is_tail_read = _make_empty_vectors(model.dim), False

    def _find_tail_start(self) -> int:
        """The seq behind which the tail begins."""
        if self.server_candidates is not None:
            return self.server_candidates.index.upto
        return self.generation.manifest.built_upto if self.generation else 0

    def _refresh_tail(self) -> None:
        """Append the embeddings committed since the last call; those of gone photos stay, and are not allowed."""
        read = self._read_tail
        above = int(read.seqs[-1]) if len(read.seqs) else self._find_tail_start()
        new_vectors = self.store.embeddings.read_embeddings(self._model.id, above)
        if len(new_vectors.seqs):
            self._read_tail = StoredEmbeddings(*(np.concatenate(pair) for pair in zip(read, new_vectors, strict=True)))
        self._is_tail_read = True

    # searching

    def rank_nearest(
        self,
        vector: np.ndarray,
        k: int,
        allowed: AllowedPhotos,
        *,
        exact: bool,
        pool: int = 0,
        max_distance: float | None = None,
    ) -> QueryNeighbours:
        """The k allowed photos nearest to the vector (dim,) float32, of those at most `max_distance` away.

        Where `pool` is more than k, the next ones up to that number come with them, from the same candidates.
        """
        ids, values, engine = self.find_nearest(vector, k, allowed, exact=exact, pool=pool)
        distances = compute_exact_distances(values, vector)
        rows = np.lexsort((ids, distances))[: max(k, pool)]
        if max_distance is not None:
            rows = rows[distances[rows] <= max_distance]
        return QueryNeighbours(vector, ids, values, distances, engine).select_rows(rows)

    def find_nearest(
        self, vector: np.ndarray, k: int, allowed: AllowedPhotos, *, exact: bool, pool: int = 0
    ) -> SearchCandidates:
        """Candidates for the k allowed photos nearest to the vector (dim,) float32; with `exact` they hold all k.

        Of a `pool` of more than k there are all with `exact`, else at least half.
        """
        count = max(k, pool)
        tail = self.tail
        tail_rows = _find_nearest_exactly(tail.values, np.flatnonzero(allowed.contain(tail.ids)), vector, count)
        tail_candidates = SearchCandidates(tail.ids[tail_rows], tail.values[tail_rows], "exact")
        if self.server_candidates is not None:
            found, engine = self.server_candidates.find(vector, count, allowed, exact=exact)
            ids = np.concatenate([found.ids, tail_candidates.ids])
            return SearchCandidates(ids, np.concatenate([found.values, tail_candidates.values]), engine)
        generation = self.generation
        if generation is None:
            return tail_candidates
        rows = None if exact or generation.is_exact else _find_annoy_rows(generation, vector, k, allowed, pool)
        engine = "exact" if rows is None else "annoy"
        if rows is None:
            rows = _find_nearest_exactly(generation.values, allowed.rows, vector, count)
        ids = np.concatenate([generation.ids[rows], tail_candidates.ids])
        return SearchCandidates(ids, np.concatenate([generation.values[rows], tail_candidates.values]), engine)

    def rank_by_metric(
        self,
        query: MetricQuery,
        k: int,
        allowed: AllowedPhotos,
        *,
        exact: bool,
        max_distance: float | None = None,
    ) -> QueryNeighbours:
        """The k allowed photos nearest to the query under a class metric, of those at most `max_distance` away.

        All are compared where they are at most METRIC_POOL or with `exact`, else the METRIC_POOL nearest without it.
        """
        is_pool = not exact and allowed.count > METRIC_POOL
        if not is_pool:
            ids, values, engine = self._find_nearest_by_metric(query, k, allowed)
        else:
            ids, values, engine = self.find_nearest(query.vector, k, allowed, exact=False, pool=METRIC_POOL)
            rows = query.propose_rows(values, k)
            ids, values = ids[rows], values[rows]
        distances = compute_metric_distances(values, query.mapped, query.metric)
        rows = np.lexsort((ids, distances))[:k]
        if max_distance is not None:
            rows = rows[distances[rows] <= max_distance]
        return QueryNeighbours(query.vector, ids, values, distances, engine, is_pool).select_rows(rows)

    def _find_nearest_by_metric(self, query: MetricQuery, k: int, allowed: AllowedPhotos) -> SearchCandidates:
        """The k allowed photos nearest under the metric, in any order, by comparing all."""
        self._keep_few_vectors()
        tail = self.tail
        parts = [(tail.ids, tail.values, np.flatnonzero(allowed.contain(tail.ids)))]
        if self.generation is not None:
            parts.append((self.generation.ids, self.generation.values, allowed.rows))
        if self.server_candidates is not None:
            found, _ = self.server_candidates.find(query.vector, allowed.count, allowed, exact=True)
            parts.append((found.ids, found.values, np.arange(len(found.ids))))
        ids, values = [], []
        for part_ids, part_values, rows in parts:
            nearest = rows[query.propose_rows(part_values, k, rows)]
            ids.append(part_ids[nearest])
            values.append(part_values[nearest])
        return SearchCandidates(np.concatenate(ids), np.concatenate(values), "exact")


def _find_nearest_exactly(values: np.ndarray, rows: np.ndarray, vector: np.ndarray, k: int) -> np.ndarray:
    """Those of `rows` (m,) whose values are the k nearest to the vector, by comparing all of them."""
    uses_all_rows = len(rows) == len(values)
    squares = compute_squared_distances(values, vector[None], None if uses_all_rows else rows)[:, 0]
    nearest: np.ndarray = rows[find_closest_rows(squares, k)]
    return nearest


def _find_annoy_rows(
    generation: Generation, vector: np.ndarray, k: int, allowed: AllowedPhotos, pool: int
) -> np.ndarray | None:
    """Rows of Annoy's candidates that are allowed, from as many as it takes; None where exact search costs less.

    Half of the usual number of candidates must remain, not only k: the recall was measured with all of them.
    """
    row_count, candidate_count = len(generation.ids), max(generation.count_candidates(k), pool)
    if _is_exact_cheaper(generation, len(allowed.rows), candidate_count):
        return None
    effort = math.ceil(row_count / len(allowed.rows))
    while effort * k < row_count:
        candidate_rows = generation.find_candidate_rows(vector, min(effort * candidate_count, row_count), effort)
        allowed_rows: np.ndarray = candidate_rows[allowed.mask[generation.ids[candidate_rows]]]
        if len(allowed_rows) >= k and 2 * len(allowed_rows) >= min(candidate_count, row_count):
            return allowed_rows
        effort *= 4
    return None


def _is_exact_cheaper(generation: Generation, allowed_count: int, candidate_count: int) -> bool:
    """Whether comparing the allowed rows costs less than Annoy, which visits more nodes the fewer rows are allowed."""
    row_count, dim = generation.values.shape
    if 2 * allowed_count >= row_count > 0:
        return False
    return (
        allowed_count <= candidate_count
        or allowed_count**2 * dim <= NODE_COST * generation.manifest.search_k * row_count
    )


def _make_empty_vectors(dim: int) -> StoredEmbeddings:
    return StoredEmbeddings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, dim), np.float16))
