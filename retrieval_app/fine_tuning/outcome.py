"""The outcome of a training, read from the last line of its child process. No Qt."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HIT_RANKS = ("5", "10")  # of hit@k; hit@1 is P@1


class OutcomeFigures(NamedTuple):
    """The figures of a model on the test pictures, from 0 to 1."""

    model: str
    p_at_1: float
    r_precision: float
    map_at_r: float
    hit_rates: tuple[float, ...]  # for HIT_RANKS


class ExampleHit(NamedTuple):
    """A picture of an example, and whether it is of the same class as the query."""

    path: bytes
    same_class: bool


class OutcomeExample(NamedTuple):
    """A test picture with its nearest ones under the model before the training and the one after it."""

    query: ExampleHit
    label: str
    before: tuple[ExampleHit, ...]
    after: tuple[ExampleHit, ...]


class OutcomeChange(NamedTuple):
    """The change of a figure, after less before: a 95 % interval, and what was resampled for it."""

    low: float
    high: float
    resampling_unit: str


class TrainingOutcome(NamedTuple):
    """The verdict on a training, with the figures and examples that it rests on."""

    checkpoint: Path
    install: bool
    why: str
    pixels: OutcomeFigures | None
    pretrained: tuple[OutcomeFigures, ...]  # the first one is "before"
    after: OutcomeFigures
    map_at_r_change: OutcomeChange
    p_at_1_change: OutcomeChange
    remarks: tuple[str, ...]
    examples: tuple[OutcomeExample, ...]

    def list_pictures(self) -> Iterator[bytes]:
        """The paths of all pictures of the examples, each once, in the order of display."""
        hits = (hit for example in self.examples for hit in (example.query, *example.before, *example.after))
        return iter(dict.fromkeys(hit.path for hit in hits))


def read_outcome(result: Mapping[str, Any]) -> TrainingOutcome:
    """The outcome in the result of `lookalike train --json`."""
    pretrained = tuple(_parse_outcome_figures(row) for row in result["pretrained"])
    return TrainingOutcome(
        checkpoint=Path(result["checkpoint"]),
        install=result["verdict"] == "install",
        why=result["why"],
        pixels=_parse_outcome_figures(result["pixels"]) if result["pixels"] else None,
        pretrained=pretrained,
        after=_parse_outcome_figures(result["after"]),
        map_at_r_change=_parse_outcome_change(result["change"]),
        p_at_1_change=_parse_outcome_change(result["change_p_at_1"]),
        remarks=tuple(_list_remarks(result)),
        examples=tuple(_parse_example(example) for example in result["examples"]),
    )


def _parse_outcome_figures(row: Mapping[str, Any]) -> OutcomeFigures:
    hits = tuple(float(row["hit_at_k"][rank]) for rank in HIT_RANKS)
    return OutcomeFigures(row["model"], row["p_at_1"], row["r_precision"], row["map_at_r"], hits)


def _parse_outcome_change(fields: Mapping[str, Any]) -> OutcomeChange:
    return OutcomeChange(fields["low"], fields["high"], fields["over"])


def _parse_example(fields: Mapping[str, Any]) -> OutcomeExample:
    hits = (_parse_hits(fields[side], fields[f"{side}_right"]) for side in ("before", "after"))
    return OutcomeExample(ExampleHit(os.fsencode(fields["query"]), True), fields["label"], *hits)


def _parse_hits(paths: Sequence[str], same_class: Sequence[bool]) -> tuple[ExampleHit, ...]:
    return tuple(ExampleHit(os.fsencode(path), same) for path, same in zip(paths, same_class, strict=True))


def _list_remarks(result: Mapping[str, Any]) -> Iterator[str]:
    """What was kept, the recipe, an early stop, a collapse, the scope of thresholds, unreadable pictures: sentences."""
    epochs = len(result["epochs"]) - 1
    best_epoch = f"epoch {result['best_epoch']} of {epochs}"
    kept_epoch = "none: the network is as it was" if result["best_epoch"] == 0 else best_epoch
    embedding = f"the embedding of the {result['embedding']}, {result['dim']:,} numbers per picture"
    yield f"Taken: {kept_epoch}, with {embedding}."
    yield from (sentence for sentence in (result["recipe"], result["stopped"], result["collapse"]) if sentence)
    if result["thresholds"]:
        yield result["thresholds"]["scope"]
    if left_out := len(result["unreadable"]):
        yield f"{left_out:,} {'picture' if left_out == 1 else 'pictures'} could not be read and took no part."
