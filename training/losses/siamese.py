"""The siamese losses of the lecture notes: a small network looks at two embeddings and says "same" or "different"."""

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


HIDDEN_NUMBERS = 32  # of the dense layer between two concatenated embeddings and the answer


class PairClassifier(nn.Module):
    """Binary cross-entropy of a head's answer against "same class", over the mined pairs of a batch.

    "all" divides the sum over the pairs by their number, "active" adds the mean over matches to the mean over
    mismatches. The loss does not act on distances and the head is dropped after the training, so the embedding has to
    be good without it: that is the weakness of this loss.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options

    def compute_answers(self, first: Tensor, second: Tensor) -> Tensor:
        """The head's logits (pairs,) that the photos of embeddings (pairs, dim) are of one class."""
        raise NotImplementedError

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
            return self.compute_answers(points[first], points[second])


class SiameseLoss(PairClassifier):
    """The answer is sigmoid(w |a - b| + c), the same for (a, b) and (b, a): Koch, Zemel, Salakhutdinov 2015, 3.1."""

    def __init__(self, options: LossOptions) -> None:
        super().__init__(options)
        self.weight = nn.Parameter(torch.full((options.dim,), HEAD_SLOPE / math.sqrt(options.dim)))
        self.bias = nn.Parameter(torch.tensor(HEAD_OFFSET))

    def compute_answers(self, first: Tensor, second: Tensor) -> Tensor:
        """The head's logits (pairs,) for embeddings (pairs, dim)."""
        return (first - second).abs() @ self.weight.to(first.dtype) + self.bias


class ConcatenationLoss(PairClassifier):
    """The answer is that of a dense layer over both embeddings side by side (lecture notes, siamese networks).

    Nothing in it asks for distances: it has to find out by itself that two embeddings are to be compared.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__(options)
        self.hidden = nn.Linear(2 * options.dim, HIDDEN_NUMBERS)
        self.answer = nn.Linear(HIDDEN_NUMBERS, 1)

    def compute_answers(self, first: Tensor, second: Tensor) -> Tensor:
        """The head's logits (pairs,) for embeddings (pairs, dim)."""
        both = torch.cat([first, second], dim=1).to(self.hidden.weight.dtype)
        answers: Tensor = self.answer(self.hidden(both).relu()).squeeze(1)
        return answers.to(first.dtype)
