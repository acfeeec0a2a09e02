"""The labelled photos of a library as what others are compared with: the nearest of them, and their vote.

Embeddings are read in pieces, so that a library of any size fits; all distances are exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from indexer.library import Library

PIECE = 8192  # embeddings read at once
SCARCE = 10  # one photo in so many has a label: then each is fetched by itself, which takes ten times as long
KEPT = 64  # nearest photos kept for a vote and the winner's distance
NEAREST = 3  # photos of a label whose mean distance counts: one may be an odd one


class Winners(NamedTuple):
    """For each picture the code (q,) of the label voted for, and its mean distance (q,) to the nearest of it."""

    codes: np.ndarray
    distances: np.ndarray


class Vote(NamedTuple):
    """A label's code, its share of the vote, and the mean distance of the nearest of it, three at most."""

    code: int
    share: float
    distance: float


class Nearest(NamedTuple):
    """Label codes (q, m) and distances (q, m) of the nearest photos, ascending; infinite where there are no more."""

    codes: np.ndarray
    distances: np.ndarray

    def votes(self, row: int, k: int) -> list[Vote]:
        """The vote of one picture's k nearest, the winner first: the nearest counts 1, the furthest next to nothing.

        Dudani 1976, "The distance-weighted k-nearest-neighbor rule", equation 1, with place k + 1 for the zero.
        """
        there = np.isfinite(self.distances[row])
        codes, distances = self.codes[row][there], self.distances[row][there]
        if not len(codes):
            return []
        far = distances[min(k, len(distances) - 1)]
        span = far - distances[0]
        weights = (far - distances[:k]) / span if span > 0 else np.ones(len(distances[:k]))
        shares = np.bincount(codes[:k], weights) / weights.sum()
        order = sorted(dict.fromkeys(codes[:k].tolist()), key=lambda code: -shares[code])  # ties: the nearer first
        return [Vote(code, float(shares[code]), float(distances[codes == code][:NEAREST].mean())) for code in order]

    def winners(self, k: int) -> Winners:
        """The label that each picture's k nearest vote for; code -1 at infinity where there is nothing near."""
        first = [(self.votes(row, k) or [Vote(-1, 0.0, np.inf)])[0] for row in range(len(self.codes))]
        return Winners(np.array([vote.code for vote in first], np.int64), np.array([vote.distance for vote in first]))


class Gallery(NamedTuple):
    """Labelled photos: ids (n,) ascending, label codes (n,), the labels' names, and the library that holds them."""

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]
    library: Library

    @classmethod
    def of(cls, library: Library) -> "Gallery":
        """All labelled photos of a library that are shown, what the model was trained on included."""
        labels = sorted(library.annotations.labels(library.model_id).items())
        names = sorted({label for _, label in labels})
        at = {name: code for code, name in enumerate(names)}
        ids = np.array([photo for photo, _ in labels], np.int64)
        return cls(ids, np.array([at[label] for _, label in labels], np.int64), names, library)

    def only(self, code: int) -> "Gallery":
        """The photos of one label."""
        kept = self.codes == code
        return self._replace(ids=self.ids[kept], codes=self.codes[kept])

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Embeddings (n, dim) float32 of these rows."""
        return self.library.evidence.vectors(self.ids[rows], self.library.model_id)

    def nearest(
        self, vectors: np.ndarray, count: int = KEPT, *, leave_out: np.ndarray, but: np.ndarray | None = None
    ) -> Nearest:
        """The nearest photos of each vector (q, dim), none of them the photo `leave_out` (q,) or of the label `but`."""
        codes = np.full((len(vectors), count), -1, np.int64)
        distances = np.full((len(vectors), count), np.inf)
        for piece, embeddings in self._pieces():
            squares = _squares(vectors, embeddings)
            squares[leave_out[:, None] == self.ids[piece]] = np.inf
            if but is not None:
                squares[but[:, None] == self.codes[piece]] = np.inf
            both = np.concatenate([distances, np.sqrt(squares)], axis=1)
            all_codes = np.concatenate([codes, np.broadcast_to(self.codes[piece], squares.shape)], axis=1)
            near = np.argpartition(both, count - 1, axis=1)[:, :count]
            near = np.take_along_axis(near, np.argsort(np.take_along_axis(both, near, 1), axis=1, kind="stable"), 1)
            codes, distances = np.take_along_axis(all_codes, near, 1), np.take_along_axis(both, near, 1)
        return Nearest(codes, distances)

    def _pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of the gallery and their embeddings (m, dim) float32, piece after piece."""
        store, model, above = self.library.store, self.library.model_id, 0
        if SCARCE * len(self.ids) < store.last_seq(model):
            for start in range(0, len(self.ids), PIECE):
                rows = np.arange(start, min(start + PIECE, len(self.ids)))
                yield rows, self.vectors(rows)
            return
        while len((part := store.vectors(model, above, limit=PIECE)).seqs):
            above = int(part.seqs[-1])
            ours = np.isin(part.ids, self.ids)
            if ours.any():
                yield np.searchsorted(self.ids, part.ids[ours]), part.values[ours].astype(np.float32)


def _squares(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances (q, m) float64 of unit vectors: exact to 1e-15 for float64 vectors, to 1e-6 for float32."""
    squares = -2.0 * (vectors @ others.T).astype(np.float64)
    squares += np.einsum("ij,ij->i", vectors, vectors)[:, None] + np.einsum("ij,ij->i", others, others)
    return np.asarray(np.maximum(squares, 0), np.float64)
