"""Which square of a picture a model sees: its centre, or all of it with a border. The geometry in one place.

Preprocessing cuts by it, and what lies on a model's input is laid back over the picture by it. Everything is said in
pixels of the picture, so a square with a border begins left of 0 or above 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class SquareBox(NamedTuple):
    """The model's square in a picture: left, top, width and height in pixels of the picture, or in its fractions.

    It is a square of the model's input; in the picture its sides differ by up to a pixel of that input.
    """

    left: float
    top: float
    width: float
    height: float


def locate_centre(width: int, height: int, size: int, crop: float) -> SquareBox:
    """The square in the middle whose side is the share `crop` of the short side."""
    del size
    side = crop * min(width, height)
    return SquareBox((width - side) / 2, (height - side) / 2, side, side)


def locate_letterbox(width: int, height: int, size: int, crop: float) -> SquareBox:
    """The square around the whole picture, such that the picture takes up whole pixels of the `size` x `size` input."""
    del crop
    columns, rows = (max(1, round(size * side / max(width, height))) for side in (width, height))
    left, top = ((size - filled) // 2 for filled in (columns, rows))
    return SquareBox(-left * width / columns, -top * height / rows, size * width / columns, size * height / rows)


FRAMINGS: dict[str, Callable[[int, int, int, float], SquareBox]] = {
    "centre": locate_centre,
    "letterbox": locate_letterbox,
}
DEFAULT_FRAMING = "letterbox"  # of newly installed and newly trained models; docs/letterbox.md has the measurements


def cut_square(
    picture: Image.Image, square: SquareBox, size: int, resampling: Image.Resampling = Image.Resampling.BICUBIC
) -> NDArray[np.uint8]:
    """The square of an RGB picture as an input uint8 (size, size, 3), resampled once.

    Where the square goes beyond the picture it is filled with the mean colour of the picture's four corners.
    """
    right, bottom = min(square.left + square.width, picture.width), min(square.top + square.height, picture.height)
    x, y = max(square.left, 0), max(square.top, 0)
    columns, rows = round((right - x) / square.width * size), round((bottom - y) / square.height * size)
    pixels = np.array(picture.resize((columns, rows), resampling, box=(x, y, right, bottom)))
    if (columns, rows) == (size, size):
        return pixels
    left, top = round((x - square.left) / square.width * size), round((y - square.top) / square.height * size)
    framed = np.empty((size, size, 3), np.uint8)
    framed[:] = np.rint(pixels[[0, 0, -1, -1], [0, -1, 0, -1]].mean(axis=0))
    framed[top : top + rows, left : left + columns] = pixels
    return framed


def scale_to_fractions(square: SquareBox, width: int, height: int) -> SquareBox:
    """The square in fractions of a picture of `width` x `height` pixels, instead of its pixels."""
    return SquareBox(square.left / width, square.top / height, square.width / width, square.height / height)


def mark_places(square: SquareBox, rows: int, columns: int) -> NDArray[np.bool_]:
    """Which places (rows, columns) of a feature map of the square have their middle in the picture, not in its border.

    `square` is in fractions of the picture. Where the picture is so thin that no middle lies in it, it is the middle
    row or column.
    """
    down = _mark_line(square.top, square.height, rows)
    return down[:, None] & _mark_line(square.left, square.width, columns)[None]


def _mark_line(begin: float, length: float, count: int) -> NDArray[np.bool_]:
    middles = begin + (np.arange(count) + 0.5) / count * length
    inside: NDArray[np.bool_] = (middles > 0) & (middles < 1)
    if not inside.any():
        inside[count // 2] = True
    return inside
