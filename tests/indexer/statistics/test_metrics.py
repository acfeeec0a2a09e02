"""Figures agree with plain loops over their definitions, with hand-worked cases and with pytorch-metric-learning."""

import math
import tracemalloc
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from indexer.errors import LookalikeError
from indexer.statistics import metrics
from indexer.statistics.metrics import (
    PairDistances,
    bootstrap_difference,
    compute_equal_error_rate,
    compute_least_gain,
    find_threshold,
    measure_pair_distances,
    measure_retrieval,
    measure_verification,
)
from indexer.vectors import distances

pytestmark = pytest.mark.no_cover  # tracing would add half the time; cheaper tests measure the same lines

# Small whole numbers: many exact ties and copies, and every squared distance exact in any order of summing.
DRAWN = st.integers(2, 24).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, (n, 2), elements=st.integers(-2, 2).map(float)),
        arrays(np.int64, n, elements=st.integers(0, 4)),
    )
)


def on_a_line(*places: float) -> NDArray[np.float32]:
    return np.array(places, np.float32)[:, None]


def by_walk(embeddings: NDArray[Any], labels: NDArray[Any], k: int) -> list[tuple[float, float, float, float]]:
    """P@1, R-precision, MAP@R and hit@k of each query, by walking down every ranking photo by photo: of those equally
    far, each may come next with the same chance.
    """
    rows = []
    for q in range(len(labels)):
        groups: dict[float, list[bool]] = {}
        for i in range(len(labels)):
            if i != q:
                groups.setdefault(float(((embeddings[i] - embeddings[q]) ** 2).sum()), []).append(
                    labels[i] == labels[q]
                )
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


def pairs_by_loop(embeddings: NDArray[Any], labels: NDArray[Any]) -> tuple[list[float], list[float]]:
    matched: list[float] = []
    mismatched: list[float] = []
    for a, b in combinations(range(len(labels)), 2):
        (matched if labels[a] == labels[b] else mismatched).append(math.dist(embeddings[a], embeddings[b]))
    return sorted(matched), sorted(mismatched)


def test_hand_worked_line_has_its_figures() -> None:
    # Labels a b a b a at 0, 1, 3, 7, 12. Rankings: a at 0: b a b a, a at 3: b a b a, a at 12: b a b a;
    # each R = 2 with one match, the second: R-precision 1/2, MAP@R (1/2)/2. b at 1: a a b a, b at 7: a a b a;
    # R = 1 without a match.
    found = measure_retrieval(on_a_line(0, 1, 3, 7, 12), [0, 1, 0, 1, 0], ks=(1, 2, 3))
    assert found.queries == 5
    assert found.photos_without_match == 0
    assert found.per_query_map_at_r.tolist() == [0.25, 0, 0.25, 0, 0.25]
    assert found.per_query_r_precision.tolist() == [0.5, 0, 0.5, 0, 0.5]
    assert found.p_at_1 == 0
    assert found.hit_at_k == {1: 0.0, 2: 0.6, 3: 1.0}


def test_photo_alone_in_its_class_asks_nothing_but_is_found() -> None:
    found = measure_retrieval(on_a_line(0, 0.1, 1, 5), [7, 9, 7, 7])
    assert (found.queries, found.photos_without_match) == (3, 1)
    assert found.rows.tolist() == [0, 2, 3]
    assert found.per_query_p_at_1.tolist() == [0, 0, 1]


def test_no_shared_label_is_refused_with_a_sentence() -> None:
    with pytest.raises(LookalikeError, match="share a label"):
        measure_retrieval(on_a_line(0, 1), [0, 1])
    with pytest.raises(LookalikeError, match="share a label"):
        measure_retrieval(np.empty((0, 3)), [])


def test_arrays_that_do_not_fit_or_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        measure_retrieval(on_a_line(0, 1), [0])
    with pytest.raises(ValueError, match="finite"):
        measure_retrieval(on_a_line(0, np.nan), [0, 0])
    with pytest.raises(ValueError, match="k of at least 1"):
        measure_retrieval(on_a_line(0, 1), [0, 0], ks=(0,))


def test_k_beyond_the_gallery_counts_the_whole_gallery() -> None:
    assert measure_retrieval(on_a_line(0, 1, 2), [0, 1, 0], ks=(1, 100)).hit_at_k == {1: 0.0, 100: 1.0}


