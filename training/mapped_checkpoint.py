"""A model with a linear map of its embeddings as its head, written as a checkpoint without torch."""

import hashlib
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from indexer.errors import ModelError
from indexer.models.card import (
    CARD_FILE,
    SEEN_HASHES_TENSOR,
    WEIGHTS_FILE,
    WEIGHTS_LIMIT,
    Head,
    ModelCard,
    read_regular,
    read_seen_hashes,
    serialise_card,
)
from indexer.paths import show_path
from indexer.vectors.class_metric import ClassMetric


class MappedNetwork:
    """The model in `folder`, whose `card` has no head, with a class metric of its embeddings as its head.

    `name` is the backbone as timm calls it, `dim` how many numbers an embedding has.
    """

    def __init__(self, folder: Path, card: ModelCard, metric: ClassMetric) -> None:
        self.folder = folder
        self.card = card
        self.metric = metric
        self.name = card.backbone
        self.dim = int(metric.matrix.shape[1])
        self.preprocessing = card.preprocessing

    def write_files(self, folder: Path, *, name: str, source: str, seen_hashes: np.ndarray) -> ModelCard:
        """Write the two files of a checkpoint and return its card; it has seen what the base has, and `seen_hashes`
        (n, 32) uint8.
        """
        data = self._serialise(seen_hashes)
        digest = hashlib.sha256(data).hexdigest()
        head = Head(self.dim, kind="unit-linear")
        card = ModelCard(name, self.name, self.dim, self.preprocessing, head, digest, source)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS_FILE).write_bytes(data)
        (folder / CARD_FILE).write_bytes(serialise_card(card))
        return card

    def _serialise(self, seen_hashes: np.ndarray) -> bytes:
        tensors = _read_tensors(self.folder, self.card)
        matrix = self.metric.matrix
        tensors["head.weight"] = np.ascontiguousarray(matrix.T, np.float32)
        tensors["head.bias"] = np.ascontiguousarray(-self.metric.mean @ matrix, np.float32)
        seen = np.concatenate([read_seen_hashes(self.folder), seen_hashes])
        tensors[SEEN_HASHES_TENSOR] = np.unique(seen, axis=0).astype(np.uint8)
        return safetensors.numpy.save(tensors)


def _read_tensors(folder: Path, card: ModelCard) -> dict[str, np.ndarray]:
    """The tensors of a weights file; ModelError where it is not the one that the card names."""
    data = read_regular(folder / WEIGHTS_FILE, WEIGHTS_LIMIT)
    try:
        if hashlib.sha256(data).hexdigest() != card.weights_sha256:
            raise ValueError("not the file that the card names")
        return safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "{folder} is damaged. Install the model again.", folder=show_path(folder / WEIGHTS_FILE)
        ) from error
