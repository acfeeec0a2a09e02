"""Points that look alike and lie alike: the fit against planted points, lines on photographs whose change is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from indexer.correspondences.matched_points import (
    LEAST_POINTS,
    MatchedPictures,
    MatchedPoints,
    PointMatcher,
    draw_matched_points,
)
from indexer.correspondences.similarity_fit import find_mutual_neighbours, fit_similarity
from indexer.models.model import load_model
from tests.support.commands import Tell

Points = NDArray[np.float64]
PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "assets" / "photographs"


def test_pairs_choose_each_other_by_the_angle_between_them() -> None:
    first = np.array([[10, 0, 0], [0, 1, 0], [0, 0, 2]], np.float32)
    second = np.array([[0, 0, 9], [3, 0, 0], [3, 0.5, 0]], np.float32)
    rows, others, cosines = find_mutual_neighbours(first, second)
    assert dict(zip(rows.tolist(), others.tolist(), strict=True)) == {0: 1, 1: 2, 2: 0}
    assert np.all(np.diff(cosines) <= 0)


def test_a_planted_turn_and_size_is_found_among_more_wrong_pairs_than_right_ones() -> None:
    random = np.random.default_rng(3)
    points = random.random(60) + 1j * random.random(60)
    turn, shift = 0.7 * np.exp(0.6j), 0.2 - 0.1j
    places = turn * points + shift + 0.004 * (random.random(60) - 0.5)
    wrong = random.permutation(60)[:35]
    places[wrong] = random.random(35) + 1j * random.random(35)
    fit = fit_similarity(points, places, 0.02)
    assert fit is not None
    assert abs(fit.turn - turn) < 0.03
    assert abs(fit.shift - shift) < 0.03
    assert fit.agrees[np.setdiff1d(np.arange(60), wrong)].all()
    assert fit.agrees[wrong].mean() < 0.1


def test_where_nothing_lies_alike_there_is_no_fit() -> None:
    assert fit_similarity(np.zeros(9, complex), np.ones(9, complex), 0.05) is None
    assert fit_similarity(np.array([0j]), np.array([0j]), 0.05) is None


def shrink(picture: Image.Image) -> tuple[Image.Image, Callable[[Points], Points]]:
    return picture.resize((picture.width * 3 // 5, picture.height * 3 // 5)), lambda points: points


def cut(picture: Image.Image) -> tuple[Image.Image, Callable[[Points], Points]]:
    width, height = picture.size
    part = picture.crop((width // 8, height // 5, width * 7 // 8, height))
    return part, lambda points: (points - (1 / 8, 1 / 5)) / (6 / 8, 4 / 5)


def turn_by_a_quarter(picture: Image.Image) -> tuple[Image.Image, Callable[[Points], Points]]:
    return picture.transpose(Image.Transpose.ROTATE_90), lambda points: points[:, ::-1] * (1, -1) + (0, 1)


def tilt(picture: Image.Image) -> tuple[Image.Image, Callable[[Points], Points]]:
    tilted = picture.rotate(20, Image.Resampling.BICUBIC, expand=True)
    cosine, sine = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))

    def follow(points: Points) -> Points:
        x, y = ((points - 0.5) * picture.size).T
        moved = np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=1)
        return np.asarray(moved / tilted.size + 0.5)

    return tilted, follow


@pytest.fixture(scope="module")
def matcher(installed_model: Path) -> PointMatcher:
    return PointMatcher(load_model(installed_model, runtime="query"))


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    with Image.open(PHOTOGRAPHS / "castles" / "neuschwanstein-castle.webp") as file:
        return file.convert("RGB")


@pytest.mark.long
@pytest.mark.parametrize("change", [shrink, cut, turn_by_a_quarter, tilt])
def test_nine_of_ten_lines_are_right_between_a_photograph_and_a_changed_one(
    matcher: PointMatcher,
    photograph: Image.Image,
    change: Callable[[Image.Image], tuple[Image.Image, Callable[[Points], Points]]],
) -> None:
    changed, follow = change(photograph)
    matched = matcher.match_pictures(photograph, changed)
    away = (follow(matched.first) - matched.second) * changed.size / max(changed.size)
    assert len(matched.first) >= 2 * LEAST_POINTS
    assert (np.hypot(*away.T) < 0.075).mean() >= 0.9


def test_pictures_of_different_things_have_no_points_in_common(matcher: PointMatcher, photograph: Image.Image) -> None:
    other = next(path for path in sorted(PHOTOGRAPHS.rglob("*.webp")) if path.parent.name != "castles")
    with Image.open(other) as file:
        (matched,) = matcher.match_upright(photograph, [file.convert("RGB")])
    assert not len(matched.first)


def test_lines_are_drawn_from_point_to_point() -> None:
    points = MatchedPoints(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]), np.ones(1, np.float32))
    white = Image.new("RGB", (100, 50), "white")
    drawn = np.array(draw_matched_points(MatchedPictures(white, white, points), "white"))
    painted = np.flatnonzero((drawn < 250).any(axis=(0, 2)))
    assert abs(painted[0] - (12 + 224)) <= 3
    assert abs(painted[-1] - (2 * 12 + 448 + 224)) <= 3


@pytest.mark.long
def test_the_command_counts_the_points_and_draws_them(tell: Tell, tmp_path: Path, carried_model: None) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    with Image.open(PHOTOGRAPHS / "castles" / "neuschwanstein-castle.webp") as file:
        file.save(photos / "one.png")
        file.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "two.png")
    assert tell(tmp_path / "home", "index", photos).code == 0
    pair = (photos / "one.png", photos / "two.png")
    said = tell(tmp_path / "home", "explain", *pair, "--points", "--out", tmp_path / "lines.png", "--json")
    rows = np.array(said.result()["points"])
    assert rows.shape[1] == 5
    assert np.abs(rows[:, 0] - (1 - rows[:, 2])).max() < 0.1
    assert (tmp_path / "lines.png").stat().st_size > 1000
    assert f"{len(rows)} points look alike" in tell(tmp_path / "home", "explain", *pair, "--points").out
