"""Fine-tuning as one object without widgets: the source to learn from, the running training, its outcome."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from indexer.errors import LookalikeError
from indexer.own_process import build_command
from indexer.progress import Progress, Steps
from indexer.wording import tr
from retrieval_app.fine_tuning.training_progress import TrainingProgress
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from retrieval_app.workers.generator_thread import GeneratorThread
from training.data.given_parts import divide_folder
from training.data.labelled_folders import LabelledFolder, survey_folder
from training.data.sources import LibraryLabels, TrainingSource, format_source_arguments, read_library_samples
from training.data.split import DataSplit, split_samples
from training.data.summary import SourceSummary, summarise_folder, summarise_library
from training.judging.record import TrainingRecord, parse_record, rename_checkpoint
from training.settings.choices import PURPOSES
from training.settings.config import TrainConfig, list_settings

REPORT_SECONDS = 0.1  # between two reports on reading a folder
CHECKPOINT_FILES = ("model.json", "model.safetensors", "training.json", "insight.json", "MODEL.md", "report.html")
BuildCommand = Callable[[TrainingSource, TrainConfig], list[str]]


class SourceContents(NamedTuple):
    """What a source contains, and how many pictures a training would learn from.

    `training_counts` has a count for each possible purpose; `unlabelled_count` pictures more come in with the recipe
    "unlabelled".
    """

    summary: SourceSummary
    training_counts: Mapping[str, int]
    unlabelled_count: int


class FineTuning(QObject):
    """The state of fine-tuning: choosing a source, running (`training`), or done (`outcome`)."""

    changed = Signal()
    advanced = Signal()  # the running training has reported progress

    def __init__(self, parent: QObject | None = None, *, command: BuildCommand | None = None) -> None:
        super().__init__(parent)
        self.source: TrainingSource | None = None
        self.class_level = 1  # of the folder's sub-folders that are its classes
        self.reading_progress: Progress | None = None
        self.contents: SourceContents | None = None
        self.refusal = ""  # why the source cannot be read
        self.training: TrainingProgress | None = None
        self.outcome: TrainingRecord | None = None
        self.sentence = ""  # how the last training ended, where it brought no result; why a name was refused
        self._command = command or build_command_line
        self._job: ChildProcess | None = None
        self._reader = GeneratorThread(self)
        self._reader.stepped.connect(self._update_reading)
        self._reader.ended.connect(self._take_contents)
        self._reader.refused.connect(self._show_refusal)

    @property
    def running(self) -> bool:
        """Whether a training is running."""
        return self._job is not None

    def choose_source(self, source: TrainingSource | None, class_level: int = 1) -> None:
        """Learn from this source, and read in a thread what it contains; of a folder with classes of this level."""
        if source != self.source:
            self.sentence = ""
        self.source, self.class_level, self.contents, self.refusal = source, class_level, None, ""
        self.reading_progress = Progress("scan", 0, 0)
        self._reader.run_steps(_read_contents(source, class_level))
        self.changed.emit()

    def find_obstacle(self, config: TrainConfig) -> str:
        """The sentence why a training with these settings cannot start now; "" where it can."""
        if self.source is None:
            return tr("Choose a folder whose sub-folders are named by class.")
        if self.reading_progress is not None:
            return tr("Still reading what there is to learn from…")
        if self.contents is None:
            return self.refusal
        return self.contents.summary.refusals[config.purpose]

    def count_training_pictures(self, config: TrainConfig) -> int:
        """How many pictures a training with these settings would learn from; 0 while that is not known."""
        if self.contents is None:
            return 0
        if config.recipe in ("auto", "instant"):  # which learn from all, and judge each while it is left out
            return self.contents.summary.photos
        return self.contents.training_counts.get(config.purpose, 0) + (
            self.contents.unlabelled_count if config.recipe == "unlabelled" else 0
        )

    def start_training(self, config: TrainConfig, name: str = "") -> None:
        """Start a training in a child process, whose model gets this name; without effect where it cannot start."""
        if self._job is not None or self.source is None or self.find_obstacle(config):
            return
        words = self._command(self.source, config)
        self._start_child([*words, f"--name={name}"] if name else words)

    def resume_training(self, arguments: Sequence[str]) -> None:
        """Go on with a training that was stopped, by the arguments of the program that do so."""
        if self._job is None and arguments:
            self._start_child(build_command(*arguments, "--json", "--attached"))

    def _start_child(self, command: Sequence[str]) -> None:
        self.training, self.outcome, self.sentence = TrainingProgress(), None, ""
        self._job = ChildProcess(command, self)
        self._job.progressed.connect(self._take_progress)
        self._job.ended.connect(self._finish_training)
        self.changed.emit()

    def cancel_training(self) -> None:
        """Stop the training, which leaves no files behind."""
        if self._job is not None and self.training is not None:
            self.training.stopping = True
            self._job.cancel()
            self.advanced.emit()

    def rename_model(self, name: str) -> None:
        """Call the new model by another name; where it is none, `sentence` says so and the name stays."""
        if self.outcome is not None and name.strip() != self.outcome.name:
            self.sentence = ""
            try:
                rename_checkpoint(self.outcome.checkpoint, name)
                self.outcome = replace(self.outcome, name=name.strip())
            except LookalikeError as fault:
                self.sentence = str(fault)
            self.changed.emit()

    def leave_outcome(self) -> None:
        """Return to choosing; the checkpoint stays where it is."""
        self.outcome = self.training = None
        self.changed.emit()

    def discard_model(self) -> None:
        """Delete the new model's files, and its folder where it holds nothing else."""
        if self.outcome is not None:
            try:
                for name in CHECKPOINT_FILES:
                    (self.outcome.checkpoint / name).unlink(missing_ok=True)
                self.outcome.checkpoint.rmdir()
            except OSError as fault:
                self.sentence = tr(
                    "The new model could not be deleted: {strerror}: {filename}",
                    strerror=fault.strerror,
                    filename=fault.filename,
                )
        self.leave_outcome()

    def close(self) -> None:
        """End thread and child; the window is closing."""
        self._reader.close()
        if self._job is not None:
            self._job.close()

    def _update_reading(self, progress: Progress) -> None:
        self.reading_progress = progress
        self.changed.emit()

    def _take_contents(self, contents: SourceContents | None) -> None:
        self.reading_progress, self.contents = None, contents
        self.changed.emit()

    def _show_refusal(self, sentence: str) -> None:
        self.reading_progress, self.refusal = None, sentence
        self.changed.emit()

    def _take_progress(self, progress: Progress) -> None:
        if self.training is not None:
            self.training.add_progress(progress)
            self.advanced.emit()

    def _finish_training(self, end: JobEnd) -> None:
        self._job = None
        if end.result is not None:
            self.outcome = parse_record(end.result)
        else:
            self.training = None
            self.sentence = tr("The training was stopped. Nothing was changed.") if end.cancelled else end.sentence
        self.changed.emit()


