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
from indexer.statistics.detailed_metrics import Histogram, histogram, per_class
from indexer.statistics.metrics import equal_error_rate, pair_distances, squared_distances
from indexer.vectors.projection import fit_pca
from training.data.labelled_folders import Sample, has_labels, number

if TYPE_CHECKING:  # it brings torch, which reading does without
    from training.judging.verdict import Row

INSIGHT_FILE = "insight.json"
PAIRS = 100_000  # of each kind, for histograms and equal error rates
DRAWN, WIDTH = 800, 16  # photos of the pictures in the plane, and principal components kept of each
MOST_CLASSES = 300  # in the table, the hardest
MISTAKES, OF_ONE_KIND = 12, 2  # shown, and at most of one class taken for one other
KINDS = 12  # classes taken for others, the most frequent

Vectors = NDArray[np.floating]
Codes = NDArray[np.int64]


class Side(NamedTuple):
    """One model on the test part: pairs by distance, and its equal error rate (None without pairs of both kinds).

    `drawn` are WIDTH or fewer principal components of the photos drawn, the widest first.
    """

    model: str
    histogram: Histogram
    eer: float | None
    drawn: list[list[float]]


class ClassChange(NamedTuple):
    """A class of the test part, its photos, and its figures before and after."""

    label: str
    photos: int
    p_at_1: tuple[float, float]
    map_at_r: tuple[float, float]


class Shown(NamedTuple):
    """A picture of a report: where it was, and the sha256 of what it showed."""

    path: str
    sha256: str


class Mistake(NamedTuple):
    """A query whose nearest is of another class, and its nearest of its own class, with their distances."""

    label: str
    taken_for: str
    query: Shown
    nearest: Shown
    own: Shown
    distance: float
    own_distance: float


class Kind(NamedTuple):
    """How many queries of a class have their nearest in another one."""

    label: str
    taken_for: str
    queries: int


