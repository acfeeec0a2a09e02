"""Which classes are hard to tell apart: the leaves of a class tree, and batches made of neighbours among them.

Ge, Huang, Dong, Scott 2018, "Deep Metric Learning with Hierarchical Triplet Loss", its "anchor neighbour" sampling
(lecture notes, similarity learning, sampling): a batch holds a few anchor classes and the classes nearest to each, so
that its mismatches are the ones the network still confuses. Only the distances between leaves are needed for that;
the levels above set that paper's margin, which is left out here. No torch.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

GROUP = 5  # classes: an anchor and its four nearest
SAMPLED = 10  # photos of a class, at most, that say where it is
SAMPLED_ALL = 2_000  # photos of all classes together, about: with many classes each has fewer, two at least


def sample(labels: Indices, random: np.random.Generator) -> Indices:
    """Rows, ascending, of a few photos of each class of `labels` (n,), by chance."""
    classes = np.unique(labels)
    each = max(2, min(SAMPLED, SAMPLED_ALL // max(len(classes), 1)))
    rows = [random.permutation(np.flatnonzero(labels == label))[:each] for label in classes]
    return np.sort(np.concatenate(rows))


def class_distances(embeddings: NDArray[np.float32], labels: Indices) -> Floats:
    """D(p, q), the mean squared distance between the photos of two classes, (classes, classes) in the order of
    the sorted labels; from embeddings (n, dim) and labels (n,).

    The mean over all pairs is |mean p - mean q|^2 and the spread of both, so no pair has to be made.
    """
    vectors = embeddings.astype(np.float64)
    members = [vectors[labels == label] for label in np.unique(labels)]
    means = np.stack([rows.mean(axis=0) for rows in members])
    squares = np.array([np.square(rows).sum(axis=1).mean() for rows in members])
    table: Floats = squares[:, None] + squares[None, :] - 2.0 * means @ means.T
    return table


def with_neighbours(order: list[int], apart: Floats, *, due: Floats, must: int, classes: int) -> list[int]:
    """The classes of a batch: anchors in the given order, each followed by the nearest classes with photos `due`.

    The first `must` of the order are all among them, so that an epoch leaves nobody out.
    """
    waiting, chosen = list(order), list[int]()
    while waiting and len(chosen) < classes:
        anchor = waiting.pop(0)
        chosen.append(anchor)
        owed = len(set(order[:must]).difference(chosen))
        room = max(0, min(GROUP - 1, classes - len(chosen) - owed))
        near = sorted((number for number in waiting if due[number] > 0), key=apart[anchor].__getitem__)[:room]
        chosen += near
        waiting = [number for number in waiting if number not in near]
    return chosen
