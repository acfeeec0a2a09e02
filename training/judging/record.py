"""The record of a training, `training.json` beside its checkpoint, read by one class for all who show it.

The report, the window's verdict page, the train command and the card for people read a TrainingRecord. A checkpoint may
be a stranger's, so every field is turned into the type it has to have before it is used. `result.py` writes what is
read here. No torch.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.models.card import CARD_FILE, REPORT_DATA_FILE, TRAINING_RECORD_FILE, read_json
from indexer.paths import show_path
from indexer.wording import tr
from training.fitting.history import Epoch
from training.judging.report_data import ReportData, parse_report_data
from training.judging.threshold_scope import ThresholdScope

HIT_RANKS = (5, 10)  # of hit@k; hit@1 is P@1
MAX_NAME_LENGTH = 100  # characters of the name of a training


class RecordedFigures(NamedTuple):
    """The figures of one model on the test part, from 0 to 1; `hit_rates` are hit@k at HIT_RANKS."""

    model: str
    p_at_1: float
    r_precision: float
    map_at_r: float
    hit_rates: tuple[float, ...]


class RecordedChange(NamedTuple):
    """After minus before: the mean, its 95 % interval, and what was resampled for that ("queries", "classes")."""

    mean: float
    low: float
    high: float
    resampling_unit: str


class RecordedThreshold(NamedTuple):
    """A distance below which two pictures count as the same, and its rates of false matches and false non-matches."""

    distance: float
    fmr: float
    fnmr: float | None


class RecordedIdentification(NamedTuple):
    """How well *What is it?* does, shares from 0 to 1: `identified` of the `photos` that got their own label, `refused`
    of the same photos as strangers, their label left out.
    """

    identified: float
    refused: float
    photos: int


class LeftOutFile(NamedTuple):
    """A file that took no part, by its printable path, and why."""

    path: str
    reason: str


class ExampleHit(NamedTuple):
    """A test picture that was found, and whether it is of the query's class."""

    path: bytes
    same_class: bool


class RecordedExample(NamedTuple):
    """A query of the test part and its nearest pictures before and after the training, the nearest first.

    `matches` is the number of pictures of its class among all that were searched; None in older records.
    """

    query: ExampleHit
    label: str
    before: tuple[ExampleHit, ...]
    after: tuple[ExampleHit, ...]
    matches: int | None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What is known of a training.

    `name` is what its model is called, by default as its folder, `learned_from` says in a line how many pictures it
    learned from and where these are ("" in older records). `pretrained` are the forms of the pretrained model
    that were measured, the best first; `pixels` is None where raw pixels could not be measured. `source_remarks` are
    sentences on how the folder was read; `recipe`, `stopped`, `collapse` and `refit` are sentences on how it went (""
    where there is nothing to say), `scope` says for what the thresholds hold ("" without any), `config` are the
    settings as text.

    `least_gain` is the smallest gain of MAP@R that so many pictures show in four of five cases, None in older records.
    The identification is None in these too, and where labels are too few for it.
    """

    checkpoint: Path
    name: str
    source: str
    install: bool
    why: str
    pixels: RecordedFigures | None
    pretrained: tuple[RecordedFigures, ...]
    after: RecordedFigures
    map_at_r_change: RecordedChange
    p_at_1_change: RecordedChange
    queries: int
    classes: int
    source_remarks: tuple[str, ...]
    recipe: str
    stopped: str
    collapse: str
    refit: str
    embedding: str
    dim: int
    framing: str
    best_epoch: int
    epochs: tuple[Epoch, ...]
    parts: Mapping[str, int]
    unreadable: tuple[LeftOutFile, ...]
    thresholds: tuple[RecordedThreshold, ...]
    scope: str
    config: Mapping[str, str]
    provenance: Mapping[str, str]
    examples: tuple[RecordedExample, ...]
    least_gain: float | None
    identification_before: RecordedIdentification | None
    identification_after: RecordedIdentification | None
    learned_from: str

    @property
    def before(self) -> RecordedFigures:
        """The best pretrained form, which the trained model has to beat."""
        return self.pretrained[0]

    @property
    def is_out_of_fold(self) -> bool:
        """Whether a closed form was fitted on all pictures and judged on each while it was left out: no test part."""
        return bool(self.parts["train"]) and not self.parts["test"]

    @property
    def identification_sentence(self) -> str:
        """How many photos are rightly named and strangers refused, before and after; "" where that was not measured."""
        before, after = self.identification_before, self.identification_after
        if before is None or after is None:
            return ""
        return tr(
            "What is it? Of {photos:,} pictures {named_before:,} were rightly named before and {named_now:,} now; as "
            "strangers {refused_before:,} of them were refused before and {refused_now:,} now.",
            photos=after.photos,
            named_before=round(before.identified * after.photos),
            named_now=round(after.identified * after.photos),
            refused_before=round(before.refused * after.photos),
            refused_now=round(after.refused * after.photos),
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on how the folder was read and how the training went."""
        return tuple(
            sentence
            for sentence in (*self.source_remarks, self.recipe, self.stopped, self.collapse, self.refit)
            if sentence
        )

    @property
    def epoch_note(self) -> str:
        """Which epoch was taken, in words."""
        if self.best_epoch:
            return f"epoch {self.best_epoch} of {len(self.epochs) - 1}"
        return "the instant start, no epoch" if self.embedding == "head" else "none: the network is as it was"

    def list_pictures(self) -> list[bytes]:
        """The paths of all pictures of the examples, each once, in order of display."""
        hits = (hit for example in self.examples for hit in (example.query, *example.before, *example.after))
        return list(dict.fromkeys(hit.path for hit in hits))


