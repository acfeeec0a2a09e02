"""How far apart the embeddings of a batch are: (n, dim) in, a table (n, n) out, its diagonal 0.

In float32 or better, with finite gradients everywhere. On the unit-length embeddings of the models l2 runs from 0 to
2, squared-l2 from 0 to 4, l1, cosine and dot from 0 to 2, rbf from 0 to 1. What each is called in the dialog stands in
`choices.py`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

MeasureDistances = Callable[[Tensor], Tensor]


def _measure_squared(points: Tensor) -> Tensor:
    """Squared Euclidean distances; those within the rounding of the products, identical photos first, are 0."""
    norms = (points * points).sum(dim=1)
    squared = norms[:, None] + norms[None, :] - 2.0 * (points @ points.T)
    is_nonzero = squared.detach() > 8.0 * torch.finfo(points.dtype).eps * norms.detach().max()
    is_nonzero = is_nonzero & ~torch.eye(len(points), dtype=torch.bool, device=points.device)
    return torch.where(is_nonzero, squared, 0.0)


def _measure_euclidean(points: Tensor) -> Tensor:
    """The square root has an infinite slope at 0: what is 0 there has gradient 0."""
    squared = _measure_squared(points)
    is_nonzero = squared > 0
    return torch.where(is_nonzero, torch.where(is_nonzero, squared, 1.0).sqrt(), 0.0)


def _measure_manhattan(points: Tensor) -> Tensor:
    """Over the root of the count of numbers, which it cannot exceed by more than l2 does: one margin for all sizes."""
    return torch.cdist(points, points, p=1.0) / math.sqrt(points.shape[1])


def _measure_cosine(points: Tensor) -> Tensor:
    """1 - cos, which is half the squared Euclidean distance of the directions."""
    return _measure_squared(normalize(points, dim=1)) / 2.0


def _measure_dot(points: Tensor) -> Tensor:
    """1 - a b: the inner product turned into a distance of unit vectors, which feels lengths where they differ.

    A photo is at 0 from itself by decree, as in every table here; between others it can fall below 0.
    """
    table = 1.0 - points @ points.T
    return table.masked_fill(torch.eye(len(points), dtype=torch.bool, device=points.device), 0.0)


def _measure_radial(points: Tensor) -> Tensor:
    """1 - exp(-|a - b|^2), a Gaussian kernel of width 1 / sqrt(2): far photos all count as equally far."""
    return -torch.expm1(-_measure_squared(points))


def _force_full_precision(measure: MeasureDistances) -> MeasureDistances:
    """The same in full precision, whatever autocast says."""

    def measure_table(embeddings: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            return measure(embeddings if embeddings.dtype == torch.float64 else embeddings.float())

    return measure_table


measure_euclidean = _force_full_precision(_measure_euclidean)

DISTANCES: dict[str, MeasureDistances] = {
    "l2": measure_euclidean,
    "squared-l2": _force_full_precision(_measure_squared),
    "l1": _force_full_precision(_measure_manhattan),
    "cosine": _force_full_precision(_measure_cosine),
    "dot": _force_full_precision(_measure_dot),
    "rbf": _force_full_precision(_measure_radial),
}
