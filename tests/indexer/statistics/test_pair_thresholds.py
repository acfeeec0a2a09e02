"""Matched and mismatched pairs, the thresholds that they back, and the equal error rate."""

import math
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.statistics import metrics
from indexer.statistics.metrics import (
    PairDistances,
    compute_equal_error_rate,
    find_threshold,
    measure_pair_distances,
    measure_verification,
)
from tests.support.labelled_points import draw_tied_points, put_on_line

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines

DRAWN = draw_tied_points(24, 5)


def pairs_by_loop(embeddings: NDArray[Any], labels: NDArray[Any]) -> tuple[list[float], list[float]]:
    matched: list[float] = []
    mismatched: list[float] = []
    for a, b in combinations(range(len(labels)), 2):
        (matched if labels[a] == labels[b] else mismatched).append(math.dist(embeddings[a], embeddings[b]))
    return sorted(matched), sorted(mismatched)


@settings(max_examples=60, deadline=None)
@given(DRAWN)
def test_pairs_agree_with_a_loop(drawn: tuple[NDArray[Any], NDArray[Any]]) -> None:
    found, expected = measure_pair_distances(*drawn), pairs_by_loop(*drawn)
    np.testing.assert_allclose(found.matched, expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.mismatched, expected[1], rtol=0, atol=1e-12)


def test_sampled_pairs_are_of_their_kind_and_even() -> None:
    # Powers of 3 on a line: each pair has a distance of its own.
    embeddings, labels = (
        put_on_line(*[3.0**i for i in range(12)]).astype(np.float64),
        np.array([0, 1, 2] * 3 + [0, 0, 0]),
    )
    everything = measure_pair_distances(embeddings, labels)
    sample = measure_pair_distances(embeddings, labels, limit=18, seed=1)
    assert (len(everything.matched), len(sample.matched)) == (21, 18)
    assert len(sample.mismatched) == 18
    counts = {kind: np.zeros(len(getattr(everything, kind))) for kind in PairDistances._fields}
    for seed in range(400):
        drawn = measure_pair_distances(embeddings, labels, limit=18, seed=seed)
        for kind, seen in counts.items():
            values = getattr(everything, kind)
            at = np.searchsorted(values, getattr(drawn, kind))
            np.testing.assert_array_equal(values[at], getattr(drawn, kind))
            np.add.at(seen, at, 1)
    for seen in counts.values():
        expected = 400 * 18 / len(seen)
        # Chi-square with len - 1 degrees of freedom: its mean plus four standard deviations.
        assert ((seen - expected) ** 2 / expected).sum() < len(seen) + 4 * (2 * len(seen)) ** 0.5


def test_one_giant_class_and_a_few_others_need_little_memory() -> None:
    labels = np.zeros(20_000, np.int64)
    labels[:10] = 1
    found = measure_pair_distances(np.arange(20_000.0)[:, None], labels)
    assert len(found.mismatched) == 10 * 19_990
    assert len(found.matched) == metrics.MAX_PAIRS


def test_threshold_keeps_its_false_match_rate_as_tight_as_it_can() -> None:
    pairs = PairDistances(np.array([0.1, 0.2, 0.3, 0.9]), np.arange(1, 101) / 100)
    fmr, fnmr, distance = find_threshold(pairs, 0.25)
    assert (fmr, distance) == (0.25, 0.26)
    assert (pairs.mismatched < distance).sum() == 25
    assert fnmr == 0.5
    # Ties at the threshold stay outside: the rate is kept, not passed.
    tied = PairDistances(pairs.matched, np.array([0.1] * 5 + [0.2] * 95))
    assert find_threshold(tied, 0.5).distance == 0.2
    with pytest.raises(ValueError, match="between 0 and 1"):
        find_threshold(pairs, 1)


@pytest.mark.parametrize(
    ("matched", "mismatched", "expected"),
    [
        ([1, 2], [3, 4], 0.0),
        ([3, 4], [1, 2], 1.0),
        ([1], [1], 0.5),
        ([1, 2, 3, 7], [4, 6, 8, 9], 0.25),
        ([1, 4], [3, 5, 6], 1 / 3),  # from (1/3, 1/2) at 4 straight down to (1/3, 0) at 5
        ([1, 3], [3, 5], 0.25),  # half-way from (0, 1/2) at 3 to (1/2, 0) at 5
    ],
)
def test_equal_error_rate_of_hand_worked_pairs(matched: list[float], mismatched: list[float], expected: float) -> None:
    assert compute_equal_error_rate(
        PairDistances(np.array(matched, float), np.array(mismatched, float))
    ) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(*[st.lists(st.integers(0, 9).map(float), min_size=1, max_size=12)] * 2)
def test_equal_error_rate_is_where_the_roc_meets_the_diagonal(matched: list[float], mismatched: list[float]) -> None:
    eer = compute_equal_error_rate(PairDistances(np.sort(matched), np.sort(mismatched)))
    cuts = [*sorted({*matched, *mismatched}), math.inf]
    points = [(np.mean([d < t for d in mismatched]), np.mean([d >= t for d in matched])) for t in cuts]
    crossings = [
        a + t * (c - a)
        for (a, b), (c, d) in pairwise(points)
        if c - a + b - d > 0 and 0 <= (t := (b - a) / (c - a + b - d)) <= 1
    ]
    assert min(abs(eer - crossing) for crossing in crossings) < 1e-12


def test_threshold_is_given_only_where_the_pairs_back_it() -> None:
    random = np.random.default_rng(6)
    labels = np.repeat(np.arange(10), 12)
    embeddings = random.normal(size=(10, 16))[labels] + random.normal(size=(120, 16))
    found = measure_verification(embeddings, labels)
    matched, mismatched = pairs_by_loop(embeddings, labels)
    assert (found.matched, found.mismatched) == (len(matched), len(mismatched)) == (660, 6480)
    # 6.5 false matches are to be expected at 0.001, 65 at 0.01.
    assert [threshold.fmr for threshold in found.thresholds] == [0.1, 0.01]
    for fmr, fnmr, distance in found.thresholds:
        assert 0 <= fmr - np.mean(np.array(mismatched) < distance) < 2 / len(mismatched)
        assert fnmr == pytest.approx(np.mean(np.array(matched) >= distance))
    assert found.eer is not None
    assert 0 < found.eer < 0.4


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_pairs_of_one_kind_give_no_verdict(labels: list[int]) -> None:
    found = measure_verification(put_on_line(0, 1, 2), labels)
    assert found.eer is None
    assert found.thresholds == ()
