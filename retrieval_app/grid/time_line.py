"""The time line at the scroll bar: the years of an order by date, the letters of one by name; a click goes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from indexer.wording import tr
from retrieval_app.grid.tile_layout import TileLayout, lay_out_squares
from retrieval_app.widgets.theme import Theme, resize_font

if TYPE_CHECKING:
    from indexer.ranking.photo_arrangement import PhotoSection

MARK_SIZE = 11  # px
MARK_GAP = 4  # px between two marks, and at their sides
TICK_WIDTH = 5  # px of the line for a section without a mark of its own
LONGEST_MARK = 72  # px


class LineMark(NamedTuple):
    """A text of the time line and its middle in px from the top."""

    text: str
    middle: int


class TimeLine(QWidget):
    """Marks at the heights at which the scroll bar shows their sections."""

    place_wanted = Signal(int)  # the place of a section's first photo

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sections: Sequence[PhotoSection] = ()
        self._seen = QRect()
        self.setAccessibleName(tr("Time line"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Page Up and Page Down do the same
        self.hide()

    @cached_property
    def _layout(self) -> TileLayout:
        return lay_out_squares(0, 1, 1, 0)

    def show_sections(self, sections: Sequence[PhotoSection]) -> None:
        """Show marks for these sections, none where there is only one."""
        self._sections = sections if len(sections) > 1 else ()
        self.update()

    def show_layout(self, layout: TileLayout, seen: QRect) -> None:
        """Take where the tiles lie on the ground, and what is seen of it."""
        self._layout, self._seen = layout, seen
        self.update()

    def measure_width(self) -> int:
        """The width in px that the marks need, 0 where there are none."""
        metrics = QFontMetrics(resize_font(self.font(), MARK_SIZE))
        texts = {section.mark for section in self._sections}
        widest = max(map(metrics.horizontalAdvance, texts), default=0)
        return min(widest, LONGEST_MARK) + 2 * MARK_GAP + TICK_WIDTH if self._sections else 0

    def list_marks(self) -> Iterator[LineMark]:
        """The marks that have room, from the top: of sections that share one, the first."""
        tall = QFontMetrics(resize_font(self.font(), MARK_SIZE)).height()
        last_text, free = "", 0
        for section, height in zip(self._sections, self._list_heights(), strict=True):
            if section.mark != last_text and height >= free:
                yield LineMark(section.mark, min(max(height, tall // 2), self.height() - tall // 2))
                free = height + tall + MARK_GAP
                last_text = section.mark

    def find_section(self, height: int) -> PhotoSection | None:
        """The section that the scroll bar shows at a height in px from the top."""
        if not self._sections or not self._layout.tile_count:
            return None
        number = int(np.searchsorted(self._list_heights(), height, "right")) - 1
        return self._sections[max(number, 0)]

    def _list_heights(self) -> list[int]:
        """Where each section begins, in px from the top."""
        layout = self._layout
        starts = np.array([section.start for section in self._sections], np.int64)
        if not layout.tile_count or starts[-1] >= layout.tile_count:
            return [0] * len(starts)
        rows = np.searchsorted(layout.row_starts, starts, "right") - 1
        heights: list[int] = (layout.row_tops[rows] * self.height() // max(layout.height, 1)).tolist()
        return heights

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ticks, marks, and where the view is."""
        painter, tokens = QPainter(self), self._theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.ground))
        if self._layout.height:
            top = self._seen.top() * self.height() // self._layout.height
            tall = max(self._seen.height() * self.height() // self._layout.height, 2)
            painter.fillRect(QRect(0, top, 2, tall), QColor(tokens.accent))
        for height in dict.fromkeys(self._list_heights() if self._sections else ()):
            painter.fillRect(QRect(self.width() - TICK_WIDTH, height, TICK_WIDTH - 1, 1), QColor(tokens.line))
        painter.setFont(resize_font(self.font(), MARK_SIZE))
        painter.setPen(QColor(tokens.muted))
        metrics = painter.fontMetrics()
        room = QSize(self.width() - MARK_GAP - TICK_WIDTH, metrics.height())
        for mark in self.list_marks():
            text = metrics.elidedText(mark.text, Qt.TextElideMode.ElideRight, room.width())
            place = QRect(QPoint(MARK_GAP, mark.middle - room.height() // 2), room)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the section at the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._scroll_to(event.position().toPoint().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along while the mouse is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._scroll_to(event.position().toPoint().y())

    def event(self, event: QEvent) -> bool:
        """Tell the section at the pointer as a tool tip."""
        if isinstance(event, QHelpEvent) and (section := self.find_section(event.pos().y())) is not None:
            QToolTip.showText(event.globalPos(), section.title, self)
            return True
        return super().event(event)

    def _scroll_to(self, height: int) -> None:
        if (section := self.find_section(height)) is not None:
            self.place_wanted.emit(section.start)
