"""What a comparison of two pictures reads from the library: verdict, distances of labelled pairs, heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtGui import QImage

from indexer.correspondences.matched_points import choose_line_hue, match_examples
from indexer.reports.heat_maps import HEAT_COLOURS, enlarge_heat, explain_match
from indexer.search.query import CroppedExample, QueryExample, QueryPicture
from indexer.statistics import metrics
from indexer.statistics.calibration_measurement import MAX_MEASURED_PHOTOS, sample_by_class
from indexer.statistics.detailed_metrics import DistanceHistogram, build_histogram
from retrieval_app.viewer.picture_reading import load_part
from retrieval_app.widgets.zoom_view import WHOLE_AREA, HeatLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.library import Library
    from indexer.statistics.calibration import PairComparison

MAX_PAIRS = 50_000  # of each kind in the histogram: its bars are within a percent
LAYER_SIDE = 256  # px, the side of a heat map's layer


class PairVerdict(NamedTuple):
    """The verdict on two pictures, and the distances of labelled pairs: None where there are too few labels."""

    comparison: PairComparison
    histogram: DistanceHistogram | None


class HeatPair(NamedTuple):
    """Where two pictures match: a heat map over each."""

    first: HeatLayer
    second: HeatLayer


class PointPair(NamedTuple):
    """Points that two pictures have in common: x, y of one and x, y of the other in fractions, and a hue for each."""

    ends: list[list[float]]
    hues: list[int]


def judge_pair(library: Library, first: QueryExample, second: QueryExample) -> PairVerdict:
    """The verdict whether two pictures are the same, with the distances of labelled pairs beside it."""
    return PairVerdict(library.verify_pair(first, second), measure_pair_distances(library))


def measure_pair_distances(library: Library) -> DistanceHistogram | None:
    """A histogram of distances of matched and mismatched pairs of labelled photos that the model was not trained on.

    None with fewer than two labels or with no two photos of one label.
    """
    labelled = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    if len(labelled.names) < 2 or len(labelled.ids) == len(labelled.names):
        return None
    rows = sample_by_class(labelled.codes, MAX_MEASURED_PHOTOS)
    vectors = library.calibration_source.read_embeddings(labelled.ids[rows], library.model_id)
    return build_histogram(metrics.measure_pair_distances(vectors, labelled.codes[rows], limit=MAX_PAIRS))


def compute_heat_pair(library: Library, first: QueryExample, second: QueryExample) -> HeatPair:
    """The heat maps of two pictures: where they match for the library's model."""
    short_side = library.read_model_card().preprocessing.short_side
    match = explain_match(library, *(_resolve_picture(library, example, short_side) for example in (first, second)))
    return HeatPair(
        HeatLayer(colour_heat(match.first_heat), match.first_square),
        HeatLayer(colour_heat(match.second_heat), match.second_square),
    )


def compute_point_pair(library: Library, first: QueryExample, second: QueryExample) -> PointPair:
    """The points that two pictures have in common for the library's model; empty where none lie alike."""
    points = match_examples(library, first, second).points
    ends = np.column_stack([points.first, points.second]).tolist()
    return PointPair(ends, [choose_line_hue(number) for number in range(len(ends))])


def colour_heat(heat: NDArray[np.float32]) -> QImage:
    """A heat map (h, w) of 0 to 1 as a square image of LAYER_SIDE px, hotter places lighter and less transparent."""
    smooth = enlarge_heat(heat, (LAYER_SIDE, LAYER_SIDE))
    steps = np.linspace(0, 1, len(HEAT_COLOURS))
    channels = [np.interp(smooth, steps, channel) for channel in HEAT_COLOURS.T]
    alpha = 255 * (0.35 + 0.4 * smooth)
    pixels = np.ascontiguousarray(np.rint(np.stack([*channels, alpha], axis=-1)).astype(np.uint8))
    return QImage(pixels.tobytes(), LAYER_SIDE, LAYER_SIDE, 4 * LAYER_SIDE, QImage.Format.Format_RGBA8888).copy()


def _resolve_picture(library: Library, example: QueryExample, side: int) -> QueryPicture:
    """The picture that an example is; for a cropped part, its pixels."""
    if isinstance(example, CroppedExample):
        return load_part(library, example, WHOLE_AREA, side).image
    return example
