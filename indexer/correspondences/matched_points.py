"""The points of two pictures that look alike and lie alike, and a drawing of them as lines."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from indexer.correspondences.picture_places import PLACES_PER_SIDE, FeatureModel, PicturePlaces, PlaceFinder
from indexer.correspondences.similarity_fit import find_mutual_neighbours, fit_similarity
from indexer.library import Library
from indexer.search.examples import read_example_picture
from indexer.search.query import QueryExample
from indexer.wording import count_noun, tr

LEAST_POINTS = 8  # fewer agree by chance (docs/metric-learning.md)
PLENTY_OF_POINTS = 16  # where so many agree, no other view of the second picture is tried
PIXELS_FACTOR = 2  # a picture is read at so many times the size that an embedding needs
DRAWN_SIDE, DRAWN_GAP = 448, 12  # of the drawing, in pixels

_Points = NDArray[np.float64]


class MatchedPoints(NamedTuple):
    """Points (n, 2) of two pictures, x and y in fractions of their sides, row by row the same, and their cosines (n,).

    Empty where fewer than LEAST_POINTS agree.
    """

    first: _Points
    second: _Points
    cosines: NDArray[np.float32]


class MatchedPictures(NamedTuple):
    """Two upright RGB pictures and the points that they have in common."""

    first: Image.Image
    second: Image.Image
    points: MatchedPoints


class _View(NamedTuple):
    """A turned or mirrored view of a picture, and where the points (n, 2) of the view lie in the picture itself."""

    turn: Image.Transpose
    return_points: Callable[[_Points, _Points], _Points]  # of x and y (n,), in fractions


_VIEWS = (
    _View(Image.Transpose.FLIP_LEFT_RIGHT, lambda x, y: np.stack([1 - x, y], axis=1)),
    _View(Image.Transpose.ROTATE_90, lambda x, y: np.stack([1 - y, x], axis=1)),
    _View(Image.Transpose.ROTATE_270, lambda x, y: np.stack([y, 1 - x], axis=1)),
    _View(Image.Transpose.ROTATE_180, lambda x, y: np.stack([1 - x, 1 - y], axis=1)),
    _View(Image.Transpose.FLIP_TOP_BOTTOM, lambda x, y: np.stack([x, 1 - y], axis=1)),
    _View(Image.Transpose.TRANSPOSE, lambda x, y: np.stack([y, x], axis=1)),
    _View(Image.Transpose.TRANSVERSE, lambda x, y: np.stack([1 - y, 1 - x], axis=1)),
)


class PointMatcher:
    """Finds the points that pictures have in common under one model, with about `places_per_side` places a side."""

    def __init__(self, model: FeatureModel, places_per_side: int = PLACES_PER_SIDE) -> None:
        self._finder = PlaceFinder(model, places_per_side)

    def match_upright(self, first: Image.Image, others: Iterable[Image.Image]) -> Iterator[MatchedPoints]:
        """The points that one upright RGB picture and each of the others have in common, none of them turned."""
        places = self._finder.find_places(first)
        return (_drop_few(self._match_view(first, places, other)) for other in others)

    def match_pictures(self, first: Image.Image, second: Image.Image) -> MatchedPoints:
        """The points of two upright RGB pictures that agree; the second may be turned or mirrored too."""
        places = self._finder.find_places(first)
        best = self._match_view(first, places, second)
        for view in _VIEWS:
            if len(best.first) >= PLENTY_OF_POINTS:
                break
            matched = self._match_view(first, places, second.transpose(view.turn))
            if len(matched.first) > len(best.first):
                best = matched._replace(second=view.return_points(*matched.second.T))
        return _drop_few(best)

    def _match_view(self, first: Image.Image, places: PicturePlaces, second: Image.Image) -> MatchedPoints:
        others = self._finder.find_places(second)
        rows, other_rows, cosines = find_mutual_neighbours(places.features, others.features)
        points, other_points = places.middles[rows], others.middles[other_rows]
        fit = fit_similarity(_to_complex(points), _to_complex(other_points), self._finder.spacing)
        agrees = np.zeros(len(rows), bool) if fit is None else fit.agrees
        return MatchedPoints(
            _to_fractions(points[agrees], first), _to_fractions(other_points[agrees], second), cosines[agrees]
        )


def _drop_few(points: MatchedPoints) -> MatchedPoints:
    """The points, or none where fewer than LEAST_POINTS agree."""
    if len(points.first) >= LEAST_POINTS:
        return points
    return MatchedPoints(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, np.float32))


def match_examples(library: Library, first: QueryExample, second: QueryExample) -> MatchedPictures:
    """The points that two pictures have in common under the library's model, with the pictures themselves.

    Raises LookalikeError where a picture cannot be read, ModelError where the model is missing or damaged.
    """
    side = library.read_model_card().preprocessing.short_side * PIXELS_FACTOR
    pictures = [read_example_picture(picture, library.store, side) for picture in (first, second)]
    points = PointMatcher(library.load_embedder()).match_pictures(*pictures)
    return MatchedPictures(pictures[0], pictures[1], points)


def describe_points(points: MatchedPoints) -> str:
    """How many points agree, in a sentence."""
    if not len(points.first):
        return tr("No points of the two lie alike, also where one of them is turned or mirrored.")
    return tr(
        "{points} look alike and lie alike in both: so many hardly agree by chance.",
        points=count_noun(len(points.first), "point"),
    )


def draw_matched_points(matched: MatchedPictures, ground: str) -> Image.Image:
    """Both pictures side by side on a ground of this colour, a line from each point to the same one in the other."""
    points, pictures = matched.points, [_fit_drawing(picture) for picture in (matched.first, matched.second)]
    height = max(picture.height for picture in pictures)
    width = sum(picture.width for picture in pictures)
    sheet = Image.new("RGB", (width + 3 * DRAWN_GAP, height + 2 * DRAWN_GAP), ground)
    corners = [(DRAWN_GAP, DRAWN_GAP), (2 * DRAWN_GAP + pictures[0].width, DRAWN_GAP)]
    for picture, corner in zip(pictures, corners, strict=True):
        sheet.paste(picture, corner)
    pen = ImageDraw.Draw(sheet)
    ends = [
        fractions * picture.size + np.array(corner)
        for fractions, picture, corner in zip((points.first, points.second), pictures, corners, strict=True)
    ]
    for number, (begin, end) in enumerate(zip(*ends, strict=True)):
        colour = f"hsl({choose_line_hue(number)}, 85%, 45%)"
        pen.line([*begin, *end], fill=colour, width=1)
        for x, y in (begin, end):
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], outline="white", fill=colour)
    return sheet


def choose_line_hue(number: int) -> int:
    """The hue in degrees of a line by its number from 0: steps of the golden angle, so that neighbours differ."""
    return round(number * 137.508) % 360


def _fit_drawing(picture: Image.Image) -> Image.Image:
    factor = DRAWN_SIDE / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _to_complex(points: _Points) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def _to_fractions(points: _Points, picture: Image.Image) -> _Points:
    """Points (n, 2) in units of the longer side as fractions of both sides."""
    return np.asarray(points * max(picture.size) / np.array(picture.size, float))
