import math

import pytest
import torch
from torch import Tensor

from tests.support.losses_by_hand import SEED, batch
from training.losses import group_loss
from training.losses.group_loss import GroupLoss, draw_anchors
from training.losses.loss_value import LossOptions


def by_hand(module: GroupLoss, embeddings: Tensor, labels: list[int], anchors: list[bool]) -> float:
    """Algorithm 1 of Elezi et al. 2020, photo by photo."""
    points, count = embeddings.tolist(), len(labels)

    def correlate(a: list[float], b: list[float]) -> float:
        a, b = [x - sum(a) / len(a) for x in a], [x - sum(b) / len(b) for x in b]
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    shares = []
    for point, label, given in zip(points, labels, anchors, strict=True):
        rows = zip(module.layer.weight.tolist(), module.layer.bias.tolist(), strict=True)
        logits = [
            (sum(w * x for w, x in zip(row, point, strict=True)) + bias) / module.temperature for row, bias in rows
        ]
        powers = [math.exp(logit - max(logits)) for logit in logits]
        shares.append([float(c == label) if given else power / sum(powers) for c, power in enumerate(powers)])
    for _ in range(group_loss.VOTING_ROUNDS):
        voted = []
        for i in range(count):
            votes = [
                sum(max(correlate(points[i], points[j]), 0) * shares[j][c] for j in range(count) if j != i)
                for c in range(len(shares[0]))
            ]
            supported = [share * vote for share, vote in zip(shares[i], votes, strict=True)]
            voted.append([value / sum(supported) for value in supported])
        shares = voted
    terms = [-math.log(shares[i][labels[i]]) for i in range(count) if not anchors[i]]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("sizes", [[4, 3, 3], [2, 2], [6, 1, 2]], ids=str)
def test_the_value_is_that_of_the_plain_loop(sizes: list[int]) -> None:
    embeddings, labels = batch(sizes, dim=6)
    torch.manual_seed(SEED)
    module = GroupLoss(LossOptions(0, "all", "all", len(sizes), 6, 0.5)).double()
    torch.manual_seed(SEED)
    anchors = draw_anchors(labels)
    torch.manual_seed(SEED)
    value = module(embeddings, labels).loss
    assert value.item() == pytest.approx(by_hand(module, embeddings, labels.tolist(), anchors.tolist()), abs=1e-10)
    assert torch.autograd.grad(value, embeddings)[0].abs().sum() > 0


def test_one_photo_of_a_class_at_least_is_judged_where_there_are_two() -> None:
    labels = torch.tensor([0] * 5 + [1] * 2 + [2])
    draws = [draw_anchors(labels) for _ in range(20)]
    for mask in draws:
        assert [int(mask[labels == label].sum()) for label in range(3)] == [2, 1, 1]
    assert len({tuple(mask.tolist()) for mask in draws}) > 3
