"""Frames of a burst stay together in the exam, so that a folder of bursts fools no verdict; other photos stay apart."""

import numpy as np
import pytest

from indexer.statistics.metrics import bootstrap_difference
from training.instant_run import LEAST_GAIN
from training.judging.alike_groups import group_alike_photos
from training.judging.out_of_fold import LabelledVectors, examine_metric

DIM = 64


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def bursts(count: int, frames: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (count * frames, DIM) of bursts, their frames about 0.28 apart, and the burst of each."""
    random = np.random.default_rng(seed)
    scenes = unit(random.standard_normal((count, DIM)))
    vectors = np.repeat(scenes, frames, axis=0) + 0.2 / np.sqrt(DIM) * random.standard_normal((count * frames, DIM))
    return unit(vectors), np.repeat(np.arange(count), frames)


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(((one[:, None] == one) == (other[:, None] == other)).all())


def test_frames_of_a_burst_share_a_group_and_bursts_do_not() -> None:
    vectors, burst = bursts(60)
    assert same_partition(group_alike_photos(vectors), burst)


def test_photos_that_lie_close_by_nature_stay_apart() -> None:
    random = np.random.default_rng(1)
    faces = unit(np.eye(DIM)[0] + 0.35 / np.sqrt(DIM) * random.standard_normal((300, DIM)))
    assert len(set(group_alike_photos(faces).tolist())) == 300


def test_groups_are_those_of_a_plain_loop_over_pairs() -> None:
    vectors, _ = bursts(40, frames=3, seed=2)
    limit = 0.40
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    groups = np.arange(len(vectors))
    for left, right in np.argwhere(distances < limit).tolist():
        groups[groups == groups[left]] = groups[right]
    assert same_partition(group_alike_photos(vectors), groups)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_photos_are_grouped_too(count: int) -> None:
    assert len(group_alike_photos(bursts(3)[0][:count])) == count


def accepted(photos: LabelledVectors) -> bool:
    figures = list(examine_metric(photos, "images"))[-1]
    labels = photos.labels[figures.rows]
    change = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=labels)
    return change.low > 0 and change.mean >= LEAST_GAIN


def test_labels_by_lot_over_bursts_fool_the_exam_without_groups_and_not_with_them() -> None:
    fooled = {True: 0, False: 0}
    for seed in range(6):
        vectors, burst = bursts(100, seed=seed)
        labels = np.random.default_rng(seed).permutation(np.arange(100) % 10)[burst]
        for grouped in fooled:
            groups = group_alike_photos(vectors) if grouped else np.arange(len(vectors))
            fooled[grouped] += accepted(LabelledVectors(vectors, labels, groups))
    assert fooled[False] >= 5
    assert fooled[True] <= 1
