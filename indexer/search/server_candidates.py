"""Candidates that the server of a shared library proposes, where this computer has no search files of its own."""

from typing import NamedTuple

import numpy as np

from indexer.database.embedding_table import StoredEmbeddings
from indexer.database.filters import Filter
from indexer.database.interface import Database
from indexer.database.postgresql.vector_index import (
    INDEXED_ROWS,
    NearRequest,
    VectorIndex,
    choose_effort,
    find_near,
    read_vector_index,
)


class AllowedPhotos(NamedTuple):
    """Mask over photo ids that may be found, bool (last id + 1,), and their rows (m,) int64 in the generation.

    They are those that pass the filter `within`.
    """

    mask: np.ndarray
    rows: np.ndarray
    within: Filter | None = None


class ServerCandidates:
    """The index of one model on the server; used in its database's thread."""

    def __init__(self, database: Database, index: VectorIndex) -> None:
        self._database = database
        self.index = index

    def find(
        self, vector: np.ndarray, count: int, allowed: AllowedPhotos, *, exact: bool
    ) -> tuple[StoredEmbeddings, str]:
        """Embeddings of allowed photos among which the nearest are, and the engine that proposed them.

        With `exact`, and where few are allowed or the index gives too few, all are compared.
        """
        passing = int(np.count_nonzero(allowed.mask))
        effort = 0 if exact else choose_effort(self.index, passing)
        if effort:
            found = self._find_allowed(vector, count, allowed, effort)
            if len(found.ids) >= min(count, passing):
                return found, "pgvector"
        return self._find_allowed(vector, count, allowed, 0), "exact"

    def _find_allowed(self, vector: np.ndarray, count: int, allowed: AllowedPhotos, effort: int) -> StoredEmbeddings:
        found = find_near(self._database, self.index, NearRequest(vector, count, allowed.within, effort))
        rows = found.ids < len(allowed.mask)
        rows[rows] = allowed.mask[found.ids[rows]]
        return StoredEmbeddings(found.seqs[rows], found.ids[rows], found.values[rows])


def find_server_candidates(database: Database, model: int) -> ServerCandidates | None:
    """The server's index of a model, None where there is none or the photos are few."""
    index = read_vector_index(database, model) if database.is_shared else None
    return ServerCandidates(database, index) if index is not None and index.rows >= INDEXED_ROWS else None
