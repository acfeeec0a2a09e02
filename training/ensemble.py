"""Several small models instead of one: each learns from its own part of the photos, and their embeddings are joined.

The table of the lecture notes (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check") calls the figures of
the members alone "separated", those of their embeddings side by side "concatenated". An experiment: what a library is
indexed with stays one model. A member is what any training gives: where validation finds nothing better than the
pretrained model, the member is that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from indexer.errors import LookalikeError
from indexer.metrics import Interval, paired_interval, retrieval
from indexer.progress import Steps
from training.config import TrainConfig
from training.data import number
from training.loop import train
from training.split import Split
from training.verdict import GROUPED_FROM, Row

CLASSES_TO_ASK = 2  # in a fold: among photos of one class every answer is right


@dataclass(frozen=True, slots=True)
class Ensemble:
    """What came of it on the test part: the pretrained model, each member alone, all together, and the change in
    MAP@R from the members' mean to all together with what it was resampled over.
    """

    before: Row
    separated: tuple[Row, ...]
    concatenated: Row
    change: Interval
    over: str


def class_folds(parts: Split, count: int) -> tuple[Split, ...]:
    """Class-disjoint folds, as in the table: each member chooses by the classes of one and learns from all others.

    The photos to learn from and to choose by are dealt anew; LookalikeError where they have too few classes.
    """
    samples = sorted(parts.train + parts.validation, key=lambda sample: (sample.label, sample.sha256))
    classes = sorted({sample.label for sample in samples})
    if len(classes) < CLASSES_TO_ASK * count:
        raise LookalikeError(
            f"{count} folds take {CLASSES_TO_ASK * count} classes beside those of the test; there are {len(classes)}."
        )
    dealt = np.random.default_rng(0).permutation(len(classes)) % count
    fold = {label: int(dealt[position]) for position, label in enumerate(classes)}
    return tuple(
        Split(
            tuple(sample for sample in samples if fold[sample.label] != held_out),
            tuple(sample for sample in samples if fold[sample.label] == held_out),
            parts.test,
        )
        for held_out in range(count)
    )


def copies(parts: Split, count: int) -> tuple[Split, ...]:
    """The naive ensemble of the notes: the same photos for each, so that chance alone makes them differ."""
    return (parts,) * count


DIVISIONS: dict[str, Callable[[Split, int], tuple[Split, ...]]] = {"folds": class_folds, "copies": copies}


def train_folds(config: TrainConfig, folder: Path, out: Path, parts: Sequence[Split]) -> Steps[Ensemble]:
    """Train a member on each of the parts (`DIVISIONS`), which share their test; their checkpoints go below `out`."""
    results = []
    for member, part in enumerate(parts):
        seeded = replace(config, seed=config.seed + member)
        results.append((yield from train(seeded, folder, out / f"member-{member}", part)))
    rows = tuple(result.verdict.after._replace(name=f"member {member}") for member, result in enumerate(results))
    baseline = results[0].baseline
    return joined(baseline.rows[0], rows, number(baseline.samples).labels)


def joined(before: Row, members: tuple[Row, ...], labels: np.ndarray) -> Ensemble:
    """Measure members, rows over the same photos with labels (n,), alone and side by side, each of equal weight."""
    vectors = np.concatenate([row.vectors for row in members], axis=1) / np.sqrt(len(members))
    whole = Row(f"{len(members)} members, concatenated", vectors.astype(np.float32), retrieval(vectors, labels))
    alone = np.mean([row.figures.per_query_map_at_r for row in members], axis=0)
    asked = labels[whole.figures.rows]
    groups = asked if len(np.unique(asked)) >= GROUPED_FROM else None
    change = paired_interval(alone, whole.figures.per_query_map_at_r, groups=groups)
    return Ensemble(before, members, whole, change, "queries" if groups is None else "classes")
