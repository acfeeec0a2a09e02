"""A training that takes seconds, run with a record of the progress that it reports."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from indexer.progress import Progress, drain
from tests.support.labelled_shapes import write_classes
from training import train
from training.data.labelled_folders import survey_folder
from training.data.pictures import read_pictures
from training.data.sources import TrainingSource
from training.fitting.learner import create_start_network
from training.fitting.recipes import TrainingPhotos
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


def read_training_photos(folder: Path, config: TrainConfig, each: int) -> TrainingPhotos:
    """Six classes of `each` shapes below the folder, half of them to learn from and half to choose by."""
    samples = drain(survey_folder(write_classes(folder / "shapes", 6, each))).samples
    preprocessing = create_start_network(config).preprocessing
    learn, choose = (drain(read_pictures(part, preprocessing)).part for part in (samples[::2], samples[1::2]))
    return TrainingPhotos(learn, choose, folder / "out")
