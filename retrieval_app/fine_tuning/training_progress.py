"""The course of a training as the window knows it: what it has said so far, and how long it still takes. No Qt."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from indexer.progress import Progress
from retrieval_app.wording import format_count, format_duration
from training.settings.config import TrainConfig
from training.settings.cost import THIS_MACHINE, TrainingMachine, choose_recipe, estimate_training_seconds

DEFAULT_SIDE = 224  # of the default network
STAGE_NAMES = {
    "start": "Starting",
    "scan": "Reading the folder",
    "recipe": "Choosing the recipe",
    "cache": "Looking at each picture once",
    "decode": "Reading the pictures",
    "test": "Measuring on the test pictures",
    "train": "Training",
    "validate": "Checking on the validation pictures",
    "save": "Writing the new model",
}


def estimate_seconds(config: TrainConfig, pictures: int, machine: TrainingMachine = THIS_MACHINE) -> float:
    """Seconds that a training on so many labelled pictures takes."""
    return estimate_training_seconds(config, pictures, machine)


def explain_estimate(config: TrainConfig, pictures: int, machine: TrainingMachine = THIS_MACHINE) -> str:
    """The estimate with how it was made."""
    recipe = choose_recipe(config, pictures, machine, labelled=True).recipe
    return (
        f"About {format_duration(estimate_seconds(config, pictures, machine))}: {format_count(pictures, 'picture')} "
        "to learn "
        f"from, {format_count(config.epochs, 'epoch')}, recipe {recipe} at {config.image_size or DEFAULT_SIDE} px, as "
        "measured on two cores. Once it runs, the measured pace counts."
    )


class LossPoint(NamedTuple):
    """The loss of one step."""

    step: int
    loss: float


class ScorePoint(NamedTuple):
    """Validation MAP@R after an epoch of both embeddings; head is None where the network has none."""

    epoch: int
    head: float | None
    backbone: float


class TrainingProgress:
    """What a training has said so far."""

    def __init__(self) -> None:
        self.latest_progress = Progress("start", 0, 0)
        self.losses: list[LossPoint] = []
        self.scores: list[ScorePoint] = []
        self.steps = 0  # in all epochs, known from the first step on
        self.epoch = 0  # at work; 0 before the first one
        self.epochs = 0
        self.warning = ""  # that it collapsed, or ends early
        self.epoch_signs = ""  # of how the last epoch went
        self.stopping = False
        self._first_step: tuple[float, int] | None = None
        self._now = 0.0

    def add_progress(self, progress: Progress, now: float | None = None) -> None:
        """Take one progress at the time `now` in seconds of time.monotonic."""
        self.latest_progress = progress
        self._now = time.monotonic() if now is None else now
        if progress.stage == "train" and "loss" in progress.values:
            self.steps, self.epoch = progress.total, int(progress.values["epoch"])
            self.losses.append(LossPoint(progress.done, progress.values["loss"]))
            self._first_step = self._first_step or (self._now, progress.done)
        elif progress.stage == "validate" and "map_at_r_backbone" in progress.values:
            values = progress.values
            self.epochs = progress.total
            self.scores.append(ScorePoint(progress.done, values.get("map_at_r_head"), values["map_at_r_backbone"]))
            self.warning = progress.note or self.warning
            self.epoch_signs = _describe_signs(values) or self.epoch_signs

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the last step at the pace so far, validation included; None before there is a pace."""
        if self._first_step is None or self.latest_progress.stage not in ("train", "validate"):
            return None
        start, first = self._first_step
        last = self.losses[-1].step
        return (self.steps - last) * (self._now - start) / (last - first) if last > first else None

    def describe_status(self) -> str:
        """How it is doing: 'Training, epoch 2 of 6  ·  at most 2 min left'."""
        if self.stopping:
            return "Stopping…"
        parts = [STAGE_NAMES.get(self.latest_progress.stage, self.latest_progress.stage.capitalize())]
        if self.latest_progress.stage == "train" and self.epochs:
            parts[0] += f", epoch {self.epoch} of {self.epochs}"
        elif self.latest_progress.stage in ("decode", "scan") and self.latest_progress.total:
            parts[0] += f", {self.latest_progress.done:,} of {self.latest_progress.total:,}"
        elif self.latest_progress.stage == "test" and self.latest_progress.note:
            parts.append(self.latest_progress.note)
        if self.seconds_left is not None:
            parts.append(f"at most {format_duration(self.seconds_left)} left")
        return "  ·  ".join(parts)


def _describe_signs(values: Mapping[str, float]) -> str:
    """What an epoch shows of whether it goes well; "" before the first one."""
    if "active" not in values:
        return ""
    return (
        f"Epoch {values['epoch']:.0f}: matches {values['positive_distance']:.2f} apart and mismatches "
        f"{values['negative_distance']:.2f}; {values['active']:.1%} of the pairs or triplets still taught something; "
        f"spread of the embeddings {values['spread']:.2f}."
    )
