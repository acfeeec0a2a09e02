"""Each adapted loss against a case worked by hand: four photos on the unit circle, two classes, two dimensions."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.losses.adapter import ADAPTED_MINERS, LOSS_CONSTRUCTORS, AdaptedLoss, adapt_loss
from training.losses.loss_value import LossOptions
from training.losses.losses import build_loss
from training.settings import choices
from training.settings.config import TrainConfig

ANGLES = (0.0, 0.7, 1.1, 2.4)  # radians
LABELS = (0, 0, 1, 1)
OTHERS = ((1, (2, 3)), (0, (2, 3)), (3, (0, 1)), (2, (0, 1)))  # of each photo: its match, its mismatches
COSINES = [[math.cos(a - b) for b in ANGLES] for a in ANGLES]
SQUARED = [[2 - 2 * cosine for cosine in row] for row in COSINES]
POINTS = (0.2, 1.5)  # angles of the weights of class 0 and class 1
TO_POINT = [[math.cos(angle - point) for point in POINTS] for angle in ANGLES]


def circle(angles: tuple[float, ...] = ANGLES) -> Tensor:
    return torch.tensor([[math.cos(a), math.sin(a)] for a in angles], dtype=torch.float64).requires_grad_()


def module_of(loss: str, *, margin: float = 0.0, temperature: float = 0.0, miner: str = "all") -> AdaptedLoss:
    return adapt_loss(loss, LossOptions(margin, miner, "all", classes=2, dim=2, temperature=temperature))


def with_points(module: AdaptedLoss, name: str, *, longways: bool) -> AdaptedLoss:
    """Set the weights of the two classes to unit vectors, as rows or, longways, as columns."""
    points = circle(POINTS).detach()
    getattr(module.loss, name).data = points.T.clone() if longways else points
    return module


def said(module: AdaptedLoss, labels: tuple[int, ...] = LABELS) -> float:
    return float(module(circle(), torch.tensor(labels)).loss.detach())


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def log_sum(values: list[float]) -> float:
    return math.log(sum(math.exp(value) for value in values))


def cross_entropy(logits: list[float], label: int) -> float:
    return log_sum(logits) - logits[label]


def test_nt_xent_sets_each_match_against_all_mismatches() -> None:
    terms = []
    for a, (p, negatives) in enumerate(OTHERS):
        logits = [COSINES[a][p] / 0.5, *(COSINES[a][n] / 0.5 for n in negatives)]
        terms.append(cross_entropy(logits, 0))
    assert said(module_of("nt-xent", temperature=0.5)) == pytest.approx(mean(terms), abs=1e-9)


def test_supcon_averages_over_the_matches_of_a_photo() -> None:
    # three of class 0, so that a photo has two matches: Khosla et al. 2020, eq. 2
    labels, terms = (0, 0, 0, 1), []
    for a in range(3):
        rest = [COSINES[a][i] / 0.5 for i in range(4) if i != a]
        terms.append(mean([log_sum(rest) - COSINES[a][p] / 0.5 for p in range(3) if p != a]))
    assert said(module_of("supcon", temperature=0.5), labels) == pytest.approx(mean(terms), abs=1e-9)


def test_multi_similarity_weighs_by_the_distance_from_the_boundary() -> None:
    terms = [
        math.log1p(math.exp(-2 * (COSINES[a][p] - 0.5))) / 2
        + math.log1p(sum(math.exp(50 * (COSINES[a][n] - 0.5)) for n in negatives)) / 50
        for a, (p, negatives) in enumerate(OTHERS)
    ]
    assert said(module_of("multi-similarity")) == pytest.approx(mean(terms), abs=1e-9)


def test_the_multi_similarity_miner_takes_pairs_that_are_out_of_order() -> None:
    taken = 0
    terms = []
    for a, (p, negatives) in enumerate(OTHERS):
        hard = [n for n in negatives if COSINES[a][n] + 0.1 > COSINES[a][p]]
        pull = math.log1p(math.exp(-2 * (COSINES[a][p] - 0.5))) / 2
        keeps = COSINES[a][p] - 0.1 < max(COSINES[a][n] for n in negatives)
        push = math.log1p(sum(math.exp(50 * (COSINES[a][n] - 0.5)) for n in hard)) / 50
        taken += len(hard)
        terms.append(pull * keeps + push)
    value = module_of("multi-similarity", miner="multi-similarity")(circle(), torch.tensor(LABELS))
    assert value.loss.item() == pytest.approx(mean(terms), abs=1e-9)
    assert 0 < value.stats.mined == taken < 8


def test_circle_pulls_each_pair_by_what_is_missing() -> None:
    terms = []
    for a, (p, negatives) in enumerate(OTHERS):
        near = COSINES[a][p]
        pull = -2 * max(1.4 - near, 0) * (near - 0.6)
        push = log_sum([2 * max(COSINES[a][n] + 0.4, 0) * (COSINES[a][n] - 0.4) for n in negatives])
        terms.append(math.log1p(math.exp(pull + push)))
    assert said(module_of("circle", margin=0.4, temperature=0.5)) == pytest.approx(mean(terms), abs=1e-9)


def test_fast_ap_is_the_average_precision_where_each_bin_holds_one_distance() -> None:
    # squared distances at the middle of bins 0, 4 and 10 of [0, 4]: photo 0 finds its match first, photo 2 has none
    angles = (0.0, 0.0, math.acos(0.2), math.pi)
    labels = torch.tensor([0, 0, 1, 0])
    loss = module_of("fast-ap")(circle(angles), labels).loss.item()
    # photos 0 and 1: match at 0 (precision 1), mismatch at 1.6, match at 4 (precision 2/3). Photo 3: see below
    near_first = 1 - (1 + 2 / 3) / 2
    assert loss == pytest.approx(mean([near_first, near_first, 1 - last_photo()]), abs=1e-6)


def last_photo() -> float:
    """Photo 3 of that case: its mismatch is at 2 + 2 * 0.2 = 2.4 (bin 6), both matches at 4 (bin 10).

    FastAP counts all of a bin at once: H = 3 up to bin 10, of which 2 match; 2 * (2 / 3) / 2 matches.
    """
    return 2 / 3


def test_snr_measures_noise_against_signal() -> None:
    def variance(values: Tensor) -> float:
        return float(((values - values.mean()) ** 2).sum() / (len(values) - 1))

    points = normalize(torch.tensor([[1.0, 2, 3], [1, 2, 2], [3, 1, 1], [3, 2, 1]], dtype=torch.float64), dim=1)
    table = [[variance(a - b) / variance(a) for b in points] for a in points]
    pull = [table[a][p] for a, (p, _) in enumerate(OTHERS)]
    push = [0.9 - table[a][n] for a, (_, negatives) in enumerate(OTHERS) for n in negatives if table[a][n] < 0.9]
    value = adapt_loss("snr", LossOptions(0.9, "all", "all"))(points, torch.tensor(LABELS)).loss.item()
    assert value == pytest.approx(mean(pull) + (mean(push) if push else 0), abs=1e-9)


def test_angular_compares_the_angle_at_the_mismatch_with_40_degrees() -> None:
    tangent = math.tan(math.radians(40)) ** 2
    terms = []
    for a, (p, negatives) in enumerate(OTHERS):
        f = [
            4 * tangent * (COSINES[a][n] + COSINES[p][n]) - 2 * (1 + tangent) * COSINES[a][p] for n in negatives
        ]  # (a + p) n = cos(a, n) + cos(p, n)
        terms.append(math.log1p(sum(math.exp(value) for value in f)))
    assert said(module_of("angular")) == pytest.approx(mean(terms), abs=1e-6)


def boundary_loss(boundaries: tuple[float, float]) -> float:
    terms = []
    for a, (p, negatives) in enumerate(OTHERS):
        boundary = boundaries[LABELS[a]]
        for n in negatives:
            near, far = math.sqrt(SQUARED[a][p]), math.sqrt(SQUARED[a][n])
            terms += [max(near - boundary + 0.2, 0), max(boundary - far + 0.2, 0)]
    return sum(terms) / sum(term > 0 for term in terms)


def test_margin_keeps_pairs_on_their_sides_of_the_boundary() -> None:
    assert said(module_of("margin", margin=0.2)) == pytest.approx(boundary_loss((1.2, 1.2)), abs=1e-6)


def test_margin_per_class_has_a_boundary_for_each_class_and_learns_it() -> None:
    module = module_of("margin-per-class", margin=0.2)
    module.loss.beta.data = torch.tensor([0.8, 1.3], dtype=torch.float64)
    assert said(module) == pytest.approx(boundary_loss((0.8, 1.3)), abs=1e-9)
    module(circle(), torch.tensor(LABELS)).loss.backward()
    (boundaries,) = module.parameters()
    assert boundaries.grad is not None
    assert boundaries.grad.abs().min() > 0


def test_distance_weighted_takes_each_anchor_with_matches_and_near_mismatches_only() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(2)
    points = normalize(torch.randn(40, 8, generator=generator, dtype=torch.float64), dim=1)
    labels = torch.arange(4).repeat_interleave(10)
    first, match, mismatch = ADAPTED_MINERS["distance-weighted"]()(points, labels)
    assert len(first) > 300
    assert torch.equal(labels[first], labels[match])
    assert not (first == match).any()
    assert not (labels[first] == labels[mismatch]).any()
    assert (points[first] - points[mismatch]).norm(dim=1).max() < 1.4


def softmax_loss(margin: Callable[[float], float], scale: float) -> float:
    terms = []
    for cosines, label in zip(TO_POINT, LABELS, strict=True):
        logits = [scale * (margin(cosine) if k == label else cosine) for k, cosine in enumerate(cosines)]
        terms.append(cross_entropy(logits, label))
    return mean(terms)


def test_normalised_softmax_is_cross_entropy_over_the_cosines_to_the_classes() -> None:
    module = with_points(module_of("normalised-softmax", temperature=0.25), "W", longways=True)
    assert said(module) == pytest.approx(softmax_loss(lambda cosine: cosine, 4), abs=1e-9)


def test_cosface_takes_its_margin_off_the_cosine_of_the_own_class() -> None:
    module = with_points(module_of("cosface", margin=0.35, temperature=0.25), "W", longways=True)
    assert said(module) == pytest.approx(softmax_loss(lambda cosine: cosine - 0.35, 4), abs=1e-9)


def test_arcface_adds_its_margin_to_the_angle() -> None:
    module = with_points(module_of("arcface", margin=0.5, temperature=0.25), "W", longways=True)
    assert said(module) == pytest.approx(softmax_loss(lambda cosine: math.cos(math.acos(cosine) + 0.5), 4), abs=1e-9)


def test_arcface_has_a_finite_slope_at_the_point_of_the_class() -> None:
    module = with_points(module_of("arcface", margin=0.5, temperature=0.25), "W", longways=True)
    points = circle(POINTS)
    module(points, torch.tensor([0, 1])).loss.backward()
    for weight in (points, *module.parameters()):
        assert weight.grad is not None
        assert torch.isfinite(weight.grad).all()


def test_proxy_nca_is_a_softmax_over_squared_distances_to_the_proxies() -> None:
    module = with_points(module_of("proxy-nca", temperature=0.5), "proxies", longways=False)
    terms = [
        cross_entropy([-2 * (2 - 2 * cosine) for cosine in cosines], label)
        for cosines, label in zip(TO_POINT, LABELS, strict=True)
    ]
    assert said(module) == pytest.approx(mean(terms), abs=1e-9)


def test_proxy_anchor_sums_over_the_photos_of_a_proxy() -> None:
    module = with_points(module_of("proxy-anchor", margin=0.1, temperature=0.5), "proxies", longways=False)
    pull = push = 0.0
    for proxy in (0, 1):
        own = [TO_POINT[i][proxy] for i in range(4) if LABELS[i] == proxy]
        others = [TO_POINT[i][proxy] for i in range(4) if LABELS[i] != proxy]
        pull += math.log1p(sum(math.exp(-2 * (cosine - 0.1)) for cosine in own)) / 2
        push += math.log1p(sum(math.exp(2 * (cosine + 0.1)) for cosine in others)) / 2
    assert said(module) == pytest.approx(pull + push, abs=1e-9)


def drawn_together(angles: list[float]) -> float:
    """Eq. 6 of Qian et al. 2019 for two classes of ten centres: how far those of a class are from each other."""
    total = 0.0
    for centres in (angles[:10], angles[10:]):
        for first in range(10):
            total += sum(math.sqrt(max(2 - 2 * math.cos(centres[first] - one), 0)) for one in centres[first + 1 :])
    return 0.2 * total / (2 * 10 * 9)


def test_soft_triple_leans_on_the_nearest_of_a_classs_centres() -> None:
    module = module_of("soft-triple", margin=0.05, temperature=0.25)
    angles = torch.linspace(0, 3, 20, dtype=torch.float64)
    module.loss.fc.data = torch.stack([angles.cos(), angles.sin()])
    terms = []
    for angle, label in zip(ANGLES, LABELS, strict=True):
        similar = []
        for centres in (angles[:10].tolist(), angles[10:].tolist()):
            cosines = [math.cos(angle - centre) for centre in centres]
            weights = [math.exp(cosine / 0.1) for cosine in cosines]
            similar.append(sum(w * c for w, c in zip(weights, cosines, strict=True)) / sum(weights))
        terms.append(cross_entropy([4 * (s - 0.05 * (k == label)) for k, s in enumerate(similar)], label))
    assert said(module) == pytest.approx(mean(terms) + drawn_together(angles.tolist()), abs=1e-6)


@pytest.mark.parametrize("loss", LOSS_CONSTRUCTORS)
def test_weights_of_a_loss_have_a_rate_of_their_own(loss: str) -> None:
    module = build_loss(TrainConfig(loss=loss), 3, 8)
    for preset in choices.LOSSES[loss].presets.values():
        assert (preset.own_rate > 1) == any(True for _ in module.parameters())
