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
from training.data.labelled_folders import require_usable, survey, survey_unlabelled
from training.data.pictures import Part
from training.data.sources import Labels, Source, from_library
from training.data.split import Split, without_classes
from training.data.split import split as divide
from training.fitting.fit import asked, fit
from training.fitting.learner import device, pretrained
from training.fitting.recipes import RECIPES, Photos, here, settle
from training.fitting.resume import Keeper, begin
from training.judging import checkpoint, model_card, thresholds, verdict
from training.judging import report_data as insight
from training.judging.result import TrainResult
from training.settings.config import TrainConfig


def train(
    config: TrainConfig, source: Source, out: Path, split: Split | None = None, *, resume: bool = False
) -> Steps[TrainResult]:
    """Fine-tune on a labelled folder, or on the labels of a library, and write a checkpoint to `out`.

    A Split given is taken instead of the source's.
    LookalikeError where the source lacks what it takes. Closed before its end, it leaves nothing behind; interrupted or
    killed, one file from which `resume` goes on.
    """
    out = out.resolve()  # "." and ".." name no folder to put in place
    keeper = begin(out, config, resume=resume)
    checkpoint.check_place(out)
    try:
        return (yield from _train(keeper, source, out, split))
    except GeneratorExit:
        keeper.discard()
        raise
    except BaseException:
        keeper.tidy()
        raise


def _train(keeper: Keeper, source: Source, out: Path, split: Split | None) -> Steps[TrainResult]:
    parts = split or (yield from _divided(source, keeper.config))
    tune_allocator()
    keeper.settled = keeper.settled or settle(keeper.config, parts, here())
    config, why = keeper.settled
    yield Progress("recipe", 1, 1, why)
    yield Progress("test", 0, len(parts.test), "the pretrained model")
    network = pretrained(config)
    baseline = yield from verdict.measure_before(parts.test, network)
    learn = yield from pictures.read(parts.train, network.preprocessing)
    choose = yield from pictures.read(parts.validation, network.preprocessing)
    require_usable(parts.train, learn.part.samples, "learn from")
    require_usable(parts.validation, choose.part.samples, "choose by")
    _check_classes(learn.part)
    used = Split(learn.part.samples, choose.part.samples, baseline.samples)
    keeper.belongs_to(used.train + used.validation)
    network.to(device())  # judging the start may have left parts of it on the processor
    material = yield from RECIPES[config.recipe](config, network, Photos(learn.part, choose.part, out))
    fitted = yield from fit(config, network, asked(used.train, used.validation), material, keeper)
    judged = verdict.keep(baseline) if fitted.best.epoch == 0 else (yield from verdict.judge(baseline, fitted.network))
    measured = yield from thresholds.measure(fitted.network, used, judged.after.vectors)
    unreadable = learn.unreadable + choose.unreadable + baseline.unreadable
    result = TrainResult(out, source, config, why, fitted, baseline, judged, measured, used, unreadable)
    yield Progress("save", 0, 1)
    checkpoint.save(
        fitted.network,
        out,
        seen=used.train + used.validation,
        source=result.source,
        story=result.fields(),
        calibration=measured.card if measured else None,
        beside=_beside(result),
    )
    yield Progress("save", 1, 1)
    return result


def _beside(result: TrainResult) -> dict[str, str]:
    """Files that go with a checkpoint: what a report needs of the test part, and a card for people."""
    baseline, judged = result.baseline, result.verdict
    measured = result.thresholds.calibration if result.thresholds else None
    seen = insight.of_test(baseline.samples, baseline.labels, judged.before, judged.after, measured)
    return {
        insight.INSIGHT_FILE: json.dumps(seen.fields()) + "\n",
        model_card.MODEL_CARD_FILE: model_card.text(result.fields()),
    }


def _divided(source: Source, config: TrainConfig) -> Steps[Split]:
    """The source's parts; of a folder without classes, where the recipe can do without."""
    if isinstance(source, Labels):
        return from_library(source, config.purpose, config.recipe)
    found = yield from survey(source)
    if not found.samples and config.recipe in ("auto", "unlabelled"):
        samples = yield from survey_unlabelled(source)
        return without_classes(samples)
    return divide(found.samples, config.purpose)


def _check_classes(learn: Part) -> None:
    if len({sample.label for sample in learn.samples}) < 2:
        raise LookalikeError("The pictures of all classes but one cannot be read, so there is nothing to learn.")
