"""Names stand near their classes, never on a picture or on each other; where there is no room, few take one."""

import numpy as np
from PySide6.QtCore import QRect

from retrieval_app.map.class_marks import MARK_REACH, MOST_COVERING, place_marks

BOUNDS = QRect(0, 0, 600, 400)
SIZE = (60, 18)


def test_names_find_the_gaps_between_pictures() -> None:
    random = np.random.default_rng(3)
    squares = [(60 * x, 60 * y) for x in range(10) for y in range(6) if random.random() < 0.5]
    pictures = [QRect(x + 3, y + 3, 54, 54) for x, y in squares]
    middles = random.uniform((80, 40), (520, 360), (30, 2)).astype(np.float32)
    marks = place_marks(middles, [SIZE] * 30, pictures, BOUNDS)
    free = [mark for mark in marks if not mark.covering]
    assert len(free) > 20 and len(marks) - len(free) <= MOST_COVERING
    for mark in marks:
        assert BOUNDS.contains(mark.box) and mark.box.size().toTuple() == SIZE
        assert not any(mark.box.intersects(other.box) for other in marks if other is not mark)
    for mark in free:
        assert not any(mark.box.intersects(picture) for picture in pictures)
        away = np.array(mark.box.center().toTuple()) - middles[mark.code]
        assert np.hypot(*away) < MARK_REACH + 2


def test_a_name_with_room_stands_in_the_middle_and_a_full_map_gives_room_to_the_largest_classes_only() -> None:
    middles = np.array([[100, 100], [300, 200], [500, 300], [100, 300], [400, 80]], np.float32)
    assert [mark.box.center().toTuple() for mark in place_marks(middles[:1], [SIZE], [], BOUNDS)] == [(99, 99)]
    assert place_marks(np.array([[-300, 9]], np.float32), [SIZE], [], BOUNDS) == []
    marks = place_marks(middles, [SIZE] * 5, [BOUNDS], BOUNDS)
    assert [(mark.code, mark.covering) for mark in marks] == [(code, True) for code in range(MOST_COVERING)]
