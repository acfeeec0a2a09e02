"""Which photos go into which batch: P classes x K photos, no photo twice in a batch.

The classes come together by chance, or with their neighbours where distances between classes are given.

The batches of an epoch are a pure function of (seed, epoch) and those distances: a run taken up again makes the same
ones and goes on where it stopped. No torch.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from training.data.class_tree import Floats, in_tree, with_neighbours
from training.settings.config import TrainConfig

Indices = NDArray[np.int64]


def dealt(
    labels: Indices, config: TrainConfig, epoch: int, rounds: int = 1, apart: Floats | None = None
) -> list[Indices]:
    """The batches of an epoch, which goes over all rows `rounds` times; more often where the training would have fewer
    steps than the settings want at least.
    """
    deal = partial(batches, labels, classes=config.classes_per_batch, photos=config.photos_per_class, seed=config.seed)
    rounds = max(rounds, -(-config.least_steps // (config.epochs * len(deal(epoch=1)))))
    first = (epoch - 1) * rounds + 1
    return list(chain.from_iterable(deal(epoch=number, apart=apart) for number in range(first, first + rounds)))


def batches(
    labels: Indices, *, classes: int, photos: int, seed: int, epoch: int, apart: Floats | None = None
) -> list[Indices]:
    """The batches of one epoch, each of up to `classes` x `photos` row numbers of `labels` (n,).

    `apart` (classes, classes), in the order of the sorted labels, brings those together that are neighbours in the tree
    of these distances (`class_tree.py`).

    Every class takes part with `photos` different photos, or with all it has: none is repeated to fill up, for a photo
    is no match of itself. An epoch shows about n photos. With classes of like size each photo comes once (a class whose
    size is no multiple of `photos` shows a few twice, in different batches). A class comes at most once in a batch, so
    one that is larger than its share is seen in part, other photos each epoch, and small ones fill its batches up.
    """
    random = np.random.default_rng([seed, epoch])
    decks = [_Deck(np.flatnonzero(labels == label), photos, random) for label in np.unique(labels)]
    count = -(-sum(deck.left for deck in decks) // classes)
    for deck in decks:
        deck.left = min(deck.left, count)
    tree = None if apart is None else in_tree(apart)
    return [
        np.concatenate([decks[number].deal() for number in _choose(decks, classes, count - done, random, tree)])
        for done in range(count)
    ]


@dataclass(slots=True)
class _Deck:
    """The photos of one class, dealt in hands of K from a shuffled pile; `left` hands are due in this epoch."""

    rows: Indices
    hand: int
    random: np.random.Generator
    left: int = field(init=False)
    pile: Indices = field(init=False)

    def __post_init__(self) -> None:
        self.left = -(-len(self.rows) // self.hand)
        self.pile = self.random.permutation(self.rows)

    def deal(self) -> Indices:
        """The next hand; one that runs short is filled from the class's other photos."""
        self.left = max(self.left - 1, 0)
        dealt, self.pile = self.pile[: self.hand], self.pile[self.hand :]
        missing = min(self.hand, len(self.rows)) - len(dealt)
        if missing > 0:
            again = self.random.permutation(np.setdiff1d(self.rows, dealt))
            dealt, self.pile = np.concatenate([dealt, again[:missing]]), again[missing:]
        return dealt


def _choose(
    decks: list[_Deck], classes: int, batches_left: int, random: np.random.Generator, tree: Floats | None
) -> list[int]:
    """The classes of the next batch: first those due in every batch that is left, then by chance, in proportion to
    the hands due, then, where too few have any due, by chance among the rest; or these as anchors.
    """
    due = np.array([deck.left for deck in decks], dtype=np.float64)
    must = due >= batches_left
    # exponential times divided by weights, smallest first: drawing without replacement in proportion to the weights
    times = random.exponential(size=len(decks)) / np.maximum(due, 1e-9)
    order = np.argsort(np.where(must, -1.0, times), kind="stable")
    numbers = [int(number) for number in order]
    if tree is None:
        return numbers[:classes]
    return with_neighbours(numbers, tree, due=due, must=int(must.sum()), classes=classes)
