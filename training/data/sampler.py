"""Which photos go into which batch: P classes x K photos, no photo twice in a batch.

The classes come together by chance, or with their neighbours where distances between classes are given. The batches of
an epoch are a pure function of (seed, epoch) and those distances, so a training that is resumed makes the same ones and
goes on where it stopped. No torch.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from training.data.class_tree import Floats, choose_batch_classes, compute_tree_distances
from training.settings.config import TrainConfig

Indices = NDArray[np.int64]


def make_epoch_batches(
    labels: Indices, config: TrainConfig, epoch: int, rounds: int = 1, class_distances: Floats | None = None
) -> list[Indices]:
    """The batches of an epoch, each the row numbers (m,) of its photos.

    An epoch goes over all rows `rounds` times, more often where the training would otherwise have fewer steps than
    `least_steps` of the settings.
    """
    make_round = partial(
        make_round_batches, labels, classes=config.classes_per_batch, photos=config.photos_per_class, seed=config.seed
    )
    rounds = max(rounds, -(-config.least_steps // (config.epochs * len(make_round(epoch=1)))))
    first = (epoch - 1) * rounds + 1
    return list(
        chain.from_iterable(
            make_round(epoch=number, class_distances=class_distances) for number in range(first, first + rounds)
        )
    )


def make_round_batches(
    labels: Indices, *, classes: int, photos: int, seed: int, epoch: int, class_distances: Floats | None = None
) -> list[Indices]:
    """The batches of one round over the photos, each of up to `classes` x `photos` row numbers of `labels` (n,).

    `class_distances` (classes, classes), in the order of the sorted labels, brings those classes together that are
    neighbours in the tree of these distances (`class_tree.py`).

    Every class takes part with `photos` different photos, or with all it has; none is repeated to fill up, for a photo
    is no match of itself. A round shows about n photos. With classes of similar size each photo comes once (a class
    whose size is no multiple of `photos` shows a few twice, in different batches). A class comes at most once in a
    batch, so one that is larger than its share is seen in part, other photos each epoch, and small ones fill its
    batches up.
    """
    random = np.random.default_rng([seed, epoch])
    queues = [_ClassQueue(np.flatnonzero(labels == label), photos, random) for label in np.unique(labels)]
    count = -(-sum(queue.batches_due for queue in queues) // classes)
    for queue in queues:
        queue.batches_due = min(queue.batches_due, count)
    tree_distances = None if class_distances is None else compute_tree_distances(class_distances)
    batches = []
    for batches_left in range(count, 0, -1):
        chosen = _choose_classes(queues, classes, batches_left, random, tree_distances)
        batches.append(np.concatenate([queues[number].take_rows() for number in chosen]))
    return batches


@dataclass(slots=True)
class _ClassQueue:
    """The photos of one class in random order, taken `photos_per_batch` at a time; `batches_due` says how many batches
    of this round still have to hold the class.
    """

    rows: Indices
    photos_per_batch: int
    random: np.random.Generator
    batches_due: int = field(init=False)
    shuffled_rows: Indices = field(init=False)

    def __post_init__(self) -> None:
        self.batches_due = -(-len(self.rows) // self.photos_per_batch)
        self.shuffled_rows = self.random.permutation(self.rows)

    def take_rows(self) -> Indices:
        """The rows of the class's photos for the next batch; where too few are left, other photos of the class fill
        them up.
        """
        self.batches_due = max(self.batches_due - 1, 0)
        taken_rows, self.shuffled_rows = (
            self.shuffled_rows[: self.photos_per_batch],
            self.shuffled_rows[self.photos_per_batch :],
        )
        missing = min(self.photos_per_batch, len(self.rows)) - len(taken_rows)
        if missing > 0:
            refill = self.random.permutation(np.setdiff1d(self.rows, taken_rows))
            taken_rows, self.shuffled_rows = np.concatenate([taken_rows, refill[:missing]]), refill[missing:]
        return taken_rows


def _choose_classes(
    queues: list[_ClassQueue],
    classes: int,
    batches_left: int,
    random: np.random.Generator,
    tree_distances: Floats | None,
) -> list[int]:
    """The class numbers of the next batch: first the classes due in every batch that is left, then others drawn in
    proportion to the batches they are due in, then, where these are too few, others by chance.

    With `tree_distances` this is the order of the anchors, each followed by its neighbours.
    """
    batches_due = np.array([queue.batches_due for queue in queues], dtype=np.float64)
    required = batches_due >= batches_left
    # exponential times divided by weights, smallest first: drawing without replacement in proportion to the weights
    times = random.exponential(size=len(queues)) / np.maximum(batches_due, 1e-9)
    order = np.argsort(np.where(required, -1.0, times), kind="stable")
    numbers = [int(number) for number in order]
    if tree_distances is None:
        return numbers[:classes]
    return choose_batch_classes(
        numbers, tree_distances, batches_due=batches_due, required=int(required.sum()), classes=classes
    )
