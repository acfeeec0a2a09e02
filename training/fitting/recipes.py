"""Recipes: how much of the network is trained, and so what of its work can be done once and kept.

    quick       the backbone stays; its outputs for a few views of each photo are kept, and a head is trained on them
    tail        the stages before the last one stay; their maps are kept, the last stage and the head are trained
    full        everything is trained, on fresh views of the pictures
    unlabelled  everything is trained, without classes: two views of a photo are each other's only match

A recipe makes a Material of the photos. `fit.py` does not know which one it was.
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
from indexer.models.network import Network, halves
from indexer.progress import Steps
from training.data.augmentation import STRONG, views
from training.data.labelled_folders import has_labels, number
from training.data.pictures import Part
from training.data.split import Split
from training.fitting.frozen_features import cache
from training.fitting.learner import autocast, device, pooled_features
from training.settings import cost as pace
from training.settings.config import TrainConfig, fields_of
from training.settings.cost import Machine

Indices = NDArray[np.int64]
Show = Callable[[Indices, torch.Generator], Tensor]
VIEW_SEED = 1  # of the views that validation and verdict look for, the same in every training


class Checked(NamedTuple):
    """What validation asks about: pooled outputs float32 (m, backbone_dim) and the labels (m,) they should agree in."""

    pooled: np.ndarray
    labels: Indices


@dataclass(frozen=True, slots=True)
class Material:
    """The photos as a recipe sees them.

    `labels` (n,): what training tells apart, one for each row there is. `show`: the backbone's pooled outputs
    (b, backbone_dim) of some rows, each in a view by chance, with gradient. `plain`: the same float32, as they are.
    `check`: those of the validation photos. `rounds`: how often an epoch goes over the rows.
    """

    labels: Indices
    show: Show
    plain: Callable[[Indices], np.ndarray]
    check: Callable[[], Checked]
    rounds: int = 1


class Settled(NamedTuple):
    """The settings with a recipe chosen, and why it was."""

    config: TrainConfig
    why: str


class Photos(NamedTuple):
    """The photos to learn from and to choose by; `place` is where the checkpoint will stand."""

    learn: Part
    choose: Part
    place: Path


def here() -> Machine:
    """This computer."""
    return pace.HERE._replace(cuda=device() == "cuda")


def settle(config: TrainConfig, parts: Split, machine: Machine) -> Settled:
    """Choose the recipe where the user left it open. Without labels the loss is NT-Xent over pairs of views."""
    labelled = has_labels(parts.train)
    choice = pace.choose(config, len(parts.train), machine, labelled=labelled)
    if not labelled and choice.recipe != "unlabelled":
        raise LookalikeError(f"The recipe {choice.recipe} needs classes; without any, choose auto or unlabelled.")
    settled = replace(config, recipe=choice.recipe)
    if choice.recipe == "unlabelled":
        pairs = config.classes_per_batch * config.photos_per_class // 2
        usual: dict[str, Any] = {"preset": "tuned", "distance": "l2"} | dict.fromkeys(
            ("miner", "margin", "temperature")
        )
        batch = {"classes_per_batch": max(2, pairs), "photos_per_class": 2, "sampling": "classes"}
        if config.loss == "nt-xent":
            usual["temperature"] = config.temperature
        settled = TrainConfig.from_dict(settled.to_dict() | {"loss": "nt-xent"} | usual | batch)
    return Settled(settled, choice.why + _without_part(config, settled))


def _without_part(wished: TrainConfig, settled: TrainConfig) -> str:
    """The settings that were set and have no part in a recipe, in a sentence; "" where all have one."""
    plain, counts = TrainConfig(purpose=wished.purpose), {"recipe", "classes_per_batch", "photos_per_class"}
    lost = [
        setting.option
        for setting in fields_of(TrainConfig)
        if setting.name not in counts
        and getattr(wished, setting.name) not in (getattr(plain, setting.name), getattr(settled, setting.name))
    ]
    return f" It takes the loss nt-xent; without effect: {', '.join(lost)}." if lost else ""


def full(config: TrainConfig, network: Network, photos: Photos) -> Steps[Material]:
    """The whole network on fresh views."""
    yield from ()

    def show(rows: Indices, random: torch.Generator) -> Tensor:
        return whole(network, views(_on_device(photos.learn.batch(rows)), random))

    plain = _plain(network, photos.learn)
    return Material(number(photos.learn.samples).labels, show, plain, _check(network, photos.choose))


def unlabelled(config: TrainConfig, network: Network, photos: Photos) -> Steps[Material]:
    """The whole network on two strong views of each photo: rows 2 i and 2 i + 1 are photo i."""
    yield from ()

    def show(rows: Indices, random: torch.Generator) -> Tensor:
        return whole(network, views(_on_device(photos.learn.batch(rows // 2)), random, STRONG))

    plain = _plain(network, photos.learn)
    labels = np.repeat(np.arange(len(photos.learn.samples)), 2)
    return Material(labels, show, lambda rows: plain(rows // 2), _check(network, photos.choose))


def quick(config: TrainConfig, network: Network, photos: Photos) -> Steps[Material]:
    """A head on the backbone's outputs for a few views, kept."""
    network.body.requires_grad_(False)

    def encode(batch: Tensor) -> Tensor:
        return network.pool(network.raw_features(batch))

    kept = yield from _cache(config, photos, encode)

    def show(rows: Indices, random: torch.Generator) -> Tensor:
        return _on_device(_drawn(kept.learn, rows, random))

    check = Checked(kept.choose[0], number(photos.choose.samples).labels)
    labels = number(photos.learn.samples).labels
    return Material(labels, show, lambda rows: kept.learn[0, rows], lambda: check, pace.ROUNDS["quick"])


