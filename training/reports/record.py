"""A training as its checkpoint tells it: what `report` and others read instead of training again. No torch.

A checkpoint may be a stranger's, so every field is turned into what it has to be before it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.models.card import CARD_FILE, STORY_FILE, read_json
from indexer.paths import show_path
from training.fitting.history import Epoch
from training.judging import report_data as insight
from training.judging.report_data import INSIGHT_FILE, Insight

REPORT_FILE = "report.html"  # in the folder of the checkpoint, where no other place is named


class Figures(NamedTuple):
    """One model on the test part."""

    model: str
    p_at_1: float
    r_precision: float
    map_at_r: float
    hit_at_5: float


class Change(NamedTuple):
    """After less before, its 95 % interval, and what that was resampled over."""

    low: float
    high: float
    mean: float
    over: str


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a training; `before` is the best pretrained form, `beside` what else was measured.

    `remarks` are sentences on how it went, `scope` says for what its thresholds hold ("" without any); `insight` is
    None beside checkpoints of earlier versions.
    """

    name: str
    source: str
    install: bool
    why: str
    beside: tuple[Figures, ...]
    before: Figures
    after: Figures
    change: Change
    first: Change
    queries: int
    classes: int
    epochs: tuple[Epoch, ...]
    best_epoch: int
    parts: Mapping[str, int]
    unreadable: int
    remarks: tuple[str, ...]
    scope: str
    config: Mapping[str, str]
    about: Mapping[str, str]
    insight: Insight | None


def require_checkpoint(folder: Path) -> None:
    """LookalikeError where a folder is no checkpoint of a training."""
    if not (folder / STORY_FILE).is_file():
        raise LookalikeError(f"{show_path(folder)} is no checkpoint of a training: it has no {STORY_FILE}.")


def read_run(checkpoint: Path) -> Run:
    """The run that made a checkpoint; LookalikeError where its folder does not tell."""
    require_checkpoint(checkpoint)
    story, card = read_json(checkpoint / STORY_FILE), read_json(checkpoint / CARD_FILE)
    try:
        return _run(checkpoint.absolute().name, story, card, _read_insight(checkpoint / INSIGHT_FILE))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as fault:
        raise LookalikeError(f"{show_path(checkpoint)} does not tell a whole training: train again.") from fault


def _read_insight(path: Path) -> Insight | None:
    return insight.read(read_json(path)) if path.is_file() else None


def _run(name: str, story: Mapping[str, Any], card: Mapping[str, Any], seen: Insight | None) -> Run:
    best, *others = (_figures(row) for row in story["pretrained"])
    pixels = [_figures(story["pixels"])] if story["pixels"] else []
    versions = story.get("versions", {}).items()
    return Run(
        name=name,
        source=str(story["source"]),
        install=story["verdict"] == "install",
        why=str(story["why"]),
        beside=(*pixels, *others),
        before=best,
        after=_figures(story["after"]),
        change=_change(story["change"]),
        first=_change(story["change_p_at_1"]),
        queries=int(story["queries"]),
        classes=int(story["classes"]),
        epochs=tuple(_epoch(fields) for fields in story["epochs"]),
        best_epoch=int(story["best_epoch"]),
        parts={part: int(story["parts"][part]) for part in ("train", "validation", "test")},
        unreadable=len(story["unreadable"]),
        remarks=tuple(str(story[key]) for key in ("recipe", "stopped", "collapse") if story[key]),
        scope=str(story["thresholds"]["scope"]) if story["thresholds"] else "",
        config={str(key): "none" if value is None else str(value) for key, value in story["config"].items()},
        about={"fingerprint": str(card["fingerprint"]), **{str(name): str(version) for name, version in versions}},
        insight=seen,
    )


def _figures(row: Mapping[str, Any]) -> Figures:
    hit = float(row["hit_at_k"]["5"])
    return Figures(str(row["model"]), float(row["p_at_1"]), float(row["r_precision"]), float(row["map_at_r"]), hit)


def _change(said: Mapping[str, Any]) -> Change:
    return Change(float(said["low"]), float(said["high"]), float(said["mean"]), str(said["over"]))


def _epoch(fields: Mapping[str, Any]) -> Epoch:
    numbers = {name: None if value is None else float(value) for name, value in fields.items()}
    always = {name: float(fields[name]) for name in ("epoch", "map_at_r_backbone", "seconds", "spread")}
    return Epoch.from_fields(numbers | always)
