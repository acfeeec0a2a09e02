"""What a ranking with ties is expected to show: the mean over all orders of equally far photos.

Any fixed order would be unfair. Photos are mostly in order of their labels, so among equally far ones those of the
first label would always lead; and a network trained with contrastive loss puts half of its photos into a few points.
The mean over all orders is exact and needs no random numbers (McSherry, Najork 2008, "Computing Information Retrieval
Performance Measures Efficiently in the Presence of Tied Scores"). numpy only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class BoundaryTies(NamedTuple):
    """The number of photos as far as the last one of the ranking, including those beyond its end, and of matches among
    them, (b,) each.
    """

    photos: Rows
    matches: Rows


class ExpectedRanks(NamedTuple):
    """For each rank, (b, depth): the probability of a match, the expected precision (0 where it is no match), and the
    probability that no rank up to it is a match.
    """

    match: Floats
    precision: Floats
    no_match_yet: Floats


def average_over_ties(distances: Floats, same: NDArray[np.bool_], boundary: BoundaryTies) -> ExpectedRanks:
    """The expected ranks of b rankings over all orders of ties; `distances` (b, depth) ascend, `same` marks matches.

    With t photos at one distance, m of them matches, and h matches before these, the j-th of them (from 0) is a match
    with probability m/t, and then h + 1 + j (m - 1)/(t - 1) matches are expected up to it.
    """
    depth = distances.shape[1]
    ranks = np.arange(depth)
    starts = np.ones(distances.shape, np.bool_)
    starts[:, 1:] = distances[:, 1:] > distances[:, :-1]
    first = np.maximum.accumulate(np.where(starts, ranks, 0), axis=1)
    ends = np.full(distances.shape, depth)
    ends[:, :-1] = np.where(starts[:, 1:], ranks[1:], depth)
    end = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    found = np.zeros((len(distances), depth + 1), np.int64)
    np.cumsum(same, axis=1, out=found[:, 1:])
    before = np.take_along_axis(found, first, axis=1)
    last = end == depth
    photos = np.where(last, boundary.photos[:, None], end - first)
    matches = np.where(last, boundary.matches[:, None], np.take_along_axis(found, end, axis=1) - before)
    place = ranks - first
    match = matches / photos
    matches_so_far = before + 1 + place * (matches - 1) / np.maximum(photos - 1, 1)
    no_match_yet = np.cumprod(np.maximum(photos - matches - place, 0) / (photos - place), axis=1, dtype=np.float64)
    return ExpectedRanks(match, match * matches_so_far / (ranks + 1), no_match_yet)
