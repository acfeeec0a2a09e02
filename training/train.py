"""A training from a labelled folder to a checkpoint with a verdict; reads top to bottom.

Train, validation and test never mix: the loss sees the training part, validation stops the training and chooses the
epoch and the embedding, the test part is opened by `verdict.py` alone. Nothing is written before the end but what it
takes to go on after a kill.
"""

import json
from pathlib import Path

from indexer.errors import LookalikeError
from indexer.models.network import tune_allocator
from indexer.progress import Progress, Steps
from training.data import pictures
from training.data.labelled_folders import require_usable, survey_folder, survey_unlabelled
from training.data.pictures import PicturePart
from training.data.sources import LibraryLabels, TrainingSource, split_library
from training.data.split import DataSplit, split_without_classes
from training.data.split import split_samples as divide
from training.fitting.fit import fit_network, select_queries
from training.fitting.learner import choose_device, create_pretrained
from training.fitting.recipes import RECIPES, TrainingPhotos, choose_recipe_settings, detect_machine
from training.fitting.resume import ResumeFile, open_resume_file
from training.judging import checkpoint, model_card, thresholds, verdict
from training.judging.report_data import REPORT_DATA_FILE, collect_report_data
from training.judging.result import TrainResult
from training.settings.config import TrainConfig


def train(
    config: TrainConfig, source: TrainingSource, out: Path, split: DataSplit | None = None, *, resume: bool = False
) -> Steps[TrainResult]:
    """Fine-tune on a labelled folder, or on the labels of a library, and write a checkpoint to `out`.

    A Split given is taken instead of the source's.
    LookalikeError where the source lacks what it takes. Closed before its end, it leaves nothing behind; interrupted or
    killed, one file from which `resume` goes on.
    """
    out = out.resolve()  # "." and ".." name no folder to put in place
    resume_file = open_resume_file(out, config, resume=resume)
    checkpoint.check_output_folder(out)
    try:
        return (yield from _run_training(resume_file, source, out, split))
    except GeneratorExit:
        resume_file.discard_state()
        raise
    except BaseException:
        resume_file.remove_leftovers()
        raise


def _run_training(
    resume_file: ResumeFile, source: TrainingSource, out: Path, split: DataSplit | None
) -> Steps[TrainResult]:
    parts = split or (yield from _split_source(source, resume_file.config))
    tune_allocator()
    resume_file.settled = resume_file.settled or choose_recipe_settings(resume_file.config, parts, detect_machine())
    config, why = resume_file.settled
    yield Progress("recipe", 1, 1, why)
    yield Progress("test", 0, len(parts.test), "the pretrained model")
    network = create_pretrained(config)
    baseline = yield from verdict.measure_baseline(parts.test, network)
    train_pictures = yield from pictures.read_pictures(parts.train, network.preprocessing)
    validation_pictures = yield from pictures.read_pictures(parts.validation, network.preprocessing)
    require_usable(parts.train, train_pictures.part.samples, "learn from")
    require_usable(parts.validation, validation_pictures.part.samples, "choose by")
    _check_classes(train_pictures.part)
    used_parts = DataSplit(train_pictures.part.samples, validation_pictures.part.samples, baseline.samples)
    resume_file.bind_photos(used_parts.train + used_parts.validation)
    network.to(choose_device())  # judging the start may have left parts of it on the processor
    feature_source = yield from RECIPES[config.recipe](
        config, network, TrainingPhotos(train_pictures.part, validation_pictures.part, out)
    )
    fitted = yield from fit_network(
        config, network, select_queries(used_parts.train, used_parts.validation), feature_source, resume_file
    )
    judged = (
        verdict.keep_pretrained(baseline)
        if fitted.best.epoch == 0
        else (yield from verdict.judge_network(baseline, fitted.network))
    )
    measured_thresholds = yield from thresholds.measure_thresholds(fitted.network, used_parts, judged.after.vectors)
    unreadable = train_pictures.unreadable + validation_pictures.unreadable + baseline.unreadable
    result = TrainResult(
        out, source, config, why, fitted, baseline, judged, measured_thresholds, used_parts, unreadable
    )
    yield Progress("save", 0, 1)
    checkpoint.save_checkpoint(
        fitted.network,
        out,
        used_samples=used_parts.train + used_parts.validation,
        source=result.source,
        story=result.fields(),
        calibration=measured_thresholds.card_fields if measured_thresholds else None,
        extra_files=_make_report_files(result),
    )
    yield Progress("save", 1, 1)
    return result


def _make_report_files(result: TrainResult) -> dict[str, str]:
    """Files that go with a checkpoint: what a report needs of the test part, and a card for people."""
    baseline, judged = result.baseline, result.verdict
    calibration = result.thresholds.calibration if result.thresholds else None
    test_report = collect_report_data(baseline.samples, baseline.labels, judged.before, judged.after, calibration)
    return {
        REPORT_DATA_FILE: json.dumps(test_report.fields()) + "\n",
        model_card.MODEL_CARD_FILE: model_card.render_model_card(result.fields()),
    }


def _split_source(source: TrainingSource, config: TrainConfig) -> Steps[DataSplit]:
    """The source's parts; of a folder without classes, where the recipe can do without."""
    if isinstance(source, LibraryLabels):
        return split_library(source, config.purpose, config.recipe)
    found = yield from survey_folder(source)
    if not found.samples and config.recipe in ("auto", "unlabelled"):
        samples = yield from survey_unlabelled(source)
        return split_without_classes(samples)
    return divide(found.samples, config.purpose)


def _check_classes(train_part: PicturePart) -> None:
    if len({sample.label for sample in train_part.samples}) < 2:
        raise LookalikeError("The pictures of all classes but one cannot be read, so there is nothing to learn.")
