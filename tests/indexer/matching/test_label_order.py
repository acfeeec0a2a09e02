"""Photos that lie between two labels are the first to be labelled."""

from pathlib import Path

import numpy as np

from indexer.library import Library
from indexer.matching.identification import order_by_doubt
from indexer.matching.identification_rule import measure_rule
from tests.support.embedders import write_card
from tests.support.vectors import fill

DIM, EACH = 192, 6
SHARES = (0.5, 0.42, 0.6, 0.33, 0.72, 0.2, 0.9, 0.05)  # of the second label; in the order of their doubt


def test_what_lies_between_two_labels_comes_first(tmp_path: Path) -> None:
    random, axes = np.random.default_rng(0), np.eye(DIM)
    labelled = np.repeat(axes[:2], EACH, axis=0) + 0.02 * random.standard_normal((2 * EACH, DIM))
    shuffled = random.permutation(len(SHARES))
    between = np.array([(1 - SHARES[row]) * axes[0] + SHARES[row] * axes[1] for row in shuffled])
    vectors = np.concatenate([labelled, between])
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    fill(tmp_path / "x.library", unit, publish=False)
    with Library.open(tmp_path / "x.library") as library:
        write_card(library.models_folder)
        library.annotations.set_label(range(1, EACH + 1), "first")
        library.annotations.set_label(range(EACH + 1, 2 * EACH + 1), "second")
        unlabelled = np.arange(2 * EACH + 1, 2 * EACH + 1 + len(SHARES))
        found = order_by_doubt(measure_rule(library), unlabelled)
        expected = [2 * EACH + 1 + shuffled.tolist().index(row) for row in range(len(SHARES))]
        assert found.tolist() == expected
        assert order_by_doubt(measure_rule(library), np.empty(0, np.int64)).tolist() == []
