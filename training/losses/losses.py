"""The losses of the course, over whole batches: embeddings (n, dim) and labels (n,) in, a LossValue out.

The models give unit-length embeddings, for which distances run from 0 to 2 and one margin fits every dim; nothing
here normalises. A loss is an nn.Module built from LossOptions (`LOSSES[name](options)`), so that one with parameters
of its own, a weight per class for instance, is one more line. Ours are a *form* each, a function of the table of
distances, or a module of their own; those of pytorch-metric-learning come through `adapter.py`. What each is called in
the dialog, its margins and the miners it takes stand in `choices.py`.

*Averages.* "all": the mean over all mined terms, as in the lecture notes. "active": the mean over the terms that are
not zero (Hermans et al. 2017 found it needed for "batch all"; pytorch-metric-learning's default), because a plain mean
shrinks as most triplets are learned, and the steps with it. The tuned triplet uses "active", everything else "all".
Measured on scikit-learn's digits (600 to learn from, a small network from scratch, 3 seeds), MAP@R with "active" and
with "all": triplet, all triplets, margin 0.2: 0.651, 0.632; semi-hard: 0.692, 0.684; contrastive, all pairs, margin 1:
0.687, 0.573. With `hard` both losses collapsed there, as Schroff et al. warn. From a pretrained network it is the other
way round for contrastive (`choices.py`): the few mismatches within the margin are the odd ones, and "active" lets them
outweigh all matches.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.losses import adapter
from training.losses.adapted_triplets import AdaptedTripletLoss, HierarchicalTripletLoss
from training.losses.asymmetric import AsymmetricLoss
from training.losses.distances import DISTANCES
from training.losses.group_loss import GroupLoss
from training.losses.loss_value import LossOptions, LossValue, compute_stats
from training.losses.mining import PAIR_MINERS, MinedPairs, RankedBatch, rank_batch
from training.losses.siamese import ConcatenationLoss, SiameseLoss
from training.losses.triplets import soft_triplet_loss, triplet_loss
from training.settings.config import TrainConfig

LossForm = Callable[[Tensor, RankedBatch, LossOptions], LossValue]


class MinedLoss(nn.Module):
    """A loss over the mined pairs or triplets of a batch: a form applied to the batch's table of distances."""

    def __init__(self, form: LossForm, options: LossOptions) -> None:
        super().__init__()
        self.form = form
        self.options = options

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        table = DISTANCES[self.options.distance](embeddings)
        return self.form(table, rank_batch(table, labels), self.options)


class PairTerms(NamedTuple):
    """The loss of each pair, (n, n), from a table of distances d (n, n): `match` of a matching pair, `mismatch` (with
    the margin) of a mismatching one that is nearer than the margin.
    """

    match: Callable[[Tensor], Tensor]
    mismatch: Callable[[Tensor, float], Tensor]


# Lecture notes, week 8 review: y d + (1 - y) max(margin - d, 0).
LINEAR_TERMS = PairTerms(lambda d: d, lambda d, margin: margin - d)
# Lecture notes, similarity learning: y d^2 + (1 - y) max(0, margin^2 - d^2).
SQUARED_TERMS = PairTerms(torch.square, lambda d, margin: margin**2 - d.square())
# Hadsell, Chopra, LeCun 2006, eq. 4: y d^2 / 2 + (1 - y) max(0, margin - d)^2 / 2 (with y turned round).
HADSELL_TERMS = PairTerms(lambda d: d.square() / 2.0, lambda d, margin: (margin - d).square() / 2.0)


def contrastive_loss(terms: PairTerms, table: Tensor, batch: RankedBatch, options: LossOptions) -> LossValue:
    """The contrastive loss: matches are pulled together, mismatches within the margin pushed apart (Chopra, Hadsell,
    LeCun 2005). `terms` are the loss of a pair, `table` the distances (n, n).

    "all" divides the sum over the mined pairs by their number; "active" adds the mean over matches to the mean over
    mismatches within the margin, so that the many mismatches of a batch do not drown its matches.
    """
    pairs = PAIR_MINERS[options.miner](batch)
    within_margin = batch.negative & (batch.distances < options.margin)
    mined_within_margin = pairs.negative & within_margin
    pull = (terms.match(table) * pairs.positive).sum()
    push = (terms.mismatch(table, options.margin) * mined_within_margin).sum()
    loss = _average_pairs(pull, push, pairs, mined_within_margin, options.average)
    return LossValue(loss, compute_stats(batch, pairs.negative, batch.negative, within_margin))


def _average_pairs(pull: Tensor, push: Tensor, pairs: MinedPairs, mined_within_margin: Tensor, average: str) -> Tensor:
    positives, negatives = pairs.positive.sum(), pairs.negative.sum()
    if average == "all":
        return (pull + push) / (positives + negatives).clamp(min=1)
    return pull / positives.clamp(min=1) + push / mined_within_margin.sum().clamp(min=1)


FORM_LOSSES: dict[str, Callable[[LossOptions], nn.Module]] = {
    "triplet": partial(MinedLoss, triplet_loss),
    "triplet-soft": partial(MinedLoss, soft_triplet_loss),
    "contrastive": partial(MinedLoss, partial(contrastive_loss, LINEAR_TERMS)),
    "contrastive-squared": partial(MinedLoss, partial(contrastive_loss, SQUARED_TERMS)),
    "contrastive-hadsell": partial(MinedLoss, partial(contrastive_loss, HADSELL_TERMS)),
}
MODULE_LOSSES: dict[str, Callable[[LossOptions], nn.Module]] = {
    "siamese": SiameseLoss,
    "siamese-concatenated": ConcatenationLoss,
    "triplet-hierarchical": HierarchicalTripletLoss,
    "triplet-adapted": AdaptedTripletLoss,
    "asymmetric": AsymmetricLoss,
    "group": GroupLoss,
}
LOSSES = FORM_LOSSES | MODULE_LOSSES | {name: partial(adapter.adapt_loss, name) for name in adapter.LOSS_CONSTRUCTORS}


def build_loss(config: TrainConfig, classes: int, dim: int) -> nn.Module:
    """The loss that a config names, for a training part of `classes` classes and embeddings of `dim` numbers."""
    resolved_config = config.resolve_defaults()
    assert resolved_config.miner is not None
    average = resolved_config.loss_preset.average
    margin, temperature = resolved_config.margin or 0.0, resolved_config.temperature or 0.0
    options = LossOptions(margin, resolved_config.miner, average, classes, dim, temperature, resolved_config.distance)
    return LOSSES[resolved_config.loss](options)
