"""Vectors scaled to unit length: the one function for it in numpy. `models.model` refuses what has no direction."""

from typing import Any

import numpy as np

LEAST_LENGTH = 1e-12  # what is shorter has no direction and stays about as short as it is


def scale_to_unit_length(rows: np.ndarray, kind: type[np.floating[Any]] = np.float64) -> np.ndarray:
    """Rows (n, dim) scaled to unit length, computed and returned in `kind`; rows of zeros stay as they are."""
    units: np.ndarray = rows.astype(kind)  # a copy, which is divided in place
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), LEAST_LENGTH)
    return units
