"""Trainings that start from random weights: batch-norm statistics learn, are kept, and come back."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.models.card import Preprocessing, read_card
from indexer.models.network import load_network
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import run_to_end
from training.fitting.learner import Learner, copy_weights, create_start_network, describe_start, restore_weights
from training.fitting.resume import capture_learner, restore_learner
from training.settings.config import TrainConfig

COURSE = TrainConfig(backbone="course", dim=8, epochs=2, least_steps=0, classes_per_batch=6, photos_per_class=4)
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 3), dtype=np.uint8)
LABELS = np.repeat(np.arange(3), 4)


pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines


def make_learner(seed: int = 0) -> Learner:
    network = create_start_network(COURSE)
    torch.manual_seed(seed)

    def show(rows: np.ndarray, random: torch.Generator) -> torch.Tensor:
        return network.pool(network.extract_raw_features(torch.from_numpy(PIXELS[rows])))

    return Learner(network, COURSE, show, classes=3, steps=8)


def take_steps(learner: Learner, count: int) -> list[float]:
    return [float(learner.take_step(np.arange(12), LABELS).loss.detach()) for _ in range(count)]


def test_statistics_learn_and_go_back_with_the_weights() -> None:
    learner = make_learner()
    before = copy_weights(learner.network)
    assert sum("running" in name for name in before) == 8
    take_steps(learner, 2)
    after = copy_weights(learner.network)
    assert all(not torch.equal(after[name], tensor) for name, tensor in before.items())
    restore_weights(learner.network, before)
    assert all(torch.equal(copy_weights(learner.network)[name], tensor) for name, tensor in before.items())


def test_a_resumed_training_takes_the_same_steps_dropout_included() -> None:
    learner = make_learner()
    take_steps(learner, 2)
    state = copy.deepcopy(capture_learner(learner))  # the next step changes what is captured
    expected = take_steps(learner, 2)
    resumed = make_learner(seed=5)
    restore_learner(state, resumed)
    assert take_steps(resumed, 2) == pytest.approx(expected, abs=1e-6)


def test_any_network_of_timm_starts_from_nothing_where_that_is_asked() -> None:
    config = TrainConfig(backbone="test_resnet", initial_weights="random", image_size=48, dim=8)
    network = create_start_network(config)
    assert (network.name, network.preprocessing.size, describe_start(network)) == ("test_resnet", 48, "untrained")
    assert describe_start(create_start_network(TrainConfig(image_size=48))) == "pretrained"


def test_a_training_from_nothing_is_judged_against_the_pretrained_model(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 5, 8)
    done = run_to_end(COURSE, folder, tmp_path / "out").result
    names = [row.name for row in done.baseline.pretrained]
    assert sorted(names) == ["pretrained at 224 px, its own size", "untrained at 28 px"]
    if done.fit.best.changes_model:  # else the pretrained model is kept
        card = read_card(tmp_path / "out")
        assert (card.backbone, card.dim in (8, 256)) == ("course", True)
        assert card.preprocessing == Preprocessing(28, 1.0, "bilinear", (0.5,) * 3, (0.5,) * 3, "letterbox")
        assert load_network(tmp_path / "out").backbone_dim == 256
