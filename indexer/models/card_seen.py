"""What a model must not be judged by: the pictures it was trained on or chosen by, listed inside its weights file."""

from pathlib import Path

import numpy as np
import safetensors

from indexer.errors import ModelError
from indexer.models.card import WEIGHTS_FILE
from indexer.photos.decoding import show


def seen(folder: Path) -> np.ndarray:
    """Content hashes uint8 (n, 32) of the pictures a model was trained on or chosen by; none for a pretrained one."""
    try:
        with safetensors.safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            if "seen" not in file.keys():  # noqa: SIM118 (it is no dict)
                return np.zeros((0, 32), np.uint8)
            hashes: np.ndarray = file.get_tensor("seen")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{show(folder / WEIGHTS_FILE)} is missing or damaged. Install the model again.") from error
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != 32:
        raise ModelError(f"{show(folder / WEIGHTS_FILE)} holds no list of the pictures it was trained on.")
    return hashes
