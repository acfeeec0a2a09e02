"""A model small enough to compute by hand, which fulfils the Embedder protocol and counts the pictures it embeds."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.models.card import CARD_FILE, ModelCard, Preprocessing, serialise_card

SIDE = 8


def tiny_card(name: str = "tiny") -> ModelCard:
    """The card of a model without a network; another name makes another fingerprint."""
    return ModelCard(
        name=name,
        backbone="none",
        dim=3 * SIDE * SIDE,
        preprocessing=Preprocessing(SIDE, 1.0, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        head=None,
        weights_sha256=name.encode().hex().ljust(64, "0"),
        source="test",
    )


def write_card(models: Path) -> None:
    """Write the card of the tiny model to where a library looks for it."""
    folder = models / tiny_card().fingerprint
    folder.mkdir(parents=True)
    (folder / CARD_FILE).write_bytes(serialise_card(tiny_card()))


class Tiny:
    """Embeds a picture as its 8 x 8 pixels (192,) less the middle grey, at unit length; `asked` counts the pictures."""

    precision = "fp32"

    def __init__(self, name: str = "tiny") -> None:
        self.card = tiny_card(name)
        self.asked = 0

    def prepare(self, image: Image.Image) -> np.ndarray:
        return self.card.preprocessing.prepare(image)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        self.asked += len(batch)
        vectors = batch.reshape(len(batch), -1).astype(np.float32) - 127.5
        unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


class Ranked(NamedTuple):
    """The expected result of a search: photo ids in order, and their distances."""

    ids: list[int]
    distances: list[float]


def nearest_by_loop(ids: list[int], vectors: np.ndarray, query: np.ndarray, k: int) -> Ranked:
    """The k nearest by a plain loop in float64, ordered by (distance, id): the oracle of every search."""
    neighbours = []
    for id, vector in zip(ids, vectors, strict=True):
        difference = vector.astype(np.float64) - query.astype(np.float64)
        neighbours.append((float(np.sqrt((difference**2).sum())), id))
    neighbours.sort()
    return Ranked([id for _, id in neighbours[:k]], [distance for distance, _ in neighbours[:k]])
