"""One scale of likeness: every probability and rarity has one word, and the words say what they mean."""

import pytest

from indexer.statistics.calibration import Calibration
from indexer.statistics.likeness import (
    LikenessPoint,
    describe_likeness,
    explain_levels,
    find_level_cuts,
    find_likeness_word,
    name_likeness,
)


@pytest.mark.parametrize(
    ("probability", "word", "sentence"),
    [
        (1.0, "same", "The same: of 100 pairs this close 99 are."),
        (0.9, "same", "The same: of 100 pairs this close 90 are."),
        (0.8949, "likely", "Likely the same: of 100 pairs this close 89 are."),
        (0.5, "likely", "Likely the same: of 100 pairs this close 50 are."),
        (0.35, "perhaps", "Perhaps the same: of 100 pairs this close 35 are."),
        (0.01, "different", "Different: of 100 pairs this close one is."),
        (0.0, "different", "Different: of 100 pairs this close not one is."),
    ],
)
def test_with_labels_the_word_goes_by_how_many_of_100_pairs_are_the_same(
    probability: float, word: str, sentence: str
) -> None:
    point = LikenessPoint(0.4, probability, None)
    assert (find_likeness_word(point), describe_likeness(point)) == (word, sentence)


@pytest.mark.parametrize(
    ("rarity", "word", "sentence"),
    [
        (25_432.0, "very close", "Very close: of 25,000 random pairs one is this close."),
        (120.0, "close", "Close: of 120 random pairs one is this close."),
        (17.0, "loose", "Loose: of 17 random pairs one is this close."),
        (3.0, "no closer than chance", "No closer than chance: of 3 random pairs one is this close."),
        (1.2, "no closer than chance", "No closer than chance: most random pairs are this close."),
    ],
)
def test_without_labels_the_word_goes_by_how_rare_the_distance_is(rarity: float, word: str, sentence: str) -> None:
    point = LikenessPoint(0.4, None, rarity)
    assert (find_likeness_word(point), describe_likeness(point)) == (word, sentence)


@pytest.mark.parametrize(
    "point", [LikenessPoint(0, 0.02, None), LikenessPoint(0, None, 3), LikenessPoint(0, None, None)]
)
def test_the_same_content_is_always_the_same(point: LikenessPoint) -> None:
    assert find_likeness_word(point) == "same"
    assert describe_likeness(point) == "The same: for the model nothing tells them apart."


def test_where_nothing_is_measured_nothing_is_said() -> None:
    assert name_likeness(LikenessPoint(0.3, None, None)) is None
    assert describe_likeness(LikenessPoint(0.3, None, None)) == ""


def test_each_word_is_explained_in_one_place() -> None:
    assert [line.split(":")[0] for line in explain_levels(LikenessPoint(0.3, 0.2, None)).splitlines()] == [
        "same",
        "likely",
        "perhaps",
        "different",
    ]
    assert explain_levels(LikenessPoint(0.3, None, 20)).splitlines()[-1].startswith("no closer than chance: ")


def test_cut_offs_lie_where_the_word_changes() -> None:
    knots = ((0.2, 1.0), (1.2, 0.0))  # straight down: 0.9 at 0.3, 0.5 at 0.7, 0.1 at 1.1; rounded at half a percent
    calibration = Calibration("labels", 100, 9, 500, 4450, 0.1, knots, (), None)
    cuts = find_level_cuts(calibration.interpret_distance)
    assert [cut.level.word for cut in cuts] == ["same", "likely", "perhaps"]
    assert [cut.distance for cut in cuts] == pytest.approx([0.305, 0.705, 1.105], abs=1e-6)
    rare = Calibration("photos", 100, 0, 0, 50, None, ((0.2, 0.02), (1.2, 1.0)), (), None)
    assert [cut.level.word for cut in find_level_cuts(rare.interpret_distance)] == ["loose"]  # 50 pairs show no more
    assert find_level_cuts(Calibration("photos", 1, 0, 0, 0, None, (), (), None).interpret_distance) == []
