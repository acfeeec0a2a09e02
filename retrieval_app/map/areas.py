"""Areas drawn on the map with the mouse, a rectangle or a lasso: which dots lie in them, and how they are painted."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

LEAST_STEP = 3.0  # px between two corners of a lasso


class DrawnArea:
    """A polygon between the places that the mouse has passed; as a rectangle, between the first and the last."""

    def __init__(self, start: QPointF, *, is_lasso: bool) -> None:
        self._is_lasso = is_lasso
        self._corners = [start]

    def extend_to(self, position: QPointF) -> None:
        """Draw on to a position in the window in px."""
        if not self._is_lasso:
            self._corners = [self._corners[0], position]
        elif (position - self._corners[-1]).manhattanLength() >= LEAST_STEP:
            self._corners.append(position)

    def make_polygon(self) -> NDArray[np.float64]:
        """The corners (m, 2) in px."""
        corners = np.array([(corner.x(), corner.y()) for corner in self._corners])
        if self._is_lasso:
            return corners
        (left, top), (right, bottom) = corners[0], corners[-1]
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])

    def find_rows(self, positions: NDArray[np.float32]) -> NDArray[np.int64]:
        """The rows of those of the positions (n, 2) in px that lie in the area."""
        return np.flatnonzero(lie_in_polygon(positions, self.make_polygon()))

    def paint_area(self, painter: QPainter, colour: str) -> None:
        """Paint the area, translucent within a thin line."""
        ground = QColor(colour)
        painter.setPen(QPen(ground, 1))
        ground.setAlpha(40)
        painter.setBrush(ground)
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in self.make_polygon().tolist()]))


def lie_in_polygon(points: NDArray[np.float32], polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (n, 2) lie in a polygon of corners (m, 2): its edges cross the ray to their right an odd number of
    times (Shimrat 1962, "Algorithm 112").
    """
    x, y = points.astype(np.float64).T
    inside = np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