@dataclass(frozen=True, slots=True)
class Insight:
    """Of the test part: `classes` are the classes by code, `codes` those of the photos drawn, `left_out` counts the
    classes that the table has no room for. `calibration` says what a distance means after the training, where labels
    do.
    """

    classes: list[str]
    codes: list[int]
    before: Side
    after: Side
    per_class: list[ClassChange]
    left_out: int
    kinds: list[Kind]
    mistakes: list[Mistake]
    calibration: Calibration | None

    def fields(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def of_test(
    samples: Sequence[Sample], labels: Codes, before: "Row", after: "Row", calibration: Calibration | None
) -> Insight:
    """The insight of test samples (n,); labels (n,), or (2 n,) where views are asked, as in `verdict.Baseline`."""
    labelled = has_labels(samples)
    codes, names = number(samples)
    rows = drawn(len(samples))
    classes = _classes(names, labels, before, after) if labelled else []
    sides = [side(one.name, one.vectors, labels, rows) for one in (before, after)]
    return Insight(
        classes=[_plain(name) for name in names] if labelled else [],
        codes=codes[rows].tolist() if labelled else [],
        before=sides[0],
        after=sides[1],
        per_class=classes[:MOST_CLASSES],
        left_out=max(0, len(classes) - MOST_CLASSES),
        calibration=calibration,
        **(_confusions(samples, codes, after.vectors) if labelled else {"kinds": [], "mistakes": []}),
    )


def drawn(count: int) -> Codes:
    """Rows (m,) of so many photos that a picture in the plane shows: all of them, or DRAWN by chance."""
    return np.sort(np.random.default_rng(0).permutation(count)[:DRAWN])


def side(name: str, vectors: Vectors, labels: Codes, rows: Codes) -> Side:
    """What is shown of a model by its embeddings (n, dim) with labels (n,); rows (m,) are drawn."""
    pairs = pair_distances(vectors, labels, limit=PAIRS)
    eer = equal_error_rate(pairs) if pairs.matched.size and pairs.mismatched.size else None
    return Side(name, histogram(pairs), eer, principal(vectors[rows]))


def principal(vectors: Vectors) -> list[list[float]]:
    """The leading principal components of vectors (n, dim), rounded: (n, WIDTH or dim, whichever is less)."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float32)
    components: list[list[float]] = (centred @ fit_pca(centred, min(WIDTH, vectors.shape[1]))).round(3).tolist()
    return components


def _classes(names: Sequence[str], labels: Codes, before: "Row", after: "Row") -> list[ClassChange]:
    """The classes with queries, the hardest after the training first."""
    pairs = zip(per_class(before.figures, labels), per_class(after.figures, labels), strict=True)
    rows = [
        ClassChange(_plain(names[new.code]), new.photos, (old.p_at_1, new.p_at_1), (old.map_at_r, new.map_at_r))
        for old, new in pairs
    ]
    return sorted(rows, key=lambda row: (row.map_at_r[1], row.label))


class _Nearest(NamedTuple):
    """Of each query (q,): its row, the nearest row of its class and of all others, and the two distances."""

    query: Codes
    own: Codes
    other: Codes
    own_distance: NDArray[np.float64]
    distance: NDArray[np.float64]


def _confusions(samples: Sequence[Sample], codes: Codes, vectors: Vectors) -> dict[str, Any]:
    near = _nearest(codes, vectors)
    wrong = np.flatnonzero(near.distance <= near.own_distance)  # as near is not told apart
    ordered = wrong[np.argsort((near.distance - near.own_distance)[wrong], kind="stable")]
    counts: Counter[tuple[str, str]] = Counter()
    mistakes: list[Mistake] = []
    for at in ordered.tolist():
        query, own, other = (samples[int(rows[at])] for rows in (near.query, near.own, near.other))
        kind = (_plain(query.label), _plain(other.label))
        counts[kind] += 1
        if counts[kind] <= OF_ONE_KIND and len(mistakes) < MISTAKES:
            pictures = (_shown(query), _shown(other), _shown(own))
            mistakes.append(Mistake(*kind, *pictures, float(near.distance[at]), float(near.own_distance[at])))
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:KINDS]
    return {"kinds": [Kind(*kind, count) for kind, count in frequent], "mistakes": mistakes}


def _shown(sample: Sample) -> Shown:
    return Shown(os.fsdecode(sample.path), sample.sha256.hex())


def _nearest(codes: Codes, vectors: Vectors) -> _Nearest:
    queries = np.flatnonzero(np.bincount(codes)[codes] > 1)
    found = np.empty((2, len(queries)), np.int64)
    apart = np.empty((2, len(queries)))
    for block, squared in squared_distances(np.array(vectors, np.float64, order="C"), queries):
        same = codes[queries[block], None] == codes[None, :]
        for side, hidden in enumerate((~same, same)):
            masked = np.where(hidden, np.inf, squared)
            found[side, block] = masked.argmin(axis=1)
            apart[side, block] = np.sqrt(masked.min(axis=1))
    return _Nearest(queries, found[0], found[1], apart[0], apart[1])


def _plain(name: str) -> str:
    """A class name as one printable line."""
    return show_path(os.fsencode(name))


def read(fields: dict[str, Any]) -> Insight:
    """From what `fields` gave, through JSON; ValueError where it is anything else."""
    try:
        return Insight(
            classes=[str(name) for name in fields["classes"]],
            codes=[int(code) for code in fields["codes"]],
            before=_read_side(fields["before"]),
            after=_read_side(fields["after"]),
            per_class=[_read_class(*row) for row in fields["per_class"]],
            left_out=int(fields["left_out"]),
            kinds=[Kind(str(label), str(other), int(count)) for label, other, count in fields["kinds"]],
            mistakes=[_read_mistake(*row) for row in fields["mistakes"]],
            calibration=Calibration.from_fields(fields["calibration"]) if fields["calibration"] else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no insight into a training") from error


def _read_side(fields: Sequence[Any]) -> Side:
    model, (edges, matched, mismatched), eer, drawn = fields
    counted = Histogram([float(e) for e in edges], [int(n) for n in matched], [int(n) for n in mismatched])
    if not len(counted.edges) - 1 == len(counted.matched) == len(counted.mismatched) > 0:
        raise ValueError("its histogram is not whole")
    points = [[float(value) for value in row] for row in drawn]
    if len({len(row) for row in points}) != 1 or len(points[0]) < 2:
        raise ValueError("its vectors do not fit each other")
    if not np.isfinite([*counted.edges, *(value for row in points for value in row)]).all():
        raise ValueError("its numbers are not finite")
    return Side(str(model), counted, None if eer is None else float(eer), points)


def _read_class(label: str, count: int, first: Sequence[float], ranked: Sequence[float]) -> ClassChange:
    (p_before, p_after), (m_before, m_after) = first, ranked
    return ClassChange(str(label), int(count), (float(p_before), float(p_after)), (float(m_before), float(m_after)))


def _read_mistake(label: str, other: str, *rest: Any) -> Mistake:
    query, nearest, own, distance, own_distance = rest
    pictures = (_read_shown(*query), _read_shown(*nearest), _read_shown(*own))
    return Mistake(str(label), str(other), *pictures, float(distance), float(own_distance))


def _read_shown(path: str, sha256: str) -> Shown:
    os.fsencode(str(path))  # ValueError where it can be no name of a file
    return Shown(str(path), str(sha256))
