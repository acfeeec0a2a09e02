import numpy as np
import pytest
import torch

from training.losses.loss_value import LossOptions
from training.losses.siamese import ConcatenationLoss
from training.studies.pair_predictions import PAIRS_OF_A_KIND, choose_pairs, score_pairs

LABELS = np.array([0, 0, 1, 1, 2, 2, 2])
VECTORS = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)


def test_half_of_the_pairs_match_and_no_photo_is_compared_with_itself() -> None:
    pairs = choose_pairs(LABELS)
    assert [pair.same for pair in pairs] == [True] * PAIRS_OF_A_KIND + [False] * PAIRS_OF_A_KIND
    for first, second, same in pairs:
        assert first != second
        assert (LABELS[first] == LABELS[second]) == same
    assert choose_pairs(LABELS) == pairs


def test_classes_of_one_photo_have_no_matching_pair() -> None:
    assert {pair.same for pair in choose_pairs(np.arange(4))} == {False}
    assert choose_pairs(np.zeros(1, np.int64)) == ()


def test_a_score_is_the_distance_and_the_answer_of_the_network_between() -> None:
    torch.manual_seed(0)
    pairs, loss = choose_pairs(LABELS), ConcatenationLoss(LossOptions(0, "all", "all", dim=4))
    for pair, score, plain in zip(
        pairs, score_pairs(VECTORS, pairs, loss), score_pairs(VECTORS, pairs, None), strict=True
    ):
        one, other = (torch.from_numpy(VECTORS[row]) for row in pair[:2])
        assert score.distance == plain.distance == pytest.approx(float((one - other).norm()), abs=1e-6)
        assert score.probability == pytest.approx(
            torch.sigmoid(loss.compute_answers(one[None], other[None])).item(), abs=1e-6
        )
        assert plain.probability is None
