"""Intervals over classes hold what other classes measure, also where the classes seen are all of one kind."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit

from indexer.statistics.error_rates import (
    ErrorRate,
    compute_student_t,
    estimate_error_rate,
    estimate_rates_by_class,
    estimate_rates_by_unit,
)

Floats = NDArray[np.float64]
Population = Callable[[np.random.Generator, int], Floats]

# The shares of errors of so many classes. In the last two most classes are alike and a few quite different.
POPULATIONS: dict[str, Population] = {
    "alike": lambda random, count: random.beta(20, 1, count),
    "even": lambda random, count: random.beta(5, 5, count),
    "skewed": lambda random, count: random.beta(2, 0.5, count),
    "rare": lambda random, count: random.beta(0.3, 3, count),
    "all or none": lambda random, count: random.beta(0.5, 0.2, count),
    "a fifth never": lambda random, count: np.where(random.random(count) < 0.2, 0.15, 0.92),
    "a tenth mostly": lambda random, count: np.where(random.random(count) < 0.1, 0.8, 0.03),
}
SIZES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "as many each": lambda _, count: np.full(count, 91.0),
    "uneven": lambda random, count: np.floor(random.uniform(4, 30, count) ** 2 / 2),
}


def by_weights(errors: Floats, trials: Floats) -> ErrorRate:
    """The interval from random weights of the classes that were seen, and nothing else."""
    return estimate_rates_by_unit(np.diag(errors)[:, :, None], np.diag(trials), for_other_units=True)[0]


def by_classes(errors: Floats, trials: Floats) -> ErrorRate:
    return estimate_rates_by_class(errors[:, None], trials)[0]


def held(method: Callable[[Floats, Floats], ErrorRate], population: Population, size: str, classes: int) -> float:
    """How often an interval from so many classes holds the share that is measured on as many others."""
    random = np.random.default_rng(classes)
    inside = 0
    for _ in range(200):
        trials, asked = SIZES[size](random, classes), SIZES[size](random, classes)
        errors = random.binomial(trials.astype(np.int64), population(random, classes)).astype(np.float64)
        others = random.binomial(asked.astype(np.int64), population(random, classes)).sum() / asked.sum()
        rate = method(errors, trials)
        inside += rate.low <= others <= rate.high
    return inside / 200


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("classes", [5, 9, 20])
def test_interval_holds_what_other_classes_measure(name: str, classes: int, size: str) -> None:
    assert held(by_classes, POPULATIONS[name], size, classes) >= 0.9


@pytest.mark.parametrize("name", ["a fifth never", "a tenth mostly"])
def test_spread_of_the_classes_seen_alone_does_not_hold_it(name: str) -> None:
    assert held(by_weights, POPULATIONS[name], "as many each", 5) < 0.85


def test_interval_narrows_with_the_classes_and_holds_its_share() -> None:
    random = np.random.default_rng(0)
    widths = []
    for classes in (5, 10, 40, 160):
        errors = random.binomial(91, random.beta(5, 5, classes)).astype(np.float64)
        rate = by_classes(errors, np.full(classes, 91.0))
        assert rate.value == errors.sum() / (91 * classes)
        assert 0 <= rate.low < rate.value < rate.high <= 1
        widths.append(rate.high - rate.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.1


def test_errors_and_successes_are_treated_alike() -> None:
    errors, trials = np.array([3.0, 0.0, 17.0, 5.0, 1.0]), np.array([20.0, 30.0, 20.0, 10.0, 40.0])
    one, other = by_classes(errors, trials), by_classes(trials - errors, trials)
    assert (other.value, other.low, other.high) == pytest.approx((1 - one.value, 1 - one.high, 1 - one.low), abs=1e-12)


def test_classes_without_trials_do_not_count() -> None:
    errors, trials = np.array([3.0, 0.0, 4.0, 9.0, 0.0]), np.array([10.0, 0.0, 10.0, 10.0, 10.0])
    assert by_classes(errors, trials) == by_classes(errors[trials > 0], trials[trials > 0])
    assert by_classes(errors[:3], trials[:3]) == (0.35, 0.0, 1.0)  # two classes say nothing of a third


def test_one_large_class_among_small_ones_says_little() -> None:
    trials = np.array([5000.0, 5.0, 5.0, 5.0, 5.0, 5.0])
    rate = by_classes(trials * np.array([0.4, 0.2, 0.2, 0.6, 0.6, 0.2]), trials)
    assert rate.high - rate.low > 0.9
    even = by_classes(np.full(6, 100.0) * np.array([0.4, 0.2, 0.2, 0.6, 0.6, 0.2]), np.full(6, 100.0))
    assert even.high - even.low < 0.8


def test_shares_of_classes_are_for_others_from_four_classes_on() -> None:
    codes = np.arange(80) // 10
    errors = np.random.default_rng(0).random(80) < 0.3
    sums = np.bincount(codes, errors).astype(np.float64)
    assert estimate_error_rate(errors, codes) == by_classes(sums, np.full(8, 10.0))
    assert estimate_error_rate(errors, codes * 0) != by_classes(sums, np.full(8, 10.0))


# Fisher, Yates 1938, "Statistical Tables", table III: Student's t, 97.5 %.
@pytest.mark.parametrize(
    ("degrees", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042)]
)
def test_students_t_is_the_printed_one(degrees: int, printed: float) -> None:
    assert compute_student_t(degrees) == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 29, 500, 10_000, 1_000_000])
def test_students_t_is_that_of_scipy(degrees: int) -> None:
    assert compute_student_t(degrees) == pytest.approx(float(stdtrit(degrees, 0.975)), rel=1e-8)
