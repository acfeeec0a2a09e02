"""Raw pixels as an embedding: the baseline that every table of figures should begin with.

On simple pictures it is strong (Fashion-MNIST: P@1 0.78), so a network that is not clearly better has learnt little.
"""

import numpy as np
from PIL.Image import Image

from indexer.models.card import ModelCard, Preprocessing
from indexer.models.model import normalise_embeddings

PIXEL_SIDE = 28


class RawPixelEmbedder:
    """An Embedder without a network: the picture at 28 x 28, its numbers (2352,) scaled to unit length."""

    card = ModelCard(
        name="pixels",
        backbone="none",
        dim=3 * PIXEL_SIDE * PIXEL_SIDE,
        preprocessing=Preprocessing(PIXEL_SIDE, 1.0, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "letterbox"),
        head=None,
        weights_sha256="0" * 64,
        source="the pictures themselves",
    )
    precision = "fp32"

    def prepare(self, image: Image) -> np.ndarray:
        """The whole picture in a square, uint8 (28, 28, 3)."""
        return self.card.preprocessing.prepare(image)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 2352) float32; a black picture has none and comes back as NaN."""
        return normalise_embeddings(batch.reshape(len(batch), -1).astype(np.float32))
