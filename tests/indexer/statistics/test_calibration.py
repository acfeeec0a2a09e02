"""A distance means what is said of it: probabilities come true, rates hold on other classes, rarities count pairs."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import isotonic_regression

from indexer.errors import LookalikeError
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import (
    calibrate_from_labels,
    calibrate_from_photos,
    pool_violators,
    sample_by_class,
)
from indexer.statistics.error_rates import PHOTO_GROUPS, estimate_error_rate, estimate_rates_by_unit
from indexer.vectors.distances import compute_distance_table
from tests.support.labelled_points import draw_classes


def all_pairs(vectors: NDArray[np.float32], codes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Distances of all pairs one by one, and whether they match."""
    rows = [(a, b) for a in range(len(codes)) for b in range(a)]
    distances = [math.dist(vectors[a].astype(float), vectors[b].astype(float)) for a, b in rows]
    return np.array(distances), np.array([codes[a] == codes[b] for a, b in rows])


# probabilities


def test_probability_falls_with_the_distance_and_comes_true_on_other_photos() -> None:
    vectors, codes = draw_classes(12, 40)
    half = np.arange(len(codes)) % 2 == 0
    known = calibrate_from_labels(vectors[half], codes[half])
    steps = [known.interpret_distance(distance).probability or 0.0 for distance in np.linspace(0, 2, 50)]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > 0.9
    assert steps[-1] < 0.05
    distances, same = all_pairs(vectors[~half][::2], codes[~half][::2])
    said = np.array([known.interpret_distance(distance).probability for distance in distances])
    for low, high in ((0, 0.05), (0.05, 0.5), (0.5, 1)):
        there = (said >= low) & (said < high)
        assert there.sum() > 20
        assert abs(said[there].mean() - same[there].mean()) < 0.1


def test_prior_is_the_share_of_matched_pairs() -> None:
    vectors, codes = draw_classes(5, 20)
    distances, same = all_pairs(vectors, codes)
    assert calibrate_from_labels(vectors, codes).prior == pytest.approx(same.mean(), abs=1e-12)
    # Matched pairs ten times rarer: the odds at a distance that both kinds have are ten times lower.
    prior = float(same.mean())
    rarer = calibrate_from_labels(vectors, codes, prior=prior / 10)
    middle = float(np.median(distances[same]))
    odds = [
        p / (1 - p)
        for p in (
            one.interpret_distance(middle).probability or 0 for one in (calibrate_from_labels(vectors, codes), rarer)
        )
    ]
    assert 6 < odds[0] / odds[1] < 16


# cut-offs


def test_cutoff_keeps_its_rate_on_the_pairs_it_was_measured_on() -> None:
    vectors, codes = draw_classes(8, 15)
    known = calibrate_from_labels(vectors, codes)
    distances, same = all_pairs(vectors, codes)
    assert len(known.cutoffs) > 10
    for cutoff in known.cutoffs:
        assert (distances[~same] < cutoff.distance).mean() == pytest.approx(cutoff.fmr.value, abs=2 / (~same).sum())
        assert cutoff.fnmr is not None
        assert (distances[same] >= cutoff.distance).mean() == pytest.approx(cutoff.fnmr.value, abs=2 / same.sum())
        assert cutoff.fmr.low < cutoff.fmr.value < cutoff.fmr.high
        assert cutoff.fnmr.low <= cutoff.fnmr.value <= cutoff.fnmr.high


