"""The model's square in a picture: by hand, against Pillow's own steps, and the way back from input to picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexer.models.card import Preprocessing
from indexer.models.framing import FRAMINGS, SquareBox, locate_letterbox, mark_places, scale_to_fractions

CENTRE = Preprocessing(224, 0.875, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
WHOLE = CENTRE.show_whole_picture()
SIDES = st.integers(1, 700)


def draw_noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture of random pixels."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(300, 256), (256, 300), (40, 500), (5, 3), (1, 1)])
def test_the_centre_is_cut_as_it_always_was(size: tuple[int, int]) -> None:
    picture = draw_noise(*size)
    side = 0.875 * min(size)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    box = (left, top, left + side, top + side)
    expected = np.asarray(picture.resize((224, 224), Image.Resampling.BICUBIC, box=box))
    assert np.array_equal(CENTRE.prepare(picture), expected)


def test_a_wide_picture_is_fitted_whole_between_borders_of_its_corners_mean() -> None:
    picture = draw_noise(600, 200)
    small = np.asarray(picture.resize((224, 75), Image.Resampling.BICUBIC))
    corners = [small[0, 0], small[0, -1], small[-1, 0], small[-1, -1]]
    colour = [round(sum(int(corner[channel]) for corner in corners) / 4) for channel in range(3)]
    prepared = WHOLE.prepare(picture)
    assert np.array_equal(prepared[74:149], small)
    assert (prepared[:74] == colour).all()
    assert (prepared[149:] == colour).all()


def test_a_tall_picture_is_prepared_as_its_wide_twin() -> None:
    picture = draw_noise(150, 400)
    turned = picture.transpose(Image.Transpose.TRANSPOSE)
    assert np.array_equal(WHOLE.prepare(turned), WHOLE.prepare(picture).transpose(1, 0, 2))


def test_a_square_picture_has_no_border_and_loses_nothing() -> None:
    picture = draw_noise(500, 500)
    assert np.array_equal(WHOLE.prepare(picture), np.asarray(picture.resize((224, 224), Image.Resampling.BICUBIC)))


@given(width=SIDES, height=SIDES, size=st.integers(8, 400))
def test_the_whole_picture_takes_up_whole_pixels_in_the_middle_of_the_input(width: int, height: int, size: int) -> None:
    square = locate_letterbox(width, height, size, 1.0)
    left, top = -square.left / square.width * size, -square.top / square.height * size
    columns, rows = width / square.width * size, height / square.height * size
    for number in (left, top, columns, rows):
        assert number == pytest.approx(round(number), abs=1e-6)
    assert max(columns, rows) == pytest.approx(size)
    assert min(columns, rows) >= 1 - 1e-6
    exact = size * min(width, height) / max(width, height)
    assert min(columns, rows) == pytest.approx(exact, abs=0.5 + 1e-6) or exact < 0.5  # a sliver takes up one pixel
    for before, filled in ((left, columns), (top, rows)):
        assert 0 <= size - filled - 2 * before + 1e-6 < 1 + 2e-6  # the odd pixel lies behind


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [(700, 240), (240, 700), (320, 320)])
def test_a_spot_of_the_picture_is_where_its_square_says(framing: str, size: tuple[int, int]) -> None:
    preprocessing = WHOLE if framing == "letterbox" else CENTRE
    spot = (size[0] // 2 + 30, size[1] // 2 - 20)
    picture = Image.new("RGB", size)
    picture.paste("white", (spot[0] - 4, spot[1] - 4, spot[0] + 5, spot[1] + 5))
    bright = np.argwhere(preprocessing.prepare(picture)[..., 0] > 127).mean(axis=0) + 0.5  # row, column of its middle
    square = scale_to_fractions(preprocessing.locate_square(*size), *size)
    back = square.left + bright[1] / 224 * square.width, square.top + bright[0] / 224 * square.height
    assert back[0] * size[0] == pytest.approx(spot[0] + 0.5, abs=2)
    assert back[1] * size[1] == pytest.approx(spot[1] + 0.5, abs=2)


def test_reduced_decodes_are_framed_alike() -> None:
    full, half = (scale_to_fractions(locate_letterbox(*size, 224, 1.0), *size) for size in ((4000, 1500), (2000, 750)))
    assert full == pytest.approx(half)


def test_places_of_a_panorama_are_its_rows_and_those_of_a_centre_are_all() -> None:
    wide = scale_to_fractions(locate_letterbox(600, 200, 224, 1.0), 600, 200)
    inside = mark_places(wide, 7, 7)
    assert inside.all(axis=1).tolist() == [False, False, True, True, True, False, False]
    assert inside.any(axis=1).tolist() == inside.all(axis=1).tolist()
    assert mark_places(SquareBox(0.2, 0.1, 0.6, 0.8), 7, 7).all()


@pytest.mark.parametrize("count", [7, 8])
def test_a_thread_of_a_picture_keeps_one_line_of_places(count: int) -> None:
    thin = scale_to_fractions(locate_letterbox(1, 500, 224, 1.0), 1, 500)
    assert mark_places(thin, count, count).sum(axis=1).tolist() == [1] * count
