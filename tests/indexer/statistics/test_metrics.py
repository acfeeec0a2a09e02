"""Figures agree with plain loops over their definitions, with hand-worked cases and with pytorch-metric-learning."""

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from indexer.errors import LookalikeError
from indexer.statistics import metrics
from indexer.statistics.metrics import (
    measure_retrieval,
)
from indexer.vectors import distances
from tests.support.labelled_points import draw_tied_points, group_by_distance, put_on_line

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines

DRAWN = draw_tied_points(24, 5)


def by_walk(embeddings: NDArray[Any], labels: NDArray[Any], k: int) -> list[tuple[float, float, float, float]]:
    """P@1, R-precision, MAP@R and hit@k of each query, by walking down every ranking photo by photo: of those equally
    far, each may come next with the same chance.
    """
    rows = []
    for q in range(len(labels)):
        groups = group_by_distance(embeddings, labels, q)
        counts = [(sum(groups[d]), len(groups[d]) - sum(groups[d])) for d in sorted(groups)]
        if r := sum(matches for matches, _ in counts):
            found, precisions = walk(counts, 0, 0, r)
            hit = 1 - none_within(counts, k)
            rows.append((walk(counts, 0, 0, 1)[0], found / r, precisions / r, hit))
    return rows


def walk(counts: list[tuple[int, int]], rank: int, hits: int, depth: int) -> tuple[float, float]:
    """How many matches the ranks from `rank` to `depth` hold on average, and the sum of the precisions at these."""
    if rank == depth:
        return 0.0, 0.0
    (matches, others), *rest = counts
    if not matches + others:
        return walk(rest, rank, hits, depth)
    found = precisions = 0.0
    if matches:
        more, later = walk([(matches - 1, others), *rest], rank + 1, hits + 1, depth)
        share = matches / (matches + others)
        found, precisions = share * (1 + more), share * ((hits + 1) / (rank + 1) + later)
    if others:
        more, later = walk([(matches, others - 1), *rest], rank + 1, hits, depth)
        share = others / (matches + others)
        found, precisions = found + share * more, precisions + share * later
    return found, precisions


def none_within(counts: list[tuple[int, int]], k: int) -> float:
    """The chance that the first k photos hold no match: of each distance, ways to draw mismatches among all ways."""
    chance, left = 1.0, k
    for matches, others in counts:
        drawn = min(left, matches + others)
        chance *= math.comb(others, drawn) / math.comb(matches + others, drawn)
        left -= drawn
    return chance


def test_hand_worked_line_has_its_figures() -> None:
    # Labels a b a b a at 0, 1, 3, 7, 12. Rankings: a at 0: b a b a, a at 3: b a b a, a at 12: b a b a;
    # each R = 2 with one match, the second: R-precision 1/2, MAP@R (1/2)/2. b at 1: a a b a, b at 7: a a b a;
    # R = 1 without a match.
    found = measure_retrieval(put_on_line(0, 1, 3, 7, 12), [0, 1, 0, 1, 0], ks=(1, 2, 3))
    assert found.queries == 5
    assert found.photos_without_match == 0
    assert found.per_query_map_at_r.tolist() == [0.25, 0, 0.25, 0, 0.25]
    assert found.per_query_r_precision.tolist() == [0.5, 0, 0.5, 0, 0.5]
    assert found.p_at_1 == 0
    assert found.hit_at_k == {1: 0.0, 2: 0.6, 3: 1.0}


def test_photo_alone_in_its_class_asks_nothing_but_is_found() -> None:
    found = measure_retrieval(put_on_line(0, 0.1, 1, 5), [7, 9, 7, 7])
    assert (found.queries, found.photos_without_match) == (3, 1)
    assert found.rows.tolist() == [0, 2, 3]
    assert found.per_query_p_at_1.tolist() == [0, 0, 1]


def test_no_shared_label_is_refused_with_a_sentence() -> None:
    with pytest.raises(LookalikeError, match="share a label"):
        measure_retrieval(put_on_line(0, 1), [0, 1])
    with pytest.raises(LookalikeError, match="share a label"):
        measure_retrieval(np.empty((0, 3)), [])


def test_arrays_that_do_not_fit_or_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        measure_retrieval(put_on_line(0, 1), [0])
    with pytest.raises(ValueError, match="finite"):
        measure_retrieval(put_on_line(0, np.nan), [0, 0])
    with pytest.raises(ValueError, match="k of at least 1"):
        measure_retrieval(put_on_line(0, 1), [0, 0], ks=(0,))


def test_k_beyond_the_gallery_counts_the_whole_gallery() -> None:
    assert measure_retrieval(put_on_line(0, 1, 2), [0, 1, 0], ks=(1, 100)).hit_at_k == {1: 0.0, 100: 1.0}


def test_equally_far_photos_count_alike_whatever_their_order() -> None:
    assert measure_retrieval(put_on_line(0, 1, -1), [0, 0, 1]).per_query_p_at_1[0] == 0.5
    assert measure_retrieval(put_on_line(0, -1, 1), [0, 1, 0]).per_query_p_at_1[0] == 0.5


def test_photos_of_one_point_are_judged_by_their_share_and_not_by_the_order_of_their_labels() -> None:
    # A collapsed network: 3 of label 0 and 97 of label 1 in one point. From a 1, 96 of 99 others match.
    labels = np.array([0] * 3 + [1] * 97)
    found = measure_retrieval(np.zeros((100, 2)), labels)
    assert found.per_query_p_at_1[3:] == pytest.approx(96 / 99)
    assert found.per_query_r_precision[3:] == pytest.approx(96 / 99)
    again = np.random.default_rng(0).permutation(100)
    shuffled = measure_retrieval(np.zeros((100, 2)), labels[again])
    assert (shuffled.p_at_1, shuffled.map_at_r) == pytest.approx((found.p_at_1, found.map_at_r), abs=1e-12)


