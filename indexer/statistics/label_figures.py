"""All figures of labelled embeddings at once, measured in one piece or fold by fold. numpy only.

Where a map was fitted on the photos, each fold has its own embeddings, under a map that was fitted without it: then
queries, their matches and all pairs come from one fold, and the figures are means over the queries of all folds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.progress import Progress, Steps
from indexer.statistics.calibration_measurement import FoldVectors
from indexer.statistics.detailed_metrics import measure_average_precisions
from indexer.statistics.metrics import (
    DifferenceInterval,
    PairDistances,
    RetrievalFigures,
    bootstrap_difference,
    check_embeddings,
    measure_pair_distances,
    measure_retrieval,
)
from indexer.statistics.query_groups import check_groups, set_group_apart
from indexer.vectors.distances import compute_pair_distances, iterate_squared_distances
from indexer.wording import tr

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

RATE_STEP = 0.002  # between two distances at which error rates are tabulated
TAIL_PROBABILITY = 0.025  # on each side of a 95 % interval
HARDEST_QUERIES, SHOWN_HITS = 24, 8


class NearestOutsiders(NamedTuple):
    """The nearest photo outside its own group of each query, as rows (queries,), and the distance to it (queries,)."""

    rows: Rows
    distances: Floats


class HardQuery(NamedTuple):
    """A query that finds its label badly: its row, the rows of the nearest photos and the distances to these."""

    row: int
    hits: list[int]
    distances: list[float]


class ErrorRateTable(NamedTuple):
    """FMR and FNMR (d,) of the thresholds `distances` (d,): pairs nearer than a threshold count as the same."""

    distances: list[float]
    fmr: list[float]
    fnmr: list[float]


class LabelFigures(NamedTuple):
    """The figures of labelled photos; per query arrays (queries,) follow `retrieval.rows`."""

    retrieval: RetrievalFigures
    average_precisions: Floats
    nearest: NearestOutsiders
    pairs: PairDistances
    hardest: list[HardQuery]


def measure_label_figures(parts: Sequence[FoldVectors], codes: Rows, groups: Rows) -> Steps[LabelFigures]:
    """The figures of photos with label codes (n,) and group numbers (n,), in parts that each have their embeddings.

    LookalikeError where no photo has a match in its part.
    """
    measured: list[LabelFigures] = []
    refusal: LookalikeError | None = None
    for number, part in enumerate(parts):
        try:
            measured.append((yield from _measure_part(part, codes[part.rows], groups[part.rows], number, len(parts))))
        except LookalikeError as error:  # of a fold without a match
            refusal = error
    if not measured:
        raise refusal or LookalikeError("There is no photo to measure.")
    return _join_parts(measured, len(codes))


def _measure_part(part: FoldVectors, codes: Rows, groups: Rows, number: int, count: int) -> Steps[LabelFigures]:
    """The figures of one part, its rows those of all photos."""
    yield Progress("measure", 4 * number, 4 * count, tr("Ranking"))
    retrieval = measure_retrieval(part.vectors, codes, groups=groups)
    yield Progress("measure", 4 * number + 1, 4 * count, tr("Ranking"))
    average_precisions = measure_average_precisions(part.vectors, codes, groups=groups)
    yield Progress("measure", 4 * number + 2, 4 * count, tr("Comparing pairs"))
    pairs = measure_pair_distances(part.vectors, codes, groups=groups)
    yield Progress("measure", 4 * number + 3, 4 * count, tr("Looking for mistakes"))
    hardest = retrieval.rows[np.argsort(retrieval.per_query_map_at_r, kind="stable")[:HARDEST_QUERIES]]
    nearest = find_nearest_rows(part.vectors, groups, retrieval.rows, 1)
    hits = find_nearest_rows(part.vectors, groups, hardest, SHOWN_HITS)
    return LabelFigures(
        _move_rows(retrieval, part.rows),
        average_precisions,
        NearestOutsiders(part.rows[nearest[:, 0]], _measure_distances(part.vectors, retrieval.rows, nearest)[:, 0]),
        pairs,
        [
            HardQuery(int(part.rows[row]), part.rows[found].tolist(), distances.tolist())
            for row, found, distances in zip(
                hardest, hits, _measure_distances(part.vectors, hardest, hits), strict=True
            )
        ],
    )


def find_nearest_rows(vectors: np.ndarray, groups: Rows, queries: Rows, count: int) -> Rows:
    """The nearest rows (queries, count) of embeddings (n, dim) to rows (queries,), nearest first, none of their group.

    Of equally far ones the first row comes first. There are fewer columns where a query has fewer photos to find.
    """
    values, _ = check_embeddings(vectors, groups)
    group_codes = check_groups(groups, len(values))
    others = len(values) - int(np.bincount(group_codes).max(initial=0))
    found = np.empty((len(queries), min(count, others)), np.int64)
    for block, squared in iterate_squared_distances(values, queries):
        set_group_apart(squared, group_codes, queries[block])
        if found.shape[1] == 1:
            found[block, 0] = squared.argmin(axis=1)
        else:
            found[block] = np.argsort(squared, axis=1, kind="stable")[:, : found.shape[1]]
    return found


def _measure_distances(vectors: np.ndarray, queries: Rows, found: Rows) -> Floats:
    """Distances (queries, count) of queries (queries,) to the rows (queries, count) found for them."""
    pairs = np.stack([np.repeat(queries, found.shape[1]), found.ravel()], axis=1)
    return np.asarray(compute_pair_distances(vectors, pairs).reshape(found.shape), np.float64)


def _move_rows(figures: RetrievalFigures, rows: Rows) -> RetrievalFigures:
    """The figures with their queries' rows as rows (m,) of all photos."""
    return _merge_retrieval([figures], [rows[figures.rows]], figures.queries + figures.photos_without_match)


