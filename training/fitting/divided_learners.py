"""Divide and conquer the embedding space (Sanakoyeu et al. 2019): parts of the embedding that learn from parts of the
pictures.

While dividing, k-means puts the training pictures into as many groups as there are learners, anew before each epoch.
A batch is of one group, and corrects only that learner's slice of the embedding's numbers, at unit length. In the last
epochs the slices are one embedding again, which learns from all pictures. What comes out is one network of usual cost.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.data.sampler import make_epoch_batches
from training.settings.config import TrainConfig

DIVIDED_SHARE = 2 / 3  # of the epochs; the paper conquers in the last ones
Indices = NDArray[np.int64]


def is_divided(config: TrainConfig, epoch: int) -> bool:
    """Whether the learners of the settings train separately in this epoch (the first is 1)."""
    return config.learners > 1 and epoch <= round(DIVIDED_SHARE * config.epochs)


def assign_learners(embeddings: NDArray[np.floating], config: TrainConfig) -> Indices:
    """The learner (n,) of each training picture: its k-means group by embeddings (n, dim)."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  # 1 s to import, and only divided learners need it

    count = min(config.learners, len(embeddings))
    found = KMeans(count, n_init=4, random_state=config.seed).fit_predict(embeddings)
    return np.asarray(found, np.int64)


def make_divided_batches(
    labels: Indices, assignment: Indices, config: TrainConfig, epoch: int, rounds: int = 1
) -> list[Indices]:
    """As many batches as an epoch usually has, each the row numbers (m,) of one learner's pictures, in random order of
    learners, from labels (n,) and the learner of each picture (n,).

    A learner whose pictures are of one class has nothing to compare and no batch; where none has two, it is the usual
    batches.
    """
    usual = make_epoch_batches(labels, config, epoch, rounds)
    groups = [np.flatnonzero(assignment == number) for number in np.unique(assignment)]
    groups = [rows for rows in groups if len(np.unique(labels[rows])) > 1]
    plain, batches, turn = replace(config, least_steps=0), list[Indices](), 0
    while groups and len(batches) < len(usual):
        number = epoch * len(usual) + turn  # another order each time
        batches += [rows[batch] for rows in groups for batch in make_epoch_batches(labels[rows], plain, number)]
        turn += 1
    order = np.random.default_rng([config.seed, epoch]).permutation(len(batches))
    return [batches[position] for position in order[: len(usual)]] or usual


def find_slice(dim: int, learners: int, learner: int) -> slice:
    """The slice of an embedding of `dim` numbers that belongs to one of the learners."""
    bounds = np.linspace(0, dim, learners + 1).astype(int)
    return slice(int(bounds[learner]), int(bounds[learner + 1]))
