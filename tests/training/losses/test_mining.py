from collections import Counter

import pytest
import torch
from torch import Tensor

from training.losses.distances import measure_euclidean
from training.losses.mining import (
    MINERS,
    PAIR_MINERS,
    RankedBatch,
    TripletSpan,
    count_as_negative,
    rank_batch,
    select_active,
)

# One anchor, photo 0, at place 0 of a line: its match at 3, mismatches at 1, 4, 4.5 and 9.
PLACES = [0.0, 3.0, 1.0, 4.0, 4.5, 9.0]
LABELS = [0, 0, 1, 1, 2, 3]


def line(places: list[float] = PLACES, labels: list[int] = LABELS) -> RankedBatch:
    points = torch.tensor(places, dtype=torch.float64)[:, None]
    return rank_batch(measure_euclidean(points), torch.tensor(labels))


def triplets(batch: RankedBatch, span: TripletSpan) -> set[tuple[int, int, int]]:
    """The triplets of a span, written out."""
    return {
        (a, p, int(batch.negative_order[a, r]))
        for a, p in torch.nonzero(span.counts).tolist()
        for r in range(int(span.first[a, p]), int(span.last[a, p]))
    }


def of_anchor_0(miner: str, margin: float) -> set[int]:
    batch = line()
    return {n for a, p, n in triplets(batch, MINERS[miner](batch, margin)) if (a, p) == (0, 1)}


def test_all_takes_every_mismatch() -> None:
    assert of_anchor_0("all", 1.0) == {2, 3, 4, 5}


def test_hard_takes_the_nearest_mismatch_of_the_farthest_match() -> None:
    batch = line([0, 3, 2, 1, 4], [0, 0, 0, 1, 1])
    mined = triplets(batch, MINERS["hard"](batch, 1.0))
    assert {triplet for triplet in mined if triplet[0] == 0} == {(0, 1, 3)}
    assert len(mined) == 5


def test_semi_hard_takes_the_nearest_mismatch_beyond_the_match() -> None:
    assert of_anchor_0("semi-hard", 0.1) == {3}


def test_semi_hard_falls_back_to_the_farthest_mismatch() -> None:
    batch = line([0, 5, 1, 3], [0, 0, 1, 1])
    assert (0, 1, 3) in triplets(batch, MINERS["semi-hard"](batch, 1.0))


def test_semi_hard_passes_over_a_mismatch_as_far_as_the_match() -> None:
    batch = line([0, 3, -3, 4], [0, 0, 1, 1])
    assert (0, 1, 3) in triplets(batch, MINERS["semi-hard"](batch, 1.0))


def test_semi_hard_all_takes_the_open_band_of_the_margin() -> None:
    assert of_anchor_0("semi-hard-all", 1.5) == {3}
    assert of_anchor_0("semi-hard-all", 1.6) == {3, 4}


def test_active_keeps_the_triplets_with_a_loss() -> None:
    batch = line()
    lossy = triplets(batch, select_active(batch, MINERS["all"](batch, 1.5), 1.5))
    assert {n for a, p, n in lossy if (a, p) == (0, 1)} == {2, 3}


@pytest.mark.parametrize("miner", MINERS)
def test_mismatches_are_counted_as_often_as_they_are_used(miner: str) -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3])
    points = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(1))
    batch = rank_batch(measure_euclidean(points), labels)
    span = MINERS[miner](batch, 0.8)
    expected = torch.zeros_like(batch.negative_order)
    for a, _, n in triplets(batch, span):
        expected[a, n] += 1
    assert torch.equal(count_as_negative(batch, span), expected)
    assert not expected[~batch.negative].any()


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]])
@pytest.mark.parametrize("miner", MINERS)
def test_a_batch_without_triplets_gives_none(miner: str, labels: list[int]) -> None:
    batch = line(PLACES[: len(labels)], labels)
    assert not triplets(batch, MINERS[miner](batch, 0.5))


@pytest.mark.parametrize("miner", MINERS)
def test_a_single_photo_of_its_class_is_a_mismatch_but_no_anchor(miner: str) -> None:
    batch = line([0, 2, 2.1], [0, 0, 1])
    assert {a for a, _, _ in triplets(batch, MINERS[miner](batch, 5.0))} <= {0, 1}
    assert (0, 1, 2) in triplets(batch, MINERS[miner](batch, 5.0))


def test_random_takes_one_triplet_of_each_anchor_that_has_any() -> None:
    batch = line([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 2])
    drawn = triplets(batch, MINERS["random"](batch, 0.0))
    assert sorted(a for a, _, _ in drawn) == [0, 1, 2, 3, 4]
    assert drawn <= triplets(batch, MINERS["all"](batch, 0.0))


def test_random_draws_every_triplet_as_often_and_the_same_from_one_seed() -> None:
    batch = line([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 2])
    torch.manual_seed(3)
    draws = [frozenset(triplets(batch, MINERS["random"](batch, 0.0))) for _ in range(1200)]
    of_anchor_1 = Counter(triplet for draw in draws for triplet in draw if triplet[0] == 1)
    assert set(of_anchor_1) == {(1, p, n) for p in (0, 2) for n in (3, 4, 5)}
    assert all(150 < count < 250 for count in of_anchor_1.values())
    torch.manual_seed(3)
    assert [frozenset(triplets(batch, MINERS["random"](batch, 0.0))) for _ in range(10)] == draws[:10]


def test_half_of_the_random_pairs_match() -> None:
    batch = line([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 1])
    pairs = PAIR_MINERS["random"](batch)
    assert (int(pairs.positive.sum()), int(pairs.negative.sum())) == (6, 6)


def set_of(mask: Tensor) -> set[tuple[int, ...]]:
    return {tuple(pair) for pair in torch.nonzero(mask).tolist()}


def test_pairs_are_those_of_the_mined_triplets_each_once() -> None:
    batch = line([0, 3, 2, 1, 4], [0, 0, 0, 1, 1])
    for miner in ("hard", "semi-hard"):
        mined = triplets(batch, MINERS[miner](batch, 0.0))
        pairs = PAIR_MINERS[miner](batch)
        assert set_of(pairs.positive) == {(a, p) for a, p, _ in mined}
        assert set_of(pairs.negative) == {(a, n) for a, _, n in mined}


def test_all_pairs_are_every_two_photos_even_of_one_class() -> None:
    pairs = PAIR_MINERS["all"](line([0, 1, 2], [0, 0, 0]))
    assert int(pairs.positive.sum()) == 6
    assert not pairs.negative.any()


def test_two_thousand_photos_need_no_list_of_their_billions_of_triplets() -> None:
    labels = torch.arange(2000) % 2
    points = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    batch = rank_batch(measure_euclidean(points), labels)
    span = MINERS["all"](batch, 0.5)
    assert int(span.counts.sum()) == 2000 * 999 * 1000
    used = count_as_negative(batch, select_active(batch, span, 0.5))
    assert int(used.sum()) == int(select_active(batch, span, 0.5).counts.sum())
