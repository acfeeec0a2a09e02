"""The photos nearest to a vector: Annoy's candidates, the tail exactly, and only what is shown.

A generation covers the embeddings up to a seq; later ones are the tail and are compared one by one. Without a sound
generation everything is tail. What is shown is looked up at query time, so a photo that goes or comes back never
touches Annoy.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer import engines, generations
from indexer.errors import GenerationError
from indexer.generations import Generation
from indexer.store import GenerationRow, KnownModel, Store, Vectors


class Candidates(NamedTuple):
    """Photo ids (m,), their values (m, dim) float16, and the engine that proposed them: "annoy" or "exact"."""

    ids: np.ndarray
    values: np.ndarray
    engine: str


class Searcher:
    """The search state of a library, kept up to date with its database; used in its store's thread."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.generation: Generation | None = None
        self.notice = ""
        self.shown: np.ndarray = np.zeros(1, bool)  # shown[id] is whether the photo is to be found
        self.tail = _no_vectors(0)
        self._model = KnownModel(0, "", 0)
        self._tried = 0
        self._seen: tuple[object, ...] = ()

    # keeping up with the database

    def refresh(self, fingerprint: str, model: KnownModel) -> None:
        """Read again what is shown, the tail and the generation, if the database has changed since."""
        database = self.store.database
        version = database.version()
        if (fingerprint, version, database.changes()) == self._seen:
            return
        self.refresh_generation(fingerprint, model)
        self._refresh_tail(model)
        ids = self.store.shown_ids(model.id)
        self.shown = np.zeros(self.store.last_photo() + 1, bool)
        self.shown[ids] = True
        self._seen = (fingerprint, version, database.changes())

    def refresh_generation(self, fingerprint: str, model: KnownModel) -> None:
        """Open the newest generation of the model, once verified; none where it is damaged."""
        row = self.store.generation(model.id)
        number = row.number if row else 0
        if number == self._tried:
            return
        self._tried, self.notice, self.tail = number, "", _no_vectors(model.dim)
        self.generation = self._verified(row, fingerprint) if row else None

    def _verified(self, row: GenerationRow, fingerprint: str) -> Generation | None:
        """The generation, its files hashed unless an earlier opening did; None with a notice where it is damaged."""
        name = f"verified {row.number}"
        known = self.store.setting(name)
        identities = known if isinstance(known, dict) else {}
        try:
            opened, now = generations.open_verified(self.folder, row, fingerprint, identities)
        except GenerationError as error:
            self.notice = f"{error} Searching every photo exactly; the next index run builds it anew."
            return None
        if now != identities and not self.store.database.read_only:
            self.store.set_setting(name, now)
        return opened

    def _refresh_tail(self, model: KnownModel) -> None:
        """Add the embeddings that came since; a photo that went is hidden by `shown`."""
        if model != self._model:
            self._model, self.tail = model, _no_vectors(model.dim)
        built = self.generation.manifest.built_upto if self.generation else 0
        new = self.store.vectors(model.id, int(self.tail.seqs[-1]) if len(self.tail.seqs) else built)
        if len(new.seqs):
            self.tail = Vectors(*(np.concatenate(pair) for pair in zip(self.tail, new, strict=True)))

    # searching

    def nearest(self, vector: np.ndarray, k: int, *, exact: bool) -> Candidates:
        """Candidates among which are the k shown photos nearest to the vector (dim,) float32."""
        tail = self._closest(self.tail.ids, self.tail.values, vector, k)
        found = Candidates(self.tail.ids[tail], self.tail.values[tail], "exact")
        generation = self.generation
        if generation is None:
            return found
        rows = None if exact else self._annoy_rows(generation, vector, k)
        engine = "exact" if rows is None else "annoy"
        if rows is None:
            rows = self._closest(generation.ids, generation.values, vector, k)
        ids = np.concatenate([generation.ids[rows], found.ids])
        return Candidates(ids, np.concatenate([generation.values[rows], found.values]), engine)

    def _closest(self, ids: np.ndarray, values: np.ndarray, vector: np.ndarray, k: int) -> np.ndarray:
        """Rows that hold the k nearest shown photos, by looking at all."""
        squares = engines.squared_distances(values, vector[None])[:, 0]
        squares[~self.shown[ids]] = np.inf
        return engines.closest(squares, k)

    def _annoy_rows(self, generation: Generation, vector: np.ndarray, k: int) -> np.ndarray | None:
        """Annoy's candidates that are shown, asking for more where most are hidden; None when that takes them all.

        Half of the usual number of candidates must be left, not only k: the recall was measured with all of them.
        """
        rows_in_all, effort = len(generation.ids), 1
        wanted = min(generations.candidates_for(k), rows_in_all)
        while effort * k < rows_in_all:
            near = generation.candidates(vector, effort * wanted, effort)
            rows: np.ndarray = near[self.shown[generation.ids[near]]]
            if len(rows) >= k and 2 * len(rows) >= wanted:
                return rows
            effort *= 4
        return None


def _no_vectors(dim: int) -> Vectors:
    return Vectors(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, dim), np.float16))
