"""The losses of pytorch-metric-learning, called like our own; the only module that imports it.

Margin and temperature come from the options, a loss's other settings stand here with their source. A scale is one
over a temperature. Proxies, centres and boundaries are weights of the loss; their learning rate is the preset's
`own_rate`. What each is called in the dialog, its settings and the miners it takes stand in `choices.py`. They are
built for class numbers 0 to classes - 1. They normalise the embeddings once more, which leaves ours as they are.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from pytorch_metric_learning import losses, miners, regularizers
from torch import Tensor, nn

from training.losses.distances import measure_euclidean
from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import rank_batch

CENTRES_PER_CLASS = 10  # of SoftTriple
COSINE_SLACK = 1e-6  # of a cosine of 1: ten times the rounding of float32


class AdaptedLoss(nn.Module):
    """A loss of pytorch-metric-learning, with or without one of its miners."""

    def __init__(self, loss: nn.Module, miner: nn.Module | None) -> None:
        super().__init__()
        self.loss = loss
        self.miner = miner

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch: embeddings (n, dim), labels (n,) class numbers from 0."""
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            mined = self.miner(points, labels) if self.miner else None
            value: Tensor = self.loss(points, labels, mined)
        batch = rank_batch(measure_euclidean(points), labels)
        stats = compute_triplet_stats(batch, batch.positive * batch.negative_counts)
        return LossValue(value, stats if mined is None else stats._replace(mined=len(mined[-1])))


class _ClampedArcFace(losses.ArcFaceLoss):  # type: ignore[misc] # the library has no types
    """ArcFace with a finite gradient where a photo reaches the point of its class: that of arccos at 1 is infinite."""

    def get_cosine(self, embeddings: Tensor) -> Tensor:
        """The cosines (n, classes), short of -1 and 1."""
        cosines: Tensor = super().get_cosine(embeddings)
        return cosines.clamp(-1 + COSINE_SLACK, 1 - COSINE_SLACK)


def _get_weight_sizes(options: LossOptions) -> dict[str, int]:
    return {"num_classes": options.classes, "embedding_size": options.dim}


def _build_nt_xent(options: LossOptions) -> Any:
    return losses.NTXentLoss(temperature=options.temperature)


def _build_supcon(options: LossOptions) -> Any:
    return losses.SupConLoss(temperature=options.temperature)


def _build_proxy_nca(options: LossOptions) -> Any:
    """With the softmax over all proxies, the true one included: the proxy assignment probability of ProxyNCA++."""
    return losses.ProxyNCALoss(**_get_weight_sizes(options), softmax_scale=1 / options.temperature)


def _build_margin(options: LossOptions) -> Any:
    """One learned boundary between matches and mismatches, from 1.2 (Wu, Manmatha et al. 2017)."""
    return losses.MarginLoss(margin=options.margin, beta=1.2, learn_beta=True)


def _build_margin_per_class(options: LossOptions) -> Any:
    return losses.MarginLoss(margin=options.margin, beta=1.2, learn_beta=True, num_classes=options.classes)


def _build_normalised_softmax(options: LossOptions) -> Any:
    return losses.NormalizedSoftmaxLoss(**_get_weight_sizes(options), temperature=options.temperature)


def _build_cosface(options: LossOptions) -> Any:
    return losses.CosFaceLoss(**_get_weight_sizes(options), margin=options.margin, scale=1 / options.temperature)


def _build_arcface(options: LossOptions) -> Any:
    """The margin is an angle, in radians as in the paper; the library takes degrees."""
    degrees = math.degrees(options.margin)
    return _ClampedArcFace(**_get_weight_sizes(options), margin=degrees, scale=1 / options.temperature)


def _build_fast_ap(options: LossOptions) -> Any:
    del options
    return losses.FastAPLoss(num_bins=10)


def _build_snr(options: LossOptions) -> Any:
    return losses.SignalToNoiseRatioContrastiveLoss(pos_margin=0, neg_margin=options.margin)


def _build_multi_similarity(options: LossOptions) -> Any:
    """Alpha 2 and beta 50 of Wang et al. 2019; the boundary at a cosine of 0.5 is that of their own code."""
    del options
    return losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)


def _build_soft_triple(options: LossOptions) -> Any:
    """Ten centres a class with gamma 0.1, those of a class drawn together with weight 0.2 (Qian et al. 2019, eq. 6)."""
    settings: dict[str, Any] = {"la": 1 / options.temperature, "gamma": 0.1, "margin": options.margin}
    if options.classes:
        regulariser = regularizers.SparseCentersRegularizer(options.classes, CENTRES_PER_CLASS)
        settings |= {"weight_regularizer": regulariser, "weight_reg_weight": 0.2}
    return losses.SoftTripleLoss(**_get_weight_sizes(options), centers_per_class=CENTRES_PER_CLASS, **settings)


def _build_angular(options: LossOptions) -> Any:
    """An angle of 40 degrees, the library's own choice for Wang et al. 2017."""
    del options
    return losses.AngularLoss(alpha=40)


def _build_proxy_anchor(options: LossOptions) -> Any:
    return losses.ProxyAnchorLoss(**_get_weight_sizes(options), margin=options.margin, alpha=1 / options.temperature)


def _build_circle(options: LossOptions) -> Any:
    return losses.CircleLoss(m=options.margin, gamma=1 / options.temperature)


LOSS_CONSTRUCTORS: dict[str, Callable[[LossOptions], Any]] = {
    "supcon": _build_supcon,
    "multi-similarity": _build_multi_similarity,
    "normalised-softmax": _build_normalised_softmax,
    "proxy-anchor": _build_proxy_anchor,
    "proxy-nca": _build_proxy_nca,
    "soft-triple": _build_soft_triple,
    "cosface": _build_cosface,
    "arcface": _build_arcface,
    "nt-xent": _build_nt_xent,
    "circle": _build_circle,
    "margin": _build_margin,
    "margin-per-class": _build_margin_per_class,
    "snr": _build_snr,
    "angular": _build_angular,
    "fast-ap": _build_fast_ap,
}

# The cut-offs of Wu, Manmatha et al. 2017; the slack of 0.1 with which Wang et al. 2019 mine pairs.
ADAPTED_MINERS: dict[str, Callable[[], Any]] = {
    "distance-weighted": lambda: miners.DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4),
    "multi-similarity": lambda: miners.MultiSimilarityMiner(epsilon=0.1),
}


def adapt_loss(name: str, options: LossOptions) -> AdaptedLoss:
    """The loss of that name with the miner of the options; "all" stands for the loss without a miner."""
    miner = None if options.miner == "all" else ADAPTED_MINERS[options.miner]()
    return AdaptedLoss(LOSS_CONSTRUCTORS[name](options), miner)
