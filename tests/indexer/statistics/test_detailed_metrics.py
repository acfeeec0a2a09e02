"""Figures behind the figures agree with hand-worked cases, plain loops, pytorch-metric-learning and scikit-learn."""

import math
from itertools import chain, permutations, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from numpy.typing import NDArray
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.cluster import KMeans

from indexer.statistics.detailed_metrics import (
    build_histogram,
    compute_mean_average_precision,
    compute_mutual_information,
    compute_roc,
    measure_classes,
    measure_clustering,
)
from indexer.statistics.metrics import (
    PairDistances,
    compute_equal_error_rate,
    measure_pair_distances,
    measure_retrieval,
)
from tests.support.labelled_points import draw_tied_points, group_by_distance, put_on_line

DRAWN = draw_tied_points(7, 4)


def average_precision_by_loop(embeddings: NDArray[Any], labels: NDArray[Any]) -> float:
    """The mean over queries of the mean precision at each match, by loops over the definition and over every order of
    equally far photos; NaN without queries.
    """
    of_queries = []
    for q in range(len(labels)):
        groups = group_by_distance(embeddings, labels, q)
        orders = product(*(permutations(groups[distance]) for distance in sorted(groups)))
        rankings = [list(chain.from_iterable(order)) for order in orders]
        if any(rankings[0]):
            of_queries.append(sum(map(average_precision, rankings)) / len(rankings))
    return sum(of_queries) / len(of_queries) if of_queries else math.nan


def average_precision(same: list[bool]) -> float:
    return sum(sum(same[: i + 1]) / (i + 1) for i in range(len(same)) if same[i]) / sum(same)


def in_clusters(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors (300, 16) about 10 centres, and their labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, 300)
    vectors = random.normal(size=(10, 16))[labels] + 0.8 * random.normal(size=(300, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_mean_average_precision_of_a_hand_worked_line() -> None:
    # a at 0, b at 1, a at 3, a at 7. From 0: b a a -> (1/2 + 2/3)/2. From 3: b a a -> the same.
    # From 7: a b a -> (1 + 2/3)/2. The b is alone and asks nothing.
    expected = (7 / 12 + 7 / 12 + 5 / 6) / 3
    assert compute_mean_average_precision(put_on_line(0, 1, 3, 7), [0, 1, 0, 0]) == pytest.approx(expected, abs=1e-12)


def test_mean_average_precision_without_a_shared_label_is_no_number() -> None:
    assert math.isnan(compute_mean_average_precision(put_on_line(0, 1), [0, 1]))


@settings(max_examples=60, deadline=None)
@given(DRAWN)
def test_mean_average_precision_agrees_with_a_loop(drawn: tuple[NDArray[Any], NDArray[Any]]) -> None:
    expected = average_precision_by_loop(*drawn)
    assert compute_mean_average_precision(*drawn) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_figures_agree_with_pytorch_metric_learning() -> None:
    embeddings, labels = in_clusters()
    clusters = KMeans(10, n_init=1, random_state=0).fit_predict(embeddings.astype(np.float64))
    calculator = AccuracyCalculator(
        include=("mean_average_precision", "NMI"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False)),
        kmeans_func=lambda _query, _count: torch.from_numpy(clusters),
    )
    theirs = calculator.get_accuracy(torch.from_numpy(embeddings), torch.from_numpy(labels))
    assert 0.1 < theirs["mean_average_precision"] < 0.95
    assert 0.1 < theirs["NMI"] < 0.95
    assert compute_mean_average_precision(embeddings, labels) == pytest.approx(
        theirs["mean_average_precision"], abs=1e-6
    )
    assert compute_mutual_information(labels, clusters) == pytest.approx(theirs["NMI"], abs=1e-6)
    assert measure_clustering(embeddings, labels) == pytest.approx(theirs["NMI"], abs=1e-6)
    # The harness sees a wrong labelling.
    shuffled = np.random.default_rng(1).permutation(labels)
    assert compute_mean_average_precision(embeddings, shuffled) < theirs["mean_average_precision"] - 0.1


@pytest.mark.parametrize(
    ("labels", "clusters", "expected"),
    [
        ([0, 0, 1, 1], [5, 5, 3, 3], 1.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0),
        # H = ln 2 and 1.5 ln 2, I = ln 2: 2 / 2.5
        ([0, 0, 1, 1], [0, 0, 1, 2], 0.8),
    ],
)
def test_mutual_information_of_hand_worked_clusters(labels: list[int], clusters: list[int], expected: float) -> None:
    assert compute_mutual_information(labels, clusters) == pytest.approx(expected, abs=1e-12)


def test_classes_have_the_means_of_their_queries() -> None:
    labels = np.array([0, 0, 1, 1, 2])
    figures = measure_classes(measure_retrieval(put_on_line(0, 1, 1.5, 9, 20), labels), labels)
    # From 1 (class 0) the nearest is 1.5 of class 1, from 0 it is 1; the third class is alone.
    assert [(one.code, one.photos, one.p_at_1) for one in figures] == [(0, 2, 0.5), (1, 2, 0.5)]
    assert [one.map_at_r for one in figures] == [0.5, 0.5]


def test_every_point_of_the_roc_is_what_its_distance_gives() -> None:
    pairs = measure_pair_distances(*in_clusters(1))
    points = compute_roc(pairs)
    assert 100 < len(points) <= 200
    assert (points[0].fmr, points[0].fnmr, points[-1].fmr, points[-1].fnmr) == (0, 1, 1, 0)
    for point in points:
        assert point.fmr == pytest.approx(np.mean(pairs.mismatched < point.distance), abs=1e-12)
        assert point.fnmr == pytest.approx(np.mean(pairs.matched >= point.distance), abs=1e-12)
    nearest = min(points, key=lambda point: abs(point.fmr - point.fnmr))
    assert nearest.fmr == pytest.approx(compute_equal_error_rate(pairs), abs=0.02)


def test_few_pairs_and_none_have_a_roc_too() -> None:
    points = compute_roc(PairDistances(np.array([1.0]), np.array([2.0])))
    assert [(point.fmr, point.fnmr) for point in points] == [(0, 1), (0, 0), (1, 0)]
    assert compute_roc(PairDistances(np.zeros(0), np.array([2.0]))) == []


def test_histogram_counts_every_pair_once() -> None:
    pairs = PairDistances(np.array([0.0, 0.5, 0.5]), np.array([0.9, 1.0]))
    found = build_histogram(pairs, bins=4)
    assert found.edges == [0, 0.25, 0.5, 0.75, 1.0]
    assert (found.matched, found.mismatched) == ([1, 0, 2, 0], [0, 0, 0, 2])
    whole = build_histogram(measure_pair_distances(*in_clusters(2)))
    assert sum(whole.matched) + sum(whole.mismatched) == 300 * 299 // 2
