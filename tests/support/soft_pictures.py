"""Soft colour pictures, as different from each other and as stable under compression as photographs."""

import numpy as np
from PIL import Image


def soft(seed: int, size: tuple[int, int] = (200, 150)) -> Image.Image:
    """A picture of soft coloured patches, another one for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)
