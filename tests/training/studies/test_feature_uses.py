import numpy as np
import pytest

from training.studies.feature_uses import MOST_LEARNED_ROWS, choose_learned_rows, measure_clusters, measure_feature_uses


def make_blobs(per_class: int, seed: int, spread: float = 0.1) -> tuple[np.ndarray, list[str]]:
    """Three classes around the axes of a space of four dimensions."""
    labels = np.repeat(np.arange(3), per_class)
    noise = np.random.default_rng(seed).normal(scale=spread, size=(len(labels), 4))
    return np.eye(4)[labels] + noise, [f"class {label}" for label in labels]


def test_classes_that_lie_apart_are_named_and_found() -> None:
    uses = measure_feature_uses(*make_blobs(20, 0), *make_blobs(20, 1))
    assert (uses.svm, uses.neighbours) == (1.0, 1.0)
    assert uses.kmeans == pytest.approx((1.0, 1.0))
    assert uses.density.nmi > 0.8


def test_a_narrow_cone_of_embeddings_is_no_hindrance() -> None:
    (learned, labels), (test, wanted) = make_blobs(20, 0), make_blobs(20, 1)
    uses = measure_feature_uses(100 + learned, labels, 100 + test, wanted)
    assert uses.svm == 1.0


def test_noise_is_neither_named_nor_grouped() -> None:
    uses = measure_feature_uses(*make_blobs(40, 0, spread=20.0), *make_blobs(40, 1, spread=20.0))
    assert uses.svm is not None
    assert uses.neighbours is not None
    assert max(uses.svm, uses.neighbours) < 0.6
    assert uses.kmeans.nmi < 0.1


def test_new_classes_are_grouped_but_cannot_be_named() -> None:
    learned, labels = make_blobs(10, 0)
    uses = measure_feature_uses(learned, [f"other {label}" for label in labels], *make_blobs(10, 1))
    assert (uses.svm, uses.neighbours) == (None, None)
    assert uses.kmeans.purity == 1


def test_purity_by_hand() -> None:
    # two groups of three and two, and one photo alone with another: the most frequent classes are 2, 2 and 1 of 7
    codes, labels = np.array([0, 0, 0, 1, 1, -1, -1]), list("aabbbab")
    assert measure_clusters(codes, labels).purity == pytest.approx(5 / 7)


def test_the_rows_to_learn_from_are_spread_evenly() -> None:
    assert choose_learned_rows(5).tolist() == [0, 1, 2, 3, 4]
    rows = choose_learned_rows(10_000)
    assert len(rows) == MOST_LEARNED_ROWS
    assert (rows[0], rows[-1]) == (0, 9_999)
