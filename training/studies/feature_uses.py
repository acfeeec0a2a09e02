"""What embeddings are good for beside searching: as input of other classifiers, and to find groups without labels.

The lecture notes hand the features of a network to a support vector machine, and cluster digits by a learned metric.
Here both are done with every row of a study: a support vector machine and nearest neighbours that learn from the
training pictures and name the test pictures, and k-means and a density method that group the test pictures.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.clustering.cluster_methods import find_density_clusters, find_kmeans_clusters
from indexer.progress import drain
from indexer.statistics.detailed_metrics import compute_mutual_information, compute_purity
from indexer.vectors.unit_vectors import scale_to_unit_length

MOST_LEARNED_ROWS = 2_000  # that a classifier learns from: the time of a support vector machine grows with their square
NEIGHBOURS = 5

Vectors = NDArray[np.floating]


class ClusterQuality(NamedTuple):
    """How well groups agree with classes: normalised mutual information, and purity, the share of pictures whose class
    is the most frequent of their group.
    """

    nmi: float
    purity: float


class FeatureUses(NamedTuple):
    """The share of test pictures that a support vector machine and NEIGHBOURS nearest neighbours name rightly, None
    where no class is learned that is asked about; and how well both ways to group agree with the classes.
    """

    svm: float | None
    neighbours: float | None
    kmeans: ClusterQuality
    density: ClusterQuality


def choose_learned_rows(count: int) -> NDArray[np.int64]:
    """The rows of so many training pictures that a classifier learns from, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_LEARNED_ROWS)).astype(np.int64))


def measure_feature_uses(
    learned: Vectors, learned_labels: Sequence[str], test: Vectors, test_labels: Sequence[str]
) -> FeatureUses:
    """The uses of embeddings (m, dim) of pictures to learn from and (n, dim) of test pictures, with their classes."""
    learned, test = scale_to_unit_length(learned), scale_to_unit_length(test)
    shared = set(learned_labels) & set(test_labels)
    svm = neighbours = None
    if shared and len(set(learned_labels)) > 1:
        svm, neighbours = _classify(learned, learned_labels, test, test_labels)
    groups = len(set(test_labels))
    kmeans = measure_clusters(drain(find_kmeans_clusters(test, groups)), test_labels)
    density = measure_clusters(drain(find_density_clusters(test)), test_labels)
    return FeatureUses(svm, neighbours, kmeans, density)


def _classify(
    learned: Vectors, learned_labels: Sequence[str], test: Vectors, test_labels: Sequence[str]
) -> tuple[float, float]:
    """The accuracy of the support vector machine with a Gaussian kernel and of the nearest neighbours.

    The kernel's width suits numbers that vary by 1 each: embeddings may all lie in a narrow cone.
    """
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415  # 1 s to import, and only studies need it
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  # as above
    from sklearn.svm import SVC  # noqa: PLC0415  # as above

    machine = make_pipeline(StandardScaler(), SVC(C=10.0))
    nearest = KNeighborsClassifier(min(NEIGHBOURS, len(learned)))
    svm, neighbours = (
        float(classifier.fit(learned, learned_labels).score(test, test_labels)) for classifier in (machine, nearest)
    )
    return svm, neighbours


def measure_clusters(codes: NDArray[np.int64], labels: Sequence[str]) -> ClusterQuality:
    """The quality of groups (n,) of pictures with these classes; those in no group, -1, count as one group."""
    return ClusterQuality(compute_mutual_information(labels, codes), compute_purity(labels, codes))
