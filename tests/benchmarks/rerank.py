"""Transformations of embeddings that may search better, as plain algebra on unit vectors, for measuring them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from indexer.ranking.query_expansion import POOL_SIZE, rank_by_expansion
from indexer.vectors.principal_space import fit_principal_space


class Expansion(NamedTuple):
    """Add the `neighbours` nearest, each weighted by its cosine to the power of `alpha`."""

    neighbours: int
    alpha: float


NONE = Expansion(0, 0.0)


def normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """The rows scaled to length 1; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return scaled


def join_views(views: Sequence[np.ndarray], weight: float) -> np.ndarray:
    """Views of the same pictures side by side (n, sum of dims), all but the first weighted, at length 1."""
    return normalise_rows(np.concatenate([views[0], *(weight * view for view in views[1:])], axis=1))


def fit_whitening(vectors: np.ndarray, dims: int, power: float) -> Callable[[np.ndarray], np.ndarray]:
    """A projection by PCA of the vectors: `dims` dimensions, each divided by its spread ** (2 * power), length 1."""
    mean = vectors.mean(axis=0)
    _, spread, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    scale = spread[:dims] ** (-2 * power)
    return lambda rows: normalise_rows((rows - mean) @ directions[:dims].T * scale)


def expand_queries(queries: np.ndarray, gallery: np.ndarray, expansion: Expansion) -> np.ndarray:
    """Alpha query expansion (Radenovic, Tolias, Chum 2019, "Fine-tuning CNN image retrieval with no human annotation").

    Row i of the queries and of the gallery are the same picture, which is left out of its own neighbours.
    """
    if not expansion.neighbours:
        return queries
    cosines = queries @ gallery.T
    np.fill_diagonal(cosines, -np.inf)
    rows = np.argpartition(-cosines, expansion.neighbours, axis=1)[:, : expansion.neighbours]
    weights = np.maximum(np.take_along_axis(cosines, rows, axis=1), 0) ** expansion.alpha
    return normalise_rows(queries + np.einsum("qk,qkd->qd", weights, gallery[rows]))


def compute_plain_scores(vectors: np.ndarray) -> np.ndarray:
    """Cosines (n, n) of unit vectors (n, dim), as scores of each row's ranking."""
    return np.asarray(vectors @ vectors.T)


def compute_refined_scores(vectors: np.ndarray) -> np.ndarray:
    """Scores (n, n) of each row's ranking of the others as `search --refine` ranks them, with its fixed settings."""
    values = vectors.astype(np.float32)
    principal_space, scores = fit_principal_space(values), np.zeros((len(values), len(values)))
    for row, vector in enumerate(values):
        nearest = np.argsort(-(values @ vector), kind="stable")
        nearest = nearest[nearest != row]
        pool, rest = nearest[:POOL_SIZE], nearest[POOL_SIZE:]
        ranked = np.concatenate([pool[rank_by_expansion(vector, values[pool], principal_space)], rest])
        scores[row, ranked] = -np.arange(len(ranked))
    return scores


def compute_map_at_r(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """MAP@R (n,) of each row of scores (n, n) as a ranking of the others, the same as `metrics.measure_retrieval`."""
    scores = scores.copy()
    np.fill_diagonal(scores, -np.inf)
    relevant = np.bincount(codes)[codes] - 1
    order = np.argsort(-scores, axis=1, kind="stable")[:, : relevant.max()]
    hits = (codes[order] == codes[:, None]) & (np.arange(order.shape[1]) < relevant[:, None])
    precision = np.cumsum(hits, axis=1) / np.arange(1, order.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / relevant)
