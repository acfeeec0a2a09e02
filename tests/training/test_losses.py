import math
from collections.abc import Iterator

import pytest
import torch
from pytorch_metric_learning.losses import ContrastiveLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
from torch import Tensor

from training import choices
from training.config import TrainConfig
from training.losses import LOSSES, LossOptions, Stats, build, combine, distances
from training.mining import MINERS, PAIR_MINERS

COMBINATIONS = [
    (loss, miner, average)
    for loss, choice in choices.LOSSES.items()
    for miner in choice.miners
    for average in ("all", "active")
]


def batch(sizes: list[int], *, dim: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Unit-length float64 embeddings in overlapping classes of these sizes, shuffled, with their labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(len(sizes), dim, generator=generator, dtype=torch.float64)
    points = centres[labels] + 0.8 * torch.randn(len(labels), dim, generator=generator, dtype=torch.float64)
    return torch.nn.functional.normalize(points, dim=1).requires_grad_(), labels


def unit(embeddings: Tensor) -> Tensor:
    """What pytorch-metric-learning does inside, so that both sides' gradients pass through it."""
    return torch.nn.functional.normalize(embeddings, dim=1)


def value_and_gradient(loss: Tensor, embeddings: Tensor) -> tuple[float, Tensor]:
    (gradient,) = torch.autograd.grad(loss, embeddings)
    return loss.item(), gradient


def triplets_by_hand(
    table: list[list[float]], labels: list[int], miner: str, margin: float
) -> Iterator[tuple[int, ...]]:
    """The rules as the papers say them, one triplet at a time."""
    everyone = range(len(labels))
    for a in everyone:
        matches = [p for p in everyone if labels[p] == labels[a] and p != a]
        mismatches = [n for n in everyone if labels[n] != labels[a]]
        if not matches or not mismatches:
            continue
        if miner == "hard":
            yield a, max(matches, key=table[a].__getitem__), min(mismatches, key=table[a].__getitem__)
            continue
        for p in matches:
            farther = [n for n in mismatches if table[a][n] > table[a][p]]
            if miner == "all":
                yield from ((a, p, n) for n in mismatches)
            elif miner == "semi-hard-all":
                yield from ((a, p, n) for n in farther if table[a][n] < table[a][p] + margin)
            elif farther:
                yield a, p, min(farther, key=table[a].__getitem__)
            else:
                yield a, p, max(mismatches, key=table[a].__getitem__)


def direct_distance(embeddings: Tensor, i: int, j: int) -> Tensor:
    return (embeddings[i] - embeddings[j]).square().sum().sqrt()


def triplet_by_hand(embeddings: Tensor, labels: Tensor, options: LossOptions) -> Tensor:
    table = torch.cdist(embeddings, embeddings).tolist()
    terms = [
        torch.relu(direct_distance(embeddings, a, p) - direct_distance(embeddings, a, n) + options.margin)
        for a, p, n in triplets_by_hand(table, labels.tolist(), options.miner, options.margin)
    ]
    if options.average == "active":
        terms = [term for term in terms if term > 0]
    return sum(terms, embeddings.sum() * 0) / max(len(terms), 1)


def contrastive_by_hand(embeddings: Tensor, labels: Tensor, options: LossOptions) -> Tensor:
    table, classes, everyone = torch.cdist(embeddings, embeddings).tolist(), labels.tolist(), range(len(labels))
    if options.miner == "all":
        pairs = {(i, j) for i in everyone for j in everyone if i != j}
    else:
        mined = list(triplets_by_hand(table, classes, options.miner, options.margin))
        pairs = {(a, p) for a, p, _ in mined} | {(a, n) for a, _, n in mined}
    pull = [direct_distance(embeddings, i, j) for i, j in sorted(pairs) if classes[i] == classes[j]]
    push = [
        torch.relu(options.margin - direct_distance(embeddings, i, j))
        for i, j in sorted(pairs)
        if classes[i] != classes[j]
    ]
    nothing = embeddings.sum() * 0
    if options.average == "all":
        return sum(pull + push, nothing) / max(len(pairs), 1)
    push = [term for term in push if term > 0]
    return sum(pull, nothing) / max(len(pull), 1) + sum(push, nothing) / max(len(push), 1)


BY_HAND = {"contrastive": contrastive_by_hand, "triplet": triplet_by_hand}
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
        value, gradient = value_and_gradient(LOSSES[loss](options)(embeddings, labels).loss, embeddings)
        expected, slope = value_and_gradient(BY_HAND[loss](embeddings, labels, options), embeddings)
        assert value == pytest.approx(expected, abs=1e-12)
        assert torch.allclose(gradient, slope, rtol=0, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_different_margin_is_noticed_by_the_oracle(loss: str) -> None:
    embeddings, labels = batch([3, 3, 3])
    value = LOSSES[loss](LossOptions(0.7, "all", "all"))(embeddings, labels).loss.item()
    assert value != pytest.approx(BY_HAND[loss](embeddings, labels, LossOptions(0.71, "all", "all")).item(), abs=1e-4)


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_gradient_is_the_slope_of_the_value(loss: str, miner: str, average: str) -> None:
    embeddings, labels = batch([3, 2, 3], seed=5)
    module = LOSSES[loss](LossOptions(0.6, miner, average))
    assert torch.autograd.gradcheck(lambda points: module(points, labels).loss, embeddings)


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
    module = build(TrainConfig(loss="contrastive", preset="lecture"), 2, 2)
    assert module(on_a_line(0, 0.5, 0.75), torch.tensor([7, 7, 9])).loss.item() == 0.5


def test_lecture_triplet_worked_by_hand() -> None:
    # anchor 0: 0.5 - 0.75 + 1 = 0.75; anchor 1: 0.5 - 0.25 + 1 = 1.25; photo 2 has no match: mean 1
    module = build(TrainConfig(loss="triplet", preset="lecture"), 2, 2)
    assert module(on_a_line(0, 0.5, 0.75), torch.tensor([7, 7, 9])).loss.item() == 1.0


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
    assert value.stats == Stats(6, 36, 36, 12, 18, 0.0, 0.0)
    assert value.stats.active_fraction == 1.0


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_learned_batch_has_no_negative_loss(loss: str, miner: str, average: str) -> None:
    embeddings = on_a_line(0, 0, 5, 5)
    value = LOSSES[loss](LossOptions(0.5, miner, average))(embeddings, torch.tensor([0, 0, 1, 1]))
    assert value.loss.item() == 0.0
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
    assert value.stats.note


@pytest.mark.parametrize("miner", MINERS)
def test_the_active_fraction_counts_all_triplets_whatever_the_miner(miner: str) -> None:
    embeddings, labels = batch([3, 4, 2])
    table = torch.cdist(embeddings, embeddings).tolist()
    every = list(triplets_by_hand(table, labels.tolist(), "all", 0.4))
    broken = [(a, p, n) for a, p, n in every if table[a][n] < table[a][p] + 0.4]
    stats: Stats = LOSSES["triplet"](LossOptions(0.4, miner, "active"))(embeddings, labels).stats
    assert (stats.candidates, stats.active) == (len(every), len(broken))
    assert 0 < stats.active_fraction < 1
    assert stats.mined == len(list(triplets_by_hand(table, labels.tolist(), miner, 0.4)))


def test_statistics_hold_the_mean_distances_of_all_pairs() -> None:
    value = LOSSES["contrastive"](LossOptions(1.0, "hard", "all"))(on_a_line(0, 0.5, 2), torch.tensor([0, 0, 1]))
    assert value.stats == Stats(2, 4, 0, 2, 4, 0.5, 1.75)
    assert value.stats.note == ""


def test_combined_statistics_weigh_distances_by_pairs() -> None:
    parts = [Stats(3, 10, 5, 2, 4, 0.5, 1.0), Stats(4, 30, 5, 6, 0, 0.1, 0.0)]
    whole = combine(parts)
    assert whole[:5] == (7, 40, 10, 8, 4)
    assert whole.positive_distance == pytest.approx(0.2)
    assert whole.negative_distance == 1.0
    assert whole.active_fraction == 0.25


def test_distances_are_exact_within_rounding_and_zero_for_the_photo_itself() -> None:
    embeddings, _ = batch([5, 5], dim=32)
    expected = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
    table = distances(embeddings)
    assert torch.allclose(table, expected, rtol=0, atol=1e-12)
    assert not table.diagonal().any()
    assert distances(embeddings.to(torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_float32_agrees_with_float64(loss: str, miner: str, average: str) -> None:
    embeddings, labels = batch([6] * 10, dim=64)
    module = LOSSES[loss](LossOptions(0.4, miner, average))
    expected, slope = value_and_gradient(module(embeddings, labels).loss, embeddings)
    single = embeddings.detach().float().requires_grad_()
    value, gradient = value_and_gradient(module(single, labels).loss, single)
    assert value == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(gradient.double(), slope, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("loss", "miner", "average"), COMBINATIONS)
def test_descent_separates_two_mixed_classes(loss: str, miner: str, average: str) -> None:
    embeddings, labels = batch([6, 6], dim=8, seed=3)
    points = embeddings.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([points], lr=0.03)
    module = LOSSES[loss](LossOptions(0.5, miner, average))
    before: Stats = module(embeddings, labels).stats
    for _ in range(150):
        value = module(torch.nn.functional.normalize(points, dim=1), labels)
        optimiser.zero_grad()
        value.loss.backward()
        optimiser.step()
    after: Stats = value.stats
    assert after.negative_distance - after.positive_distance > before.negative_distance - before.positive_distance + 0.2


def test_words_and_code_name_the_same_losses_and_miners() -> None:
    assert set(choices.LOSSES) == set(LOSSES)
    assert set(choices.MINERS) == set(MINERS)
    assert set(choices.LOSSES["triplet"].miners) == set(MINERS)
    assert set(choices.LOSSES["contrastive"].miners) == set(PAIR_MINERS)
