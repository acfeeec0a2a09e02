"""A training of steps, from a divided source to a checkpoint with a verdict; reads top to bottom. It brings torch.

Training, validation and test part share no photo: the loss sees the training part, validation stops the training and
chooses the epoch and the embedding, the test part is opened by `judging/verdict.py` alone. Until the checkpoint is
written, the disk holds nothing of a training but the file from which it can be resumed.
"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from indexer.errors import LookalikeError
from indexer.grouping.photo_groups import summarise_groups
from indexer.models.card import REPORT_DATA_FILE, Preprocessing
from indexer.models.network import EmbeddingNetwork, tune_allocator, write_checkpoint
from indexer.photos.class_folders import describe_layout
from indexer.progress import Progress, Steps
from indexer.wording import tr
from training.data import pictures
from training.data.given_parts import divide_folder
from training.data.groups import group_photos, map_groups
from training.data.labelled_folders import (
    UnreadableFile,
    join_tracks,
    require_usable,
    survey_folder,
    survey_unlabelled,
)
from training.data.pictures import PicturePart
from training.data.sources import (
    LibraryLabels,
    TrainingSource,
    divide_library,
    format_source_arguments,
    learns_from_unlabelled,
    read_library_samples,
)
from training.data.split import DataSplit, split_without_classes
from training.fitting.fit import fit_network
from training.fitting.history import FitResult
from training.fitting.learner import choose_device, create_start_network
from training.fitting.recipes import (
    RECIPES,
    RecipeSettings,
    TrainingPhotos,
    choose_recipe_settings,
    detect_machine,
)
from training.fitting.resume import ResumeFile, open_resume_file
from training.fitting.validation import select_queries
from training.judging import checkpoint, model_card, thresholds, verdict
from training.judging.judged_models import BaselineResult, TrainingVerdict
from training.judging.record import parse_record
from training.judging.report_data import collect_report_data
from training.judging.result import TrainResult
from training.settings.config import TrainConfig


def train_by_steps(
    config: TrainConfig,
    source: TrainingSource,
    out: Path,
    split: DataSplit | None,
    *,
    resume: bool,
    groups_file: Path | None,
    column: Mapping[bytes, str],
) -> Steps[TrainResult]:
    """Train, judge and write a checkpoint to `out`, an absolute path; `column` gives a group to files by absolute path.

    A `split` given is used instead of the source's own; with `resume` the training that was cut off goes on.
    """
    resume_file = open_resume_file(out, config, resume=resume)
    groups_option = [f"--groups={groups_file.absolute()}"] if groups_file else []
    resume_file.source_arguments = [*format_source_arguments(source), *groups_option]
    checkpoint.check_output_folder(out)
    try:
        divided = _DividedSource(split, (), {}) if split else (yield from _divide_source(source, config, column))
        return (yield from _train_to_checkpoint(resume_file, source, out, divided))
    except GeneratorExit:
        resume_file.discard_state()
        raise
    except BaseException:
        resume_file.remove_leftovers()
        raise


def _train_to_checkpoint(
    resume_file: ResumeFile, source: TrainingSource, out: Path, divided: "_DividedSource"
) -> Steps[TrainResult]:
    parts, remarks, groups = divided
    tune_allocator()
    config, why = yield from _choose_recipe(resume_file, parts)
    yield Progress("test", 0, len(parts.test), tr("the pretrained model"))
    network = create_start_network(config)
    baseline = yield from verdict.measure_baseline(parts.test, network, groups)
    read = yield from _read_parts(parts, network.preprocessing)
    used_parts = DataSplit(read.train.samples, read.validation.samples, baseline.samples)
    resume_file.bind_photos(used_parts.train + used_parts.validation)
    network.to(choose_device())  # measuring the baseline may have left parts of it on the processor
    photos = TrainingPhotos(read.train, read.validation, out)
    feature_source = yield from RECIPES[config.recipe](config, network, photos)
    query_mask = select_queries(used_parts.train, used_parts.validation)
    fitted = yield from fit_network(config, network, query_mask, feature_source, resume_file)
    judged = yield from _judge_fit(baseline, fitted, config.purpose)
    embedder = verdict.wrap_network(fitted.network, "fine-tuned")
    measured = yield from thresholds.measure_thresholds(embedder, used_parts, judged.after.vectors, groups)
    unreadable = read.unreadable + baseline.unreadable
    result = TrainResult(out, source, config, why, fitted, baseline, judged, measured, used_parts, unreadable, remarks)
    yield from _save_result(result, fitted.network)
    return result


class _DividedSource(NamedTuple):
    """The three parts of a source, sentences on how they were made, and the group of each photo by content hash."""

    parts: DataSplit
    remarks: tuple[str, ...]
    groups: Mapping[bytes, int]


def _divide_source(source: TrainingSource, config: TrainConfig, column: Mapping[bytes, str]) -> Steps[_DividedSource]:
    """The parts of a source, no group parted; of a folder without classes only where the recipe needs none."""
    if isinstance(source, LibraryLabels):
        found = read_library_samples(source)
        taking_part = found.labelled + (found.unlabelled if learns_from_unlabelled(found, config.recipe) else ())
        grouped = yield from group_photos(taking_part, column=column)
        groups = map_groups(taking_part, grouped)
        remarks: tuple[str, ...] = (summarise_groups(grouped),) if taking_part else ()
        return _DividedSource(divide_library(found, config.purpose, config.recipe, groups), remarks, groups)
    folder = yield from survey_folder(source, config.class_level)
    if not folder.samples and config.recipe in ("auto", "unlabelled"):
        samples = yield from survey_unlabelled(source)
        grouped = yield from group_photos(samples, column=column)
        groups = map_groups(samples, grouped)
        split = split_without_classes(join_tracks(samples, groups))
        return _DividedSource(split, (summarise_groups(grouped),), groups)
    grouped = yield from group_photos(folder.samples, column=column)
    groups = map_groups(folder.samples, grouped)
    divided = divide_folder(folder, config.purpose, groups)
    remarks = (*divided.remarks, *describe_layout(folder.layout), summarise_groups(grouped))
    return _DividedSource(divided.split, remarks, groups)


def _choose_recipe(resume_file: ResumeFile, parts: DataSplit) -> Steps[RecipeSettings]:
    """The settings with a recipe chosen: those of the training that is resumed, else those for this computer."""
    if resume_file.recipe_settings is None:
        resume_file.recipe_settings = choose_recipe_settings(resume_file.config, parts, detect_machine())
    yield Progress("recipe", 1, 1, resume_file.recipe_settings.why)
    return resume_file.recipe_settings


class _ReadParts(NamedTuple):
    """The pictures to learn from and to choose by, and the files that could not be read."""

    train: PicturePart
    validation: PicturePart
    unreadable: tuple[UnreadableFile, ...]


def _read_parts(parts: DataSplit, preprocessing: Preprocessing) -> Steps[_ReadParts]:
    """Decode the training and the validation part; LookalikeError where too little of one can be read."""
    train, train_unreadable = yield from pictures.read_pictures(parts.train, preprocessing)
    validation, validation_unreadable = yield from pictures.read_pictures(parts.validation, preprocessing)
    require_usable(parts.train, train.samples, "learn from")
    require_usable(parts.validation, validation.samples, "choose by")
    if len({sample.label for sample in train.samples}) < 2:
        raise LookalikeError("The pictures of all classes but one cannot be read, so there is nothing to learn.")
    return _ReadParts(train, validation, train_unreadable + validation_unreadable)


def _judge_fit(baseline: BaselineResult, fitted: FitResult[EmbeddingNetwork], purpose: str) -> Steps[TrainingVerdict]:
    """The verdict on the test part; where nothing was better than the pretrained model, that against itself."""
    if not fitted.best.changes_model:
        return verdict.keep_pretrained(baseline, purpose)
    return (yield from verdict.judge_network(baseline, fitted.network, purpose))


def _save_result(result: TrainResult, network: EmbeddingNetwork) -> Steps[None]:
    yield Progress("save", 0, 1)
    checkpoint.save_checkpoint(
        partial(write_checkpoint, network),
        result.checkpoint,
        used_samples=result.parts.train + result.parts.validation,
        source=result.source,
        story=result.fields(),
        calibration=result.thresholds.card_fields if result.thresholds else None,
        extra_files=_make_report_files(result),
    )
    yield Progress("save", 1, 1)


def _make_report_files(result: TrainResult) -> dict[str, str]:
    """The texts beside a checkpoint, by file name: what a report needs of the test part, and a card for people."""
    baseline, judged = result.baseline, result.verdict
    calibration = result.thresholds.calibration if result.thresholds else None
    test_report = collect_report_data(
        baseline.samples, baseline.labels, judged.before, judged.after, calibration, groups=baseline.groups
    )
    return {
        REPORT_DATA_FILE: json.dumps(test_report.fields()) + "\n",
        model_card.MODEL_CARD_FILE: model_card.render_model_card(parse_record(result.fields())),
    }
