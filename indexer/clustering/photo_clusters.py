"""The groups of a library's photos: computed on request, kept in one file, named by the labels in them.

The last groups that were made are the kept ones; others, by another method or number, replace them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from indexer.clustering.cluster_methods import CLUSTER_METHODS
from indexer.clustering.projected_photos import ProjectedPhotos, fit_basis, project_photos
from indexer.clustering.stored_arrays import find_arrays_path, read_arrays, write_arrays
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.progress import Steps
from indexer.statistics.detailed_metrics import compute_mutual_information, compute_purity
from indexer.vectors.unit_vectors import scale_to_unit_length
from indexer.wording import tr

CLUSTER_WIDTH = 32  # dimensions: on 248 drawings, NMI 0.74 with 24 groups, where 15 and 50 dimensions give 0.69
ARRAYS_NAME = "clusters"
LEAST_COMPARED_PHOTOS = 2  # with label and group, whose agreement is measured
NAMING_SHARE = 0.5  # of a group's labelled photos, which the label that names it exceeds


class PhotoClusters(NamedTuple):
    """Groups of photos: ids (n,) int64 ascending, the group (n,) int64 of each, -1 for none, largest group first.

    `middles` (groups,) are the ids of the photos nearest to their group's mean. `method` is a key of CLUSTER_METHODS,
    `number` what was asked of it, 0 where it was to choose.
    """

    ids: np.ndarray
    codes: np.ndarray
    middles: np.ndarray
    method: str
    number: int

    def count_photos(self) -> list[int]:
        """How many photos each group has."""
        counts: list[int] = np.bincount(self.codes[self.codes >= 0], minlength=len(self.middles)).tolist()
        return counts


class LabelAgreement(NamedTuple):
    """The number of photos with both a label and a group, the NMI of the two, and the purity, the share of those whose
    label is the most frequent one in their group; both 0 to 1, and None for fewer than two photos.
    """

    labelled: int
    nmi: float | None
    purity: float | None


def update_clusters(library: Library, method: str | None = None, number: int = 0) -> Steps[PhotoClusters]:
    """The groups of all shown photos; the kept ones where they were made so and no photo has come since.

    Without a method, they are made as the kept ones were, at first by k-means. Needs no job lock. Raises LookalikeError
    where the library is empty or the method is unknown.
    """
    kept = _read_clusters(library)
    if method is None:
        method, number = (kept.method, number or kept.number) if kept is not None else ("kmeans", number)
    if method not in CLUSTER_METHODS:
        raise LookalikeError(
            "There is no method {method!r}. Choose one of: {methods}.",
            method=method,
            methods=", ".join(CLUSTER_METHODS),
        )
    photo_ids = np.sort(library.find_photo_ids())
    if not len(photo_ids):
        raise LookalikeError("The library {name} holds no photos yet. Index a folder first.", name=library.name)
    if kept is not None and (kept.method, kept.number) == (method, number) and np.isin(photo_ids, kept.ids).all():
        return _select_photos(kept, photo_ids)
    made = yield from _find_clusters(library, photo_ids, method, number)
    arrays = {"ids": made.ids, "codes": made.codes, "middles": made.middles}
    write_arrays(library, ARRAYS_NAME, arrays | {"made": _describe_making(method, number)})
    return made


def find_version(library: Library) -> int:
    """A number that changes when other groups are stored or another model becomes active; 0 without stored groups."""
    try:
        return find_arrays_path(library, ARRAYS_NAME).stat().st_mtime_ns
    except OSError:
        return 0


def load_clusters(library: Library) -> PhotoClusters | None:
    """The kept groups, of those photos that are still shown; None where there are none. Computes nothing."""
    kept = _read_clusters(library)
    return None if kept is None else _select_photos(kept, library.find_photo_ids())


def name_clusters(clusters: PhotoClusters, labels: Mapping[int, str]) -> list[str]:
    """The label of most of a group's labelled photos, for each group; "" where no label has more than half of them.

    The second group of one label is called 'label 2'.
    """
    found: list[dict[str, int]] = [{} for _ in clusters.middles]
    for photo_id, code in zip(clusters.ids.tolist(), clusters.codes.tolist(), strict=True):
        if code >= 0 and (label := labels.get(photo_id)):
            found[code][label] = found[code].get(label, 0) + 1
    best = [max(counts, key=lambda label: counts[label], default="") for counts in found]
    names = [
        label if label and counts[label] > NAMING_SHARE * sum(counts.values()) else ""
        for label, counts in zip(best, found, strict=True)
    ]
    return number_repeats(names)


def measure_agreement(clusters: PhotoClusters, labels: Mapping[int, str]) -> LabelAgreement:
    """The agreement of the groups with labels (photo id -> label), over the photos that have both."""
    pairs = [
        (labels[photo_id], code)
        for photo_id, code in zip(clusters.ids.tolist(), clusters.codes.tolist(), strict=True)
        if code >= 0 and photo_id in labels
    ]
    if len(pairs) < LEAST_COMPARED_PHOTOS:
        return LabelAgreement(len(pairs), None, None)
    found, codes = zip(*pairs, strict=True)
    nmi, purity = compute_mutual_information(found, codes), compute_purity(found, codes)
    return LabelAgreement(len(pairs), round(nmi, 6), round(purity, 6))


def describe_agreement(agreement: LabelAgreement) -> str:
    """How well groups agree with labels, in a sentence; "" where it is not measured."""
    if agreement.nmi is None or agreement.purity is None:
        return ""
    return tr(
        "Of {labelled:,} labelled photos {matching:,} have the label of most in their group (NMI {nmi:.2f}: 0 not at "
        "all, 1 the same).",
        labelled=agreement.labelled,
        matching=round(agreement.purity * agreement.labelled),
        nmi=agreement.nmi,
    )


def number_repeats(names: Sequence[str]) -> list[str]:
    """The names, with a number behind each repetition, as in 'label 2'; "" stays as it is."""
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(f"{name} {seen[name]}" if name and seen[name] > 1 else name)
    return numbered


def _find_clusters(library: Library, photo_ids: np.ndarray, method: str, number: int) -> Steps[PhotoClusters]:
    basis = yield from fit_basis(library, CLUSTER_WIDTH, "cluster")
    projected = yield from project_photos(library, photo_ids, basis, "cluster")
    values = scale_to_unit_length(projected.values - projected.values.mean(axis=0), np.float32)
    codes = _order_by_size((yield from CLUSTER_METHODS[method].find(values, number)))
    middles = _find_middles(ProjectedPhotos(projected.ids, values), codes)
    return PhotoClusters(projected.ids, codes, middles, method, number)


def _order_by_size(codes: np.ndarray) -> np.ndarray:
    """The groups (n,) numbered anew, the largest first, none left empty; -1 stays."""
    found, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    ranks = np.full(len(found), -1)
    real = np.flatnonzero(found >= 0)
    ranks[real[np.argsort(-counts[real], kind="stable")]] = np.arange(len(real))
    return ranks[index]


def _find_middles(projected: ProjectedPhotos, codes: np.ndarray) -> np.ndarray:
    """The id (groups,) int64 of the photo nearest to the mean of its group."""
    groups = (np.flatnonzero(codes == code) for code in range(codes.max(initial=-1) + 1))
    middles = [rows[(projected.values[rows] @ projected.values[rows].mean(axis=0)).argmax()] for rows in groups]
    return projected.ids[np.array(middles, np.int64)]


def _select_photos(clusters: PhotoClusters, photo_ids: np.ndarray) -> PhotoClusters:
    is_shown = np.isin(clusters.ids, photo_ids)
    return clusters._replace(ids=clusters.ids[is_shown], codes=clusters.codes[is_shown])


def _describe_making(method: str, number: int) -> np.ndarray:
    """The method and its number as bytes (n,) uint8."""
    return np.frombuffer(f"{method} {number}".encode(), np.uint8)


def _read_clusters(library: Library) -> PhotoClusters | None:
    """The kept groups; None where there is no file, or it is damaged or of another model."""
    arrays = read_arrays(library, ARRAYS_NAME, ("ids", "codes", "middles", "made"))
    if arrays is None:
        return None
    ids, codes, middles, made = arrays
    method, _, number = bytes(made).decode("ascii", "replace").partition(" ")
    sound = (
        [array.dtype for array in arrays] == [np.int64, np.int64, np.int64, np.uint8]
        and ids.shape == codes.shape == (ids.size,)
        and middles.shape == (middles.size,)
        and method in CLUSTER_METHODS
        and number.isdecimal()
        and bool((np.diff(ids) > 0).all() and (codes >= -1).all() and (codes < len(middles)).all())
    )
    return PhotoClusters(ids, codes, middles, method, int(number)) if sound else None
