"""Folds for figures out of fold: every photo is judged by a fit that has seen neither it nor its group.

A group is a set of photos that must not be parted (frames of a burst, near copies). Folds are drawn from a seeded
generator and depend on the order of photos no more than the seed says.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def assign_folds(labels: Rows, groups: Rows, fold_count: int, seed: int = 0) -> Rows:
    """Fold numbers (n,) of photos with label numbers and group numbers (n,): groups whole, each class spread evenly.

    A group of several classes goes where the class of its first photo puts it.
    """
    random = np.random.default_rng(seed)
    group_codes, first_rows = np.unique(groups, return_index=True)
    fold_of_group = np.empty(len(group_codes), np.int64)
    group_labels = labels[first_rows]
    for label in np.unique(group_labels):
        members = random.permutation(np.flatnonzero(group_labels == label))
        fold_of_group[members] = (np.arange(len(members)) + random.integers(fold_count)) % fold_count
    return fold_of_group[np.searchsorted(group_codes, groups)]


def assign_class_folds(labels: Rows, groups: Rows, fold_count: int, seed: int = 0) -> Rows:
    """Fold numbers (n,) of photos with label numbers (n,): whole classes, and classes that share a group together."""
    random = np.random.default_rng(seed)
    joined = _join_classes(labels, groups)
    units = random.permutation(np.unique(joined))
    fold_of_unit = np.empty(int(joined.max(initial=0)) + 1, np.int64)
    fold_of_unit[units] = np.arange(len(units)) % fold_count
    return fold_of_unit[joined]


def _join_classes(labels: Rows, groups: Rows) -> Rows:
    """A number (n,) for each photo that is the same for all photos of classes which share a group, however remotely."""
    joined = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    group_codes = np.unique(groups, return_inverse=True)[1]
    while True:
        least = np.full(group_codes.max(initial=0) + 1, len(joined), np.int64)
        np.minimum.at(least, group_codes, joined)
        merged = np.full(joined.max(initial=0) + 1, len(joined), np.int64)
        np.minimum.at(merged, joined, least[group_codes])
        if (merged[joined] == joined).all():
            return joined
        joined = merged[joined]


def count_groups_by_class(labels: Rows, groups: Rows) -> NDArray[np.int64]:
    """The number of groups (classes,) of each class, in the order of the label numbers that occur."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    counts: NDArray[np.int64] = np.unique(pairs[0], return_counts=True)[1].astype(np.int64)
    return counts
