"""What the rest of the program needs of a model: pictures in, unit-length embeddings out."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from PIL.Image import Image

from indexer.errors import PhotoError
from indexer.models import model
from indexer.models.card import ModelCard
from indexer.photos.decoding import decode_photo

CPU_THREADS = os.cpu_count() or 1


# Batches in the network at once; each takes memory, and shares the cores with the others.
NETWORK_CALLERS = min(CPU_THREADS, 4)


class Embedder(Protocol):
    """What embedding needs of a model."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""

    @property
    def precision(self) -> str:
        """Of the arithmetic: fp32, bf16, ..."""

    def prepare(self, image: Image) -> np.ndarray:
        """A picture as the model's input, uint8 (h, w, 3)."""

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Unit-length embeddings (n, dim) float32 of inputs (n, h, w, 3) uint8; rows of NaN where it has none.

        Called from CALLERS threads at once.
        """


class DeferredEmbedder:
    """A model that is loaded when the first picture needs it: an unchanged folder never does."""

    def __init__(self, card: ModelCard, load: Callable[[], Embedder]) -> None:
        self.card = card
        self._load = load
        self._loaded: Embedder | None = None
        self._lock = Lock()

    @property
    def model(self) -> Embedder:
        """The loaded model; threads that ask at once get the same."""
        with self._lock:
            self._loaded = self._loaded or self._load()
            return self._loaded

    @property
    def precision(self) -> str:
        """Of the arithmetic."""
        return self.model.precision

    def prepare(self, image: Image) -> np.ndarray:
        """A picture as the model's input; needs the card only."""
        return self.card.preprocessing.prepare(image)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Embeddings by the loaded model."""
        return self.model.embed(batch)


def embed_image(image: Image, model: Embedder) -> np.ndarray:
    """The embedding (dim,) float32 of one picture in memory."""
    vector: np.ndarray = model.embed(model.prepare(image)[None])[0]
    if not np.isfinite(vector).all():
        raise PhotoError("gives no usable embedding under this model")
    return vector


def embed_bytes(data: bytes, model: Embedder) -> np.ndarray:
    """The embedding (dim,) float32 of one picture's file content."""
    return embed_image(decode_photo(data, model.card.preprocessing.short_side).image, model)


def defer_model(card: ModelCard, folder: Path, runtime: str) -> DeferredEmbedder:
    """An installed model, loaded when the first picture needs it."""
    return DeferredEmbedder(
        card, lambda: model.load_model(folder / card.fingerprint, runtime=runtime, callers=NETWORK_CALLERS)
    )
