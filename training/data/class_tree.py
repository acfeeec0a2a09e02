"""Which classes are hard to tell apart: a tree of the classes, and batches made of neighbours in it.

Ge, Huang, Dong, Scott 2018, "Deep Metric Learning with Hierarchical Triplet Loss" (lecture notes, similarity learning,
sampling): classes are the leaves of a tree and those that are near each other share a node; a batch holds a few anchor
classes and the neighbours of each, so that its mismatches are the ones the network still confuses. The paper takes the
leaves nearest to an anchor and lets the tree set a margin. Here the tree chooses the neighbours: those that share the
lowest node with the anchor, and among these the nearest; the margins are for the loss "triplet-hierarchical". No torch.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

GROUP_SIZE = 5  # classes: an anchor and its four nearest
TREE_LEVELS = 16  # levels of the tree above its leaves, about as many as the paper's has
CLASS_SAMPLE_SIZE = 10  # photos of a class, at most, that say where it is
TOTAL_SAMPLE_SIZE = 2_000  # photos of all classes together, about: with many classes each has fewer, two at least


def sample_class_rows(labels: Indices, random: np.random.Generator) -> Indices:
    """Ascending rows of a random sample of each class of `labels` (n,), at most CLASS_SAMPLE_SIZE photos a class."""
    classes = np.unique(labels)
    per_class = max(2, min(CLASS_SAMPLE_SIZE, TOTAL_SAMPLE_SIZE // max(len(classes), 1)))
    rows = [random.permutation(np.flatnonzero(labels == label))[:per_class] for label in classes]
    return np.sort(np.concatenate(rows))


def measure_class_distances(embeddings: NDArray[np.float32], labels: Indices) -> Floats:
    """D(p, q), the mean squared distance between the photos of two classes, float64 (classes, classes) in the order of
    the sorted labels; from embeddings (n, dim) and labels (n,).

    The mean over all pairs is |mean p - mean q|^2 plus the spread of both classes, so the pairs are never listed. On
    the diagonal it is the mean over pairs of different photos, 0 for a class of one photo.
    """
    vectors = embeddings.astype(np.float64)
    members = [vectors[labels == label] for label in np.unique(labels)]
    means = np.stack([rows.mean(axis=0) for rows in members])
    squares = np.array([np.square(rows).sum(axis=1).mean() for rows in members])
    table: Floats = squares[:, None] + squares[None, :] - 2.0 * means @ means.T
    photos = np.array([len(rows) for rows in members])
    np.fill_diagonal(table, table.diagonal() * photos / np.maximum(photos - 1, 1))
    return table


def compute_level_limits(class_distances: Floats) -> Floats:
    """The distance below which classes share a node, for the levels 0 to TREE_LEVELS: l (4 - d_0) / TREE_LEVELS + d_0.

    d_0 is the mean distance within classes, 4 the largest possible squared distance.
    """
    within = float(class_distances.diagonal().mean())
    limits: Floats = within + np.arange(TREE_LEVELS + 1) * (4 - within) / TREE_LEVELS
    return limits


def compute_tree_levels(class_distances: Floats) -> Indices:
    """The level of the lowest node that two classes share, int64 (classes, classes): 0 for a class itself, TREE_LEVELS
    at the top; from their D(p, q) between embeddings of unit length.

    At a level, classes nearer than its limit share a node, and so do classes that a chain of nearer ones links.
    """
    limits = compute_level_limits(class_distances)[1:-1]
    levels: Indices = 1 + np.searchsorted(limits, _measure_linkage(class_distances), side="right")
    np.fill_diagonal(levels, 0)
    return levels


def compute_tree_margins(class_distances: Floats, least: float) -> Floats:
    """The margin of squared distances between an anchor's class and a mismatch's, (classes, classes), 0 for a class
    itself: least + d_l - s (Ge et al. 2018, eq. 5).

    d_l is the limit of the level where the two classes meet, s the mean squared distance within the anchor's class, so
    classes that are far apart in the tree have to stay farther, and scattered ones less far.
    """
    limits, within = compute_level_limits(class_distances), class_distances.diagonal()
    margins: Floats = least + limits[compute_tree_levels(class_distances)] - within[:, None]
    np.fill_diagonal(margins, 0.0)
    return margins


def _measure_linkage(class_distances: Floats) -> Floats:
    """The distance at which single linkage joins two classes, (classes, classes): the longest step of the chain of
    classes between them whose longest step is shortest.
    """
    from scipy.cluster import hierarchy  # noqa: PLC0415 (only hard-classes sampling needs it)
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    if len(class_distances) == 1:
        return np.zeros_like(class_distances)
    links = hierarchy.linkage(squareform(class_distances, checks=False), "single")
    linked: Floats = squareform(hierarchy.cophenet(links))
    return linked


def compute_tree_distances(class_distances: Floats) -> Floats:
    """How far apart two classes are in their tree, (classes, classes): the level of the lowest node they share, plus
    D(p, q) scaled to less than 1, which orders the classes of one node.
    """
    tree_distances: Floats = compute_tree_levels(class_distances) + class_distances / (1 + class_distances.max())
    return tree_distances


def choose_batch_classes(
    order: list[int], tree_distances: Floats, *, batches_due: Floats, required: int, classes: int
) -> list[int]:
    """The class numbers of a batch: anchors in the given order, each followed by the nearest classes that have batches
    due, at most GROUP_SIZE - 1 of them.

    The first `required` of the order are all among them, so that an epoch leaves no class out.
    """
    waiting, chosen = list(order), list[int]()
    while waiting and len(chosen) < classes:
        anchor = waiting.pop(0)
        chosen.append(anchor)
        required_left = len(set(order[:required]).difference(chosen))
        room = max(0, min(GROUP_SIZE - 1, classes - len(chosen) - required_left))
        candidates = [number for number in waiting if batches_due[number] > 0]
        neighbours = sorted(candidates, key=tree_distances[anchor].__getitem__)[:room]
        chosen += neighbours
        waiting = [number for number in waiting if number not in neighbours]
    return chosen
