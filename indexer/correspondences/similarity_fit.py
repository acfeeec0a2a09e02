"""Pairs of places that choose each other, and the shift, turn and size that most of them agree on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.vectors.unit_vectors import scale_to_unit_length

LEAST_SIZE, GREATEST_SIZE = 0.25, 4.0  # of the second picture's content in the first one's
LEAST_BASE = 2.0  # a turn is told by two points no nearer to each other than this, in tolerances
MAX_PAIRS = 160  # the most alike are fitted: all pairs of these are 12,720


class SimilarityFit(NamedTuple):
    """A similarity of the plane, and which of the pairs (n,) agree with it.

    It takes the point x + iy to `turn` * (x + iy) + `shift`: |turn| is its size, its angle the turn.
    """

    turn: complex
    shift: complex
    agrees: NDArray[np.bool_]


def find_mutual_neighbours(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """The rows of features (n, c) and (m, c) that choose each other by cosine: rows (k,), rows (k,), cosines (k,).

    The mean of all features is subtracted first: what is everywhere points to no place. The most alike come first.
    """
    mean = np.concatenate([first, second]).mean(axis=0)
    one, other = (scale_to_unit_length(features - mean, np.float32) for features in (first, second))
    cosines = one @ other.T
    chosen, choosing = cosines.argmax(axis=1), cosines.argmax(axis=0)
    rows = np.flatnonzero(choosing[chosen] == np.arange(len(one)))
    values = cosines[rows, chosen[rows]]
    order = np.argsort(-values, kind="stable")
    return rows[order], chosen[rows][order], values[order]


def fit_similarity(
    first: NDArray[np.complex128], second: NDArray[np.complex128], tolerance: float
) -> SimilarityFit | None:
    """The similarity transform that brings most points (n,) of `first` onto those of `second`; None where none fits.

    The points, x + iy, are pairs in the order of likeness. As RANSAC does (Fischler, Bolles 1981), each candidate is
    fitted to the fewest points that determine it, here two, and the one with which the most agree is kept; but all
    pairs of points are tried instead of some drawn by lot, so that the answer is always the same. A pair agrees where
    the distance from its place is below the tolerance, which is half a place of either picture, one of them scaled.
    """
    points, places = first[:MAX_PAIRS], second[:MAX_PAIRS]
    one, other = np.triu_indices(len(points), 1)
    bases = points[one] - points[other]
    far_apart = np.abs(bases) > LEAST_BASE * tolerance
    one, other, bases = one[far_apart], other[far_apart], bases[far_apart]
    turns = (places[one] - places[other]) / bases
    plausible = (np.abs(turns) > LEAST_SIZE) & (np.abs(turns) < GREATEST_SIZE)
    turns = turns[plausible]
    if not len(turns):
        return None
    shifts = places[one[plausible]] - turns * points[one[plausible]]
    counts = _agree(turns[:, None], shifts[:, None], points, places, tolerance).sum(axis=1)
    best = int(counts.argmax())
    turn, shift = complex(turns[best]), complex(shifts[best])
    return SimilarityFit(turn, shift, _agree(turn, shift, first, second, tolerance))


def _agree(
    turns: NDArray[np.complex128] | complex,
    shifts: NDArray[np.complex128] | complex,
    first: NDArray[np.complex128],
    second: NDArray[np.complex128],
    tolerance: float,
) -> NDArray[np.bool_]:
    return np.asarray(np.abs(turns * first + shifts - second) < tolerance * (1 + np.abs(turns)) / 2)
