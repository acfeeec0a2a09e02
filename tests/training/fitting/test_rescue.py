"""What goes wrong in a training is shown, met once, and said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.models.network import EmbeddingNetwork
from indexer.progress import drain
from tests.support.quick_training import TINY, read_training_photos
from training.fitting.fit import fit_network
from training.fitting.history import FitResult, measure_spread
from training.fitting.learner import create_start_network
from training.fitting.recipes import RECIPES, FeatureSource, TrainingPhotos
from training.fitting.resume import ResumeFile
from training.settings.config import TrainConfig

CONFIG = replace(TINY, epochs=4, patience=0, miner="hard")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> TrainingPhotos:
    return read_training_photos(tmp_path_factory.mktemp("rescue"), CONFIG, 10)


def prepared(config: TrainConfig, photos: TrainingPhotos) -> tuple[EmbeddingNetwork, FeatureSource]:
    network = create_start_network(config)
    return network, drain(RECIPES[config.recipe](config, network, photos))


def fitted(
    config: TrainConfig, network: EmbeddingNetwork, feature_source: FeatureSource, out: Path
) -> FitResult[EmbeddingNetwork]:
    query_mask = np.ones(len(feature_source.compute_validation().labels), np.bool_)
    return drain(fit_network(config, network, query_mask, feature_source, ResumeFile(out, config)))


@pytest.mark.long
def test_a_collapse_is_met_by_the_best_state_semi_hard_and_smaller_steps(
    photos: TrainingPhotos, tmp_path: Path
) -> None:
    config = replace(CONFIG, recipe="tail", learning_rate=1e-2)
    result = fitted(config, *prepared(config, photos), tmp_path / "out")
    assert "The training collapsed" in result.collapse
    assert "on with the miner semi-hard and a tenth of the learning rate" in result.collapse
    assert result.collapse.count("It went back") == 1
    fallen = result.epochs[int(result.collapse.removeprefix("Epoch ").split(":")[0])]
    assert fallen.active is not None
    assert fallen.active > 0.95
    assert fallen.spread < 0.1 * result.epochs[0].spread
    after = result.epochs[fallen.epoch + 1 :]
    assert max(epoch.spread for epoch in after) > 2 * fallen.spread


@pytest.mark.long
def test_the_same_training_with_gentle_settings_needs_no_rescue(photos: TrainingPhotos, tmp_path: Path) -> None:
    config = replace(CONFIG, recipe="tail", learning_rate=3e-4, miner="semi-hard")
    result = fitted(config, *prepared(config, photos), tmp_path / "out")
    assert result.collapse == ""
    assert result.stopped == ""


def spoilt(feature_source: FeatureSource, calls: set[int]) -> FeatureSource:
    """The source with outputs that are no numbers at some steps, like those of a network that overflows."""
    count = [0]

    def show(rows: np.ndarray, random: torch.Generator) -> torch.Tensor:
        count[0] += 1
        pooled = feature_source.compute_features(rows, random)
        return pooled * torch.nan if count[0] in calls else pooled

    return replace(feature_source, compute_features=show)


@pytest.mark.long
def test_a_loss_that_is_no_number_is_met_once_and_ends_the_training_the_second_time(
    photos: TrainingPhotos, tmp_path: Path
) -> None:
    network, feature_source = prepared(CONFIG, photos)
    once = fitted(CONFIG, network, spoilt(feature_source, {3}), tmp_path / "once")
    assert once.collapse.startswith("Epoch 1: The loss was no number any more. It went back to epoch")
    assert once.stopped == ""
    assert len(once.epochs) == 5
    assert once.epochs[-1].loss is not None
    network, feature_source = prepared(CONFIG, photos)
    twice = fitted(CONFIG, network, spoilt(feature_source, {3, 4}), tmp_path / "twice")
    assert "no number any more" in twice.stopped
    assert len(twice.epochs) == 3


def test_the_spread_is_the_distance_from_the_mean() -> None:
    assert measure_spread(np.ones((5, 3), np.float32)) == 0
    both_ways = np.array([[1, 0], [-1, 0]], np.float32)
    assert measure_spread(both_ways) == pytest.approx(1)
    vectors = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    mean = vectors.mean(axis=0)
    assert measure_spread(vectors) == pytest.approx(
        np.sqrt(np.mean([((v - mean) ** 2).sum() for v in vectors])), rel=1e-5
    )