def require_checkpoint(folder: Path) -> None:
    """Raise LookalikeError where a folder is no checkpoint of a training."""
    if not (folder / TRAINING_RECORD_FILE).is_file():
        raise LookalikeError(
            "{folder} is no checkpoint of a training: it has no {file}.",
            folder=show_path(folder),
            file=TRAINING_RECORD_FILE,
        )


def read_record(checkpoint: Path) -> TrainingRecord:
    """The record in the folder of a checkpoint; LookalikeError where there is none or it lacks something."""
    require_checkpoint(checkpoint)
    fields = read_json(checkpoint / TRAINING_RECORD_FILE)
    with _refuse_damage(checkpoint):
        return replace(parse_record(fields), checkpoint=checkpoint.absolute())


def check_name(name: str) -> str:
    """The name of a training without spaces around it; LookalikeError where it is empty, too long or not printable."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
        raise LookalikeError(
            "The name of a training is a word or a few, of at most {limit} characters.",
            limit=MAX_NAME_LENGTH,
        )
    return name


def rename_checkpoint(folder: Path, name: str) -> None:
    """Call the model of a checkpoint by a name, in its card and in its record; its fingerprint stays.

    LookalikeError where the name is none, there is no checkpoint, or the disk refuses.
    """
    name = check_name(name)
    require_checkpoint(folder)
    try:
        for file_name in (CARD_FILE, TRAINING_RECORD_FILE):
            fields = read_json(folder / file_name) | {"name": name}
            atomic.write_file(folder / file_name, (json.dumps(fields, indent=2) + "\n").encode())
    except OSError as fault:
        raise LookalikeError(
            "{folder} cannot be written to: {reason}.", folder=show_path(folder), reason=fault.strerror or fault
        ) from fault


def read_report_data(checkpoint: Path) -> ReportData | None:
    """What is kept of the test part for reports; None beside checkpoints of earlier versions, which kept nothing.

    LookalikeError where it is damaged.
    """
    path = checkpoint / REPORT_DATA_FILE
    if not path.is_file():
        return None
    fields = read_json(path)
    with _refuse_damage(checkpoint):
        return parse_report_data(fields)


@contextmanager
def _refuse_damage(checkpoint: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as fault:
        raise LookalikeError(
            "{checkpoint} does not tell a whole training: train again.", checkpoint=show_path(checkpoint)
        ) from fault


def parse_record(fields: Mapping[str, Any]) -> TrainingRecord:
    """The record of `TrainResult.fields`, through JSON; ValueError where it is anything else."""
    try:
        return _parse_record(fields)
    except (LookupError, TypeError, AttributeError, OverflowError) as fault:
        raise ValueError("this is no record of a training") from fault


def _parse_record(fields: Mapping[str, Any]) -> TrainingRecord:
    pretrained = tuple(_parse_figures(row) for row in fields["pretrained"])
    thresholds = fields["thresholds"] or {"scope": "", "thresholds": ()}
    if not pretrained:
        raise ValueError("no pretrained model was measured")
    return TrainingRecord(
        checkpoint=Path(str(fields["checkpoint"])),
        name=str(fields.get("name") or Path(str(fields["checkpoint"])).name),
        source=str(fields["source"]),
        install=fields["verdict"] == "install",
        why=str(fields["why"]),
        pixels=_parse_figures(fields["pixels"]) if fields["pixels"] else None,
        pretrained=pretrained,
        after=_parse_figures(fields["after"]),
        map_at_r_change=_parse_change(fields["change"]),
        p_at_1_change=_parse_change(fields["change_p_at_1"]),
        queries=int(fields["queries"]),
        classes=int(fields["classes"]),
        source_remarks=tuple(str(sentence) for sentence in fields.get("source_remarks", ())),  # not in older ones
        recipe=str(fields["recipe"]),
        stopped=str(fields["stopped"]),
        refit=str(fields.get("refit", "")),
        collapse=str(fields["collapse"]),
        embedding=str(fields["embedding"]),
        dim=int(fields["dim"]),
        framing=str(fields.get("framing", "centre")),  # of checkpoints before there were others
        best_epoch=int(fields["best_epoch"]),
        epochs=tuple(_parse_epoch(row) for row in fields["epochs"]),
        parts={part: int(fields["parts"][part]) for part in ("train", "validation", "test")},
        unreadable=tuple(LeftOutFile(str(file["path"]), str(file["reason"])) for file in fields["unreadable"]),
        thresholds=tuple(_parse_threshold(row) for row in thresholds["thresholds"]),
        scope=_parse_scope(thresholds),
        config={str(name): "none" if value is None else str(value) for name, value in fields["config"].items()},
        provenance=_parse_provenance(fields),
        examples=tuple(_parse_example(example) for example in fields["examples"]),
        least_gain=None if fields.get("least_gain") is None else float(fields["least_gain"]),
        identification_before=_parse_identification(fields, "before"),
        identification_after=_parse_identification(fields, "after"),
        learned_from=str(fields.get("learned_from") or ""),
    )


def _parse_scope(thresholds: Mapping[str, Any]) -> str:
    """For what the thresholds hold, in the reader's language; as it was written where there are no figures of it."""
    if "photos" not in thresholds:
        return str(thresholds["scope"])
    photos, classes = int(thresholds["photos"]), int(thresholds["classes"])
    return ThresholdScope(photos, classes, bool(thresholds["new_classes"]), bool(thresholds["validation"])).describe()


