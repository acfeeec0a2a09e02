"""Triplet losses that look beyond their batch: margins by a tree of the classes, and the bias of choosing corrected."""

import torch
from torch import Tensor, nn

from training.losses.distances import DISTANCES, measure_euclidean
from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import MINERS, RankedBatch, count_as_negative, rank_batch
from training.losses.triplets import triplet_loss

BIAS_WEIGHT = 1.0  # of the correction beside the triplet loss


class HierarchicalTripletLoss(nn.Module):
    """The triplet loss on squared distances with a margin of its own for each triplet (Ge et al. 2018, section 3.3).

    The margin of an anchor and a mismatch depends on their classes: `margins` (classes, classes), 0 for a class itself,
    which the training sets anew before each epoch from the tree of the classes (`class_tree.compute_tree_margins`);
    until then it is that of the options. Miners that look for mismatches just beyond the match are of no use here: the
    distances that they would compare have the margins taken off.
    """

    margins: Tensor

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options
        margins = torch.full((options.classes, options.classes), options.margin)
        self.register_buffer("margins", margins.fill_diagonal_(0.0))

    def set_margins(self, margins: Tensor) -> None:
        """Take these margins (classes, classes) from the next batch on."""
        self.margins.copy_(margins)

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) class numbers from 0."""
        table = DISTANCES["squared-l2"](embeddings)
        # d(a, p) - d(a, n) + margin is a triplet loss without a margin on a table from which the margins are taken
        shifted = table - self.margins[labels][:, labels].to(table.dtype)
        value = triplet_loss(shifted, rank_batch(shifted, labels), self.options._replace(margin=0.0))
        plain = rank_batch(measure_euclidean(embeddings), labels)
        return value._replace(stats=compute_triplet_stats(plain, plain.positive * plain.negative_counts))


class AdaptedTripletLoss(nn.Module):
    """The triplet loss, and beside it how far choosing triplets shifts each class (Yu et al. 2018).

    Chosen triplets show some photos often and others never, so the classes look other than they are. The correction is
    the squared distance between the mean of a class as the chosen triplets show it and its true mean in the batch, as a
    mean over the classes: the paper's matching of distributions, by their first moment.
    """

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) whole numbers."""
        table = DISTANCES[self.options.distance](embeddings)
        batch = rank_batch(table, labels)
        value = triplet_loss(table, batch, self.options)
        shift = measure_selection_shift(embeddings, labels, count_appearances(batch, self.options))
        return value._replace(loss=value.loss + BIAS_WEIGHT * shift.to(value.loss.dtype))


def count_appearances(batch: RankedBatch, options: LossOptions) -> Tensor:
    """How often each photo (n,) is in a triplet that the miner of the options chooses, in whatever part."""
    span = MINERS[options.miner](batch, options.margin)
    counts: Tensor = span.counts.sum(dim=1) + span.counts.sum(dim=0) + count_as_negative(batch, span).sum(dim=0)
    return counts


def measure_selection_shift(embeddings: Tensor, labels: Tensor, appearances: Tensor) -> Tensor:
    """The mean over classes of the squared distance between their mean by appearances (n,) and their plain mean; one
    that does not appear counts as 0.
    """
    codes, classes = torch.unique(labels, return_inverse=True)
    members = torch.nn.functional.one_hot(classes, len(codes)).T.to(embeddings.dtype)  # (classes, n)
    shown = members * appearances.to(embeddings.dtype)
    is_shown = shown.sum(dim=1, keepdim=True) > 0
    true_means = members @ embeddings / members.sum(dim=1, keepdim=True)
    shown_means = shown @ embeddings / shown.sum(dim=1, keepdim=True).clamp(min=1.0)
    return ((shown_means - true_means).square() * is_shown).sum(dim=1).mean()
