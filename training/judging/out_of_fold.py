"""The whole exam of a class metric: every labelled photo is asked about under a map fitted without it and its group.

Photos are dealt into folds of groups, so that each class keeps a pair in each fold; where the purpose is new classes,
whole classes are dealt. The map for a fold is fitted on all other folds, its setting chosen inside of those, and both
asking and found photos of a figure come from the fold itself: no figure rests on a photo that its map was fitted on.
Photos of the asking one's own group are neither hits nor misses. All is repeated with other folds, and a photo's
figures are means over the repetitions. A change counts only as far as it is more than what labels that mean nothing
would bring under the same maps. The map that is installed is fitted on all photos, more than any of those behind
the figures, which therefore err on the low side: by how much, fewer folds say (`state_change`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.statistics.cross_validation import assign_class_folds, assign_folds, count_groups_by_class
from indexer.statistics.metrics import (
    DifferenceInterval,
    RetrievalFigures,
    bootstrap_difference,
    measure_retrieval,
    widen_level,
)
from indexer.statistics.permuted_labels import measure_permuted, permute_labels
from indexer.vectors.class_metric import (
    ClassMetric,
    ClassSums,
    MetricSetting,
    build_turned_metric,
    fit_class_metric,
    iterate_transformed,
    measure_class_scatter,
    sum_by_class,
)
from indexer.vectors.projection import fit_pca
from training.fitting.prior_metrics import PRIOR_METRICS

Rows = NDArray[np.int64]
REPETITIONS = 3
MANY_PHOTOS = 2_000  # that one repetition says enough about
CHOOSING_DIMS = 256  # principal directions in which settings are compared: their order is that of all directions
MOST_FOLDS = 5
LEAST_CLASSES_IN_FOLD = 5  # where whole classes are dealt: among fewer, finding the right one is too easy
INNER_FOLDS = 2
MOST_CHOOSING_PHOTOS = 1_000  # that a setting is chosen by; more change the choice little and cost seconds
CHOOSABLE_CLASS_SIZE = 6  # groups of the median class; with fewer the choice is noise, and the prior setting is taken
PERMUTATIONS = 200  # of the labels of each fold: what a change comes to where they mean nothing
LEVEL = 0.95  # of intervals
LEAST_CHOICE_GAIN = 0.01  # MAP@R by which another setting must beat the prior one

SETTINGS = tuple(
    MetricSetting(shrinkage, stretch) for shrinkage in (0.05, 0.1, 0.3, 0.7) for stretch in (1.0, 1.5, 2.0, 3.0, 4.0)
)


class LabelledVectors(NamedTuple):
    """Unit vectors (n, dim) with label numbers (n,) and group numbers (n,) of the photos they are of."""

    vectors: np.ndarray
    labels: Rows
    groups: Rows

    def take(self, rows: np.ndarray) -> "LabelledVectors":
        """The vectors, labels and groups of these rows (m,)."""
        return LabelledVectors(self.vectors[rows], self.labels[rows], self.groups[rows])


class HeldOutFold(NamedTuple):
    """Rows (m,) of a fold, and the map fitted on all others."""

    rows: Rows
    metric: ClassMetric


class SideFigures(NamedTuple):
    """Of each query (queries,): P@1, R-precision and MAP@R, means over repetitions; and hit@k over all queries.

    `nearest_in_group` is the share of queries to which a photo of their own group was nearest, and left out.
    """

    p_at_1: NDArray[np.float64]
    r_precision: NDArray[np.float64]
    map_at_r: NDArray[np.float64]
    hit_at_k: dict[int, float]
    nearest_in_group: float


class QueryFigures(NamedTuple):
    """Rows (queries,) of the photos that could ask, and how well they found their class before and after.

    `by_chance` (m,) are mean changes of MAP@R of single repetitions whose held-out labels were permuted; (0,) where
    there are so many photos that they come to nothing.
    """

    rows: Rows
    before: SideFigures
    after: SideFigures
    by_chance: NDArray[np.float64]


def count_folds(photos: LabelledVectors, purpose: str) -> int:
    """How many folds (2 to 5) leave a pair of most classes, or five whole classes, in each."""
    sizes = count_groups_by_class(photos.labels, photos.groups)
    parts = len(sizes) // LEAST_CLASSES_IN_FOLD if purpose == "classes" else int(np.median(sizes)) // 2
    return max(2, min(MOST_FOLDS, parts))


def choose_setting(photos: LabelledVectors, purpose: str, seed: int = 0) -> MetricSetting:
    """The setting with the highest MAP@R out of fold among these photos; the prior one where that is no better."""
    prior = PRIOR_METRICS[purpose]
    sizes = count_groups_by_class(photos.labels, photos.groups)
    if np.median(sizes) < CHOOSABLE_CLASS_SIZE or (purpose == "classes" and len(sizes) < 2 * LEAST_CLASSES_IN_FOLD):
        return prior
    photos = _condense(photos, seed)
    figures = dict.fromkeys(SETTINGS, 0.0)
    for fold, rest in _divide(photos, purpose, INNER_FOLDS, seed):
        scatter = measure_class_scatter(photos.vectors[rest], photos.labels[rest])
        mapped = iterate_transformed(scatter, photos.vectors[fold], SETTINGS)
        for setting, held_out in zip(SETTINGS, mapped, strict=True):
            found = measure_retrieval(held_out, photos.labels[fold], groups=photos.groups[fold])
            figures[setting] += found.map_at_r / INNER_FOLDS
    best = max(SETTINGS, key=lambda setting: figures[setting])
    return best if figures[best] > figures[prior] + LEAST_CHOICE_GAIN else prior


def _condense(photos: LabelledVectors, seed: int) -> LabelledVectors:
    """At most 1,000 of the photos, along at most 256 principal directions: enough to compare settings by."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(photos.labels))[:MOST_CHOOSING_PHOTOS])
    chosen = photos.take(rows)
    dims = min(CHOOSING_DIMS, chosen.vectors.shape[1], len(rows))
    return chosen._replace(vectors=(chosen.vectors - chosen.vectors.mean(axis=0)) @ fit_pca(chosen.vectors, dims))


