import pytest
import torch

from tests.support.losses_by_hand import SEED, batch, triplet_by_hand, triplets_by_hand
from training.losses.adapted_triplets import AdaptedTripletLoss, HierarchicalTripletLoss
from training.losses.loss_value import LossOptions

MARGINS = torch.tensor([[0.0, 0.3, 0.9], [0.1, 0.0, 0.5], [0.2, 0.8, 0.0]])


@pytest.mark.parametrize("average", ["all", "active"])
@pytest.mark.parametrize("sizes", [[3, 3, 2], [4, 1, 2], [1, 1, 1]], ids=str)
def test_each_triplet_has_the_margin_of_its_classes(sizes: list[int], average: str) -> None:
    embeddings, labels = batch(sizes)
    module = HierarchicalTripletLoss(LossOptions(0.1, "all", average, len(sizes)))
    module.set_margins(MARGINS)
    squares = torch.cdist(embeddings, embeddings).square()
    terms = [
        torch.relu(squares[a, p] - squares[a, n] + MARGINS[labels[a], labels[n]])
        for a, p, n in triplets_by_hand(squares.tolist(), labels.tolist(), "all", 0.0)
    ]
    terms = [term for term in terms if average == "all" or term > 0]
    expected = sum(terms, embeddings.sum() * 0) / max(len(terms), 1)
    value = module(embeddings, labels).loss
    assert value.item() == pytest.approx(expected.item(), abs=1e-7)  # the margins are float32
    (slope,), (wanted,) = torch.autograd.grad(value, embeddings), torch.autograd.grad(expected, embeddings)
    assert torch.allclose(slope, wanted, rtol=0, atol=1e-9)


def test_without_a_tree_all_margins_are_that_of_the_options() -> None:
    margins = HierarchicalTripletLoss(LossOptions(0.1, "all", "all", 3)).margins
    assert torch.equal(margins, 0.1 * (1 - torch.eye(3)))


@pytest.mark.parametrize("miner", ["all", "hard", "semi-hard", "random"])
def test_the_correction_is_how_far_chosen_triplets_shift_the_classes(miner: str) -> None:
    embeddings, labels = batch([4, 3, 2])
    options = LossOptions(0.2, miner, "all")
    table = torch.cdist(embeddings, embeddings).tolist()
    torch.manual_seed(SEED)
    chosen = list(triplets_by_hand(table, labels.tolist(), miner, 0.2))
    shift = embeddings.sum() * 0
    for label in range(3):
        members = [row for row, one in enumerate(labels.tolist()) if one == label]
        shown = [row for triplet in chosen for row in triplet if row in members]
        if shown:
            shift = shift + (embeddings[shown].mean(dim=0) - embeddings[members].mean(dim=0)).square().sum() / 3
    torch.manual_seed(SEED)
    module = AdaptedTripletLoss(options)
    torch.manual_seed(SEED)
    value = module(embeddings, labels).loss
    expected = triplet_by_hand(embeddings, labels, options) + shift
    if miner != "random":
        assert value.item() == pytest.approx(expected.item(), abs=1e-10)
        (slope,), (wanted,) = torch.autograd.grad(value, embeddings), torch.autograd.grad(expected, embeddings)
        assert torch.allclose(slope, wanted, rtol=0, atol=1e-9)
    assert float(shift.detach()) > 1e-6 or miner == "all"
