"""Recipes: how much of the network is trained, and so which of its outputs can be computed once and kept.

    quick       the backbone stays; its outputs for a few views of each photo are kept, and a head is trained on them
    tail        the stages before the last one stay; their maps are kept, the last stage and the head are trained
    full        everything is trained, on fresh views of the pictures
    unlabelled  everything is trained, without classes: two views of a photo are each other's only match

A recipe makes a FeatureSource of the photos; `fit.py` does not know which recipe it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from indexer.errors import LookalikeError
from indexer.models.network import EmbeddingNetwork
from indexer.progress import Steps
from training.data.augmentation import STRONG_VIEWS, draw_views
from training.data.labelled_folders import has_labels, number_labels, number_tracks
from training.data.pictures import PicturePart
from training.data.split import DataSplit
from training.fitting.backbone_split import split_backbone
from training.fitting.frozen_features import cache_outputs
from training.fitting.learner import choose_device, compute_pooled_features, enable_autocast
from training.settings import cost
from training.settings.config import TrainConfig, list_settings
from training.settings.cost import (
    EPOCH_ROUNDS,
    TrainingMachine,
    choose_chunk_size,
    choose_recipe,
    count_cached_views,
)

Indices = NDArray[np.int64]
ComputeFeatures = Callable[[Indices, torch.Generator], Tensor]
VIEW_SEED = 1  # of the views that validation looks for, the same in every training


class ValidationFeatures(NamedTuple):
    """Pooled outputs float32 (m, backbone_dim) of the validation photos, and their labels (m,)."""

    pooled: np.ndarray
    labels: Indices


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """The photos as a recipe gives them to the training.

    `labels` (n,) are the classes of the rows. `compute_features` gives the backbone's pooled outputs (b, backbone_dim)
    of rows (b,), each in a random view, with gradient; `compute_plain_features` those of the photos themselves, float32
    without gradient; `compute_validation` those of the validation photos. An epoch goes over the rows `rounds` times.
    """

    labels: Indices
    compute_features: ComputeFeatures
    compute_plain_features: Callable[[Indices], np.ndarray]
    compute_validation: Callable[[], ValidationFeatures]
    rounds: int = 1


class RecipeSettings(NamedTuple):
    """The settings with a recipe chosen, and a sentence that says why."""

    config: TrainConfig
    why: str


class TrainingPhotos(NamedTuple):
    """The photos to learn from and to choose by; `out_folder` is where the checkpoint will stand."""

    train: PicturePart
    validation: PicturePart
    out_folder: Path


def detect_machine() -> TrainingMachine:
    """This computer, and whether its graphics card can be used."""
    return cost.THIS_MACHINE._replace(cuda=choose_device() == "cuda")


def choose_recipe_settings(config: TrainConfig, parts: DataSplit, machine: TrainingMachine) -> RecipeSettings:
    """Choose the recipe where the user left it open. Without labels the loss is NT-Xent over pairs of views."""
    labelled = has_labels(parts.train)
    choice = choose_recipe(config, len(parts.train), machine, labelled=labelled)
    if not labelled and choice.recipe != "unlabelled":
        raise LookalikeError(
            "The recipe {recipe} needs classes; without any, choose auto or unlabelled.", recipe=choice.recipe
        )
    recipe_config = replace(config, recipe=choice.recipe)
    if choice.recipe == "unlabelled":
        pairs = config.classes_per_batch * config.photos_per_class // 2
        loss_defaults: dict[str, Any] = {"preset": "tuned", "distance": "l2"} | dict.fromkeys(
            ("miner", "margin", "temperature")
        )
        batch = {"classes_per_batch": max(2, pairs), "photos_per_class": 2, "sampling": "classes"}
        if config.loss == "nt-xent":
            loss_defaults["temperature"] = config.temperature
        recipe_config = TrainConfig.from_dict(recipe_config.to_dict() | {"loss": "nt-xent"} | loss_defaults | batch)
    return RecipeSettings(recipe_config, choice.why + _describe_ignored(config, recipe_config))


def _describe_ignored(requested: TrainConfig, recipe_config: TrainConfig) -> str:
    """The settings that were set and have no part in a recipe, in a sentence; "" where all have one."""
    defaults, always_used = TrainConfig(purpose=requested.purpose), {"recipe", "classes_per_batch", "photos_per_class"}
    ignored = [
        setting.option_name
        for setting in list_settings(TrainConfig)
        if setting.name not in always_used
        and getattr(requested, setting.name)
        not in (getattr(defaults, setting.name), getattr(recipe_config, setting.name))
    ]
    return f" It takes the loss nt-xent; without effect: {', '.join(ignored)}." if ignored else ""


def prepare_full(config: TrainConfig, network: EmbeddingNetwork, photos: TrainingPhotos) -> Steps[FeatureSource]:
    """The features of the whole network, on fresh views of the pictures."""
    yield from ()

    def compute_features(rows: Indices, random: torch.Generator) -> Tensor:
        return compute_backbone_features(network, draw_views(_move_to_device(photos.train.load_batch(rows)), random))

    compute_plain_features = _bind_plain_features(network, photos.train)
    return FeatureSource(
        number_labels(photos.train.samples).labels,
        compute_features,
        compute_plain_features,
        _choose_validation(network, photos.validation),
    )


def prepare_unlabelled(config: TrainConfig, network: EmbeddingNetwork, photos: TrainingPhotos) -> Steps[FeatureSource]:
    """The features of the whole network, on two strong views of each photo: rows 2 i and 2 i + 1 are photo i.

    Views of one photo are matches, and so are those of a track.
    """
    yield from ()

    def compute_features(rows: Indices, random: torch.Generator) -> Tensor:
        return compute_backbone_features(
            network, draw_views(_move_to_device(photos.train.load_batch(rows // 2)), random, STRONG_VIEWS)
        )

    compute_plain_features = _bind_plain_features(network, photos.train)
    return FeatureSource(
        np.repeat(number_tracks(photos.train.samples), 2),
        compute_features,
        lambda rows: compute_plain_features(rows // 2),
        _choose_validation(network, photos.validation),
    )


def prepare_quick(config: TrainConfig, network: EmbeddingNetwork, photos: TrainingPhotos) -> Steps[FeatureSource]:
    """The backbone's outputs for a few views of each photo, computed once; only a head on them is trained."""
    network.body.requires_grad_(False)

    def encode_batch(batch: Tensor) -> Tensor:
        return network.pool(network.extract_raw_features(batch))

    cached = yield from _cache_views(config, photos, encode_batch)

    def compute_features(rows: Indices, random: torch.Generator) -> Tensor:
        return _move_to_device(_draw_cached(cached.train, rows, random))

    validation = ValidationFeatures(cached.validation[0], number_labels(photos.validation.samples).labels)
    labels = number_labels(photos.train.samples).labels
    return FeatureSource(
        labels, compute_features, lambda rows: cached.train[0, rows], lambda: validation, EPOCH_ROUNDS["quick"]
    )


