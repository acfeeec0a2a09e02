"""Effort is raised until enough is found, no further, and what is found is counted as a plain loop counts it.

Where enough costs as much as comparing every photo, every photo is compared.
"""

import numpy as np
import pytest

from indexer.vectors import recall
from indexer.vectors.annoy_index import FindCandidates
from indexer.vectors.recall import (
    CANDIDATE_COUNTS,
    EXACT_EFFORT,
    NODE_COST,
    SEARCH_KS,
    choose_effort,
    count_queries,
    measure_recall,
    sample_queries,
)
from tests.support.embedders import nearest_by_loop
from tests.support.vectors import clustered

ROWS = 300


def forgetful(values: np.ndarray, enough: int, spoilt: int = 0) -> FindCandidates:
    """An index that finds every second of the nearest, all with `enough` nodes, behind `spoilt` wrong candidates."""

    def ask(query: np.ndarray, count: int, search_k: int) -> np.ndarray:
        near = np.array(nearest_by_loop(list(range(len(values))), values, query, len(values)).ids)
        near = near if search_k >= enough else near[::2]
        return np.concatenate([near[::-1][:spoilt], near[: len(near) - spoilt]])[:count]

    return ask


@pytest.mark.parametrize("search_k", [SEARCH_KS[0], SEARCH_KS[2], SEARCH_KS[3] + 1])
def test_nodes_are_raised_until_enough_is_found(search_k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = clustered(ROWS)
    monkeypatch.setattr(recall, "SEARCH_KS", [step // 100 for step in SEARCH_KS])
    effort = choose_effort(values, forgetful(values, search_k // 100), sample_queries(values))
    assert effort == (next(s // 100 for s in SEARCH_KS if s // 100 >= search_k // 100), CANDIDATE_COUNTS[0], 1.0)


def test_candidates_are_raised_until_they_hold_the_true_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    values = clustered(ROWS)
    monkeypatch.setattr(recall, "SEARCH_KS", (10,))
    effort = choose_effort(values, forgetful(values, 0, spoilt=95), sample_queries(values))
    assert effort == (10, CANDIDATE_COUNTS[1], 1.0)


def test_index_that_never_finds_enough_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    values = clustered(ROWS)
    monkeypatch.setattr(recall, "SEARCH_KS", (1, 10, 100))
    assert choose_effort(values, forgetful(values, 10**9), sample_queries(values)) == EXACT_EFFORT


def test_index_that_finds_enough_for_what_exact_search_costs_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    values = clustered(ROWS)
    free = ROWS * values.shape[1] - CANDIDATE_COUNTS[0] * values.shape[1]  # numbers compared in the time of the nodes
    for nodes, expected in (
        (free // NODE_COST - 1, (free // NODE_COST - 1, CANDIDATE_COUNTS[0], 1.0)),
        (free // NODE_COST + 1, EXACT_EFFORT),
    ):
        monkeypatch.setattr(recall, "SEARCH_KS", (nodes,))
        assert choose_effort(values, forgetful(values, 0), sample_queries(values)) == expected


def test_recall_is_the_share_that_a_plain_loop_counts() -> None:
    values = clustered(ROWS)
    ask, some = forgetful(values, 10**9), sample_queries(values)
    shares = measure_recall(values, ask, some, 1000)[CANDIDATE_COUNTS[0]]
    for row, share in zip(some.rows.tolist(), shares, strict=True):
        others = [other for other in range(ROWS) if other != row]
        true = set(nearest_by_loop(others, values[others], values[row], 10).ids)
        found = ask(values[row], CANDIDATE_COUNTS[0], 1000).tolist()
        assert share == len(true & set(found)) / 10


@pytest.mark.parametrize(("rows", "asked"), [(1, 1), (40, 40), (500, 50), (2000, 100), (1_000_000, 512)])
def test_small_libraries_are_asked_less(rows: int, asked: int) -> None:
    assert count_queries(rows) == asked


def test_one_photo_is_always_found() -> None:
    values = clustered(1)
    assert choose_effort(values, forgetful(values, 0), sample_queries(values)).recall_at_10 == 1


def test_enough_is_found_with_two_standard_errors_to_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    values = clustered(ROWS)
    some, whole = sample_queries(values), forgetful(values, 0)
    unlucky = some.rows[: int(0.07 * len(some.rows))]
    monkeypatch.setattr(recall, "SEARCH_KS", (10, 20))

    def ask(query: np.ndarray, count: int, search_k: int) -> np.ndarray:
        near = whole(query, count, search_k)
        return near[near != near[3]] if search_k == 10 and near[0] in unlucky else near  # one of ten is lost

    shares = measure_recall(values, ask, some, 10)[CANDIDATE_COUNTS[0]]
    assert shares.mean() >= 0.99 > shares.mean() - 2 * shares.std() / len(shares) ** 0.5
    assert choose_effort(values, ask, some) == (20, CANDIDATE_COUNTS[0], 1.0)
