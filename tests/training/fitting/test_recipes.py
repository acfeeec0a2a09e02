"""What the recipes keep and train: against the whole network, step by step."""

from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.errors import LookalikeError
from indexer.models.network import EmbeddingNetwork
from indexer.progress import drain
from tests.support.labelled_shapes import write_classes
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder, survey_unlabelled
from training.data.pictures import PicturePart, read_pictures
from training.data.split import DataSplit, split_samples, split_without_classes
from training.fitting.frozen_features import allocate_array
from training.fitting.head_start import initialise_head
from training.fitting.learner import (
    Learner,
    compute_pooled_features,
    copy_weights,
    create_start_network,
    restore_weights,
)
from training.fitting.recipes import RECIPES, FeatureSource, TrainingPhotos, choose_recipe_settings
from training.settings import cost
from training.settings.config import TrainConfig
from training.settings.cost import TrainingMachine, choose_chunk_size, choose_recipe


def config_of(recipe: str, dim: int = 8) -> TrainConfig:
    return TrainConfig(recipe=recipe, image_size=32, dim=dim, learning_rate=1e-3)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> TrainingPhotos:
    folder = tmp_path_factory.mktemp("recipes")
    samples = drain(survey_folder(write_classes(folder / "shapes", 3, 8))).samples
    preprocessing = create_start_network(config_of("full")).preprocessing
    learn, choose = (drain(read_pictures(part, preprocessing)).part for part in (samples[::2], samples[1::2]))
    return TrainingPhotos(learn, choose, folder / "out")


def features_of(recipe: str, network: EmbeddingNetwork, photos: TrainingPhotos) -> FeatureSource:
    return drain(RECIPES[recipe](config_of(recipe), network, photos))


def plain(network: EmbeddingNetwork, part: PicturePart) -> np.ndarray:
    return compute_pooled_features(network, part.load_batch, np.arange(len(part.samples)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_sees_the_pictures_as_the_whole_network_does(recipe: str, photos: TrainingPhotos) -> None:
    network = create_start_network(config_of(recipe))
    feature_source = features_of(recipe, network, photos)
    views = 2 if recipe == "unlabelled" else 1
    rows = np.arange(0, views * len(photos.train.samples), views)
    expected = plain(network, photos.train)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        feature_source.compute_plain_features(rows), expected, atol=2e-3 * scale
    )  # maps are kept in float16
    checked = feature_source.compute_validation()
    np.testing.assert_allclose(checked.pooled, plain(network, photos.validation), atol=2e-3 * scale)
    np.testing.assert_array_equal(checked.labels, number_labels(photos.validation.samples).labels)


@pytest.mark.parametrize("recipe", RECIPES)
def test_one_state_of_the_generator_shows_the_same_views_and_the_next_others(
    recipe: str, photos: TrainingPhotos
) -> None:
    feature_source = features_of(recipe, create_start_network(config_of(recipe)), photos)
    rows = np.array([0, 5, 3])
    random = torch.Generator().manual_seed(3)
    first, second = (feature_source.compute_features(rows, random).detach() for _ in range(2))
    assert torch.equal(first, feature_source.compute_features(rows, torch.Generator().manual_seed(3)).detach())
    assert not torch.equal(first, second)


TRAINED = {"quick": ("head",), "tail": ("body.blocks.5", "body.blocks.6", "body.conv_head", "body.bn2", "head")}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_changes_what_the_recipe_trains_and_nothing_else(recipe: str, photos: TrainingPhotos) -> None:
    network = create_start_network(config_of(recipe))
    feature_source = features_of(recipe, network, photos)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    learner = Learner(network, config_of(recipe), feature_source.compute_features, classes=12, steps=4)
    learner.take_step(np.arange(12), feature_source.labels[:12])
    changed = {name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if name.startswith(TRAINED.get(recipe, ("",)))}
    assert changed == set(copy_weights(network))
    restore_weights(network, {name: before[name] for name in changed})
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())


@pytest.mark.parametrize("dim", [0, 1280])
def test_a_head_of_the_backbones_size_begins_as_the_identity(dim: int, photos: TrainingPhotos) -> None:
    network = create_start_network(config_of("quick", dim))
    pooled = plain(network, photos.train)
    initialise_head(network, pooled)
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(network.embed(torch.from_numpy(pooled)).detach().numpy(), expected, atol=1e-6)


def test_a_head_larger_than_the_backbone_or_of_one_number_is_refused() -> None:
    with pytest.raises(LookalikeError, match="more than the 1,280 numbers"):
        create_start_network(config_of("full", 1281))
    with pytest.raises(LookalikeError, match="from 2 on"):
        config_of("full", 1)


def test_what_memory_cannot_hold_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    kept = allocate_array((2, 50, 3), np.float16, tmp_path / "not-yet" / "out", limit=599)
    kept[1, 49] = 7
    assert isinstance(kept, np.memmap)
    assert (kept[1, 49] == 7).all()
    assert list(tmp_path.iterdir()) == []
    assert not isinstance(allocate_array((2, 50, 3), np.float16, tmp_path, limit=600), np.memmap)


