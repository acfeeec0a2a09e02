"""What the head of a network is before the first step: about as good as the backbone's own output, or better.

A plain start is the identity, or where the head is smaller than the backbone's output the principal components of that.
The instant one is the class metric of the training pictures, as the recipe instant puts it into a head; where the head
is smaller, the directions in which the pictures differ most under it.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from indexer.errors import LookalikeError
from indexer.models.card import Head
from indexer.models.network import EmbeddingNetwork
from indexer.vectors.class_metric import ClassMetric, MetricSetting, fit_class_metric
from indexer.vectors.projection import fit_pca
from indexer.vectors.unit_vectors import scale_to_unit_length
from training.fitting.prior_metrics import PRIOR_METRICS
from training.settings.config import TrainConfig

# The most pictures that a start is fitted on. A class metric gains from more: fitted on 1,500 pictures of Fashion-MNIST
# it gave a validation MAP@R of 0.545, on 5,000 of 0.612.
METRIC_ROWS = 10_000
HEAD_ROWS = 2_000

Indices = NDArray[np.int64]


def start_head(
    network: EmbeddingNetwork, config: TrainConfig, labels: Indices, compute_features: Callable[[Indices], np.ndarray]
) -> None:
    """Set the head of a network, where it has one, to the start that the settings name.

    `labels` (n,) are those of the training pictures, `compute_features` gives the pooled outputs (m, backbone_dim) of
    rows (m,).
    """
    if network.head is None or config.from_scratch:  # of a random network nothing is worth keeping
        return
    rows = np.sort(
        np.random.default_rng(config.seed).permutation(len(labels))[
            : METRIC_ROWS if config.starts_instantly else HEAD_ROWS
        ]
    )
    pooled = compute_features(rows)
    if config.starts_instantly:
        start_from_classes(network, pooled, labels[rows], PRIOR_METRICS[config.purpose])
    else:
        initialise_head(network, pooled)


def describe_head(config: TrainConfig, backbone_dim: int) -> Head | None:
    """The head that the settings give a backbone of that many numbers; LookalikeError where it cannot have so many."""
    dim = config.dim or (backbone_dim if config.recipe == "quick" else 0)  # a head is all that quick trains
    if dim > backbone_dim:
        raise LookalikeError(
            "--dim cannot be more than the {backbone_dim:,} numbers of the backbone.", backbone_dim=backbone_dim
        )
    return Head(dim, kind="unit-linear" if config.starts_instantly else "linear") if dim else None


def initialise_head(network: EmbeddingNetwork, pooled: np.ndarray) -> None:
    """Set the head to the identity, or where it is smaller to the principal components of pooled outputs
    (n, backbone_dim) around their mean.
    """
    if network.head is None:
        return
    if network.dim == network.backbone_dim:
        _fill_head(network, np.eye(network.dim), np.zeros(network.dim))
        return
    components, mean = fit_pca(pooled, network.dim), pooled.mean(axis=0)
    _fill_head(network, components.T, -components.T @ mean)


def start_from_classes(network: EmbeddingNetwork, pooled: np.ndarray, labels: Indices, setting: MetricSetting) -> None:
    """Set the head to the class metric of pooled outputs (n, backbone_dim) with labels (n,), or where the head is
    smaller to the principal components of the outputs under that metric.
    """
    units = scale_to_unit_length(pooled, np.float32)
    metric = fit_class_metric(units, labels, setting)
    if network.dim == network.backbone_dim:
        fill_with_metric(network, metric)
        return
    components = fit_pca(metric.transform(units), network.dim)
    matrix = metric.matrix @ components
    _fill_head(network, matrix.T, -metric.mean @ matrix)


def fill_with_metric(network: EmbeddingNetwork, metric: ClassMetric) -> None:
    """Set a head of kind "unit-linear" and the backbone's own size to a class metric."""
    _fill_head(network, metric.matrix.T, -metric.mean @ metric.matrix)


def _fill_head(network: EmbeddingNetwork, weight: np.ndarray, bias: np.ndarray) -> None:
    """Set weight (dim, backbone_dim) and bias (dim,) of the head."""
    head = network.head
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        head.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))
