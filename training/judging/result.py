"""What came of a training, as data: for the checkpoint's `training.json`, the command line and the window."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.paths import show_path
from indexer.statistics.metrics import compute_least_gain
from indexer.wording import count_noun
from training.data.labelled_folders import UnreadableFile, has_labels
from training.data.sources import TrainingSource, describe_source
from training.data.split import DataSplit
from training.fitting.history import DescribedNetwork, FitResult
from training.judging.identification_shares import IdentificationChange
from training.judging.judged_models import BaselineResult, TrainingVerdict
from training.judging.thresholds import CheckpointThresholds
from training.settings.config import TrainConfig


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came of a training; the checkpoint is written whatever the verdict says.

    `recipe` says in a sentence which recipe it was and why, `parts` are the photos used for training, validation and
    test, `unreadable` the files left out. `source_remarks` are sentences on how the folder was read.
    """

    checkpoint: Path
    learned_from: TrainingSource
    config: TrainConfig
    recipe: str
    fit: FitResult[DescribedNetwork]
    baseline: BaselineResult
    verdict: TrainingVerdict
    thresholds: CheckpointThresholds | None
    parts: DataSplit
    unreadable: tuple[UnreadableFile, ...]
    source_remarks: tuple[str, ...] = ()

    @property
    def is_instant(self) -> bool:
        """Whether a closed form was fitted, on all photos: then there is no part that only judges."""
        return bool(self.parts.train) and not self.parts.test

    @property
    def source(self) -> str:
        """In a line, where the weights are from: network, pictures, classes and loss."""
        settings, classes = self.config.resolve_defaults(), len({sample.label for sample in self.parts.train})
        how = "fine-tuned" if self.fit.best.changes_model else "unchanged after a training"
        start = f"{self.fit.network.name}, {how} on {len(self.parts.train):,} pictures"
        where = f"{describe_source(self.learned_from)}, {settings.loss} loss"
        if self.is_instant:
            return (
                f"{self.fit.network.name} with a linear map fitted on {len(self.parts.train):,} pictures of "
                f"{classes:,} classes {describe_source(self.learned_from)}, for new {settings.purpose}"
            )
        if settings.recipe == "unlabelled":
            return f"{start} {where} over views of each, without classes"
        return f"{start} of {classes:,} classes {where}, {settings.miner}, for new {settings.purpose}"

    def fields(self) -> dict[str, Any]:
        """What the command prints and the window shows, as plain values."""
        verdict, fit = self.verdict, self.fit
        return {
            "checkpoint": str(self.checkpoint.absolute()),
            "before": verdict.before.fields(),
            "after": verdict.after.fields(),
            "pixels": self.baseline.pixels.fields() if self.baseline.pixels else None,
            "pretrained": [row.fields() for row in self.baseline.pretrained],
            "change": verdict.map_at_r_change._asdict() | {"over": verdict.resampling_unit},
            "change_p_at_1": verdict.p_at_1_change._asdict() | {"over": verdict.resampling_unit},
            "verdict": "install" if verdict.install else "refuse",
            "why": verdict.why,
            "thresholds": self.thresholds.fields() if self.thresholds else None,
            "least_gain": compute_least_gain(verdict.map_at_r_change),
            "identification": _list_shares(verdict.identification),
            "queries": verdict.queries,
            "classes": verdict.classes,
            "recipe": self.recipe,
            "embedding": fit.embedding,
            "dim": fit.network.dim,
            "framing": fit.network.preprocessing.framing,
            "best_epoch": fit.best.epoch,
            "epochs": [epoch.fields() for epoch in fit.epochs],
            "stopped": fit.stopped,
            "refit": fit.refit,
            "collapse": fit.collapse,
            "examples": [example.fields() for example in verdict.examples],
            "parts": {name: len(part) for name, part in self.parts._asdict().items()},
            "unreadable": [{"path": show_path(path), "reason": reason} for path, reason in self.unreadable],
            "source_remarks": list(self.source_remarks),
            "seconds": fit.epochs[-1].seconds,
            "config": self.config.resolve_defaults().to_dict() | {"image_size": fit.network.preprocessing.size},
            "source": self.source,
            "learned_from": self._describe_pictures(),
        }

    def _describe_pictures(self) -> str:
        """The pictures it learned from, in a line: how many, of how many classes, and where they are."""
        labels = {sample.label for sample in self.parts.train}
        pictures = count_noun(len(self.parts.train), "picture")
        classes = f" of {count_noun(len(labels), 'class', 'classes')}" if has_labels(self.parts.train) else ""
        return f"{pictures}{classes} {describe_source(self.learned_from)}"


def _list_shares(change: IdentificationChange | None) -> dict[str, dict[str, float]] | None:
    return None if change is None else {side: shares._asdict() for side, shares in change._asdict().items()}
