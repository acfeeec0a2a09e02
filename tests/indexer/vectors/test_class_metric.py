"""The class metric agrees with textbook forms computed another way, and harms nothing that it knows nothing about."""

import numpy as np
import pytest
import scipy.linalg

from indexer.vectors.class_metric import (
    ClassMetric,
    MetricSetting,
    build_class_metric,
    build_metric_norm,
    build_turned_metric,
    compute_metric_distances,
    compute_metric_squares,
    fit_class_metric,
    iterate_transformed,
    measure_class_scatter,
    measure_summed_scatter,
    sum_by_class,
)
from indexer.vectors.distances import SQUARED_DISTANCE_NOISE

DIM = 6


def labelled(count: int, dim: int = DIM, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, dim) whose classes differ in two directions and vary a lot in two others."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.zeros((classes, dim))
    centres[:, :2] = random.standard_normal((classes, 2))
    noise = random.standard_normal((count, dim)) * np.linspace(0.2, 1.5, dim)
    return (centres[labels] + noise).astype(np.float32), labels


def within_scatter(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The pooled within-class covariance (dim, dim), photo by photo."""
    total = np.zeros((vectors.shape[1], vectors.shape[1]))
    for label in set(labels.tolist()):
        members = vectors[labels == label].astype(np.float64)
        for row in members - members.mean(axis=0):
            total += np.outer(row, row)
    return total / (len(labels) - len(set(labels.tolist())))


@pytest.mark.parametrize("shrinkage", [0.1, 0.5, 1.0])
def test_without_stretch_it_is_within_class_covariance_normalisation(shrinkage: float) -> None:
    vectors, labels = labelled(60)
    scatter = within_scatter(vectors, labels)
    mean_variance = np.trace(scatter) / DIM
    shrunk = (1 - shrinkage) * scatter + shrinkage * mean_variance * np.eye(DIM)
    expected = np.sqrt(shrinkage * mean_variance) * np.linalg.inv(scipy.linalg.sqrtm(shrunk))
    metric = fit_class_metric(vectors, labels, MetricSetting(shrinkage, 1.0))
    assert np.allclose(metric.matrix, expected, atol=1e-5)
    assert np.allclose(metric.mean, vectors.mean(axis=0), atol=1e-6)


def test_with_an_endless_stretch_it_is_linear_discriminant_analysis() -> None:
    vectors, labels = labelled(90, classes=4)
    shrinkage, stretch = 0.3, 1e5
    scatter = within_scatter(vectors, labels)
    shrunk = (1 - shrinkage) * scatter + shrinkage * np.trace(scatter) / DIM * np.eye(DIM)
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(4)]).astype(np.float64)
    counts = np.bincount(labels)
    centred = means - counts @ means / counts.sum()
    between = (counts[:, None] * centred).T @ centred
    directions = scipy.linalg.eigh(between, shrunk)[1][:, ::-1][:, :3]
    metric = fit_class_metric(vectors, labels, MetricSetting(shrinkage, stretch))
    mapped = (vectors - metric.mean) @ metric.matrix / stretch
    projected = (vectors - vectors.mean(axis=0)) @ directions
    ours = np.linalg.norm(mapped[:, None] - mapped, axis=2)
    theirs = np.linalg.norm(projected[:, None] - projected, axis=2)
    scale = np.sqrt(shrinkage * np.trace(scatter) / DIM)
    assert np.allclose(ours, scale * theirs, atol=1e-3)


def test_directions_outside_the_span_are_kept_as_they_are() -> None:
    vectors, labels = labelled(12, dim=40)
    metric = fit_class_metric(vectors, labels, MetricSetting(0.1, 3.0))
    basis = scipy.linalg.null_space(vectors - vectors.mean(axis=0))
    assert np.allclose(metric.matrix.T @ basis, basis, atol=1e-4)


def test_few_photos_and_many_agree_on_the_same_span() -> None:
    vectors, labels = labelled(50)
    wide = np.pad(vectors, [(0, 0), (0, 60)])  # fewer rows than columns: the other way to the same span
    setting = MetricSetting(0.3, 2.0)
    assert np.allclose(
        fit_class_metric(wide, labels, setting).matrix[:DIM, :DIM],
        fit_class_metric(vectors, labels, setting).matrix,
        atol=1e-4,
    )


def test_transformed_vectors_have_unit_length_and_photos_of_a_class_lie_closer() -> None:
    vectors, labels = labelled(300, dim=20)
    fitted, asked = np.arange(300) < 150, np.arange(300) >= 150
    metric = fit_class_metric(vectors[fitted], labels[fitted], MetricSetting(0.3, 3.0))
    mapped = metric.transform(vectors[asked])
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-6)
    assert matched_share(mapped, labels[asked]) > matched_share(vectors[asked], labels[asked]) + 0.1


def matched_share(vectors: np.ndarray, labels: np.ndarray) -> float:
    """How often the nearest other vector is of the same class."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = np.linalg.norm(unit[:, None] - unit, axis=2) + 9 * np.eye(len(unit))
    return float((labels[distances.argmin(axis=1)] == labels).mean())


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_one_class_or_no_pair_is_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="two classes and two photos"):
        measure_class_scatter(np.eye(3, dtype=np.float32), np.array(labels))


