"""Files of models: weights made on the spot, and damage."""

from pathlib import Path

import safetensors.torch
import torch

from indexer.models import backbones


def flip_bit(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def write_weights(name: str, folder: Path) -> Path:
    """Weights of a timm architecture, made on the spot and saved in timm's naming."""
    torch.manual_seed(11)
    state = backbones.import_timm().create_model(name).state_dict()
    path = folder / f"{name}.safetensors"
    path.write_bytes(safetensors.torch.save({key: tensor.clone() for key, tensor in state.items()}))
    return path
