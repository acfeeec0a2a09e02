"""Which photos must not be parted in an exam: frames of a burst and near copies, told by how close they lie.

A frame of a burst beside the one that is asked about makes every model right, and a map that has seen it is flattered.
Two photos are grouped where they lie much closer than photos of the collection usually do, and at most as far as the
frames of a burst: shifted by a few pixels, with noise and a little more or less light, the frames of 48 made bursts lay
0.28 apart in the median under the default model, and the links that hold a burst together below 0.34 in nine of ten.
Grouping errs on the side of too much: a group too many parts fewer photos, and flatters nobody.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from indexer.vectors.distances import compute_squared_distances

MOST_APART = 0.40  # Euclidean, of unit vectors
USUAL_NEIGHBOUR = 10  # a burst has seldom more frames, so the tenth nearest is another photo
USUAL_SHARE = 0.5  # of the usual distance to that neighbour, where photos lie close by nature
BLOCK_ROWS = 1024


def group_alike_photos(vectors: np.ndarray) -> NDArray[np.int64]:
    """Group numbers (n,) of photos with unit vectors (n, dim): photos that a chain of links joins share one."""
    count = len(vectors)
    limit = min(MOST_APART, USUAL_SHARE * _measure_usual_distance(vectors))
    left, right = [np.arange(0)], [np.arange(0)]
    for start in range(0, count, BLOCK_ROWS):
        squares = compute_squared_distances(vectors, vectors[start : start + BLOCK_ROWS])
        rows, columns = np.nonzero(squares < limit**2)
        left.append(rows)
        right.append(columns + start)
    pairs = np.concatenate(left), np.concatenate(right)
    links = coo_array((np.ones(len(pairs[0]), np.bool_), pairs), shape=(count, count))
    groups: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def _measure_usual_distance(vectors: np.ndarray) -> float:
    """The median distance to the tenth nearest other photo, among at most 1,024 photos evenly spaced; 2 with fewer."""
    count = len(vectors)
    if count <= USUAL_NEIGHBOUR + 1:
        return 2.0
    asked = vectors[:: max(1, -(-count // BLOCK_ROWS))]
    squares = compute_squared_distances(vectors, asked)
    tenth = np.partition(squares, USUAL_NEIGHBOUR, axis=0)[USUAL_NEIGHBOUR]
    return float(np.sqrt(max(0.0, float(np.median(tenth)))))
