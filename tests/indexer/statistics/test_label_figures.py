"""Figures in one piece are those of a plain loop, in folds the means over all their queries; rates are counted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.progress import drain
from indexer.statistics.calibration_measurement import FoldVectors
from indexer.statistics.label_figures import (
    LabelFigures,
    bootstrap_mean,
    find_nearest_rows,
    measure_label_figures,
    tabulate_error_rates,
)
from indexer.statistics.metrics import PairDistances, measure_retrieval
from tests.support.labelled_points import draw_classes, draw_tied_points

Rows = NDArray[np.int64]


def measure_whole(vectors: np.ndarray, codes: Rows, groups: Rows | None = None) -> LabelFigures:
    whole = [FoldVectors(np.arange(len(codes)), vectors)]
    return drain(measure_label_figures(whole, codes, np.arange(len(codes)) if groups is None else groups))


def find_nearest_by_loop(vectors: np.ndarray, groups: Rows, query: int) -> tuple[int, float]:
    found = [
        (math.dist(vectors[query].tolist(), vectors[row].tolist()), row)
        for row in range(len(vectors))
        if row != query and groups[row] != groups[query]
    ]
    return min(found)[1], min(found)[0]


@settings(max_examples=40)
@given(draw_tied_points(10, 3, 4))
def test_the_nearest_photo_is_that_of_a_loop(points: tuple[NDArray[np.float32], Rows, Rows]) -> None:
    vectors, codes, groups = points
    try:
        figures = measure_whole(vectors, codes, groups)
    except LookalikeError:
        return
    for query, row, distance in zip(
        figures.retrieval.rows.tolist(), figures.nearest.rows.tolist(), figures.nearest.distances.tolist(), strict=True
    ):
        expected_row, expected_distance = find_nearest_by_loop(vectors, groups, query)
        assert (row, distance) == (expected_row, pytest.approx(expected_distance))


def test_the_share_of_right_nearest_photos_is_p_at_1() -> None:
    vectors, codes = draw_classes(6, 9)
    figures = measure_whole(vectors, codes)
    right = codes[figures.nearest.rows] == codes[figures.retrieval.rows]
    assert figures.retrieval.p_at_1 == pytest.approx(right.mean())
    assert 0.2 < right.mean() < 1


def test_folds_are_measured_apart_and_averaged_over_their_queries() -> None:
    vectors, codes = draw_classes(5, 8)
    rows = [np.arange(0, 40, 3), np.setdiff1d(np.arange(40), np.arange(0, 40, 3))]
    turned = -vectors[:, ::-1]  # as another map would: within a fold only
    parts = [FoldVectors(rows[0], vectors[rows[0]]), FoldVectors(rows[1], turned[rows[1]])]
    figures = drain(measure_label_figures(parts, codes, np.arange(40)))
    apart = [measure_retrieval(part.vectors, codes[part.rows]) for part in parts]
    queries = [part.queries for part in apart]
    assert figures.retrieval.queries == sum(queries)
    expected = np.average([part.map_at_r for part in apart], weights=queries)
    assert figures.retrieval.map_at_r == pytest.approx(expected)
    fold_of = np.zeros(40)
    fold_of[rows[1]] = 1
    assert (fold_of[figures.nearest.rows] == fold_of[figures.retrieval.rows]).all()
    pairs = sum(len(part.rows) * (len(part.rows) - 1) // 2 for part in parts)
    assert len(figures.pairs.matched) + len(figures.pairs.mismatched) == pairs


def test_the_hardest_queries_come_first_with_what_they_find() -> None:
    vectors, codes = draw_classes(6, 9)
    figures = measure_whole(vectors, codes)
    by_row = dict(zip(figures.retrieval.rows.tolist(), figures.retrieval.per_query_map_at_r.tolist(), strict=True))
    shown = [by_row[query.row] for query in figures.hardest]
    assert shown == sorted(by_row.values())[: len(shown)]
    for query in figures.hardest:
        assert query.distances == sorted(query.distances)
        assert query.hits[0] == find_nearest_by_loop(vectors, np.arange(54), query.row)[0]


def test_a_query_with_few_others_finds_fewer() -> None:
    vectors, _ = draw_classes(2, 2)
    found = find_nearest_rows(vectors, np.array([0, 0, 1, 2]), np.array([0, 2]), 8)
    assert found.shape == (2, 2)
    assert set(found[0].tolist()) == {2, 3}


def test_error_rates_are_those_of_counting_pairs() -> None:
    random = np.random.default_rng(0)
    matched, mismatched = np.sort(random.uniform(0, 1, 70)), np.sort(random.uniform(0.4, 1.5, 90))
    matched[10] = 0.5  # exactly at a threshold: not nearer than it
    table = tabulate_error_rates(PairDistances(np.sort(matched), mismatched), 0.1)
    assert table.distances[0] == 0
    assert table.distances[-1] > mismatched[-1]
    for distance, fmr, fnmr in zip(table.distances, table.fmr, table.fnmr, strict=True):
        assert fmr == pytest.approx(sum(value < distance for value in mismatched.tolist()) / 90)
        assert fnmr == pytest.approx(sum(value >= distance for value in matched.tolist()) / 70)
    assert (table.fmr[0], table.fnmr[0], table.fmr[-1], table.fnmr[-1]) == (0, 1, 1, 0)


def test_without_pairs_of_both_kinds_there_are_no_rates() -> None:
    assert tabulate_error_rates(PairDistances(np.array([0.5]), np.array([]))).distances == []


def test_an_interval_holds_the_mean_and_knows_how_few_photos_there_are() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0] * 10)
    few, many = bootstrap_mean(values[:12], np.arange(12)), bootstrap_mean(values, np.arange(40))
    assert few.low <= few.mean <= few.high
    assert many.high - many.low < few.high - few.low
    bursts = bootstrap_mean(values, np.arange(40) // 4)
    assert bursts.mean == many.mean


@pytest.mark.parametrize(("value", "count"), [(1.0, 60), (0.0, 60), (1.0, 5)])
def test_nothing_but_right_or_wrong_answers_are_no_certainty(value: float, count: int) -> None:
    interval = bootstrap_mean(np.full(count, value), np.arange(count))
    # of a true rate p, all of `count` answers are right in p ** count of all draws: 0.025 at the end of the interval
    end = interval.low if value else 1 - interval.high
    assert end**count == pytest.approx(0.025)
