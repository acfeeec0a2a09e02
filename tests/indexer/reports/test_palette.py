"""Each class has a colour of its own, as far as colours can be told apart."""

import re

from indexer.reports.palette import CLASS_COLOURS, pick_class_colour


def test_every_class_has_a_colour_and_no_two_of_sixty_the_same() -> None:
    colours = [pick_class_colour(number) for number in range(60)]
    assert tuple(colours[: len(CLASS_COLOURS)]) == CLASS_COLOURS
    assert len(set(colours)) == 60
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
