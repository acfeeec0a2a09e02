from pathlib import Path

import pytest
import torch

from indexer.architectures.pooled_network import GeneralisedMeanNetwork, MaximumNetwork
from indexer.errors import LookalikeError
from indexer.models.backbones import DEFAULT_BACKBONE, create_untrained
from indexer.models.network import EmbeddingNetwork, create_network, load_network, write_checkpoint
from training.fitting.learner import create_start_network
from training.settings.config import TrainConfig


@pytest.fixture(scope="module")
def network() -> EmbeddingNetwork:
    return create_start_network(TrainConfig(pooling="gem", image_size=32, dim=8))


def test_the_pooling_is_that_of_the_formula_and_its_exponent_learns(network: EmbeddingNetwork) -> None:
    body = network.body
    assert isinstance(body, GeneralisedMeanNetwork)
    maps = torch.rand(2, 3, 2, 2, generator=torch.Generator().manual_seed(0)) - 0.2
    for exponent in (1.0, 3.0, 5.0):
        body.exponent.data.fill_(exponent)
        pooled = body.forward_head(maps)
        for picture in range(2):
            for channel in range(3):
                responses = [max(value, 1e-6) for value in maps[picture, channel].flatten().tolist()]
                wanted = (sum(value**exponent for value in responses) / 4) ** (1 / exponent)
                assert pooled[picture, channel].item() == pytest.approx(wanted, abs=1e-6)
    pooled.sum().backward()  # type: ignore[no-untyped-call]
    assert body.exponent.grad is not None
    assert body.exponent.grad.item() > 0
    body.exponent.data.fill_(3.0)


def test_it_keeps_the_pretrained_maps_and_with_exponent_one_the_pretrained_embedding(network: EmbeddingNetwork) -> None:
    batch = torch.randint(0, 255, (2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    own = create_network(size=32, framing="letterbox")
    assert isinstance(network.body, GeneralisedMeanNetwork)
    network.body.exponent.data.fill_(1.0)
    with torch.no_grad():
        pooled, usual = (one.pool(one.extract_raw_features(batch)) for one in (network, own))
    network.body.exponent.data.fill_(3.0)
    torch.testing.assert_close(pooled, usual, atol=1e-4, rtol=1e-3)


def test_a_checkpoint_of_it_is_loaded_again_with_its_exponent(network: EmbeddingNetwork, tmp_path: Path) -> None:
    assert isinstance(network.body, GeneralisedMeanNetwork)
    network.body.exponent.data.fill_(2.5)
    card = write_checkpoint(network, tmp_path, name="gem", source="test")
    again = load_network(tmp_path)
    assert (card.backbone, again.name) == (f"gem:{DEFAULT_BACKBONE}",) * 2
    assert isinstance(again.body, GeneralisedMeanNetwork)
    assert again.body.exponent.item() == 2.5


def test_it_is_trained_with_the_whole_network() -> None:
    assert TrainConfig(pooling="gem").recipe == "full"
    with pytest.raises(LookalikeError, match="The recipe quick is not for another pooling"):
        TrainConfig(pooling="gem", recipe="quick")


def test_the_maximum_is_that_of_each_channel_and_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    network = create_start_network(TrainConfig(pooling="max", image_size=32, dim=8))
    assert isinstance(network.body, MaximumNetwork)
    maps = torch.rand(2, 3, 2, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    wanted = [[max(maps[picture, channel].flatten().tolist()) for channel in range(3)] for picture in range(2)]
    assert network.body.forward_head(maps).tolist() == wanted
    write_checkpoint(network, tmp_path, name="max", source="test")
    assert isinstance(load_network(tmp_path).body, MaximumNetwork)


@pytest.mark.parametrize("name", ["resnet10t", "test_vit", "test_convnext", "swin_tiny_patch4_window7_224"])
def test_any_layout_of_the_last_maps_is_pooled_over_its_places(name: str) -> None:
    body = create_untrained(f"max:{name}", size=None).module
    assert isinstance(body, MaximumNetwork)
    pixels = torch.rand(1, 3, *body.pretrained_cfg["input_size"][1:], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        places = body.forward_features(pixels)
        own = body.body.forward_intermediates(pixels, indices=1, intermediates_only=True, output_fmt="NCHW", norm=True)
    assert places.shape[:2] == (1, body.num_features)
    assert body.forward_head(places).shape == (1, body.num_features)
    assert places.flatten(2).shape == own[-1].flatten(2).shape