def test_intervals_hold_the_rates_of_other_classes() -> None:
    held = narrow = 0
    for seed in range(60):
        vectors, codes = draw_classes(12, 12, seed=seed)
        measured = np.isin(codes, np.random.default_rng(seed).permutation(12)[:6])
        cutoff = calibrate_from_labels(vectors[measured], codes[measured]).choose_cutoff(0.05)
        others, kinds = vectors[~measured], codes[~measured]
        rate = float((compute_distance_table(others, others) < cutoff.distance)[kinds[:, None] != kinds].mean())
        held += cutoff.fmr.low <= rate <= cutoff.fmr.high
        # As if pairs were independent: the binomial interval of the same share.
        pairs = int((kinds[:, None] != kinds).sum()) // 2
        spread = 1.96 * math.sqrt(0.05 * 0.95 / pairs)
        narrow += abs(rate - 0.05) <= spread
    assert held >= 54  # 0.9 of 60
    assert narrow < 40  # the harness sees an interval that is too narrow


def test_pairs_tied_at_the_edge_stay_out() -> None:
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 64)))[0]
    codes = np.repeat(np.arange(8), 8)
    vectors = turned[codes]  # all mismatched pairs are sqrt(2) apart, but for rounding
    known = calibrate_from_labels(vectors, codes)
    assert len(known.cutoffs) > 10
    for cutoff in known.cutoffs:
        assert math.sqrt(2) - 1e-6 < cutoff.distance < min(math.dist(turned[0], turned[k]) for k in range(1, 8))
        assert cutoff.fmr.low == 0 < cutoff.fmr.value <= cutoff.fmr.high
        assert cutoff.fnmr is not None
        assert cutoff.fnmr.value == 0


def test_two_units_say_nothing_about_a_third() -> None:
    (rate,) = estimate_rates_by_unit(
        np.array([[[0.0], [3.0]], [[0.0], [0.0]]]), np.array([[0.0, 10.0], [0.0, 0.0]]), for_other_units=True
    )
    assert rate == (0.3, 0.0, 1.0)


@pytest.mark.parametrize("photos", [4, 20, 200])
def test_no_error_among_few_is_not_taken_for_never(photos: int) -> None:
    codes = np.zeros(photos, np.int64)
    none = estimate_error_rate(np.zeros(photos, np.bool_), codes)
    units = min(photos, PHOTO_GROUPS)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high >= stats.binomtest(0, units).proportion_ci(0.95).high - 1e-9
    every = estimate_error_rate(np.ones(photos, np.bool_), codes)
    assert every.value == every.high == 1.0
    assert every.low == pytest.approx(1 - none.high)


def test_shares_of_very_many_classes_need_little_memory() -> None:
    codes = np.arange(100_000) // 2
    rate = estimate_error_rate(codes % 10 == 0, codes)
    assert rate.low < rate.value == 0.1 < rate.high


def test_few_classes_are_said_to_be_known_ones_only() -> None:
    assert "these labels only" in calibrate_from_labels(*draw_classes(3, 30)).describe_pairs()
    assert "as many other labels" in calibrate_from_labels(*draw_classes(6, 30)).describe_pairs()


def test_rate_that_the_pairs_cannot_show_is_refused() -> None:
    known = calibrate_from_labels(*draw_classes(5, 10))  # 1,000 mismatched pairs
    assert known.choose_cutoff(0.03).fmr.value == 0.03
    with pytest.raises(LookalikeError, match=r"1,000 pairs at hand cannot show .* 0\.001; the least they can is 0\.03"):
        known.choose_cutoff(0.001)
    assert known.choose_cutoff() == known.choose_cutoff(0.03)  # the default is what comes nearest
    for wrong in (0, 1, -1, math.nan):
        with pytest.raises(LookalikeError, match="between 0 and 1"):
            known.choose_cutoff(wrong)


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 2], [0]])
def test_pairs_of_one_kind_calibrate_nothing(codes: list[int]) -> None:
    known = calibrate_from_labels(np.eye(3, 8, dtype=np.float32)[: len(codes)], np.array(codes))
    assert (known.knots, known.cutoffs, known.different_from) == ((), (), None)
    assert known.judge_distance(0.5).verdict == "not sure"


