"""The labelled photos of a library as what others are compared with: the nearest of them, and their vote.

Embeddings are read in pieces, so that a library of any size fits; all distances are exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from indexer.library import Library

BLOCK_ROWS = 8192  # embeddings read at once
SPARSE_LABELS_FACTOR = (
    10  # one photo in so many has a label: then each is fetched by itself, which takes ten times as long
)
NEAREST_COUNT = 64  # nearest photos kept for a vote and the winner's distance
LABEL_NEIGHBOURS = 3  # photos of a label whose mean distance counts: one may be an odd one


class VoteWinners(NamedTuple):
    """For each picture the code (q,) of the label voted for, and its mean distance (q,) to the nearest of it."""

    codes: np.ndarray
    distances: np.ndarray


class LabelVote(NamedTuple):
    """A label's code, its share of the vote, and the mean distance of the nearest of it, three at most."""

    code: int
    share: float
    distance: float


class NearestPhotos(NamedTuple):
    """Label codes (q, m) and distances (q, m) of the nearest photos, ascending; infinite where there are no more."""

    codes: np.ndarray
    distances: np.ndarray

    def count_votes(self, row: int, k: int) -> list[LabelVote]:
        """The vote of one picture's k nearest, the winner first: the nearest counts 1, the furthest next to nothing.

        Dudani 1976, "The distance-weighted k-nearest-neighbor rule", equation 1, with place k + 1 for the zero.
        """
        is_found = np.isfinite(self.distances[row])
        codes, distances = self.codes[row][is_found], self.distances[row][is_found]
        if not len(codes):
            return []
        furthest = distances[min(k, len(distances) - 1)]
        span = furthest - distances[0]
        weights = (furthest - distances[:k]) / span if span > 0 else np.ones(len(distances[:k]))
        shares = np.bincount(codes[:k], weights) / weights.sum()
        order = sorted(dict.fromkeys(codes[:k].tolist()), key=lambda code: -shares[code])  # ties: the nearer first
        return [
            LabelVote(code, float(shares[code]), float(distances[codes == code][:LABEL_NEIGHBOURS].mean()))
            for code in order
        ]

    def pick_winners(self, k: int) -> VoteWinners:
        """The label that each picture's k nearest vote for; code -1 at infinity where there is nothing near."""
        winning_votes = [
            (self.count_votes(row, k) or [LabelVote(-1, 0.0, np.inf)])[0] for row in range(len(self.codes))
        ]
        return VoteWinners(
            np.array([vote.code for vote in winning_votes], np.int64),
            np.array([vote.distance for vote in winning_votes]),
        )


class Gallery(NamedTuple):
    """Labelled photos: ids (n,) ascending, label codes (n,), the labels' names, and the library that holds them."""

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]
    library: Library

    @classmethod
    def from_library(cls, library: Library) -> "Gallery":
        """All labelled photos of a library that are shown, what the model was trained on included."""
        labels = sorted(library.annotations.read_labels(library.model_id).items())
        names = sorted({label for _, label in labels})
        code_of = {name: code for code, name in enumerate(names)}
        ids = np.array([photo for photo, _ in labels], np.int64)
        return cls(ids, np.array([code_of[label] for _, label in labels], np.int64), names, library)

    def select_label(self, code: int) -> "Gallery":
        """The photos of one label."""
        has_label = self.codes == code
        return self._replace(ids=self.ids[has_label], codes=self.codes[has_label])

    def read_embeddings(self, rows: np.ndarray) -> np.ndarray:
        """Embeddings (n, dim) float32 of these rows."""
        return self.library.calibration_source.read_embeddings(self.ids[rows], self.library.model_id)

    def find_nearest(
        self,
        vectors: np.ndarray,
        count: int = NEAREST_COUNT,
        *,
        exclude_photos: np.ndarray,
        exclude_labels: np.ndarray | None = None,
    ) -> NearestPhotos:
        """The nearest photos of each vector (q, dim), none of them the photo `leave_out` (q,) or of the label `but`."""
        codes = np.full((len(vectors), count), -1, np.int64)
        distances = np.full((len(vectors), count), np.inf)
        for rows, embeddings in self._read_blocks():
            squares = _compute_squared_distances(vectors, embeddings)
            squares[exclude_photos[:, None] == self.ids[rows]] = np.inf
            if exclude_labels is not None:
                squares[exclude_labels[:, None] == self.codes[rows]] = np.inf
            all_distances = np.concatenate([distances, np.sqrt(squares)], axis=1)
            all_codes = np.concatenate([codes, np.broadcast_to(self.codes[rows], squares.shape)], axis=1)
            nearest_columns = np.argpartition(all_distances, count - 1, axis=1)[:, :count]
            nearest_columns = np.take_along_axis(
                nearest_columns,
                np.argsort(np.take_along_axis(all_distances, nearest_columns, 1), axis=1, kind="stable"),
                1,
            )
            codes, distances = (
                np.take_along_axis(all_codes, nearest_columns, 1),
                np.take_along_axis(all_distances, nearest_columns, 1),
            )
        return NearestPhotos(codes, distances)

    def _read_blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of the gallery and their embeddings (m, dim) float32, piece after piece."""
        store, model, last_seq = self.library.store, self.library.model_id, 0
        if SPARSE_LABELS_FACTOR * len(self.ids) < store.embeddings.find_last_seq(model):
            for start in range(0, len(self.ids), BLOCK_ROWS):
                rows = np.arange(start, min(start + BLOCK_ROWS, len(self.ids)))
                yield rows, self.read_embeddings(rows)
            return
        while len((part := store.embeddings.read_embeddings(model, last_seq, limit=BLOCK_ROWS)).seqs):
            last_seq = int(part.seqs[-1])
            in_gallery = np.isin(part.ids, self.ids)
            if in_gallery.any():
                yield np.searchsorted(self.ids, part.ids[in_gallery]), part.values[in_gallery].astype(np.float32)


def _compute_squared_distances(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances (q, m) float64 of unit vectors: exact to 1e-15 for float64 vectors, to 1e-6 for float32."""
    squares = -2.0 * (vectors @ others.T).astype(np.float64)
    squares += np.einsum("ij,ij->i", vectors, vectors)[:, None] + np.einsum("ij,ij->i", others, others)
    return np.asarray(np.maximum(squares, 0), np.float64)
