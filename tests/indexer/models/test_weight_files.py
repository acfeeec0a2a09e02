"""Weights as people have them fill a network: torch's files, wrapped, renamed, halved, of other sizes; never code."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from indexer.errors import ModelError
from indexer.models import backbones

Tensors = dict[str, Tensor]


def draw_network(name: str, **options: Any) -> nn.Module:
    """A network of timm with weights drawn by lot, its class layer included."""
    torch.manual_seed(3)
    drawn: nn.Module = backbones.import_timm().create_model(name, **options)
    return drawn


class NamedState(NamedTuple):
    """A network's name and its weights."""

    name: str
    tensors: Tensors


@pytest.fixture(scope="module", params=["test_resnet", "test_vit"])
def network(request: pytest.FixtureRequest) -> NamedState:
    return NamedState(request.param, draw_network(request.param).state_dict())


def save_new(content: object, folder: Path) -> Path:
    torch.save(content, folder / "weights.pth")
    return folder / "weights.pth"


def save_old(content: object, folder: Path) -> Path:
    torch.save(content, folder / "weights.bin", _use_new_zipfile_serialization=False)
    return folder / "weights.bin"


def save_safe(content: Tensors, folder: Path) -> Path:
    path = folder / "weights.safetensors"
    path.write_bytes(safetensors.torch.save({key: tensor.clone() for key, tensor in content.items()}))
    return path


def rename(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda state: {prefix + key: tensor for key, tensor in state.items()}


SAVED: dict[str, Callable[[Tensors, Path], Path]] = {
    "safetensors": save_safe,
    "torch": save_new,
    "torch before 1.6": save_old,
    "halved": lambda state, folder: save_safe(
        {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in state.items()}, folder
    ),
    "DataParallel": lambda state, folder: save_new(rename("module.")(state), folder),
    "compiled in parallel": lambda state, folder: save_new(rename("module._orig_mod.")(state), folder),
    "timm's training": lambda state, folder: save_new(
        {
            "epoch": 3,
            "args": argparse.Namespace(lr=0.1),
            "state_dict": {key: torch.zeros_like(tensor) for key, tensor in state.items()},
            "state_dict_ema": state,
        },
        folder,
    ),
    "Lightning": lambda state, folder: save_new(
        {"state_dict": {**rename("model.")(state), "loss.weight": torch.ones(3)}, "global_step": 7}, folder
    ),
    "open_clip": lambda state, folder: save_new(
        {**rename("visual.trunk.")(state), "text.positions": torch.ones(3), "logit_scale": torch.ones(())}, folder
    ),
    "open_clip in parallel": lambda state, folder: save_new(
        {"state_dict": {**rename("module.visual.trunk.")(state), "module.logit_scale": torch.ones(())}}, folder
    ),
    "without counters": lambda state, folder: save_safe(
        {key: tensor for key, tensor in state.items() if "num_batches" not in key}, folder
    ),
    "without classes": lambda state, folder: save_safe(
        {key: tensor for key, tensor in state.items() if not key.startswith(("fc.", "head."))}, folder
    ),
}


@pytest.mark.parametrize("kind", SAVED)
def test_every_kind_of_file_fills_the_network(network: NamedState, kind: str, tmp_path: Path) -> None:
    name, state = network
    ours = backbones.create_backbone(name, SAVED[kind](state, tmp_path)).module.state_dict()
    assert len(state) - len(ours) == 2  # the class layer
    tolerance = 1e-3 if kind == "halved" else 0
    for key, tensor in ours.items():
        assert tensor.dtype == state[key].dtype
        torch.testing.assert_close(tensor, state[key], rtol=tolerance, atol=tolerance)


def test_another_number_of_classes_is_left_out(tmp_path: Path) -> None:
    state = draw_network("test_resnet", num_classes=17).state_dict()
    ours = backbones.create_backbone("test_resnet", save_safe(state, tmp_path)).module.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in ours.items())


@pytest.mark.parametrize("size", [None, 96, 128])
def test_position_embeddings_of_another_size_are_resampled_as_timm_does_it(tmp_path: Path, size: int | None) -> None:
    path = save_safe(draw_network("test_vit", img_size=96).state_dict(), tmp_path)
    timm = backbones.import_timm()
    options = {"img_size": size} if size else {}
    theirs = timm.create_model(
        "test_vit", pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": str(path)}, **options
    )
    ours = backbones.create_backbone("test_vit", path, size=size)
    assert ours.preprocessing.size == (size or 160)
    assert theirs.state_dict().keys() == ours.module.state_dict().keys()
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(ours.module.state_dict()[key], tensor), key


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "it ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (witness,))

    for save in (save_new, save_old):
        with pytest.raises(ModelError, match="hold more than tensors, which might be a program"):
            backbones.create_backbone("test_resnet", save({"state_dict": Trap()}, tmp_path))
    assert not witness.exists()


def test_weights_of_another_network_name_what_they_lack(tmp_path: Path) -> None:
    path = save_safe(draw_network("test_vit").state_dict(), tmp_path)
    with pytest.raises(ModelError, match=r"weights.safetensors do not fit the network: they lack 'bn1"):
        backbones.create_backbone("test_resnet", path)


@pytest.mark.parametrize("content", [[torch.ones(3)], {"state_dict": 3}, {}, {1: torch.ones(2)}, {"a": 3.0}])
def test_a_torch_file_without_tensors_is_a_sentence(tmp_path: Path, content: object) -> None:
    with pytest.raises(ModelError, match=r"no table of tensors|hold no tensors|do not fit"):
        backbones.create_backbone("test_resnet", save_new(content, tmp_path))