def _join_parts(parts: list[LabelFigures], photo_count: int) -> LabelFigures:
    retrievals = [part.retrieval for part in parts]
    retrieval = _merge_retrieval(retrievals, [figures.rows for figures in retrievals], photo_count)
    order = dict(zip(retrieval.rows.tolist(), retrieval.per_query_map_at_r.tolist(), strict=True))
    hardest = sorted((query for part in parts for query in part.hardest), key=lambda query: order[query.row])
    return LabelFigures(
        retrieval,
        np.concatenate([part.average_precisions for part in parts]),
        NearestOutsiders(*(np.concatenate(columns) for columns in zip(*(part.nearest for part in parts), strict=True))),
        PairDistances(*(np.sort(np.concatenate(kinds)) for kinds in zip(*(part.pairs for part in parts), strict=True))),
        hardest[:HARDEST_QUERIES],
    )


def _merge_retrieval(parts: list[RetrievalFigures], rows: list[Rows], photo_count: int) -> RetrievalFigures:
    """The figures over the queries of all parts, whose rows among all photos are `rows`."""
    p_at_1, r_precision, map_at_r = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("per_query_p_at_1", "per_query_r_precision", "per_query_map_at_r")
    )
    queries = sum(part.queries for part in parts)
    return RetrievalFigures(
        queries,
        photo_count - queries,
        float(p_at_1.mean()),
        float(r_precision.mean()),
        float(map_at_r.mean()),
        {k: sum(part.hit_at_k[k] * part.queries for part in parts) / queries for k in parts[0].hit_at_k},
        np.concatenate(rows),
        p_at_1,
        r_precision,
        map_at_r,
        sum(part.nearest_in_group for part in parts),
    )


def bootstrap_mean(values: Floats, groups: Rows) -> DifferenceInterval:
    """The mean of values (queries,) from 0 to 1, with its 95 % interval for other photos of these labels.

    Groups (queries,) are drawn whole (`bootstrap_difference`). Where all values are 0, or all 1, nothing varies: the
    interval is then that of so many independent groups (Clopper, Pearson 1934).
    """
    interval = bootstrap_difference(np.zeros(len(values)), values, photo_groups=groups)
    widest = 1 - TAIL_PROBABILITY ** (1 / len(np.unique(groups)))
    low, high = max(0.0, interval.low), min(1.0, interval.high)
    low = min(low, 1 - widest) if interval.mean == 1 else low
    return DifferenceInterval(low, max(high, widest) if interval.mean == 0 else high, interval.mean)


def tabulate_error_rates(pairs: PairDistances, step: float = RATE_STEP) -> ErrorRateTable:
    """The error rates at thresholds from 0 to beyond the furthest pair, `step` apart; empty without pairs of both
    kinds.
    """
    if not (pairs.matched.size and pairs.mismatched.size):
        return ErrorRateTable([], [], [])
    furthest = max(pairs.matched[-1], pairs.mismatched[-1])
    distances = np.arange(int(furthest / step) + 2) * step
    fmr = np.searchsorted(pairs.mismatched, distances) / len(pairs.mismatched)
    fnmr = 1 - np.searchsorted(pairs.matched, distances) / len(pairs.matched)
    return ErrorRateTable(distances.tolist(), fmr.tolist(), fnmr.tolist())
