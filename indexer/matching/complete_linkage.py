"""From pairs to groups by complete linkage: everything in a group is alike to everything else in it.

Connected components would let a chain of small steps join half a library. Here two groups become one only if all their
members are alike, the nearest pair first, so a group is never wider than the cut-off.
"""

from collections.abc import Callable

import numpy as np

CanMerge = Callable[[list[int], list[int]], bool]
"""Whether every row of one group may be in one group with every row of the other."""


def group_by_complete_linkage(pairs: np.ndarray, can_merge: CanMerge) -> list[list[int]]:
    """Groups of two or more rows, joined along pairs (p, 2) that come nearest first; rows ascend, and groups by their
    first row.

    The result depends on the order of the pairs and on `can_merge` alone. Two groups that may not merge are not
    compared again: more members cannot change that.
    """
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    rejected: dict[int, set[int]] = {}
    for pair in pairs.tolist():
        group, other_group = (group_of.setdefault(row, row) for row in pair)
        for row in pair:
            members.setdefault(group_of[row], [row])
        if group == other_group or other_group in rejected.get(group, ()):
            continue
        if can_merge(members[group], members[other_group]):
            _merge_groups(group, other_group, members, rejected, group_of)
        else:
            rejected.setdefault(group, set()).add(other_group)
            rejected.setdefault(other_group, set()).add(group)
    return sorted(sorted(rows) for rows in members.values() if len(rows) > 1)


def _merge_groups(
    group: int, other_group: int, members: dict[int, list[int]], rejected: dict[int, set[int]], group_of: dict[int, int]
) -> None:
    """Move the members of the smaller group, and the groups that rejected it, to the larger group."""
    smaller, larger = sorted((other_group, group), key=lambda key: len(members[key]))
    merged_rows = members.pop(smaller)
    members[larger] += merged_rows
    group_of.update(dict.fromkeys(merged_rows, larger))
    for rejected_group in rejected.pop(smaller, set()):
        rejected[rejected_group].discard(smaller)
        rejected[rejected_group].add(larger)
        rejected.setdefault(larger, set()).add(rejected_group)
