"""A training as its checkpoint tells it: what `report` and others read instead of training again. No torch.

A checkpoint may be a stranger's, so every field is turned into what it has to be before it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.models.card import CARD_FILE, TRAINING_RECORD_FILE, read_json
from indexer.paths import show_path
from training.fitting.history import Epoch
from training.judging.report_data import REPORT_DATA_FILE, ReportData, parse_report_data

REPORT_FILE = "report.html"  # in the folder of the checkpoint, where no other place is named


class RecordedFigures(NamedTuple):
    """One model on the test part."""

    model: str
    p_at_1: float
    r_precision: float
    map_at_r: float
    hit_at_5: float


class RecordedChange(NamedTuple):
    """After less before, its 95 % interval, and what that was resampled over."""

    low: float
    high: float
    mean: float
    resampling_unit: str


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What is known of a training; `before` is the best pretrained form, `beside` what else was measured.

    `remarks` are sentences on how it went, `scope` says for what its thresholds hold ("" without any); `insight` is
    None beside checkpoints of earlier versions.
    """

    name: str
    source: str
    install: bool
    why: str
    other_models: tuple[RecordedFigures, ...]
    before: RecordedFigures
    after: RecordedFigures
    map_at_r_change: RecordedChange
    p_at_1_change: RecordedChange
    queries: int
    classes: int
    epochs: tuple[Epoch, ...]
    best_epoch: int
    parts: Mapping[str, int]
    unreadable: int
    remarks: tuple[str, ...]
    scope: str
    config: Mapping[str, str]
    provenance: Mapping[str, str]
    report_data: ReportData | None


def require_checkpoint(folder: Path) -> None:
    """LookalikeError where a folder is no checkpoint of a training."""
    if not (folder / TRAINING_RECORD_FILE).is_file():
        raise LookalikeError(f"{show_path(folder)} is no checkpoint of a training: it has no {TRAINING_RECORD_FILE}.")


def read_record(checkpoint: Path) -> TrainingRecord:
    """The run that made a checkpoint; LookalikeError where its folder does not tell."""
    require_checkpoint(checkpoint)
    story, card = read_json(checkpoint / TRAINING_RECORD_FILE), read_json(checkpoint / CARD_FILE)
    try:
        return _parse_record(checkpoint.absolute().name, story, card, _read_report_data(checkpoint / REPORT_DATA_FILE))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as fault:
        raise LookalikeError(f"{show_path(checkpoint)} does not tell a whole training: train again.") from fault


def _read_report_data(path: Path) -> ReportData | None:
    return parse_report_data(read_json(path)) if path.is_file() else None


def _parse_record(
    name: str, story: Mapping[str, Any], card: Mapping[str, Any], test_data: ReportData | None
) -> TrainingRecord:
    best, *other_forms = (_parse_recorded_figures(row) for row in story["pretrained"])
    pixels = [_parse_recorded_figures(story["pixels"])] if story["pixels"] else []
    versions = story.get("versions", {}).items()
    return TrainingRecord(
        name=name,
        source=str(story["source"]),
        install=story["verdict"] == "install",
        why=str(story["why"]),
        other_models=(*pixels, *other_forms),
        before=best,
        after=_parse_recorded_figures(story["after"]),
        map_at_r_change=_parse_recorded_change(story["change"]),
        p_at_1_change=_parse_recorded_change(story["change_p_at_1"]),
        queries=int(story["queries"]),
        classes=int(story["classes"]),
        epochs=tuple(_parse_epoch(fields) for fields in story["epochs"]),
        best_epoch=int(story["best_epoch"]),
        parts={part: int(story["parts"][part]) for part in ("train", "validation", "test")},
        unreadable=len(story["unreadable"]),
        remarks=tuple(str(story[key]) for key in ("recipe", "stopped", "collapse") if story[key]),
        scope=str(story["thresholds"]["scope"]) if story["thresholds"] else "",
        config={str(key): "none" if value is None else str(value) for key, value in story["config"].items()},
        provenance={"fingerprint": str(card["fingerprint"]), **{str(name): str(version) for name, version in versions}},
        report_data=test_data,
    )


def _parse_recorded_figures(row: Mapping[str, Any]) -> RecordedFigures:
    hit = float(row["hit_at_k"]["5"])
    return RecordedFigures(
        str(row["model"]), float(row["p_at_1"]), float(row["r_precision"]), float(row["map_at_r"]), hit
    )


def _parse_recorded_change(fields: Mapping[str, Any]) -> RecordedChange:
    return RecordedChange(float(fields["low"]), float(fields["high"]), float(fields["mean"]), str(fields["over"]))


def _parse_epoch(fields: Mapping[str, Any]) -> Epoch:
    numbers = {name: None if value is None else float(value) for name, value in fields.items()}
    required = {name: float(fields[name]) for name in ("epoch", "map_at_r_backbone", "seconds", "spread")}
    return Epoch.from_fields(numbers | required)
