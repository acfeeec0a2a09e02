"""Ways to search better with the embeddings at hand, as plain algebra on unit vectors, for measuring them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Expansion(NamedTuple):
    """Add the `neighbours` nearest, each weighted by its cosine to the power of `alpha`."""

    neighbours: int
    alpha: float


NONE = Expansion(0, 0.0)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows at length 1; rows without a length stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return scaled


def joined(views: Sequence[np.ndarray], weight: float) -> np.ndarray:
    """Views of the same pictures one after the other, all but the first weighted."""
    return unit(np.concatenate([views[0], *(weight * view for view in views[1:])], axis=1))


def whitener(vectors: np.ndarray, dims: int, power: float) -> Callable[[np.ndarray], np.ndarray]:
    """PCA of the vectors to `dims` dimensions, each divided by its spread to the power of 2 * `power`, at length 1."""
    mean = vectors.mean(axis=0)
    _, spread, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    scale = spread[:dims] ** (-2 * power)
    return lambda rows: unit((rows - mean) @ directions[:dims].T * scale)


def expanded(queries: np.ndarray, gallery: np.ndarray, expansion: Expansion) -> np.ndarray:
    """Alpha query expansion (Radenovic, Tolias, Chum 2019, "Fine-tuning CNN image retrieval with no human annotation").

    Row i of the queries is the picture of row i of the gallery, which it does not find.
    """
    if not expansion.neighbours:
        return queries
    cosines = queries @ gallery.T
    np.fill_diagonal(cosines, -np.inf)
    rows = np.argpartition(-cosines, expansion.neighbours, axis=1)[:, : expansion.neighbours]
    weights = np.maximum(np.take_along_axis(cosines, rows, axis=1), 0) ** expansion.alpha
    return unit(queries + np.einsum("qk,qkd->qd", weights, gallery[rows]))


def map_at_r(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """MAP@R (n,) of each row of scores (n, n) as a ranking of the others; the same as `metrics.retrieval` gives."""
    scores = scores.copy()
    np.fill_diagonal(scores, -np.inf)
    relevant = np.bincount(codes)[codes] - 1
    order = np.argsort(-scores, axis=1, kind="stable")[:, : relevant.max()]
    hits = (codes[order] == codes[:, None]) & (np.arange(order.shape[1]) < relevant[:, None])
    precision = np.cumsum(hits, axis=1) / np.arange(1, order.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / relevant)
