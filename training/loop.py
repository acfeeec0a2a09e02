"""A training from a labelled folder to a checkpoint with a verdict; reads top to bottom.

Train, validation and test never mix: the loss sees the training part, validation stops the training and chooses the
epoch and the embedding, the test part is opened by `verdict.py` alone. Nothing is written before the end.
"""

from pathlib import Path

from indexer.errors import LookalikeError
from indexer.network import tune_allocator
from indexer.progress import Progress, Steps
from training import checkpoint, pictures, verdict
from training.config import TrainConfig
from training.data import survey
from training.fit import fit
from training.learner import pretrained
from training.pictures import Part
from training.result import TrainResult
from training.split import Split
from training.split import split as divide


def train(config: TrainConfig, folder: Path, out: Path, split: Split | None = None) -> Steps[TrainResult]:
    """Fine-tune on a labelled folder and write a checkpoint to `out`; a Split given is taken instead of the folder's.

    LookalikeError where the folder lacks what it takes. Closed or killed before its end, it leaves nothing behind.
    """
    checkpoint.check_place(out)
    parts = split or divide((yield from survey(folder)).samples, config.purpose)
    tune_allocator()
    yield Progress("test", 0, len(parts.test), "the pretrained model")
    network = pretrained(config)
    baseline = yield from verdict.measure_before(parts.test, network)
    learn = yield from pictures.read(parts.train, network.preprocessing)
    choose = yield from pictures.read(parts.validation, network.preprocessing)
    _check_classes(learn.part)
    fitted = yield from fit(config, network, learn.part, choose.part)
    judged = yield from verdict.judge(baseline, fitted.network)
    used = Split(learn.part.samples, choose.part.samples, baseline.samples)
    unreadable = learn.unreadable + choose.unreadable + baseline.unreadable
    result = TrainResult(out, folder, config, fitted, baseline, judged, used, unreadable)
    yield Progress("save", 0, 1)
    checkpoint.save(fitted.network, out, seen=used.train + used.validation, source=result.source, story=result.fields())
    yield Progress("save", 1, 1)
    return result


def _check_classes(learn: Part) -> None:
    if len({sample.label for sample in learn.samples}) < 2:
        raise LookalikeError("The pictures of all classes but one cannot be read, so there is nothing to learn.")
