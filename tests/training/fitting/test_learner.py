import copy

import numpy as np
import pytest
import torch
from torch import nn

from indexer.errors import LookalikeError
from indexer.models.network import EmbeddingNetwork
from training.data.augmentation import draw_views
from training.fitting.head_start import initialise_head
from training.fitting.learner import (
    Learner,
    compute_embeddings,
    compute_pooled_features,
    create_start_network,
)
from training.losses.adapted_triplets import AdaptedTripletLoss
from training.losses.loss_value import BatchStats, LossValue
from training.losses.losses import MinedLoss
from training.settings.config import TrainConfig

CONFIG = TrainConfig(image_size=32, dim=8, learning_rate=1e-3)
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
LABELS = np.repeat(np.arange(3), 4)


@pytest.fixture(scope="module")
def start_network() -> EmbeddingNetwork:
    return create_start_network(CONFIG)


@pytest.fixture
def network(start_network: EmbeddingNetwork) -> EmbeddingNetwork:
    """A network of the test's own."""
    return copy.deepcopy(start_network)


def learning(network: EmbeddingNetwork, config: TrainConfig = CONFIG) -> Learner:
    def show(rows: np.ndarray, random: torch.Generator) -> torch.Tensor:
        return network.pool(network.extract_raw_features(draw_views(torch.from_numpy(PIXELS[rows]), random)))

    return Learner(network, config, show, classes=3, steps=4)


def norms(network: EmbeddingNetwork) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def test_steps_change_weights_and_leave_batch_norm_statistics_alone(network: EmbeddingNetwork) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    learner = learning(network)
    losses = [float(learner.take_step(np.arange(12), LABELS).loss.detach()) for _ in range(3)]
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert all(np.isfinite(losses))
    assert not any("running" in name or "num_batches" in name for name in changed)
    assert {name for name, _ in network.named_parameters()} == changed
    assert norms(network)


def test_one_seed_takes_the_same_steps() -> None:
    losses = []
    for _ in range(2):
        learner = learning(create_start_network(CONFIG))
        losses.append([float(learner.take_step(np.arange(12), LABELS).loss.detach()) for _ in range(2)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_loss_that_is_no_number_changes_nothing(network: EmbeddingNetwork) -> None:
    learner = learning(network)
    with torch.no_grad():
        network.head.bias.fill_(torch.nan)  # type: ignore[union-attr]
    before = [weight.clone() for weight in network.body.parameters()]
    assert not torch.isfinite(learner.take_step(np.arange(12), LABELS).loss)
    assert all(torch.equal(old, new) for old, new in zip(before, network.body.parameters(), strict=True))


class _Endless(nn.Module):
    """A loss without bounds of embeddings that are numbers."""

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> LossValue:
        return LossValue(embeddings.sum() * torch.inf, BatchStats(0, 0, 0, 0, 0, 0.0, 0.0))


def test_a_loss_that_is_infinite_changes_nothing(network: EmbeddingNetwork) -> None:
    learner = learning(network)
    learner.loss = _Endless()
    before = [weight.clone() for weight in network.parameters()]
    assert not torch.isfinite(learner.take_step(np.arange(12), LABELS).loss)
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    assert learner.schedule.last_epoch == 0


@pytest.mark.parametrize(
    ("loss", "miner", "value"),
    [
        ("contrastive", "all", 0.6 * 48 / 66),  # twelve pictures of three classes: 48 of 66 pairs mismatch
        ("contrastive-hadsell", "all", 0.5 * 48 / 66),
        ("triplet", "hard", 0.2),
        ("supcon", "all", np.log(11)),
        ("normalised-softmax", "all", 0.0),  # has weights of its own
    ],
)
def test_the_loss_in_one_point_is_that_of_its_formula(
    network: EmbeddingNetwork, loss: str, miner: str, value: float
) -> None:
    config = TrainConfig(image_size=32, dim=8, loss=loss, miner=miner)
    assert learning(network, config).measure_collapsed_loss(LABELS) == pytest.approx(value, abs=1e-3)


def test_asking_for_the_loss_in_one_point_draws_no_random_number(network: EmbeddingNetwork) -> None:
    learner = learning(network, TrainConfig(image_size=32, dim=8, miner="random"))
    before = torch.get_rng_state()
    learner.measure_collapsed_loss(LABELS)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_head_starts_as_the_principal_components(network: EmbeddingNetwork) -> None:
    pooled = compute_pooled_features(network, lambda rows: PIXELS[rows], np.arange(12))
    initialise_head(network, pooled)
    left, sizes, _ = np.linalg.svd(pooled.astype(np.float64) - pooled.mean(axis=0), full_matrices=False)
    expected = left[:, :8] * sizes[:8]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    head = compute_embeddings(network, pooled).head
    assert head is not None
    np.testing.assert_allclose(head @ head.T, expected @ expected.T, atol=1e-4)  # equal but for signs of axes


def test_both_embeddings_have_unit_length(network: EmbeddingNetwork) -> None:
    both = compute_embeddings(network, compute_pooled_features(network, lambda rows: PIXELS[rows], np.arange(12)))
    assert both.head is not None
    assert (both.head.shape, both.backbone.shape) == ((12, 8), (12, 1280))
    for vectors in (both.head, both.backbone):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_weight_decay_shortens_kernels_only(network: EmbeddingNetwork) -> None:
    learner = learning(network, TrainConfig(image_size=32, dim=8, weight_decay=0.5))
    decays = {
        id(weight): group["weight_decay"] for group in learner.optimiser.param_groups for weight in group["params"]
    }
    assert all(decays[id(weight)] == (0.5 if weight.ndim > 1 else 0) for weight in network.parameters())


def test_training_sees_the_whole_square_at_the_size_asked_for(network: EmbeddingNetwork) -> None:
    assert (network.preprocessing.size, network.preprocessing.crop) == (32, 1.0)


@pytest.mark.parametrize("loss", ["triplet", "contrastive", "triplet-adapted"])
def test_a_growing_margin_is_whole_after_half_of_the_steps(network: EmbeddingNetwork, loss: str) -> None:
    config = TrainConfig(image_size=32, dim=8, loss=loss, margin=0.4, margin_schedule="growing", learning_rate=1e-6)
    learner, margins = learning(network, config), list[float]()
    for _ in range(4):
        learner.take_step(np.arange(12), LABELS)
        assert isinstance(learner.loss, MinedLoss | AdaptedTripletLoss)
        margins.append(learner.loss.options.margin)
    assert margins == pytest.approx([0.1, 0.25, 0.4, 0.4])


def test_a_margin_of_another_library_does_not_grow() -> None:
    with pytest.raises(LookalikeError, match="The margin of the loss cosface cannot grow; that of contrastive"):
        TrainConfig(loss="cosface", margin_schedule="growing")
