"""The progress of a training as its child process reports it, and how much time is left. No Qt."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.wording import format_count, format_duration
from training.settings.config import TrainConfig
from training.settings.cost import THIS_MACHINE, TrainingMachine, choose_recipe, estimate_training_seconds

DEFAULT_SIDE = 224  # of the default network
NEARLY_LEARNT, HALF_LEARNT = 0.1, 0.5  # shares of the pairs or triplets that still teach something
STAGE_NAMES = {
    "start": tr("Starting"),
    "scan": tr("Reading the folder"),
    "group": tr("Looking for bursts and near copies"),
    "recipe": tr("Choosing the recipe"),
    "cache": tr("Looking at each picture once"),
    "decode": tr("Reading the pictures"),
    "test": tr("Measuring on the test pictures"),
    "train": tr("Training"),
    "validate": tr("Checking on the validation pictures"),
    "save": tr("Writing the new model"),
}


def estimate_seconds(config: TrainConfig, pictures: int, machine: TrainingMachine = THIS_MACHINE) -> float:
    """How many seconds a training on this number of labelled pictures takes, by the measured costs of a machine."""
    return estimate_training_seconds(config, pictures, machine)


def explain_estimate(config: TrainConfig, pictures: int, machine: TrainingMachine = THIS_MACHINE) -> str:
    """The estimated duration in a sentence, with the settings that it rests on."""
    duration = format_duration(estimate_seconds(config, pictures, machine))
    if config.recipe in ("auto", "instant"):
        return tr(
            "About {duration}, less where the library knows the {pictures}: a map is fitted on "
            "all, and judged on each while it is left out.",
            duration=duration,
            pictures=format_count(pictures, "picture"),
        )
    recipe = choose_recipe(config, pictures, machine, labelled=True).recipe
    return tr(
        "About {duration}: {pictures} to learn from, {epochs}, recipe {recipe} at {image_size} "
        "px, as measured on two cores. Once it runs, the measured pace counts.",
        duration=duration,
        pictures=format_count(pictures, "picture"),
        epochs=format_count(config.epochs, "epoch"),
        recipe=recipe,
        image_size=config.image_size or DEFAULT_SIDE,
    )


class LossPoint(NamedTuple):
    """The loss of one step."""

    step: int
    loss: float


class ScorePoint(NamedTuple):
    """Validation MAP@R of both embeddings after an epoch; `head` is None where the network has no head."""

    epoch: int
    head: float | None
    backbone: float


class TrainingProgress:
    """All that a training has reported so far."""

    def __init__(self) -> None:
        self.latest_progress = Progress("start", 0, 0)
        self.losses: list[LossPoint] = []
        self.scores: list[ScorePoint] = []
        self.steps = 0  # in all epochs, known from the first step on
        self.epoch = 0  # the current one; 0 before the first
        self.epochs = 0
        self.warning = ""  # that it collapsed, or ends early
        self.epoch_signs = ""  # what the last epoch shows of whether the training goes well
        self.stopping = False
        self._first_step: tuple[float, int] | None = None
        self._now = 0.0

    def add_progress(self, progress: Progress, now: float | None = None) -> None:
        """Add one report of the child; `now` is its time in seconds of time.monotonic."""
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
        """Seconds to the last step at the pace so far, validation included; None before two steps are done."""
        if self._first_step is None or self.latest_progress.stage not in ("train", "validate"):
            return None
        start, first = self._first_step
        last = self.losses[-1].step
        return (self.steps - last) * (self._now - start) / (last - first) if last > first else None

    def describe_status(self) -> str:
        """The stage and the time left in words: 'Training, epoch 2 of 6  ·  at most 2 min left'."""
        if self.stopping:
            return tr("Stopping…")
        parts = [STAGE_NAMES.get(self.latest_progress.stage, self.latest_progress.stage.capitalize())]
        if self.latest_progress.stage == "train" and self.epochs:
            parts[0] += tr(", epoch {epoch} of {epochs}", epoch=self.epoch, epochs=self.epochs)
        elif self.latest_progress.stage in ("decode", "scan") and self.latest_progress.total:
            parts[0] += tr(", {done:,} of {total:,}", done=self.latest_progress.done, total=self.latest_progress.total)
        elif self.latest_progress.stage == "test" and self.latest_progress.note:
            parts.append(self.latest_progress.note)
        if self.seconds_left is not None:
            parts.append(tr("at most {seconds_left} left", seconds_left=format_duration(self.seconds_left)))
        return "  ·  ".join(parts)


def _describe_signs(values: Mapping[str, float]) -> str:
    """How much there is still to learn after an epoch, in a sentence; "" where that is not reported."""
    if "active" not in values:
        return ""
    return tr("After epoch {epoch:.0f}: {rest}", epoch=values["epoch"], rest=_describe_rest(values["active"]))


def _describe_rest(active: float) -> str:
    """What is still to be learnt, by the share (0 to 1) of pairs or triplets that still taught something."""
    if active < NEARLY_LEARNT:
        return tr("nearly everything is learnt; it will stop soon.")
    return tr("more than half is learnt.") if active < HALF_LEARNT else tr("most is still to be learnt.")
