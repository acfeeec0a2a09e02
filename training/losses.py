"""The losses of the course, over whole batches: embeddings (n, dim) and labels (n,) in, one number and Stats out.

The models give unit-length embeddings, for which distances run from 0 to 2 and one margin fits every dim; nothing
here normalises. A loss is an nn.Module built from LossOptions (`LOSSES[name](options)`), so that one with parameters
of its own, a weight per class for instance, is one more class and one more line. What each is called in the dialog,
its margins and the miners it takes stand in `choices.py`.

*Averages.* "all": the mean over all mined terms, as in the lecture notes. "active": over the terms that are not zero
(Hermans et al. 2017 found it needed for "batch all"; pytorch-metric-learning's default), because a plain mean fades
as most triplets are learned, and with it the steps. The tuned triplet uses "active", everything else "all".
Measured on scikit-learn's digits (600 to learn from, a small network from scratch, 3 seeds), MAP@R with "active" and
with "all": triplet, all triplets, margin 0.2: 0.651, 0.632; semi-hard: 0.692, 0.684; contrastive, all pairs, margin 1:
0.687, 0.573. With `hard` both losses collapsed there, as Schroff et al. warn. From a pretrained network it is the other
way round for contrastive (`choices.py`): the few mismatches within the margin are the odd ones, and "active" lets them
outweigh all matches.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.config import TrainConfig
from training.mining import MINERS, PAIR_MINERS, Pairs, Ranked, active, all_triplets, rank, uses_as_negative


class LossOptions(NamedTuple):
    """What a loss is built from; `classes` (of the training part) and `dim` are for losses with own weights."""

    margin: float
    miner: str
    average: str
    classes: int = 0
    dim: int = 0


class Stats(NamedTuple):
    """What a batch held, for the collapse monitor.

    mined: triplets, or mismatched pairs, that the miner took. candidates, active: all the batch has, and those of them
    with a loss, whatever the miner, so that curves of different miners can be compared. positives, negatives: ordered
    pairs of the batch, with their mean distances (0 where there is none).
    """

    mined: int
    candidates: int
    active: int
    positives: int
    negatives: int
    positive_distance: float
    negative_distance: float

    @property
    def active_fraction(self) -> float:
        """Share of the candidates with a loss, 0 to 1; near 1 with shrinking distances means collapse."""
        return self.active / self.candidates if self.candidates else 0.0

    @property
    def note(self) -> str:
        """Why the batch had nothing to compare, else nothing."""
        if not self.positives:
            return "No two photos of the batch share a class."
        if not self.negatives:
            return "All photos of the batch are of one class."
        return "" if self.mined else "No triplet of the batch fits the miner's rule."


class LossValue(NamedTuple):
    """The loss, a scalar with gradient (0 with a zero gradient where there is nothing to compare), and its Stats."""

    loss: Tensor
    stats: Stats


def distances(embeddings: Tensor) -> Tensor:
    """Euclidean distances (n, n) of embeddings (n, dim), in float32 or better, with finite gradients everywhere.

    The square root has an infinite slope at 0. Distances within the rounding of the products, identical photos first
    of all, are exactly 0 and have gradient 0.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
        norms = (points * points).sum(dim=1)
        squared = norms[:, None] + norms[None, :] - 2.0 * (points @ points.T)
        apart = squared.detach() > 8.0 * torch.finfo(points.dtype).eps * norms.detach().max()
        apart = apart & ~torch.eye(len(points), dtype=torch.bool, device=points.device)
        return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


