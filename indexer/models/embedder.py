"""What the rest of the program needs of a model: pictures in, unit-length embeddings out.

Indexing and searching take an Embedder, so they are tested with one of three lines. `model.Model` is the real one.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from PIL.Image import Image

from indexer.errors import PhotoError
from indexer.models.card import ModelCard
from indexer.models.model import load_model
from indexer.own_process import count_cores
from indexer.photos.decoding import decode_photo

CPU_THREADS = count_cores()

# Threads that call `embed` at once: each batch takes memory, and all of them share the cores.
NETWORK_CALLERS = min(CPU_THREADS, 4)


class Embedder(Protocol):
    """A model, as far as embedding needs it."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""

    @property
    def precision(self) -> str:
        """The precision of the arithmetic: "fp32" or "bf16"."""

    def prepare(self, image: Image) -> np.ndarray:
        """A picture as the model's input, uint8 (h, w, 3)."""

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Unit-length embeddings (n, dim) float32 of inputs (n, h, w, 3) uint8; a row of NaN where there is none.

        Called from NETWORK_CALLERS threads at once.
        """


class DeferredEmbedder:
    """An Embedder that loads its model with the first batch, so that a run over unchanged folders never loads one."""

    def __init__(self, card: ModelCard, load: Callable[[], Embedder]) -> None:
        self.card = card
        self._load = load
        self._loaded: Embedder | None = None
        self._lock = Lock()

    @property
    def model(self) -> Embedder:
        """The model, loaded by whichever thread needs it first and shared by all."""
        with self._lock:
            self._loaded = self._loaded or self._load()
            return self._loaded

    @property
    def precision(self) -> str:
        """The precision of the loaded model's arithmetic."""
        return self.model.precision

    def prepare(self, image: Image) -> np.ndarray:
        """A picture as the model's input, uint8 (h, w, 3); does not load the model."""
        return self.card.preprocessing.prepare(image)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Unit-length embeddings (n, dim) float32 of inputs (n, h, w, 3) uint8, by the loaded model."""
        return self.model.embed(batch)


def embed_image(image: Image, embedder: Embedder) -> np.ndarray:
    """The embedding (dim,) float32 of one picture in memory; PhotoError where the model gives no finite one."""
    vector: np.ndarray = embedder.embed(embedder.prepare(image)[None])[0]
    if not np.isfinite(vector).all():
        raise PhotoError("gives no usable embedding under this model")
    return vector


def embed_bytes(data: bytes, embedder: Embedder) -> np.ndarray:
    """The embedding (dim,) float32 of one picture's file content; PhotoError where that cannot be decoded."""
    return embed_image(decode_photo(data, embedder.card.preprocessing.short_side).image, embedder)


def defer_model(card: ModelCard, folder: Path, runtime: str) -> DeferredEmbedder:
    """The installed model in folder/FINGERPRINT, to be loaded with its first batch for NETWORK_CALLERS threads."""
    return DeferredEmbedder(
        card, lambda: load_model(folder / card.fingerprint, runtime=runtime, callers=NETWORK_CALLERS)
    )
