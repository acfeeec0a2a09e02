"""One trial of a study: a variant trained under one seed on the study's pictures, without stopping early."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.models import backbones
from indexer.models.network import EmbeddingNetwork, replace_head
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import measure_retrieval
from indexer.wording import tr
from training.data.augmentation import GENTLE_VIEWS, STRONG_VIEWS, ViewStrength, draw_views
from training.data.pictures import PicturePart
from training.data.sampler import make_epoch_batches
from training.data.split import DataSplit
from training.fitting.fit import arrange_epoch
from training.fitting.head_start import describe_head, start_head
from training.fitting.learner import (
    Learner,
    choose_device,
    compute_embeddings,
    compute_pooled_features,
    copy_weights,
    create_start_network,
    interpolate_weights,
    restore_weights,
)
from training.fitting.recipes import (
    RECIPES,
    FeatureSource,
    TrainingPhotos,
    ValidationFeatures,
    compute_backbone_features,
)
from training.fitting.validation import compute_map_at_r, select_queries
from training.settings.config import TrainConfig
from training.studies.baselines import ClassifierLearner
from training.studies.feature_uses import choose_learned_rows
from training.studies.variants import StudyVariant

VIEW_STRENGTHS: dict[str, ViewStrength | None] = {"none": None, "gentle": GENTLE_VIEWS, "strong": STRONG_VIEWS}
Codes = NDArray[np.int64]
MakeLearner = Callable[[EmbeddingNetwork, TrainConfig, FeatureSource, int], "TrialLearner"]


class TrialLearner(NamedTuple):
    """One step on rows (b,) with labels (b,), which returns its loss; the batches of an epoch; the loss, with its own
    weights, if any.
    """

    take_step: Callable[[Codes, Codes], float]
    arrange_epoch: Callable[[int], list[Codes]]
    loss: nn.Module


class StudyData(NamedTuple):
    """The pictures in their three parts, the classes of the test pictures (n,) as numbers, the groups (n,) of those
    that are no matches of each other, a folder for what memory cannot hold, and the number of files that could not be
    read.
    """

    learn: PicturePart
    choose: PicturePart
    test: PicturePart
    labels: Codes
    groups: Codes
    overflow_folder: Path
    unreadable: int

    @property
    def split(self) -> DataSplit:
        """The samples of the three parts."""
        return DataSplit(self.learn.samples, self.choose.samples, self.test.samples)

    def measure(self, vectors: NDArray[np.floating]) -> tuple[float, float, float]:
        """P@1, R-precision and MAP@R of embeddings (n, dim) of the test pictures."""
        measured = measure_retrieval(vectors, self.labels, groups=self.groups)
        return measured.p_at_1, measured.r_precision, measured.map_at_r


class TrainedEmbeddings(NamedTuple):
    """The test embeddings (n, dim) at the epoch with the best validation, the loss as it was then, and embeddings of
    the training pictures in the rows of `choose_learned_rows`, under the first seed.
    """

    vectors: NDArray[np.floating]
    loss: nn.Module
    learned: NDArray[np.floating] | None


def make_loss_learner(
    network: EmbeddingNetwork, config: TrainConfig, feature_source: FeatureSource, steps: int
) -> TrialLearner:
    """A learner with the loss of the settings, for a training of so many steps."""
    classes = len(np.unique(feature_source.labels))
    learner = Learner(network, config, feature_source.compute_features, classes=classes, steps=steps)
    return TrialLearner(
        lambda rows, labels: float(learner.take_step(rows, labels).loss.detach()),
        partial(arrange_epoch, network, config, replace(feature_source, rounds=1), learner),
        learner.loss,
    )


def make_classifier(
    network: EmbeddingNetwork, config: TrainConfig, feature_source: FeatureSource, steps: int
) -> TrialLearner:
    """A learner of classes by cross-entropy, for a training of so many steps."""
    classes = len(np.unique(feature_source.labels))
    learner = ClassifierLearner(network, config, feature_source.compute_features, classes=classes, steps=steps)
    return TrialLearner(learner.take_step, partial(make_epoch_batches, feature_source.labels, config), learner.layer)


def train_variant(variant: StudyVariant, data: StudyData, make_learner: MakeLearner) -> Steps[TrainedEmbeddings]:
    """Train a variant, and keep its best epoch by validation."""
    config = variant.config
    network = create_variant_network(variant, data.test.preprocessing.size)
    feature_source = yield from prepare_variant_features(variant, network, data)
    start_head(network, config, feature_source.labels, feature_source.compute_plain_features)
    total = config.epochs * len(make_epoch_batches(feature_source.labels, config, 1))
    steps_done, best, state = 0, -1.0, copy_weights(network)
    start = state
    learner = make_learner(network, config, feature_source, total)
    best_loss = copy.deepcopy(learner.loss)
    validation_queries = select_queries(data.learn.samples, data.choose.samples)
    for epoch in range(1, config.epochs + 1):
        for batch in learner.arrange_epoch(epoch):
            loss, steps_done = learner.take_step(batch, feature_source.labels[batch]), steps_done + 1
            yield Progress(
                "study",
                steps_done,
                total,
                tr("{name}, seed {seed}", name=variant.name, seed=config.seed),
                {"loss": loss},
            )
        with interpolate_weights(network, start, config.interpolation):
            score = _score_validation(network, feature_source.compute_validation(), validation_queries)
            if score > best:
                best, state, best_loss = score, copy_weights(network), copy.deepcopy(learner.loss)
    restore_weights(network, state)
    vectors = compute_embeddings(network, pool_features(network, data.test)).trained
    learned = _embed_learned(network, data.learn) if config.seed == 0 else None
    return TrainedEmbeddings(vectors, best_loss, learned)


def _embed_learned(network: EmbeddingNetwork, part: PicturePart) -> NDArray[np.floating]:
    pooled = compute_pooled_features(network, part.load_batch, choose_learned_rows(len(part.samples)))
    return compute_embeddings(network, pooled).trained


def create_variant_network(variant: StudyVariant, size: int) -> EmbeddingNetwork:
    """The usual network, or the one that the variant names, for pictures of `size` px as the usual one takes them."""
    config = variant.config
    if not variant.backbone:
        return create_start_network(config)
    backbone = backbones.create_backbone(variant.backbone, size=size, framing="letterbox")
    torch.manual_seed(config.seed)
    network = EmbeddingNetwork(backbone)
    head = describe_head(replace(config, dim=min(config.dim, network.backbone_dim)), network.backbone_dim)
    return replace_head(network, head).eval().to(choose_device())


def prepare_variant_features(variant: StudyVariant, network: EmbeddingNetwork, data: StudyData) -> Steps[FeatureSource]:
    """The features of the variant's recipe; where the whole network is trained, in the views that the variant names."""
    photos = TrainingPhotos(data.learn, data.choose, data.overflow_folder)
    feature_source = yield from RECIPES[variant.config.recipe](variant.config, network, photos)
    strength = VIEW_STRENGTHS[variant.views]
    if variant.config.recipe != "full" or strength is GENTLE_VIEWS:
        return feature_source

    def compute_features(rows: Codes, random: torch.Generator) -> Tensor:
        batch = torch.from_numpy(data.learn.load_batch(rows)).to(choose_device())
        return compute_backbone_features(network, batch if strength is None else draw_views(batch, random, strength))

    return replace(feature_source, compute_features=compute_features)


def _score_validation(
    network: EmbeddingNetwork, validation: ValidationFeatures, query_mask: NDArray[np.bool_]
) -> float:
    """Validation MAP@R of the embedding that is trained; below 0 where it is no number any more."""
    vectors = compute_embeddings(network, validation.pooled).trained
    return compute_map_at_r(vectors, validation, query_mask) if np.isfinite(vectors).all() else -1.0


def pool_features(network: EmbeddingNetwork, part: PicturePart) -> np.ndarray:
    """Pooled backbone outputs (n, backbone_dim) of all pictures of a part."""
    return compute_pooled_features(network, part.load_batch, np.arange(len(part.samples)))
