import pytest
import torch
from torch import nn

from indexer.architectures.course_network import CourseNetwork
from indexer.errors import ModelError
from indexer.models import backbones
from indexer.models.card import Head
from indexer.models.network import EmbeddingNetwork


def test_it_has_the_parameters_of_the_table_in_the_lecture_notes() -> None:
    network = EmbeddingNetwork(backbones.create_untrained("course"), Head(32))
    trained = sum(weight.numel() for weight in network.parameters())
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert (trained + statistics, trained, statistics) == (429_176, 428_552, 624)
    layers = [
        sum(weight.numel() for weight in module.parameters())
        for module in network.modules()
        if not [*module.children()]
    ]
    assert [count for count in layers if count] == [80, 584, 16, 1168, 2320, 32, 4640, 9248, 64, 401_664, 512, 8224]


def test_its_maps_have_the_shapes_of_the_table() -> None:
    network = CourseNetwork().eval()
    sides: list[tuple[int, ...]] = []
    for block in network.blocks:
        block.register_forward_hook(lambda _, __, maps: sides.append(tuple(maps.shape[1:])))
    maps = network.forward_features(torch.zeros(2, 3, 28, 28))
    assert sides == [(8, 28, 28), (16, 14, 14), (32, 7, 7)]
    assert network.forward_head(maps).shape == (2, 256)


def test_it_sees_a_picture_in_grey() -> None:
    network = CourseNetwork().eval()
    grey = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    coloured = torch.cat([grey + 0.2, grey, grey - 0.2], dim=1)
    torch.testing.assert_close(network.forward_features(coloured), network.forward_features(grey.expand(2, 3, 28, 28)))


def test_only_the_training_draws_random_weights() -> None:
    with pytest.raises(ModelError, match="The network course has no weights of its own"):
        backbones.create_backbone("course")
    with pytest.raises(ModelError, match="cannot take pictures of 64 pixels: its input size is fixed"):
        backbones.create_untrained("course", size=64)
    with pytest.raises(ModelError, match="no backbone named 'curse'"):
        backbones.create_untrained("curse")


def test_one_seed_draws_the_same_weights() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(backbones.create_untrained("course").module.parameters())

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))
