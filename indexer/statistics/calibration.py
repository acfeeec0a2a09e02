"""What a distance means: the probability of the same label, how rare it is among random pairs, and cut-offs.

Measured on pairs of photos with labels that the model was not trained on; without labels on random pairs. numpy only.
Every cut-off states its false-match rate (FMR) and false-non-match rate (FNMR) with 95 % intervals that allow for
pairs sharing photos and classes: whole classes are weighted at random, and the spread is widened to a prediction for
as many classes that were not there. With few classes that is wide, because class pairs differ by a factor of a hundred;
over class splits it holds what it says (tests/benchmarks/bench_identity.py).
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError
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
DISTANCE_ROUNDING = (
    1e-7  # of distances by way of scalar products: an edge lies so much lower, that pairs tied with it stay out
)
DEFAULT_FMR = 0.01
WORST_FMR = 0.1  # beyond it, "same" would say too little: then nothing is called the same unasked
# A pair further apart than this share of the matched pairs is different; nearer, and beyond the threshold: not sure.
MATCHED_QUANTILE = 0.95
CUTOFF_FMRS = tuple(
    round(first * 10.0**power, 10)
    for power in (-6, -5, -4, -3, -2, -1)
    for first in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    if first * 10.0**power <= 0.5  # a cut-off that lets half of the strangers in is none
)


class DistanceCutoff(NamedTuple):
    """Two photos closer than `distance` count as the same, at it no more; `fnmr` is None without matched pairs.

    FMR is the share of mismatched pairs below `distance`, FNMR that of matched pairs at it or beyond, as everywhere
    else. `fmr.value` is the rate that was wished for: it is reached where no pairs lie exactly at the edge; where
    several do, all of them stay out, and fewer pairs are wrong than is said.
    """

    distance: float
    fmr: ErrorRate
    fnmr: ErrorRate | None

    @property
    def max_same_distance(self) -> float:
        """The greatest distance that still counts as the same: for whoever keeps what is at most so far away."""
        return math.nextafter(self.distance, 0.0)


class DistanceMeaning(NamedTuple):
    """Of a distance: P(same label), or N of "one in N random pairs is this close"; None where nothing supports it."""

    probability: float | None
    rarity: float | None


class PairComparison(NamedTuple):
    """Are two pictures the same? `verdict` is "same", "different" or "not sure"; `measured` says how, in a sentence.

    "same" lies below `threshold`, "different" at or above `different_from`; each is None where nothing backs it.
    `scope` says in a few words for what the rates hold.
    """

    distance: float
    verdict: str
    threshold: float | None
    different_from: float | None
    fmr: ErrorRate | None
    fnmr: ErrorRate | None
    probability: float | None
    rarity: float | None
    measured: str
    scope: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What distances mean under one model; `source` is "labels", "checkpoint" or "photos" (random pairs, no labels).

    `knots` are distances, ascending, each with the probability of the same label at the prior `prior` (the share of
    matched pairs among all pairs), or, without labels, with the share of random pairs that are as close.
    `new_labels` says that the model was trained on none of the labels: only then do the rates hold for others.
    """

    source: str
    photos: int
    classes: int
    matched: int
    mismatched: int
    prior: float | None
    knots: tuple[tuple[float, float], ...]
    cutoffs: tuple[DistanceCutoff, ...]
    different_from: float | None
    new_labels: bool = True

    def interpret_distance(self, distance: float) -> DistanceMeaning:
        """The probability where there were labels, else the rarity: at most the number of pairs looked at."""
        value = _interpolate_knots(self.knots, distance)
        if self.prior is not None or value is None:
            return DistanceMeaning(value, None)
        return DistanceMeaning(None, min(1 / value, self.max_rarity))

    @property
    def max_rarity(self) -> float:
        """The highest rarity that the sampled pairs can tell: such a hit is rarer than one in so many."""
        return float(self.mismatched)

    def choose_cutoff(self, fmr: float | None = None) -> DistanceCutoff:
        """The widest cut-off whose FMR is at most `fmr`; None: 0.01, or the least up to WORST_FMR that the pairs can
        back. Of pairs exactly at its distance none counts as the same.

        Raises LookalikeError where there are too few pairs to promise that.
        """
        if fmr is not None and not 0 < fmr < 1:
            raise LookalikeError("A false-match rate is a share between 0 and 1, such as 0.01.")
        if not self.cutoffs:
            raise LookalikeError(
                "There are too few pictures to say how often a distance is wrong: index or label more of them."
            )
        within_fmr = [cutoff for cutoff in self.cutoffs if cutoff.fmr.value <= (fmr or DEFAULT_FMR)]
        if not within_fmr and fmr is not None:
            raise LookalikeError(
                f"The {self.mismatched:,} pairs at hand cannot show a false-match rate of {fmr:g}; "
                f"the least they can is {self.cutoffs[0].fmr.value:g}."
            )
        if not within_fmr and not self._backs_useful_fmr:
            raise LookalikeError("There are too few pairs to call two pictures the same: index or label more of them.")
        return within_fmr[-1] if within_fmr else self.cutoffs[0]

    @property
    def _backs_useful_fmr(self) -> bool:
        """Whether the pairs can back a false-match rate that is worth having."""
        return bool(self.cutoffs) and self.cutoffs[0].fmr.value <= WORST_FMR

    def judge_distance(self, distance: float, fmr: float | None = None) -> PairComparison:
        """The verdict on two pictures at this distance; raises LookalikeError where `fmr` cannot be promised."""
        cutoff = self.choose_cutoff(fmr) if self._backs_useful_fmr or fmr is not None else None
        different_from = self.different_from
        if cutoff and different_from is not None:
            different_from = max(different_from, cutoff.distance)
        return PairComparison(
            distance,
            _choose_verdict(distance, cutoff.distance if cutoff else None, different_from),
            cutoff.distance if cutoff else None,
            different_from,
            cutoff.fmr if cutoff else None,
            cutoff.fnmr if cutoff else None,
            *self.interpret_distance(distance),
            self.describe_pairs(),
            self.scope,
        )

    @property
    def scope(self) -> str:
        """For what the rates hold, in a few words."""
        if self.source == "photos":
            return "random photos, all counted as different"
        if not self.new_labels:
            return "known labels only: the model was trained on them"
        return "as many other labels" if self.classes >= LEAST_UNITS else "these labels only"

    def describe_pairs(self) -> str:
        """A sentence on the pairs behind the figures."""
        if self.source == "photos":
            return (
                f"Measured on {self.mismatched:,} random pairs of {self.photos:,} photos that the model was not "
                "trained on, all counted as different: there are too few labels, so how often the same is missed is "
                "not known."
            )
        photo_origin = "photos of this library" if self.source == "labels" else "pictures that came with the checkpoint"
        pairs = f"{self.matched:,} matched and {self.mismatched:,} mismatched pairs"
        if not self.new_labels:
            return (
                f"Measured on {self.photos:,} {photo_origin} with {self.classes:,} labels: {pairs}. The model was "
                "not trained "
                "on these pictures, but on others of their labels, so the rates hold for known labels only."
            )
        return (
            f"Measured on {self.photos:,} {photo_origin} with {self.classes:,} labels that the model was not "
            "trained on: "
            f"{pairs}. The intervals are for {self.scope}."
        )

    def fields(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_fields(cls, fields: object) -> "Calibration":
        """From what `fields` gave, through JSON; ValueError where it is anything else."""
        try:
            if not isinstance(fields, dict):
                raise TypeError("no fields")
            read = cls(
                source={"labels": "labels", "checkpoint": "checkpoint", "photos": "photos"}[fields["source"]],
                photos=int(fields["photos"]),
                classes=int(fields["classes"]),
                matched=int(fields["matched"]),
                mismatched=int(fields["mismatched"]),
                prior=None if fields["prior"] is None else float(fields["prior"]),
                knots=tuple((float(place), float(value)) for place, value in fields["knots"]),
                cutoffs=tuple(_parse_cutoff(*cutoff) for cutoff in fields["cutoffs"]),
                different_from=None if fields["different_from"] is None else float(fields["different_from"]),
                new_labels=fields.get("new_labels", True) is True,
            )
            places = [place for place, _ in read.knots]
            if not all(map(math.isfinite, places)) or places != sorted(places):
                raise ValueError("its knots do not ascend")
        except (KeyError, TypeError) as error:
            raise ValueError("this is no calibration") from error
        return read


def _interpolate_knots(knots: tuple[tuple[float, float], ...], distance: float) -> float | None:
    """The value on the straight line between the knots beside a distance; beyond them, that of the last one."""
    if not knots:
        return None
    after = bisect.bisect(knots, (distance, math.inf))
    if after in (0, len(knots)):
        return knots[max(0, after - 1)][1]
    (place, value), (next_place, next_value) = knots[after - 1 : after + 1]
    return value + (next_value - value) * (distance - place) / (next_place - place)


def _parse_cutoff(distance: object, fmr: Any, fnmr: Any) -> DistanceCutoff:
    return DistanceCutoff(
        float(str(distance)), ErrorRate(*map(float, fmr)), None if fnmr is None else ErrorRate(*map(float, fnmr))
    )


def _choose_verdict(distance: float, threshold: float | None, different: float | None) -> str:
    if distance == 0 or (threshold is not None and distance < threshold):
        return "same"
    return "different" if different is not None and distance >= different else "not sure"


class FoldVectors(NamedTuple):
    """Rows (m,) of photos, and their embeddings (m, dim) under a model that was fitted without them."""

    rows: Rows
    vectors: np.ndarray


def calibrate_from_labels(
    vectors: np.ndarray, codes: Rows, *, prior: float | None = None, source: str = "labels", new_labels: bool = True
) -> Calibration:
    """What distances mean, from embeddings (n, dim) with label codes (n,) of photos the model was not trained on.

    At most 1,500 photos are measured, as evenly over the classes as they allow; `prior` is by default the share of
    matched among all their pairs. Without matched or mismatched pairs there are no knots and no cut-offs.
    """
    rows = sample_by_class(codes, MAX_MEASURED_PHOTOS)
    prior = compute_matched_share(codes) if prior is None else prior
    left, right = np.triu_indices(len(rows), 1)
    pairs = _PhotoPairs(_measure_pairs(vectors[rows], left, right), left, right)
    return _calibrate_from_pairs(pairs, codes[rows], prior, source=source, new_labels=new_labels)


def calibrate_from_folds(folds: Sequence[FoldVectors], codes: Rows, *, new_labels: bool) -> Calibration:
    """What distances mean, from pairs within each fold, under its own embeddings; label codes (n,) are of all photos.

    At most 1,500 photos are measured, as evenly over the classes as they allow.
    """
    chosen = sample_by_class(codes, MAX_MEASURED_PHOTOS)
    place = np.full(len(codes), -1)
    place[chosen] = np.arange(len(chosen))
    parts = []
    for fold in folds:
        kept = np.flatnonzero(place[fold.rows] >= 0)
        left, right = np.triu_indices(len(kept), 1)
        places = place[fold.rows[kept]]
        parts.append(_PhotoPairs(_measure_pairs(fold.vectors[kept], left, right), places[left], places[right]))
    pairs = _PhotoPairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    prior = compute_matched_share(codes)
    return _calibrate_from_pairs(pairs, codes[chosen], prior, source="checkpoint", new_labels=new_labels)


class _PhotoPairs(NamedTuple):
    """Distances (pairs,) and the rows of their two photos, (pairs,) each."""

    distances: Floats
    left: Rows
    right: Rows


def _calibrate_from_pairs(
    pairs: _PhotoPairs, codes: Rows, prior: float, *, source: str, new_labels: bool
) -> Calibration:
    """The calibration from pairs of photos with label codes (n,)."""
    distances, left, right = pairs
    units = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    is_matched = units[left] == units[right]
    matched, mismatched = distances[is_matched], distances[~is_matched]
    has_both_kinds = bool(len(matched)) and bool(len(mismatched))
    return Calibration(
        source=source,
        photos=len(codes),
        classes=int(units.max(initial=-1)) + 1,
        matched=len(matched),
        mismatched=len(mismatched),
        prior=prior,
        knots=_fit_probability_knots(matched, mismatched, prior) if has_both_kinds else (),
        cutoffs=_measure_cutoffs(distances, is_matched, left, right, units) if has_both_kinds else (),
        different_from=float(np.quantile(matched, MATCHED_QUANTILE)) if has_both_kinds else None,
        new_labels=new_labels,
    )


def compute_matched_share(codes: Rows) -> float:
    """The share of matched pairs among all pairs of photos with label codes (n,), 0 where there are none."""
    counts = np.unique(codes, return_counts=True)[1]
    return float((counts * (counts - 1)).sum()) / max(1, len(codes) * (len(codes) - 1))


def calibrate_from_photos(vectors: np.ndarray) -> Calibration:
    """How rare distances are, from the embeddings (n, dim) of n random photos, at most 1,500 of them."""
    vectors = vectors[:MAX_MEASURED_PHOTOS]
    left, right = np.triu_indices(len(vectors), 1)
    distances = _measure_pairs(vectors, left, right)
    units = np.arange(len(vectors))
    cutoffs = (
        _measure_cutoffs(distances, np.zeros(len(distances), np.bool_), left, right, units) if len(distances) else ()
    )
    return Calibration(
        "photos", len(vectors), 0, 0, len(distances), None, _compute_share_knots(distances), cutoffs, None
    )


def sample_by_class(codes: Rows, limit: int, seed: int = 0) -> Rows:
    """At most `limit` rows, ascending, in turn from every class: four photos of each, four more of each, ..."""
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


def _measure_pairs(vectors: np.ndarray, left: Rows, right: Rows) -> Floats:
    """Distances (pairs,) of rows `left` to rows `right` (pairs,) of vectors (n, dim), most of whose pairs are asked."""
    exact = np.asarray(vectors, np.float64)
    distances: Floats = compute_distance_table(exact, exact)[left, right]
    return distances


def _fit_probability_knots(matched: Floats, mismatched: Floats, prior: float) -> tuple[tuple[float, float], ...]:
    """Knots of P(same label | distance): Bayes' rule on shares of both kinds in bins, made to fall by pooling.

    The fit is the nearest sequence in weighted squares that never rises (Ayer et al. 1955, pool adjacent violators).
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 (0.4 s, and only measuring needs it)

    marks = np.linspace(0, 1, 65)
    edges = np.unique(np.concatenate([np.quantile(matched, marks), np.quantile(mismatched, marks)]))
    if len(edges) == 1:
        return ((float(edges[0]), prior),)
    same, other = (np.histogram(kind, edges)[0] + 0.5 for kind in (matched, mismatched))
    same, other = prior * same / same.sum(), (1 - prior) * other / other.sum()
    middles = (edges[1:] + edges[:-1]) / 2
    fitted = isotonic_regression(same / (same + other), weights=same + other, increasing=False)
    return tuple(zip(middles.tolist(), fitted.x.tolist(), strict=True))


def _compute_share_knots(distances: Floats) -> tuple[tuple[float, float], ...]:
    """Knots of the share of pairs within a distance: all of the nearest twenty, then ever fewer."""
    ordered = np.sort(distances)
    ranks = np.unique(np.concatenate([np.arange(1, 21), np.geomspace(1, max(1, len(ordered)), 128)]).astype(np.int64))
    ranks = ranks[ranks <= len(ordered)]
    places, last = np.unique(ordered[ranks - 1][::-1], return_index=True)
    shares = (ranks[::-1] / max(1, len(ordered)))[last]
    return tuple(zip(places.tolist(), shares.tolist(), strict=True))


def _measure_cutoffs(
    distances: Floats, same: NDArray[np.bool_], left: Rows, right: Rows, units: Rows
) -> tuple[DistanceCutoff, ...]:
    """Cut-offs at the FMRs that the mismatched pairs can back; the intervals are over the units (photos,) of photos.

    A cut-off lies at the first mismatched pair that must stay out; those tied with it stay out with it.
    """
    classes = int(units.max()) + 1
    for_other_units = LEAST_UNITS <= classes < len(units)  # else for these classes only, or there are no classes
    cells = (
        units % MAX_INTERVAL_UNITS
        if for_other_units
        else np.random.default_rng(0).permutation(len(units)) % PHOTO_GROUPS
    )
    mismatched = np.sort(distances[~same])
    fmrs = [fmr for fmr in CUTOFF_FMRS if fmr * len(mismatched) >= LEAST_FALSE_MATCHES]
    edges = np.array([mismatched[math.floor(fmr * len(mismatched))] for fmr in fmrs])
    edges = np.maximum(edges - DISTANCE_ROUNDING, 0)
    false_match_rates = _measure_unit_rates(
        distances[~same], edges, cells[left[~same]], cells[right[~same]], for_other_units=for_other_units
    )
    match_rates = (
        _measure_class_rates(distances[same], edges, units[left[same]])
        if for_other_units
        else _measure_unit_rates(distances[same], edges, cells[left[same]], cells[right[same]], for_other_units=False)
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


def _measure_class_rates(distances: Floats, edges: Floats, classes: Rows) -> list[ErrorRate]:
    """The shares of matched pairs below each edge with intervals for other classes; each pair is of one class."""
    if not (len(distances) and len(edges)):
        return []
    bins = len(edges) + 1
    place = np.searchsorted(edges, distances, side="right")  # a pair is below all edges from this one on
    cells = np.bincount(classes * bins + place, minlength=(int(classes.max()) + 1) * bins)
    below = np.cumsum(cells.reshape(-1, bins), axis=1).astype(np.float64)
    return estimate_rates_by_class(below[:, :-1], below[:, -1])


def _measure_unit_rates(
    distances: Floats, edges: Floats, left: Rows, right: Rows, *, for_other_units: bool
) -> list[ErrorRate]:
    """The shares of pairs below each edge with intervals; each pair belongs to one unit or to two."""
    if not (len(distances) and len(edges)):
        return []
    units, bins = int(max(left.max(), right.max())) + 1, len(edges) + 1
    place = np.searchsorted(edges, distances, side="right")  # a pair is below all edges from this one on
    cells = np.bincount((left * units + right) * bins + place, minlength=units * units * bins)
    below = np.cumsum(cells.reshape(units, units, bins), axis=2).astype(np.float64)
    return estimate_rates_by_unit(below[:, :, :-1], below[:, :, -1], for_other_units=for_other_units)
