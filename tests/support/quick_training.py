"""A training that takes seconds, run with a record of the progress that it reports."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from indexer.progress import Progress
from training import train
from training.data.sources import TrainingSource
from training.judging.result import TrainResult
from training.settings.config import TrainConfig

TINY = TrainConfig(recipe="quick", image_size=32, dim=8, least_steps=0, classes_per_batch=6, photos_per_class=4)
QUICK = replace(TINY, recipe="thorough", dim=24, epochs=2, learning_rate=5e-4, head_refit="never")


class Trained(NamedTuple):
    """The result of a training, and its progress in order."""

    result: TrainResult
    said: list[Progress]


def run_to_end(config: TrainConfig, source: TrainingSource, out: Path, groups_file: Path | None = None) -> Trained:
    """Train to the end."""
    steps = train(config, source, out, groups_file=groups_file)
    reports: list[Progress] = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as stop:
            return Trained(stop.value, reports)