@pytest.mark.parametrize("copies", [6, 30, 62, 401])
@pytest.mark.parametrize("dim", [3, 257, 1280])
def test_copies_tie_whatever_column_they_stand_in(monkeypatch: pytest.MonkeyPatch, dim: int, copies: int) -> None:
    random = np.random.default_rng(dim + copies)
    # A block of one query, as the last one may be: seen to give equal columns of the product unequal values.
    monkeypatch.setattr(distances, "BLOCK_BYTES", 1)
    monkeypatch.setattr(metrics, "BLOCK_BYTES", 1)
    for _ in range(5):
        base = random.normal(size=(2, dim)).astype(np.float32)
        # Row 0 asks; of the copies of another vector that follow, two share its label. They are near row 0, so that
        # the noise of the matrix product is not lost when the norms are added.
        base[1] = base[0] + base[1] / 100
        embeddings = np.concatenate([base[:1], np.repeat(base[1:], copies, axis=0)])
        found = measure_retrieval(embeddings, [5, 5, *[6] * (copies - 2), 5])
        assert found.per_query_p_at_1[0] == pytest.approx(2 / copies)
        assert found.per_query_r_precision[0] == pytest.approx(2 / copies)
        # The second rank matches with 2/copies too, and the first one did before it with 1/(copies - 1).
        assert found.per_query_map_at_r[0] == pytest.approx((1 + (1 + 1 / (copies - 1)) / 2) / copies)


def test_zeros_of_either_sign_are_the_same_place() -> None:
    # Asked from 1, rows 1 and 2 tie at distance 1.
    assert measure_retrieval(put_on_line(1, -0.0, 0.0), [0, 0, 1]).per_query_p_at_1[0] == 0.5


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(DRAWN, st.integers(1, 30))
def test_figures_agree_with_a_walk_over_the_definitions(drawn: tuple[NDArray[Any], NDArray[Any]], k: int) -> None:
    embeddings, labels = drawn
    expected = by_walk(embeddings, labels, k)
    if not expected:
        return
    found = measure_retrieval(embeddings, labels, ks=(k,))
    assert found.queries == len(expected)
    p_at_1, r_precision, map_at_r, hit = np.array(expected).T
    np.testing.assert_allclose(found.per_query_p_at_1, p_at_1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.per_query_r_precision, r_precision, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.per_query_map_at_r, map_at_r, rtol=0, atol=1e-12)
    assert found.hit_at_k[k] == pytest.approx(hit.mean())


@pytest.mark.parametrize(("per_class", "places"), [(2, 7), (5, 7), (5, 900)])
def test_many_blocks_and_partial_sorting_agree_with_the_walk(
    monkeypatch: pytest.MonkeyPatch, per_class: int, places: int
) -> None:
    random = np.random.default_rng(per_class)
    embeddings = random.integers(0, places, (200, 2)).astype(np.float32)
    labels = random.permutation(np.arange(200) // per_class)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 7 * 8 * 200)
    monkeypatch.setattr(metrics, "BLOCK_BYTES", 7 * 8 * 200)
    found = measure_retrieval(embeddings, labels, ks=(5,))
    expected = np.array(by_walk(embeddings, labels, 5)).T
    np.testing.assert_allclose(found.per_query_map_at_r, expected[2], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.per_query_r_precision, expected[1], rtol=0, atol=1e-12)
    assert found.hit_at_k[5] == pytest.approx(expected[3].mean(), abs=1e-12)
    # The harness sees a wrong ranking: the same figures for shuffled labels are others.
    shuffled = np.array(by_walk(embeddings, random.permutation(labels), 5)).T
    assert abs(shuffled[2].mean() - found.map_at_r) > 1e-4


@pytest.mark.parametrize(("dim", "noise"), [(8, 0.8), (128, 2)])
def test_figures_agree_with_pytorch_metric_learning(dim: int, noise: float) -> None:
    random = np.random.default_rng(dim)
    labels = random.integers(0, 12, 400)
    embeddings = random.normal(size=(12, dim))[labels] + noise * random.normal(size=(400, dim))
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    knn = CustomKNN(LpDistance(normalize_embeddings=False))
    calculator = AccuracyCalculator(include=names, k="max_bin_count", knn_func=knn)
    theirs = calculator.get_accuracy(torch.from_numpy(embeddings), torch.from_numpy(labels))
    ours = measure_retrieval(embeddings, labels)
    assert 0.1 < ours.map_at_r < 0.95
    assert [ours.p_at_1, ours.r_precision, ours.map_at_r] == pytest.approx([theirs[name] for name in names], abs=1e-6)


def test_labels_beyond_float32_stay_apart() -> None:
    huge = 2**53
    found = measure_retrieval(put_on_line(0, 1, 2, 4), [huge, huge + 1, huge, huge + 1])
    assert found.p_at_1 == 0
    assert measure_retrieval(put_on_line(0, 1, 3, 4), [-1, -1, 2**24 + 1, 2**24 + 1]).p_at_1 == 1


def test_memory_stays_bounded() -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(6000, 32)).astype(np.float32)
    tracemalloc.start()
    measure_retrieval(embeddings, random.integers(0, 300, 6000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All 6,000 x 6,000 distances at once would be 288 MB, with their ranks 576 MB.
    assert peak < 4 * distances.BLOCK_BYTES
