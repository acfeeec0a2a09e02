"""The course of a training as the window knows it: what it has said so far, and how long it still takes. No Qt."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from indexer.progress import Progress
from retrieval_app import wording as words
from training.settings import cost as pace
from training.settings.config import TrainConfig
from training.settings.cost import HERE, Machine

USUAL_SIDE = 224  # of the default network
TOLD = {
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


def estimate(config: TrainConfig, pictures: int, machine: Machine = HERE) -> float:
    """Seconds that a training on so many labelled pictures takes."""
    return pace.seconds(config, pictures, machine)


def explained(config: TrainConfig, pictures: int, machine: Machine = HERE) -> str:
    """The estimate with how it was made."""
    recipe = pace.choose(config, pictures, machine, labelled=True).recipe
    return (
        f"About {words.duration(estimate(config, pictures, machine))}: {words.count(pictures, 'picture')} to learn "
        f"from, {words.count(config.epochs, 'epoch')}, recipe {recipe} at {config.image_size or USUAL_SIDE} px, as "
        "measured on two cores. Once it runs, the measured pace counts."
    )


class Loss(NamedTuple):
    """The loss of one step."""

    step: int
    loss: float


class Score(NamedTuple):
    """Validation MAP@R after an epoch of both embeddings; head is None where the network has none."""

    epoch: int
    head: float | None
    backbone: float


class Course:
    """What a training has said so far."""

    def __init__(self) -> None:
        self.progress = Progress("start", 0, 0)
        self.losses: list[Loss] = []
        self.scores: list[Score] = []
        self.steps = 0  # in all epochs, known from the first step on
        self.epoch = 0  # at work; 0 before the first one
        self.epochs = 0
        self.warning = ""  # that it collapsed, or ends early
        self.signs = ""  # of how the last epoch went
        self.stopping = False
        self._began: tuple[float, int] | None = None
        self._now = 0.0

    def take(self, progress: Progress, now: float | None = None) -> None:
        """Take one progress at the time `now` in seconds of time.monotonic."""
        self.progress = progress
        self._now = time.monotonic() if now is None else now
        if progress.stage == "train" and "loss" in progress.values:
            self.steps, self.epoch = progress.total, int(progress.values["epoch"])
            self.losses.append(Loss(progress.done, progress.values["loss"]))
            self._began = self._began or (self._now, progress.done)
        elif progress.stage == "validate" and "map_at_r_backbone" in progress.values:
            values = progress.values
            self.epochs = progress.total
            self.scores.append(Score(progress.done, values.get("map_at_r_head"), values["map_at_r_backbone"]))
            self.warning = progress.note or self.warning
            self.signs = _signs(values) or self.signs

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the last step at the pace so far, validation included; None before there is a pace."""
        if self._began is None or self.progress.stage not in ("train", "validate"):
            return None
        start, first = self._began
        last = self.losses[-1].step
        return (self.steps - last) * (self._now - start) / (last - first) if last > first else None

    def told(self) -> str:
        """How it is doing: 'Training, epoch 2 of 6  ·  at most 2 min left'."""
        if self.stopping:
            return "Stopping…"
        parts = [TOLD.get(self.progress.stage, self.progress.stage.capitalize())]
        if self.progress.stage == "train" and self.epochs:
            parts[0] += f", epoch {self.epoch} of {self.epochs}"
        elif self.progress.stage in ("decode", "scan") and self.progress.total:
            parts[0] += f", {self.progress.done:,} of {self.progress.total:,}"
        elif self.progress.stage == "test" and self.progress.note:
            parts.append(self.progress.note)
        if self.seconds_left is not None:
            parts.append(f"at most {words.duration(self.seconds_left)} left")
        return "  ·  ".join(parts)


def _signs(values: Mapping[str, float]) -> str:
    """What an epoch shows of whether it goes well; "" before the first one."""
    if "active" not in values:
        return ""
    return (
        f"Epoch {values['epoch']:.0f}: matches {values['positive_distance']:.2f} apart and mismatches "
        f"{values['negative_distance']:.2f}; {values['active']:.1%} of the pairs or triplets still taught something; "
        f"spread of the embeddings {values['spread']:.2f}."
    )
