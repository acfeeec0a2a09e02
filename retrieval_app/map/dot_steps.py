"""From dot to dot: the one nearest to a position, and the next one in a direction."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF


def find_nearest(positions: NDArray[np.float32], position: QPointF) -> int | None:
    """The row of the dot (n, 2) in px nearest to a position; None without dots."""
    squared_distances = ((positions - np.array(position.toTuple(), np.float32)) ** 2).sum(axis=1)
    return int(squared_distances.argmin()) if len(positions) else None


def find_next(positions: NDArray[np.float32], row: int, direction: NDArray[np.float32]) -> int | None:
    """The row of the nearest dot within 45 degrees of a direction, a unit vector (2,), from that of `row`; or None."""
    offsets = positions - positions[row]
    along = offsets @ direction
    beside = np.abs(offsets @ direction[::-1])
    distances = np.where((along > 0) & (beside <= along), (offsets**2).sum(axis=1), np.inf)
    return int(distances.argmin()) if np.isfinite(distances.min()) else None
