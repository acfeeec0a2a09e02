"""What the window makes of a training's progress; the times are given, none is measured."""

import pytest

from indexer.progress import Progress
from retrieval_app.fine_tuning.training_progress import TrainingProgress, estimate_seconds, explain_estimate
from training.fitting.history import Epoch, ValidationScore
from training.settings.config import TrainConfig
from training.settings.cost import TrainingMachine

TWO = TrainingMachine(2)


def running(steps: int = 10) -> TrainingProgress:
    course = TrainingProgress()
    course.add_progress(Progress("validate", 0, 2, "", {"map_at_r_head": 0.2, "map_at_r_backbone": 0.3}), now=99)
    for step in range(1, steps + 1):
        values = {"epoch": 1.0 if step <= 10 else 2.0, "loss": 1 / step, "active": 0.5}
        course.add_progress(Progress("train", step, 20, "", values), now=100 + 2 * step)
    return course


@pytest.mark.parametrize(("size", "seconds"), [(None, 300.0), (224, 300.0), (112, 75.0), (448, 1200.0)])
def test_the_estimate_grows_with_pictures_epochs_and_area(size: int | None, seconds: float) -> None:
    assert estimate_seconds(TrainConfig(recipe="full", epochs=6, image_size=size), 1000, TWO) == pytest.approx(seconds)
    assert estimate_seconds(TrainConfig(recipe="full", epochs=12, image_size=size), 500, TWO) == pytest.approx(seconds)


def test_the_users_limit_bounds_the_estimate() -> None:
    assert estimate_seconds(TrainConfig(recipe="full", epochs=6, max_seconds=60), 1000, TWO) == 60


def test_the_estimate_says_how_it_was_made() -> None:
    assert explain_estimate(TrainConfig(recipe="thorough", image_size=112, epochs=6), 1000, TWO).startswith(
        "About 1 min: 1,000 pictures to learn from, 6 epochs, recipe full at 112 px, as measured on two cores."
    )
    assert "recipe tail at 224 px" in explain_estimate(TrainConfig(recipe="thorough", epochs=6), 2000, TWO)
    assert explain_estimate(TrainConfig(), 2000, TWO).startswith(
        "About 10 s, less where the library knows the 2,000 pictures"
    )


def test_losses_and_scores_are_kept_for_the_curves() -> None:
    course = running()
    assert [one.step for one in course.losses] == list(range(1, 11))
    assert course.losses[3].loss == 0.25
    assert [(one.epoch, one.head, one.backbone) for one in course.scores] == [(0, 0.2, 0.3)]
    assert (course.epoch, course.epochs, course.steps) == (1, 2, 20)


def test_a_network_without_a_head_has_one_score() -> None:
    course = TrainingProgress()
    course.add_progress(Progress("validate", 0, 2, "", {"map_at_r_backbone": 0.3}), now=0)
    assert course.scores[0].head is None


def test_the_time_left_is_that_of_the_measured_pace() -> None:
    assert running(10).seconds_left == pytest.approx(20)
    assert running(10).describe_status() == "Training, epoch 1 of 2  ·  at most 20 s left"


def test_validation_counts_into_the_pace() -> None:
    course = running(10)
    course.add_progress(Progress("validate", 1, 2, "", {"map_at_r_backbone": 0.3}), now=138)
    assert course.seconds_left == pytest.approx(10 * (138 - 102) / 9)


def test_nothing_is_said_of_the_time_before_there_is_a_pace() -> None:
    assert TrainingProgress().seconds_left is None
    assert running(1).seconds_left is None
    course = running(20)
    course.add_progress(Progress("test", 0, 9, "fine-tuned"), now=150)
    assert course.describe_status() == "Measuring on the test pictures  ·  fine-tuned"


def test_what_an_epoch_shows_is_told_until_the_next() -> None:
    course = running()
    assert course.epoch_signs == ""
    epoch = Epoch(1, 0.5, 0.31, 0.42, 1.234, ValidationScore(None, 0.6), 7.0, 0.876)
    course.add_progress(Progress("validate", 1, 2, "", epoch.progress_values()), now=140)
    course.add_progress(Progress("train", 11, 20, "", {"epoch": 2.0, "loss": 0.2}), now=141)
    assert course.epoch_signs == "After epoch 1: more than half is learnt."


def test_a_collapse_is_remembered() -> None:
    course = running()
    course.add_progress(Progress("validate", 1, 2, "The training collapsed.", {"map_at_r_backbone": 0.1}), now=140)
    course.add_progress(Progress("train", 11, 20, "", {"epoch": 2.0, "loss": 0.2}), now=141)
    assert course.warning == "The training collapsed."
