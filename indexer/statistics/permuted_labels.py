"""What retrieval figures come to where labels mean nothing: those of a permutation test.

Labels are permuted among whole groups, so near copies and frames of a burst keep one label (Good 2005, "Permutation,
Parametric and Bootstrap Tests of Hypotheses", section 3.2).
"""

import numpy as np
from numpy.typing import NDArray

from indexer.vectors.distances import compute_squared_distances

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST_CELLS = 4_000_000  # of photos, their nearest and permutations, held at once


def permute_labels(labels: Rows, groups: Rows, count: int, seed: int = 0) -> Rows:
    """Label numbers (count, n) of photos with labels and groups (n,): those of the groups' first photos, permuted among
    the groups.
    """
    first, numbers = np.unique(groups, return_index=True, return_inverse=True)[1:]
    of_groups = np.tile(labels[first], (count, 1))
    permuted: Rows = np.random.default_rng(seed).permuted(of_groups, axis=1)[:, numbers]
    return permuted


def measure_permuted(vectors: np.ndarray, permuted: Rows, groups: Rows) -> Floats:
    """MAP@R (count, n) of unit vectors (n, dim) under permuted labels (count, n), NaN where a photo has no match.

    Photos of the query's own group are neither hits nor misses, as in `measure_retrieval`; equally far ones come in any
    order.
    """
    group_numbers = np.unique(groups, return_inverse=True)[1]
    own_group = np.bincount(group_numbers)[group_numbers]
    relevant = np.stack([np.bincount(labels)[labels] for labels in permuted]) - own_group
    depth = int(relevant.max(initial=0))
    squares = compute_squared_distances(vectors, vectors)
    squares[group_numbers[:, None] == group_numbers] = np.inf
    nearest = np.argsort(squares, axis=1)[:, :depth]
    figures = np.full(permuted.shape, np.nan)
    step = max(1, MOST_CELLS // max(1, nearest.size))
    for start in range(0, len(permuted), step):
        block = slice(start, start + step)
        figures[block] = _average_precisions(permuted[block], relevant[block], nearest)
    return figures


def _average_precisions(permuted: Rows, relevant: Rows, nearest: Rows) -> Floats:
    """MAP@R (b, n) of labels (b, n), so many of each photo's matches relevant (b, n), and the nearest (n, depth)."""
    ranks = np.arange(1, nearest.shape[1] + 1)
    is_hit = (permuted[:, nearest] == permuted[:, :, None]) & (ranks <= relevant[:, :, None])
    precisions = np.where(is_hit, np.cumsum(is_hit, axis=2) / ranks, 0)
    return np.where(relevant > 0, precisions.sum(axis=2) / np.maximum(relevant, 1), np.nan)
