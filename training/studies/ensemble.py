"""Several small models instead of one: each learns from its own part of the photos, and their embeddings are joined.

The table of the lecture notes (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check") calls the figures of
the members alone "separated", those of their embeddings side by side "concatenated". An experiment: what a library is
indexed with stays one model.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from training.data.split import PAIR_SIZE, DataSplit

MIN_FOLD_CLASSES = 2  # in a fold: among photos of one class every answer is right


def fold_classes(parts: DataSplit, count: int) -> tuple[DataSplit, ...]:
    """Class-disjoint folds, as in the table: each member chooses by the classes of one and learns from all others.

    The photos to learn from and to choose by are dealt anew; classes of one photo, which have nothing to ask for, are
    learned from by every member. LookalikeError where too few have more.
    """
    samples = sorted(parts.train + parts.validation, key=lambda sample: (sample.label, sample.sha256))
    photos = Counter(sample.label for sample in samples)
    classes = sorted(label for label in photos if photos[label] >= PAIR_SIZE)
    if len(classes) < MIN_FOLD_CLASSES * count:
        raise LookalikeError(
            f"{count} folds take {MIN_FOLD_CLASSES * count} classes of two pictures or more to learn from; there are "
            f"{len(classes)}."
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
    """The naive ensemble of the notes: the same photos for each, so that chance alone makes them differ."""
    return (parts,) * count


DIVISIONS: dict[str, Callable[[DataSplit, int], tuple[DataSplit, ...]]] = {"folds": fold_classes, "copies": copy_parts}


def join_embeddings(members: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Embeddings (n, dim) of the same photos by each member, side by side, each of equal weight: (n, all dims)."""
    side_by_side: NDArray[np.float32] = (np.concatenate(members, axis=1) / np.sqrt(len(members))).astype(np.float32)
    return side_by_side
