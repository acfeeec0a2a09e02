"""What came of a training, read from the last line of the child. No Qt."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RANKS = ("5", "10")  # of hit@k; hit@1 is P@1


class Figures(NamedTuple):
    """One model on the test pictures: fractions from 0 to 1."""

    model: str
    p_at_1: float
    r_precision: float
    map_at_r: float
    hits: tuple[float, ...]  # for RANKS


class Found(NamedTuple):
    """One picture that was found, and whether it is of the same class as the query."""

    path: bytes
    right: bool


class Example(NamedTuple):
    """A test picture and what is nearest to it under the old and the new model."""

    query: Found
    label: str
    before: tuple[Found, ...]
    after: tuple[Found, ...]


class Change(NamedTuple):
    """After less before, as a 95 % interval; `over` is what it was resampled over."""

    low: float
    high: float
    over: str


class Outcome(NamedTuple):
    """The verdict and what stands behind it."""

    checkpoint: Path
    install: bool
    why: str
    pixels: Figures | None
    pretrained: tuple[Figures, ...]  # the first one is "before"
    after: Figures
    map_at_r: Change
    p_at_1: Change
    remarks: tuple[str, ...]
    examples: tuple[Example, ...]

    def pictures(self) -> Iterator[bytes]:
        """Every picture of the examples, once, in the order of display."""
        shown = (one for each in self.examples for one in (each.query, *each.before, *each.after))
        return iter(dict.fromkeys(one.path for one in shown))


def read_outcome(said: Mapping[str, Any]) -> Outcome:
    """From the child's result."""
    pretrained = tuple(_figures(row) for row in said["pretrained"])
    return Outcome(
        checkpoint=Path(said["checkpoint"]),
        install=said["verdict"] == "install",
        why=said["why"],
        pixels=_figures(said["pixels"]) if said["pixels"] else None,
        pretrained=pretrained,
        after=_figures(said["after"]),
        map_at_r=_change(said["change"]),
        p_at_1=_change(said["change_p_at_1"]),
        remarks=tuple(_remarks(said)),
        examples=tuple(_example(example) for example in said["examples"]),
    )


def _figures(row: Mapping[str, Any]) -> Figures:
    hits = tuple(float(row["hit_at_k"][rank]) for rank in RANKS)
    return Figures(row["model"], row["p_at_1"], row["r_precision"], row["map_at_r"], hits)


def _change(said: Mapping[str, Any]) -> Change:
    return Change(said["low"], said["high"], said["over"])


def _example(said: Mapping[str, Any]) -> Example:
    found = (_found(said[side], said[f"{side}_right"]) for side in ("before", "after"))
    return Example(Found(os.fsencode(said["query"]), True), said["label"], *found)


def _found(paths: Sequence[str], right: Sequence[bool]) -> tuple[Found, ...]:
    return tuple(Found(os.fsencode(path), same) for path, same in zip(paths, right, strict=True))


def _remarks(said: Mapping[str, Any]) -> Iterator[str]:
    epochs = len(said["epochs"]) - 1
    taken = "none: the network is as it was" if said["best_epoch"] == 0 else f"epoch {said['best_epoch']} of {epochs}"
    yield f"Taken: {taken}, with the embedding of the {said['embedding']}, {said['dim']:,} numbers per picture."
    yield from (sentence for sentence in (said["recipe"], said["stopped"], said["collapse"]) if sentence)
    if said["thresholds"]:
        yield said["thresholds"]["scope"]
    if left_out := len(said["unreadable"]):
        yield f"{left_out:,} {'picture' if left_out == 1 else 'pictures'} could not be read and took no part."
