"""The siamese loss of the lecture notes: a small network looks at two embeddings and says "same" or "different"."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from training.losses.distances import measure_euclidean
from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import PAIR_MINERS, rank_batch

# The numbers of |a - b| of two unit vectors sum to about 1.13 sqrt(dim) where these are unrelated, to 0 where they are
# the same: with these values the head begins with "different" at 0.92 for the former, "same" at 0.88 for the latter.
HEAD_SLOPE, HEAD_OFFSET = -4.0, 2.0


class SiameseLoss(nn.Module):
    """Binary cross-entropy of sigmoid(w |a - b| + c) against "same class" (lecture notes, siamese networks, example 1).

    There two embeddings are concatenated or subtracted before the head; |a - b| makes the answer the same for (a, b)
    and (b, a), as in Koch, Zemel, Salakhutdinov 2015, section 3.1. The loss does not act on distances and the head is
    dropped after the training, so the embedding has to be good without it: that is the weakness of this loss. "all"
    divides the sum over the mined pairs by their number, "active" adds the mean over matches to the mean over
    mismatches.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options
        self.weight = nn.Parameter(torch.full((options.dim,), HEAD_SLOPE / math.sqrt(options.dim)))
        self.bias = nn.Parameter(torch.tensor(HEAD_OFFSET))

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        batch = rank_batch(measure_euclidean(embeddings), labels)
        pairs = PAIR_MINERS[self.options.miner](batch)
        same = -self.compute_logits(embeddings, pairs.positive)
        different = self.compute_logits(embeddings, pairs.negative)
        pull, push = softplus(same).sum(), softplus(different).sum()
        if self.options.average == "all":
            loss = (pull + push) / max(len(same) + len(different), 1)
        else:
            loss = pull / max(len(same), 1) + push / max(len(different), 1)
        return LossValue(loss, compute_triplet_stats(batch, pairs.negative))

    def compute_logits(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """The head's logits (pairs,) that two photos are of one class, for the pairs of a mask (n, n)."""
        first, second = torch.nonzero(mask, as_tuple=True)
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            differences = (points[first] - points[second]).abs()
            return differences @ self.weight.to(points.dtype) + self.bias
