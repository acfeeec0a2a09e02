"""A whole training, from a labelled folder or a library to a checkpoint with a verdict: a closed form, or steps.

The closed form needs no torch, so what takes steps is imported only where steps are taken.
"""

from pathlib import Path
from typing import NamedTuple

from indexer.grouping.group_column import read_group_column
from indexer.photos.class_folders import describe_layout
from indexer.progress import Steps
from training.data.given_parts import describe_joining, require_teachable
from training.data.labelled_folders import PhotoSample, survey_folder
from training.data.sources import LibraryLabels, TrainingSource, find_group_folders, read_library_samples
from training.data.split import DataSplit, require_classes
from training.instant_run import teach_instantly
from training.judging.checkpoint import check_output_folder, remove_empty_folders
from training.judging.result import TrainResult
from training.settings.config import TrainConfig


def run_training(
    config: TrainConfig,
    source: TrainingSource,
    out: Path,
    split: DataSplit | None = None,
    *,
    resume: bool = False,
    groups_file: Path | None = None,
) -> Steps[TrainResult]:
    """Train on labelled photos, judge the network and write a checkpoint, in steps, as `training.train` describes."""
    column = read_group_column(groups_file, *find_group_folders(source)) if groups_file else {}
    out = out.resolve()  # "." and ".." name no folder that could be replaced
    if split is None and not resume and config.recipe in ("auto", "instant"):
        check_output_folder(out)
        found = yield from _find_teachable_samples(source, config)
        if found.samples:
            with remove_empty_folders(out):
                remarks = found.remarks
                return (yield from teach_instantly(config, source, found.samples, out, remarks=remarks, column=column))
    from training.stepped_run import train_by_steps  # noqa: PLC0415  # brings torch

    steps = train_by_steps(config, source, out, split, resume=resume, groups_file=groups_file, column=column)
    return (yield from steps)


class _TeachableSamples(NamedTuple):
    """All labelled photos of a source, and sentences on how it was read."""

    samples: tuple[PhotoSample, ...]
    remarks: tuple[str, ...]


def _find_teachable_samples(source: TrainingSource, config: TrainConfig) -> Steps[_TeachableSamples]:
    """All labelled photos of a source; none where it has no classes, which only the recipe auto allows."""
    if isinstance(source, LibraryLabels):
        found = _TeachableSamples(read_library_samples(source).labelled, ())
    else:
        folder = yield from survey_folder(source, config.class_level)
        require_teachable(folder)
        found = _TeachableSamples(folder.samples, (*describe_joining(folder), *describe_layout(folder.layout)))
    if found.samples or config.recipe == "instant":
        require_classes(sample.label for sample in found.samples)
    return found
