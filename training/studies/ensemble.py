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
from training.data.split import PAIR, Split

CLASSES_TO_ASK = 2  # in a fold: among photos of one class every answer is right


def class_folds(parts: Split, count: int) -> tuple[Split, ...]:
    """Class-disjoint folds, as in the table: each member chooses by the classes of one and learns from all others.

    The photos to learn from and to choose by are dealt anew; classes of one photo, which have nothing to ask for, are
    learned from by every member. LookalikeError where too few have more.
    """
    samples = sorted(parts.train + parts.validation, key=lambda sample: (sample.label, sample.sha256))
    photos = Counter(sample.label for sample in samples)
    classes = sorted(label for label in photos if photos[label] >= PAIR)
    if len(classes) < CLASSES_TO_ASK * count:
        raise LookalikeError(
            f"{count} folds take {CLASSES_TO_ASK * count} classes of two pictures or more to learn from; there are "
            f"{len(classes)}."
        )
    dealt = np.random.default_rng(0).permutation(len(classes)) % count
    fold = {label: int(dealt[position]) for position, label in enumerate(classes)}
    return tuple(
        Split(
            tuple(sample for sample in samples if fold.get(sample.label) != held_out),
            tuple(sample for sample in samples if fold.get(sample.label) == held_out),
            parts.test,
        )
        for held_out in range(count)
    )


def copies(parts: Split, count: int) -> tuple[Split, ...]:
    """The naive ensemble of the notes: the same photos for each, so that chance alone makes them differ."""
    return (parts,) * count


DIVISIONS: dict[str, Callable[[Split, int], tuple[Split, ...]]] = {"folds": class_folds, "copies": copies}


def joined(members: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Embeddings (n, dim) of the same photos by each member, side by side, each of equal weight: (n, all dims)."""
    side_by_side: NDArray[np.float32] = (np.concatenate(members, axis=1) / np.sqrt(len(members))).astype(np.float32)
    return side_by_side
