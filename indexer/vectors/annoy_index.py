"""The only door to Annoy: it proposes candidate rows, which are then compared exactly.

Annoy crashes or answers wrongly on a damaged file, a wrong dimension or a vector that is not finite, so `open_annoy` is
only for files whose hash a manifest states. It is built from source where it is installed, so it may be missing.
"""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

FindCandidates = Callable[[np.ndarray, int, int], np.ndarray]
"""(query (dim,) float32, count, search_k) -> up to count candidate rows (m,) int64, most likely nearest first.

`search_k` is the number of tree nodes that are visited.
"""


@functools.cache
def is_annoy_installed() -> bool:
    """Whether Annoy can be used here; without it every photo is compared."""
    try:
        _make_index(1)
    except ImportError:
        return False
    return True


def _make_index(dim: int) -> Any:
    from annoy import AnnoyIndex  # noqa: PLC0415  # see the docstring of this file

    return AnnoyIndex(dim, "euclidean")


def build_annoy(path: Path, blocks: Iterable[np.ndarray], dim: int, *, trees: int, seed: int) -> None:
    """Write an Annoy file from blocks (n, dim) float32; the same seed gives the same bytes.

    The metric is Euclidean: on unit vectors it has the order of Annoy's `angular`, and it also holds for projected
    vectors, which are not of unit length.
    """
    index = _make_index(dim)
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
    index = _make_index(dim)
    index.load(str(path))

    def find_candidates(vector: np.ndarray, count: int, search_k: int) -> np.ndarray:
        return np.array(index.get_nns_by_vector(vector, count, search_k), np.int64)

    return find_candidates
