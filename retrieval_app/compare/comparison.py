"""What is read of two pictures to compare them: their pixels, the verdict, the distances of other pairs, the heat."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QImage

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.photos import decoding as photos
from indexer.photos.decoding import Decoded
from indexer.reports import heat_maps as explain
from indexer.search import examples
from indexer.search.query import Cropped, Example, Picture
from indexer.statistics import calibration, metrics
from indexer.statistics import detailed_metrics as curves
from indexer.statistics.calibration import Comparison
from indexer.statistics.detailed_metrics import Histogram
from retrieval_app.session.tiles import shrunk, to_qimage
from retrieval_app.widgets.zoom_view import Heat, Sharp

SHARPEST = 4000  # px of the short side: a 24-megapixel photo as it is
FITTED = 1400  # px of the long side: enough for half a large screen
PAIRS = 50_000  # of each kind in the histogram: its bars are within a percent
LAYER = 256  # px, the side of a heat map's layer


class Opinion(NamedTuple):
    """The verdict on two pictures; the distances of labelled pairs, None where there are too few labels."""

    comparison: Comparison
    histogram: Histogram | None


class Heats(NamedTuple):
    """Where the two pictures match."""

    first: Heat
    second: Heat


def opinion(library: Library, first: Example, second: Example) -> Opinion:
    """Whether two pictures are the same, and how far from each other labelled ones are."""
    return Opinion(library.verify(first, second), distances(library))


def distances(library: Library) -> Histogram | None:
    """Distances of matched and mismatched pairs of the library's labelled photos that the model was not trained on."""
    known = library.evidence.labelled(library.fingerprint, library.model_id)
    if len(known.names) < 2 or len(known.ids) == len(known.names):
        return None
    rows = calibration.sample(known.codes, calibration.PHOTOS)
    vectors = library.evidence.vectors(known.ids[rows], library.model_id)
    return curves.histogram(metrics.pair_distances(vectors, known.codes[rows], limit=PAIRS))


def sharp(library: Library, example: Example) -> Sharp:
    """The picture at full resolution, or its cropped part; null images where it cannot be read."""
    try:
        image = to_qimage(_pixels(library, example, SHARPEST)).convertToFormat(QImage.Format.Format_RGB32)
    except LookalikeError:
        return Sharp(QImage(), QImage())
    return Sharp(image, shrunk(image, FITTED))


def heats(library: Library, first: Example, second: Example) -> Heats:
    """Where two pictures match in the eyes of the library's model."""
    side = library.card().preprocessing
    pictures = [_picture(library, one, side.short_side) for one in (first, second)]
    found = explain.explain(library, *pictures)
    return Heats(Heat(layer(found.first_heat), side.crop), Heat(layer(found.second_heat), side.crop))


def layer(heat: NDArray[np.float32]) -> QImage:
    """A heat map (h, w) as colours that lie over a picture: the hotter, the lighter and the less transparent."""
    smooth = explain.spread(heat, (LAYER, LAYER))
    steps = np.linspace(0, 1, len(explain.HEAT_COLOURS))
    channels = [np.interp(smooth, steps, channel) for channel in explain.HEAT_COLOURS.T]
    alpha = 255 * (0.35 + 0.4 * smooth)
    pixels = np.ascontiguousarray(np.rint(np.stack([*channels, alpha], axis=-1)).astype(np.uint8))
    return QImage(pixels.tobytes(), LAYER, LAYER, 4 * LAYER, QImage.Format.Format_RGBA8888).copy()


def _picture(library: Library, example: Example, side: int) -> Picture:
    return _pixels(library, example, side) if isinstance(example, Cropped) else example


def _pixels(library: Library, example: Example, side: int) -> Image.Image:
    """The upright picture or its part, with a short side of at least so many pixels where it has them."""
    if isinstance(example, Cropped):
        whole = example.example
        if isinstance(whole, Image.Image):
            return examples.crop(Decoded(whole, *whole.size), example)
        return examples.part_of_file(whole, example, library.store, side)
    if isinstance(example, Image.Image):
        return example
    return photos.decode(examples.content(examples.file_of(example, library.store)), side).image
