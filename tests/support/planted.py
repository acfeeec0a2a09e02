"""A drawing planted in squares of two different photographs, which the heat maps of the two should peak on."""

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from indexer.photos.samples import find_sample_folder

SIDE = 224
SMALLEST, LARGEST = 0.3, 0.5  # the drawing's longer side, of the square's
LONGEST, FILLED = 1.6, 0.5  # of compact drawings: the most long for wide, and the least share of the box that is filled


class Planted(NamedTuple):
    """A picture uint8 (SIDE, SIDE, 3) and the box (left, top, right, bottom) of the drawing in it."""

    pixels: np.ndarray
    box: tuple[int, int, int, int]

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in the drawing's box."""
        left, top, right, bottom = self.box
        return left <= x < right and top <= y < bottom

    def share(self) -> float:
        """The box's share of the picture: what a point drawn by chance would reach."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) / SIDE**2


class Pair(NamedTuple):
    """Two pictures with one drawing in common."""

    first: Planted
    second: Planted


def planted_pairs(count: int, seed: int = 0) -> list[Pair]:
    """Pairs with a random drawing each, at random places and sizes in the two photographs."""
    random = np.random.default_rng(seed)
    china, other = (Image.fromarray(pixels) for pixels in load_sample_images().images)
    drawings = compact_drawings()
    chosen = [drawings[row] for row in random.integers(len(drawings), size=count)]
    return [Pair(_plant(china, drawing, random), _plant(other, drawing, random)) for drawing in chosen]


@cache
def compact_drawings() -> list[Image.Image]:
    """The bundled drawings as RGBA without their empty border, those that are filled and about as wide as high."""
    drawings = []
    for path in sorted(find_sample_folder().glob("*/*.png")):
        with Image.open(path) as image:
            drawing = image.convert("RGBA")
        drawing = drawing.crop(drawing.getchannel("A").getbbox())
        filled = float((np.asarray(drawing.getchannel("A")) > 128).mean())
        if max(drawing.size) <= LONGEST * min(drawing.size) and filled > FILLED:
            drawings.append(drawing)
    return drawings


def _plant(photograph: Image.Image, drawing: Image.Image, random: np.random.Generator) -> Planted:
    side = int(random.integers(240, min(photograph.size)))
    left, top = (int(random.integers(0, length - side + 1)) for length in photograph.size)
    square = photograph.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    scale = SIDE * random.uniform(SMALLEST, LARGEST) / max(drawing.size)
    width, height = (max(1, round(length * scale)) for length in drawing.size)
    x, y = (int(random.integers(0, SIDE - length + 1)) for length in (width, height))
    small = drawing.resize((width, height))
    square.paste(small, (x, y), small)
    return Planted(np.array(square), (x, y, x + width, y + height))
