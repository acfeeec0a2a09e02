"""Groups of photos in figures: near copies and frames of one burst say nothing about finding each other. numpy only.

The photos of a query's own group are neither hits nor misses, and a pair within a group is neither matched nor not.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def check_groups(groups: ArrayLike | None, count: int) -> Rows:
    """Groups (n,) as codes 0, 1, ...; without any each of the `count` photos is a group of its own."""
    if groups is None:
        return np.arange(count)
    if np.shape(groups) != (count,):
        raise ValueError(f"groups {np.shape(groups)} do not fit {count} embeddings")
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)


def count_matches(codes: Rows, group_codes: Rows) -> Rows:
    """How many others of its label each photo has, (n,), outside its own group."""
    label_groups = np.unique(codes * (group_codes.max(initial=0) + 1) + group_codes, return_inverse=True)[1]
    return np.asarray(np.bincount(codes)[codes] - np.bincount(label_groups)[label_groups], np.int64)


def set_group_apart(squared: Floats, group_codes: Rows, queries: Rows) -> int:
    """Make the distances (b, n) of the queries (b,) to photos of their own group infinite; returns how many of them
    have such a photo as near as any other.
    """
    if len(np.unique(group_codes)) == len(group_codes):
        return 0
    nearest = squared.min(axis=1)
    fellows = group_codes[queries, None] == group_codes
    nearest_fellows = np.where(fellows, squared, np.inf).min(axis=1)
    squared[fellows] = np.inf
    return int((np.isfinite(nearest_fellows) & (nearest_fellows <= nearest)).sum())


def find_group_ends(codes: Rows, group_codes: Rows) -> Rows:
    """For rows sorted by label, then group: the index (n,) just behind the last row with the same label and group."""
    changes = (codes[1:] != codes[:-1]) | (group_codes[1:] != group_codes[:-1])
    ends = np.append(np.flatnonzero(changes) + 1, len(codes))
    return np.asarray(np.repeat(ends, np.diff(ends, prepend=0)), np.int64)
