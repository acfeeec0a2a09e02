import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.errors import LookalikeError
from indexer.progress import drain
from tests.support.quick_training import TINY
from training.data.labelled_folders import survey_folder
from training.data.pictures import read_pictures
from training.data.sampler import make_epoch_batches
from training.fitting.divided_learners import assign_learners, find_slice, is_divided, make_divided_batches
from training.fitting.fit import arrange_epoch
from training.fitting.learner import Learner, create_start_network
from training.fitting.recipes import RECIPES, FeatureSource, TrainingPhotos
from training.fitting.resume import capture_learner, restore_learner
from training.losses.loss_value import LossOptions
from training.losses.losses import LOSSES
from training.settings.choices import DIVISIBLE_LOSSES
from training.settings.config import TrainConfig

CONFIG = TrainConfig(
    recipe="quick", image_size=32, dim=8, learners=2, epochs=3, least_steps=0, classes_per_batch=3, photos_per_class=4
)


def test_groups_of_near_pictures_become_learners() -> None:
    points = np.repeat(np.eye(3), 5, axis=0) + np.random.default_rng(0).normal(scale=0.05, size=(15, 3))
    found = assign_learners(points, TrainConfig(dim=8, learners=3))
    assert [len(set(found[start : start + 5].tolist())) for start in (0, 5, 10)] == [1, 1, 1]
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("least_steps", [0, 40])
def test_a_batch_is_of_one_learner_and_there_are_as_many_as_usual(least_steps: int) -> None:
    labels = np.tile(np.arange(6), 10)
    assignment = np.random.default_rng(1).integers(0, 4, 60)
    config = TrainConfig(dim=8, learners=4, epochs=4, least_steps=least_steps, classes_per_batch=3, photos_per_class=2)
    batches = make_divided_batches(labels, assignment, config, 1)
    assert len(batches) == len(make_epoch_batches(labels, config, 1))
    assert all(len(set(assignment[batch].tolist())) == 1 and len(set(labels[batch].tolist())) > 1 for batch in batches)
    assert len({int(assignment[batch[0]]) for batch in batches}) == 4
    again = make_divided_batches(labels, assignment, config, 1)
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))


def test_learners_with_one_class_each_leave_the_usual_batches() -> None:
    labels = np.repeat(np.arange(3), 4)
    usual = make_epoch_batches(labels, CONFIG, 1)
    assert all(
        np.array_equal(*pair) for pair in zip(make_divided_batches(labels, labels, CONFIG, 1), usual, strict=True)
    )


def test_every_number_belongs_to_one_learner() -> None:
    for dim, learners in ((8, 4), (7, 3), (128, 16)):
        owned = [number for learner in range(learners) for number in range(dim)[find_slice(dim, learners, learner)]]
        assert owned == list(range(dim))


def test_the_last_third_of_the_epochs_is_conquered() -> None:
    assert [is_divided(CONFIG, epoch) for epoch in (1, 2, 3)] == [True, True, False]
    assert not is_divided(TINY, 1)


@pytest.fixture(scope="module")
def source(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> FeatureSource:
    network = create_start_network(CONFIG)
    samples = drain(survey_folder(shapes)).samples[::2]
    part = drain(read_pictures(samples, network.preprocessing)).part
    return drain(RECIPES["quick"](CONFIG, network, TrainingPhotos(part, part, tmp_path_factory.mktemp("divided"))))


def make_learner(source: FeatureSource) -> Learner:
    network = create_start_network(CONFIG)
    return Learner(network, CONFIG, source.compute_features, classes=6, steps=40)


def test_a_step_corrects_one_learners_numbers_only(source: FeatureSource) -> None:
    learner = make_learner(source)
    batch = arrange_epoch(learner.network, CONFIG, source, learner, 1)[0]
    assert learner.assignment is not None
    number = int(learner.assignment[batch[0]])
    head = learner.network.head
    assert isinstance(head, torch.nn.Linear)
    learner.optimiser.param_groups[0]["weight_decay"] = 0.0
    before = head.weight.detach().clone()
    learner.take_step(batch, source.labels[batch])
    moved = (head.weight.detach() != before).any(dim=1)
    part = find_slice(8, 2, number)
    assert moved[part].all()
    assert moved.sum() == part.stop - part.start
    arrange_epoch(learner.network, CONFIG, source, learner, 3)
    assert learner.assignment is None


def test_a_resumed_training_knows_whose_pictures_are_whose(source: FeatureSource) -> None:
    learner = make_learner(source)
    batches = arrange_epoch(learner.network, CONFIG, source, learner, 1)
    learner.take_step(batches[0], source.labels[batches[0]])
    state = copy.deepcopy(capture_learner(learner))
    expected = float(learner.take_step(batches[1], source.labels[batches[1]]).loss.detach())
    resumed = make_learner(source)
    restore_learner(state, resumed)
    found = float(resumed.take_step(batches[1], source.labels[batches[1]]).loss.detach())
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_divided_needs_no_weights_for_each_number(loss: str) -> None:
    module = LOSSES[loss](LossOptions(0.2, "all", "all", 5, 77, 0.1))
    needs_numbers = any(77 in weight.shape or 154 in weight.shape for weight in module.parameters())
    if loss in DIVISIBLE_LOSSES:
        assert not needs_numbers


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"dim": 6}, "4 learners need --dim 8 or more"),
        ({"dim": 0}, "4 learners need --dim 8 or more"),
        ({"loss": "cosface"}, "The loss cosface cannot be divided; choose contrastive"),
        ({"sampling": "hard-classes"}, "leave --sampling out"),
    ],
)
def test_what_cannot_be_divided_is_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(LookalikeError, match=sentence):
        TrainConfig.from_dict({"learners": 4, "dim": 32} | settings)
