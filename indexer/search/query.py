"""What a search asks for: pictures to be like and pictures to be unlike, combined into one vector."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Union

from indexer.errors import LookalikeError

if TYPE_CHECKING:  # a window that has not yet been asked anything needs neither
    import numpy as np
    from PIL.Image import Image

    from indexer.database.filters import Filter

QueryPicture = Union[Path, int, "Image"]
"""A picture file, the id of a photo of the library, or a picture in memory."""

CropBox = tuple[float, float, float, float]
"""Left, top, width and height in the upright picture: its fractions where no number is above 1, else its pixels."""


class SearchLimits(TypedDict, total=False):
    """What bounds a search: every photo compared instead of candidates, a filter, and the largest distance."""

    exact: bool
    within: "Filter | None"
    max_distance: float | None


class CroppedExample(NamedTuple):
    """A part of a picture."""

    example: QueryPicture
    box: CropBox


QueryExample = QueryPicture | CroppedExample
"""A whole picture or a part of one."""

POSITIVE_WEIGHT, NEGATIVE_WEIGHT = 0.75, 0.25
"""Rocchio's beta and gamma as recommended by Salton and Buckley (1990), Improving retrieval performance by relevance
feedback, table 3 (there with an initial query; here the positives are the query)."""


class Query(NamedTuple):
    """Positives to be near, negatives to be far from; `weights` has a number for each positive, or is empty: all 1."""

    positives: tuple[QueryExample, ...]
    negatives: tuple[QueryExample, ...] = ()
    weights: tuple[float, ...] = ()


def combine_embeddings(
    positives: "list[np.ndarray]", negatives: "list[np.ndarray]", weights: Sequence[float] = ()
) -> "np.ndarray":
    """The unit vector (dim,) float32 of a query, by Rocchio (1971): the positives' weighted mean less the negatives'.

    A single positive without negatives is returned as it is, so that a photo finds itself at distance 0.
    """
    if not positives:
        raise LookalikeError("A search needs at least one picture to look like.")
    _require_weights(weights, len(positives))
    if len(positives) == 1 and not negatives:
        return positives[0]
    import numpy as np  # noqa: PLC0415  # see above

    combined: np.ndarray = POSITIVE_WEIGHT * np.average(positives, axis=0, weights=weights or None)
    if negatives:
        combined = combined - NEGATIVE_WEIGHT * np.mean(negatives, axis=0)
    length = float(np.linalg.norm(combined))
    if length < 1e-6:
        raise LookalikeError("These pictures cancel each other out: nothing is left to look for.")
    return np.asarray(combined / length, np.float32)


def _require_weights(weights: Sequence[float], positive_count: int) -> None:
    """Raise LookalikeError where weights are given that are not one positive number for each positive picture."""
    if weights and len(weights) != positive_count:
        raise LookalikeError(
            "{positive_count} pictures to look like need as many weights, not {weights}.",
            positive_count=positive_count,
            weights=len(weights),
        )
    if not all(0 < weight < math.inf for weight in weights):
        raise LookalikeError("A weight must be a number above 0; use a picture to be unlike for the opposite.")


def convert_to_fractions(box: CropBox, width: int, height: int) -> CropBox:
    """The box as fractions of a picture of `width` x `height` pixels, cut at its edges.

    Raises LookalikeError where no whole pixel of the picture lies in it.
    """
    fractional_box = box if max(box) <= 1 else (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
    if not all(map(math.isfinite, fractional_box)):
        raise LookalikeError("A crop needs four numbers: left, top, width, height.")
    left, top = max(0.0, fractional_box[0]), max(0.0, fractional_box[1])
    right, bottom = min(1.0, fractional_box[0] + fractional_box[2]), min(1.0, fractional_box[1] + fractional_box[3])
    if (right - left) * width < 1 or (bottom - top) * height < 1:
        raise LookalikeError(
            "Nothing of the picture ({width} x {height} pixels) lies in the crop.", width=width, height=height
        )
    return left, top, right - left, bottom - top
