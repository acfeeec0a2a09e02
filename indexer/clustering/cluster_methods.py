"""Groups of unit vectors: k-means, which puts each vector into one, and HDBSCAN, which leaves out what lies alone.

Both are scikit-learn's: Lloyd 1982 with the start of Arthur and Vassilvitskii 2007, and Campello, Moulavi, Sander 2013.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from indexer.progress import Progress, Steps
from indexer.wording import tr

MOST_FITTED_ROWS = 20_000  # of k-means: more change the means little
MOST_DENSE_ROWS = 10_000  # of HDBSCAN, whose time grows with their square
MOST_JUDGED_ROWS = 2_000  # by which the number of groups is chosen
TRIED_COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
LEAST_ROWS_PER_GROUP = 3  # on average, of a number of groups that is tried
SILHOUETTE_SHARE = 0.95  # of the best silhouette, which fewer groups have to reach
LEAST_DENSE_PHOTOS, DENSE_SHARE = 5, 1000  # a dense group has so many photos, or one in a thousand of them
CORE_NEIGHBOURS = 2  # HDBSCAN's min_samples: on 248 drawings 2 leaves out 0.22 of them, 5 leaves out 0.27 or more
STRAY_SHARE = 0.05  # of the members of a dense group, which may lie further out than what joins it
ROWS_PER_BLOCK = 1_024


class ClusterMethod(NamedTuple):
    """A method of clustering unit vectors (n, width): its name, what its number means, and its function.

    `find` takes the vectors and the number, 0 to have it chosen, and returns the group (n,) of each, -1 for none.
    """

    text: str
    number: str
    find: Callable[[np.ndarray, int], Steps[np.ndarray]]


def find_kmeans_clusters(values: np.ndarray, count: int = 0) -> Steps[np.ndarray]:
    """The group (n,) of each unit vector (n, width) by k-means with `count` groups; 0 chooses by the silhouette.

    Fewer groups come of fewer different vectors.
    """
    rows = _take_evenly(values, MOST_FITTED_ROWS)
    most = len(np.unique(rows, axis=0))
    if not count:
        count = yield from _choose_count(_take_evenly(values, MOST_JUDGED_ROWS))
    yield Progress("cluster", 0, 0, tr("{groups} groups", groups=min(count, most)))
    codes: np.ndarray = _fit_kmeans(rows, min(count, most)).predict(values)
    return codes.astype(np.int64)


def find_density_clusters(values: np.ndarray, least: int = 0) -> Steps[np.ndarray]:
    """The group (n,) of each unit vector (n, width) by HDBSCAN, -1 where it lies alone; `least` vectors make a group.

    Beyond MOST_DENSE_ROWS evenly spaced vectors are grouped, and each other one joins its nearest of them where it is
    as near to that one as the members of the group are to each other.
    """
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415  # 1 s to import, and only groups need it

    rows = _take_evenly(values, MOST_DENSE_ROWS)
    least = least or max(LEAST_DENSE_PHOTOS, len(rows) // DENSE_SHARE)
    yield Progress("cluster", 0, 0, tr("looking for dense groups"))
    if len(rows) <= max(least, CORE_NEIGHBOURS):
        return np.full(len(values), -1)
    found = HDBSCAN(min_cluster_size=max(2, least), min_samples=CORE_NEIGHBOURS, copy=True).fit_predict(rows)
    codes: np.ndarray = found.astype(np.int64)
    return codes if len(rows) == len(values) else (yield from _join_nearest(values, rows, codes))


def _take_evenly(values: np.ndarray, most: int) -> np.ndarray:
    return values[:: max(1, -(-len(values) // most))]


def _fit_kmeans(rows: np.ndarray, count: int) -> Any:
    from sklearn.cluster import KMeans  # noqa: PLC0415  # as above

    return KMeans(max(1, count), n_init=4, random_state=0).fit(rows)


def _choose_count(rows: np.ndarray) -> Steps[int]:
    """The fewest groups whose mean silhouette (Rousseeuw 1987) is nearly the best; 1 where all are alike."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415  # as above

    most = min(len(rows) // LEAST_ROWS_PER_GROUP, len(np.unique(rows, axis=0)) - 1)
    counts = [count for count in TRIED_COUNTS if count <= most]
    scores = []
    for done, count in enumerate(counts):
        yield Progress("cluster", done, len(counts), tr("trying {groups} groups", groups=count))
        scores.append(float(silhouette_score(rows, _fit_kmeans(rows, count).labels_)))
    best = max(scores, default=0.0)
    return next((count for count, score in zip(counts, scores, strict=True) if score >= SILHOUETTE_SHARE * best), 1)


def _join_nearest(values: np.ndarray, rows: np.ndarray, codes: np.ndarray) -> Steps[np.ndarray]:
    """The groups (n,) of unit vectors (n, width), from those of the nearest of grouped rows (m, width)."""
    near = _measure_cohesion(rows, codes)
    joined = np.full(len(values), -1)
    for start in range(0, len(values), ROWS_PER_BLOCK):
        yield Progress("cluster", start, len(values), tr("joining groups"))
        cosines = values[start : start + ROWS_PER_BLOCK] @ rows.T
        nearest, codes_there = cosines.max(axis=1), codes[cosines.argmax(axis=1)]
        joined[start : start + ROWS_PER_BLOCK] = np.where(nearest >= near[codes_there], codes_there, -1)
    return joined


def _measure_cohesion(rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The cosine (groups + 1,) that nearly all of a group's members have to their nearest other one; 2 of no group."""
    near = np.full(codes.max(initial=-1) + 2, 2.0)
    for code in range(len(near) - 1):
        members = rows[codes == code]
        cosines = members @ members.T
        np.fill_diagonal(cosines, -1)
        near[code] = np.quantile(cosines.max(axis=1), STRAY_SHARE) - 1e-6
    return near


CLUSTER_METHODS: dict[str, ClusterMethod] = {
    "kmeans": ClusterMethod("k-means", "groups", find_kmeans_clusters),
    "density": ClusterMethod("density", "photos in the smallest group", find_density_clusters),
}
"""Ways to group photos: into a number of groups, or where they lie close together."""
