"""Marks on a query: which pictures the results shall be more like or less like, and how much.

A mark is a whole number: +2 is "twice more like this", -1 "less like this". Plus and minus move along that scale, so
that each undoes the other.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from indexer.search.query import CroppedExample, Query, QueryExample
from indexer.wording import tr_count

MAX_MARKS = 5  # marks of one picture, beyond which more of them change little


class QueryMark(NamedTuple):
    """A picture of a query and its mark."""

    example: QueryExample
    times: int  # how often it counts; negative for a picture to be unlike


def list_marks(query: Query) -> list[QueryMark]:
    """The marks of a query, one for each picture: first those to be like, then those to be unlike."""
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
    """The query with the mark of a picture moved by a step; None where no picture to be like would be left."""
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


def remove_examples(query: Query, examples: Iterable[QueryExample]) -> Query | None:
    """The query without these pictures; None where no picture to be like would be left."""
    remaining: Query | None = query
    for example in examples:
        remaining = remove_example(remaining, example) if remaining else None
    return remaining


def replace_example(query: Query, example: QueryExample, replacement: QueryExample) -> Query:
    """The query with a picture replaced by another one, such as a crop of it."""
    return query._replace(
        positives=tuple(replacement if is_same_example(old, example) else old for old in query.positives),
        negatives=tuple(replacement if is_same_example(old, example) else old for old in query.negatives),
    )


def _build_query(marks: Iterable[QueryMark]) -> Query | None:
    """The query of marks: negatives as often as they count, weights only where one differs from 1.

    None where no picture is to be like.
    """
    query_marks = list(marks)
    positives = [mark for mark in query_marks if mark.times > 0]
    negatives = tuple(mark.example for mark in query_marks for _ in range(-mark.times))
    weights = tuple(float(mark.times) for mark in positives)
    if not positives:
        return None
    return Query(tuple(mark.example for mark in positives), negatives, weights if max(weights) > 1 else ())


def _find_mark_index(query_marks: list[QueryMark], example: QueryExample) -> int | None:
    return next((index for index, mark in enumerate(query_marks) if is_same_example(mark.example, example)), None)


def is_same_example(first: QueryExample, second: QueryExample) -> bool:
    """Whether two examples are the same picture; pictures in memory are compared by identity, as pixels take long."""
    if isinstance(first, CroppedExample) and isinstance(second, CroppedExample):
        return first.box == second.box and is_same_example(first.example, second.example)
    return first is second or (type(first) is type(second) and isinstance(first, int | Path) and first == second)


def name_marking(count: int, step: int) -> str:
    """What marking so many pictures is called where it can be undone: 'more like 2 pictures'."""
    if step > 0:
        return tr_count(count, "more like this", "more like {number:,} pictures")
    return tr_count(count, "less like this", "less like {number:,} pictures")
