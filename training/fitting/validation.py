"""Validation: how well either embedding of a network finds the photos of a class among those to choose by."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.models.network import EmbeddingNetwork
from indexer.statistics.metrics import measure_retrieval
from training.data.labelled_folders import PhotoSample
from training.fitting.history import ValidationScore, measure_spread
from training.fitting.learner import compute_embeddings
from training.fitting.recipes import ValidationFeatures


class MeasuredValidation(NamedTuple):
    """Validation MAP@R of both embeddings, and the spread of the one that is trained (`history.measure_spread`)."""

    score: ValidationScore
    spread: float


def select_queries(
    train_samples: Sequence[PhotoSample], validation_samples: Sequence[PhotoSample]
) -> NDArray[np.bool_]:
    """Mask (m,) over the validation photos that are queries: those of classes that training does not know, else all.

    What training does to the classes it knows says nothing about new ones.
    """
    train_labels = {sample.label for sample in train_samples}
    counts = Counter(sample.label for sample in validation_samples)
    query_mask = np.array(
        [sample.label not in train_labels and counts[sample.label] > 1 for sample in validation_samples]
    )
    return query_mask if query_mask.any() else np.ones_like(query_mask)


def measure_validation(
    network: EmbeddingNetwork, validation: ValidationFeatures, query_mask: NDArray[np.bool_]
) -> MeasuredValidation:
    """Measure both embeddings of a network on the validation part; the mask (m,) says which of its photos are queries.

    Score and spread are 0 where an embedding is no number any more.
    """
    if not np.isfinite(validation.pooled).all():
        return MeasuredValidation(ValidationScore(None, 0.0), 0.0)
    both = compute_embeddings(network, validation.pooled)
    if both.head is not None and not np.isfinite(both.head).all():
        return MeasuredValidation(ValidationScore(None, 0.0), 0.0)
    head = None if both.head is None else compute_map_at_r(both.head, validation, query_mask)
    score = ValidationScore(head, compute_map_at_r(both.backbone, validation, query_mask))
    return MeasuredValidation(score, measure_spread(both.trained))


def compute_map_at_r(
    vectors: NDArray[np.floating], validation: ValidationFeatures, query_mask: NDArray[np.bool_]
) -> float:
    """MAP@R, 0 to 1, of embeddings (m, dim), or (2 m, dim) where the views of the photos stand behind the photos."""
    figures = measure_retrieval(vectors, validation.labels)
    return float(figures.per_query_map_at_r[query_mask[figures.rows % len(query_mask)]].mean())
