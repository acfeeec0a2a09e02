from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.models.network import EmbeddingNetwork
from indexer.progress import drain
from tests.support.quick_training import QUICK
from training.data.class_tree import (
    GROUP_SIZE,
    TOTAL_SAMPLE_SIZE,
    TREE_LEVELS,
    choose_batch_classes,
    compute_tree_distances,
    compute_tree_levels,
    compute_tree_margins,
    measure_class_distances,
    sample_class_rows,
)
from training.data.labelled_folders import survey_folder
from training.data.pictures import read_pictures
from training.data.sampler import make_round_batches
from training.fitting.fit import arrange_epoch, fit_network
from training.fitting.history import FitResult
from training.fitting.learner import Learner, create_start_network
from training.fitting.recipes import RECIPES, TrainingPhotos
from training.fitting.resume import ResumeFile
from training.settings.config import TrainConfig


def on_a_line(count: int) -> NDArray[np.float64]:
    """Distances between classes that stand in a row, one step apart."""
    places = np.arange(count, dtype=np.float64)
    return np.abs(places[:, None] - places[None, :])


def labels_of(*sizes: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


def test_class_distances_are_the_mean_over_all_pairs() -> None:
    random = np.random.default_rng(1)
    labels = np.array([3, 3, 5, 9, 9, 9, 5, 3])
    vectors = random.normal(size=(8, 4)).astype(np.float32)
    table = measure_class_distances(vectors, labels)
    for p, first in enumerate((3, 5, 9)):
        for q, second in enumerate((3, 5, 9)):
            pairs = [
                np.square(vectors[i].astype(np.float64) - vectors[j]).sum()
                for i in np.flatnonzero(labels == first)
                for j in np.flatnonzero(labels == second)
                if i != j
            ]
            assert table[p, q] == pytest.approx(float(np.mean(pairs)), abs=1e-9)


def test_a_class_of_one_photo_is_nowhere_but_there() -> None:
    table = measure_class_distances(np.eye(3, dtype=np.float32), np.array([0, 1, 1]))
    assert table.diagonal() == pytest.approx([0, 2])


def test_classes_share_a_node_from_the_level_on_whose_limit_links_them() -> None:
    random = np.random.default_rng(2)
    vectors = random.normal(size=(240, 4)) + 2 * random.normal(size=(40, 4)).repeat(6, axis=0)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    apart = measure_class_distances(unit, np.arange(240) // 6)
    within = apart.diagonal().mean()
    levels = compute_tree_levels(apart)
    assert len(np.unique(levels)) >= 4
    for level in range(1, TREE_LEVELS):
        limit = within + level * (4 - within) / TREE_LEVELS
        together = (apart < limit) | np.eye(40, dtype=bool)
        for way in range(40):  # Warshall: from one to another by way of classes that are near enough
            together |= together[:, way, None] & together[None, way]
        np.testing.assert_array_equal(levels <= level, together)
    assert levels.max() <= TREE_LEVELS
    assert (levels == levels.T).all()


def test_neighbours_in_the_tree_come_before_nearer_classes_of_another_branch() -> None:
    apart = np.full((5, 5), 3.0)  # 0, 1 and 2 are linked one by one; 3 is nearer to 0 than 2 is, but links nobody
    for p, q, between in ((0, 1, 0.5), (1, 2, 0.5), (0, 2, 2.0), (0, 3, 1.5)):
        apart[p, q] = apart[q, p] = between
    np.fill_diagonal(apart, 0.1)
    chosen = choose_batch_classes(
        [0, 4, 3, 2, 1], compute_tree_distances(apart), batches_due=np.ones(5), required=0, classes=5
    )
    assert chosen == [0, 1, 2, 3, 4]
    assert choose_batch_classes([0, 4, 3, 2, 1], apart, batches_due=np.ones(5), required=0, classes=5) == [
        0,
        1,
        3,
        2,
        4,
    ]


def test_one_class_is_a_tree() -> None:
    assert compute_tree_levels(np.array([[0.4]])).tolist() == [[0]]


def test_an_anchor_brings_its_nearest_classes() -> None:
    chosen = choose_batch_classes(list(range(20)), on_a_line(20), batches_due=np.ones(20), required=0, classes=10)
    assert set(chosen[:GROUP_SIZE]) == {0, 1, 2, 3, 4}
    assert set(chosen[GROUP_SIZE:]) == {5, 6, 7, 8, 9}
    chosen = choose_batch_classes(
        [10, 0, *range(1, 10), *range(11, 20)], on_a_line(20), batches_due=np.ones(20), required=0, classes=10
    )
    assert (chosen[0], set(chosen[1:GROUP_SIZE])) == (10, {8, 9, 11, 12})


def test_classes_that_are_due_in_every_batch_are_in_it() -> None:
    order = [19, 0, 10, *(number for number in range(20) if number not in (0, 10, 19))]
    chosen = choose_batch_classes(order, on_a_line(20), batches_due=np.ones(20), required=3, classes=5)
    assert {0, 10, 19} <= set(chosen)
    assert len(set(chosen)) == 5


def test_neighbours_without_photos_left_wait() -> None:
    due = np.array([1.0, 0, 0, 1, 1, 1])
    assert choose_batch_classes([0, 1, 2, 3, 4, 5], on_a_line(6), batches_due=due, required=0, classes=3) == [0, 3, 4]


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=14),
    classes=st.integers(2, 8),
    photos=st.integers(2, 6),
    epoch=st.integers(0, 2),
)
def test_hard_batches_keep_the_promises_of_the_others(sizes: list[int], classes: int, photos: int, epoch: int) -> None:
    labels = labels_of(*sizes)
    apart = on_a_line(len(sizes))
    made = make_round_batches(labels, classes=classes, photos=photos, seed=1, epoch=epoch, class_distances=apart)
    assert len(made) == len(make_round_batches(labels, classes=classes, photos=photos, seed=1, epoch=epoch))
    seen = Counter(int(row) for batch in made for row in batch)
    for batch in made:
        assert len(set(batch.tolist())) == len(batch)
        assert len(set(labels[batch].tolist())) == min(classes, len(sizes))
    larger_than_share = {label for label, size in enumerate(sizes) if -(-size // photos) > len(made)}
    assert all(seen[row] for row, label in enumerate(labels) if label not in larger_than_share)


def nearness(made: list[NDArray[np.int64]], labels: NDArray[np.int64], apart: NDArray[np.float64]) -> float:
    """Mean distance of each class of a batch to the nearest other one in it."""
    nearest = []
    for batch in made:
        table = apart[np.ix_(np.unique(labels[batch]), np.unique(labels[batch]))] + np.diag(np.full(10, np.inf))
        nearest.append(table.min(axis=1).mean())
    return float(np.mean(nearest))


def test_hard_batches_bring_neighbours_together() -> None:
    labels = labels_of(*[12] * 60)
    shuffled = np.random.default_rng(5).permutation(60)
    apart = on_a_line(60)[np.ix_(shuffled, shuffled)]
    chance = make_round_batches(labels, classes=10, photos=6, seed=0, epoch=0)
    hard = make_round_batches(labels, classes=10, photos=6, seed=0, epoch=0, class_distances=apart)
    assert nearness(hard, labels, apart) < 0.6 * nearness(chance, labels, apart)


def test_a_sample_holds_a_few_photos_of_every_class() -> None:
    labels = labels_of(50, 3, 1, 20)
    rows = sample_class_rows(labels, np.random.default_rng(0))
    assert Counter(labels[rows].tolist()) == {0: 10, 1: 3, 2: 1, 3: 10}
    assert len(set(rows.tolist())) == len(rows)
    many = np.repeat(np.arange(1500), 4)
    assert len(sample_class_rows(many, np.random.default_rng(0))) == 2 * 1500
    assert len(sample_class_rows(np.repeat(np.arange(500), 9), np.random.default_rng(0))) <= TOTAL_SAMPLE_SIZE


def fitted(config: TrainConfig, shapes: Path, out: Path) -> FitResult[EmbeddingNetwork]:
    """A head trained on part of the shapes, chosen by the rest."""
    network = create_start_network(config)
    samples = drain(survey_folder(shapes)).samples
    learn, choose = (drain(read_pictures(part, network.preprocessing)).part for part in (samples[::3], samples[1::9]))
    feature_source = drain(RECIPES[config.recipe](config, network, TrainingPhotos(learn, choose, out)))
    return drain(
        fit_network(config, network, np.ones(len(choose.samples), bool), feature_source, ResumeFile(out, config))
    )


@pytest.mark.long
def test_a_loss_with_weights_of_its_own_trains_on_hard_classes(shapes: Path, tmp_path: Path) -> None:
    config = replace(QUICK, recipe="quick", loss="proxy-anchor", sampling="hard-classes", classes_per_batch=3, epochs=1)
    hard = fitted(config, shapes, tmp_path / "hard").epochs
    chance = fitted(replace(config, sampling="classes"), shapes, tmp_path / "chance").epochs
    assert hard[0].score == chance[0].score
    assert hard[1].loss != chance[1].loss
    assert hard[1].negative_distance is not None
    assert chance[1].negative_distance is not None
    assert hard[1].negative_distance < chance[1].negative_distance


def test_a_margin_grows_with_the_level_where_two_classes_meet_and_shrinks_with_the_spread_of_the_anchors() -> None:
    apart = np.array([[0.2, 0.5, 3.0], [0.5, 0.4, 2.0], [3.0, 2.0, 0.6]])  # mean within classes: 0.4
    step = (4 - 0.4) / 16
    near, far = 0.4 + step, 0.4 + 8 * step  # the first limit above 0.5, and above 2, by which the third class is linked
    expected = [
        [0, 0.1 + near - 0.2, 0.1 + far - 0.2],
        [0.1 + near - 0.4, 0, 0.1 + far - 0.4],
        [0.1 + far - 0.6] * 2 + [0],
    ]
    np.testing.assert_allclose(compute_tree_margins(apart, 0.1), expected, atol=1e-12)


def test_before_an_epoch_the_margins_are_those_of_the_classes_as_they_are_now(shapes: Path, tmp_path: Path) -> None:
    config = TrainConfig(recipe="quick", image_size=32, dim=8, loss="triplet-hierarchical", least_steps=0, epochs=1)
    network = create_start_network(config)
    samples = drain(survey_folder(shapes)).samples
    part = drain(read_pictures(samples[::3], network.preprocessing)).part
    source = drain(RECIPES["quick"](config, network, TrainingPhotos(part, part, tmp_path)))
    learner = Learner(network, config, source.compute_features, classes=6, steps=4)
    assert learner.needs_class_distances
    arrange_epoch(network, config, source, learner, 1)
    margins = learner.loss.state_dict()["margins"]
    assert margins.diagonal().tolist() == [0.0] * 6
    assert margins.unique().numel() > 6
    again = Learner(network, config, source.compute_features, classes=6, steps=4)
    again.loss.load_state_dict(learner.loss.state_dict())  # as a training that is resumed does
    assert torch.equal(again.loss.state_dict()["margins"], margins)
