"""Asymmetric metric learning with rich relationship mining (Xu et al. 2019): two streams, and a tree of matches.

Not every two photos of a class have to be near each other: it is enough that a chain of near ones links them. So within
each class of a batch only the edges of the minimum spanning tree count as matches. And the photos of a pair go through
two streams that differ: the anchor's is the embedding, the other's has one more layer, which is dropped afterwards.
"""

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from training.losses.distances import measure_euclidean
from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import rank_batch

# Of the binomial deviance (Yi et al. 2014), which the paper puts on top: the boundary, and how steep either side is.
BOUNDARY, MATCH_SLOPE, MISMATCH_SLOPE = 0.5, 2.0, 40.0
LEAST_LENGTH = 1e-9  # of an edge: scipy takes 0 for no edge


def link_matches(distances: Tensor, positive: Tensor) -> Tensor:
    """Mask (n, n) of the matching pairs, in both orders, that are edges of their class's minimum spanning tree."""
    lengths = np.where(positive.cpu().numpy(), distances.detach().cpu().numpy() + LEAST_LENGTH, 0.0)
    tree = torch.from_numpy(minimum_spanning_tree(csr_matrix(lengths)).toarray() > 0).to(positive.device)
    return tree | tree.T


class AsymmetricLoss(nn.Module):
    """The mean binomial deviance of the linked matches, plus that of all mismatches, between the two streams.

    The second stream is a square matrix, which begins as the identity, so that the first step sees the cosines as they
    are.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.stream = nn.Parameter(torch.eye(options.dim))

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            batch = rank_batch(measure_euclidean(points), labels)
            cosines = points @ normalize(points @ self.stream.to(points.dtype), dim=1).T
            linked = link_matches(batch.distances, batch.positive)
            pull = softplus(-MATCH_SLOPE * (cosines - BOUNDARY)) * linked / MATCH_SLOPE
            push = softplus(MISMATCH_SLOPE * (cosines - BOUNDARY)) * batch.negative / MISMATCH_SLOPE
            loss = pull.sum() / linked.sum().clamp(min=1) + push.sum() / batch.negative.sum().clamp(min=1)
        return LossValue(loss, compute_triplet_stats(batch, batch.negative))
