"""The labelled photos of a library as the gallery of an identification: the nearest of them, and their vote.

Embeddings are read in blocks, so a library of any size fits into memory; all distances are exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from indexer.library import Library
from indexer.vectors.distances import compute_distance_table

BLOCK_ROWS = 8192  # embeddings read at once
# Where fewer than one photo in so many has a label, each is read by itself, which takes ten times as long as in blocks.
SPARSE_LABELS_FACTOR = 10
NEAREST_COUNT = 64  # nearest photos from which a vote and the winner's distance are taken
LABEL_NEIGHBOURS = 3  # nearest photos of a label whose mean distance counts, as a single one may be an outlier


class VoteWinners(NamedTuple):
    """The code (q,) of the winning label for each picture, and the mean distance (q,) to the nearest photos of that
    label.
    """

    codes: np.ndarray
    distances: np.ndarray


class LabelVote(NamedTuple):
    """A label's code, its share of the vote (0 to 1), and the mean distance to its LABEL_NEIGHBOURS nearest photos."""

    code: int
    share: float
    distance: float


class NearestPhotos(NamedTuple):
    """Label codes (q, m) and distances (q, m) of the nearest photos, ascending; infinite where there are no more."""

    codes: np.ndarray
    distances: np.ndarray

    def count_votes(self, row: int, k: int) -> list[LabelVote]:
        """The vote of the k nearest photos of picture `row`, the winner first; empty where there is none.

        The nearest counts 1, one as far as the photo of rank k + 1 counts 0: Dudani 1976, "The distance-weighted
        k-nearest-neighbor rule", equation 1, with rank k + 1 for the zero.
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
        """The winner of the vote of each picture's k nearest photos; code -1, distance infinite, where it has none."""
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
        """All shown photos of a library that have a label, also those that the model was trained on."""
        labels = sorted(library.annotations.read_labels(library.model_id).items())
        names = sorted({label for _, label in labels})
        code_of = {name: code for code, name in enumerate(names)}
        ids = np.array([photo for photo, _ in labels], np.int64)
        return cls(ids, np.array([code_of[label] for _, label in labels], np.int64), names, library)

    def select_label(self, code: int) -> "Gallery":
        """The gallery of one label's photos."""
        has_label = self.codes == code
        return self._replace(ids=self.ids[has_label], codes=self.codes[has_label])

    def read_embeddings(self, rows: np.ndarray, model_id: int | None = None) -> np.ndarray:
        """The embeddings (n, dim) float32 of these rows (n,) of the gallery, under the active model or another one."""
        model = self.library.model_id if model_id is None else model_id
        return self.library.calibration_source.read_embeddings(self.ids[rows], model)

    def sum_embeddings(self, model_id: int) -> np.ndarray:
        """The sums (labels, dim) float64 of each label's embeddings under a model."""
        sums: np.ndarray | None = None
        for rows, embeddings in self._read_blocks(model_id):
            sums = np.zeros((len(self.names), embeddings.shape[1])) if sums is None else sums
            np.add.at(sums, self.codes[rows], embeddings)
        return np.zeros((len(self.names), 0)) if sums is None else sums

    def find_nearest(
        self,
        vectors: np.ndarray,
        count: int = NEAREST_COUNT,
        *,
        exclude_photos: np.ndarray,
        exclude_labels: np.ndarray | None = None,
    ) -> NearestPhotos:
        """The `count` photos nearest to each vector (q, dim).

        The photo of id `exclude_photos` (q,) and those of the label code `exclude_labels` (q,) are left out.
        """
        codes = np.full((len(vectors), count), -1, np.int64)
        distances = np.full((len(vectors), count), np.inf)
        for rows, embeddings in self._read_blocks(self.library.model_id):
            block_distances = compute_distance_table(vectors, embeddings)
            block_distances[exclude_photos[:, None] == self.ids[rows]] = np.inf
            if exclude_labels is not None:
                block_distances[exclude_labels[:, None] == self.codes[rows]] = np.inf
            distances = np.concatenate([distances, block_distances], axis=1)
            codes = np.concatenate([codes, np.broadcast_to(self.codes[rows], block_distances.shape)], axis=1)
            columns = _find_least_columns(distances, count)
            codes, distances = (np.take_along_axis(array, columns, 1) for array in (codes, distances))
        return NearestPhotos(codes, distances)

    def _read_blocks(self, model: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows (m,) of the gallery and their embeddings (m, dim) float32 under a model, block by block."""
        store, last_seq = self.library.store, 0
        if SPARSE_LABELS_FACTOR * len(self.ids) < store.embeddings.find_last_seq(model):
            for start in range(0, len(self.ids), BLOCK_ROWS):
                rows = np.arange(start, min(start + BLOCK_ROWS, len(self.ids)))
                yield rows, self.read_embeddings(rows, model)
            return
        while len((part := store.embeddings.read_embeddings(model, last_seq, limit=BLOCK_ROWS)).seqs):
            last_seq = int(part.seqs[-1])
            in_gallery = np.isin(part.ids, self.ids)
            if in_gallery.any():
                yield np.searchsorted(self.ids, part.ids[in_gallery]), part.values[in_gallery].astype(np.float32)


def _find_least_columns(values: np.ndarray, count: int) -> np.ndarray:
    """The columns (q, count) of the least values in each row of values (q, m), ascending."""
    columns = np.argpartition(values, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(values, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1)
