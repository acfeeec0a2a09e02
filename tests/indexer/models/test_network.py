"""The torch form: one layout of feature maps, heads that train, checkpoints that come back as they were."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from indexer.errors import ModelError
from indexer.models import backbones
from indexer.models.card import CARD_FILE, WEIGHTS_FILE, Head, read_card, serialise_card
from indexer.models.network import (
    EmbeddingNetwork,
    create_network,
    load_network,
    make_runner,
    replace_head,
    reshape_to_feature_map,
    tune_allocator,
    write_checkpoint,
)

SMALL = "test_resnet"  # timm's own small architecture


@pytest.fixture
def small(tmp_path: Path) -> EmbeddingNetwork:
    """A small network at 64 pixels with a head of 16 numbers."""
    torch.manual_seed(5)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(safetensors.torch.save(dict(backbones.import_timm().create_model(SMALL).state_dict())))
    return create_network(SMALL, weights, size=64, head=Head(16))


def make_pictures(count: int, size: int = 64) -> torch.Tensor:
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_every_layout_of_features_becomes_the_same_map() -> None:
    truth = torch.arange(2 * 5 * 3 * 3).reshape(2, 5, 3, 3)
    tokens = truth.reshape(2, 5, 9).transpose(1, 2)
    prefixed = torch.cat([torch.full((2, 2, 5), -1), tokens], dim=1)
    assert torch.equal(reshape_to_feature_map(truth, 5, 0), truth)
    assert torch.equal(reshape_to_feature_map(truth.permute(0, 2, 3, 1), 5, 0), truth)
    assert torch.equal(reshape_to_feature_map(tokens, 5, 0), truth)
    assert torch.equal(reshape_to_feature_map(prefixed, 5, 2), truth)


@pytest.mark.parametrize("shape", [(2, 5), (2, 4, 3, 3), (2, 8, 5), (2, 9, 4)])
def test_what_is_no_map_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no map"):
        reshape_to_feature_map(torch.zeros(shape), 5, 0)


def test_pixels_are_normalised_as_timm_does_it(small: EmbeddingNetwork) -> None:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (small.preprocessing.mean, small.preprocessing.std))
    by_hand = torch.stack([(picture.permute(2, 0, 1) / 255.0 - mean) / std for picture in make_pictures(3)])
    with torch.no_grad():
        torch.testing.assert_close(small.extract_raw_features(make_pictures(3)), small.body.forward_features(by_hand))  # type: ignore[operator]


def test_float_pixels_give_what_byte_pixels_give(small: EmbeddingNetwork) -> None:
    with torch.no_grad():
        assert torch.equal(small(make_pictures(2)).embedding, small(make_pictures(2).float()).embedding)


def test_head_is_trained_and_so_is_the_body(small: EmbeddingNetwork) -> None:
    small.train()
    output = small(make_pictures(4))
    (output.embedding[0] - output.embedding[1]).square().sum().backward()
    sizes = {name: float(value.grad.abs().sum()) for name, value in small.named_parameters() if value.grad is not None}
    assert sizes.keys() == dict(small.named_parameters()).keys()
    assert sizes["head.weight"] > 0
    assert sizes["body.conv1.0.weight"] > 0


def test_checkpoint_comes_back_as_it_was(small: EmbeddingNetwork, tmp_path: Path) -> None:
    seen = np.arange(64, dtype=np.uint8).reshape(2, 32)
    card = write_checkpoint(small, tmp_path / "best", name="mine", source="trained here", seen_hashes=seen)
    again = load_network(tmp_path / "best")
    assert (card.dim, card.head, card.preprocessing.size) == (16, Head(16), 64)
    assert read_card(tmp_path / "best") == card
    assert not again.training
    with torch.no_grad():
        assert torch.equal(again(make_pictures(3)).embedding, small(make_pictures(3)).embedding)


def test_embedding_before_the_head_is_a_checkpoint_without_head(small: EmbeddingNetwork, tmp_path: Path) -> None:
    card = write_checkpoint(replace_head(small, None), tmp_path / "plain", name="mine", source="trained here")
    with torch.no_grad():
        pooled = small.pool(small.extract_raw_features(make_pictures(2)))
        embedding = load_network(tmp_path / "plain")(make_pictures(2)).embedding
    assert (card.head, card.dim) == (None, small.backbone_dim)
    torch.testing.assert_close(embedding, pooled / pooled.norm(dim=1, keepdim=True))


def test_trained_weights_that_are_not_finite_are_not_saved(small: EmbeddingNetwork, tmp_path: Path) -> None:
    with torch.no_grad():
        next(small.parameters()).fill_(torch.nan)
    with pytest.raises(ModelError, match="not finite"):
        write_checkpoint(small, tmp_path / "bad", name="mine", source="a test")
    assert not (tmp_path / "bad").exists()


def test_flipped_bit_in_the_weights_is_refused(small: EmbeddingNetwork, tmp_path: Path) -> None:
    write_checkpoint(small, tmp_path / "best", name="mine", source="a test")
    path = tmp_path / "best" / WEIGHTS_FILE
    data = bytearray(path.read_bytes())
    data[-100] ^= 4
    path.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        load_network(tmp_path / "best")


@pytest.mark.parametrize(("field", "value"), [("backbone", "test_vit"), ("backbone", "resnet81"), ("dim", 17)])
def test_card_that_does_not_fit_its_weights_is_refused(
    small: EmbeddingNetwork, tmp_path: Path, field: str, value: str | int
) -> None:
    card = write_checkpoint(replace_head(small, None), tmp_path / "best", name="mine", source="a test")
    forged = {name: getattr(card, name) for name in card.__dataclass_fields__} | {field: value}
    (tmp_path / "best" / CARD_FILE).write_bytes(serialise_card(type(card)(**forged)))
    with pytest.raises(ModelError):
        load_network(tmp_path / "best")


def test_running_takes_a_read_only_batch(small: EmbeddingNetwork) -> None:
    batch = make_pictures(2).numpy()
    batch.flags.writeable = False
    runner = make_runner(small, "cpu")
    assert runner.embed(batch).shape == (2, 16)
    assert runner.features(batch).shape[0] == 2
    assert runner.precision == "fp32"


def test_tuning_the_allocator_leaves_results_alone(small: EmbeddingNetwork) -> None:
    with torch.no_grad():
        before = small(make_pictures(2)).embedding
        tune_allocator()
        assert torch.equal(small(make_pictures(2)).embedding, before)
