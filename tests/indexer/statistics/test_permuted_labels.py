"""Figures under permuted labels are those that `measure_retrieval` has for the same labels, one by one."""

import numpy as np
import pytest

from indexer.statistics import permuted_labels
from indexer.statistics.metrics import measure_retrieval
from indexer.statistics.permuted_labels import measure_permuted, permute_labels
from tests.support.vectors import clustered

GROUPS = np.array([0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 11, 12])
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 2, 3, 3, 0])


def test_labels_go_from_group_to_group() -> None:
    permuted = permute_labels(LABELS, GROUPS, 50)
    firsts = np.unique(GROUPS, return_index=True)[1]
    for labels in permuted:
        assert all(len(set(labels[group == GROUPS].tolist())) == 1 for group in range(13))
        assert sorted(labels[firsts].tolist()) == sorted(LABELS[firsts].tolist())
    assert len(np.unique(permuted, axis=0)) > 40
    assert np.array_equal(permuted, permute_labels(LABELS, GROUPS, 50))


@pytest.mark.parametrize("cells", [1, 4_000_000])
def test_figures_are_those_of_each_permutation_alone(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permuted_labels, "MOST_CELLS", cells)
    vectors = clustered(len(LABELS)).astype(np.float32)
    permuted = permute_labels(LABELS, GROUPS, 20)
    figures = measure_permuted(vectors, permuted, GROUPS)
    for labels, found in zip(permuted, figures, strict=True):
        alone = measure_retrieval(vectors, labels, groups=GROUPS)
        assert np.flatnonzero(~np.isnan(found)).tolist() == alone.rows.tolist()
        assert found[alone.rows] == pytest.approx(alone.per_query_map_at_r)