def prepare_tail(config: TrainConfig, network: EmbeddingNetwork, photos: TrainingPhotos) -> Steps[FeatureSource]:
    """The outputs of the last stage, on maps before it that are computed once for a few views of each photo.

    The last stage and the head are trained. ModelError where the backbone has no stages.
    """
    cut = split_backbone(network)
    network.body.requires_grad_(False)
    cut.last.requires_grad_(True)

    def encode_batch(batch: Tensor) -> Tensor:
        return _run_stage(cut.first, network.normalise_pixels(batch))

    cached = yield from _cache_views(config, photos, encode_batch)

    def pool_maps(maps: np.ndarray) -> Tensor:
        return _pool_batch(network, lambda batch: _run_stage(cut.last, batch), _move_to_device(maps).float())

    def compute_map_features(maps: np.ndarray, rows: Indices) -> np.ndarray:
        with torch.inference_mode():
            parts = np.array_split(rows, -(-len(rows) // 128))
            return np.concatenate([pool_maps(maps[part]).float().cpu().numpy() for part in parts])

    labels = number_labels(photos.validation.samples).labels
    return FeatureSource(
        number_labels(photos.train.samples).labels,
        lambda rows, random: pool_maps(_draw_cached(cached.train, rows, random)),
        lambda rows: compute_map_features(cached.train[0], rows),
        lambda: ValidationFeatures(compute_map_features(cached.validation[0], np.arange(len(labels))), labels),
        EPOCH_ROUNDS["tail"],
    )


Recipe = Callable[[TrainConfig, EmbeddingNetwork, TrainingPhotos], Steps[FeatureSource]]
RECIPES: dict[str, Recipe] = {
    "quick": prepare_quick,
    "tail": prepare_tail,
    "full": prepare_full,
    "unlabelled": prepare_unlabelled,
}


class _CachedOutputs(NamedTuple):
    """Outputs of the frozen part for the photos to learn from (views, n, ...) and to choose by (1, m, ...)."""

    train: NDArray[np.floating]
    validation: NDArray[np.floating]


def _cache_views(
    config: TrainConfig, photos: TrainingPhotos, encode: Callable[[Tensor], Tensor]
) -> Steps[_CachedOutputs]:
    count = count_cached_views(len(photos.train.samples))
    train = yield from cache_outputs(photos.train, encode, views=count, seed=config.seed, out_folder=photos.out_folder)
    validation = yield from cache_outputs(
        photos.validation, encode, views=1, seed=config.seed, out_folder=photos.out_folder
    )
    return _CachedOutputs(train, validation)


def _draw_cached(cached: NDArray[np.floating], rows: Indices, random: torch.Generator) -> NDArray[np.floating]:
    """The cached outputs of rows (b,), each of a random view: (b, ...)."""
    chosen = torch.randint(len(cached), (len(rows),), generator=random).numpy()
    drawn: NDArray[np.floating] = cached[chosen, rows]
    return drawn


def _choose_validation(network: EmbeddingNetwork, part: PicturePart) -> Callable[[], ValidationFeatures]:
    """Validation by label; where no two photos share one, a photo is to be found by a view of it."""
    find_features = _query_by_label if has_labels(part.samples) else _query_by_view
    return partial(find_features, network, part)


def _query_by_label(network: EmbeddingNetwork, part: PicturePart) -> ValidationFeatures:
    labels = number_labels(part.samples).labels
    return ValidationFeatures(compute_pooled_features(network, part.load_batch, np.arange(len(labels))), labels)


def _query_by_view(network: EmbeddingNetwork, part: PicturePart) -> ValidationFeatures:
    """The photos (m,), and behind them a view of each with the same label: (2 m,)."""
    labels, rows = number_labels(part.samples).labels, np.arange(len(part.samples))
    random = torch.Generator().manual_seed(VIEW_SEED)

    def load_views(rows: Indices) -> NDArray[np.uint8]:
        views = draw_views(torch.from_numpy(part.load_batch(rows)), random, STRONG_VIEWS)
        return views.round().to(torch.uint8).numpy()

    both = [compute_pooled_features(network, fetch, rows) for fetch in (part.load_batch, load_views)]
    return ValidationFeatures(np.concatenate(both), np.concatenate([labels, labels]))


def _bind_plain_features(network: EmbeddingNetwork, part: PicturePart) -> Callable[[Indices], np.ndarray]:
    return lambda rows: compute_pooled_features(network, part.load_batch, rows)


def _pool_batch(network: EmbeddingNetwork, raw_features: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    with enable_autocast():
        return network.pool(raw_features(batch))


def compute_backbone_features(network: EmbeddingNetwork, batch: Tensor) -> Tensor:
    """The pooled outputs (n, backbone_dim) of pictures (n, h, w, 3), with gradient; where memory is short, a part of
    them at a time.

    The activations of a part are then computed once more on the way back instead of kept: the same values and gradients
    for about half as much time again (Chen et al. 2016, "Training deep nets with sublinear memory cost").
    """
    chunk_size = choose_chunk_size(len(batch), batch.shape[1], detect_machine())
    if chunk_size == len(batch):
        return _pool_batch(network, network.extract_raw_features, batch)
    pool_chunk = partial(_pool_batch, network, network.extract_raw_features)
    chunks = (batch[start : start + chunk_size] for start in range(0, len(batch), chunk_size))
    return torch.cat(
        [checkpoint(pool_chunk, chunk, use_reentrant=False, preserve_rng_state=network.training) for chunk in chunks]
    )


def _run_stage(module: nn.Module, batch: Tensor) -> Tensor:
    maps: Tensor = module.forward_features(batch)  # type: ignore[operator]
    return maps


def _move_to_device(values: np.ndarray) -> Tensor:
    """The values as a tensor on the device of training; the copy from pinned memory runs beside other work."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if tensor.ndim == 4 and tensor.is_floating_point():
        tensor = tensor.to(memory_format=torch.channels_last)
    return tensor.pin_memory().to("cuda", non_blocking=True) if choose_device() == "cuda" else tensor
