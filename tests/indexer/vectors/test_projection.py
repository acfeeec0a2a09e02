"""Principal directions are those of a full decomposition, and a map keeps neighbours and places new photos."""

import numpy as np
import pytest

from indexer.progress import drain
from indexer.vectors.projection import fit_pca, fit_tsne_map


def features(rows: int, width: int, spread: float = 20.0) -> np.ndarray:
    """Rows (rows, width) whose variance falls off over about `spread` directions, away from the origin."""
    random = np.random.default_rng(rows)
    scales = np.exp(-np.arange(width) / spread)
    turned = np.linalg.qr(random.standard_normal((width, width)))[0]
    return np.asarray((random.standard_normal((rows, width)) * scales) @ turned + 3.0, np.float32)


@pytest.mark.parametrize(("rows", "width", "dim"), [(500, 200, 32), (60, 200, 32), (5_000, 150, 16)])
def test_the_projection_keeps_what_the_exact_components_keep(rows: int, width: int, dim: int) -> None:
    values = features(rows, width)
    centred = (values - values.mean(0)).astype(np.float64)
    squares = np.linalg.svd(centred, compute_uv=False) ** 2
    kept = np.square(centred @ fit_pca(values, dim)).sum() / squares.sum()
    assert kept > 0.99 * squares[:dim].sum() / squares.sum()
    some = np.linalg.qr(np.random.default_rng(0).standard_normal((width, dim)))[0]
    assert np.square(centred @ some).sum() / squares.sum() < kept / 2  # any other plane keeps far less


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
def test_columns_are_orthonormal_even_with_fewer_rows_than_columns(rows: int) -> None:
    matrix = fit_pca(features(rows, 96), 32)
    assert matrix.shape == (96, 32)
    assert matrix.dtype == np.float32
    assert np.allclose(matrix.T @ matrix, np.eye(32), atol=1e-5)


def test_the_leading_direction_comes_first() -> None:
    values = features(400, 64)
    spread = (values @ fit_pca(values, 10)).std(axis=0)
    assert np.all(np.diff(spread) < 1e-3)


@pytest.mark.parametrize("rows", [3, 30])
def test_values_of_one_column_get_points_in_the_plane(rows: int) -> None:
    points = drain(fit_tsne_map(features(rows, 40)[:, :1], jobs=1))
    assert points.shape == (rows, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points[:, 0])) == rows


def test_values_that_are_all_alike_are_one_point() -> None:
    assert len(np.unique(drain(fit_tsne_map(np.full((30, 5), 0.25, np.float32), jobs=1)), axis=0)) == 1


def test_the_same_values_give_the_same_matrix() -> None:
    values = features(300, 64)
    assert np.array_equal(fit_pca(values, 8), fit_pca(values.copy(), 8))
