"""Photos taken one right after the other: by the clock of their camera, or by the numbers in their file names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from indexer.grouping.aligned_pictures import Pairs
from indexer.grouping.near_copies import ComparedPairs
from indexer.paths import split_path
from indexer.photos.capture_facts import CaptureTime, iterate_following

# Frames of a series with a moving subject agree in most places and not in all; numbered drawings that share a template
# differ more in the few places where they do.
LARGEST_MEDIAN, LARGEST_RATIO = 0.35, 3.5
SHARE_OF_USUAL = 0.5  # how much more alike than photos of the same folder that are not next to each other
SERIES_REACH = 5  # numbers, within which photos are no measure for each other

_NUMBERED_NAME = re.compile(rb"(.*?)(\d{3,12})(?:\.[^.]*)?", re.DOTALL)


class SeriesPlace(NamedTuple):
    """Where a file stands in a series: the path up to its number, and that number."""

    series: bytes
    number: int


def chain_captures(captures: Sequence[CaptureTime | None]) -> Pairs:
    """Pairs of rows (p, 2): photos of one camera that follow each other within seconds."""
    return _stack_pairs(iterate_following(captures))


def parse_series_place(path: bytes) -> SeriesPlace | None:
    """The series and number that a file's name ends with, of three digits and more as cameras write them; else None."""
    folder, name = split_path(path)
    match = _NUMBERED_NAME.fullmatch(name)
    return None if match is None else SeriesPlace(folder + match[1], int(match[2]))


def pair_series(places: Sequence[SeriesPlace | None]) -> Pairs:
    """Pairs of rows (p, 2) of one series whose numbers follow each other, or are the same in two formats."""
    rows: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for row, place in enumerate(places):
        if place is not None:
            rows[place.series].append((place.number, row))
    neighbours = (pair for numbered in rows.values() for pair in pairwise(sorted(numbered)))
    return _stack_pairs((row, next_row) for (one, row), (other, next_row) in neighbours if other - one <= 1)


def select_series(compared: ComparedPairs, places: Sequence[SeriesPlace | None]) -> Pairs:
    """Those of the compared pairs that follow each other in a series and are much more alike than is usual there."""
    numbers = np.array([place.number if place else -1 for place in places], np.int64)
    series = np.unique([place.series if place else b"" for place in places], return_inverse=True)[1]
    left, right = compared.pairs.T
    together = (series[left] == series[right]) & (numbers[left] >= 0)
    number_gaps = np.abs(numbers[left] - numbers[right])
    usual = np.ones(len(places), np.float32)
    others = together & (number_gaps > SERIES_REACH)
    for side in (left, right):
        np.minimum.at(usual, side[others], compared.mismatch.median[others])
    bound = np.minimum(LARGEST_MEDIAN, SHARE_OF_USUAL * np.minimum(usual[left], usual[right]))
    chosen = (number_gaps <= 1) & (compared.mismatch.median <= bound) & (compared.mismatch.ratio <= LARGEST_RATIO)
    selected: Pairs = compared.pairs[together & chosen]
    return selected


def _stack_pairs(pairs: Iterable[tuple[int, int]]) -> Pairs:
    return np.array(list(pairs), np.int64).reshape(-1, 2)
