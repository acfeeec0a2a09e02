"""Where two pictures match: a heat map over each, from the model's last feature maps.

Up to its length, an embedding is the mean of one feature vector for each place of the picture. The cosine of two
embeddings is therefore a sum over pairs of places, one in each picture, and each pair's share of it can be shown.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors
from PIL import Image

from indexer.errors import ModelError
from indexer.library import Library
from indexer.models.card import WEIGHTS_FILE
from indexer.models.framing import SquareBox, mark_places, scale_to_fractions
from indexer.models.model import Model
from indexer.paths import show_path
from indexer.reports.picture_file import BACKGROUND_COLOUR
from indexer.search.examples import read_example_picture
from indexer.search.query import QueryPicture

PICTURE_SIDE, SHEET_GAP = 448, 12  # of the sheet, in pixels
HEAT_OPACITY = 0.6
# From cold to hot, evenly spaced, each lighter than the one before: it reads in print and by the colour-blind too.
HEAT_COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float32)


class MatchExplanation(NamedTuple):
    """Two pictures as the model saw them, upright RGB squares, and how well each place matches the other picture.

    Heats are float32 (h, w) from 0 to 1 on the grid of the model's last feature map; 1 is the best matching pair, and
    the border around a picture is 0. The squares say where that grid lies in the pictures, in fractions of their sides.
    """

    first: Image.Image
    second: Image.Image
    first_heat: np.ndarray
    second_heat: np.ndarray
    first_square: SquareBox
    second_square: SquareBox


class _PreparedPicture(NamedTuple):
    """The model's input of a picture, uint8 (size, size, 3), and where it lies in the picture, in fractions."""

    pixels: np.ndarray
    square: SquareBox


def explain_match(library: Library, first: QueryPicture, second: QueryPicture) -> MatchExplanation:
    """The parts of two pictures that match under the library's active model, as a heat map over each.

    Raises LookalikeError where a picture cannot be read, ModelError where the model is missing or damaged.
    """
    model = library.load_embedder()
    one, other = (_prepare_picture(library, picture, model) for picture in (first, second))
    maps = model.compute_feature_maps(np.stack([one.pixels, other.pixels]))
    head = _read_head(library.models_folder / model.card.fingerprint) if model.card.head else None
    places = [mark_places(picture.square, *maps.shape[2:]) for picture in (one, other)]
    heats = compute_heat_maps(*(_apply_head(head, features) for features in maps), *places)
    images = Image.fromarray(one.pixels), Image.fromarray(other.pixels)
    return MatchExplanation(*images, *heats, one.square, other.square)


def compute_heat_maps(
    first: np.ndarray,
    second: np.ndarray,
    first_places: np.ndarray | None = None,
    second_places: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For each of two feature maps (c, h, w) how well its places match the other map, float32 (h, w) from 0 to 1.

    Only the marked places (h, w) of a map are compared, by default all; the others, which lie in the border around a
    picture, are 0.

    The dot product of two mean features is the mean, over all pairs of places, of the dot products of their features
    (Stylianou, Souvenir, Pless 2019, "Visualizing deep similarity networks"). Here the mean of each map is subtracted
    first, as a feature that is everywhere in a picture points to no place. The heat of a place is its product with the
    best matching place, so that one common object is found among much else.
    """
    maps = ((first, first_places), (second, second_places))
    masks = [np.ones(features.shape[1:], bool) if places is None else places for features, places in maps]
    flattened = [features[:, mask].astype(np.float64) for (features, _), mask in zip(maps, masks, strict=True)]
    centred, other_centred = (values - values.mean(axis=1, keepdims=True) for values in flattened)
    products = np.maximum(centred.T @ other_centred, 0)
    hottest = products.max()
    heats = (np.zeros(masks[0].shape, np.float32), np.zeros(masks[1].shape, np.float32))
    if hottest > 1e-12 * np.linalg.norm(centred) * np.linalg.norm(other_centred) and np.isfinite(hottest):
        heats[0][masks[0]], heats[1][masks[1]] = products.max(axis=1) / hottest, products.max(axis=0) / hottest
    return heats


def overlay_heat(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """The picture under its heat (h, w) in colours: black where nothing matches, yellow where most does."""
    smooth = enlarge_heat(heat, image.size)
    steps = np.linspace(0, 1, len(HEAT_COLOURS))
    colours = np.stack([np.interp(smooth, steps, channel) for channel in HEAT_COLOURS.T], axis=-1)
    layer = Image.fromarray(np.rint(colours).astype(np.uint8))
    return Image.blend(image.convert("RGB"), layer, HEAT_OPACITY)


def enlarge_heat(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The heat (h, w) enlarged smoothly to a picture of this width and height, float32 (height, width), 0 to 1."""
    enlarged = Image.fromarray(np.asarray(heat, np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(enlarged).clip(0, 1)


def draw_side_by_side(explanation: MatchExplanation) -> Image.Image:
    """One picture of both: above as the model saw them, below with their heat."""
    sheet = Image.new("RGB", (2 * PICTURE_SIDE + 3 * SHEET_GAP, 2 * PICTURE_SIDE + 3 * SHEET_GAP), BACKGROUND_COLOUR)
    pictures = (explanation.first, explanation.second)
    heats = (explanation.first_heat, explanation.second_heat)
    for column, (picture, heat) in enumerate(zip(pictures, heats, strict=True)):
        large = picture.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BICUBIC)
        left = SHEET_GAP + column * (PICTURE_SIDE + SHEET_GAP)
        sheet.paste(large, (left, SHEET_GAP))
        sheet.paste(overlay_heat(large, heat), (left, PICTURE_SIDE + 2 * SHEET_GAP))
    return sheet


def _prepare_picture(library: Library, example: QueryPicture, model: Model) -> _PreparedPicture:
    image = read_example_picture(example, library.store, model.card.preprocessing.short_side)
    square = model.card.preprocessing.locate_square(*image.size)
    return _PreparedPicture(model.prepare(image), scale_to_fractions(square, *image.size))


def _read_head(folder: Path) -> np.ndarray:
    """The weights (dim, c) of a model's linear head, without its bias, which is the same at every place.

    Raises ModelError where the file is missing or damaged.
    """
    try:
        with safetensors.safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            weights: np.ndarray = file.get_tensor("head.weight")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            "{folder} is missing or damaged. Install the model again.", folder=show_path(folder / WEIGHTS_FILE)
        ) from error
    return weights


def _apply_head(head: np.ndarray | None, features: np.ndarray) -> np.ndarray:
    """A feature map (c, h, w) behind the linear head, (dim, h, w).

    The map itself where the head does not fit it: some backbones change features between the two, by a convolution
    after pooling for example.
    """
    if head is None or head.shape[1] != len(features):
        return features
    return np.tensordot(head, features, axes=1)