def build_command_line(source: TrainingSource, config: TrainConfig) -> list[str]:
    """The command that trains with these settings; it names those that are not the defaults of the purpose."""
    words = build_command("train", *format_source_arguments(source), "--json", "--attached")
    default_values = TrainConfig(purpose=config.purpose).to_dict() | {"purpose": TrainConfig().purpose}
    for setting in list_settings(TrainConfig):
        value = getattr(config, setting.name)
        if value != default_values[setting.name]:
            words += [setting.option_name, str(value)]
    return words


def _read_contents(source: TrainingSource | None, class_level: int) -> Steps[SourceContents | None]:
    """Read what a source contains, with progress every REPORT_SECONDS; None for no source."""
    if source is None:
        return None
    if isinstance(source, LibraryLabels):
        library_labels = read_library_samples(source)
        return _make_contents(
            summarise_library(library_labels),
            lambda purpose: split_samples(library_labels.labelled, purpose),
            len(library_labels.unlabelled),
        )
    folder_labels = yield from _throttle_progress(survey_folder(source, class_level))
    return _make_contents(
        summarise_folder(folder_labels), lambda purpose: divide_folder(folder_labels, purpose).split, 0
    )


def _make_contents(summary: SourceSummary, divide: Callable[[str], DataSplit], unlabelled: int) -> SourceContents:
    possible = [purpose for purpose in PURPOSES if not summary.refusals[purpose]]
    counts = {purpose: len(divide(purpose).train) for purpose in possible}
    return SourceContents(summary, counts, unlabelled)


def _throttle_progress(steps: Steps[LabelledFolder]) -> Steps[LabelledFolder]:
    """The same work with at most one report in REPORT_SECONDS."""
    reported_at = 0.0
    while True:
        try:
            progress = next(steps)
        except StopIteration as stop:
            labelled: LabelledFolder = stop.value
            return labelled
        if time.monotonic() - reported_at >= REPORT_SECONDS:
            reported_at = time.monotonic()
            yield progress
