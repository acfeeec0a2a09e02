import math

import pytest
import torch

from tests.support.losses_by_hand import batch
from training.losses.asymmetric import AsymmetricLoss, link_matches
from training.losses.loss_value import LossOptions
from training.losses.mining import rank_batch


def link_by_hand(table: list[list[float]], labels: list[int]) -> set[tuple[int, int]]:
    """Kruskal's algorithm: the shortest edges of each class that close no circle."""
    piece = list(range(len(labels)))
    edges = set()
    pairs = [(i, j) for i in piece for j in piece if i < j and labels[i] == labels[j]]
    for i, j in sorted(pairs, key=lambda pair: table[pair[0]][pair[1]]):
        if piece[i] != piece[j]:
            piece = [piece[i] if one == piece[j] else one for one in piece]
            edges |= {(i, j), (j, i)}
    return edges


@pytest.mark.parametrize("sizes", [[5, 4], [6, 1, 3], [1, 1], [4]], ids=str)
def test_value_and_links_are_those_of_the_plain_loop(sizes: list[int]) -> None:
    embeddings, labels = batch(sizes, dim=3)
    module = AsymmetricLoss(LossOptions(0, "all", "all", len(sizes), 3)).double()
    with torch.no_grad():
        module.stream.copy_(torch.tensor([[1.0, 0.2, 0.0], [0.0, 1.0, 0.0], [0.3, 0.0, 0.8]]))
    table = torch.cdist(embeddings, embeddings).tolist()
    linked = link_by_hand(table, labels.tolist())
    pull, push = [], []
    other = torch.nn.functional.normalize(embeddings @ module.stream, dim=1)
    for i in range(len(labels)):
        for j in range(len(labels)):
            cosine = float((embeddings[i] * other[j]).sum().detach())
            if (i, j) in linked:
                pull.append(math.log1p(math.exp(-2 * (cosine - 0.5))) / 2)
            elif labels[i] != labels[j]:
                push.append(math.log1p(math.exp(40 * (cosine - 0.5))) / 40)
    expected = sum(pull) / max(len(pull), 1) + sum(push) / max(len(push), 1)
    assert module(embeddings, labels).loss.item() == pytest.approx(expected, abs=1e-10)
    ranked = rank_batch(torch.cdist(embeddings, embeddings), labels)
    found = {tuple(pair) for pair in link_matches(ranked.distances, ranked.positive).nonzero().tolist()}
    assert found == linked
    assert len(linked) == 2 * sum(size - 1 for size in sizes)
