"""Shares of errors with intervals that allow for trials sharing classes or photos.

Two pairs that share a class err together, so pairs cannot be counted as if they were independent: classes or groups of
photos are the units. Where a trial belongs to two units, the units get random weights (Rubin 1981, "The Bayesian
Bootstrap") and a pair the product of both. Where each trial belongs to one class, half a class that always errs and
half a class that never does are added: a few classes may all be of one kind, and then the spread between them is too
small for others. Over simulated classes of many kinds these intervals hold at least 0.9 of the rates of other classes;
random weights held 0.7 where one class in ten differed (tests/indexer/statistics/test_error_rates.py).
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 400
LEAST_UNITS = 4  # classes; with fewer, groups of photos are the units, and the interval is for these classes only
PHOTO_GROUPS = 20
TAIL_PROBABILITY = 0.025
INTEGRATION_NODES, HALVINGS, LARGEST_T = 64, 50, 12.8  # of `compute_student_t`; at one degree of freedom t is 12.71
# Of a class that always errs, and of one that never does, which are added to the classes that were measured.
PSEUDO_CLASS_WEIGHT = 0.5


class ErrorRate(NamedTuple):
    """A measured share of errors (0 to 1), and its 95 % interval."""

    value: float
    low: float
    high: float


def estimate_rates_by_unit(errors: Floats, trials: Floats, *, for_other_units: bool) -> list[ErrorRate]:
    """Error rates of e kinds: errors (u, u, e) among trials (u, u), each of which belongs to one unit or to two of u.

    The interval is the spread of the logit over random weights, times Student's t (one degree less, as the same units
    have chosen the cut-off). For rates of as many other units (`for_other_units`) it is wider by the root of two, and
    reaches down to the lowest share without one of the units: other units may have none like it. Half an error is added
    to errors and to successes, so that no error among few trials does not mean never. With fewer than three units that
    take part, the interval is 0 to 1. Where no or every trial is an error there is no spread: the interval is then that
    of so many independent units, of which none or all err (Clopper, Pearson 1934).
    """
    taking_part = np.flatnonzero(trials.sum(axis=0) + trials.sum(axis=1))
    errors, trials = (array[np.ix_(taking_part, taking_part)] for array in (errors, trials))
    units, total = len(taking_part), float(trials.sum())
    shares = errors.sum(axis=(0, 1)) / total
    if units < 3:
        return [ErrorRate(share, 0.0, 1.0) for share in shares.tolist()]
    weights = np.random.default_rng(0).dirichlet(np.ones(units), RESAMPLES) * units
    weighted_errors, weighted_trials = _sum_weighted(errors, weights), _sum_weighted(trials[:, :, None], weights)
    spread = np.log((weighted_errors + 0.5) / (weighted_trials - weighted_errors + 0.5)).std(axis=0) * math.sqrt(
        (units + 1) / (units - 1)
    )
    half_width = compute_student_t(units - 2) * spread * math.sqrt(2 if for_other_units else 1)
    middle = np.log((shares * total + 0.5) / (total - shares * total + 0.5))
    low, high = (1 / (1 + np.exp(-np.clip(logit, -50, 50))) for logit in (middle - half_width, middle + half_width))
    low = np.minimum(low, _find_lowest_without_unit(errors, trials[:, :, None])) if for_other_units else low
    return _build_rates(shares, low, high, units)


def estimate_rates_by_class(errors: Floats, trials: Floats) -> list[ErrorRate]:
    """Error rates of e kinds, with intervals for as many other classes: errors (c, e) among trials (c,) of c classes.

    Half a class that always errs and half a class that never does are added, as half an error and half a success are to
    a binomial share (Jeffreys' prior; Brown, Cai, DasGupta 2001, "Interval Estimation for a Binomial Proportion").
    The spread is that of a ratio over classes (Cochran 1977, "Sampling Techniques", equation 6.9), on the scale of the
    arcsine, where it does not depend on the share (Anscombe 1948). Uneven classes count as fewer: (sum t)^2 / sum t^2
    (Kish 1965, "Survey Sampling"). Student's t has two degrees less, and the root of two makes the interval one for
    other classes. With fewer than three classes it is 0 to 1.
    """
    errors, trials = errors[trials > 0], trials[trials > 0]
    total = float(trials.sum())
    shares = errors.sum(axis=0) / total
    effective_classes = total**2 / float((trials**2).sum())
    if len(trials) < 3:
        return [ErrorRate(share, 0.0, 1.0) for share in shares.tolist()]
    pseudo_errors = np.full((1, errors.shape[1]), PSEUDO_CLASS_WEIGHT * total / effective_classes)
    errors, trials = (
        np.concatenate([errors, pseudo_errors, 0 * pseudo_errors]),
        np.concatenate([trials, pseudo_errors[0, :1], pseudo_errors[0, :1]]),
    )
    middle = errors.sum(axis=0) / trials.sum()
    variance = ((errors - middle * trials[:, None]) ** 2).sum(axis=0) / trials.sum() ** 2
    spread = np.sqrt(variance * effective_classes / max(effective_classes - 1, 1e-9) / (4 * middle * (1 - middle)))
    half_width = compute_student_t(max(1, round(effective_classes) - 2)) * spread * math.sqrt(2)
    angle = np.arcsin(np.sqrt(middle))
    low, high = (np.sin(np.clip(end, 0, math.pi / 2)) ** 2 for end in (angle - half_width, angle + half_width))
    return _build_rates(shares, low, high, effective_classes)


def _build_rates(shares: Floats, low: Floats, high: Floats, units: float) -> list[ErrorRate]:
    """Error rates from shares and interval ends (e,), widened to hold the share.

    At shares of 0 and 1 they reach at least as far as those of so many independent units.
    """
    widest_error = 1 - TAIL_PROBABILITY ** (1 / units)
    low = np.where(shares == 1, np.minimum(low, 1 - widest_error), np.minimum(low, shares))
    high = np.where(shares == 0, np.maximum(high, widest_error), np.maximum(high, shares))
    return [ErrorRate(*rate) for rate in zip(shares.tolist(), low.tolist(), high.tolist(), strict=True)]


def estimate_error_rate(errors: NDArray[np.bool_], codes: NDArray[np.int64]) -> ErrorRate:
    """The share of errors (n,), one at least, with an interval over class codes (n,), over photos with few classes."""
    for_other_classes = len(set(codes.tolist())) >= LEAST_UNITS
    units = np.unique(codes, return_inverse=True)[1] if for_other_classes else np.arange(len(codes)) % PHOTO_GROUPS
    unit_errors, unit_trials = np.bincount(units, errors).astype(np.float64), np.bincount(units).astype(np.float64)
    if for_other_classes:
        return estimate_rates_by_class(unit_errors[:, None], unit_trials)[0]
    return estimate_rates_by_unit(np.diag(unit_errors)[:, :, None], np.diag(unit_trials), for_other_units=False)[0]


def _find_lowest_without_unit(errors: Floats, trials: Floats) -> Floats:
    """The lowest share (e,) of errors (u, u, e) among trials (u, u, 1) without those that belong to one unit."""
    remaining_errors, remaining_trials = (
        counts.sum(axis=(0, 1)) - counts.sum(axis=0) - counts.sum(axis=1) + np.einsum("uue->ue", counts)
        for counts in (errors, trials)
    )
    lowest: Floats = (remaining_errors / np.maximum(remaining_trials, 1)).min(axis=0)
    return lowest


def _sum_weighted(counts: Floats, weights: Floats) -> Floats:
    """Sums (b, e) of counts (u, u, e) under weights (b, u): weighted by both units, once where both are the same."""
    units, edges = counts.shape[1:]
    within_unit = counts[np.arange(units), np.arange(units)]
    between_units = counts.copy()
    between_units[np.arange(units), np.arange(units)] = 0
    weighted_once = (weights @ between_units.reshape(units, units * edges)).reshape(-1, units, edges)
    sums: Floats = np.einsum("bue,bu->be", weighted_once, weights) + weights @ within_unit
    return sums


@cache
def compute_student_t(degrees: int) -> float:
    """Student's t that 97.5 % stay below, at so many degrees of freedom.

    With t = sqrt(degrees) tan(angle) its density is that of the angle, in proportion to cos(angle) ** (degrees - 1):
    the share of the angles up to the one looked for comes from Gauss-Legendre integration, the angle from halving. To
    1e-8 as scipy's, whose import would take longer than the search that needs it.
    """
    nodes, weights = np.polynomial.legendre.leggauss(INTEGRATION_NODES)
    total = np.sqrt(np.pi) / 2 * np.exp(math.lgamma(degrees / 2) - math.lgamma((degrees + 1) / 2))

    def integrate_to(angle: float) -> float:
        return angle / 2 * float(weights @ np.cos(angle / 2 * (nodes + 1)) ** (degrees - 1))

    wanted, low, high = total * (1 - 2 * TAIL_PROBABILITY), 0.0, np.arctan(LARGEST_T / np.sqrt(degrees))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if integrate_to(middle) < wanted else (low, middle)
    return float(np.sqrt(degrees) * np.tan(low))
