from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from training.losses.distances import DISTANCES, measure_euclidean
from training.settings import choices

# The definitions, for one pair of vectors.
DIRECT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": lambda a, b: (a - b).square().sum().sqrt(),
    "squared-l2": lambda a, b: (a - b).square().sum(),
    "l1": lambda a, b: (a - b).abs().sum() / len(a) ** 0.5,
    "cosine": lambda a, b: 1 - (a @ b) / (a.norm() * b.norm()),
    "dot": lambda a, b: 1 - a @ b,
    "rbf": lambda a, b: 1 - torch.exp(-(a - b).square().sum()),
}


def points(count: int, dim: int) -> Tensor:
    """Vectors of length about 1, not exactly, in float64."""
    generator = torch.Generator().manual_seed(4)
    drawn = torch.randn(count, dim, generator=generator, dtype=torch.float64)
    return drawn.div(dim**0.5).requires_grad_()


def by_hand(name: str, vectors: Tensor) -> Tensor:
    rows = [
        [DIRECT[name](a, b) if i != j else a.sum() * 0 for j, b in enumerate(vectors)] for i, a in enumerate(vectors)
    ]
    return torch.stack([torch.stack(row) for row in rows])


@pytest.mark.parametrize("name", DISTANCES)
def test_a_table_and_its_gradient_are_those_of_the_definition(name: str) -> None:
    vectors = points(7, 5)
    weights = torch.randn(7, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    table, expected = DISTANCES[name](vectors), by_hand(name, vectors)
    assert torch.allclose(table, expected, rtol=0, atol=1e-13)
    (slope,) = torch.autograd.grad((weights * table).sum(), vectors)
    (wanted,) = torch.autograd.grad((weights * expected).sum(), vectors)
    assert torch.allclose(slope, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", DISTANCES)
def test_copies_are_at_zero_with_a_finite_gradient(name: str, dtype: torch.dtype) -> None:
    one = torch.nn.functional.normalize(torch.ones(1, 5, dtype=dtype) / 3, dim=1)
    vectors = one.repeat(4, 1).requires_grad_()
    table = DISTANCES[name](vectors)
    (slope,) = torch.autograd.grad(table.sum(), vectors)
    assert table.abs().max() <= 4 * torch.finfo(dtype).eps
    assert torch.isfinite(slope).all()


def test_euclidean_distances_are_exact_within_rounding_and_zero_for_the_photo_itself() -> None:
    vectors = points(10, 32)
    expected = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
    table = measure_euclidean(vectors)
    assert torch.allclose(table, expected, rtol=0, atol=1e-12)
    assert not table.diagonal().any()


@pytest.mark.parametrize("name", DISTANCES)
def test_half_precision_is_measured_in_single(name: str) -> None:
    vectors = points(6, 8).detach().to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        table = DISTANCES[name](vectors)
    assert table.dtype == torch.float32
    assert torch.allclose(table, DISTANCES[name](vectors.double()).float(), atol=1e-5)


def test_on_unit_vectors_distances_stay_in_the_ranges_that_margins_are_made_for() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0])] * 4)
    unit = torch.nn.functional.normalize(corners[corners.any(dim=1)], dim=1)
    most = {name: float(DISTANCES[name](unit).max()) for name in DISTANCES}
    assert most == pytest.approx({"l2": 2, "squared-l2": 4, "l1": 2, "cosine": 2, "dot": 2, "rbf": 1 - 2.718281828**-4})


@pytest.mark.parametrize("dim", [8, 128])
def test_at_the_start_a_margin_reaches_some_pairs_whatever_the_distance(dim: int) -> None:
    # Embeddings anywhere: contrastive loss with the notes' margin of 1 has to push at least some of them apart.
    unit = torch.nn.functional.normalize(torch.randn(60, dim, generator=torch.Generator().manual_seed(0)).abs(), dim=1)
    for name, distance in DISTANCES.items():
        assert (distance(unit)[~torch.eye(60, dtype=torch.bool)] < 1).float().mean() > 0.5, name


def test_words_and_code_name_the_same_distances() -> None:
    assert list(choices.DISTANCES) == list(DISTANCES)
