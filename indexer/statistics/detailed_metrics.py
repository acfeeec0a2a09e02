"""What is behind the single figures: mean average precision, clusters, classes, ROC, histogram of distances.

numpy only, except for k-means, which is scikit-learn's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from indexer.statistics.metrics import (
    Floats,
    PairDistances,
    RetrievalFigures,
    Rows,
    VerificationThreshold,
    check_embeddings,
    iterate_expected_ranks,
)
from indexer.statistics.query_groups import check_groups, count_matches, set_group_apart
from indexer.vectors.distances import iterate_squared_distances

MAX_CLUSTERED_PHOTOS = 10_000  # 100 clusters of as many embeddings of 1,280 dimensions take seconds
ROC_POINTS = 200
HISTOGRAM_BINS = 50


class ClassFigures(NamedTuple):
    """How well the photos of one class find each other; `code` is the class, `photos` their number."""

    code: int
    photos: int
    p_at_1: float
    map_at_r: float


class DistanceHistogram(NamedTuple):
    """The numbers of matched and mismatched pairs (bins,) between the edges (bins + 1,), the last edge included."""

    edges: list[float]
    matched: list[int]
    mismatched: list[int]


def compute_mean_average_precision(
    embeddings: ArrayLike, labels: ArrayLike, *, groups: ArrayLike | None = None
) -> float:
    """mAP of (n, dim) embeddings with (n,) labels: the mean over `measure_average_precisions`, NaN without a query."""
    precisions = measure_average_precisions(embeddings, labels, groups=groups)
    return float(precisions.mean()) if len(precisions) else float("nan")


def measure_average_precisions(embeddings: ArrayLike, labels: ArrayLike, *, groups: ArrayLike | None = None) -> Floats:
    """The mean precision (queries,) at the matches in each query's whole ranking, of (n, dim) embeddings, (n,) labels.

    Where photos are equally far, the mean over all their orders; a photo alone in its label is no query, and photos of
    the query's own one of the `groups` (n,) are not ranked. Manning, Raghavan, Schuetze 2008, "Introduction to
    Information Retrieval", equation 8.3.
    """
    vectors, codes = check_embeddings(embeddings, labels)
    group_codes = check_groups(groups, len(codes))
    queries = np.flatnonzero(count_matches(codes, group_codes))
    precisions = np.full(len(queries), np.nan)
    for block, squared in iterate_squared_distances(vectors, queries):
        set_group_apart(squared, group_codes, queries[block])
        query_codes = codes[queries[block]]
        for part, found in iterate_expected_ranks(squared, codes, query_codes, len(codes) - 1):
            precisions[block][part] = found.precision.sum(axis=1) / found.match.sum(axis=1)
    return precisions


def measure_clustering(embeddings: ArrayLike, labels: ArrayLike, seed: int = 0) -> float:
    """NMI of labels (n,) and k-means clusters of embeddings (n, dim), with as many clusters as labels.

    At most MAX_CLUSTERED_PHOTOS photos, drawn at random, are clustered.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415  # 1 s to import, and only this figure needs it

    vectors, codes = check_embeddings(embeddings, labels)
    rows = np.sort(np.random.default_rng(seed).permutation(len(codes))[:MAX_CLUSTERED_PHOTOS])
    found = KMeans(len(np.unique(codes[rows])), n_init=1, random_state=seed).fit_predict(vectors[rows])
    return compute_mutual_information(codes[rows], found)


def compute_mutual_information(labels: ArrayLike, clusters: ArrayLike) -> float:
    """Normalised mutual information of two clusterings (n,): 2 I / (H + H), and 1 where both are a single cluster.

    Manning, Raghavan, Schuetze 2008, "Introduction to Information Retrieval", equations 16.2 to 16.6.
    """
    first, second = (np.unique(np.asarray(codes), return_inverse=True)[1] for codes in (labels, clusters))
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1 / len(first))
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    occupied = table > 0
    shared = float((table[occupied] * np.log(table[occupied] / np.outer(rows, columns)[occupied])).sum())
    both = _compute_entropy(rows) + _compute_entropy(columns)
    return max(0.0, 2 * shared / both) if both > 0 else 1.0


def compute_purity(labels: ArrayLike, clusters: ArrayLike) -> float:
    """The share of items (n,) whose label is the most frequent one in their cluster, 0 to 1.

    Manning, Raghavan, Schuetze 2008, "Introduction to Information Retrieval", equation 16.1.
    """
    first, second = (np.unique(np.asarray(codes), return_inverse=True)[1] for codes in (labels, clusters))
    table = np.zeros((first.max() + 1, second.max() + 1), np.int64)
    np.add.at(table, (first, second), 1)
    return float(table.max(axis=0).sum() / len(first))


def _compute_entropy(shares: Floats) -> float:
    return float(-(shares * np.log(shares)).sum())


def measure_classes(figures: RetrievalFigures, labels: ArrayLike) -> list[ClassFigures]:
    """The figures of each class with queries, in order of the codes; labels (n,) are codes 0, 1, ..."""
    codes: Rows = np.asarray(labels, np.int64)
    query_codes = codes[figures.rows]
    return [
        ClassFigures(
            code,
            int((codes == code).sum()),
            float(figures.per_query_p_at_1[query_codes == code].mean()),
            float(figures.per_query_map_at_r[query_codes == code].mean()),
        )
        for code in np.unique(query_codes).tolist()
    ]


def compute_roc(pairs: PairDistances, points: int = ROC_POINTS) -> list[VerificationThreshold]:
    """At most `points` points of the receiver operating characteristic, from an FMR of 0 to one of 1.

    FMR is the share of mismatched pairs below a distance, FNMR that of matched pairs at it or beyond. Half of the
    distances divide the matched pairs evenly, half the mismatched ones. Empty without pairs of both kinds.
    """
    if not (pairs.matched.size and pairs.mismatched.size):
        return []
    marks = np.linspace(0, 1, points // 2)
    chosen = [kind[np.round(marks * (len(kind) - 1)).astype(np.int64)] for kind in pairs]
    distances = np.unique(np.concatenate(chosen))
    beyond = np.nextafter(max(kind[-1] for kind in pairs), np.inf)
    distances = np.append(distances[np.round(np.linspace(0, len(distances) - 1, points - 1)).astype(np.int64)], beyond)
    return [
        VerificationThreshold(
            1 - _compute_share_beyond(pairs.mismatched, d), _compute_share_beyond(pairs.matched, d), d
        )
        for d in _drop_repeats(distances)
    ]


def _drop_repeats(distances: Floats) -> list[float]:
    """The distances in their order, each once."""
    return list(dict.fromkeys(distances.tolist()))


def _compute_share_beyond(distances: Floats, threshold: float) -> float:
    """The share of sorted distances at a threshold or beyond it."""
    return 1 - int(np.searchsorted(distances, threshold)) / len(distances)


def build_histogram(pairs: PairDistances, bins: int = HISTOGRAM_BINS) -> DistanceHistogram:
    """The histogram of both kinds of pairs in `bins` equal bins from 0 to the greatest distance."""
    furthest = max((float(kind[-1]) for kind in pairs if kind.size), default=0.0)
    edges: NDArray[np.float64] = np.linspace(0, furthest or 1.0, bins + 1)
    matched, mismatched = (np.histogram(kind, edges)[0].tolist() for kind in pairs)
    return DistanceHistogram(edges.tolist(), matched, mismatched)
