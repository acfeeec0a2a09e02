"""A network being trained: the one at the start, one step, and both embeddings of pictures."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.models import backbones
from indexer.models.network import EmbeddingNetwork, find_accelerator, replace_head
from training.data.class_tree import compute_tree_margins
from training.fitting.divided_learners import find_slice
from training.fitting.head_start import describe_head
from training.losses import losses
from training.losses.adapted_triplets import AdaptedTripletLoss, HierarchicalTripletLoss
from training.losses.loss_value import LossValue
from training.losses.losses import MinedLoss
from training.settings.choices import BUILT_IN
from training.settings.config import TrainConfig
from training.settings.cost import REFERENCE_SIDE

EMBED_BATCH = 128  # pictures at 224 px that go through the network together: 0.6 GB for its largest map
# A growing margin: the share that it begins with, and the share of all steps after which it is whole. The notes name
# the idea and give no figures.
FIRST_MARGIN_SHARE, GROWTH_SHARE = 0.25, 0.5

Pixels = NDArray[np.uint8]
FetchPixels = Callable[[NDArray[np.int64]], Pixels]
ComputeFeatures = Callable[[NDArray[np.int64], torch.Generator], Tensor]


class NetworkEmbeddings(NamedTuple):
    """Unit-length embeddings (n, dim) float32 from the head (None where there is none) and from the backbone."""

    head: np.ndarray | None
    backbone: np.ndarray

    @property
    def trained(self) -> np.ndarray:
        """Those that the loss acts on: from the head, else from the backbone."""
        return self.backbone if self.head is None else self.head


def choose_device() -> str:
    """The device of training: "cuda" where there is one, else "cpu" (MPS lacks operations of some backbones)."""
    return "cuda" if find_accelerator() == "cuda" else "cpu"


def create_start_network(config: TrainConfig) -> EmbeddingNetwork:
    """The network that a training starts from, at the training size, seeing whole pictures, its head not fitted yet."""
    torch.manual_seed(config.seed)
    backbone = _create_backbone(config)
    torch.manual_seed(config.seed)
    network = EmbeddingNetwork(backbone)
    network = replace_head(network, describe_head(config, network.backbone_dim))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # missing in torch's own overloads
    return network.eval().to(choose_device())


def _create_backbone(config: TrainConfig) -> backbones.Backbone:
    name = backbones.DEFAULT_BACKBONE if config.backbone == BUILT_IN else config.backbone
    if config.pooling != "own":
        name = f"{config.pooling}:{name}"
    create = backbones.create_untrained if config.from_scratch else backbones.create_backbone
    return create(name, size=config.image_size, framing="letterbox")


def learns_statistics(network: EmbeddingNetwork) -> bool:
    """Whether batch-norm statistics and dropout take part in the training: only where it started from nothing."""
    return bool(getattr(network.body, "learns_statistics", False))


def describe_start(network: EmbeddingNetwork) -> str:
    """What a network is before its first step, in a word: "pretrained" or "untrained"."""
    return "untrained" if learns_statistics(network) else "pretrained"


def schedule_rates(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
    """One cycle over all steps up to each group's own learning rate (Smith, Topin 2018, arXiv 1708.07120)."""
    rates = [group["lr"] for group in optimiser.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rates, total_steps=max(steps, 2))


class Learner:
    """A network with its loss, optimiser and schedule; statistics of a pretrained batch-norm stay as they are."""

    def __init__(
        self,
        network: EmbeddingNetwork,
        config: TrainConfig,
        compute_features: ComputeFeatures,
        *,
        classes: int,
        steps: int,
    ) -> None:
        self.network = network
        self.config = config
        self.assignment: NDArray[np.int64] | None = None  # of rows to learners, while these work apart
        self.full_margin = config.resolve_defaults().margin or 0.0
        self.compute_features = compute_features
        self.loss = losses.build_loss(config, classes, network.dim).to(choose_device())
        self.optimiser = torch.optim.AdamW(_group_parameters(network, self.loss, config))
        self.schedule = schedule_rates(self.optimiser, steps)
        self.random = torch.Generator().manual_seed(config.seed)

    def take_step(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> LossValue:
        """Take one step on the pictures of rows (n,) with labels (n,), and return its loss.

        Where the loss is not finite, the weights stay as they are.
        """
        self.network.train(learns_statistics(self.network))  # batch-norm: else running statistics, only weights learn
        self._set_margin()
        embeddings = self._embed_rows(rows)
        value: LossValue = self.loss(embeddings, torch.from_numpy(labels).to(choose_device()))
        if not torch.isfinite(embeddings).all():  # distances between such embeddings count as 0, and so would the loss
            value = value._replace(loss=torch.full_like(value.loss, torch.nan))
        if not torch.isfinite(value.loss):
            return value
        self.optimiser.zero_grad(set_to_none=True)
        value.loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        return value

    def _embed_rows(self, rows: NDArray[np.int64]) -> Tensor:
        """Unit-length embeddings (n, dim) of views of rows (n,), with gradient; while learners work apart, only the
        numbers of the one whose rows they are, cut out before scaling so that the others get no gradient at all.
        """
        pooled = self.compute_features(rows, self.random)
        if self.assignment is None:
            return self.network.embed(pooled)
        part = find_slice(self.network.dim, self.config.learners, int(self.assignment[rows[0]]))
        return nn.functional.normalize(self.network.project(pooled)[:, part], dim=1)

    def _set_margin(self) -> None:
        """Let the margin of the loss grow with the steps taken, where the settings say so."""
        if self.config.margin_schedule == "growing":
            assert isinstance(self.loss, MinedLoss | AdaptedTripletLoss)
            grown = min(1.0, self.schedule.last_epoch / (GROWTH_SHARE * self.schedule.total_steps))
            share = FIRST_MARGIN_SHARE + (1 - FIRST_MARGIN_SHARE) * grown
            self.loss.options = self.loss.options._replace(margin=share * self.full_margin)

    @property
    def needs_class_distances(self) -> bool:
        """Whether the loss has margins by a tree of the classes, to be set before each epoch (`refresh_margins`)."""
        return isinstance(self.loss, HierarchicalTripletLoss)

    def refresh_margins(self, class_distances: NDArray[np.float64]) -> None:
        """Set the margins of the loss by the distances between the classes (classes, classes) as they are now."""
        if isinstance(self.loss, HierarchicalTripletLoss):
            margins = compute_tree_margins(class_distances, self.loss.options.margin)
            self.loss.set_margins(torch.from_numpy(margins))

    def measure_collapsed_loss(self, labels: NDArray[np.int64]) -> float:
        """The loss of a batch with labels (n,) whose pictures all have one embedding; 0 for a loss with weights of its
        own, which can make that loss as small as any other, and for one whose margins change.
        """
        if self.needs_class_distances or any(True for _ in self.loss.parameters()):
            return 0.0
        point = nn.functional.normalize(torch.ones(len(labels), self.network.dim, device=choose_device()), dim=1)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):  # so that a random miner draws the same in training
            value = float(self.loss(point, torch.from_numpy(labels).to(choose_device())).loss)
        return value if math.isfinite(value) else 0.0


