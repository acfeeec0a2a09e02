"""Planted groups are found again, and what lies alone is left out of dense ones."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from indexer.clustering import cluster_methods
from indexer.clustering.cluster_methods import CLUSTER_METHODS, find_density_clusters, find_kmeans_clusters
from indexer.progress import drain

GROUPS, EACH, ALONE, WIDTH = 8, 40, 24, 64


def plant_groups(spread: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors about GROUPS directions at angles of 60 degrees, in mixed order, with their group."""
    random = np.random.default_rng(0)
    codes = random.permutation(np.repeat(np.arange(GROUPS), EACH))
    vectors = np.eye(WIDTH)[codes] + np.eye(WIDTH)[-1] + spread * random.standard_normal((len(codes), WIDTH))
    return to_unit(vectors), codes


def scatter_alone() -> np.ndarray:
    """Unit vectors at right angles to what the groups have in common."""
    vectors = np.random.default_rng(1).standard_normal((ALONE, WIDTH))
    return to_unit(vectors * (np.arange(WIDTH) < WIDTH - 1))


def to_unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.mark.parametrize("method", list(CLUSTER_METHODS))
def test_planted_groups_are_found_without_their_number(method: str) -> None:
    vectors, planted = plant_groups()
    found = drain(CLUSTER_METHODS[method].find(vectors, 0))
    assert found.dtype == np.int64
    assert len(np.unique(found[found >= 0])) == GROUPS
    assert normalized_mutual_info_score(planted[found >= 0], found[found >= 0]) == pytest.approx(1)
    assert (found < 0).mean() < 0.05
    assert np.array_equal(found, drain(CLUSTER_METHODS[method].find(vectors, 0)))  # the same each time


def test_as_many_groups_as_wanted_and_no_more_than_different_vectors() -> None:
    vectors, _ = plant_groups()
    assert len(np.unique(drain(find_kmeans_clusters(vectors, 5)))) == 5
    two = np.repeat(vectors[:2], 10, axis=0)
    assert len(np.unique(drain(find_kmeans_clusters(two, 7)))) == 2
    assert drain(find_kmeans_clusters(vectors[:1], 0)).tolist() == [0]


def test_what_lies_alone_is_in_no_dense_group() -> None:
    vectors, planted = plant_groups()
    alone = scatter_alone()
    found = drain(find_density_clusters(np.concatenate([vectors, alone]), 10))
    assert (found[len(vectors) :] < 0).mean() > 0.9
    inside = found[: len(vectors)] >= 0
    assert normalized_mutual_info_score(planted[inside], found[: len(vectors)][inside]) == pytest.approx(1)
    assert drain(find_density_clusters(vectors[:3], 5)).tolist() == [-1] * 3


def test_of_many_a_part_is_grouped_and_the_others_join_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_methods, "MOST_DENSE_ROWS", 120)
    vectors, planted = plant_groups()
    alone = scatter_alone()
    found = drain(find_density_clusters(np.concatenate([vectors, alone]), 9))
    inside = found[: len(vectors)] >= 0
    assert inside.mean() > 0.8
    assert normalized_mutual_info_score(planted[inside], found[: len(vectors)][inside]) == pytest.approx(1)
    assert (found[len(vectors) :] < 0).mean() > 0.9