def tail(config: TrainConfig, network: Network, photos: Photos) -> Steps[Material]:
    """The last stage and the head, on the maps before them for a few views, kept. ModelError where it has no stages."""
    cut = halves(network)
    network.body.requires_grad_(False)
    cut.last.requires_grad_(True)

    def encode(batch: Tensor) -> Tensor:
        return _stage(cut.first, network.normalised(batch))

    kept = yield from _cache(config, photos, encode)

    def pooled(maps: np.ndarray) -> Tensor:
        return _pooled(network, lambda batch: _stage(cut.last, batch), _on_device(maps).float())

    def plain(maps: np.ndarray, rows: Indices) -> np.ndarray:
        with torch.inference_mode():
            parts = np.array_split(rows, -(-len(rows) // 128))
            return np.concatenate([pooled(maps[part]).float().cpu().numpy() for part in parts])

    labels = number(photos.choose.samples).labels
    return Material(
        number(photos.learn.samples).labels,
        lambda rows, random: pooled(_drawn(kept.learn, rows, random)),
        lambda rows: plain(kept.learn[0], rows),
        lambda: Checked(plain(kept.choose[0], np.arange(len(labels))), labels),
        pace.ROUNDS["tail"],
    )


Recipe = Callable[[TrainConfig, Network, Photos], Steps[Material]]
RECIPES: dict[str, Recipe] = {"quick": quick, "tail": tail, "full": full, "unlabelled": unlabelled}


class _Kept(NamedTuple):
    """What the frozen part says of the photos to learn from (views, n, ...) and to choose by (1, m, ...)."""

    learn: NDArray[np.floating]
    choose: NDArray[np.floating]


def _cache(config: TrainConfig, photos: Photos, encode: Callable[[Tensor], Tensor]) -> Steps[_Kept]:
    count = pace.views_of(len(photos.learn.samples))
    learn = yield from cache(photos.learn, encode, views=count, seed=config.seed, place=photos.place)
    choose = yield from cache(photos.choose, encode, views=1, seed=config.seed, place=photos.place)
    return _Kept(learn, choose)


def _drawn(kept: NDArray[np.floating], rows: Indices, random: torch.Generator) -> NDArray[np.floating]:
    """Each row in one of its views by chance."""
    chosen = torch.randint(len(kept), (len(rows),), generator=random).numpy()
    drawn: NDArray[np.floating] = kept[chosen, rows]
    return drawn


def _check(network: Network, choose: Part) -> Callable[[], Checked]:
    """Ask by label; where no two photos share one, for the photo of which a view is shown."""
    labels, rows = number(choose.samples).labels, np.arange(len(choose.samples))

    def look_for_views() -> Checked:
        random = torch.Generator().manual_seed(VIEW_SEED)

        def viewed(rows: Indices) -> NDArray[np.uint8]:
            return views(torch.from_numpy(choose.batch(rows)), random, STRONG).round().to(torch.uint8).numpy()

        both = [pooled_features(network, fetch, rows) for fetch in (choose.batch, viewed)]
        return Checked(np.concatenate(both), np.concatenate([labels, labels]))

    def ask_by_label() -> Checked:
        return Checked(pooled_features(network, choose.batch, rows), labels)

    return ask_by_label if has_labels(choose.samples) else look_for_views


def _plain(network: Network, part: Part) -> Callable[[Indices], np.ndarray]:
    return lambda rows: pooled_features(network, part.batch, rows)


def _pooled(network: Network, raw_features: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    with autocast():
        return network.pool(raw_features(batch))


def whole(network: Network, batch: Tensor) -> Tensor:
    """The pooled outputs of pictures (n, h, w, 3), with gradient; where memory is short, a part of them at a time.

    What the layers said of a part is then computed once more on the way back instead of kept: the same values and
    gradients for about half as much time again (Chen et al. 2016, "Training deep nets with sublinear memory cost").
    """
    size = pace.at_once(len(batch), batch.shape[1], here())
    if size == len(batch):
        return _pooled(network, network.raw_features, batch)
    pooled = partial(_pooled, network, network.raw_features)
    parts = (batch[start : start + size] for start in range(0, len(batch), size))
    return torch.cat([checkpoint(pooled, part, use_reentrant=False, preserve_rng_state=False) for part in parts])


def _stage(module: nn.Module, batch: Tensor) -> Tensor:
    maps: Tensor = module.forward_features(batch)  # type: ignore[operator]
    return maps


def _on_device(values: np.ndarray) -> Tensor:
    """On the device of training; from pinned memory the copy runs beside the work."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if tensor.ndim == 4 and tensor.is_floating_point():
        tensor = tensor.to(memory_format=torch.channels_last)
    return tensor.pin_memory().to("cuda", non_blocking=True) if device() == "cuda" else tensor