def compute_pooled_features(network: EmbeddingNetwork, fetch: FetchPixels, rows: NDArray[np.int64]) -> np.ndarray:
    """Pooled backbone outputs before the head, float32 (n, backbone_dim), of the pictures of rows (n,)."""
    network.eval()
    parts = []
    size = max(1, min(EMBED_BATCH, int(EMBED_BATCH * (REFERENCE_SIDE / network.preprocessing.size) ** 2)))
    with torch.inference_mode(), enable_autocast():
        for start in range(0, len(rows), size):
            pixels = torch.from_numpy(fetch(rows[start : start + size])).to(choose_device())
            parts.append(network.pool(network.extract_raw_features(pixels)).float().cpu().numpy())
    return np.concatenate(parts)


def compute_embeddings(network: EmbeddingNetwork, pooled: np.ndarray) -> NetworkEmbeddings:
    """Both unit-length embeddings of pooled backbone outputs (n, backbone_dim)."""
    with torch.inference_mode():
        values = torch.from_numpy(pooled).to(choose_device())
        backbone = nn.functional.normalize(values, dim=1).cpu().numpy()
        head = None if network.head is None else network.embed(values).cpu().numpy()
    return NetworkEmbeddings(head, backbone)


def copy_weights(network: EmbeddingNetwork) -> dict[str, Tensor]:
    """A copy of all weights that training can change, by name."""
    copied = {name: weight.detach().clone() for name, weight in network.named_parameters() if weight.requires_grad}
    if learns_statistics(network):
        buffers = ((f"body.{name}", buffer) for name, buffer in network.body.named_buffers())
        copied |= {name: buffer.clone() for name, buffer in buffers if buffer.is_floating_point()}
    return copied


def restore_weights(network: EmbeddingNetwork, state: dict[str, Tensor]) -> None:
    """Put back weights that `copy_weights` copied."""
    network.load_state_dict(state, strict=False)


@contextmanager
def interpolate_weights(network: EmbeddingNetwork, start: dict[str, Tensor], share: float) -> Iterator[None]:
    """Within the block the network has the weights that would be kept: (1 - share) start + share trained, from the
    weights of the start and its own (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", equation 1).
    """
    if share == 1:
        yield
        return
    trained = copy_weights(network)
    restore_weights(network, {name: torch.lerp(weight, trained[name], share) for name, weight in start.items()})
    yield
    restore_weights(network, trained)


def enable_autocast() -> torch.autocast:
    """A context in which CUDA computes in bfloat16; the processor never does, where it is 2.5 to 6 times slower."""
    return torch.autocast(choose_device(), dtype=torch.bfloat16, enabled=choose_device() == "cuda")


def _group_parameters(network: EmbeddingNetwork, loss: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """The optimiser's parameter groups, with weight decay for matrices and kernels only, not for biases and batch-norm.

    A loss's own weights are directions or boundaries: they have no decay either, and a learning rate of their own.
    """
    trainable = [weight for weight in network.parameters() if weight.requires_grad]
    loss_weights, rate = list(loss.parameters()), config.learning_rate
    groups: list[dict[str, Any]] = [
        {
            "params": [weight for weight in trainable if weight.ndim > 1],
            "weight_decay": config.weight_decay,
            "lr": rate,
        },
        {"params": [weight for weight in trainable if weight.ndim <= 1], "weight_decay": 0.0, "lr": rate},
    ]
    if loss_weights:
        groups.append({"params": loss_weights, "weight_decay": 0.0, "lr": rate * config.loss_preset.own_rate})
    return groups
