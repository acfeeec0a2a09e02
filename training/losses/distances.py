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

Distance = Callable[[Tensor], Tensor]


def _squared(points: Tensor) -> Tensor:
    """Squared Euclidean distances; those within the rounding of the products, identical photos first, are 0."""
    norms = (points * points).sum(dim=1)
    squared = norms[:, None] + norms[None, :] - 2.0 * (points @ points.T)
    apart = squared.detach() > 8.0 * torch.finfo(points.dtype).eps * norms.detach().max()
    apart = apart & ~torch.eye(len(points), dtype=torch.bool, device=points.device)
    return torch.where(apart, squared, 0.0)


def _euclidean(points: Tensor) -> Tensor:
    """The square root has an infinite slope at 0: what is 0 there has gradient 0."""
    squared = _squared(points)
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


def _manhattan(points: Tensor) -> Tensor:
    """Over the root of the count of numbers, which it cannot exceed by more than l2 does: one margin for all sizes."""
    return torch.cdist(points, points, p=1.0) / math.sqrt(points.shape[1])


def _cosine(points: Tensor) -> Tensor:
    """1 - cos, which is half the squared Euclidean distance of the directions."""
    return _squared(normalize(points, dim=1)) / 2.0


def _dot(points: Tensor) -> Tensor:
    """1 - a b: the inner product turned into a distance of unit vectors, which feels lengths where they differ.

    A photo is at 0 from itself by decree, as in every table here; between others it can fall below 0.
    """
    table = 1.0 - points @ points.T
    return table.masked_fill(torch.eye(len(points), dtype=torch.bool, device=points.device), 0.0)


def _radial(points: Tensor) -> Tensor:
    """1 - exp(-|a - b|^2), a Gaussian kernel of width 1 / sqrt(2): far photos all count as equally far."""
    return -torch.expm1(-_squared(points))


def _whole(measure: Distance) -> Distance:
    """The same in full precision, whatever autocast says."""

    def table(embeddings: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            return measure(embeddings if embeddings.dtype == torch.float64 else embeddings.float())

    return table


euclidean = _whole(_euclidean)

DISTANCES: dict[str, Distance] = {
    "l2": euclidean,
    "squared-l2": _whole(_squared),
    "l1": _whole(_manhattan),
    "cosine": _whole(_cosine),
    "dot": _whole(_dot),
    "rbf": _whole(_radial),
}
