"""From pairs to groups by complete linkage: everything in a group is alike to everything else in it.

Connected components would let a chain of small steps tie half a library together. Here two groups become one only if
all their members are alike, the nearest pair first, so a group is never wider than the cut-off.
"""

from collections.abc import Callable

import numpy as np

CanMerge = Callable[[list[int], list[int]], bool]
"""Whether every row of one group may stand in one group with every row of the other."""


def group_by_complete_linkage(pairs: np.ndarray, can_merge: CanMerge) -> list[list[int]]:
    """Groups of two and more rows from pairs (p, 2), the nearest first; rows in a group ascend, groups by their first.

    The result depends on the order of the pairs and on `alike` alone. Two groups that were found not to be alike are
    not compared again: what joins them later cannot make them so.
    """
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    rejected: dict[int, set[int]] = {}
    for pair in pairs.tolist():
        one, other = (group_of.setdefault(row, row) for row in pair)
        for row in pair:
            members.setdefault(group_of[row], [row])
        if one == other or other in rejected.get(one, ()):
            continue
        if can_merge(members[one], members[other]):
            _merge_groups(one, other, members, rejected, group_of)
        else:
            rejected.setdefault(one, set()).add(other)
            rejected.setdefault(other, set()).add(one)
    return sorted(sorted(rows) for rows in members.values() if len(rows) > 1)


def _merge_groups(
    one: int, other: int, members: dict[int, list[int]], rejected: dict[int, set[int]], group_of: dict[int, int]
) -> None:
    """Let the smaller group go up in the larger, with what it is apart from."""
    if len(members[one]) < len(members[other]):
        one, other = other, one
    merged_rows = members.pop(other)
    members[one] += merged_rows
    group_of.update(dict.fromkeys(merged_rows, one))
    for rejected_group in rejected.pop(other, set()):
        rejected[rejected_group].discard(other)
        rejected[rejected_group].add(one)
        rejected.setdefault(one, set()).add(rejected_group)
