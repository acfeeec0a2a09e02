"""What is asked: pictures to be like, pictures to be unlike, combined into one vector."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL.Image import Image

from indexer.errors import LookalikeError

Example = Path | int | Image
"""A picture file, the id of a photo of the library, or a picture in memory."""

POSITIVE_WEIGHT, NEGATIVE_WEIGHT = 0.75, 0.25
"""Rocchio's beta and gamma as recommended by Salton and Buckley (1990), Improving retrieval performance by relevance
feedback, table 3 (there with an initial query; here the positives are the query)."""


class Query(NamedTuple):
    """Positives to be near, negatives to be far from."""

    positives: tuple[Example, ...]
    negatives: tuple[Example, ...] = ()


def combine(positives: list[np.ndarray], negatives: list[np.ndarray]) -> np.ndarray:
    """One vector (dim,) float32 from unit vectors: Rocchio (1971), the positives' mean less the negatives'.

    A single positive without negatives is returned as it is, so that a photo finds itself at distance 0.
    """
    if not positives:
        raise LookalikeError("A search needs at least one picture to look like.")
    if len(positives) == 1 and not negatives:
        return positives[0]
    vector: np.ndarray = POSITIVE_WEIGHT * np.mean(positives, axis=0)
    if negatives:
        vector = vector - NEGATIVE_WEIGHT * np.mean(negatives, axis=0)
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        raise LookalikeError("These pictures cancel each other out: nothing is left to look for.")
    return np.asarray(vector / length, np.float32)