def parts(count: int) -> DataSplit:
    """So many photos to learn from, of two classes, without files."""
    learn = tuple(PhotoSample(b"/x", str(row).encode(), "ab"[row % 2]) for row in range(count))
    return DataSplit(learn, learn[:4], learn[:4])


@pytest.mark.parametrize(("count", "recipe"), [(100, "full"), (2_500, "tail"), (40_000, "quick")])
def test_auto_takes_the_most_thorough_recipe_that_ends_in_minutes(count: int, recipe: str) -> None:
    settled = choose_recipe_settings(TrainConfig(), parts(count), TrainingMachine(2))
    assert settled.config.recipe == recipe
    assert settled.why.startswith(f"Recipe {recipe}, chosen for {count:,} pictures on 2 cores")


def test_what_was_asked_for_is_taken() -> None:
    for recipe in RECIPES:
        assert (
            choose_recipe_settings(TrainConfig(recipe=recipe), parts(40_000), TrainingMachine(2)).config.recipe
            == recipe
        )


@pytest.mark.parametrize(
    ("config", "machine", "recipe"),
    [
        (TrainConfig(), TrainingMachine(2), "tail"),
        (TrainConfig(), TrainingMachine(16), "full"),
        (TrainConfig(), TrainingMachine(2, cuda=True), "full"),
        (TrainConfig(image_size=64), TrainingMachine(2), "full"),
        (TrainConfig(epochs=60), TrainingMachine(2), "quick"),
        (TrainConfig(max_seconds=100), TrainingMachine(2), "quick"),
    ],
)
def test_more_cores_smaller_pictures_and_the_users_limit_change_the_choice(
    config: TrainConfig, machine: TrainingMachine, recipe: str
) -> None:
    assert choose_recipe(config, 2_500, machine, labelled=True).recipe == recipe


def test_where_memory_is_short_a_part_of_a_batch_goes_through_the_network_at_a_time() -> None:
    assert choose_chunk_size(60, 224, TrainingMachine(2, memory=24 << 30)) == 60
    assert choose_chunk_size(60, 64, TrainingMachine(2, memory=4 << 30)) == 60
    assert choose_chunk_size(60, 224, TrainingMachine(2, cuda=True, memory=1 << 30)) == 60
    few = choose_chunk_size(60, 224, TrainingMachine(2, memory=8 << 30))
    assert few * 6.3e9 / 60 <= (8 << 30) / 3 < (few + 1) * 6.3e9 / 60
    assert choose_chunk_size(60, 448, TrainingMachine(2, memory=8 << 30)) == few // 4
    assert choose_chunk_size(60, 4_000, TrainingMachine(2, memory=1 << 30)) == 1


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["full", "unlabelled"])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(
    recipe: str, photos: TrainingPhotos, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for memory, parts in ((64 << 30, 1), (25_000_000, 4)):
        monkeypatch.setattr(cost, "THIS_MACHINE", TrainingMachine(2, memory=memory))
        assert -(-12 // choose_chunk_size(12, 32, cost.THIS_MACHINE)) == parts
        network = create_start_network(config_of(recipe)).double()
        pooled = features_of(recipe, network, photos).compute_features(np.arange(12), torch.Generator().manual_seed(3))
        (pooled @ pooled.T).square().mean().backward()  # type: ignore[no-untyped-call]  # every picture's gradient rests on all others
        found.append({name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None})
    whole, in_parts = found
    assert whole.keys() == in_parts.keys() and len(whole) > 100
    for name, gradient in whole.items():
        torch.testing.assert_close(in_parts[name], gradient, rtol=1e-7, atol=1e-12)


def test_without_classes_the_pairs_are_views_and_the_loss_is_nt_xent(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 1, 30) / "class-00"
    samples = drain(survey_unlabelled(folder))
    assert len({sample.label for sample in samples}) == len(samples) == 30
    settled = choose_recipe_settings(
        TrainConfig(miner="hard", loss="triplet"), split_without_classes(samples), TrainingMachine(2)
    ).config
    assert (settled.recipe, settled.loss, settled.photos_per_class) == ("unlabelled", "nt-xent", 2)
    assert settled.classes_per_batch * settled.photos_per_class == 60
    wished = TrainConfig(recipe="unlabelled", loss="nt-xent", temperature=0.5, sampling="hard-classes")
    chosen = choose_recipe_settings(wished, split_without_classes(samples), TrainingMachine(2))
    assert chosen.config.temperature == 0.5
    assert chosen.why.endswith("It takes the loss nt-xent; without effect: --sampling.")
    assert choose_recipe_settings(chosen.config, split_without_classes(samples), TrainingMachine(2)) == (
        chosen.config,
        "Recipe unlabelled, as you asked.",
    )
    with pytest.raises(LookalikeError, match="needs classes"):
        choose_recipe_settings(TrainConfig(recipe="tail"), split_without_classes(samples), TrainingMachine(2))
    with pytest.raises(LookalikeError, match="needs at least two classes"):
        split_samples(samples[:1], "images")
