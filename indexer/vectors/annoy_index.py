"""The only door to Annoy: it proposes candidate rows, which are then compared exactly.

Annoy crashes or answers wrongly on a damaged file, a wrong dimension or a vector that is not finite, so `open_annoy` is
only for files whose hash a manifest states.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from annoy import AnnoyIndex

FindCandidates = Callable[[np.ndarray, int, int], np.ndarray]
"""(query (dim,) float32, count, search_k) -> up to count candidate rows (m,) int64, most likely nearest first.

`search_k` is the number of tree nodes that are visited.
"""


def build_annoy(path: Path, blocks: Iterable[np.ndarray], dim: int, *, trees: int, seed: int) -> None:
    """Write an Annoy file from blocks (n, dim) float32; the same seed gives the same bytes.

    The metric is Euclidean: on unit vectors it has the order of Annoy's `angular`, and it also holds for projected
    vectors, which are not of unit length.
    """
    index = AnnoyIndex(dim, "euclidean")
    index.set_seed(seed)
    row = 0
    for block in blocks:
        for vector in block:
            index.add_item(row, vector)
            row += 1
    index.build(trees, n_jobs=1)  # deterministic with one job only
    index.save(str(path))
    index.unload()


def open_annoy(path: Path, dim: int) -> FindCandidates:
    """The search of an Annoy file of this dimension; the file stays mapped into memory as long as the result lives."""
    index = AnnoyIndex(dim, "euclidean")
    index.load(str(path))

    def find_candidates(vector: np.ndarray, count: int, search_k: int) -> np.ndarray:
        return np.array(index.get_nns_by_vector(vector, count, search_k), np.int64)

    return find_candidates
