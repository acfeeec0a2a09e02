"""Fine-tuning as one object, without widgets: what to learn from, the training at work, what came of it."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from indexer.progress import Progress, Steps
from indexer.ranking.filter_options import options
from retrieval_app.fine_tuning.outcome import Outcome, read_outcome
from retrieval_app.fine_tuning.training_progress import Course
from retrieval_app.workers.child_process import Job, JobEnd
from retrieval_app.workers.generator_thread import Background
from training.data.labelled_folders import Labelled, Sample, survey
from training.data.sources import Labels, Source, held
from training.data.split import split
from training.data.summary import Summary, summarise, summarise_library
from training.settings.choices import PURPOSES
from training.settings.config import TrainConfig, fields_of

TELL_SECONDS = 0.1  # between two reports on reading a folder
STORY = ("model.json", "model.safetensors", "training.json", "insight.json", "MODEL.md", "report.html")
Command = Callable[[Source, TrainConfig], list[str]]


class Found(NamedTuple):
    """What a source holds, how many pictures would be learned from for each purpose that is possible, and how many
    without a label more by the recipe unlabelled.
    """

    summary: Summary
    learning: Mapping[str, int]
    others: int


class FineTuning(QObject):
    """At any time it is one of: choosing, running (`course`), done (`outcome`)."""

    changed = Signal()
    advanced = Signal()  # the running training has said something

    def __init__(self, parent: QObject | None = None, *, command: Command | None = None) -> None:
        super().__init__(parent)
        self.source: Source | None = None
        self.reading: Progress | None = None
        self.found: Found | None = None
        self.refusal = ""  # why the source cannot be read
        self.course: Course | None = None
        self.outcome: Outcome | None = None
        self.sentence = ""  # how the last training ended, where it brought no result
        self._command = command or command_line
        self._job: Job | None = None
        self._reader = Background(self)
        self._reader.stepped.connect(self._read_on)
        self._reader.ended.connect(self._take_found)
        self._reader.failed.connect(self._fail)

    @property
    def running(self) -> bool:
        """Whether a training is at work."""
        return self._job is not None

    def choose(self, source: Source | None) -> None:
        """Take what to learn from and look what is in it."""
        if source != self.source:
            self.sentence = ""
        self.source, self.found, self.refusal = source, None, ""
        self.reading = Progress("scan", 0, 0)
        self._reader.run(_look_into(source))
        self.changed.emit()

    def obstacle(self, config: TrainConfig) -> str:
        """Why a training cannot start now, in a sentence; "" where it can."""
        if self.source is None:
            return "Choose a folder whose sub-folders are named by class."
        if self.reading is not None:
            return "Still reading what there is to learn from…"
        if self.found is None:
            return self.refusal
        return self.found.summary.refusals[config.purpose]

    def learning(self, config: TrainConfig) -> int:
        """How many pictures a training that can start would learn from."""
        if self.found is None:
            return 0
        return self.found.learning[config.purpose] + (self.found.others if config.recipe == "unlabelled" else 0)

    def start(self, config: TrainConfig) -> None:
        """Train in a child process."""
        if self._job is not None or self.source is None or self.obstacle(config):
            return
        self.course, self.outcome, self.sentence = Course(), None, ""
        self._job = Job(self._command(self.source, config), self)
        self._job.progressed.connect(self._progress)
        self._job.ended.connect(self._end)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop the training; it leaves nothing behind."""
        if self._job is not None and self.course is not None:
            self.course.stopping = True
            self._job.cancel()
            self.advanced.emit()

    def again(self) -> None:
        """Leave the outcome and choose anew; the checkpoint stays where it is."""
        self.outcome = self.course = None
        self.changed.emit()

    def discard(self) -> None:
        """Delete the new model's files, and its folder where it holds nothing else."""
        if self.outcome is not None:
            try:
                for name in STORY:
                    (self.outcome.checkpoint / name).unlink(missing_ok=True)
                self.outcome.checkpoint.rmdir()
            except OSError as fault:
                self.sentence = f"The new model could not be deleted: {fault.strerror}: {fault.filename}"
        self.again()

    def close(self) -> None:
        """End thread and child; the window is closing."""
        self._reader.close()
        if self._job is not None:
            self._job.close()

    def _read_on(self, progress: Progress) -> None:
        self.reading = progress
        self.changed.emit()

    def _take_found(self, found: Found | None) -> None:
        self.reading, self.found = None, found
        self.changed.emit()

    def _fail(self, fault: Exception) -> None:
        if not isinstance(fault, LookalikeError):
            raise fault
        self.reading, self.refusal = None, str(fault)
        self.changed.emit()

    def _progress(self, progress: Progress) -> None:
        if self.course is not None:
            self.course.take(progress)
            self.advanced.emit()

    def _end(self, end: JobEnd) -> None:
        assert self._job is not None
        self._job.deleteLater()
        self._job = None
        if end.result is not None:
            self.outcome = read_outcome(end.result)
        else:
            self.course = None
            self.sentence = "The training was stopped. Nothing was changed." if end.cancelled else end.sentence
        self.changed.emit()


def command_line(source: Source, config: TrainConfig) -> list[str]:
    """The command that trains with these settings, those named that are not the usual ones for the purpose."""
    words = [sys.executable, "-m", "retrieval_app.cli", "train", *_named(source), "--json", "--attached"]
    usual = TrainConfig(purpose=config.purpose).to_dict() | {"purpose": TrainConfig().purpose}
    for setting in fields_of(TrainConfig):
        value = getattr(config, setting.name)
        if value != usual[setting.name]:
            words += [setting.option, str(value)]
    return words


def _named(source: Source) -> list[str]:
    if isinstance(source, Path):
        return [str(source)]
    return [f"--library={source.library}", *(options(source.within) if source.within else [])]


def _look_into(source: Source | None) -> Steps[Found | None]:
    """What the source holds; progress a few times a second."""
    if source is None:
        return None
    if isinstance(source, Labels):
        here = held(source)
        return _found(summarise_library(here), here.labelled, len(here.others))
    labelled = yield from _now_and_then(survey(source))
    return _found(summarise(labelled), labelled.samples, 0)


def _found(summary: Summary, samples: Sequence[Sample], others: int) -> Found:
    possible = [purpose for purpose in PURPOSES if not summary.refusals[purpose]]
    return Found(summary, {purpose: len(split(samples, purpose).train) for purpose in possible}, others)


def _now_and_then(steps: Steps[Labelled]) -> Steps[Labelled]:
    told = 0.0
    while True:
        try:
            progress = next(steps)
        except StopIteration as stop:
            labelled: Labelled = stop.value
            return labelled
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            yield progress
