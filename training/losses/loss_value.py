"""What a loss is built from, what it returns, and the statistics of a batch that show a collapse."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from training.losses.mining import RankedBatch, mine_all_triplets, select_active

# Losses that know no margin between distances are watched as if they had this one: half of FaceNet's 0.2.
WATCHED_MARGIN = 0.1


class LossOptions(NamedTuple):
    """What a loss is built from; `margin` and `temperature` are 0 for a loss that has none.

    `average` is "all" or "active" (see `losses.py`). `classes` (of the training part) and `dim` (of the embeddings) are
    for losses with weights of their own.
    """

    margin: float
    miner: str
    average: str
    classes: int = 0
    dim: int = 0
    temperature: float = 0.0
    distance: str = "l2"


class BatchStats(NamedTuple):
    """What a batch held, for the curves and for the detection of a collapse.

    mined: the number of triplets, or of mismatched pairs, that the miner chose. candidates, active: the number of all
    triplets or mismatched pairs of the batch, and of those with a loss, whatever the miner, so that curves of different
    miners can be compared; a loss without a margin between distances counts the triplets that miss WATCHED_MARGIN.
    positives, negatives: the number of ordered pairs of the batch, with their mean distances (0 without pairs).
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
    def problem_note(self) -> str:
        """Why the batch had nothing to compare, else ""."""
        if not self.positives:
            return "No two photos of the batch share a class."
        if not self.negatives:
            return "All photos of the batch are of one class."
        return "" if self.mined else "No triplet of the batch fits the miner's rule."


class LossValue(NamedTuple):
    """The loss of a batch, a scalar with gradient (0 with gradient 0 where nothing can be compared), and its stats."""

    loss: Tensor
    stats: BatchStats


def combine_stats(batches: Sequence[BatchStats]) -> BatchStats:
    """The statistics of one batch or more as if they were one, mean distances weighted by their number of pairs."""
    mined, candidates, active_count, positives, negatives = (
        sum(column) for column in list(zip(*batches, strict=True))[:5]
    )
    positive_distance = sum(batch.positives * batch.positive_distance for batch in batches) / max(positives, 1)
    negative_distance = sum(batch.negatives * batch.negative_distance for batch in batches) / max(negatives, 1)
    return BatchStats(mined, candidates, active_count, positives, negatives, positive_distance, negative_distance)


def compute_stats(batch: RankedBatch, mined: Tensor, candidates: Tensor, active_counts: Tensor) -> BatchStats:
    """The statistics of a batch from tables (n, n) that count the triplets or pairs of each entry."""
    positives, negatives = batch.positive.sum(), batch.negative.sum()
    positive_distance = (batch.distances * batch.positive).sum() / positives.clamp(min=1)
    negative_distance = (batch.distances * batch.negative).sum() / negatives.clamp(min=1)
    return BatchStats(
        mined=int(mined.sum()),
        candidates=int(candidates.sum()),
        active=int(active_counts.sum()),
        positives=int(positives),
        negatives=int(negatives),
        positive_distance=float(positive_distance),
        negative_distance=float(negative_distance),
    )


def compute_triplet_stats(batch: RankedBatch, mined: Tensor, margin: float = WATCHED_MARGIN) -> BatchStats:
    """The statistics of a batch whose candidates are all its triplets, active where they miss the margin; `mined`
    (n, n) counts the mined ones.
    """
    candidates = mine_all_triplets(batch, margin)
    return compute_stats(batch, mined, candidates.counts, select_active(batch, candidates, margin).counts)
