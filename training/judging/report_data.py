"""What a report shows of the test part beyond its figures, kept beside a checkpoint so that no report trains again.

Histograms of distances, the figures of each class, a sample of both embeddings to draw, and the worst mistakes with the
hashes of their pictures, all before and after. Numbers only, no pictures, and bounded, however large the test was.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.paths import show_path
from indexer.statistics.calibration import Calibration
from indexer.statistics.detailed_metrics import DistanceHistogram, build_histogram, measure_classes
from indexer.statistics.metrics import compute_equal_error_rate, measure_pair_distances
from indexer.statistics.query_groups import check_groups, count_matches, set_group_apart
from indexer.vectors.distances import iterate_squared_distances
from indexer.vectors.projection import fit_pca
from training.data.labelled_folders import PhotoSample, has_labels, number_labels

if TYPE_CHECKING:  # it brings torch, which reading does without
    from training.judging.judged_models import MeasuredModel

PAIRS_PER_KIND = 100_000  # matched and mismatched pairs, each, for histograms and equal error rates
PLOTTED_PHOTOS, PLOT_COMPONENTS = 800, 16  # photos that are drawn in the plane, and principal components kept of each
MAX_CLASSES = 300  # in the table, the hardest
MAX_MISTAKES, MAX_PER_CONFUSION = 12, 2  # shown, and at most of one class taken for one other
MAX_CONFUSIONS = 12  # classes taken for others, the most frequent

Vectors = NDArray[np.floating]
Codes = NDArray[np.int64]


class EmbeddingSummary(NamedTuple):
    """One model on the test part: pairs by distance, and its equal error rate (None without pairs of both kinds).

    `drawn` (photos, components) are the first PLOT_COMPONENTS or fewer principal components of the photos that are
    drawn in the plane.
    """

    model: str
    histogram: DistanceHistogram
    eer: float | None
    drawn: list[list[float]]


class ClassChange(NamedTuple):
    """A class of the test part: the number of its photos, and its figures (before, after)."""

    label: str
    photos: int
    p_at_1: tuple[float, float]
    map_at_r: tuple[float, float]


class ReportPicture(NamedTuple):
    """A picture of a report: where it was, and the sha256 of what it showed."""

    path: str
    sha256: str


class RetrievalMistake(NamedTuple):
    """A query whose nearest is of another class, and its nearest of its own class, with their distances."""

    label: str
    taken_for: str
    query: ReportPicture
    nearest: ReportPicture
    nearest_match: ReportPicture
    distance: float
    match_distance: float


class ClassConfusion(NamedTuple):
    """How many queries of a class have their nearest in another one."""

    label: str
    taken_for: str
    queries: int


@dataclass(frozen=True, slots=True)
class ReportData:
    """What is kept of the test part: `classes` are the class names by code, `codes` the codes of the photos that are
    drawn, `left_out` the number of classes that the table has no room for. `calibration` says what a distance means
    after the training; it is None without classes.
    """

    classes: list[str]
    codes: list[int]
    before: EmbeddingSummary
    after: EmbeddingSummary
    per_class: list[ClassChange]
    left_out: int
    kinds: list[ClassConfusion]
    mistakes: list[RetrievalMistake]
    calibration: Calibration | None

    def fields(self) -> dict[str, Any]:
        """The data as plain values for JSON."""
        return asdict(self)


def collect_report_data(
    samples: Sequence[PhotoSample],
    labels: Codes,
    before: "MeasuredModel",
    after: "MeasuredModel",
    calibration: Calibration | None,
    *,
    groups: Codes | None = None,
) -> ReportData:
    """The report data of test samples (n,) with labels (n,), or (2 n,) where views are looked for.

    Photos of one of the `groups` (n,), near copies and frames of a burst, are not compared with each other.
    """
    labelled = has_labels(samples)
    codes, names = number_labels(samples)
    rows = sample_plot_rows(len(samples))
    classes = _compare_classes(names, labels, before, after) if labelled else []
    confusions = (
        _find_confusions(samples, codes, check_groups(groups, len(codes)), after.vectors)
        if labelled
        else _Confusions([], [])
    )
    return ReportData(
        classes=[_clean_label(name) for name in names] if labelled else [],
        codes=codes[rows].tolist() if labelled else [],
        before=summarise_embeddings(before.name, before.vectors, labels, rows, groups=groups),
        after=summarise_embeddings(after.name, after.vectors, labels, rows, groups=groups),
        per_class=classes[:MAX_CLASSES],
        left_out=max(0, len(classes) - MAX_CLASSES),
        kinds=confusions.kinds,
        mistakes=confusions.mistakes,
        calibration=calibration,
    )


def sample_plot_rows(count: int) -> Codes:
    """Ascending rows (m,) of the photos that are drawn in the plane: all, or PLOTTED_PHOTOS of them by chance."""
    return np.sort(np.random.default_rng(0).permutation(count)[:PLOTTED_PHOTOS])


def summarise_embeddings(
    name: str, vectors: Vectors, labels: Codes, rows: Codes, *, groups: Codes | None = None
) -> EmbeddingSummary:
    """The summary of embeddings (n, dim) with labels (n,), of which rows (m,) are drawn in the plane.

    Pairs within one of the `groups` (n,) do not count.
    """
    pairs = measure_pair_distances(vectors, labels, groups=groups, limit=PAIRS_PER_KIND)
    eer = compute_equal_error_rate(pairs) if pairs.matched.size and pairs.mismatched.size else None
    return EmbeddingSummary(name, build_histogram(pairs), eer, project_for_plane(vectors[rows]))


def project_for_plane(vectors: Vectors) -> list[list[float]]:
    """The first PLOT_COMPONENTS or fewer principal components of vectors (n, dim), rounded: (n, components)."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float32)
    components: list[list[float]] = (
        (centred @ fit_pca(centred, min(PLOT_COMPONENTS, vectors.shape[1]))).round(3).tolist()
    )
    return components


