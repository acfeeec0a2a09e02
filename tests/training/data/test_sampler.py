from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.sampler import make_epoch_batches, make_round_batches
from training.settings.config import TrainConfig


def labels_of(*sizes: int) -> NDArray[np.int64]:
    """Labels of classes of these sizes, shuffled."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


def shown(epoch: list[NDArray[np.int64]]) -> Counter[int]:
    return Counter(int(row) for batch in epoch for row in batch)


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    classes=st.integers(2, 6),
    photos=st.integers(2, 7),
    epoch=st.integers(0, 3),
)
def test_batches_keep_their_promises(sizes: list[int], classes: int, photos: int, epoch: int) -> None:
    labels = labels_of(*sizes)
    made = make_round_batches(labels, classes=classes, photos=photos, seed=1, epoch=epoch)
    for batch in made:
        assert len(set(batch.tolist())) == len(batch)
        per_class = Counter(labels[batch].tolist())
        assert len(per_class) == min(classes, len(sizes))
        assert all(number == min(photos, sizes[label]) for label, number in per_class.items())
    hands = sum(-(-size // photos) for size in sizes)
    assert len(made) == -(-hands // classes)
    larger_than_share = {label for label, size in enumerate(sizes) if -(-size // photos) > len(made)}
    seen = shown(made)
    assert all(seen[row] for row, label in enumerate(labels) if label not in larger_than_share)


@pytest.mark.parametrize(("sizes", "classes", "photos"), [([30] * 10, 10, 6), ([12] * 20, 5, 6), ([3, 3], 10, 6)])
def test_an_epoch_over_even_classes_shows_every_photo_once(sizes: list[int], classes: int, photos: int) -> None:
    labels = labels_of(*sizes)
    made = make_round_batches(labels, classes=classes, photos=photos, seed=0, epoch=0)
    assert shown(made) == Counter(range(len(labels)))


def test_two_classes_of_three_photos_make_one_batch_of_six() -> None:
    (batch,) = make_round_batches(labels_of(3, 3), classes=10, photos=6, seed=0, epoch=0)
    assert sorted(batch.tolist()) == [0, 1, 2, 3, 4, 5]


def test_one_seed_and_epoch_give_the_same_batches() -> None:
    labels = labels_of(9, 20, 5, 1, 13)
    first, again = (make_round_batches(labels, classes=3, photos=4, seed=5, epoch=2) for _ in range(2))
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@pytest.mark.parametrize(("seed", "epoch"), [(6, 2), (5, 3)])
def test_another_seed_or_epoch_gives_other_batches(seed: int, epoch: int) -> None:
    labels = labels_of(9, 20, 5, 1, 13)
    first = make_round_batches(labels, classes=3, photos=4, seed=5, epoch=2)
    second = make_round_batches(labels, classes=3, photos=4, seed=seed, epoch=epoch)
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]


def test_a_class_far_larger_than_the_others_is_in_every_batch_and_all_seen_over_epochs() -> None:
    labels = labels_of(400, 10, 10, 10, 10)
    seen: set[int] = set()
    for epoch in range(12):
        made = make_round_batches(labels, classes=4, photos=5, seed=0, epoch=epoch)
        assert all((labels[batch] == 0).sum() == 5 for batch in made)
        assert all(len(set(labels[batch].tolist())) == 4 for batch in made)
        seen |= set(shown(made))
    assert len(seen) > 0.9 * len(labels)


def test_every_class_meets_every_other() -> None:
    labels = labels_of(*[12] * 8)
    met = set()
    for epoch in range(20):
        for batch in make_round_batches(labels, classes=2, photos=4, seed=0, epoch=epoch):
            met.add(tuple(sorted(set(labels[batch].tolist()))))
    assert len(met) == 8 * 7 / 2


def test_few_pictures_are_gone_over_until_the_training_has_its_least_steps() -> None:
    labels = np.repeat(np.arange(4), 6)
    config = TrainConfig(epochs=3, least_steps=20, classes_per_batch=2, photos_per_class=3, seed=5)
    plain = [make_round_batches(labels, classes=2, photos=3, seed=5, epoch=number) for number in range(1, 7)]
    assert [len(hands) for hands in plain] == [4] * 6
    # Three epochs of four steps are too few, six of them are enough: two in each epoch, none of them twice.
    found = [make_epoch_batches(labels, config, epoch) for epoch in (1, 2, 3)]
    wanted = [plain[0] + plain[1], plain[2] + plain[3], plain[4] + plain[5]]
    assert [[rows.tolist() for rows in hands] for hands in found] == [[r.tolist() for r in h] for h in wanted]
    assert len(make_epoch_batches(labels, replace(config, least_steps=12), 1)) == 4
    assert len(make_epoch_batches(labels, replace(config, least_steps=0), 1, rounds=3)) == 12
    assert len(make_epoch_batches(labels, replace(config, least_steps=37), 1, rounds=2)) == 16
