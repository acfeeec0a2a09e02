"""The distances between the embeddings of a batch: (n, dim) in, a table (n, n) out, its diagonal 0.

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
    """Squared Euclidean distances; those that are no larger than the rounding error of the products are 0."""
    norms = (points * points).sum(dim=1)
    squared = norms[:, None] + norms[None, :] - 2.0 * (points @ points.T)
    is_nonzero = squared.detach() > 8.0 * torch.finfo(points.dtype).eps * norms.detach().max()
    is_nonzero = is_nonzero & ~torch.eye(len(points), dtype=torch.bool, device=points.device)
    return torch.where(is_nonzero, squared, 0.0)


def _measure_euclidean(points: Tensor) -> Tensor:
    """Euclidean distances; the gradient of a distance of 0 is 0, where that of the square root is infinite."""
    squared = _measure_squared(points)
    is_nonzero = squared > 0
    return torch.where(is_nonzero, torch.where(is_nonzero, squared, 1.0).sqrt(), 0.0)


def _measure_manhattan(points: Tensor) -> Tensor:
    """Manhattan distances over sqrt(dim): no larger than the Euclidean ones, so one margin suits every dim."""
    return torch.cdist(points, points, p=1.0) / math.sqrt(points.shape[1])


def _measure_cosine(points: Tensor) -> Tensor:
    """1 - cos of the angle, which is half the squared Euclidean distance of the normalised embeddings."""
    return _measure_squared(normalize(points, dim=1)) / 2.0


def _measure_dot(points: Tensor) -> Tensor:
    """1 - a b, the inner product as a distance of unit vectors.

    The diagonal is set to 0, as in every table here; where embeddings are longer than 1, other distances can be
    negative.
    """
    table = 1.0 - points @ points.T
    return table.masked_fill(torch.eye(len(points), dtype=torch.bool, device=points.device), 0.0)


def _measure_radial(points: Tensor) -> Tensor:
    """1 - exp(-|a - b|^2), from a Gaussian kernel of width 1 / sqrt(2): all far photos count as equally far."""
    return -torch.expm1(-_measure_squared(points))


def _force_full_precision(measure: MeasureDistances) -> MeasureDistances:
    """The same measure computed in float32 or float64 also under autocast."""

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
