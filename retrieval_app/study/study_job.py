"""A study as one object without widgets: on which pictures, the study in a child process, its figures and its page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from indexer.home.folders import find_home_folder
from indexer.own_process import build_command
from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.study.study_plan import StudyPlan
from retrieval_app.wording import format_duration
from retrieval_app.workers.child_process import ChildProcess, JobEnd
from training.data.sources import LibraryLabels, TrainingSource

BuildStudyCommand = Callable[[TrainingSource, StudyPlan, Path], list[str]]
STAGE_WORDS = {
    "scan": tr("Looking for pictures"),
    "group": tr("Looking for near copies and bursts"),
    "decode": tr("Reading pictures"),
    "baselines": tr("Measuring what needs no training"),
}
LEAST_SHARE = 0.02  # of the trainings, before a time is told


class StudyProgress:
    """What a running study has reported: its trainings so far, each with the losses of its steps."""

    def __init__(self, trainings: int) -> None:
        self.trainings = trainings  # in all
        self.losses: dict[str, list[float]] = {}  # by the name of the training, in their order
        self.steps = 1  # of the training under way
        self.latest = Progress("start", 0, 0)
        self.stopping = False
        self._started_at: float | None = None  # of the first training

    def add_progress(self, progress: Progress) -> None:
        """Take what the child has reported."""
        self.latest = progress
        if progress.stage == "study":
            self._started_at = self._started_at or time.monotonic()
            self.losses.setdefault(progress.note, []).append(float(progress.values.get("loss", 0.0)))
            self.steps = max(1, progress.total)

    @property
    def share(self) -> float:
        """How much of all trainings is done, from 0 to 1."""
        if not self.losses:
            return 0.0
        done = (
            len(self.losses) - 1 + self.latest.done / self.steps if self.latest.stage == "study" else len(self.losses)
        )
        return min(1.0, done / max(1, self.trainings))

    def describe_status(self) -> str:
        """How far it is, in one line."""
        if self.stopping:
            return tr("Stopping…")
        if not self.losses:
            return f"{STAGE_WORDS.get(self.latest.stage, 'Starting')}…"
        parts = [
            tr(
                "Training {losses} of {trainings}: {list}",
                losses=len(self.losses),
                trainings=max(self.trainings, len(self.losses)),
                list=list(self.losses)[-1],
            )
        ]
        if self.share >= LEAST_SHARE and self._started_at is not None:
            left = (time.monotonic() - self._started_at) * (1 - self.share) / self.share
            parts.append(tr("about {left} left", left=format_duration(left)))
        return "  ·  ".join(parts)


class StudyJob(QObject):
    """The state of a study: choosing, running (`progress`), or done (`fields`)."""

    changed = Signal()
    advanced = Signal()  # the running study has reported progress

    def __init__(self, parent: QObject | None = None, *, command: BuildStudyCommand | None = None) -> None:
        super().__init__(parent)
        self.source: TrainingSource | None = None
        self.progress: StudyProgress | None = None
        self.fields: dict[str, Any] | None = None  # of the study that is done
        self.page: Path | None = None  # of the same
        self.sentence = ""  # how the last study ended, where it brought no result
        self._command = command or build_study_command
        self._child: ChildProcess | None = None

    @property
    def running(self) -> bool:
        """Whether a study is running."""
        return self._child is not None

    def choose_source(self, source: TrainingSource | None) -> None:
        """Compare on this source."""
        self.source, self.sentence = source, ""
        self.changed.emit()

    def start_study(self, plan: StudyPlan) -> None:
        """Start in a child process; without effect while one runs, or without a source."""
        if self._child is not None or self.source is None:
            return
        page = find_home_folder() / "studies" / f"{plan.study}-{time.strftime('%Y%m%d-%H%M%S')}.html"
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            self.sentence = tr(
                "No page can be written: {strerror}: {filename}", strerror=fault.strerror, filename=fault.filename
            )
            self.changed.emit()
            return
        self.progress, self.fields, self.page, self.sentence = StudyProgress(plan.count_trainings()), None, None, ""
        self._child = ChildProcess(self._command(self.source, plan, page), self)
        self._child.progressed.connect(self._take_progress)
        self._child.ended.connect(self._finish_study)
        self.changed.emit()

    def cancel_study(self) -> None:
        """Stop; nothing is kept of a study that did not end."""
        if self._child is not None and self.progress is not None:
            self.progress.stopping = True
            self._child.cancel()
            self.advanced.emit()

    def leave_result(self) -> None:
        """Return to choosing; the page stays where it is."""
        self.fields = self.progress = None
        self.changed.emit()

    def close(self) -> None:
        """End the child; the window is closing."""
        if self._child is not None:
            self._child.close()

    def _take_progress(self, progress: Progress) -> None:
        if self.progress is not None:
            self.progress.add_progress(progress)
            self.advanced.emit()

    def _finish_study(self, end: JobEnd) -> None:
        self._child = self.progress = None
        if end.result is not None and not end.cancelled:
            self.page = Path(str(end.result["page"]))
            study = end.result["study"]
            assert isinstance(study, dict)
            self.fields = study
        else:
            self.sentence = tr("The study was stopped. Nothing is kept of it.") if end.cancelled else end.sentence
        self.changed.emit()


def build_study_command(source: TrainingSource, plan: StudyPlan, page: Path) -> list[str]:
    """The command that runs a plan on a source and writes its page."""
    place = [f"--library={source.library}"] if isinstance(source, LibraryLabels) else [str(source)]
    words = ("study", plan.study, *place, *plan.list_options(), f"--out={page}", "--overwrite", "--json", "--attached")
    return build_command(*words)
