"""Distances are exact, and the nearest rows are all of the nearest rows, ties included."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.vectors.annoy_index import build_annoy, open_annoy
from indexer.vectors.distances import (
    SQUARED_DISTANCE_NOISE,
    compute_distance_table,
    compute_exact_distances,
    compute_pair_distances,
    compute_squared_distances,
    find_closest_rows,
)
from tests.support.vectors import clustered


def test_distances_are_the_norm_of_the_difference() -> None:
    values, query = clustered(50), clustered(1, seed=9)[0]
    expected = [np.linalg.norm(value.astype(np.float64) - query.astype(np.float64)) for value in values]
    assert np.allclose(compute_exact_distances(values, query), expected, rtol=0, atol=1e-12)
    assert compute_exact_distances(values, values[3])[3] == 0.0


def test_distances_of_pairs_are_those_of_a_query_to_the_last_digit() -> None:
    values = clustered(50, dim=1280)
    pairs = np.array([(row, other) for row in range(0, 50, 7) for other in range(50)])
    expected = np.concatenate([compute_exact_distances(values, values[row]) for row in range(0, 50, 7)])
    assert np.array_equal(compute_pair_distances(values, pairs), expected)
    wide = np.random.default_rng(0).standard_normal((600, 40))
    pairs = np.random.default_rng(1).integers(600, size=(1500, 2))  # several blocks
    expected = np.array([np.linalg.norm(wide[left] - wide[right]) for left, right in pairs])
    assert np.allclose(compute_pair_distances(wide, pairs), expected, rtol=0, atol=1e-13)


def test_table_of_distances_is_within_its_rounding() -> None:
    one, other = clustered(30, dim=640).astype(np.float64), clustered(40, dim=640, seed=1).astype(np.float64)
    exact = np.array([np.linalg.norm(other - row, axis=1) for row in one]) ** 2
    assert np.abs(compute_distance_table(one, other) ** 2 - exact).max() < 1e-14
    for vectors in (one, one.astype(np.float32)):
        assert np.abs(compute_distance_table(vectors, other.astype(np.float32)) ** 2 - exact).max() < 1e-6


def test_squared_distances_are_within_the_noise() -> None:
    values = clustered(5000, dim=1280)
    queries = clustered(3, dim=1280, seed=1).astype(np.float32)
    squares = compute_squared_distances(values, queries)
    for column, query in enumerate(queries):
        assert np.abs(squares[:, column] - compute_exact_distances(values, query) ** 2).max() < SQUARED_DISTANCE_NOISE


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.1 + 1e-6, 0.5, 2.0, 4.0, np.inf]), max_size=30), st.integers(1, 12))
def test_closest_holds_the_smallest_and_all_their_ties_and_nothing_hidden(squares: list[float], count: int) -> None:
    values = np.array(squares, np.float32)
    found = find_closest_rows(values, count)
    finite = [row for row, value in enumerate(values) if np.isfinite(value)]
    bound = sorted(values[finite])[:count][-1] if finite else 0
    assert {row for row in finite if values[row] <= bound} <= set(found.tolist()) <= set(finite)
    assert len(set(found.tolist())) == len(found)


def test_annoy_over_few_rows_with_every_row_looked_at_finds_the_true_nearest(tmp_path: Path) -> None:
    values = clustered(300, dim=64).astype(np.float32)
    build_annoy(tmp_path / "index.ann", [values[:100], values[100:]], 64, trees=10, seed=0)
    nearest = open_annoy(tmp_path / "index.ann", 64)
    for row in (0, 150, 299):
        found = nearest(values[row], 10, 100_000)
        assert found.tolist() == np.argsort(compute_exact_distances(values, values[row]), kind="stable")[:10].tolist()