def iterate_held_out(
    photos: LabelledVectors, purpose: str, seed: int = 0, fold_count: int | None = None
) -> Iterator[HeldOutFold]:
    """The folds of one repetition, each with the map that was fitted, and its setting chosen, without it."""
    measure = _RestMetrics(photos)
    for fold, rest in _divide(photos, purpose, fold_count or count_folds(photos, purpose), seed):
        setting = choose_setting(photos.take(rest), purpose, seed)
        yield HeldOutFold(fold, measure.fit_without(fold, rest, setting))


class _RestMetrics:
    """The metrics of all photos but a fold: where they are many, by the sums over all less those over the fold."""

    def __init__(self, photos: LabelledVectors) -> None:
        self._photos = photos
        self._codes = np.unique(photos.labels, return_inverse=True)[1]
        self._whole: ClassSums | None = None

    def fit_without(self, fold: Rows, rest: Rows, setting: MetricSetting) -> ClassMetric:
        """The metric of the photos with rows `rest`, which are all but those of the fold."""
        if len(rest) < self._photos.vectors.shape[1]:
            return fit_class_metric(self._photos.vectors[rest], self._codes[rest], setting)
        part = self._sum_rows(fold)
        if self._whole is None:
            self._whole = self._sum_rows(rest).add(part)
        return build_turned_metric(self._whole.leave_out(part), setting)

    def _sum_rows(self, rows: Rows) -> ClassSums:
        return sum_by_class(self._photos.vectors[rows], self._codes[rows], int(self._codes.max()) + 1)


def examine_metric(
    photos: LabelledVectors,
    purpose: str,
    folds: Sequence[HeldOutFold] | None = None,
    fold_count: int | None = None,
) -> Iterator[QueryFigures]:
    """The figures of all photos out of fold, after each repetition those so far: the last ones are the whole exam.

    `folds` are those of the first repetition, where they have been fitted already.
    """
    before, after = _FigureSums(len(photos.labels)), _FigureSums(len(photos.labels))
    by_chance, has_many = np.zeros(0), len(photos.labels) >= MANY_PHOTOS
    for seed in range(1 if has_many else REPETITIONS):
        fitted = list(iterate_held_out(photos, purpose, seed, fold_count) if seed or folds is None else folds)
        for held_out in fitted:
            fold = photos.take(held_out.rows)
            mapped = held_out.metric.transform(fold.vectors)
            before.add(held_out.rows, measure_retrieval(fold.vectors, fold.labels, groups=fold.groups))
            after.add(held_out.rows, measure_retrieval(mapped, fold.labels, groups=fold.groups))
        by_chance = by_chance if has_many else np.append(by_chance, _measure_chance(photos, fitted, seed))
        yield QueryFigures(before.query_rows, before.average(), after.average(), by_chance)