def _parse_figures(row: Mapping[str, Any]) -> RecordedFigures:
    hit_rates = tuple(float(row["hit_at_k"][str(rank)]) for rank in HIT_RANKS)
    p_at_1, r_precision, map_at_r = (float(row[name]) for name in ("p_at_1", "r_precision", "map_at_r"))
    return RecordedFigures(str(row["model"]), p_at_1, r_precision, map_at_r, hit_rates)


def _parse_change(row: Mapping[str, Any]) -> RecordedChange:
    return RecordedChange(float(row["mean"]), float(row["low"]), float(row["high"]), str(row["over"]))


def _parse_threshold(row: Mapping[str, Any]) -> RecordedThreshold:
    fnmr = None if row["fnmr"] is None else float(row["fnmr"])
    return RecordedThreshold(float(row["distance"]), float(row["fmr"]), fnmr)


def _parse_identification(fields: Mapping[str, Any], side: str) -> RecordedIdentification | None:
    row = (fields.get("identification") or {}).get(side)
    if row is None:
        return None
    return RecordedIdentification(float(row["identified"]), float(row["refused"]), int(row["photos"]))


def _parse_epoch(row: Mapping[str, Any]) -> Epoch:
    numbers = {name: None if value is None else float(value) for name, value in row.items()}
    required = {name: float(row[name]) for name in ("map_at_r_backbone", "seconds", "spread")}
    rest = {"epoch": int(row["epoch"]), "taught_start": bool(row.get("taught_start", False))}
    return Epoch.from_fields(numbers | required | rest)


def _parse_provenance(fields: Mapping[str, Any]) -> dict[str, str]:
    """The model's fingerprint and the versions of the packages that made it, as far as they are written down."""
    known = {"fingerprint": fields["fingerprint"]} if "fingerprint" in fields else {}
    return {str(name): str(value) for name, value in (known | fields.get("versions", {})).items()}


def _parse_example(row: Mapping[str, Any]) -> RecordedExample:
    before, after = (_parse_hits(row[side], row[f"{side}_right"]) for side in ("before", "after"))
    matches = None if row.get("matches") is None else int(row["matches"])
    return RecordedExample(ExampleHit(os.fsencode(str(row["query"])), True), str(row["label"]), before, after, matches)


def _parse_hits(paths: Sequence[str], same_class: Sequence[bool]) -> tuple[ExampleHit, ...]:
    pairs = zip(paths, same_class, strict=True)
    return tuple(ExampleHit(os.fsencode(str(path)), bool(same)) for path, same in pairs)
