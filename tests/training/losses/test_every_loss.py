"""What holds for every loss of the tables, ours and adapted, with every miner it takes."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.losses_by_hand import SEED, batch, unit
from training.losses.adapter import ADAPTED_MINERS, LOSS_CONSTRUCTORS
from training.losses.loss_value import BatchStats
from training.losses.losses import LOSSES, build_loss
from training.losses.mining import MINERS, PAIR_MINERS
from training.settings import choices
from training.settings.config import TrainConfig

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines


def every_choice() -> list[TrainConfig]:
    """Each loss with each of its miners and presets."""
    return [
        TrainConfig(loss=loss, miner=miner, preset=preset)
        for loss, choice in choices.LOSSES.items()
        for miner in choice.miners
        for preset in choices.PRESETS
        if preset == "tuned" or choice.presets["tuned"] != choice.presets[preset]
    ]


def named(config: TrainConfig) -> str:
    return f"{config.loss} {config.miner} {config.preset}"


def average_of_ten(module: torch.nn.Module, points: Tensor, labels: Tensor) -> float:
    """The loss, over ten draws where a miner draws by chance."""
    unit_length = unit(points.detach())
    return sum(float(module(unit_length, labels).loss.detach()) for _ in range(10)) / 10


@pytest.mark.long
@pytest.mark.parametrize("config", every_choice(), ids=named)
def test_every_loss_falls_and_separates_mixed_classes(config: TrainConfig) -> None:
    torch.manual_seed(SEED)
    embeddings, labels = batch([6, 6, 6], dim=16, seed=3)
    points = embeddings.detach().float().requires_grad_()
    module = build_loss(config, 3, 16)
    groups: list[dict[str, Any]] = [{"params": [points], "lr": 0.06}]
    groups.append({"params": list(module.parameters()), "lr": 0.001 * config.loss_preset.own_rate})
    optimiser = torch.optim.Adam(groups)
    first, before = average_of_ten(module, points, labels), module(unit(points), labels).stats
    for _ in range(60):
        value = module(unit(points), labels)
        optimiser.zero_grad()
        value.loss.backward()
        optimiser.step()
    after: BatchStats = value.stats
    assert average_of_ten(module, points, labels) < 0.9 * first
    assert (
        after.negative_distance - after.positive_distance > before.negative_distance - before.positive_distance + 0.05
    )


@pytest.mark.parametrize("sizes", [[6, 6, 6], [4, 1, 2], [5], [1, 1, 1], [1]], ids=str)
@pytest.mark.parametrize("config", every_choice(), ids=named)
def test_every_loss_has_a_finite_gradient_for_the_network_and_for_its_own_weights(
    config: TrainConfig, sizes: list[int]
) -> None:
    torch.manual_seed(SEED)
    embeddings, labels = batch(sizes, dim=16)
    for points in (embeddings, embeddings.detach()[:1].repeat(len(labels), 1).requires_grad_()):
        single = points.detach().float().requires_grad_()
        module = build_loss(config, len(sizes), 16)
        value = module(single, labels)
        value.loss.backward()
        assert math.isfinite(value.loss.item())
        for weight in (single, *module.parameters()):
            assert weight.grad is None or torch.isfinite(weight.grad).all()
        assert single.grad is not None


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_tells_the_same_distances(loss: str) -> None:
    embeddings, labels = batch([4, 3, 5], dim=4)
    stats = build_loss(TrainConfig(loss=loss), 3, 4)(embeddings, labels).stats
    table = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    assert stats.positives == int(same.sum()) - len(labels)
    assert stats.positive_distance == pytest.approx(
        float(table[same & ~torch.eye(12, dtype=torch.bool)].mean().detach())
    )
    assert stats.negative_distance == pytest.approx(float(table[~same].mean().detach()))
    assert 0 < stats.active_fraction < 1
    assert stats.problem_note == ""


def test_words_and_code_name_the_same_losses_and_miners() -> None:
    assert set(choices.LOSSES) == set(LOSSES)
    assert set(choices.MINERS) == set(MINERS) | set(ADAPTED_MINERS)
    assert set(choices.LOSSES["triplet"].miners) == set(MINERS)
    assert set(choices.LOSSES["contrastive"].miners) == set(PAIR_MINERS)
    for loss in LOSS_CONSTRUCTORS:
        assert set(choices.LOSSES[loss].miners) <= {"all", *ADAPTED_MINERS}


def test_margins_and_temperatures_are_given_where_a_loss_is_built_from_them() -> None:
    for loss in LOSSES:
        config = TrainConfig(loss=loss)
        build_loss(config, 4, 8)  # a temperature that is missing would divide by zero
        if config.loss_preset.temperature is not None:
            warmer = build_loss(TrainConfig(loss=loss, temperature=0.9), 3, 16)
            torch.manual_seed(SEED)
            usual = build_loss(config, 3, 16)
            warmer.load_state_dict(usual.state_dict())
            embeddings, labels = batch([4, 3, 5], dim=16)
            assert warmer(embeddings, labels).loss.item() != pytest.approx(usual(embeddings, labels).loss.item())