class Contrastive(nn.Module):
    """y d + (1 - y) max(margin - d, 0) over pairs, y = 1 for a match: the form of the lecture notes (week 8, review).

    The idea is Chopra, Hadsell, LeCun 2005 and Hadsell, Chopra, LeCun 2006 (there with squares). "all" divides the sum
    over the mined pairs by their number; "active" adds the mean over matches to the mean over mismatches within the
    margin, so that the many mismatches of a batch do not drown its matches.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        table = distances(embeddings)
        batch = rank(table, labels)
        pairs = PAIR_MINERS[self.options.miner](batch)
        within = pairs.negative & (batch.distances < self.options.margin)
        pull = (table * pairs.positive).sum()
        push = ((self.options.margin - table) * within).sum()
        loss = self._average(pull, push, pairs, within)
        inside = batch.negative & (batch.distances < self.options.margin)
        return LossValue(loss, _stats(batch, pairs.negative, batch.negative, inside))

    def _average(self, pull: Tensor, push: Tensor, pairs: Pairs, within: Tensor) -> Tensor:
        positives, negatives = pairs.positive.sum(), pairs.negative.sum()
        if self.options.average == "all":
            return (pull + push) / (positives + negatives).clamp(min=1)
        return pull / positives.clamp(min=1) + push / within.sum().clamp(min=1)


class Triplet(nn.Module):
    """max(d(a, p) - d(a, n) + margin, 0) over the mined triplets of a batch.

    Schroff, Kalenichenko, Philbin 2015 (FaceNet, there with squares); with d itself as in the lecture notes and in
    Hermans, Beyer, Leibe 2017. The sum over triplets is linear in the distances once it is known which are active:
    sum of w[i, j] d[i, j] + margin * (active triplets), where w counts how often [i, j] is a match less how often it
    is a mismatch. Counting takes O(n^2), so value and gradient are exact without one triplet being made.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        table = distances(embeddings)
        batch = rank(table, labels)
        mined = MINERS[self.options.miner](batch, self.options.margin)
        lossy = active(batch, mined, self.options.margin)
        terms, alive = mined.counts.sum(), lossy.counts.sum()
        over = (terms if self.options.average == "all" else alive).clamp(min=1)
        # whole numbers become the table's type first: torch would divide them in float32
        weights = (lossy.counts - uses_as_negative(batch, lossy)).to(table.dtype) / over
        loss = (weights * table).sum() + self.options.margin * alive.to(table.dtype) / over
        every = all_triplets(batch, self.options.margin)
        broken = active(batch, every, self.options.margin)
        return LossValue(loss, _stats(batch, mined.counts, every.counts, broken.counts))


LOSSES: dict[str, Callable[[LossOptions], nn.Module]] = {
    "contrastive": Contrastive,
    "triplet": Triplet,
}


def build(config: TrainConfig, classes: int, dim: int) -> nn.Module:
    """The loss of a config for a training part of so many classes and embeddings of so many dimensions."""
    full = config.resolved()
    assert full.margin is not None
    assert full.miner is not None
    return LOSSES[full.loss](LossOptions(full.margin, full.miner, full.preset_of_loss.average, classes, dim))


def combine(batches: Sequence[Stats]) -> Stats:
    """The statistics of one batch or more together, distances weighed by their pairs."""
    mined, candidates, lossy, positives, negatives = (sum(column) for column in list(zip(*batches, strict=True))[:5])
    near = sum(batch.positives * batch.positive_distance for batch in batches) / max(positives, 1)
    far = sum(batch.negatives * batch.negative_distance for batch in batches) / max(negatives, 1)
    return Stats(mined, candidates, lossy, positives, negatives, near, far)


def _stats(batch: Ranked, mined: Tensor, candidates: Tensor, lossy: Tensor) -> Stats:
    """From (n, n) tables of how many triplets or pairs each entry stands for."""
    positives, negatives = batch.positive.sum(), batch.negative.sum()
    near = (batch.distances * batch.positive).sum() / positives.clamp(min=1)
    far = (batch.distances * batch.negative).sum() / negatives.clamp(min=1)
    return Stats(
        mined=int(mined.sum()),
        candidates=int(candidates.sum()),
        active=int(lossy.sum()),
        positives=int(positives),
        negatives=int(negatives),
        positive_distance=float(near),
        negative_distance=float(far),
    )