def test_sample_takes_from_every_class_and_leaves_matched_pairs() -> None:
    codes = np.concatenate([np.zeros(5000, np.int64), np.arange(1, 1001).repeat(4)])
    rows = sample_by_class(codes, 400)
    counts = np.unique(codes[rows], return_counts=True)[1]
    assert len(rows) == 400
    assert set(counts.tolist()) == {4}
    few = sample_by_class(np.repeat([0, 1], [5000, 30]), 100)
    assert sorted(np.unique(np.repeat([0, 1], [5000, 30])[few], return_counts=True)[1].tolist()) == [30, 70]


# rarity


def test_rarity_counts_the_pairs_that_are_as_close() -> None:
    vectors, codes = draw_classes(6, 20)
    distances, _ = all_pairs(vectors, codes)
    known = calibrate_from_photos(vectors)
    for share in (0.003, 0.02, 0.1, 0.5):
        distance = float(np.quantile(distances, share))
        assert known.interpret_distance(distance).rarity == pytest.approx(1 / (distances <= distance).mean(), rel=0.05)
    assert known.interpret_distance(0.0).rarity == known.max_rarity == len(distances)
    assert known.interpret_distance(2.0).rarity == 1
    cutoff = known.choose_cutoff(0.05)
    assert (distances < cutoff.distance).mean() == pytest.approx(0.05, abs=1e-3)
    assert cutoff.fnmr is None


# verdicts


def test_verdict_is_same_below_the_threshold_and_different_beyond_what_matches() -> None:
    known = calibrate_from_labels(*draw_classes(6, 20))
    cutoff = known.choose_cutoff(0.05)
    assert known.different_from is not None
    near, far = sorted((cutoff.distance, known.different_from))
    assert known.judge_distance(np.nextafter(cutoff.distance, 0), 0.05).verdict == "same"
    assert known.judge_distance(far, 0.05).verdict == "different"
    between = replace(known, different_from=cutoff.distance + 0.1)
    assert between.judge_distance(cutoff.distance + 0.05, 0.05).verdict == "not sure"
    assert near <= far


def test_nothing_is_called_the_same_unasked_where_that_would_often_be_wrong() -> None:
    known = calibrate_from_labels(*draw_classes(6, 20))
    loose = replace(known, cutoffs=tuple(cut._replace(fmr=cut.fmr._replace(value=0.2)) for cut in known.cutoffs))
    assert known.judge_distance(1e-3).verdict == "same"
    assert loose.judge_distance(1e-3).verdict == "not sure"
    assert loose.judge_distance(1e-3, 0.3).verdict == "same"  # as asked


def test_without_labels_nothing_is_called_different() -> None:
    known = calibrate_from_photos(draw_classes(6, 20)[0])
    assert known.judge_distance(0.0).verdict == "same"
    assert known.judge_distance(1.9).verdict == "not sure"
    assert "not known" in known.judge_distance(1.9).measured


# kept


def test_calibration_comes_back_from_json_as_it_was() -> None:
    for known in (calibrate_from_labels(*draw_classes(6, 20)), calibrate_from_photos(draw_classes(6, 20)[0])):
        assert Calibration.from_fields(json.loads(json.dumps(known.fields()))) == known


def test_anything_else_is_no_calibration() -> None:
    fields = json.loads(json.dumps(calibrate_from_labels(*draw_classes(6, 20)).fields()))
    wrong: list[object] = [None, [], {}, fields | {"source": "guess"}, fields | {"knots": [[1, 2], [0, 1]]}]
    wrong += [fields | {"cutoffs": [[1.0, 2.0]]}, fields | {"photos": "many"}]
    for one in wrong:
        with pytest.raises(ValueError, match=r"."):
            Calibration.from_fields(one)


@pytest.mark.parametrize("seed", range(20))
def test_pooled_values_are_those_of_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 60))
    values, weights = random.random(count).round(1), random.random(count) + 0.01
    expected = isotonic_regression(values, weights=weights, increasing=False).x
    np.testing.assert_allclose(pool_violators(values, weights), expected, atol=1e-12)
