"""Several small models instead of one: each learns from its own part of the photos, and their embeddings are joined.

The table of the lecture notes (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check") calls the figures of
the members alone "separated", those of their embeddings side by side "concatenated". This is an experiment: a library
is indexed with one model.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from training.data.split import PAIR_SIZE, DataSplit

MIN_FOLD_CLASSES = 2  # in each fold: among photos of one class every hit is right


def fold_classes(parts: DataSplit, count: int) -> tuple[DataSplit, ...]:
    """The parts of each member by class-disjoint folds, as in the table: it chooses by the classes of one fold and
    learns from all others.

    The photos to learn from and to choose by are divided anew; every member learns from the classes of one photo, which
    make no query. LookalikeError where too few classes have two photos or more.
    """
    samples = sorted(parts.train + parts.validation, key=lambda sample: (sample.label, sample.sha256))
    photos = Counter(sample.label for sample in samples)
    classes = sorted(label for label in photos if photos[label] >= PAIR_SIZE)
    if len(classes) < MIN_FOLD_CLASSES * count:
        raise LookalikeError(
            "{count} folds take {limit} classes of two pictures or more to learn from; there are {classes}.",
            count=count,
            limit=MIN_FOLD_CLASSES * count,
            classes=len(classes),
        )
    fold_numbers = np.random.default_rng(0).permutation(len(classes)) % count
    fold = {label: int(fold_numbers[position]) for position, label in enumerate(classes)}
    return tuple(
        DataSplit(
            tuple(sample for sample in samples if fold.get(sample.label) != held_out),
            tuple(sample for sample in samples if fold.get(sample.label) == held_out),
            parts.test,
        )
        for held_out in range(count)
    )


def copy_parts(parts: DataSplit, count: int) -> tuple[DataSplit, ...]:
    """The same parts for each member, as in the naive ensemble of the notes: only their random numbers differ."""
    return (parts,) * count


DIVISIONS: dict[str, Callable[[DataSplit, int], tuple[DataSplit, ...]]] = {"folds": fold_classes, "copies": copy_parts}


def join_embeddings(members: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """The embeddings (n, dim) of the same photos by all members side by side, of equal weight: (n, sum of dims)."""
    side_by_side: NDArray[np.float32] = (np.concatenate(members, axis=1) / np.sqrt(len(members))).astype(np.float32)
    return side_by_side
