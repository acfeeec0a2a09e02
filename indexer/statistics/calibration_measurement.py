"""Measure what distances mean under a model: from pairs of photos with labels, else from random pairs.

The model was not trained on these photos. Every cut-off states its false-match rate (FMR) and false-non-match rate
(FNMR) with 95 % intervals that allow for pairs sharing photos and classes: whole classes are weighted at random, and
the spread is widened to a prediction for as many other classes. With few classes that is wide, because class pairs
differ by a factor of a hundred; over class splits it holds what it says (tests/benchmarks/bench_identity.py).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.statistics.calibration import Calibration, DistanceCutoff
from indexer.statistics.error_rates import (
    LEAST_UNITS,
    PHOTO_GROUPS,
    ErrorRate,
    estimate_rates_by_class,
    estimate_rates_by_unit,
)
from indexer.statistics.metrics import LEAST_FALSE_MATCHES
from indexer.vectors.distances import compute_distance_table

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

MAX_MEASURED_PHOTOS = 1500  # measured at most: 1.1 million pairs in 0.3 s
CLASS_GROUP_SIZE = 4  # photos of a class are sampled in fours, so that many small classes leave matched pairs
MAX_INTERVAL_UNITS = 100  # that intervals weight at random: classes, several together where there are more
# Rounding of distances by way of scalar products: an edge is put so much lower that pairs tied with it stay out.
DISTANCE_ROUNDING = 1e-7
# A pair further apart than this share of the matched pairs is different; nearer, and beyond the threshold: not sure.
MATCHED_QUANTILE = 0.95
CUTOFF_FMRS = tuple(
    round(first * 10.0**power, 10)
    for power in (-6, -5, -4, -3, -2, -1)
    for first in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    if first * 10.0**power <= 0.5  # nobody asks for a cut-off at which half of the strangers count as the same
)


class FoldVectors(NamedTuple):
    """Rows (m,) of photos, and their embeddings (m, dim) under a model that was fitted without them."""

    rows: Rows
    vectors: np.ndarray


class PhotoPairs(NamedTuple):
    """Distances (pairs,) of pairs of photos, and the rows of their two photos, (pairs,) each."""

    distances: Floats
    left: Rows
    right: Rows

    def select(self, mask: NDArray[np.bool_]) -> "PhotoPairs":
        """The pairs at which the mask (pairs,) is true."""
        return PhotoPairs(self.distances[mask], self.left[mask], self.right[mask])


def calibrate_from_labels(
    vectors: np.ndarray,
    codes: Rows,
    *,
    groups: Rows | None = None,
    prior: float | None = None,
    source: str = "labels",
    new_labels: bool = True,
) -> Calibration:
    """The calibration from embeddings (n, dim) with label codes (n,) of photos that the model was not trained on.

    At most 1,500 photos are measured, as evenly over the classes as possible. `prior` is by default the share of
    matched among all pairs of the n photos. Pairs within one of the `groups` (n,), near copies and frames of a burst,
    are left out. Without pairs of both kinds there are no knots and no cut-offs.
    """
    rows = sample_by_class(codes, MAX_MEASURED_PHOTOS)
    prior = compute_matched_share(codes) if prior is None else prior
    every = _pair_all(vectors[rows])
    pairs = _leave_out_groups(every, groups, rows)
    measured = _calibrate_from_pairs(pairs, codes[rows], prior, source=source, new_labels=new_labels)
    return _count_groups(measured, groups, rows, len(every.distances) - len(pairs.distances))


def calibrate_from_folds(
    folds: Sequence[FoldVectors],
    codes: Rows,
    *,
    groups: Rows | None = None,
    source: str = "checkpoint",
    new_labels: bool,
) -> Calibration:
    """The calibration from pairs within each fold, under the fold's own embeddings; label codes (n,) are of all photos.

    At most 1,500 photos are measured, as evenly over the classes as possible. Pairs within one of the `groups` (n,) of
    all photos are left out.
    """
    chosen = sample_by_class(codes, MAX_MEASURED_PHOTOS)
    place = np.full(len(codes), -1)
    place[chosen] = np.arange(len(chosen))
    parts = []
    for fold in folds:
        measured = np.flatnonzero(place[fold.rows] >= 0)
        places = place[fold.rows[measured]]
        distances, left, right = _pair_all(fold.vectors[measured])
        parts.append(PhotoPairs(distances, places[left], places[right]))
    every = PhotoPairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    pairs = _leave_out_groups(every, groups, chosen)
    prior = compute_matched_share(codes)
    calibration = _calibrate_from_pairs(pairs, codes[chosen], prior, source=source, new_labels=new_labels)
    return _count_groups(calibration, groups, chosen, len(every.distances) - len(pairs.distances))


def calibrate_from_photos(vectors: np.ndarray) -> Calibration:
    """How rare distances are, from the embeddings (n, dim) of n random photos, at most 1,500 of them."""
    vectors = vectors[:MAX_MEASURED_PHOTOS]
    pairs = _pair_all(vectors)
    count = len(pairs.distances)
    cutoffs = _measure_cutoffs(pairs, np.zeros(count, np.bool_), np.arange(len(vectors))) if count else ()
    knots = _compute_share_knots(pairs.distances)
    return Calibration("photos", len(vectors), 0, 0, count, None, knots, cutoffs, None)


def compute_matched_share(codes: Rows) -> float:
    """The share of matched pairs among all pairs of photos with label codes (n,), 0 where there are no pairs."""
    counts = np.unique(codes, return_counts=True)[1]
    return float((counts * (counts - 1)).sum()) / max(1, len(codes) * (len(codes) - 1))


def sample_by_class(codes: Rows, limit: int, seed: int = 0) -> Rows:
    """At most `limit` rows of label codes (n,), ascending: CLASS_GROUP_SIZE of every class in turn, until there are
    enough.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(codes))
    classes = np.unique(codes[shuffled], return_inverse=True)[1]
    by_class = np.argsort(classes, kind="stable")
    first = np.cumsum(np.bincount(classes)) - np.bincount(classes)
    place = np.empty(len(codes), np.int64)
    place[by_class] = np.arange(len(codes)) - first[classes[by_class]]
    turn = random.permutation(len(first))[classes]
    chosen: Rows = shuffled[np.lexsort((place, turn, place // CLASS_GROUP_SIZE))[:limit]]
    return np.sort(chosen)


def _leave_out_groups(pairs: PhotoPairs, groups: Rows | None, rows: Rows) -> PhotoPairs:
    """The pairs of these rows (m,) of all photos whose photos are of different groups (n,)."""
    return pairs if groups is None else pairs.select(groups[rows[pairs.left]] != groups[rows[pairs.right]])


def _count_groups(measured: Calibration, groups: Rows | None, rows: Rows, left_out: int) -> Calibration:
    """The calibration with how many groups (n,) its rows (m,) are of, and how many pairs were left out."""
    return (
        measured if groups is None else replace(measured, groups=len(np.unique(groups[rows])), grouped_pairs=left_out)
    )


def _pair_all(vectors: np.ndarray) -> PhotoPairs:
    """All pairs of vectors (n, dim), each once, with their distances."""
    left, right = np.triu_indices(len(vectors), 1)
    exact = np.asarray(vectors, np.float64)
    return PhotoPairs(compute_distance_table(exact, exact)[left, right], left, right)


def _calibrate_from_pairs(
    pairs: PhotoPairs, codes: Rows, prior: float, *, source: str, new_labels: bool
) -> Calibration:
    """The calibration from pairs of photos with label codes (n,)."""
    units = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    is_matched = units[pairs.left] == units[pairs.right]
    matched, mismatched = pairs.distances[is_matched], pairs.distances[~is_matched]
    has_both_kinds = bool(len(matched)) and bool(len(mismatched))
    return Calibration(
        source=source,
        photos=len(codes),
        classes=int(units.max(initial=-1)) + 1,
        matched=len(matched),
        mismatched=len(mismatched),
        prior=prior,
        knots=_fit_probability_knots(matched, mismatched, prior) if has_both_kinds else (),
        cutoffs=_measure_cutoffs(pairs, is_matched, units) if has_both_kinds else (),
        different_from=float(np.quantile(matched, MATCHED_QUANTILE)) if has_both_kinds else None,
        new_labels=new_labels,
    )


def _fit_probability_knots(matched: Floats, mismatched: Floats, prior: float) -> tuple[tuple[float, float], ...]:
    """Knots (distance, probability of the same label): Bayes' rule on the shares of both kinds in bins.

    What rises with the distance is pooled: the fit is the nearest sequence in weighted squares that never rises (Ayer
    et al. 1955, "An empirical distribution function for sampling with incomplete information").
    """
    marks = np.linspace(0, 1, 65)
    edges = np.unique(np.concatenate([np.quantile(matched, marks), np.quantile(mismatched, marks)]))
    if len(edges) == 1:
        return ((float(edges[0]), prior),)
    same, other = (np.histogram(kind, edges)[0] + 0.5 for kind in (matched, mismatched))
    same, other = prior * same / same.sum(), (1 - prior) * other / other.sum()
    middles = (edges[1:] + edges[:-1]) / 2
    fitted = pool_violators(same / (same + other), same + other)
    return tuple(zip(middles.tolist(), fitted.tolist(), strict=True))


def pool_violators(values: Floats, weights: Floats) -> Floats:
    """The non-increasing sequence (n,) with the least weighted squared distance to the values (n,): isotonic
    regression.

    Neighbours that rise are replaced by their mean, until none do (Ayer et al. 1955): scipy's isotonic_regression,
    whose import takes 0.4 s that every first search would wait for.
    """
    means: list[float] = []
    sums: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means, sums, counts = [*means, value], [*sums, weight], [*counts, 1]
        while len(means) > 1 and means[-1] >= means[-2]:
            total = sums[-2] + sums[-1]
            means[-2:] = [(means[-2] * sums[-2] + means[-1] * sums[-1]) / total]
            sums[-2:], counts[-2:] = [total], [counts[-2] + counts[-1]]
    return np.repeat(np.array(means, np.float64), counts)


def _compute_share_knots(distances: Floats) -> tuple[tuple[float, float], ...]:
    """Knots (distance, share of pairs within it): at the nearest twenty pairs, then at ever fewer of the others."""
    ordered = np.sort(distances)
    ranks = np.unique(np.concatenate([np.arange(1, 21), np.geomspace(1, max(1, len(ordered)), 128)]).astype(np.int64))
    ranks = ranks[ranks <= len(ordered)]
    places, last = np.unique(ordered[ranks - 1][::-1], return_index=True)
    shares = (ranks[::-1] / max(1, len(ordered)))[last]
    return tuple(zip(places.tolist(), shares.tolist(), strict=True))


def _measure_cutoffs(pairs: PhotoPairs, is_matched: NDArray[np.bool_], units: Rows) -> tuple[DistanceCutoff, ...]:
    """Cut-offs at the FMRs that the mismatched pairs can back, with intervals over the units (n,) of the photos.

    The units are classes, or a number for each photo where there are none.
    """
    classes = int(units.max()) + 1
    for_other_units = LEAST_UNITS <= classes < len(units)  # else for these classes only, or there are no classes
    groups = (
        units % MAX_INTERVAL_UNITS
        if for_other_units
        else np.random.default_rng(0).permutation(len(units)) % PHOTO_GROUPS
    )
    matched, mismatched = pairs.select(is_matched), pairs.select(~is_matched)
    fmrs, edges = _choose_edges(mismatched.distances)
    false_match_rates = _measure_unit_rates(mismatched, edges, groups, for_other_units=for_other_units)
    match_rates = (
        _measure_class_rates(matched, edges, units)
        if for_other_units
        else _measure_unit_rates(matched, edges, groups, for_other_units=False)
    )
    miss_rates = [ErrorRate(1 - rate.value, 1 - rate.high, 1 - rate.low) for rate in match_rates]
    return tuple(
        DistanceCutoff(
            edge,
            ErrorRate(fmrs[at], false_match_rates[at].low, max(fmrs[at], false_match_rates[at].high)),
            miss_rates[at] if miss_rates else None,
        )
        for at, edge in enumerate(edges.tolist())
    )


def _choose_edges(mismatched: Floats) -> tuple[list[float], Floats]:
    """The FMRs that so many distances of mismatched pairs can back, and the distance (edges,) of the cut-off at each.

    It lies at the first mismatched pair that must stay out; those tied with that one stay out with it.
    """
    ordered = np.sort(mismatched)
    fmrs = [fmr for fmr in CUTOFF_FMRS if fmr * len(ordered) >= LEAST_FALSE_MATCHES]
    edges = np.array([ordered[math.floor(fmr * len(ordered))] for fmr in fmrs])
    return fmrs, np.maximum(edges - DISTANCE_ROUNDING, 0)


def _measure_class_rates(matched: PhotoPairs, edges: Floats, classes: Rows) -> list[ErrorRate]:
    """The share of matched pairs below each edge, with an interval for other classes; each pair is of one class."""
    if not (len(matched.distances) and len(edges)):
        return []
    bins = len(edges) + 1
    place = np.searchsorted(edges, matched.distances, side="right")  # a pair is below all edges from this one on
    pair_classes = classes[matched.left]
    counts = np.bincount(pair_classes * bins + place, minlength=(int(pair_classes.max()) + 1) * bins)
    below = np.cumsum(counts.reshape(-1, bins), axis=1).astype(np.float64)
    return estimate_rates_by_class(below[:, :-1], below[:, -1])


def _measure_unit_rates(pairs: PhotoPairs, edges: Floats, groups: Rows, *, for_other_units: bool) -> list[ErrorRate]:
    """The share of pairs below each edge, with an interval; each pair is of the groups of its two photos."""
    if not (len(pairs.distances) and len(edges)):
        return []
    left, right = groups[pairs.left], groups[pairs.right]
    units, bins = int(max(left.max(), right.max())) + 1, len(edges) + 1
    place = np.searchsorted(edges, pairs.distances, side="right")  # a pair is below all edges from this one on
    counts = np.bincount((left * units + right) * bins + place, minlength=units * units * bins)
    below = np.cumsum(counts.reshape(units, units, bins), axis=2).astype(np.float64)
    return estimate_rates_by_unit(below[:, :, :-1], below[:, :, -1], for_other_units=for_other_units)