def _measure_chance(photos: LabelledVectors, folds: Sequence[HeldOutFold], seed: int) -> NDArray[np.float64]:
    """Mean changes of MAP@R (PERMUTATIONS,) over the folds of a repetition, their labels permuted within each."""
    changes = []
    for held_out in folds:
        fold = photos.take(held_out.rows)
        permuted = permute_labels(fold.labels, fold.groups, PERMUTATIONS, seed)
        before, after = (
            measure_permuted(vectors, permuted, fold.groups)
            for vectors in (fold.vectors, held_out.metric.transform(fold.vectors))
        )
        changes.append(after - before)
    return np.asarray(np.nanmean(np.concatenate(changes, axis=1), axis=1) if changes else np.zeros(0))


def state_change(
    photos: LabelledVectors, purpose: str, figures: QueryFigures, units: NDArray[np.generic]
) -> DifferenceInterval:
    """The change of MAP@R, with its interval over units (queries,), for the map that is fitted on all photos.

    For new classes the units are the classes that stand for all others, and where they are few it is so much wider.
    It reaches down as far as chance may: with the labels of the folds permuted, the maps left as they are, so large a
    change comes in one of 40 cases (Ernst 2004, "Permutation methods: a basis for exact inference"). There a single
    repetition stands for the mean of several, which varies less. It reaches up to where the change would be if it went
    on with the number of photos learned from as it does from fewer folds to these: along a straight line in one over
    their number (as errors fall in Cortes et al. 1993, "Learning curves: asymptotic values and rate of convergence").
    """
    change = figures.after.map_at_r - figures.before.map_at_r
    level = widen_level(len(np.unique(units))) if purpose == "classes" else LEVEL
    stated = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=units, level=level)
    if len(figures.by_chance):
        chance = float(np.quantile(figures.by_chance, (1 + LEVEL) / 2))
        stated = stated._replace(low=max(-1.0, min(stated.low, stated.mean - chance)))
    folds = count_folds(photos, purpose)
    fewer = max(2, folds - 2)
    if fewer == folds or len(photos.labels) >= MANY_PHOTOS:  # nothing to compare with, or the curve is flat
        return stated
    smaller = list(examine_metric(photos, purpose, fold_count=fewer))[-1]
    both, of_all, of_smaller = np.intersect1d(figures.rows, smaller.rows, return_indices=True)
    rise = change[of_all] - (smaller.after.map_at_r - smaller.before.map_at_r)[of_smaller]
    if not len(both) or rise.mean() <= 0:
        return stated
    share, smaller_share = 1 - 1 / folds, 1 - 1 / fewer
    continued = change[of_all] + rise * (1 / share - 1) / (1 / smaller_share - 1 / share)
    reached = bootstrap_difference(np.zeros(len(both)), continued, groups=units[of_all], level=level)
    return stated._replace(high=min(1.0, max(stated.high, reached.high)))


class _FigureSums:
    """Sums of figures by photo over the folds of several repetitions."""

    def __init__(self, photo_count: int) -> None:
        self._sums = np.zeros((3, photo_count))
        self._counts = np.zeros(photo_count)
        self._hits: dict[int, float] = {}
        self._nearest_in_group = 0

    @property
    def query_rows(self) -> Rows:
        """Rows (queries,) of the photos that could ask."""
        return np.flatnonzero(self._counts)

    def add(self, rows: Rows, figures: RetrievalFigures) -> None:
        """Add the figures of a fold with these rows (m,) of all photos."""
        asked = rows[figures.rows]
        self._counts[asked] += 1
        self._nearest_in_group += figures.nearest_in_group
        self._sums[:, asked] += (
            figures.per_query_p_at_1,
            figures.per_query_r_precision,
            figures.per_query_map_at_r,
        )
        for k, share in figures.hit_at_k.items():
            self._hits[k] = self._hits.get(k, 0.0) + share * figures.queries

    def average(self) -> SideFigures:
        """The means so far."""
        asked = self.query_rows
        means = self._sums[:, asked] / self._counts[asked]
        hits = {k: total / self._counts.sum() for k, total in self._hits.items()}
        return SideFigures(means[0], means[1], means[2], hits, self._nearest_in_group / max(1, self._counts.sum()))


def _divide(photos: LabelledVectors, purpose: str, fold_count: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows of each fold and of all others, where both have a pair of one class."""
    assign: Callable[[Rows, Rows, int, int], Rows] = assign_class_folds if purpose == "classes" else assign_folds
    folds = assign(photos.labels, photos.groups, fold_count, seed)
    for number in range(fold_count):
        fold, rest = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
        if _has_pairs(photos.take(fold)) and _has_pairs(photos.take(rest)):
            yield fold, rest


def _has_pairs(photos: LabelledVectors) -> bool:
    """Whether there are two classes, and a class with photos of two groups."""
    counts = count_groups_by_class(photos.labels, photos.groups)
    return len(counts) > 1 and int(counts.max()) > 1
