"""Which part of a map a widget shows: the point in its middle, and how large the map is drawn."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QWidget

MAP_MARGIN = 40  # px around the whole map


class MapViewport:
    """Turns points of the map, whose y axis goes up, into positions in the widget in px, and back."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self.middle = np.zeros(2, np.float32)  # the point of the map in the middle of the widget
        self.scale = 1.0  # px for a distance of 1 in the map

    def fit_points(self, points: NDArray[np.float32]) -> None:
        """Show all points (n, 2) of the map, as large as they fit."""
        low, high = points.min(axis=0), points.max(axis=0)
        sides = self._widget.width(), self._widget.height()
        room = np.array([max(1, side - 2 * MAP_MARGIN) for side in sides])
        self.middle = (low + high) / 2
        self.scale = float((room / np.maximum(high - low, 1e-6)).min())

    def zoom_about(self, factor: float, position: QPointF) -> None:
        """Make the map `factor` times as large; what is at this position stays there."""
        fixed_point = self.from_screen(position)
        self.scale *= factor
        self.middle = self.middle + (fixed_point - self.from_screen(position))

    def move_by(self, moved: QPoint) -> None:
        """Move the map in the widget by px."""
        self.middle = self.middle + np.array([-moved.x(), moved.y()], np.float32) / self.scale

    def to_screen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Positions in the widget (n, 2) float32 in px of points of the map (n, 2)."""
        centre = np.array([self._widget.width() / 2, self._widget.height() / 2], np.float32)
        scales = np.array([self.scale, -self.scale], np.float32)
        positions: NDArray[np.float32] = ((points - self.middle) * scales + centre).astype(np.float32)
        return positions

    def from_screen(self, position: QPointF) -> NDArray[np.float32]:
        """The point of the map (2,) float32 at a position in the widget in px."""
        width, height = self._widget.width(), self._widget.height()
        x, y = (position.x() - width / 2) / self.scale, (height / 2 - position.y()) / self.scale
        point: NDArray[np.float32] = (self.middle + np.array([x, y])).astype(np.float32)
        return point
