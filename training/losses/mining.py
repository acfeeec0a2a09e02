"""Which pairs and triplets of a batch a loss looks at, in O(n^2 log n) time and O(n^2) memory.

A batch of n photos holds up to n^3 triplets, but they are never listed. Each anchor's mismatches are sorted by distance
once. Then every rule below chooses, for an anchor and its match, one *run* of neighbouring mismatches in that order, so
two (n, n) tables of ranks, a TripletSpan, describe all triplets, and sums over a run come from differences and prefix
sums.

All tables read [anchor, other photo]; the distances may be any of `distances.py`. Nothing here is differentiated:
miners choose, losses weigh.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class RankedBatch(NamedTuple):
    """A batch of n photos made ready for mining.

    distances (n, n): without gradient. positive, negative (n, n) bool: same label but not the photo itself; another
    label. negative_distances (n, n): each row's distances to its negatives, ascending, then infinity. negative_order
    (n, n) int64: the photo of each of these distances. negative_counts (n, 1) int64: the number of the row's negatives.
    """

    distances: Tensor
    positive: Tensor
    negative: Tensor
    negative_distances: Tensor
    negative_order: Tensor
    negative_counts: Tensor


class TripletSpan(NamedTuple):
    """Triplets as runs: [a, p] stands for (a, p, negative_order[a, r]) for every rank first[a, p] <= r < last[a, p].

    first, last (n, n) int64; equal where [a, p] is no match or the rule finds nothing.
    """

    first: Tensor
    last: Tensor

    @property
    def counts(self) -> Tensor:
        """The number of triplets of each [a, p], (n, n) int64."""
        return self.last - self.first


class MinedPairs(NamedTuple):
    """The ordered pairs that a loss over pairs looks at: matching and mismatching ones, both masks (n, n) bool."""

    positive: Tensor
    negative: Tensor


def rank_batch(distances: Tensor, labels: Tensor) -> RankedBatch:
    """Sort each photo's negatives by distance; distances (n, n), labels (n,) whole numbers."""
    distances = distances.detach()
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    negative_distances, negative_order = distances.masked_fill(same, torch.inf).sort(dim=1, stable=True)
    return RankedBatch(distances, positive, ~same, negative_distances, negative_order, (~same).sum(dim=1, keepdim=True))


def mine_all_triplets(batch: RankedBatch, margin: float) -> TripletSpan:
    """Every anchor, match and mismatch: "batch all" of Hermans, Beyer, Leibe 2017 (arXiv 1703.07737), eq. 6."""
    del margin
    return _make_span(
        batch, torch.zeros_like(batch.negative_order), batch.negative_counts.expand_as(batch.negative_order)
    )


def mine_hard(batch: RankedBatch, margin: float) -> TripletSpan:
    """Each anchor's farthest match with its nearest mismatch: "batch hard" of Hermans et al. 2017, eq. 5."""
    del margin
    farthest = batch.distances.masked_fill(~batch.positive, -torch.inf).argmax(dim=1, keepdim=True)
    last = torch.zeros_like(batch.negative_order).scatter_(1, farthest, 1)
    return _make_span(batch, torch.zeros_like(last), last)


def mine_semi_hard(batch: RankedBatch, margin: float) -> TripletSpan:
    """Each match with the nearest mismatch that is farther than the match, else with the farthest mismatch.

    Schroff, Kalenichenko, Philbin 2015 (FaceNet, arXiv 1503.03832), section 3.2, in the form of TensorFlow Addons'
    `triplet_semihard_loss`: no triplet is lost when all mismatches are nearer than the match.
    """
    del margin
    first = torch.searchsorted(batch.negative_distances, batch.distances, right=True)
    first = torch.minimum(first, batch.negative_counts - 1)
    return _make_span(batch, first, first + 1)


