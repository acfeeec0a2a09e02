"""Intervals hold the true change as often as they say, over photos and over classes."""

import numpy as np
import pytest
from scipy import stats

from indexer.statistics.metrics import (
    bootstrap_difference,
    compute_least_gain,
    widen_level,
)


def test_interval_agrees_with_the_normal_one() -> None:
    random = np.random.default_rng(3)
    before, after = random.normal(0.5, 0.1, 900), random.normal(0.53, 0.1, 900)
    change = after - before
    half = 1.96 * change.std() / 30
    low, high, mean = bootstrap_difference(before, after, resamples=4000)
    assert mean == pytest.approx(change.mean())
    assert [low, high] == pytest.approx([mean - half, mean + half], abs=0.05 * half)


def test_interval_holds_the_true_change_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    samples = random.exponential(0.1, (300, 80))
    held = [
        low <= 0.1 <= high
        for low, high, _ in (bootstrap_difference(0 * s, s, level=0.9, resamples=400) for s in samples)
    ]
    # 90 % of 300, give or take three standard deviations (0.017 each), less the known 0.02 for skewed values.
    assert 0.83 < np.mean(held) < 0.95


def test_interval_over_classes_is_wider_when_classes_differ() -> None:
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(12), 50)
    change = random.normal(0, 0.1, 12)[groups] + random.normal(0, 0.01, 600)
    alone = bootstrap_difference(np.zeros(600), change)
    classes = bootstrap_difference(np.zeros(600), change, groups=groups * 10**9)
    assert classes.mean == alone.mean
    assert classes.high - classes.low > 3 * (alone.high - alone.low)
    # Equal classes: the interval of the mean of twelve class means.
    half = 1.96 * change.reshape(12, 50).mean(axis=1).std() / 12**0.5
    assert [classes.low, classes.high] == pytest.approx([classes.mean - half, classes.mean + half], abs=0.15 * half)


def test_interval_is_the_same_for_the_same_seed_only() -> None:
    before, after = np.zeros(30), np.linspace(-0.3, 0.5, 30)
    assert bootstrap_difference(before, after) == bootstrap_difference(before, after)
    assert bootstrap_difference(before, after) != bootstrap_difference(before, after, seed=1)


@pytest.mark.parametrize(("units", "tolerance"), [(5, 1e-3), (10, 3e-4), (25, 3e-5)])
def test_the_level_for_few_units_is_that_of_students_quantile(units: int, tolerance: float) -> None:
    quantile = stats.t.ppf(0.975, units - 1) * np.sqrt(units / (units - 1))
    assert widen_level(units) == pytest.approx(1 - 2 * stats.norm.cdf(-quantile), abs=tolerance)


def test_over_six_units_the_widened_interval_holds_as_often_as_is_said() -> None:
    random = np.random.default_rng(7)
    samples = random.normal(0.1, 0.1, (300, 6))
    held = {
        level: np.mean(
            [
                low <= 0.1 <= high
                for low, high, _ in (bootstrap_difference(0 * s, s, level=level, resamples=400) for s in samples)
            ]
        )
        for level in (0.95, widen_level(6))
    }
    assert held[0.95] < 0.88
    assert held[widen_level(6)] > 0.9  # six values have few means: with so few it stays a little short


def test_one_unit_says_nothing_about_its_spread() -> None:
    assert bootstrap_difference([0.25], [0.75]) == (-1, 1, 0.5)
    assert bootstrap_difference([0, 0.5], [0.25, 0.75], groups=[4, 4]) == (-1, 1, 0.25)
    with pytest.raises(ValueError, match="one or more"):
        bootstrap_difference([], [])


def test_the_least_gain_is_what_four_of_five_draws_show() -> None:
    random, shown = np.random.default_rng(0), []
    spread, queries = 0.2, 60
    first = bootstrap_difference(np.zeros(queries), random.normal(0, spread, queries), resamples=4000)
    least = compute_least_gain(first)
    assert least == pytest.approx(2.80 * spread / np.sqrt(queries), rel=0.2)
    exact = 2.80 * spread / np.sqrt(queries)
    for seed in range(200):
        change = random.normal(exact, spread, queries)
        shown.append(bootstrap_difference(np.zeros(queries), change, resamples=300, seed=seed).low > 0)
    assert 0.72 <= np.mean(shown) <= 0.88
