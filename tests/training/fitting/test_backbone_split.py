"""A backbone in two parts: both together are the whole, and only the last one learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from indexer.errors import ModelError
from indexer.models import backbones
from indexer.models.backbones import Backbone
from indexer.models.network import EmbeddingNetwork
from indexer.progress import drain
from tests.support.labelled_shapes import write_classes
from training.data.labelled_folders import survey_folder
from training.data.pictures import read_pictures
from training.fitting.backbone_split import split_backbone
from training.fitting.learner import Learner, compute_pooled_features, copy_weights
from training.fitting.recipes import TrainingPhotos, prepare_tail
from training.settings.config import TrainConfig

SMALL: dict[str, Any] = {"embed_dim": 32, "depth": 4, "num_heads": 2, "img_size": 32, "patch_size": 8}
TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "class token": ("vit_tiny_patch16_224", {}),
    "registers": ("vit_small_patch14_reg4_dinov2", {}),
    "mean of all tokens": ("vit_tiny_patch16_224", {"global_pool": "avg", "class_token": False, "fc_norm": True}),
    "attention at the end": ("vit_base_patch16_siglip_224", {}),
    "rotary positions": ("eva02_tiny_patch14_224", {"ref_feat_shape": (4, 4)}),
    "rotary positions, registers": ("vit_small_patch16_dinov3", {}),
}


def build_network(name: str, **options: Any) -> EmbeddingNetwork:
    """A network of that architecture with random weights."""
    torch.manual_seed(0)
    module = backbones.import_timm().create_model(name, pretrained=False, num_classes=0, **options).eval()
    preprocessing = backbones.read_preprocessing(module)
    preprocessing = replace(preprocessing, size=options.get("img_size", preprocessing.size))
    return EmbeddingNetwork(Backbone(name, module, preprocessing)).eval()


def build_transformer(kind: str) -> EmbeddingNetwork:
    name, options = TRANSFORMERS[kind]
    return build_network(name, **SMALL | options)


def noise_for(network: EmbeddingNetwork, count: int = 3) -> Tensor:
    size = network.preprocessing.size
    return torch.rand(count, size, size, 3, generator=torch.Generator().manual_seed(1)) * 255


def run_parts(network: EmbeddingNetwork, batch: Tensor) -> Tensor:
    """The raw features by the first part, kept in float16 as the cache keeps them, and the last."""
    cut = split_backbone(network)
    with torch.no_grad():
        kept = cut.first.forward_features(network.normalise_pixels(batch)).half().float()  # type: ignore[operator]
    features: Tensor = cut.last.forward_features(kept)  # type: ignore[operator]
    return features


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["resnet18", "convnext_atto", "mobilenetv4_conv_small", "swin_tiny_patch4_window7_224"]
)
def test_backbones_of_many_kinds_are_divided_before_their_last_stage(name: str) -> None:
    network = build_network(name)
    batch = noise_for(network, 1)
    with torch.no_grad():
        cut = split_backbone(network)
        maps = cut.first.forward_features(network.normalise_pixels(batch))  # type: ignore[operator]
        again = cut.last.forward_features(maps)  # type: ignore[operator]
        torch.testing.assert_close(again, network.extract_raw_features(batch), rtol=1e-3, atol=1e-4)
    trained = sum(weight.numel() for weight in cut.last.parameters())
    assert 0 < trained < sum(weight.numel() for weight in network.body.parameters())


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_a_transformer_is_divided_after_a_block(kind: str) -> None:
    network = build_transformer(kind)
    assert split_backbone(network).cut_module == "blocks.2"
    batch = noise_for(network)
    with torch.no_grad():
        whole, parts = network.extract_raw_features(batch), run_parts(network, batch)
    torch.testing.assert_close(parts, whole, rtol=0, atol=2e-3 * float(whole.abs().max()))
    torch.testing.assert_close(network.pool(parts), network.pool(whole), rtol=0, atol=5e-3)


def test_the_parts_of_a_transformer_are_its_blocks_one_by_one() -> None:
    network = build_transformer("class token")
    body: Any = network.body
    pixels = network.normalise_pixels(noise_for(network))
    cut = split_backbone(network)
    with torch.no_grad():
        tokens = body._pos_embed(body.patch_embed(pixels))
        for number in range(3):
            tokens = body.blocks[number](tokens)
        torch.testing.assert_close(cut.first.forward_features(pixels), tokens)  # type: ignore[operator]
        expected = body.norm(body.blocks[3](tokens))
        torch.testing.assert_close(cut.last.forward_features(tokens), expected)  # type: ignore[operator]


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_gradients_reach_the_tail_of_a_transformer_only(kind: str) -> None:
    network = build_transformer(kind)
    network.pool(run_parts(network, noise_for(network))).square().sum().backward()  # type: ignore[no-untyped-call]
    reached = {name for name, weight in network.named_parameters() if weight.grad is not None}
    behind = ("body.blocks.3.", "body.norm.", "body.fc_norm.", "body.attn_pool.")
    assert reached == {name for name, _ in network.named_parameters() if name.startswith(behind)}


@pytest.mark.parametrize("kind", ["class token", "rotary positions, registers"])
def test_the_recipe_tail_trains_the_end_of_a_transformer(kind: str, tmp_path: Path) -> None:
    network = build_transformer(kind)
    samples = drain(survey_folder(write_classes(tmp_path / "shapes", 3, 4))).samples
    part = drain(read_pictures(samples, network.preprocessing)).part
    config = TrainConfig(recipe="tail", dim=0, learning_rate=1e-3)
    source = drain(prepare_tail(config, network, TrainingPhotos(part, part, tmp_path / "out")))
    rows = np.arange(len(samples))
    expected = compute_pooled_features(network, part.load_batch, rows)
    np.testing.assert_allclose(source.compute_plain_features(rows), expected, atol=2e-3 * np.abs(expected).max())
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    Learner(network, config, source.compute_features, classes=3, steps=4).take_step(rows, source.labels)
    changed = {name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if name.startswith(("body.blocks.3.", "body.norm.", "body.fc_norm."))}
    assert changed == set(copy_weights(network))


def test_a_backbone_that_cannot_be_divided_is_refused() -> None:
    network = build_network("test_vit", img_size=32)
    network.body.feature_info = []  # type: ignore[assignment] # as a network that names no stages
    with pytest.raises(ModelError, match="cannot be divided"):
        split_backbone(network)
