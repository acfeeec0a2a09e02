"""What labels say about directions: a linear map of unit vectors after which photos of one class lie closer together.

Directions in which photos of one class differ are shrunk (within-class covariance normalisation), directions in which
the class means differ are stretched (linear discriminant analysis). Both are closed forms on stored embeddings: no
picture is decoded, no network runs. All directions outside the span of the given vectors are kept as they are, so
photos unlike all of them keep their neighbours, and no direction is thrown away: with a stretch of 1 the map is plain
within-class covariance normalisation (Hatch, Kajarekar, Stolcke 2006, "Within-class covariance normalization for
SVM-based speaker recognition", equation 4), with an infinite one it would be linear discriminant analysis (Fisher 1936;
shrinkage as in Friedman 1989, "Regularized discriminant analysis", equation 18). Measured, a stretch of 2 to 4 keeps
the gain of the latter for known classes and gains for new ones as well (tests/benchmarks/bench_instant.py).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.vectors.distances import ROWS_PER_BLOCK
from indexer.vectors.unit_vectors import scale_to_unit_length

Floats = NDArray[np.float64]
SMALL_FACTOR = 32  # rows of a triangular matrix that is inverted as it is
RANK_TOLERANCE = 1e-10  # eigenvalues below this share of the largest one are rounding


class MetricSetting(NamedTuple):
    """`shrinkage` (0 to 1) draws the within-class variances to their mean, `stretch` (1 or more) widens class means."""

    shrinkage: float
    stretch: float


class ClassMetric(NamedTuple):
    """A map of unit vectors x (dim,) to (x - mean) @ matrix, scaled to unit length; mean (dim,), matrix (dim, dim)."""

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def transform(self, vectors: np.ndarray) -> NDArray[np.float32]:
        """Unit vectors (n, dim) float32 under the map, of unit vectors (n, dim)."""
        mapped = (np.asarray(vectors, np.float32) - self.mean) @ self.matrix
        return scale_to_unit_length(mapped).astype(np.float32)

    def transform_exactly(self, vectors: Sequence[np.ndarray] | np.ndarray) -> Floats:
        """Unit vectors (n, dim) float64 under the map, of n unit vectors (dim,): slower, alike in any company."""
        stacked = np.asarray(vectors, np.float64).reshape(-1, len(self.mean))
        unit: Floats = scale_to_unit_length((stacked - self.mean) @ self.matrix.astype(np.float64))
        return unit


class MetricNorm(NamedTuple):
    """The length of (x - mean) A under a class metric's matrix A, without the product: its square is |x - mean|^2 +
    c S c^T with c = (x - mean) D, of orthonormal `directions` D (dim, r) and symmetric `gains` S (r, r).
    """

    directions: NDArray[np.float32]
    gains: NDArray[np.float32]

    def measure_lengths(self, centred: NDArray[np.float32]) -> NDArray[np.float32]:
        """Lengths (n,) under the map of vectors less the mean, (n, dim)."""
        along = centred @ self.directions
        squares = np.einsum("ij,ij->i", centred, centred) + np.einsum("ij,ij->i", along @ self.gains, along)
        lengths: NDArray[np.float32] = np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny))
        return lengths


class ClassScatter(NamedTuple):
    """What a class metric of any setting is made of, for vectors of `dim` numbers.

    `mean` (dim,); `directions` (dim, r), orthonormal, the within-class principal directions in the span of the vectors;
    `variances` (r,), within classes; `class_means` (classes, r) along these directions; photos of each class `counts`.
    """

    mean: Floats
    directions: Floats
    variances: Floats
    class_means: Floats
    counts: NDArray[np.int64]


class ClassSums(NamedTuple):
    """Sums over vectors of `dim` numbers, all that their scatter is made of where they are many: of each class how many
    they are, `counts` (classes,), and their sum, `sums` (classes, dim); of all the sum of x x^T, `squares` (dim, dim).
    """

    counts: NDArray[np.int64]
    sums: Floats
    squares: Floats

    def add(self, part: "ClassSums") -> "ClassSums":
        """The sums over these vectors and those of a part, of the same classes."""
        return ClassSums(self.counts + part.counts, self.sums + part.sums, self.squares + part.squares)

    def leave_out(self, part: "ClassSums") -> "ClassSums":
        """The sums without those over a part of the vectors, with the same classes."""
        return ClassSums(self.counts - part.counts, self.sums - part.sums, self.squares - part.squares)


def sum_by_class(vectors: np.ndarray, codes: np.ndarray, classes: int) -> ClassSums:
    """The sums over vectors (n, dim) of so many classes, with codes (n,) from 0 on."""
    exact = np.asarray(vectors, np.float64)
    return ClassSums(np.bincount(codes, minlength=classes), _sum_rows(exact, codes, classes), exact.T @ exact)


def measure_class_scatter(vectors: np.ndarray, labels: np.ndarray) -> ClassScatter:
    """The scatter of vectors (n, dim) within and between the classes with label numbers (n,).

    Raises ValueError for fewer than two classes, or where no class has two photos: then nothing says what to shrink.
    """
    codes = np.unique(labels, return_inverse=True)[1]
    counts = np.bincount(codes)
    _require_pairs(counts)
    mean = np.asarray(vectors, np.float64).mean(axis=0)
    centred = np.asarray(vectors, np.float64) - mean
    if len(centred) < centred.shape[1]:
        return _measure_few(centred, mean, codes, counts)
    return measure_summed_scatter(sum_by_class(centred, codes, len(counts)), mean)


def measure_summed_scatter(given: ClassSums, origin: Floats | float = 0.0) -> ClassScatter:
    """The scatter of as many vectors as they have numbers, or more, by the sums over them less `origin` (dim,).

    Raises ValueError as `measure_class_scatter`. Classes without a vector do not count.
    """
    summed = _measure_covariance(given)
    basis, counts = summed.basis, summed.counts
    variances, rotation = np.linalg.eigh(summed.within)
    directions = rotation if basis is None else basis @ rotation
    return ClassScatter(
        origin + summed.mean, directions, np.maximum(variances, 0), summed.class_means @ directions, counts
    )


class _Covariance(NamedTuple):
    """The mean (dim,) of vectors, the basis (dim, r) of their span, None where that is everything, their covariance
    `within` classes (r, r) along it, and the class means less the mean, (classes, dim), of so many vectors (classes,).
    """

    mean: Floats
    basis: Floats | None
    within: Floats
    class_means: Floats
    counts: NDArray[np.int64]


def _measure_covariance(given: ClassSums) -> _Covariance:
    """The covariance of vectors by the sums over them; classes without a vector do not count."""
    counts, sums = given.counts[given.counts > 0], given.sums[given.counts > 0]
    _require_pairs(counts)
    count = counts.sum()
    mean = sums.sum(axis=0) / count
    total = given.squares - count * np.outer(mean, mean)
    class_means = sums / counts[:, None] - mean
    basis, least = _find_span(total)
    within = total - (class_means.T * counts) @ class_means
    within = within if basis is None else basis.T @ within @ basis
    if np.trace(within) <= least:
        within = np.zeros_like(within)
    return _Covariance(mean, basis, within / max(1, count - len(counts)), class_means, counts)


def _require_pairs(counts: NDArray[np.int64]) -> None:
    if len(counts) < 2 or counts.max(initial=0) < 2:
        raise ValueError("a class metric needs two classes and two photos of one class")


def build_class_metric(scatter: ClassScatter, setting: MetricSetting) -> ClassMetric:
    """The map of a setting.

    Each within-class direction of variance w is scaled by sqrt(l t / ((1 - l) w + l t)), with the shrinkage l and the
    mean variance t; of what that makes of the class means, the principal directions are stretched.
    """
    matrix = np.eye(len(scatter.mean))
    if scatter.variances.any():  # else nothing differs within a class
        directions, scales = scatter.directions, _compute_scales(scatter, setting.shrinkage)
        between = _find_between_directions(scatter.class_means * scales, scatter.counts)
        matrix += (directions * (scales - 1)) @ directions.T
        matrix += (setting.stretch - 1) * (directions * scales @ between.T) @ (between @ directions.T)
    return ClassMetric(scatter.mean.astype(np.float32), np.ascontiguousarray(matrix, np.float32))


def build_turned_metric(given: ClassSums, setting: MetricSetting) -> ClassMetric:
    """A map with the distances of `build_class_metric`'s, in other axes and in a third of the time: in place of the
    root of the inverse covariance that its eigenvectors give stands the inverse of its Cholesky factor.

    Raises ValueError as `measure_class_scatter`.
    """
    summed = _measure_covariance(given)
    variance = float(np.trace(summed.within)) / len(summed.within)
    if summed.basis is not None or not variance:
        return build_class_metric(measure_summed_scatter(given), setting)
    floor = setting.shrinkage * variance
    factor = np.linalg.cholesky((1 - setting.shrinkage) * summed.within + floor * np.eye(len(summed.within)))
    whitening = np.sqrt(floor) * _invert_lower(np.asarray(factor, np.float64)).T
    between = _find_between_directions(summed.class_means @ whitening, summed.counts)
    matrix = whitening + (setting.stretch - 1) * (whitening @ between.T) @ between
    return ClassMetric(summed.mean.astype(np.float32), np.ascontiguousarray(matrix, np.float32))


def build_metric_norm(scatter: ClassScatter, setting: MetricSetting) -> MetricNorm:
    """The lengths of vectors under the map of a setting, in the low-rank form that `compute_metric_squares` takes."""
    if not scatter.variances.any():
        return MetricNorm(np.zeros((len(scatter.mean), 0), np.float32), np.zeros((0, 0), np.float32))
    scales = _compute_scales(scatter, setting.shrinkage)
    between = _find_between_directions(scatter.class_means * scales, scatter.counts)
    inner = np.diag(scales) + (setting.stretch - 1) * (scales[:, None] * between.T) @ between
    gains = inner @ inner.T - np.eye(len(inner))
    return MetricNorm(scatter.directions.astype(np.float32), gains.astype(np.float32))


def _compute_scales(scatter: ClassScatter, shrinkage: float) -> Floats:
    """What the within-class directions are scaled by, (r,)."""
    floor = shrinkage * float(scatter.variances.mean())
    scales: Floats = np.sqrt(floor / ((1 - shrinkage) * scatter.variances + floor))
    return scales


def _find_between_directions(means: Floats, counts: NDArray[np.int64]) -> Floats:
    """The principal directions (k, r), orthonormal, of class means (classes, r) of so many vectors (classes,)."""
    centred = np.sqrt(counts)[:, None] * (means - (counts @ means) / counts.sum())
    singular, rows = np.linalg.svd(centred, full_matrices=False)[1:]
    directions: Floats = rows[singular > singular[0] * np.sqrt(RANK_TOLERANCE)]
    return directions


def iterate_transformed(
    scatter: ClassScatter, vectors: np.ndarray, settings: Sequence[MetricSetting]
) -> Iterator[NDArray[np.float32]]:
    """For each setting, unit vectors (n, m) with the distances that vectors (n, dim) have under its map, in other axes:
    in a fraction of the time that the maps take.
    """
    centred = np.asarray(vectors, np.float64) - scatter.mean
    along = centred @ scatter.directions
    outside = [] if along.shape[1] == centred.shape[1] else [centred - along @ scatter.directions.T]
    parts: dict[float, tuple[Floats, Floats]] = {}
    for shrinkage, stretch in settings:
        if not scatter.variances.any():
            yield scale_to_unit_length(centred).astype(np.float32)
            continue
        if shrinkage not in parts:
            scales = _compute_scales(scatter, shrinkage)
            between = _find_between_directions(scatter.class_means * scales, scatter.counts)
            parts[shrinkage] = along * scales, (along * scales) @ between.T @ between
        scaled, between_part = parts[shrinkage]
        mapped = np.concatenate([*outside, scaled + (stretch - 1) * between_part], axis=1)
        yield scale_to_unit_length(mapped).astype(np.float32)


def fit_class_metric(vectors: np.ndarray, labels: np.ndarray, setting: MetricSetting) -> ClassMetric:
    """The class metric of unit vectors (n, dim) with label numbers (n,); ValueError as `measure_class_scatter`."""
    return build_class_metric(measure_class_scatter(vectors, labels), setting)


def compute_metric_squares(
    values: np.ndarray, query: np.ndarray, taught: tuple[ClassMetric, MetricNorm], rows: np.ndarray | None = None
) -> NDArray[np.float32]:
    """Squared distances (n,) under a metric of unit vectors (n, dim) to `query` (dim,), which is under it already.

    They are rounded as those of `compute_squared_distances`. With `rows` (n,) only those rows of the vectors count. No
    vector is mapped: their products with the query and their lengths under the metric are enough.
    """
    metric, norm = taught
    count, target = len(values) if rows is None else len(rows), metric.matrix @ query.astype(np.float32)
    squares = np.empty(count, np.float32)
    for start in range(0, count, ROWS_PER_BLOCK):
        block = slice(start, start + ROWS_PER_BLOCK)
        centred = values[block if rows is None else rows[block]].astype(np.float32) - metric.mean
        squares[block] = 2 - 2 * (centred @ target) / norm.measure_lengths(centred)
    return squares


def compute_metric_distances(values: np.ndarray, query: np.ndarray, metric: ClassMetric) -> Floats:
    """Exact distances (n,) under the metric of unit vectors (n, dim) to `query` (dim,), which is under it already."""
    distances: Floats = np.linalg.norm(metric.transform_exactly(values) - query, axis=1)
    return distances


def _measure_few(centred: Floats, mean: Floats, codes: np.ndarray, counts: NDArray[np.int64]) -> ClassScatter:
    """The scatter of fewer vectors (n, dim) than dimensions, through their scalar products."""
    values, vectors = np.linalg.eigh(centred @ centred.T)
    is_ranked = values > max(values[-1] * RANK_TOLERANCE, np.finfo(np.float64).tiny)
    basis = centred.T @ (vectors[:, is_ranked] / np.sqrt(values[is_ranked]))
    class_means = _sum_rows(centred, codes, len(counts)) / counts[:, None]
    residuals = (centred - class_means[codes]) @ basis
    variances, rotation = np.linalg.eigh(residuals.T @ residuals / max(1, len(codes) - len(counts)))
    directions = basis @ rotation
    return ClassScatter(mean, directions, np.maximum(variances, 0), class_means @ directions, counts)


def _find_span(total: Floats) -> tuple[Floats | None, float]:
    """An orthonormal basis (dim, r) of the span of vectors with this scatter (dim, dim), None where that is everything,
    and the least eigenvalue that is not rounding.
    """
    floor = RANK_TOLERANCE * float(np.trace(total))
    try:
        np.linalg.cholesky(total - floor * np.eye(len(total)))  # a tenth of the time of the eigenvalues
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(total)
        least = max(values[-1] * RANK_TOLERANCE, np.finfo(np.float64).tiny)
        return vectors[:, values > least], least
    return None, floor


def _sum_rows(values: Floats, codes: np.ndarray, classes: int) -> Floats:
    """The sums (classes, width) of the rows of each class."""
    sums = np.zeros((classes, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _invert_lower(factor: Floats) -> Floats:
    """The inverse of a lower triangular matrix (n, n), by halves: products of matrices are most of the work."""
    half = len(factor) // 2
    if half < SMALL_FACTOR:
        return np.asarray(np.linalg.inv(factor), np.float64)
    upper, lower = _invert_lower(factor[:half, :half]), _invert_lower(factor[half:, half:])
    inverse = np.zeros_like(factor)
    inverse[:half, :half], inverse[half:, half:] = upper, lower
    inverse[half:, :half] = -lower @ (factor[half:, :half] @ upper)
    return inverse
