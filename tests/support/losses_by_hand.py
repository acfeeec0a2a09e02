"""The losses as their papers define them, as oracles: one pair or triplet at a time, in plain loops."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from training.losses.loss_value import LossOptions, LossValue
from training.losses.losses import LOSSES
from training.losses.mining import MINERS, rank_batch

SEED = 11  # of torch's own random numbers, from which the miner "random" draws


def batch(sizes: list[int], *, dim: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Unit-length float64 embeddings in overlapping classes of these sizes, shuffled, with their labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(len(sizes), dim, generator=generator, dtype=torch.float64)
    points = centres[labels] + 0.8 * torch.randn(len(labels), dim, generator=generator, dtype=torch.float64)
    return torch.nn.functional.normalize(points, dim=1).requires_grad_(), labels


def unit(embeddings: Tensor) -> Tensor:
    """The embeddings at unit length, as pytorch-metric-learning scales them, so that both gradients do too."""
    return torch.nn.functional.normalize(embeddings, dim=1)


def value_and_gradient(loss: Tensor, embeddings: Tensor) -> tuple[float, Tensor]:
    (gradient,) = torch.autograd.grad(loss, embeddings)
    return loss.item(), gradient


def of_loss(loss: str, options: LossOptions, embeddings: Tensor, labels: Tensor) -> LossValue:
    """The value of a loss of LOSSES, computed with torch's random numbers started from SEED."""
    torch.manual_seed(SEED)
    value: LossValue = LOSSES[loss](options)(embeddings, labels)
    return value


def drawn_by_chance(table: list[list[float]], labels: list[int]) -> Iterator[tuple[int, ...]]:
    """The triplets that the miner "random" draws from SEED; which it may draw is tested with the miners."""
    batch = rank_batch(torch.tensor(table, dtype=torch.float64), torch.tensor(labels))
    torch.manual_seed(SEED)
    span = MINERS["random"](batch, 0.0)
    for a, p in torch.nonzero(span.counts).tolist():
        yield a, p, int(batch.negative_order[a, span.first[a, p]])


def triplets_by_hand(
    table: list[list[float]], labels: list[int], miner: str, margin: float
) -> Iterator[tuple[int, ...]]:
    """The triplets of a miner by the rule of its paper, found one at a time."""
    if miner == "random":
        yield from drawn_by_chance(table, labels)
        return
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


def soft_by_hand(embeddings: Tensor, labels: Tensor, options: LossOptions) -> Tensor:
    table = torch.cdist(embeddings, embeddings).tolist()
    terms = [
        torch.log1p(torch.exp(direct_distance(embeddings, a, p) - direct_distance(embeddings, a, n)))
        for a, p, n in triplets_by_hand(table, labels.tolist(), options.miner, 0.0)
    ]
    return sum(terms, embeddings.sum() * 0) / max(len(terms), 1)


def contrastive_by_hand(
    cost: Callable[..., Tensor], embeddings: Tensor, labels: Tensor, options: LossOptions
) -> Tensor:
    table, classes, everyone = torch.cdist(embeddings, embeddings).tolist(), labels.tolist(), range(len(labels))
    if options.miner == "all":
        pairs = {(i, j) for i in everyone for j in everyone if i != j}
    else:
        mined = list(triplets_by_hand(table, classes, options.miner, options.margin))
        pairs = {(a, p) for a, p, _ in mined} | {(a, n) for a, _, n in mined}
    pull: list[Tensor] = []
    push: list[Tensor] = []
    for i, j in sorted(pairs):
        same = classes[i] == classes[j]
        (pull if same else push).append(cost(int(same), direct_distance(embeddings, i, j), options.margin))
    nothing = embeddings.sum() * 0
    if options.average == "all":
        return sum(pull + push, nothing) / max(len(pairs), 1)
    push = [term for term in push if term > 0]
    return sum(pull, nothing) / max(len(pull), 1) + sum(push, nothing) / max(len(push), 1)


def linear(y: int, d: Tensor, margin: float) -> Tensor:
    return y * d + (1 - y) * torch.relu(margin - d)


def squared(y: int, d: Tensor, margin: float) -> Tensor:
    return y * d**2 + (1 - y) * torch.relu(margin**2 - d**2)


def hadsell(y: int, d: Tensor, margin: float) -> Tensor:
    return y * d**2 / 2 + (1 - y) * torch.relu(margin - d) ** 2 / 2


BY_HAND: dict[str, Callable[[Tensor, Tensor, LossOptions], Tensor]] = {
    "contrastive": partial(contrastive_by_hand, linear),
    "contrastive-squared": partial(contrastive_by_hand, squared),
    "contrastive-hadsell": partial(contrastive_by_hand, hadsell),
    "triplet": triplet_by_hand,
    "triplet-soft": soft_by_hand,
}
