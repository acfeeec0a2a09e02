"""Marks on a query: which pictures the results shall be more like or less like, and how much.

A mark is a whole number: +2 is "twice more like this", -1 "less like this". Plus and minus move along that scale, so
that each undoes the other.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from indexer.search.query import CroppedExample, Query, QueryExample

MAX_MARKS = 5  # marks of one picture, beyond which more of them change little


class QueryMark(NamedTuple):
    """A picture of a query and how often it counts; negative for a picture to be unlike."""

    example: QueryExample
    times: int


def list_marks(query: Query) -> list[QueryMark]:
    """The pictures of a query, each once: those to be like, then those to be unlike."""
    weights = query.weights or (1.0,) * len(query.positives)
    query_marks = [
        QueryMark(example, max(1, round(weight))) for example, weight in zip(query.positives, weights, strict=True)
    ]
    for example in query.negatives:
        index = _find_mark_index(query_marks, example)
        if index is None:
            query_marks.append(QueryMark(example, -1))
        else:
            query_marks[index] = QueryMark(example, query_marks[index].times - 1)
    return query_marks


def adjust_mark(query: Query | None, example: QueryExample, step: int) -> Query | None:
    """The query with a picture moved along the scale; None where no picture to be like would be left."""
    query_marks = list_marks(query) if query else []
    index = _find_mark_index(query_marks, example)
    if index is None:
        query_marks.append(QueryMark(example, step))
    else:
        times = query_marks[index].times + step
        query_marks[index] = QueryMark(example, max(-MAX_MARKS, min(MAX_MARKS, times)))
    return _build_query(query_marks)


def remove_example(query: Query, example: QueryExample) -> Query | None:
    """The query without a picture; None where no picture to be like would be left."""
    return _build_query(mark for mark in list_marks(query) if not is_same_example(mark.example, example))


def replace_example(query: Query, example: QueryExample, replacement: QueryExample) -> Query:
    """The query with another picture, maybe a crop, in the place of one."""
    return query._replace(
        positives=tuple(replacement if is_same_example(one, example) else one for one in query.positives),
        negatives=tuple(replacement if is_same_example(one, example) else one for one in query.negatives),
    )


def _build_query(given_marks: Iterable[QueryMark]) -> Query | None:
    """Positives with weights, negatives as often as they count; weights are only given where they differ from 1."""
    query_marks = list(given_marks)
    positives = [mark for mark in query_marks if mark.times > 0]
    negatives = tuple(mark.example for mark in query_marks for _ in range(-mark.times))
    weights = tuple(float(mark.times) for mark in positives)
    if not positives:
        return None
    return Query(tuple(mark.example for mark in positives), negatives, weights if max(weights) > 1 else ())


def _find_mark_index(query_marks: list[QueryMark], example: QueryExample) -> int | None:
    return next((place for place, mark in enumerate(query_marks) if is_same_example(mark.example, example)), None)


def is_same_example(one: QueryExample, other: QueryExample) -> bool:
    """Whether two examples are the same picture; pictures in memory are by identity, as comparing pixels is slow."""
    if isinstance(one, CroppedExample) and isinstance(other, CroppedExample):
        return one.box == other.box and is_same_example(one.example, other.example)
    return one is other or (type(one) is type(other) and isinstance(one, int | Path) and one == other)