def test_a_map_of_equal_vectors_has_no_infinite_numbers() -> None:
    metric = fit_class_metric(np.ones((4, 3), np.float32), np.array([0, 0, 1, 1]), MetricSetting(0.3, 3.0))
    assert isinstance(metric, ClassMetric)
    assert np.isfinite(metric.matrix).all()


@pytest.mark.parametrize(("count", "dim"), [(12, 40), (60, DIM)])
@pytest.mark.parametrize("setting", [MetricSetting(0.3, 3.0), MetricSetting(0.05, 1.0)])
def test_squared_distances_are_those_of_mapped_vectors_without_mapping_any(
    count: int, dim: int, setting: MetricSetting
) -> None:
    vectors, labels = labelled(count, dim)
    scatter = measure_class_scatter(vectors, labels)
    metric, norm = build_class_metric(scatter, setting), build_metric_norm(scatter, setting)
    others = labelled(50, dim, seed=1)[0]
    mapped = metric.transform(others)
    expected = np.square(mapped[:, None] - mapped).sum(axis=2)
    for row in (0, 7):
        squares = compute_metric_squares(others, mapped[row], (metric, norm))
        assert np.allclose(squares, expected[row], atol=SQUARED_DISTANCE_NOISE)
        chosen = np.array([3, 1, 40])
        some = compute_metric_squares(others, mapped[row], (metric, norm), chosen)
        assert np.allclose(some, squares[chosen], atol=SQUARED_DISTANCE_NOISE)
        assert np.allclose(compute_metric_distances(others, mapped[row], metric), np.sqrt(expected[row]), atol=1e-6)


def test_where_nothing_differs_within_classes_nothing_is_longer() -> None:
    vectors, labels = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0), np.repeat(np.arange(4), 2)
    scatter = measure_class_scatter(vectors, labels)
    metric = build_class_metric(scatter, MetricSetting(0.3, 3.0))
    norm = build_metric_norm(scatter, MetricSetting(0.3, 3.0))
    mapped = metric.transform(vectors)
    squares = compute_metric_squares(vectors, mapped[0], (metric, norm))
    assert np.allclose(squares, np.square(mapped - mapped[0]).sum(axis=1), atol=1e-6)


def test_sums_over_all_less_those_of_a_part_give_the_map_of_the_rest() -> None:
    vectors, labels = labelled(60, classes=4)
    held_out = np.arange(60) < 20
    held_out[labels == 3] = True  # one class is left out as a whole
    setting = MetricSetting(0.3, 3.0)
    whole = sum_by_class(vectors, labels, 4)
    rest = whole.leave_out(sum_by_class(vectors[held_out], labels[held_out], 4))
    metric = build_class_metric(measure_summed_scatter(rest), setting)
    expected = fit_class_metric(vectors[~held_out], labels[~held_out], setting)
    assert np.allclose(metric.matrix, expected.matrix, atol=1e-5)
    assert np.allclose(metric.mean, expected.mean, atol=1e-6)


@pytest.mark.parametrize("fitted", [4, 60])  # fewer vectors than dimensions leave directions that are kept
def test_settings_are_compared_by_the_distances_that_their_maps_make(fitted: int) -> None:
    vectors, labels = labelled(60)
    scatter = measure_class_scatter(vectors[:fitted], labels[:fitted])
    settings = [MetricSetting(0.1, 1.0), MetricSetting(0.1, 4.0), MetricSetting(0.7, 2.0)]
    for setting, shown in zip(settings, iterate_transformed(scatter, vectors, settings), strict=True):
        mapped = build_class_metric(scatter, setting).transform(vectors)
        assert np.allclose(shown @ shown.T, mapped @ mapped.T, atol=1e-5)


@pytest.mark.parametrize(("count", "dim"), [(400, 150), (90, 6), (40, 60), (12, 6)])
@pytest.mark.parametrize("setting", [MetricSetting(0.05, 1.0), MetricSetting(0.3, 3.0), MetricSetting(0.7, 4.0)])
def test_a_turned_map_gives_the_distances_of_the_map(count: int, dim: int, setting: MetricSetting) -> None:
    vectors, labels = labelled(count, dim)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sums = sum_by_class(vectors, labels, 5)  # two classes without a vector
    turned, plain = build_turned_metric(sums, setting), build_class_metric(measure_summed_scatter(sums), setting)
    others, _ = labelled(30, dim, seed=1)
    expected, found = (one.transform(others).astype(np.float64) for one in (plain, turned))
    assert np.allclose(found @ found.T, expected @ expected.T, atol=2e-6)


def test_a_turned_map_of_vectors_alike_within_each_class_changes_nothing() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    metric = build_turned_metric(sum_by_class(vectors, np.arange(12) // 4, 3), MetricSetting(0.3, 3.0))
    assert np.array_equal(metric.matrix, np.eye(3))
