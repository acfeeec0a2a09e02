"""Folds part no group, spread every class, and keep whole classes together where classes are dealt."""

import numpy as np
import pytest

from indexer.statistics.cross_validation import assign_class_folds, assign_folds, count_groups_by_class

LABELS = np.repeat(np.arange(12), 8)
BURSTS = np.arange(len(LABELS)) // 2  # two frames each


@pytest.mark.parametrize("fold_count", [2, 3, 5])
@pytest.mark.parametrize("assign", [assign_folds, assign_class_folds])
def test_no_group_is_parted(assign: type, fold_count: int) -> None:
    folds = assign(LABELS, BURSTS, fold_count, 1)
    assert all(len(set(folds[group == BURSTS].tolist())) == 1 for group in set(BURSTS.tolist()))
    assert set(folds.tolist()) == set(range(fold_count))


def test_each_class_is_spread_evenly_over_the_folds() -> None:
    folds = assign_folds(LABELS, BURSTS, 4, 0)
    for label in range(12):
        assert np.bincount(folds[label == LABELS], minlength=4).tolist() == [2, 2, 2, 2]


def test_classes_are_dealt_whole_and_so_are_classes_that_share_a_group() -> None:
    groups = np.arange(len(LABELS))
    groups[LABELS == 3] = groups[LABELS == 7][0]  # a near copy stands in both
    folds = assign_class_folds(LABELS, groups, 3, 0)
    assert all(len(set(folds[label == LABELS].tolist())) == 1 for label in range(12))
    assert folds[LABELS == 3][0] == folds[LABELS == 7][0]


def test_a_chain_of_shared_groups_keeps_all_its_classes_together() -> None:
    labels = np.array([0, 1, 1, 2, 2, 3, 3, 4])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert len(set(assign_class_folds(labels, groups, 2, 0).tolist())) == 1


def test_other_seeds_deal_other_folds_and_the_same_seed_the_same() -> None:
    first, again, other = (assign_folds(LABELS, BURSTS, 5, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_groups_are_counted_by_class() -> None:
    assert count_groups_by_class(np.array([0, 0, 0, 5, 5]), np.array([1, 1, 2, 3, 3])).tolist() == [2, 1]
