"""What is asked: pictures to be like, pictures to be unlike, combined into one vector."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL.Image import Image

from indexer.errors import LookalikeError

Picture = Path | int | Image
"""A picture file, the id of a photo of the library, or a picture in memory."""

Box = tuple[float, float, float, float]
"""Left, top, width and height in the upright picture: its fractions where no number is above 1, else its pixels."""


class Cropped(NamedTuple):
    """A part of a picture."""

    example: Picture
    box: Box


Example = Picture | Cropped
"""A whole picture or a part of one."""

POSITIVE_WEIGHT, NEGATIVE_WEIGHT = 0.75, 0.25
"""Rocchio's beta and gamma as recommended by Salton and Buckley (1990), Improving retrieval performance by relevance
feedback, table 3 (there with an initial query; here the positives are the query)."""


class Query(NamedTuple):
    """Positives to be near, negatives to be far from; `weights` has a number for each positive, or is empty: all 1."""

    positives: tuple[Example, ...]
    negatives: tuple[Example, ...] = ()
    weights: tuple[float, ...] = ()


def combine(positives: list[np.ndarray], negatives: list[np.ndarray], weights: Sequence[float] = ()) -> np.ndarray:
    """One vector (dim,) float32 from unit vectors: Rocchio (1971), the positives' weighted mean less the negatives'.

    A single positive without negatives is returned as it is, so that a photo finds itself at distance 0.
    """
    if not positives:
        raise LookalikeError("A search needs at least one picture to look like.")
    _require_weights(weights, len(positives))
    if len(positives) == 1 and not negatives:
        return positives[0]
    vector: np.ndarray = POSITIVE_WEIGHT * np.average(positives, axis=0, weights=weights or None)
    if negatives:
        vector = vector - NEGATIVE_WEIGHT * np.mean(negatives, axis=0)
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        raise LookalikeError("These pictures cancel each other out: nothing is left to look for.")
    return np.asarray(vector / length, np.float32)


def _require_weights(weights: Sequence[float], positives: int) -> None:
    if weights and len(weights) != positives:
        raise LookalikeError(f"{positives} pictures to look like need as many weights, not {len(weights)}.")
    if not all(0 < weight < math.inf for weight in weights):
        raise LookalikeError("A weight must be a number above 0; use a picture to be unlike for the opposite.")


def fractions(box: Box, width: int, height: int) -> Box:
    """The box in fractions of a picture of this size in pixels, cut at the picture's edges.

    LookalikeError where nothing of the picture lies in it.
    """
    numbers = box if max(box) <= 1 else (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
    if not all(map(math.isfinite, numbers)):
        raise LookalikeError("A crop needs four numbers: left, top, width, height.")
    left, top = max(0.0, numbers[0]), max(0.0, numbers[1])
    right, bottom = min(1.0, numbers[0] + numbers[2]), min(1.0, numbers[1] + numbers[3])
    if (right - left) * width < 1 or (bottom - top) * height < 1:
        raise LookalikeError(f"Nothing of the picture ({width} x {height} pixels) lies in the crop.")
    return left, top, right - left, bottom - top
