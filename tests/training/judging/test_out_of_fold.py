"""The whole exam: no photo is judged by a map fitted on it, true gains show, and labels by lot gain nothing."""

import numpy as np
import pytest

from indexer.statistics.metrics import bootstrap_difference, measure_retrieval
from training.fitting.prior_metrics import PRIOR_METRICS
from training.judging.out_of_fold import (
    PERMUTATIONS,
    REPETITIONS,
    LabelledVectors,
    choose_setting,
    count_folds,
    examine_metric,
    iterate_held_out,
    state_change,
)

pytestmark = pytest.mark.untraced  # tracing would add half the time; cheaper tests measure the same lines

CLASSES, EACH, DIM = 12, 10, 48


def labelled(classes: int = CLASSES, each: int = EACH, seed: int = 0, *, by_lot: bool = False) -> LabelledVectors:
    """Unit vectors whose classes differ in few directions and vary in others: what a class metric can learn."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    centres = np.pad(random.standard_normal((classes, 12)), [(0, 0), (0, DIM - 12)])
    spread = np.concatenate([np.full(12, 0.9), np.full(DIM - 12, 1.2)])
    vectors = centres[labels] + random.standard_normal((len(labels), DIM)) * spread
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if by_lot:
        labels = random.permutation(labels)
    return LabelledVectors(vectors.astype(np.float32), labels, np.arange(len(labels)))


def exam_gain(photos: LabelledVectors, purpose: str = "images") -> tuple[float, float]:
    figures = list(examine_metric(photos, purpose))[-1]
    labels = photos.labels[figures.rows]
    change = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=labels)
    return change.mean, change.low


@pytest.mark.parametrize("purpose", ["images", "classes"])
def test_folds_and_what_their_maps_are_fitted_on_share_no_group(purpose: str) -> None:
    photos = labelled()._replace(groups=np.arange(CLASSES * EACH) // 2)
    held_out = list(iterate_held_out(photos, purpose))
    assert sorted(np.concatenate([fold.rows for fold in held_out]).tolist()) == list(range(CLASSES * EACH))
    for fold in held_out:
        rest = np.setdiff1d(np.arange(CLASSES * EACH), fold.rows)
        assert not set(photos.groups[fold.rows].tolist()) & set(photos.groups[rest].tolist())
        if purpose == "classes":
            assert not set(photos.labels[fold.rows].tolist()) & set(photos.labels[rest].tolist())
        assert np.allclose(fold.metric.mean, photos.vectors[rest].mean(axis=0), atol=1e-6)


def test_a_true_gain_is_shown_and_near_what_photos_kept_away_say() -> None:
    gains, lows = zip(*(exam_gain(labelled(seed=seed)) for seed in range(3)), strict=True)
    assert min(lows) > 0
    assert np.mean(gains) > 0.05


def test_labels_by_lot_gain_nothing() -> None:
    lows = [exam_gain(labelled(seed=seed, by_lot=True))[1] for seed in range(5)]
    assert max(lows) <= 0


def test_every_photo_is_asked_and_figures_are_means_over_the_repetitions() -> None:
    photos = labelled()
    repetitions = list(examine_metric(photos, "images"))
    assert len(repetitions) == REPETITIONS
    assert len(repetitions[-1].rows) == CLASSES * EACH
    by_hand = np.zeros(CLASSES * EACH)
    for seed in range(REPETITIONS):
        for fold in iterate_held_out(photos, "images", seed):
            part = photos.take(fold.rows)
            figures = measure_retrieval(fold.metric.transform(part.vectors), part.labels)
            by_hand[fold.rows[figures.rows]] += figures.per_query_map_at_r / REPETITIONS
    assert np.allclose(repetitions[-1].after.map_at_r, by_hand)
    hits = repetitions[-1].before.hit_at_k
    assert 0 < hits[1] <= hits[5] <= hits[10] <= 1


def test_the_interval_reaches_down_as_far_as_permuted_labels_bring_a_change() -> None:
    """Where the change of every class is the same, resampling classes says nothing of chance."""
    photos = labelled(each=4)
    figures = list(examine_metric(photos, "images"))[-1]
    assert len(figures.by_chance) == REPETITIONS * PERMUTATIONS
    assert abs(figures.by_chance.mean()) < 3 * figures.by_chance.std() / np.sqrt(REPETITIONS * PERMUTATIONS / 3)
    even = figures._replace(
        before=figures.before._replace(map_at_r=np.full(len(figures.rows), 0.5)),
        after=figures.after._replace(map_at_r=np.full(len(figures.rows), 0.52)),
    )
    stated = state_change(photos, "images", even, photos.labels)
    in_forty = float(np.sort(figures.by_chance)[-len(figures.by_chance) // 40])
    assert stated.mean == pytest.approx(0.02)
    assert stated.low == pytest.approx(0.02 - in_forty, abs=0.01)
    assert in_forty > 0.02  # so few photos do not show two points
    assert state_change(photos, "images", even._replace(by_chance=np.zeros(0)), photos.labels).low > 0


def test_the_interval_reaches_up_to_the_gain_of_a_map_of_all_photos_and_not_lower_down() -> None:
    photos = labelled(each=6)
    figures = list(examine_metric(photos, "images"))[-1]
    fewer = list(examine_metric(photos, "images", fold_count=2))[-1]  # maps of 36 photos instead of 48, of 72
    plain = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=photos.labels)
    stated = state_change(photos, "images", figures, photos.labels)
    chance = float(np.quantile(figures.by_chance, 0.975))
    assert (stated.low, stated.mean) == (min(plain.low, plain.mean - chance), plain.mean)
    gains, fewer_gains = (one.after.map_at_r - one.before.map_at_r for one in (figures, fewer))
    assert gains.mean() > fewer_gains.mean()
    # In 1 / 36, 1 / 48, 1 / 72 the steps are equal.
    reached = bootstrap_difference(np.zeros(len(gains)), 2 * gains - fewer_gains, groups=photos.labels).high
    assert stated.high == pytest.approx(max(plain.high, reached))
    assert stated.high > plain.high
    few = labelled(each=4)
    few_figures = list(examine_metric(few, "images"))[-1]
    plain = bootstrap_difference(few_figures.before.map_at_r, few_figures.after.map_at_r, groups=few.labels)
    assert state_change(few, "images", few_figures, few.labels).high == plain.high  # two folds are the fewest


def test_for_new_classes_the_interval_is_wider_where_few_stand_for_them() -> None:
    photos = labelled(classes=10, each=4)
    figures = list(examine_metric(photos, "classes"))[-1]._replace(by_chance=np.zeros(0))
    units = photos.labels[figures.rows]
    plain = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=units)
    stated = state_change(photos, "classes", figures, units)
    assert stated.mean == plain.mean
    assert plain.low - stated.low > 0.1 * (plain.mean - plain.low)  # in a normal case 1.22 times as far away


def test_small_classes_take_the_prior_setting_and_two_folds() -> None:
    photos = labelled(each=4)
    assert choose_setting(photos, "images") == PRIOR_METRICS["images"]
    assert count_folds(photos, "images") == 2
    assert count_folds(labelled(classes=30), "classes") == 5


def test_photos_without_any_pair_leave_no_fold() -> None:
    photos = labelled(each=1)
    assert list(iterate_held_out(photos, "images")) == []
    assert [len(figures.rows) for figures in examine_metric(photos, "images")] == [0] * REPETITIONS
