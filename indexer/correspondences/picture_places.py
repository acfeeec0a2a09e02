"""The model's features of a picture, place by place.

The last feature map of a network is coarse: 7 x 7 places of a picture of 224 pixels. So the picture is looked at in
tiles that overlap, each as large as the network's input: what lies at a tile's border, where the network sees the
border too, is taken from the neighbouring tile.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.models.card import ModelCard
from indexer.models.framing import SquareBox, cut_square, locate_letterbox

PLACES_PER_SIDE = 20  # about so many along the longer side of a picture
TRIM = 1  # places at each border of a tile that are not used
EDGE = 0.6  # places nearer than this to the edge of the picture are not used, in their own size


class FeatureModel(Protocol):
    """A model that computes feature maps, as far as finding places needs it."""

    @property
    def card(self) -> ModelCard:
        """The card of the model."""

    def compute_feature_maps(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The last feature maps (n, c, h, w) of inputs (n, size, size, 3)."""


class PicturePlaces(NamedTuple):
    """Places of a picture: features float32 (n, c), and their middles (n, 2), x and y in units of the longer side."""

    features: NDArray[np.float32]
    middles: NDArray[np.float64]


class PlaceFinder:
    """Computes the places of pictures under one model."""

    def __init__(self, model: FeatureModel, places_per_side: int = PLACES_PER_SIDE) -> None:
        self._model = model
        self._size = model.card.preprocessing.size
        blank = np.zeros((1, self._size, self._size, 3), np.uint8)
        self._grid = int(model.compute_feature_maps(blank).shape[-1])
        self._step: int = max(1, self._grid - 2 * TRIM)
        self._tiles: int = max(1, round(places_per_side / self._step))

    @property
    def spacing(self) -> float:
        """The distance of neighbouring places in units of the picture's longer side."""
        return 1 / (self._tiles * self._step)

    def find_places(self, picture: Image.Image) -> PicturePlaces:
        """The places of an upright RGB picture that do not lie at its edge, row by row of each tile."""
        trim = (self._grid - self._step) // 2
        tiles = [tile for tile in self._cut_tiles(picture, trim) if self._mark_inner(picture, tile).any()]
        inputs = np.stack([cut_square(picture, tile, self._size) for tile in tiles])
        features, middles = [], []
        for tile, feature_map in zip(tiles, self._model.compute_feature_maps(inputs), strict=True):
            used = self._mark_inner(picture, tile)
            features.append(feature_map[:, used].T)
            middles.append(self._locate_middles(tile)[used])
        longer = max(picture.size)
        return PicturePlaces(np.concatenate(features), np.concatenate(middles) / longer)

    def _cut_tiles(self, picture: Image.Image, trim: int) -> list[SquareBox]:
        whole = locate_letterbox(*picture.size, self._size, 1.0)
        side = whole.width * self.spacing
        corners = [(tile * self._step - trim) * side for tile in range(self._tiles)]
        length = self._grid * side
        return [SquareBox(whole.left + left, whole.top + top, length, length) for top in corners for left in corners]

    def _locate_middles(self, tile: SquareBox) -> NDArray[np.float64]:
        """The middles (grid, grid, 2) of a tile's places in pixels of the picture."""
        steps = (np.arange(self._grid) + 0.5) / self._grid
        across, down = np.meshgrid(tile.left + steps * tile.width, tile.top + steps * tile.height)
        return np.stack([across, down], axis=-1)

    def _mark_inner(self, picture: Image.Image, tile: SquareBox) -> NDArray[np.bool_]:
        """Which places (grid, grid) of a tile are used."""
        middles, margin = self._locate_middles(tile), EDGE * tile.width / self._grid
        inside = ((middles > margin) & (middles < np.array(picture.size) - margin)).all(axis=-1)
        trim = (self._grid - self._step) // 2
        step_mask = np.zeros_like(inside)
        step_mask[trim : trim + self._step, trim : trim + self._step] = True
        return np.asarray(inside & step_mask, np.bool_)
