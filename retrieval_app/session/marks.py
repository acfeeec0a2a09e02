"""Marks on a query: which pictures the results shall be more like or less like, and how much.

A mark is a whole number: +2 is "twice more like this", -1 "less like this". Plus and minus move along that scale, so
that each undoes the other.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from indexer.search.query import Cropped, Example, Query

MOST = 5  # marks of one picture, beyond which more of them change little


class Mark(NamedTuple):
    """A picture of a query and how often it counts; negative for a picture to be unlike."""

    example: Example
    times: int


def marks(query: Query) -> list[Mark]:
    """The pictures of a query, each once: those to be like, then those to be unlike."""
    weights = query.weights or (1.0,) * len(query.positives)
    found = [Mark(example, max(1, round(weight))) for example, weight in zip(query.positives, weights, strict=True)]
    for example in query.negatives:
        place = _place(found, example)
        if place is None:
            found.append(Mark(example, -1))
        else:
            found[place] = Mark(example, found[place].times - 1)
    return found


def marked(query: Query | None, example: Example, by: int) -> Query | None:
    """The query with a picture moved along the scale; None where no picture to be like would be left."""
    found = marks(query) if query else []
    place = _place(found, example)
    if place is None:
        found.append(Mark(example, by))
    else:
        times = found[place].times + by
        found[place] = Mark(example, max(-MOST, min(MOST, times)))
    return _query(found)


def without(query: Query, example: Example) -> Query | None:
    """The query without a picture; None where no picture to be like would be left."""
    return _query(mark for mark in marks(query) if not same(mark.example, example))


def replaced(query: Query, example: Example, by: Example) -> Query:
    """The query with another picture, maybe a crop, in the place of one."""
    return query._replace(
        positives=tuple(by if same(one, example) else one for one in query.positives),
        negatives=tuple(by if same(one, example) else one for one in query.negatives),
    )


def _query(found: Iterable[Mark]) -> Query | None:
    """Positives with weights, negatives as often as they count; weights are only given where they differ from 1."""
    kept = list(found)
    positives = [mark for mark in kept if mark.times > 0]
    negatives = tuple(mark.example for mark in kept for _ in range(-mark.times))
    weights = tuple(float(mark.times) for mark in positives)
    if not positives:
        return None
    return Query(tuple(mark.example for mark in positives), negatives, weights if max(weights) > 1 else ())


def _place(found: list[Mark], example: Example) -> int | None:
    return next((place for place, mark in enumerate(found) if same(mark.example, example)), None)


def same(one: Example, other: Example) -> bool:
    """Whether two examples are the same picture; pictures in memory are by identity, as comparing pixels is slow."""
    if isinstance(one, Cropped) and isinstance(other, Cropped):
        return one.box == other.box and same(one.example, other.example)
    return one is other or (type(one) is type(other) and isinstance(one, int | Path) and one == other)
