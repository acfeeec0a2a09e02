import math

import pytest
import torch
from pytorch_metric_learning.losses import ContrastiveLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
from torch import Tensor

from tests.support.losses_by_hand import BY_HAND, batch, of_loss, triplets_by_hand, unit, value_and_gradient
from training.losses.distances import DISTANCES
from training.losses.loss_value import BatchStats, LossOptions, combine_stats
from training.losses.losses import FORM_LOSSES, LOSSES, build_loss
from training.losses.mining import MINERS
from training.settings import choices
from training.settings.config import TrainConfig

FORMS = list(FORM_LOSSES)
COMBINATIONS = [
    (loss, miner, average)
    for loss in FORMS
    for miner in choices.LOSSES[loss].miners
    for average in (("all",) if loss == "triplet-soft" else ("all", "active"))
]


SIZES = {
    "even classes": [3, 3, 3],
    "a class of one photo": [4, 1, 2],
    "only one class": [4],
    "only single photos": [1, 1, 1],
    "one photo": [1],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_value_and_gradient_are_those_of_the_plain_loops(loss: str, miner: str, average: str, sizes: list[int]) -> None:
    for seed, margin in enumerate((0.2, 0.7, 1.0)):
        embeddings, labels = batch(sizes, seed=seed)
        options = LossOptions(margin, miner, average)
        value, gradient = value_and_gradient(of_loss(loss, options, embeddings, labels).loss, embeddings)
        expected, slope = value_and_gradient(BY_HAND[loss](embeddings, labels, options), embeddings)
        assert value == pytest.approx(expected, abs=1e-12)
        assert torch.allclose(gradient, slope, rtol=0, atol=1e-11)


@pytest.mark.parametrize("loss", [name for name in FORMS if name != "triplet-soft"])
def test_a_different_margin_is_noticed_by_the_oracle(loss: str) -> None:
    embeddings, labels = batch([3, 3, 3])
    value = LOSSES[loss](LossOptions(0.7, "all", "all"))(embeddings, labels).loss.item()
    assert value != pytest.approx(BY_HAND[loss](embeddings, labels, LossOptions(0.71, "all", "all")).item(), abs=1e-4)


@pytest.mark.parametrize(("loss", "miner"), sorted({(loss, miner) for loss, miner, _ in COMBINATIONS}))
def test_gradient_is_the_slope_of_the_value(loss: str, miner: str) -> None:
    embeddings, labels = batch([3, 2, 1], dim=2, seed=5)
    options = LossOptions(0.6, miner, choices.LOSSES[loss].presets["tuned"].average)
    assert torch.autograd.gradcheck(lambda points: of_loss(loss, options, points, labels).loss, embeddings)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("loss", FORMS)
def test_every_distance_has_its_slope(loss: str, distance: str) -> None:
    embeddings, labels = batch([3, 2, 1], dim=2, seed=5)
    options = LossOptions(0.6, choices.LOSSES[loss].presets["tuned"].miner, "all", distance=distance)
    value = of_loss(loss, options, embeddings, labels)
    assert torch.autograd.gradcheck(lambda points: of_loss(loss, options, points, labels).loss, embeddings)
    table = DISTANCES[distance](embeddings)
    same = (labels[:, None] == labels[None, :]) & ~torch.eye(len(labels), dtype=torch.bool)
    assert value.stats.positive_distance == pytest.approx(float(table[same].mean().detach()))


def test_with_squared_distances_the_triplet_loss_is_facenets() -> None:
    # squared distances 0.25, 0.5625 and 0.0625; anchor 0: 0.25 - 0.5625 + 0.5 = 0.1875; anchor 1: 0.25 - 0.0625 + 0.5
    options = LossOptions(0.5, "all", "all", distance="squared-l2")
    value = LOSSES["triplet"](options)(on_a_line(0, 0.5, 0.75), torch.tensor([0, 0, 1]))
    assert value.loss.item() == (0.1875 + 0.6875) / 2


def test_semi_hard_all_is_that_of_pytorch_metric_learning() -> None:
    embeddings, labels = batch([8] * 8, dim=16)
    miner = TripletMarginMiner(margin=0.2, type_of_triplets="semihard")
    theirs = TripletMarginLoss(margin=0.2)(embeddings, labels, miner(embeddings, labels))
    ours = LOSSES["triplet"](LossOptions(0.2, "semi-hard-all", "active"))(unit(embeddings), labels)
    expected, slope = value_and_gradient(theirs, embeddings)
    value, gradient = value_and_gradient(ours.loss, embeddings)
    assert value == pytest.approx(expected, abs=1e-12)
    assert torch.allclose(gradient, slope, rtol=0, atol=1e-12)
    assert ours.stats.mined == miner.num_triplets


def test_all_and_hard_triplets_are_those_of_pytorch_metric_learning() -> None:
    embeddings, labels = batch([6, 5, 4, 1], dim=8)
    for name, mined in (("all", None), ("hard", BatchHardMiner()(embeddings, labels))):
        expected, slope = value_and_gradient(TripletMarginLoss(margin=0.3)(embeddings, labels, mined), embeddings)
        ours = LOSSES["triplet"](LossOptions(0.3, name, "active"))(unit(embeddings), labels)
        value, gradient = value_and_gradient(ours.loss, embeddings)
        assert value == pytest.approx(expected, abs=1e-12)
        assert torch.allclose(gradient, slope, rtol=0, atol=1e-12)


def test_contrastive_over_what_is_active_is_that_of_pytorch_metric_learning() -> None:
    embeddings, labels = batch([6, 5, 4, 1], dim=8)
    theirs = ContrastiveLoss(pos_margin=0, neg_margin=1)(embeddings, labels)
    expected, slope = value_and_gradient(theirs, embeddings)
    ours = LOSSES["contrastive"](LossOptions(1.0, "all", "active"))(unit(embeddings), labels)
    value, gradient = value_and_gradient(ours.loss, embeddings)
    assert value == pytest.approx(expected, abs=1e-12)
    assert torch.allclose(gradient, slope, rtol=0, atol=1e-12)


def on_a_line(*places: float) -> Tensor:
    return torch.tensor([[place, 0.0] for place in places], dtype=torch.float64).requires_grad_()


def test_lecture_contrastive_worked_by_hand() -> None:
    # pairs 0-1 match at 0.5; 0-2 and 1-2 mismatch at 0.75 and 0.25: (0.5 + (1 - 0.75) + (1 - 0.25)) / 3
    module = build_loss(TrainConfig(loss="contrastive", preset="lecture"), 2, 2)
    assert module(on_a_line(0, 0.5, 0.75), torch.tensor([7, 7, 9])).loss.item() == 0.5


def test_lecture_triplet_worked_by_hand() -> None:
    # anchor 0: 0.5 - 0.75 + 1 = 0.75; anchor 1: 0.5 - 0.25 + 1 = 1.25; photo 2 has no match: mean 1
    module = build_loss(TrainConfig(loss="triplet", preset="lecture"), 2, 2)
    assert module(on_a_line(0, 0.5, 0.75), torch.tensor([7, 7, 9])).loss.item() == 1.0


def test_the_three_forms_of_contrastive_worked_by_hand() -> None:
    # ordered pairs twice each: a match at 0.5, mismatches at 0.75 and 0.25, margin 1
    points, labels = on_a_line(0, 0.5, 0.75), torch.tensor([0, 0, 1])
    terms = {
        "contrastive": 0.5 + 0.25 + 0.75,
        "contrastive-squared": 0.25 + (1 - 0.5625) + (1 - 0.0625),
        "contrastive-hadsell": (0.25 + 0.0625 + 0.5625) / 2,
    }
    for loss, expected in terms.items():
        value = build_loss(TrainConfig(loss=loss, preset="lecture"), 2, 2)(points, labels)
        assert value.loss.item() == pytest.approx(expected / 3, abs=1e-12)


def test_the_soft_margin_worked_by_hand() -> None:
    # anchor 0: match 0.5, mismatch 0.75; anchor 1: match 0.5, nearest mismatch 0.25
    value = LOSSES["triplet-soft"](LossOptions(0, "hard", "all"))(on_a_line(0, 0.5, 0.75), torch.tensor([0, 0, 1]))
    assert value.loss.item() == pytest.approx((math.log1p(math.exp(-0.25)) + math.log1p(math.exp(0.25))) / 2, abs=1e-12)


def test_only_active_triplets_count_in_the_tuned_average() -> None:
    # margin 0.25: anchor 0 has 0.5 - 0.75 + 0.25 = 0, inactive; anchor 1 has 0.5 - 0.25 + 0.25 = 0.5
    points, labels = on_a_line(0, 0.5, 0.75), torch.tensor([0, 0, 1])
    assert LOSSES["triplet"](LossOptions(0.25, "all", "active"))(points, labels).loss.item() == 0.5
    assert LOSSES["triplet"](LossOptions(0.25, "all", "all"))(points, labels).loss.item() == 0.25


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_identical_embeddings_have_a_finite_gradient(loss: str, miner: str, average: str, dtype: torch.dtype) -> None:
    one = torch.nn.functional.normalize(torch.ones(1, 5, dtype=dtype) / 3, dim=1)
    embeddings = one.repeat(6, 1).requires_grad_()
    value = LOSSES[loss](LossOptions(0.5, miner, average))(embeddings, torch.tensor([0, 0, 0, 1, 1, 1])).loss
    value.backward()
    assert math.isfinite(value.item())
    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()


def test_a_collapsed_batch_shows_in_the_statistics() -> None:
    embeddings = torch.ones(6, 3, dtype=torch.float64).requires_grad_()
    value = LOSSES["triplet"](LossOptions(0.5, "hard", "active"))(embeddings, torch.tensor([0, 0, 0, 1, 1, 1]))
    assert value.loss.item() == 0.5
    assert value.stats == BatchStats(6, 36, 36, 12, 18, 0.0, 0.0)
    assert value.stats.active_fraction == 1.0


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_learned_batch_has_no_loss_and_never_a_negative_one(loss: str, miner: str, average: str) -> None:
    embeddings = on_a_line(0, 0, 5, 5)
    value = LOSSES[loss](LossOptions(0.5, miner, average))(embeddings, torch.tensor([0, 0, 1, 1]))
    left = math.log1p(math.exp(-5)) if loss == "triplet-soft" else 0.0  # which always has some
    assert value.loss.item() == pytest.approx(left, abs=1e-12)
    assert value.stats.active == 0


@pytest.mark.parametrize("sizes", [[1, 1, 1], [4], [1]])
@pytest.mark.parametrize("miner", MINERS)
def test_no_triplet_is_a_loss_of_zero_with_its_graph_and_a_note(miner: str, sizes: list[int]) -> None:
    embeddings, labels = batch(sizes)
    value = LOSSES["triplet"](LossOptions(0.5, miner, "active"))(embeddings, labels)
    value.loss.backward()
    assert value.loss.item() == 0.0
    assert embeddings.grad is not None
    assert not embeddings.grad.any()
    assert value.stats.mined == 0
    assert value.stats.problem_note


@pytest.mark.parametrize("miner", MINERS)
def test_the_active_fraction_counts_all_triplets_whatever_the_miner(miner: str) -> None:
    embeddings, labels = batch([3, 4, 2])
    table = torch.cdist(embeddings, embeddings).tolist()
    every = list(triplets_by_hand(table, labels.tolist(), "all", 0.4))
    broken = [(a, p, n) for a, p, n in every if table[a][n] < table[a][p] + 0.4]
    stats: BatchStats = LOSSES["triplet"](LossOptions(0.4, miner, "active"))(embeddings, labels).stats
    assert (stats.candidates, stats.active) == (len(every), len(broken))
    assert 0 < stats.active_fraction < 1
    assert stats.mined == len(list(triplets_by_hand(table, labels.tolist(), miner, 0.4)))


def test_statistics_hold_the_mean_distances_of_all_pairs() -> None:
    value = LOSSES["contrastive"](LossOptions(1.0, "hard", "all"))(on_a_line(0, 0.5, 2), torch.tensor([0, 0, 1]))
    assert value.stats == BatchStats(2, 4, 0, 2, 4, 0.5, 1.75)
    assert value.stats.problem_note == ""


def test_combined_statistics_weigh_distances_by_pairs() -> None:
    parts = [BatchStats(3, 10, 5, 2, 4, 0.5, 1.0), BatchStats(4, 30, 5, 6, 0, 0.1, 0.0)]
    whole = combine_stats(parts)
    assert whole[:5] == (7, 40, 10, 8, 4)
    assert whole.positive_distance == pytest.approx(0.2)
    assert whole.negative_distance == 1.0
    assert whole.active_fraction == 0.25


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_float32_agrees_with_float64(loss: str, miner: str, average: str) -> None:
    embeddings, labels = batch([6] * 10, dim=64)
    options = LossOptions(0.4, miner, average)
    expected, slope = value_and_gradient(of_loss(loss, options, embeddings, labels).loss, embeddings)
    single = embeddings.detach().float().requires_grad_()
    value, gradient = value_and_gradient(of_loss(loss, options, single, labels).loss, single)
    assert value == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(gradient.double(), slope, rtol=0, atol=1e-5)
