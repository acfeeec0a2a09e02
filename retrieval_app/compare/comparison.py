"""What is read of two pictures to compare them: their pixels, the verdict, the distances of other pairs, the heat."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QImage

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.photos.decoding import DecodedPhoto, decode_photo
from indexer.reports.heat_maps import HEAT_COLOURS, enlarge_heat, explain_match
from indexer.search import examples
from indexer.search.query import CroppedExample, QueryExample, QueryPicture
from indexer.statistics import calibration, metrics
from indexer.statistics.calibration import PairComparison
from indexer.statistics.detailed_metrics import DistanceHistogram, build_histogram
from retrieval_app.session.tiles import shrink_image, to_qimage
from retrieval_app.widgets.zoom_view import HeatLayer, ResolutionPair

MAX_SHORT_SIDE = 4000  # px of the short side: a 24-megapixel photo as it is
SCREEN_LONG_SIDE = 1400  # px of the long side: enough for half a large screen
MAX_PAIRS = 50_000  # of each kind in the histogram: its bars are within a percent
LAYER_SIDE = 256  # px, the side of a heat map's layer


class PairVerdict(NamedTuple):
    """The verdict on two pictures; the distances of labelled pairs, None where there are too few labels."""

    comparison: PairComparison
    histogram: DistanceHistogram | None


class HeatPair(NamedTuple):
    """Where the two pictures match."""

    first: HeatLayer
    second: HeatLayer


def judge_pair(library: Library, first: QueryExample, second: QueryExample) -> PairVerdict:
    """Whether two pictures are the same, and how far from each other labelled ones are."""
    return PairVerdict(library.verify_pair(first, second), measure_pair_distances(library))


def measure_pair_distances(library: Library) -> DistanceHistogram | None:
    """Distances of matched and mismatched pairs of the library's labelled photos that the model was not trained on."""
    known = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    if len(known.names) < 2 or len(known.ids) == len(known.names):
        return None
    rows = calibration.sample_by_class(known.codes, calibration.MAX_MEASURED_PHOTOS)
    vectors = library.calibration_source.read_embeddings(known.ids[rows], library.model_id)
    return build_histogram(metrics.measure_pair_distances(vectors, known.codes[rows], limit=MAX_PAIRS))


def load_sharp_picture(library: Library, example: QueryExample) -> ResolutionPair:
    """The picture at full resolution, or its cropped part; null images where it cannot be read."""
    try:
        image = to_qimage(_load_pixels(library, example, MAX_SHORT_SIDE)).convertToFormat(QImage.Format.Format_RGB32)
    except LookalikeError:
        return ResolutionPair(QImage(), QImage())
    return ResolutionPair(image, shrink_image(image, SCREEN_LONG_SIDE))


def compute_heat_pair(library: Library, first: QueryExample, second: QueryExample) -> HeatPair:
    """Where two pictures match in the eyes of the library's model."""
    side = library.read_model_card().preprocessing
    pictures = [_resolve_picture(library, one, side.short_side) for one in (first, second)]
    found = explain_match(library, *pictures)
    return HeatPair(
        HeatLayer(colour_heat(found.first_heat), side.crop), HeatLayer(colour_heat(found.second_heat), side.crop)
    )


def colour_heat(heat: NDArray[np.float32]) -> QImage:
    """A heat map (h, w) as colours that lie over a picture: the hotter, the lighter and the less transparent."""
    smooth = enlarge_heat(heat, (LAYER_SIDE, LAYER_SIDE))
    steps = np.linspace(0, 1, len(HEAT_COLOURS))
    channels = [np.interp(smooth, steps, channel) for channel in HEAT_COLOURS.T]
    alpha = 255 * (0.35 + 0.4 * smooth)
    pixels = np.ascontiguousarray(np.rint(np.stack([*channels, alpha], axis=-1)).astype(np.uint8))
    return QImage(pixels.tobytes(), LAYER_SIDE, LAYER_SIDE, 4 * LAYER_SIDE, QImage.Format.Format_RGBA8888).copy()


def _resolve_picture(library: Library, example: QueryExample, side: int) -> QueryPicture:
    return _load_pixels(library, example, side) if isinstance(example, CroppedExample) else example


def _load_pixels(library: Library, example: QueryExample, side: int) -> Image.Image:
    """The upright picture or its part, with a short side of at least so many pixels where it has them."""
    if isinstance(example, CroppedExample):
        whole = example.example
        if isinstance(whole, Image.Image):
            return examples.crop_picture(DecodedPhoto(whole, *whole.size), example)
        return examples.read_crop(whole, example, library.store, side)
    if isinstance(example, Image.Image):
        return example
    return decode_photo(examples.read_content(examples.find_picture_file(example, library.store)), side).image
