"""The group loss: the classes of a batch's photos are settled among all of them together (Elezi et al. 2020).

A layer of its own says first how likely each class is; then the photos of the batch vote on each other's classes in
proportion to their similarity, a few rounds of replicator dynamics, and cross-entropy judges what they agreed on.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot, softmax

from training.losses.distances import measure_euclidean
from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import rank_batch

VOTING_ROUNDS = 3  # the paper finds one to three enough
ANCHORS_PER_CLASS = 2  # photos of a class in a batch whose class is given, and whose votes count in full
SMALLEST_SHARE = 1e-12


def draw_anchors(labels: Tensor) -> Tensor:
    """Mask (n,) of up to ANCHORS_PER_CLASS photos of each class, drawn by torch's global random numbers, of which one
    at least is left over where a class has two.
    """
    draws = torch.rand(len(labels)).to(labels.device)
    same = labels[:, None] == labels[None, :]
    ranks = (same & (draws[None, :] < draws[:, None])).sum(dim=1)
    mask: Tensor = ranks < (same.sum(dim=1) - 1).clamp(1, ANCHORS_PER_CLASS)
    return mask


def settle_classes(priors: Tensor, similarities: Tensor) -> Tensor:
    """The shares (n, classes) after VOTING_ROUNDS of replicator dynamics: x <- x * (W x), each row summing to 1 again;
    from priors (n, classes) and similarities W (n, n).
    """
    shares = priors
    for _ in range(VOTING_ROUNDS):
        supported = shares * (similarities @ shares)
        shares = supported / supported.sum(dim=1, keepdim=True).clamp(min=SMALLEST_SHARE)
    return shares


def measure_similarities(points: Tensor) -> Tensor:
    """The correlation of each two embeddings' numbers, (n, n); 0 where it is negative, and of a photo with itself."""
    centred = normalize(points - points.mean(dim=1, keepdim=True), dim=1, eps=1e-8)
    table = (centred @ centred.T).clamp(min=0.0)
    return table.masked_fill(torch.eye(len(points), dtype=torch.bool, device=points.device), 0.0)


class GroupLoss(nn.Module):
    """The cross-entropy of the classes that a batch agrees on, over the photos that are no anchors.

    Anchors are drawn anew for each batch; where every class has one photo there is nothing to judge.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.temperature = options.temperature
        self.layer = nn.Linear(options.dim, options.classes)

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) class numbers from 0."""
        anchors = draw_anchors(labels)
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            logits = self.layer(points.to(self.layer.weight.dtype)).to(points.dtype) / self.temperature
            known = one_hot(labels, logits.shape[1]).to(points.dtype)
            priors = torch.where(anchors[:, None], known, softmax(logits, dim=1))
            shares = settle_classes(priors, measure_similarities(points))
            # a photo that nobody is like has no shares: its own first opinion counts
            agreed = torch.where(shares.sum(dim=1, keepdim=True) > SMALLEST_SHARE, shares, priors)
            terms = -agreed.gather(1, labels[:, None]).squeeze(1).clamp(min=SMALLEST_SHARE).log()
            loss = (terms * ~anchors).sum() / (~anchors).sum().clamp(min=1)
        batch = rank_batch(measure_euclidean(points), labels)
        return LossValue(loss, compute_triplet_stats(batch, batch.positive * batch.negative_counts))
