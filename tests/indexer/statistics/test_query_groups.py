"""Photos of the query's own group are neither hits nor misses: against plain loops that never look at them."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.statistics.detailed_metrics import compute_mean_average_precision
from indexer.statistics.metrics import bootstrap_difference, measure_pair_distances, measure_retrieval
from tests.support.labelled_points import draw_tied_points

DRAWN = draw_tied_points(20, 4, 7)


def in_bursts(seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Embeddings, labels and groups of 12 bursts of 1 to 5 frames, each frame a little off its burst's place."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(12), random.integers(1, 6, 12))
    labels = random.integers(0, 4, 12)[groups]
    return random.normal(size=(12, 3))[groups] + 0.1 * random.normal(size=(len(groups), 3)), labels, groups


def walk_ranking(embeddings: Any, labels: Any, groups: Any, query: int) -> list[bool]:
    """What matches along the ranking of one query, own group left out; no two are equally far."""
    others = [row for row in range(len(labels)) if groups[row] != groups[query]]
    others.sort(key=lambda row: math.dist(embeddings[row], embeddings[query]))
    return [bool(labels[row] == labels[query]) for row in others]


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_a_loop_that_skips_the_own_group(seed: int) -> None:
    embeddings, labels, groups = in_bursts(seed)
    figures = measure_retrieval(embeddings, labels, (1, 3), groups=groups)
    queries = [row for row in range(len(labels)) if any(walk_ranking(embeddings, labels, groups, row))]
    assert figures.rows.tolist() == queries
    precisions = []
    for at, query in enumerate(queries):
        ranking = walk_ranking(embeddings, labels, groups, query)
        r = sum(ranking)
        assert figures.per_query_p_at_1[at] == ranking[0]
        assert figures.per_query_r_precision[at] == pytest.approx(sum(ranking[:r]) / r)
        expected = sum(sum(ranking[: i + 1]) / (i + 1) for i in range(r) if ranking[i]) / r
        assert figures.per_query_map_at_r[at] == pytest.approx(expected)
        precisions.append(sum(sum(ranking[: i + 1]) / (i + 1) for i, hit in enumerate(ranking) if hit) / r)
    hits = [any(walk_ranking(embeddings, labels, groups, query)[:3]) for query in queries]
    assert figures.hit_at_k[3] == pytest.approx(np.mean(hits))
    assert compute_mean_average_precision(embeddings, labels, groups=groups) == pytest.approx(np.mean(precisions))


@pytest.mark.parametrize("seed", range(5))
def test_queries_with_a_fellow_as_nearest_are_counted(seed: int) -> None:
    embeddings, labels, groups = in_bursts(seed)
    figures = measure_retrieval(embeddings, labels, groups=groups)
    expected = 0
    for query in figures.rows:
        distances = [
            math.inf if row == query else math.dist(one, embeddings[query]) for row, one in enumerate(embeddings)
        ]
        expected += bool(groups[int(np.argmin(distances))] == groups[query])
    assert 0 < expected == figures.nearest_in_group


@settings(max_examples=100, deadline=None)
@given(drawn=DRAWN)
def test_each_query_is_asked_as_if_its_fellows_were_not_there(drawn: tuple[Any, Any, Any]) -> None:
    embeddings, labels, groups = drawn
    try:
        figures = measure_retrieval(embeddings, labels, (1, 2), groups=groups)
    except LookalikeError:
        assert not any(
            labels[a] == labels[b] and groups[a] != groups[b] for a, b in combinations(range(len(labels)), 2)
        )
        return
    for at, query in enumerate(figures.rows):
        rows = [row for row in range(len(labels)) if row == query or groups[row] != groups[query]]
        alone = measure_retrieval(embeddings[rows], labels[rows])
        place = alone.rows.tolist().index(rows.index(query))
        assert figures.per_query_p_at_1[at] == pytest.approx(alone.per_query_p_at_1[place], abs=1e-12)
        assert figures.per_query_map_at_r[at] == pytest.approx(alone.per_query_map_at_r[place], abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(drawn=DRAWN)
def test_no_pair_is_made_within_a_group(drawn: tuple[Any, Any, Any]) -> None:
    embeddings, labels, groups = drawn
    pairs = measure_pair_distances(embeddings, labels, groups=groups)
    kinds: tuple[list[float], list[float]] = ([], [])
    for a, b in combinations(range(len(labels)), 2):
        if groups[a] != groups[b]:
            kinds[int(labels[a] != labels[b])].append(math.dist(embeddings[a], embeddings[b]))
    assert pairs.matched == pytest.approx(sorted(kinds[0]))
    assert pairs.mismatched == pytest.approx(sorted(kinds[1]))


def test_groups_of_one_change_nothing() -> None:
    embeddings, labels, _ = in_bursts(0)
    plain, grouped = (measure_retrieval(embeddings, labels, groups=one) for one in (None, np.arange(len(labels))))
    assert plain.map_at_r == grouped.map_at_r
    assert grouped.nearest_in_group == 0


def test_a_label_that_is_one_burst_has_nothing_to_ask() -> None:
    with pytest.raises(LookalikeError, match="near copies or frames of one burst"):
        measure_retrieval(np.eye(3), [0, 0, 1], groups=[5, 5, 6])
    with pytest.raises(ValueError, match="do not fit"):
        measure_retrieval(np.eye(3), [0, 0, 1], groups=[5, 5])


def test_frames_of_a_burst_count_once_in_an_interval() -> None:
    random = np.random.default_rng(0)
    change = np.repeat(random.normal(size=40), 10)  # 40 bursts whose ten frames all say the same
    bursts = np.repeat(np.arange(40), 10)
    single, whole = (bootstrap_difference(np.zeros(400), change, photo_groups=one) for one in (None, bursts))
    expected = 2 * 1.96 * change.std() / math.sqrt(40)
    assert whole.high - whole.low == pytest.approx(expected, rel=0.1)
    assert single.high - single.low < 0.5 * expected


def test_bursts_are_drawn_within_drawn_classes() -> None:
    random = np.random.default_rng(1)
    classes, bursts = np.repeat(np.arange(30), 20), np.repeat(np.arange(120), 5)
    change = random.normal(size=30)[classes] + 0.5 * random.normal(size=120)[bursts]
    both = bootstrap_difference(np.zeros(600), change, groups=classes, photo_groups=bursts, resamples=4000)
    means = []
    for _ in range(4000):  # the same by a plain loop, with a generator of its own
        picked = [
            change[5 * (4 * number + other)]
            for number in random.integers(30, size=30)
            for other in random.integers(4, size=4)
        ]
        means.append(float(np.mean(picked)))
    low, high = np.quantile(means, [0.025, 0.975])
    assert both.high - both.low == pytest.approx(high - low, rel=0.1)
    assert both.low == pytest.approx(low, abs=0.05)
