"""A labelled folder for trainings that take seconds: coloured shapes on grey noise, one sub-folder for each class."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = ("red", "green", "blue", "orange", "purple", "white", "black", "cyan")
SHAPES = ("ellipse", "rectangle")
SIDE = 48


def shape(number: int, seed: int) -> Image.Image:
    """A picture of class `number`, SIDE px square: a shape in its colour on noise; both vary with the seed."""
    rng = np.random.default_rng([number, seed])
    image = Image.fromarray(rng.integers(60, 200, (SIDE, SIDE, 3), dtype=np.uint8))
    left, top = rng.integers(2, SIDE // 2, 2).tolist()
    wide, high = rng.integers(SIDE // 5, SIDE // 2, 2).tolist()
    draw = ImageDraw.Draw(image)
    getattr(draw, SHAPES[number % 2])((left, top, left + wide, top + high), fill=COLOURS[number // 2 % len(COLOURS)])
    return image


def write_classes(folder: Path, classes: int, photos: int, *, mixed: bool = False) -> Path:
    """Write `photos` pictures for each of `classes` sub-folders; with `mixed`, shapes and folders have no relation."""
    rng = np.random.default_rng(0)
    for number in range(classes):
        home = folder / f"class-{number:02d}"
        home.mkdir(parents=True)
        for seed in range(photos):
            shape_number = int(rng.integers(classes)) if mixed else number
            shape(shape_number, seed + 1000 * number).save(home / f"{seed:03d}.png")
    return folder
