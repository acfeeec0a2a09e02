"""The photos nearest to a vector: Annoy's candidates, the tail exactly, and only what is present and passes a filter.

A generation covers the embeddings up to a seq; later ones are the tail and are compared one by one. Without a sound
generation everything is tail. What is present is looked up at query time, so a photo that goes or comes back never
touches Annoy. Where few are allowed, those few are compared exactly; where many are, Annoy is asked for more.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.filters import Filter, present
from indexer.database.store import GenerationRow, KnownModel, Store, Vectors
from indexer.errors import GenerationError
from indexer.search import generations
from indexer.search.generations import Generation
from indexer.vectors import distances as engines


class Candidates(NamedTuple):
    """Photo ids (m,), their values (m, dim) float16, and the engine that proposed them: "annoy" or "exact"."""

    ids: np.ndarray
    values: np.ndarray
    engine: str


class Allowed(NamedTuple):
    """What may be found: mask[id] over photo ids, and the rows (m,) int64 of the generation that hold such photos."""

    mask: np.ndarray
    rows: np.ndarray


NODE_COST = 100  # numbers that are compared exactly while Annoy looks at one node (measured, 128 of 256 and of 1280)


class Searcher:
    """The search state of a library, kept up to date with its database; used in its store's thread."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.generation: Generation | None = None
        self.notice = ""
        self.shown = Allowed(np.zeros(1, bool), np.zeros(0, np.int64))  # what is to be found without a filter
        self.tail = _no_vectors(0)
        self._model = KnownModel(0, "", 0)
        self._tried = 0
        self._seen: tuple[object, ...] = ()
        self._filtered: tuple[Filter, Allowed] | None = None

    # keeping up with the database

    def refresh(self, fingerprint: str, model: KnownModel) -> None:
        """Read again what is present, the tail and the generation, if the database has changed since."""
        database = self.store.database
        version = database.version()
        if (fingerprint, version, database.changes()) == self._seen:
            return
        self.refresh_generation(fingerprint, model)
        self._refresh_tail(model)
        self.shown, self._filtered = self._present(None), None
        self._seen = (fingerprint, version, database.changes())

    def _present(self, within: Filter | None) -> Allowed:
        ids = present(self.store.database, within)
        mask = np.zeros(self.store.last_photo() + 1, bool)  # read after the ids, so that none is beyond
        mask[ids] = True
        rows = np.flatnonzero(mask[self.generation.ids]) if self.generation else np.zeros(0, np.int64)
        return Allowed(mask, rows)

    def allowed(self, within: Filter | None) -> Allowed:
        """What passes the filter and is present, as of the last refresh; the last filter's is remembered."""
        if within is None:
            return self.shown
        if self._filtered is None or self._filtered[0] != within:
            self._filtered = within, self._present(within)
        return self._filtered[1]

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
            self.notice = f"{error}"[:-1] + ": every photo is compared, until the next index run builds it anew."
            return None
        opened.warm()
        if now != identities and not self.store.database.read_only:
            self.store.set_setting(name, now)
        return opened

    def _refresh_tail(self, model: KnownModel) -> None:
        """Add the embeddings that came since; a photo that went is hidden by its mask."""
        if model != self._model:
            self._model, self.tail = model, _no_vectors(model.dim)
        built = self.generation.manifest.built_upto if self.generation else 0
        new = self.store.vectors(model.id, int(self.tail.seqs[-1]) if len(self.tail.seqs) else built)
        if len(new.seqs):
            self.tail = Vectors(*(np.concatenate(pair) for pair in zip(self.tail, new, strict=True)))

    # searching

    def nearest(self, vector: np.ndarray, k: int, allowed: Allowed, *, exact: bool) -> Candidates:
        """Candidates among which are the k allowed photos nearest to the vector (dim,) float32."""
        tail = _closest(self.tail.values, np.flatnonzero(allowed.mask[self.tail.ids]), vector, k)
        found = Candidates(self.tail.ids[tail], self.tail.values[tail], "exact")
        generation = self.generation
        if generation is None:
            return found
        rows = None if exact else _annoy_rows(generation, vector, k, allowed)
        engine = "exact" if rows is None else "annoy"
        if rows is None:
            rows = _closest(generation.values, allowed.rows, vector, k)
        ids = np.concatenate([generation.ids[rows], found.ids])
        return Candidates(ids, np.concatenate([generation.values[rows], found.values]), engine)


def _closest(values: np.ndarray, rows: np.ndarray, vector: np.ndarray, k: int) -> np.ndarray:
    """Those of the rows that hold the k nearest, by looking at all of them."""
    everything = len(rows) == len(values)
    squares = engines.squared_distances(values, vector[None], None if everything else rows)[:, 0]
    nearest: np.ndarray = rows[engines.closest(squares, k)]
    return nearest


def _annoy_rows(generation: Generation, vector: np.ndarray, k: int, allowed: Allowed) -> np.ndarray | None:
    """Annoy's candidates that are allowed, asking for more where most are not; None where exact search costs less.

    Half of the usual number of candidates must be left, not only k: the recall was measured with all of them.
    """
    in_all, wanted = len(generation.ids), generation.candidates_for(k)
    if _few(generation, len(allowed.rows), wanted):
        return None
    effort = math.ceil(in_all / len(allowed.rows))
    while effort * k < in_all:
        near = generation.rows(vector, min(effort * wanted, in_all), effort)
        rows: np.ndarray = near[allowed.mask[generation.ids[near]]]
        if len(rows) >= k and 2 * len(rows) >= min(wanted, in_all):
            return rows
        effort *= 4
    return None


def _few(generation: Generation, allowed: int, wanted: int) -> bool:
    """Whether comparing the allowed rows costs less than Annoy, who must look at more nodes the fewer are allowed."""
    in_all, dim = generation.values.shape
    if 2 * allowed >= in_all > 0:
        return False
    return allowed <= wanted or allowed**2 * dim <= NODE_COST * generation.manifest.search_k * in_all


def _no_vectors(dim: int) -> Vectors:
    return Vectors(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, dim), np.float16))
