"""How much of the truth an approximate index finds, and the least effort with which it finds enough.

Measured on a library's own photos: for some of them, evenly spaced, the ten nearest others are looked up exactly and
compared with what the index proposes and exact ranking leaves. More nodes looked at (Annoy's `search_k`) and more
candidates are tried in turn, cheapest first, until TARGET_RECALL is reached.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.vectors.distances import compute_exact_distances, compute_squared_distances, find_closest_rows

TARGET_RECALL = 0.99
TRUE_NEIGHBOURS = 10
# At most; a small library asks for less, so that measuring does not outlast building. Of a million made-up embeddings
# 200 took an effort for 0.996 that finds 0.990 of a thousand other photos' neighbours; 512 take one that finds 0.995.
MAX_RECALL_QUERIES = 512
QUERIES_PER_BLOCK = 64  # queries compared with all rows at a time: 256 MB of squared distances at a million rows
# One number is enough: each tree holds every row, so nodes alone decide how many are seen. Of 10,000 vectors as in
# tests/benchmarks/bench_search.py 20, 40, 80 and 160 trees find 0.985, 0.984, 0.981 and 0.985 with 4,000 nodes.
ANNOY_TREES = 20
SEARCH_KS = tuple(round(1000 * 2 ** (step / 2)) for step in range(17))  # 1,000 to 256,000
CANDIDATE_COUNTS = (100, 200, 400)  # projected to 128 dimensions, 100 hold 99.9 % of the true ten of real features

FindCandidates = Callable[[np.ndarray, int, int], np.ndarray]
"""(query (dim,) float32, count, search_k) -> up to count rows (m,) int64 of an index, most likely nearest first."""


class RecallSample(NamedTuple):
    """Rows (q,) that are asked for, and for each the rows of its true nearest others."""

    rows: np.ndarray
    true_neighbours: list[np.ndarray]


class SearchEffort(NamedTuple):
    """What a search spends, and the share of the true ten that it finds."""

    search_k: int
    candidates: int
    recall_at_10: float


def count_queries(rows: int) -> int:
    """How many of so many rows are asked for to measure the recall: one in twenty, 50 to QUERIES."""
    return min(rows, MAX_RECALL_QUERIES, max(50, rows // 20))


def sample_queries(values: np.ndarray) -> RecallSample:
    """Evenly spaced rows of values (n, dim) float16 with their true nearest, by looking at all."""
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
    """The rows, in rising order, by exact distance to the query, then by row."""
    return rows[np.argsort(compute_exact_distances(values[rows], query), kind="stable")]


def choose_effort(values: np.ndarray, find_candidates: FindCandidates, sample: RecallSample) -> SearchEffort:
    """The least effort whose recall is TARGET_RECALL or more, two standard errors to spare; else the most there is.

    To spare, because of many efforts the first that seems to do is taken. Beyond twice as many nodes as rows, comparing
    every row costs less.
    """
    effort = SearchEffort(0, 0, 0.0)
    for search_k in SEARCH_KS:
        if effort.candidates and search_k > 2 * len(values):
            break
        for candidates, shares in measure_recall(values, find_candidates, sample, search_k).items():
            recall, error = float(shares.mean()), float(shares.std()) / math.sqrt(len(shares))
            effort = SearchEffort(search_k, candidates, round(recall, 4))
            if recall - 2 * error >= TARGET_RECALL:
                return effort
    return effort


def measure_recall(
    values: np.ndarray, find_candidates: FindCandidates, sample: RecallSample, search_k: int
) -> dict[int, np.ndarray]:
    """Number of candidates -> for each sampled row (q,) the share of its true nearest that are found among so many.

    What is among the candidates is found: exact ranking puts a true neighbour before all that is none. A row itself is
    left out on both sides, so that it does not count as an easy hit.
    """
    if len(values) < 2:
        return {CANDIDATE_COUNTS[0]: np.ones(len(values))}
    shares: dict[int, list[float]] = {count: [] for count in CANDIDATE_COUNTS}
    for row, true_rows in zip(sample.rows, sample.true_neighbours, strict=True):
        near = find_candidates(values[row].astype(np.float32), CANDIDATE_COUNTS[-1], search_k)
        for count, found in shares.items():
            found.append(np.isin(true_rows, near[:count]).mean())
    return {count: np.array(found) for count, found in shares.items()}
