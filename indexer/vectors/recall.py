"""The recall of an approximate index: the share of the true ten nearest that it finds, and the least effort for enough.

Measured on a library's own photos: for some of them, evenly spaced, the ten nearest others are found exactly and
compared with the candidates of the index. More visited nodes (Annoy's `search_k`) and more candidates are tried in
turn, cheapest first, until TARGET_RECALL is reached. Where that takes no less than comparing every photo, every photo
is compared: then nothing is missed at all.
"""

import math
from typing import NamedTuple

import numpy as np

from indexer.vectors.annoy_index import FindCandidates
from indexer.vectors.distances import compute_exact_distances, compute_squared_distances, find_closest_rows

TARGET_RECALL = 0.99
TRUE_NEIGHBOURS = 10
# At most; a small library takes fewer, so that measuring takes no longer than building. Of a million synthetic
# embeddings, 200 queries chose an effort said to find 0.996 that finds 0.990 of the neighbours of a thousand other
# photos; 512 queries chose one that finds 0.995.
MAX_RECALL_QUERIES = 512
QUERIES_PER_BLOCK = 64  # queries compared with all rows at a time: 256 MB of squared distances at a million rows
# One number is enough: each tree holds every row, so nodes alone decide how many are seen. Of 10,000 vectors as in
# tests/benchmarks/bench_search.py 20, 40, 80 and 160 trees find 0.985, 0.984, 0.981 and 0.985 with 4,000 nodes.
ANNOY_TREES = 20
SEARCH_KS = tuple(round(1000 * 2 ** (step / 2)) for step in range(21))  # 1,000 to 1,024,000
CANDIDATE_COUNTS = (100, 200, 400)  # projected to 128 dimensions, 100 hold 99.9 % of the true ten of real features
NODE_COST = 100  # numbers compared exactly in the time of one node of Annoy (measured: 128 of 256 and of 1280 numbers)


class RecallSample(NamedTuple):
    """The rows (q,) that are queries, and for each the rows of its true nearest others, the nearest first."""

    rows: np.ndarray
    true_neighbours: list[np.ndarray]


class SearchEffort(NamedTuple):
    """The nodes and candidates that a search looks at, and the share of the true ten nearest that it finds."""

    search_k: int
    candidates: int
    recall_at_10: float


EXACT_EFFORT = SearchEffort(0, 0, 1.0)
"""The effort of a search that compares every photo and asks no index."""


def count_queries(rows: int) -> int:
    """The number of queries by which to measure an index of so many rows: a twentieth, 50 to MAX_RECALL_QUERIES."""
    return min(rows, MAX_RECALL_QUERIES, max(50, rows // 20))


def sample_queries(values: np.ndarray) -> RecallSample:
    """Evenly spaced rows of values (n, dim) float16 with their TRUE_NEIGHBOURS nearest other rows, by exact search."""
    rows = np.unique(np.linspace(0, len(values) - 1, count_queries(len(values))).astype(np.int64))
    true_neighbours: list[np.ndarray] = []
    for start in range(0, len(rows), QUERIES_PER_BLOCK):
        part = rows[start : start + QUERIES_PER_BLOCK]
        vectors = values[part].astype(np.float32)
        squares = compute_squared_distances(values, vectors)
        squares[part, np.arange(len(part))] = np.inf
        columns = (find_closest_rows(column, TRUE_NEIGHBOURS) for column in squares.T)
        true_neighbours += [
            _rank_rows(values, vector, near)[:TRUE_NEIGHBOURS] for vector, near in zip(vectors, columns, strict=True)
        ]
    return RecallSample(rows, true_neighbours)


def _rank_rows(values: np.ndarray, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rows (m,), which ascend, in order of their exact distances to the query (dim,), then of row."""
    return rows[np.argsort(compute_exact_distances(values[rows], query), kind="stable")]


def choose_effort(values: np.ndarray, find_candidates: FindCandidates, sample: RecallSample) -> SearchEffort:
    """The least effort whose recall is at least TARGET_RECALL by two standard errors, else EXACT_EFFORT.

    By two standard errors, because the first of many efforts that seems enough is taken. Efforts that cost as much as
    comparing every photo are not tried.
    """
    rows, dim = values.shape
    for search_k in SEARCH_KS:
        if not is_index_cheaper(rows, dim, search_k, CANDIDATE_COUNTS[0]):
            break
        for candidates, shares in measure_recall(values, find_candidates, sample, search_k).items():
            recall, error = float(shares.mean()), float(shares.std()) / math.sqrt(len(shares))
            if recall - 2 * error >= TARGET_RECALL and is_index_cheaper(rows, dim, search_k, candidates):
                return SearchEffort(search_k, candidates, round(recall, 4))
    return EXACT_EFFORT


def is_index_cheaper(rows: int, dim: int, search_k: int, candidates: int) -> bool:
    """Whether visiting `search_k` nodes and comparing the candidates costs less than comparing all rows exactly."""
    return search_k * NODE_COST + candidates * dim < rows * dim


def measure_recall(
    values: np.ndarray, find_candidates: FindCandidates, sample: RecallSample, search_k: int
) -> dict[int, np.ndarray]:
    """Number of candidates -> share (q,) of each query's true nearest that are among so many candidates.

    A true neighbour among the candidates is found, as exact ranking puts it before all others. The query's own row is
    no neighbour, as it would be an easy hit.
    """
    if len(values) < 2:
        return {CANDIDATE_COUNTS[0]: np.ones(len(values))}
    shares: dict[int, list[float]] = {count: [] for count in CANDIDATE_COUNTS}
    for row, true_rows in zip(sample.rows, sample.true_neighbours, strict=True):
        near = find_candidates(values[row].astype(np.float32), CANDIDATE_COUNTS[-1], search_k)
        for count, found in shares.items():
            found.append(np.isin(true_rows, near[:count]).mean())
    return {count: np.array(found) for count, found in shares.items()}
