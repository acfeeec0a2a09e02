import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from tests.support.losses_by_hand import SEED, batch, triplets_by_hand
from training.losses.loss_value import LossOptions
from training.losses.mining import PAIR_MINERS
from training.losses.siamese import ConcatenationLoss, SiameseLoss
from training.settings import choices

MINERS = choices.LOSSES["siamese"].miners


def siamese(dim: int, miner: str = "all", average: str = "all") -> SiameseLoss:
    """With weights of its own for each number."""
    module = SiameseLoss(LossOptions(0, miner, average, dim=dim)).double()
    with torch.no_grad():
        module.weight.copy_(-torch.linspace(1, 3, dim))
        module.bias.fill_(1.5)
    return module


def by_hand(module: SiameseLoss, embeddings: Tensor, labels: list[int]) -> Tensor:
    """Pair after pair through the sigmoid, as the lecture notes write it."""
    everyone = range(len(labels))
    if module.options.miner == "all":
        pairs = {(i, j) for i in everyone for j in everyone if i != j}
    else:
        table = torch.cdist(embeddings, embeddings).tolist()
        mined = list(triplets_by_hand(table, labels, module.options.miner, 0.0))
        pairs = {(a, p) for a, p, _ in mined} | {(a, n) for a, _, n in mined}
    match: list[Tensor] = []
    mismatch: list[Tensor] = []
    for i, j in sorted(pairs):
        likely = torch.sigmoid((module.weight * (embeddings[i] - embeddings[j]).abs()).sum() + module.bias)
        same = labels[i] == labels[j]
        (match if same else mismatch).append(binary_cross_entropy(likely, likely.new_tensor(float(same))))
    nothing = embeddings.sum() * 0
    if module.options.average == "all":
        return sum(match + mismatch, nothing) / max(len(pairs), 1)
    return sum(match, nothing) / max(len(match), 1) + sum(mismatch, nothing) / max(len(mismatch), 1)


@pytest.mark.parametrize("sizes", [[3, 3, 2], [4, 1], [3], [1, 1], [1]], ids=str)
@pytest.mark.parametrize("average", ["all", "active"])
@pytest.mark.parametrize("miner", MINERS)
def test_value_and_gradients_are_those_of_the_plain_loop(miner: str, average: str, sizes: list[int]) -> None:
    embeddings, labels = batch(sizes, dim=5)
    module = siamese(5, miner, average)
    torch.manual_seed(SEED)
    value = module(embeddings, labels).loss
    expected = by_hand(module, embeddings, labels.tolist())
    learned = (embeddings, module.weight, module.bias)
    slopes = torch.autograd.grad(value, learned, materialize_grads=True)
    wanted = torch.autograd.grad(expected, learned, allow_unused=True, materialize_grads=True)
    assert value.item() == pytest.approx(expected.item(), abs=1e-12)
    for slope, want in zip(slopes, wanted, strict=True):
        assert torch.allclose(slope, want, rtol=0, atol=1e-12)


def test_worked_by_hand() -> None:
    # one match 0.5 apart, two mismatches 0.75 and 0.25 apart; logits 1 - 2 |a - b|: 0, -0.5, 0.5
    module = SiameseLoss(LossOptions(0, "all", "all", dim=1)).double()
    with torch.no_grad():
        module.weight.fill_(-2)
        module.bias.fill_(1)
    points = torch.tensor([[0.0], [0.5], [0.75]], dtype=torch.float64)
    value = module(points, torch.tensor([0, 0, 1])).loss.item()
    assert value == pytest.approx((math.log(2) + math.log1p(math.exp(-0.5)) + math.log1p(math.exp(0.5))) / 3)


def test_the_head_begins_by_telling_unrelated_vectors_from_copies() -> None:
    module = SiameseLoss(LossOptions(0, "all", "all", dim=128))
    points = torch.nn.functional.normalize(torch.randn(40, 128, generator=torch.Generator().manual_seed(0)), dim=1)
    likely = torch.sigmoid(module.compute_logits(points, ~torch.eye(40, dtype=torch.bool)))
    assert float(likely.mean().detach()) == pytest.approx(0.08, abs=0.02)
    copies = torch.sigmoid(module.compute_logits(points, torch.eye(40, dtype=torch.bool))).detach()
    assert float(copies.min()) == pytest.approx(0.88, abs=0.01)


def test_every_miner_offered_exists() -> None:
    assert set(MINERS) < set(PAIR_MINERS)


def test_concatenated_embeddings_go_through_the_dense_layers_pair_after_pair() -> None:
    torch.manual_seed(SEED)
    embeddings, labels = batch([3, 2, 1], dim=5)
    module = ConcatenationLoss(LossOptions(0, "all", "all", dim=5)).double()
    hidden, answer = module.hidden, module.answer
    terms = []
    for i, j in itertools.permutations(range(6), 2):
        units = torch.relu(hidden.weight @ torch.cat([embeddings[i], embeddings[j]]) + hidden.bias)
        likely = torch.sigmoid(answer.weight[0] @ units + answer.bias[0])
        terms.append(binary_cross_entropy(likely, likely.new_tensor(float(labels[i] == labels[j]))))
    value = module(embeddings, labels).loss
    expected = torch.stack(terms).mean()
    assert value.item() == pytest.approx(expected.item(), abs=1e-12)
    learned = (embeddings, *module.parameters())
    for slope, want in zip(torch.autograd.grad(value, learned), torch.autograd.grad(expected, learned), strict=True):
        assert torch.allclose(slope, want, rtol=0, atol=1e-12)
