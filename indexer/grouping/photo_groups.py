"""Which photos must not be parted in an exam: near copies, frames of a burst, and what a given column says.

A model that has seen one frame of a burst finds the others without having learned anything, so they stand on one side
of every split, and a hit from the query's own group proves nothing. Groups are a function of contents and file names,
never of a model or of the order in which photos come: what is joined by any of the three ways is joined for good.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.grouping.aligned_pictures import Pairs, SmallPictures, measure_mismatches
from indexer.grouping.bursts import chain_captures, pair_series, parse_series_place, select_series
from indexer.grouping.near_copies import MeasurePairs, compare_neighbours, connect_pairs, select_same_pictures
from indexer.photos.capture_facts import CaptureTime
from indexer.photos.photo_traits import PhotoTraits
from indexer.progress import Steps
from indexer.vectors.distances import compute_squared_distances
from indexer.wording import count_noun

CANDIDATE_DISTANCE = 0.75  # Euclidean, of unit vectors; tests/benchmarks/bench_groups.py has what lies within it
BLOCK_ROWS = 1024


class GroupCandidate(NamedTuple):
    """A photo to be grouped: one of its files, its content hash, its traits where it can be read, its entry in a column
    of groups, and the moment of its taking where it is known without the traits.
    """

    path: bytes
    sha256: bytes
    traits: PhotoTraits | None
    column: str | None = None
    capture: CaptureTime | None = None


class PhotoGroups(NamedTuple):
    """The group (n,) int64 of each photo, numbered by content; and how many photos are with others as frames of a
    burst, as near copies and not as frames, or only by the column.
    """

    numbers: NDArray[np.int64]
    burst_frames: int
    near_copies: int
    by_column: int


def find_photo_groups(
    photos: Sequence[GroupCandidate], measure: MeasurePairs = measure_mismatches
) -> Steps[PhotoGroups]:
    """The groups of distinct photos; those that cannot be read are alone, unless by moment or column.

    `measure` says how unlike two pictures are.
    """
    order = np.array(sorted(range(len(photos)), key=lambda row: photos[row].sha256), np.int64)
    ordered = [photos[row] for row in order]
    bursts, copies = yield from _link_by_traits(ordered, measure)
    columns = _link_by_column(ordered)
    components = connect_pairs(np.concatenate([bursts, copies, columns]), len(photos))
    numbers = np.empty(len(photos), np.int64)
    numbers[order] = _number_by_first(components)
    frames, copied, listed = (_mark_rows(pairs, len(photos)) for pairs in (bursts, copies, columns))
    return PhotoGroups(
        numbers, int(frames.sum()), int((copied & ~frames).sum()), int((listed & ~copied & ~frames).sum())
    )


def find_close_rows(vectors: np.ndarray) -> NDArray[np.int64]:
    """Rows of the unit vectors (n, dim) within CANDIDATE_DISTANCE of another one."""
    is_close = np.zeros(len(vectors), np.bool_)
    for start in range(0, len(vectors), BLOCK_ROWS):
        squares = compute_squared_distances(vectors, vectors[start : start + BLOCK_ROWS])
        is_close[start : start + BLOCK_ROWS] = (squares <= CANDIDATE_DISTANCE**2).sum(axis=0) > 1
    return np.flatnonzero(is_close)


def count_groups(groups: PhotoGroups) -> int:
    """How many groups there are, photos that are alone among them."""
    return len(np.unique(groups.numbers))


def summarise_groups(groups: PhotoGroups) -> str:
    """The groups in a sentence: '264 photos in 240 groups: 31 frames of bursts and 12 near copies stay together.'"""
    photos, count = len(groups.numbers), count_groups(groups)
    reasons = [
        count_noun(number, one, more)
        for number, one, more in (
            (groups.burst_frames, "frame of a burst", "frames of bursts"),
            (groups.near_copies, "near copy", "near copies"),
            (groups.by_column, "photo of a given group", "photos of given groups"),
        )
        if number
    ]
    if not reasons:
        return f"{count_noun(photos, 'photo')}, none of them a near copy or a frame of a burst of another."
    listed = ", ".join(reasons[:-1]) + " and " + reasons[-1] if len(reasons) > 1 else reasons[0]
    return f"{count_noun(photos, 'photo')} in {count_noun(count, 'group')}: {listed} stay together."


def describe_own_hits(queries: int, nearest_in_group: int) -> str:
    """A sentence on queries to which a photo of their own group was nearest, "" without any."""
    if not nearest_in_group:
        return ""
    return (
        f"Of {count_noun(queries, 'query', 'queries')} {nearest_in_group:,} had a photo of their own group as nearest, "
        "which proves nothing and is left out."
    )


def _link_by_traits(photos: Sequence[GroupCandidate], measure: MeasurePairs) -> Steps[tuple[Pairs, Pairs]]:
    """Pairs of rows (p, 2) of frames of a burst, and of photos that show the same picture."""
    frames = chain_captures([photo.traits.capture if photo.traits else photo.capture for photo in photos])
    rows = np.array([row for row, photo in enumerate(photos) if photo.traits is not None], np.int64)
    traits = [photo.traits for photo in photos if photo.traits is not None]
    if not traits:
        return frames, np.empty((0, 2), np.int64)
    pictures = SmallPictures(np.stack([one.grey for one in traits]), np.stack([one.colours for one in traits]))
    places = [parse_series_place(photos[row].path) for row in rows]
    aspects = np.array([one.aspect for one in traits])
    compared = yield from compare_neighbours(pictures, aspects, pair_series(places), measure)
    bursts = np.concatenate([frames, rows[select_series(compared, places)]])
    return bursts, rows[select_same_pictures(pictures, compared)]


def _link_by_column(photos: Sequence[GroupCandidate]) -> Pairs:
    """Pairs of rows (p, 2): each photo with the first of its entry in the column."""
    first: dict[str, int] = {}
    named = [(row, photo.column) for row, photo in enumerate(photos) if photo.column is not None]
    pairs = [(first.setdefault(column, row), row) for row, column in named]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)


def _number_by_first(components: NDArray[np.int64]) -> NDArray[np.int64]:
    """The components (n,) numbered in the order of their first rows."""
    _, first, numbers = np.unique(components, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[numbers], np.int64)


def _mark_rows(pairs: Pairs, count: int) -> NDArray[np.bool_]:
    marked = np.zeros(count, bool)
    marked[pairs.ravel()] = True
    return marked