def test_equally_far_photos_count_alike_whatever_their_order() -> None:
    assert measure_retrieval(on_a_line(0, 1, -1), [0, 0, 1]).per_query_p_at_1[0] == 0.5
    assert measure_retrieval(on_a_line(0, -1, 1), [0, 1, 0]).per_query_p_at_1[0] == 0.5


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
    assert measure_retrieval(on_a_line(1, -0.0, 0.0), [0, 0, 1]).per_query_p_at_1[0] == 0.5


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
    found = measure_retrieval(on_a_line(0, 1, 2, 4), [huge, huge + 1, huge, huge + 1])
    assert found.p_at_1 == 0
    assert measure_retrieval(on_a_line(0, 1, 3, 4), [-1, -1, 2**24 + 1, 2**24 + 1]).p_at_1 == 1


def test_memory_stays_bounded() -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(6000, 32)).astype(np.float32)
    tracemalloc.start()
    measure_retrieval(embeddings, random.integers(0, 300, 6000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All 6,000 x 6,000 distances at once would be 288 MB, with their ranks 576 MB.
    assert peak < 4 * distances.BLOCK_BYTES


def test_interval_agrees_with_the_normal_one() -> None:
    random = np.random.default_rng(3)
    before, after = random.normal(0.5, 0.1, 900), random.normal(0.53, 0.1, 900)
    change = after - before
    half = 1.96 * change.std() / 30
    low, high, mean = bootstrap_difference(before, after, resamples=4000)
    assert mean == pytest.approx(change.mean())
    assert [low, high] == pytest.approx([mean - half, mean + half], abs=0.05 * half)


def test_interval_holds_the_true_change_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    samples = random.exponential(0.1, (300, 80))
    held = [
        low <= 0.1 <= high
        for low, high, _ in (bootstrap_difference(0 * s, s, level=0.9, resamples=400) for s in samples)
    ]
    # 90 % of 300, give or take three standard deviations (0.017 each), less the known 0.02 for skewed values.
    assert 0.83 < np.mean(held) < 0.95


def test_interval_over_classes_is_wider_when_classes_differ() -> None:
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(12), 50)
    change = random.normal(0, 0.1, 12)[groups] + random.normal(0, 0.01, 600)
    alone = bootstrap_difference(np.zeros(600), change)
    classes = bootstrap_difference(np.zeros(600), change, groups=groups * 10**9)
    assert classes.mean == alone.mean
    assert classes.high - classes.low > 3 * (alone.high - alone.low)
    # Equal classes: the interval of the mean of twelve class means.
    half = 1.96 * change.reshape(12, 50).mean(axis=1).std() / 12**0.5
    assert [classes.low, classes.high] == pytest.approx([classes.mean - half, classes.mean + half], abs=0.15 * half)


def test_interval_is_the_same_for_the_same_seed_only() -> None:
    before, after = np.zeros(30), np.linspace(-0.3, 0.5, 30)
    assert bootstrap_difference(before, after) == bootstrap_difference(before, after)
    assert bootstrap_difference(before, after) != bootstrap_difference(before, after, seed=1)


def test_one_unit_says_nothing_about_its_spread() -> None:
    assert bootstrap_difference([0.25], [0.75]) == (-1, 1, 0.5)
    assert bootstrap_difference([0, 0.5], [0.25, 0.75], groups=[4, 4]) == (-1, 1, 0.25)
    with pytest.raises(ValueError, match="one or more"):
        bootstrap_difference([], [])


@settings(max_examples=60, deadline=None)
@given(DRAWN)
def test_pairs_agree_with_a_loop(drawn: tuple[NDArray[Any], NDArray[Any]]) -> None:
    found, expected = measure_pair_distances(*drawn), pairs_by_loop(*drawn)
    np.testing.assert_allclose(found.matched, expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.mismatched, expected[1], rtol=0, atol=1e-12)


def test_sampled_pairs_are_of_their_kind_and_even() -> None:
    # Powers of 3 on a line: each pair has a distance of its own.
    embeddings, labels = on_a_line(*[3.0**i for i in range(12)]).astype(np.float64), np.array([0, 1, 2] * 3 + [0, 0, 0])
    everything = measure_pair_distances(embeddings, labels)
    sample = measure_pair_distances(embeddings, labels, limit=18, seed=1)
    assert (len(everything.matched), len(sample.matched)) == (21, 18)
    assert len(sample.mismatched) == 18
    counts = {kind: np.zeros(len(getattr(everything, kind))) for kind in PairDistances._fields}
    for seed in range(400):
        drawn = measure_pair_distances(embeddings, labels, limit=18, seed=seed)
        for kind, seen in counts.items():
            values = getattr(everything, kind)
            at = np.searchsorted(values, getattr(drawn, kind))
            np.testing.assert_array_equal(values[at], getattr(drawn, kind))
            np.add.at(seen, at, 1)
    for seen in counts.values():
        expected = 400 * 18 / len(seen)
        # Chi-square with len - 1 degrees of freedom: its mean plus four standard deviations.
        assert ((seen - expected) ** 2 / expected).sum() < len(seen) + 4 * (2 * len(seen)) ** 0.5


def test_one_giant_class_and_a_few_others_need_little_memory() -> None:
    labels = np.zeros(20_000, np.int64)
    labels[:10] = 1
    found = measure_pair_distances(np.arange(20_000.0)[:, None], labels)
    assert len(found.mismatched) == 10 * 19_990
    assert len(found.matched) == metrics.MAX_PAIRS


def test_threshold_keeps_its_false_match_rate_as_tight_as_it_can() -> None:
    pairs = PairDistances(np.array([0.1, 0.2, 0.3, 0.9]), np.arange(1, 101) / 100)
    fmr, fnmr, distance = find_threshold(pairs, 0.25)
    assert (fmr, distance) == (0.25, 0.26)
    assert (pairs.mismatched < distance).sum() == 25
    assert fnmr == 0.5
    # Ties at the threshold stay outside: the rate is kept, not passed.
    tied = PairDistances(pairs.matched, np.array([0.1] * 5 + [0.2] * 95))
    assert find_threshold(tied, 0.5).distance == 0.2
    with pytest.raises(ValueError, match="between 0 and 1"):
        find_threshold(pairs, 1)


@pytest.mark.parametrize(
    ("matched", "mismatched", "expected"),
    [
        ([1, 2], [3, 4], 0.0),
        ([3, 4], [1, 2], 1.0),
        ([1], [1], 0.5),
        ([1, 2, 3, 7], [4, 6, 8, 9], 0.25),
        ([1, 4], [3, 5, 6], 1 / 3),  # from (1/3, 1/2) at 4 straight down to (1/3, 0) at 5
        ([1, 3], [3, 5], 0.25),  # half-way from (0, 1/2) at 3 to (1/2, 0) at 5
    ],
)
def test_equal_error_rate_of_hand_worked_pairs(matched: list[float], mismatched: list[float], expected: float) -> None:
    assert compute_equal_error_rate(
        PairDistances(np.array(matched, float), np.array(mismatched, float))
    ) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(*[st.lists(st.integers(0, 9).map(float), min_size=1, max_size=12)] * 2)
def test_equal_error_rate_is_where_the_roc_meets_the_diagonal(matched: list[float], mismatched: list[float]) -> None:
    eer = compute_equal_error_rate(PairDistances(np.sort(matched), np.sort(mismatched)))
    cuts = [*sorted({*matched, *mismatched}), math.inf]
    points = [(np.mean([d < t for d in mismatched]), np.mean([d >= t for d in matched])) for t in cuts]
    crossings = [
        a + t * (c - a)
        for (a, b), (c, d) in pairwise(points)
        if c - a + b - d > 0 and 0 <= (t := (b - a) / (c - a + b - d)) <= 1
    ]
    assert min(abs(eer - crossing) for crossing in crossings) < 1e-12


def test_threshold_is_given_only_where_the_pairs_back_it() -> None:
    random = np.random.default_rng(6)
    labels = np.repeat(np.arange(10), 12)
    embeddings = random.normal(size=(10, 16))[labels] + random.normal(size=(120, 16))
    found = measure_verification(embeddings, labels)
    matched, mismatched = pairs_by_loop(embeddings, labels)
    assert (found.matched, found.mismatched) == (len(matched), len(mismatched)) == (660, 6480)
    # 6.5 false matches are to be expected at 0.001, 65 at 0.01.
    assert [threshold.fmr for threshold in found.thresholds] == [0.1, 0.01]
    for fmr, fnmr, distance in found.thresholds:
        assert 0 <= fmr - np.mean(np.array(mismatched) < distance) < 2 / len(mismatched)
        assert fnmr == pytest.approx(np.mean(np.array(matched) >= distance))
    assert found.eer is not None
    assert 0 < found.eer < 0.4


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_pairs_of_one_kind_give_no_verdict(labels: list[int]) -> None:
    found = measure_verification(on_a_line(0, 1, 2), labels)
    assert found.eer is None
    assert found.thresholds == ()


def test_the_least_gain_is_what_four_of_five_draws_show() -> None:
    random, shown = np.random.default_rng(0), []
    spread, queries = 0.2, 60
    first = bootstrap_difference(np.zeros(queries), random.normal(0, spread, queries), resamples=4000)
    least = compute_least_gain(first)
    assert least == pytest.approx(2.80 * spread / np.sqrt(queries), rel=0.2)
    exact = 2.80 * spread / np.sqrt(queries)
    for seed in range(200):
        change = random.normal(exact, spread, queries)
        shown.append(bootstrap_difference(np.zeros(queries), change, resamples=300, seed=seed).low > 0)
    assert 0.72 <= np.mean(shown) <= 0.88
