"""Test pictures as examples: what lies nearest to them before and after a training. Nobody chooses them."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.statistics.query_groups import check_groups
from training.data.labelled_folders import PhotoSample

EXAMPLE_QUERIES = 5
EXAMPLE_HITS = 5


class VerdictExample(NamedTuple):
    """A test picture as a query, and its nearest test pictures before and after the training, the nearest first.

    `before_right` and `after_right` say which of them are of the query's class, `matches` how many such there are.
    """

    query: bytes
    label: str
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    before_right: tuple[bool, ...]
    after_right: tuple[bool, ...]
    matches: int

    def fields(self) -> dict[str, object]:
        """The example as plain values for JSON; paths are as Python names them, with surrogates for bytes not text."""
        before, after = ([os.fsdecode(path) for path in paths] for paths in (self.before, self.after))
        return self._asdict() | {"query": os.fsdecode(self.query), "before": before, "after": after}


def choose_examples(
    samples: Sequence[PhotoSample], before: np.ndarray, after: np.ndarray, groups: NDArray[np.int64] | None = None
) -> list[VerdictExample]:
    """EXAMPLE_QUERIES queries with their nearest pictures under both embeddings (n, dim), without those of their own
    group (n,).

    They are the first of each class by content hash, then the second of each, and so on: nobody chose them.
    """
    found = []
    numbers = check_groups(groups, len(samples))
    for row in _choose_queries(samples):
        others = np.flatnonzero(numbers != numbers[row])
        old, new = (_rank_nearest(vectors, row, others) for vectors in (before, after))
        right = [tuple(samples[hit].label == samples[row].label for hit in hits) for hits in (old, new)]
        paths = [tuple(samples[hit].path for hit in hits) for hits in (old, new)]
        label = samples[row].label
        matches = sum(samples[other].label == label for other in others.tolist())
        found.append(VerdictExample(samples[row].path, label, paths[0], paths[1], right[0], right[1], matches))
    return found


def _choose_queries(samples: Sequence[PhotoSample]) -> list[int]:
    order = sorted(range(len(samples)), key=lambda row: samples[row].sha256)
    label_counts: Counter[str] = Counter()
    ranked = []
    for row in order:
        label_counts[samples[row].label] += 1
        ranked.append((label_counts[samples[row].label], samples[row].sha256, row))
    return [row for *_, row in sorted(ranked)[:EXAMPLE_QUERIES]]


def _rank_nearest(vectors: np.ndarray, row: int, others: NDArray[np.int64]) -> list[int]:
    distances = np.linalg.norm(vectors[others] - vectors[row], axis=1)
    nearest: list[int] = others[np.argsort(distances, kind="stable")[:EXAMPLE_HITS]].tolist()
    return nearest