def mine_semi_hard_all(batch: RankedBatch, margin: float) -> TripletSpan:
    """Every triplet with d(a, p) < d(a, n) < d(a, p) + margin: Schroff et al. 2015, eq. 4."""
    first = torch.searchsorted(batch.negative_distances, batch.distances, right=True)
    last = torch.searchsorted(batch.negative_distances, batch.distances + margin)
    return _make_span(batch, first, torch.maximum(first, last))


def mine_random(batch: RankedBatch, margin: float) -> TripletSpan:
    """For each anchor a random match and a random mismatch: the naive way of the lecture notes (triplets, "Data").

    The random numbers are torch's global ones on the processor, on whatever device the batch is.
    """
    del margin
    size = len(batch.negative_order)
    draws = torch.rand(size, size + 1).to(batch.negative_order.device)
    match = draws[:, :size].masked_fill(~batch.positive, -1.0).argmax(dim=1, keepdim=True)
    mismatch = (draws[:, size:] * batch.negative_counts).long()
    chosen = torch.zeros_like(batch.negative_order).scatter_(1, match, 1)
    return _make_span(batch, chosen * mismatch, chosen * (mismatch + 1))


MINERS: dict[str, Callable[[RankedBatch, float], TripletSpan]] = {
    "all": mine_all_triplets,
    "random": mine_random,
    "hard": mine_hard,
    "semi-hard": mine_semi_hard,
    "semi-hard-all": mine_semi_hard_all,
}


def mine_all_pairs(batch: RankedBatch) -> MinedPairs:
    """Every pair of photos of the batch."""
    return MinedPairs(batch.positive, batch.negative)


def mine_hard_pairs(batch: RankedBatch) -> MinedPairs:
    """The farthest match and the nearest mismatch of each anchor that has both."""
    return _collect_pairs(batch, mine_hard(batch, 0.0))


def mine_semi_hard_pairs(batch: RankedBatch) -> MinedPairs:
    """Every match, and the mismatches that `mine_semi_hard` chooses for any of the anchor's matches."""
    return _collect_pairs(batch, mine_semi_hard(batch, 0.0))


def mine_random_pairs(batch: RankedBatch) -> MinedPairs:
    """For each anchor a random match and a random mismatch, so half of the pairs match: the naive way of the notes."""
    return _collect_pairs(batch, mine_random(batch, 0.0))


# semi-hard-all has no meaning for pairs: it needs a margin between two distances, theirs is a limit on one distance.
PAIR_MINERS: dict[str, Callable[[RankedBatch], MinedPairs]] = {
    "all": mine_all_pairs,
    "random": mine_random_pairs,
    "hard": mine_hard_pairs,
    "semi-hard": mine_semi_hard_pairs,
}


def select_active(batch: RankedBatch, span: TripletSpan, margin: float) -> TripletSpan:
    """The part of the span whose triplets have a loss: d(a, n) < d(a, p) + margin."""
    within = torch.searchsorted(batch.negative_distances, batch.distances + margin)
    return TripletSpan(span.first, torch.maximum(span.first, torch.minimum(span.last, within)))


def count_as_negative(batch: RankedBatch, span: TripletSpan) -> Tensor:
    """The number of triplets of the span in which each [a, n] is the mismatch, (n, n) int64."""
    size = len(batch.negative_order)
    steps = batch.negative_order.new_zeros(size, size + 1)
    one = torch.ones_like(span.first)
    steps.scatter_add_(1, span.first, one).scatter_add_(1, span.last, -one)
    by_rank = steps.cumsum(dim=1)[:, :size]
    return torch.zeros_like(by_rank).scatter_(1, batch.negative_order, by_rank)


def _make_span(batch: RankedBatch, first: Tensor, last: Tensor) -> TripletSpan:
    """The ranks where [a, p] is a match and a has negatives, an empty run elsewhere."""
    usable = batch.positive & (batch.negative_counts > 0)
    return TripletSpan(first * usable, last * usable)


def _collect_pairs(batch: RankedBatch, span: TripletSpan) -> MinedPairs:
    return MinedPairs(span.counts > 0, count_as_negative(batch, span) > 0)
