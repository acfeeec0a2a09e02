"""Which label a picture has, by the distances to the labels' mean embeddings under a map that the labels taught.

The map is a class metric (`indexer.vectors.class_metric`): directions in which photos of one label differ count less.
A picture's *ratio* is its distance to the nearest label's mean by that to the second nearest, as in Lowe 2004,
"Distinctive image features from scale-invariant keypoints", section 7.1: a known picture is much nearer to one label
than to any other, a stranger is about as far from several. With 5 pictures of each of 20 kinds of clip art it
names two to three times as many, at the same share of strangers, as the distance to the nearest three photos.

Where a library has photos without a label, they and labelled ones are a *cohort*: a photo of the library is known where
it stands out against them, on either side: it is nearer to the label than they are, and nearer to the label than to
them (symmetric score normalisation: Kenny 2010, "Bayesian speaker verification with heavy tailed priors", section 4.3).
Of these the nearer half counts on the side of the photo, as the rest are quite other pictures, drawings where a
photograph is asked (adaptive: Matejka et al. 2017, "Analysis of score normalization in multilingual speaker
recognition"). With five pictures of a kind that names more of the others than the ratio on most sets, where 5 % of
strangers get a label (`docs/judging.md`). It holds for photos of the library alone: strangers of a kind that no photo
of the cohort is of would stand out as well.

Figures are out of fold: each photo is asked under a map that was fitted without it, as a known one with itself left
out, and as a stranger under a map fitted without its label, with that label left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.statistics.calibration_measurement import sample_by_class
from indexer.statistics.cross_validation import assign_class_folds, assign_folds
from indexer.vectors.class_metric import ClassMetric, MetricSetting, fit_class_metric
from indexer.vectors.unit_vectors import scale_to_unit_length

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# Measured in tests/benchmarks/bench_identify_few.py: shrinkage of 0.02 to 0.3 and a stretch of 1 to 3 do equally well.
LABEL_SETTING = MetricSetting(0.1, 1.0)
MOST_FITTED_PHOTOS = 250  # that a map is fitted on: more change it little and cost seconds
MOST_ASKED_PHOTOS = 1500
MOST_LABELLED_COHORT = 300
FOLD_COUNT = 5  # of photos
CLASS_FOLD_COUNT = 10  # with fewer, a stranger is asked under a map of fewer labels than strangers will be
LEAST_DEVIATION = 1e-6  # of cosines
UNRELATED_DISTANCE = 2**0.5  # of unit vectors that have nothing in common: the second nearest, where there is none


class LabelModel(NamedTuple):
    """Sums (labels, dim) of the unit vectors of each label, how many they are (labels,), and the map, None for none."""

    sums: Floats
    counts: Rows
    metric: ClassMetric | None

    def compute_distances(self, vectors: np.ndarray, own_labels: Rows | None = None) -> Floats:
        """Distances (q, labels) under the map of unit vectors (q, dim) to the labels' means.

        A vector with a label code >= 0 in `own_labels` (q,) is one of that label's photos, and left out of its mean;
        the distance to a label without another photo is infinite.
        """
        queries = np.asarray(vectors, np.float64)
        mapped = self._map_directions(queries)
        distances = measure_unit_distances(mapped @ self._map_directions(self._compute_means()).T)
        distances[:, self.counts == 0] = np.inf
        if own_labels is not None:
            rows = np.flatnonzero(own_labels >= 0)
            codes = own_labels[rows]
            own_means = self._map_own_means(queries[rows], codes)
            distances[rows, codes] = np.where(
                self.counts[codes] > 1, measure_unit_distances((mapped[rows] * own_means).sum(axis=1)), np.inf
            )
        return distances

    def compute_standings(
        self,
        vectors: np.ndarray,
        cohort: np.ndarray,
        own_labels: Rows | None = None,
        left_out: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """How far unit vectors (q, dim) stand out of a cohort of unit vectors (m, dim) by each label, float64 (q,
        labels).

        The mean of two numbers of standard deviations: by how much the cosine to the label's mean is above the cosines
        of the cohort to it, and above the highest half of those of the vector to the cohort, of which each vector
        leaves out what is True in `left_out` (q, m). The map is centred on the cohort. `own_labels` as in
        `compute_distances`; without another photo of a label it is minus infinity.
        """
        queries, compared = np.asarray(vectors, np.float64), np.asarray(cohort, np.float64)
        if self.metric is None:
            return self._measure_standings(queries, compared, own_labels, left_out)
        centred = self._replace(metric=self.metric._replace(mean=compared.mean(axis=0, dtype=np.float32)))
        return centred._measure_standings(queries, compared, own_labels, left_out)

    def _measure_standings(
        self, queries: Floats, cohort: Floats, own_labels: Rows | None, left_out: NDArray[np.bool_] | None
    ) -> Floats:
        cosines = 1 - self.compute_distances(queries, own_labels) ** 2 / 2
        mapped_cohort = self._map_directions(cohort)
        to_means = _Spread.of_rows(self._map_directions(self._compute_means()) @ mapped_cohort.T)
        to_query = _Spread.of_highest_half(self._map_directions(queries) @ mapped_cohort.T, left_out)
        by_label = (cosines - to_means.mean) / to_means.deviation
        if own_labels is not None:
            rows = np.flatnonzero(own_labels >= 0)
            codes = own_labels[rows]
            to_own = _Spread.of_rows(self._map_own_means(queries[rows], codes) @ mapped_cohort.T)
            by_label[rows, codes] = (cosines[rows, codes] - to_own.mean) / to_own.deviation
        standings: Floats = (by_label + (cosines - to_query.mean[:, None]) / to_query.deviation[:, None]) / 2
        return standings

    def _compute_means(self) -> Floats:
        means: Floats = self.sums / np.maximum(self.counts, 1)[:, None]
        return means

    def _map_own_means(self, vectors: Floats, codes: Rows) -> Floats:
        """Under the map, the means (n, dim) of the labels of vectors (n, dim) without the vector itself."""
        return self._map_directions((self.sums[codes] - vectors) / np.maximum(self.counts[codes] - 1, 1)[:, None])

    def _map_directions(self, vectors: Floats) -> Floats:
        """Unit vectors (n, dim) of what the map makes of vectors (n, dim)."""
        if self.metric is not None:
            return self.metric.transform(vectors).astype(np.float64)
        unit: Floats = scale_to_unit_length(vectors)
        return unit


class _Spread(NamedTuple):
    """Means and standard deviations (n,)."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of_rows(cls, values: Floats) -> "_Spread":
        """Those of the rows of values (n, m); no deviation is 0."""
        return cls(values.mean(axis=1), np.maximum(values.std(axis=1), LEAST_DEVIATION))

    @classmethod
    def of_highest_half(cls, values: Floats, left_out: NDArray[np.bool_] | None = None) -> "_Spread":
        """Those of the highest half of each row of values (n, m), without what is True in `left_out` (n, m); of one
        value at least, and no deviation is 0.
        """
        kept = values if left_out is None else np.where(left_out, -np.inf, values)
        counts = np.maximum(np.isfinite(kept).sum(axis=1) // 2, 1)
        ordered = np.sort(kept, axis=1)[:, ::-1][:, : int(counts.max())]
        half = np.ma.array(ordered, mask=np.arange(ordered.shape[1]) >= counts[:, None])
        mean, deviation = (np.ma.filled(one, 0.0) for one in (half.mean(axis=1), half.std(axis=1)))
        return cls(mean, np.maximum(deviation, LEAST_DEVIATION))


class CohortMembers(NamedTuple):
    """A cohort for an exam: unit vectors (m, dim), label codes (m,), and which of the photos asked they are, rows
    (m,); -1 for no label, and for none of them.
    """

    vectors: np.ndarray
    codes: Rows
    rows: Rows

    @classmethod
    def join_labelled(cls, unlabelled: np.ndarray, vectors: np.ndarray, codes: Rows) -> "CohortMembers":
        """Photos without a label (m, dim), and as many as 300 of those with one (n, dim), evenly over the codes (n,).

        Without the labelled ones, photos of kinds that have hardly a photo without a label stand out too easily.
        """
        rows, nothing = sample_by_class(codes, MOST_LABELLED_COHORT), np.full(len(unlabelled), -1)
        return cls(
            np.concatenate([unlabelled, vectors[rows]]),
            np.concatenate([nothing, codes[rows]]),
            np.concatenate([nothing, rows]),
        )


class NearestLabels(NamedTuple):
    """Of each picture the code (q,) of the nearest label, and a doubt (q,), the smaller the surer: the ratio, or minus
    what it stands out of a cohort; infinite where there is no label.
    """

    codes: Rows
    doubts: Floats


class LabelExam(NamedTuple):
    """The answers of an exam out of fold: label codes (n,) of the photos, the nearest labels when their own label is
    among them, and the doubts (n,) when it is left out.

    `has_others` (n,) is True where a photo's label has another one, so that it can be known.
    """

    codes: Rows
    known: NearestLabels
    stranger_doubts: Floats
    has_others: NDArray[np.bool_]


def fit_label_map(vectors: np.ndarray, codes: Rows, setting: MetricSetting | None) -> ClassMetric | None:
    """The class metric of unit vectors (n, dim) with label codes (n,), of at most 250 of them; None where too few."""
    if setting is None:
        return None
    rows = sample_by_class(codes, MOST_FITTED_PHOTOS)
    try:
        return fit_class_metric(vectors[rows], codes[rows], setting)
    except ValueError:  # one label only, or one photo of each
        return None


def find_nearest_labels(distances: Floats) -> NearestLabels:
    """The nearest label and the ratio of each picture with distances (q, labels); ties go to the lower code."""
    if not distances.shape[1]:
        return NearestLabels(np.full(len(distances), -1), np.full(len(distances), np.inf))
    nearest, second = np.sort(np.pad(distances, ((0, 0), (0, 1)), constant_values=np.inf), axis=1)[:, :2].T
    ratios = nearest / np.minimum(np.maximum(second, np.finfo(np.float64).tiny), UNRELATED_DISTANCE)
    return NearestLabels(distances.argmin(axis=1).astype(np.int64), ratios)


def find_outstanding_labels(standings: Floats) -> NearestLabels:
    """The label by which each picture stands out the most of a cohort, of standings (q, labels)."""
    return NearestLabels(standings.argmax(axis=1).astype(np.int64), -standings.max(axis=1))


def examine_labels(
    model: LabelModel,
    vectors: np.ndarray,
    codes: Rows,
    setting: MetricSetting | None,
    cohort: CohortMembers | None = None,
) -> LabelExam:
    """The answers about photos with unit vectors (n, dim) and label codes (n,), all of them in the sums of the model.

    Its map is replaced by those of the folds. With a cohort, they are those of what stands out of it, without the photo
    itself, and for a stranger without all photos of its label.
    """
    known = NearestLabels(np.full(len(codes), -1), np.full(len(codes), np.inf))
    stranger_doubts = np.full(len(codes), np.inf)
    for rows, metric in _iterate_folds(vectors, codes, setting, by_class=False):
        mapped = model._replace(metric=metric)
        known.codes[rows], known.doubts[rows] = (
            find_nearest_labels(mapped.compute_distances(vectors[rows], codes[rows]))
            if cohort is None
            else find_outstanding_labels(
                mapped.compute_standings(vectors[rows], cohort.vectors, codes[rows], cohort.rows == rows[:, None])
            )
        )
    for rows, metric in _iterate_folds(vectors, codes, setting, by_class=True):
        mapped, own = model._replace(metric=metric), (np.arange(len(rows)), codes[rows])
        if cohort is None:
            distances = mapped.compute_distances(vectors[rows])
            distances[own] = np.inf
            stranger_doubts[rows] = find_nearest_labels(distances).doubts
        else:
            is_left_out = cohort.codes == codes[rows][:, None]
            standings = mapped.compute_standings(vectors[rows], cohort.vectors, left_out=is_left_out)
            standings[own] = -np.inf
            stranger_doubts[rows] = find_outstanding_labels(standings).doubts
    return LabelExam(codes, known, stranger_doubts, model.counts[codes] > 1)


def _iterate_folds(
    vectors: np.ndarray, codes: Rows, setting: MetricSetting | None, *, by_class: bool
) -> Iterator[tuple[Rows, ClassMetric | None]]:
    """Rows of each fold, of photos or of whole labels, and the map fitted on all others."""
    assign, count = (assign_class_folds, CLASS_FOLD_COUNT) if by_class else (assign_folds, FOLD_COUNT)
    folds = assign(codes, np.arange(len(codes)), count, 0)
    for number in range(count):
        rows, rest = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
        if len(rows):
            yield rows, fit_label_map(vectors[rest], codes[rest], setting)


def measure_unit_distances(products: Floats) -> Floats:
    """The Euclidean distances sqrt(2 - 2p) of unit vectors with scalar products p, in the same shape."""
    distances: Floats = np.sqrt(np.maximum(2 - 2 * products, 0))
    return distances
