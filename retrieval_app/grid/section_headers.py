"""Headers over groups of tiles; the one of the topmost tiles stays in view until the next one pushes it away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter

from indexer.wording import format_number
from retrieval_app.grid.tile_layout import TileLayout
from retrieval_app.widgets.theme import ColourTokens, resize_font

if TYPE_CHECKING:
    from indexer.ranking.photo_arrangement import PhotoSection

HEADER_HEIGHT = 30  # px
HEADER_MARGIN = 12  # px at the left of a title
COUNT_GAP = 8  # px between a title and the number of photos
TITLE_SIZE, COUNT_SIZE = 13, 11  # px


def locate_header(layout: TileLayout, number: int, seen: QRect) -> QRect:
    """The rectangle of a section's header in the viewport, which shows what is `seen` of the ground."""
    tops = layout.header_tops
    top = int(tops[number]) - seen.top()
    if top < 0:
        next_top = int(tops[number + 1]) - seen.top() if number + 1 < len(tops) else layout.header_height
        top = min(0, next_top - layout.header_height)
    return QRect(0, top, seen.width(), layout.header_height)


def paint_headers(
    painter: QPainter, layout: TileLayout, seen: QRect, sections: Sequence[PhotoSection], tokens: ColourTokens
) -> None:
    """Paint the headers that are in view, over the tiles."""
    tops = layout.header_tops
    first = max(int(np.searchsorted(tops, seen.top(), "right")) - 1, 0)
    last = int(np.searchsorted(tops, seen.bottom() + 1))
    ends = [*(section.start for section in sections[1:]), layout.tile_count]
    for number in range(first, last):
        count = ends[number] - sections[number].start
        _paint_header(
            painter, locate_header(layout, number, seen), (sections[number].title, format_number(count, ",")), tokens
        )


def _paint_header(painter: QPainter, place: QRect, texts: tuple[str, str], tokens: ColourTokens) -> None:
    """Paint a title and the number of its photos."""
    base, (title, count) = painter.font(), texts
    painter.fillRect(place, QColor(tokens.ground))
    room = place.adjusted(HEADER_MARGIN, 0, -HEADER_MARGIN, 0)
    title_font, count_font = resize_font(base, TITLE_SIZE, bold=True), resize_font(base, COUNT_SIZE)
    count_width = QFontMetrics(count_font).horizontalAdvance(count) + COUNT_GAP
    metrics = QFontMetrics(title_font)
    shown = metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, max(room.width() - count_width, 0))
    middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.setFont(title_font)
    painter.setPen(QColor(tokens.text))
    painter.drawText(room, middle, shown)
    painter.setFont(count_font)
    painter.setPen(QColor(tokens.muted))
    painter.drawText(room.adjusted(metrics.horizontalAdvance(shown) + COUNT_GAP, 0, 0, 0), middle, count)
    painter.setFont(base)