def _compare_classes(
    names: Sequence[str], labels: Codes, before: "MeasuredModel", after: "MeasuredModel"
) -> list[ClassChange]:
    """The figures of the classes that have queries, the hardest after the training first."""
    pairs = zip(measure_classes(before.figures, labels), measure_classes(after.figures, labels), strict=True)
    rows = [
        ClassChange(_clean_label(names[new.code]), new.photos, (old.p_at_1, new.p_at_1), (old.map_at_r, new.map_at_r))
        for old, new in pairs
    ]
    return sorted(rows, key=lambda row: (row.map_at_r[1], row.label))


class _NearestRows(NamedTuple):
    """For each query (q,): its row, the nearest row of its class and of another class, and the two distances."""

    queries: Codes
    matches: Codes
    mismatches: Codes
    match_distances: NDArray[np.float64]
    mismatch_distances: NDArray[np.float64]


class _Confusions(NamedTuple):
    """How often classes are taken for others, the most frequent first, and the worst mistakes, the worst first."""

    kinds: list[ClassConfusion]
    mistakes: list[RetrievalMistake]


def _find_confusions(samples: Sequence[PhotoSample], codes: Codes, groups: Codes, vectors: Vectors) -> _Confusions:
    nearest = _find_nearest(codes, groups, vectors)
    wrong = np.flatnonzero(nearest.mismatch_distances <= nearest.match_distances)  # as near is not told apart
    ordered = wrong[np.argsort((nearest.mismatch_distances - nearest.match_distances)[wrong], kind="stable")]
    counts: Counter[tuple[str, str]] = Counter()
    mistakes: list[RetrievalMistake] = []
    for at in ordered.tolist():
        query, match_sample, mismatch_sample = (
            samples[int(rows[at])] for rows in (nearest.queries, nearest.matches, nearest.mismatches)
        )
        kind = (_clean_label(query.label), _clean_label(mismatch_sample.label))
        counts[kind] += 1
        if counts[kind] <= MAX_PER_CONFUSION and len(mistakes) < MAX_MISTAKES:
            pictures = (_describe_picture(query), _describe_picture(mismatch_sample), _describe_picture(match_sample))
            mistakes.append(
                RetrievalMistake(
                    *kind, *pictures, float(nearest.mismatch_distances[at]), float(nearest.match_distances[at])
                )
            )
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_CONFUSIONS]
    return _Confusions([ClassConfusion(*kind, count) for kind, count in frequent], mistakes)


