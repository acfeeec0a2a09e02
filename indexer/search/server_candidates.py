"""Candidates that the server of a shared library proposes, where this computer has no search files of its own."""

import numpy as np

from indexer.database.embedding_table import StoredEmbeddings
from indexer.database.interface import Database
from indexer.database.postgresql.vector_index import (
    COPIED_ROWS,
    NearRequest,
    VectorIndex,
    choose_effort,
    find_near,
    read_vector_index,
)
from indexer.search.allowed_photos import AllowedPhotos


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
        within = allowed.within
        is_wanted = not exact and any(self.index.efforts)
        effort = choose_effort(self.index, self.index.rows if within is None else allowed.count) if is_wanted else 0
        if effort:
            found = find_near(self._database, self.index, NearRequest(vector, count, within, effort))
            if len(found.ids) >= count:
                return found, "pgvector"
        return find_near(self._database, self.index, NearRequest(vector, count, within)), "exact"


def find_server_candidates(database: Database, model: int) -> ServerCandidates | None:
    """The server's index of a model, None where there is none or the photos are few."""
    index = read_vector_index(database, model) if database.is_shared else None
    return ServerCandidates(database, index) if index is not None and index.rows >= COPIED_ROWS else None
