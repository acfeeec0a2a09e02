"""From pairs to groups by complete linkage: everything in a group is alike to everything else in it.

Connected components would let a chain of small steps tie half a library together. Here two groups become one only if
all their members are alike, the nearest pair first, so a group is never wider than the cut-off.
"""

from collections.abc import Callable

import numpy as np

Alike = Callable[[list[int], list[int]], bool]
"""Whether every row of one group may stand in one group with every row of the other."""


def complete_link(pairs: np.ndarray, alike: Alike) -> list[list[int]]:
    """Groups of two and more rows from pairs (p, 2), the nearest first; rows in a group ascend, groups by their first.

    The result depends on the order of the pairs and on `alike` alone. Two groups that were found not to be alike are
    not compared again: what joins them later cannot make them so.
    """
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    apart: dict[int, set[int]] = {}
    for pair in pairs.tolist():
        one, other = (group_of.setdefault(row, row) for row in pair)
        for row in pair:
            members.setdefault(group_of[row], [row])
        if one == other or other in apart.get(one, ()):
            continue
        if alike(members[one], members[other]):
            _join(one, other, members, apart, group_of)
        else:
            apart.setdefault(one, set()).add(other)
            apart.setdefault(other, set()).add(one)
    return sorted(sorted(rows) for rows in members.values() if len(rows) > 1)


def _join(
    one: int, other: int, members: dict[int, list[int]], apart: dict[int, set[int]], group_of: dict[int, int]
) -> None:
    """Let the smaller group go up in the larger, with what it is apart from."""
    if len(members[one]) < len(members[other]):
        one, other = other, one
    joining = members.pop(other)
    members[one] += joining
    group_of.update(dict.fromkeys(joining, one))
    for third in apart.pop(other, set()):
        apart[third].discard(other)
        apart[third].add(one)
        apart.setdefault(one, set()).add(third)