def _describe_picture(sample: PhotoSample) -> ReportPicture:
    return ReportPicture(os.fsdecode(sample.path), sample.sha256.hex())


def _find_nearest(codes: Codes, groups: Codes, vectors: Vectors) -> _NearestRows:
    queries = np.flatnonzero(count_matches(codes, groups))
    nearest_rows = np.empty((2, len(queries)), np.int64)
    nearest_distances = np.empty((2, len(queries)))
    for block, squared in iterate_squared_distances(np.array(vectors, np.float64, order="C"), queries):
        set_group_apart(squared, groups, queries[block])
        same = codes[queries[block], None] == codes[None, :]
        for side, excluded in enumerate((~same, same)):
            masked = np.where(excluded, np.inf, squared)
            nearest_rows[side, block] = masked.argmin(axis=1)
            nearest_distances[side, block] = np.sqrt(masked.min(axis=1))
    return _NearestRows(queries, nearest_rows[0], nearest_rows[1], nearest_distances[0], nearest_distances[1])


def _clean_label(name: str) -> str:
    """A class name as one printable line."""
    return show_path(os.fsencode(name))


def parse_report_data(fields: dict[str, Any]) -> ReportData:
    """The report data of `ReportData.fields`, through JSON; ValueError where it is anything else."""
    try:
        return ReportData(
            classes=[str(name) for name in fields["classes"]],
            codes=[int(code) for code in fields["codes"]],
            before=_parse_embedding_summary(fields["before"]),
            after=_parse_embedding_summary(fields["after"]),
            per_class=[_parse_class_change(*row) for row in fields["per_class"]],
            left_out=int(fields["left_out"]),
            kinds=[ClassConfusion(str(label), str(other), int(count)) for label, other, count in fields["kinds"]],
            mistakes=[_parse_mistake(*row) for row in fields["mistakes"]],
            calibration=Calibration.from_fields(fields["calibration"]) if fields["calibration"] else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no report data of a training") from error


def _parse_embedding_summary(fields: Sequence[Any]) -> EmbeddingSummary:
    model, (edges, matched, mismatched), eer, drawn = fields
    counted = DistanceHistogram([float(e) for e in edges], [int(n) for n in matched], [int(n) for n in mismatched])
    if not len(counted.edges) - 1 == len(counted.matched) == len(counted.mismatched) > 0:
        raise ValueError("its histogram is not whole")
    points = [[float(value) for value in row] for row in drawn]
    if len({len(row) for row in points}) != 1 or len(points[0]) < 2:
        raise ValueError("its vectors do not fit each other")
    if not np.isfinite([*counted.edges, *(value for row in points for value in row)]).all():
        raise ValueError("its numbers are not finite")
    return EmbeddingSummary(str(model), counted, None if eer is None else float(eer), points)


def _parse_class_change(label: str, count: int, p_at_1: Sequence[float], map_at_r: Sequence[float]) -> ClassChange:
    (p_before, p_after), (m_before, m_after) = p_at_1, map_at_r
    return ClassChange(str(label), int(count), (float(p_before), float(p_after)), (float(m_before), float(m_after)))


def _parse_mistake(label: str, taken_for: str, *rest: Any) -> RetrievalMistake:
    query, nearest, nearest_match, distance, match_distance = rest
    pictures = (_parse_picture(*query), _parse_picture(*nearest), _parse_picture(*nearest_match))
    return RetrievalMistake(str(label), str(taken_for), *pictures, float(distance), float(match_distance))


def _parse_picture(path: str, sha256: str) -> ReportPicture:
    os.fsencode(str(path))  # ValueError where it can be no name of a file
    return ReportPicture(str(path), str(sha256))
