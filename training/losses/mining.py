"""Which pairs and triplets of a batch a loss looks at, in O(n^2 log n) time and O(n^2) memory.

A batch of n photos holds up to n^3 triplets, yet they need never be listed. Sort each anchor's mismatches by distance
once: then every rule below takes, for an anchor and its match, one *run* of neighbouring mismatches in that order, so
two (n, n) tables of ranks, a Span, say all of it, and sums over a run come from differences and prefix sums.

All tables read [anchor, other photo]; the distances may be any of `distances.py`. Nothing here is differentiated:
miners choose, losses weigh.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Ranked(NamedTuple):
    """A batch of n photos made ready for mining.

    distances (n, n): without gradient. positive, negative (n, n) bool: same label but not the photo itself; another
    label. near (n, n): each row's distances to its negatives, ascending, then infinity. order (n, n) int64: the photo
    that stands at each place of `near`. negatives (n, 1) int64: how many the row has.
    """

    distances: Tensor
    positive: Tensor
    negative: Tensor
    near: Tensor
    order: Tensor
    negatives: Tensor


class Span(NamedTuple):
    """Triplets as runs: [a, p] stands for (a, p, order[a, r]) for every rank first[a, p] <= r < last[a, p].

    first, last (n, n) int64; equal where [a, p] is no match or the rule finds nothing.
    """

    first: Tensor
    last: Tensor

    @property
    def counts(self) -> Tensor:
        """How many triplets each [a, p] has, (n, n) int64."""
        return self.last - self.first


class Pairs(NamedTuple):
    """Ordered pairs a loss over pairs looks at: positive and negative, both (n, n) bool."""

    positive: Tensor
    negative: Tensor


def rank(distances: Tensor, labels: Tensor) -> Ranked:
    """Sort each photo's negatives by distance; distances (n, n), labels (n,) whole numbers."""
    distances = distances.detach()
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    near, order = distances.masked_fill(same, torch.inf).sort(dim=1, stable=True)
    return Ranked(distances, positive, ~same, near, order, (~same).sum(dim=1, keepdim=True))


def all_triplets(batch: Ranked, margin: float) -> Span:
    """Every anchor, match and mismatch: "batch all" of Hermans, Beyer, Leibe 2017 (arXiv 1703.07737), eq. 6."""
    del margin
    return _span(batch, torch.zeros_like(batch.order), batch.negatives.expand_as(batch.order))


def hard(batch: Ranked, margin: float) -> Span:
    """Each anchor's farthest match with its nearest mismatch: "batch hard" of Hermans et al. 2017, eq. 5."""
    del margin
    farthest = batch.distances.masked_fill(~batch.positive, -torch.inf).argmax(dim=1, keepdim=True)
    last = torch.zeros_like(batch.order).scatter_(1, farthest, 1)
    return _span(batch, torch.zeros_like(last), last)


def semi_hard(batch: Ranked, margin: float) -> Span:
    """Each match with the nearest mismatch that is farther than the match, else with the farthest mismatch.

    Schroff, Kalenichenko, Philbin 2015 (FaceNet, arXiv 1503.03832), section 3.2, in the form of TensorFlow Addons'
    `triplet_semihard_loss`: no triplet is lost when all mismatches are nearer than the match.
    """
    del margin
    first = torch.searchsorted(batch.near, batch.distances, right=True)
    first = torch.minimum(first, batch.negatives - 1)
    return _span(batch, first, first + 1)


def semi_hard_all(batch: Ranked, margin: float) -> Span:
    """Every triplet with d(a, p) < d(a, n) < d(a, p) + margin: Schroff et al. 2015, eq. 4."""
    first = torch.searchsorted(batch.near, batch.distances, right=True)
    last = torch.searchsorted(batch.near, batch.distances + margin)
    return _span(batch, first, torch.maximum(first, last))


def random(batch: Ranked, margin: float) -> Span:
    """For each anchor a match and a mismatch by chance: the naive way of the lecture notes (triplets, "Data").

    Draws from torch's own random numbers on the processor, wherever the batch is.
    """
    del margin
    size = len(batch.order)
    draws = torch.rand(size, size + 1).to(batch.order.device)
    match = draws[:, :size].masked_fill(~batch.positive, -1.0).argmax(dim=1, keepdim=True)
    mismatch = (draws[:, size:] * batch.negatives).long()
    chosen = torch.zeros_like(batch.order).scatter_(1, match, 1)
    return _span(batch, chosen * mismatch, chosen * (mismatch + 1))


MINERS: dict[str, Callable[[Ranked, float], Span]] = {
    "all": all_triplets,
    "random": random,
    "hard": hard,
    "semi-hard": semi_hard,
    "semi-hard-all": semi_hard_all,
}


def all_pairs(batch: Ranked) -> Pairs:
    """Every two photos of the batch."""
    return Pairs(batch.positive, batch.negative)


def hard_pairs(batch: Ranked) -> Pairs:
    """For each anchor its farthest match and its nearest mismatch, as far as it has both."""
    return _pairs_in(batch, hard(batch, 0.0))


def semi_hard_pairs(batch: Ranked) -> Pairs:
    """Every match, and the mismatches that `semi_hard` takes for one of the anchor's matches, each once."""
    return _pairs_in(batch, semi_hard(batch, 0.0))


def random_pairs(batch: Ranked) -> Pairs:
    """For each anchor a match and a mismatch by chance, so half of the pairs match: the naive way of the notes."""
    return _pairs_in(batch, random(batch, 0.0))


# semi-hard-all has no meaning for pairs: its band is the margin between two distances, theirs is one of a distance.
PAIR_MINERS: dict[str, Callable[[Ranked], Pairs]] = {
    "all": all_pairs,
    "random": random_pairs,
    "hard": hard_pairs,
    "semi-hard": semi_hard_pairs,
}


def active(batch: Ranked, span: Span, margin: float) -> Span:
    """The part of the span whose triplets have a loss: d(a, n) < d(a, p) + margin."""
    within = torch.searchsorted(batch.near, batch.distances + margin)
    return Span(span.first, torch.maximum(span.first, torch.minimum(span.last, within)))


def uses_as_negative(batch: Ranked, span: Span) -> Tensor:
    """In how many triplets of the span each [a, n] is the mismatch, (n, n) int64."""
    size = len(batch.order)
    steps = batch.order.new_zeros(size, size + 1)
    one = torch.ones_like(span.first)
    steps.scatter_add_(1, span.first, one).scatter_add_(1, span.last, -one)
    by_rank = steps.cumsum(dim=1)[:, :size]
    return torch.zeros_like(by_rank).scatter_(1, batch.order, by_rank)


def _span(batch: Ranked, first: Tensor, last: Tensor) -> Span:
    """The ranks where [a, p] is a match and a has negatives, an empty run elsewhere."""
    usable = batch.positive & (batch.negatives > 0)
    return Span(first * usable, last * usable)


def _pairs_in(batch: Ranked, span: Span) -> Pairs:
    return Pairs(span.counts > 0, uses_as_negative(batch, span) > 0)
