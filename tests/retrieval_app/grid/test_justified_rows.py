"""Justified rows: every picture at its own shape, every row but the last as wide as the ground, none far off height."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRect

from indexer.ranking.photo_arrangement import PhotoSection
from retrieval_app.grid.justified_rows import MARGIN, lay_out_rows
from retrieval_app.grid.tile_layout import TileLayout, lay_out_squares
from retrieval_app.session.searching.photo_listing import PhotoListing

MIXED = np.random.default_rng(3).choice([0.67, 0.75, 1.0, 1.33, 1.5, 1.78], 500)


def list_rects(layout: TileLayout) -> list[QRect]:
    return [layout.locate_tile(place) for place in range(layout.tile_count)]


def test_rows_fill_the_width_and_keep_shapes() -> None:
    layout = lay_out_rows(MIXED, 800, 104, 20)
    rects = list_rects(layout)
    for row in range(len(layout.row_tops) - 2):
        tiles = rects[int(layout.row_starts[row]) : int(layout.row_starts[row + 1])]
        assert tiles[0].left() == 0
        assert abs(tiles[-1].right() + 1 - 800) <= 1
        assert all(left.right() + 1 == right.left() for left, right in pairwise(tiles))
        assert 104 * 0.7 < tiles[0].height() - 20 - MARGIN < 104 * 1.4
    shown = [(rect.width() - MARGIN) / (rect.height() - 20 - MARGIN) for rect in rects]
    assert np.allclose(shown, MIXED, rtol=0.03)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_the_last_row_is_not_blown_up(count: int) -> None:
    layout = lay_out_rows(np.full(count, 1.0), 800, 100, 0)
    assert layout.tile_count == count
    assert all(rect.height() <= 100 + MARGIN for rect in list_rects(layout))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0.01, 100), max_size=60),
    st.integers(1, 3000),
    st.integers(16, 400),
)
@example([4.0, 4.0, 4.0, 4.0, 1.0], 1410, 141)  # the second tile begins at half a pixel
def test_any_shapes_in_any_window_lie_in_order_and_nothing_overlaps(
    aspects: list[float], width: int, height: int
) -> None:
    for layout in (
        lay_out_rows(np.array(aspects), width, height, 18),
        lay_out_squares(len(aspects), width, height, 18),
    ):
        rects = list_rects(layout)
        assert len(rects) == len(aspects)
        for before, after in pairwise(rects):
            assert not before.intersects(after)
            assert (before.top(), before.left()) < (after.top(), after.left())
        for place, rect in enumerate(rects):
            if not rect.isEmpty():
                assert layout.find_place(rect.center()) == place


def test_a_million_shapes_are_laid_out_by_arrays() -> None:
    """By their number, not by the clock: rows come out in the same order, and the last place is in the last row."""
    aspects = np.tile(MIXED, 2000)
    layout = lay_out_rows(aspects, 1200, 104, 0)
    assert layout.tile_count == len(aspects) == 1_000_000
    assert layout.find_row(999_999) == len(layout.row_tops) - 2
    assert layout.find_places(QRect(0, layout.height // 2, 1200, 700)).size < 100


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 1500), st.integers(16, 200))
def test_every_section_begins_a_row_below_room_for_its_header(counts: list[int], width: int, height: int) -> None:
    starts = np.cumsum([0, *counts[:-1]])
    aspects = np.resize(MIXED, sum(counts))
    for layout in (
        lay_out_rows(aspects, width, height, 0, section_starts=starts.tolist(), header_height=30),
        lay_out_squares(len(aspects), width, height, 0, section_starts=starts.tolist(), header_height=30),
    ):
        rects = list_rects(layout)
        assert layout.header_tops[0] == 0
        for top, start in zip(layout.header_tops.tolist(), starts.tolist(), strict=True):
            assert (rects[start].left(), rects[start].top()) == (0, top + 30)
            header = QRect(0, top, width, 30)
            assert not any(rect.intersects(header) for rect in rects)
            assert not len(layout.find_places(header))
        assert layout.height == rects[-1].bottom() + 1
        assert layout.row_starts.tolist() == sorted({*layout.row_starts.tolist(), *starts.tolist()})


def test_sections_move_up_where_photos_are_left_out() -> None:
    sections = [PhotoSection(0, "a", "a"), PhotoSection(2, "b", "b"), PhotoSection(3, "c", "c")]
    listing = PhotoListing(np.array([7, 3, 5, 9, 8]), sections=sections)
    left = listing.leave_out([3, 5])
    assert left.ids.tolist() == [7, 9, 8]
    assert [(section.start, section.title) for section in left.sections] == [(0, "a"), (1, "c")]
