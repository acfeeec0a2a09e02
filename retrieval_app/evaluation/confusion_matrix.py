"""The confusion matrix as a picture: a row for each label, a column for each label that its photos find nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from indexer.wording import format_number, tr
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import fit_pixmap

LEAST_CELL, MOST_CELL = 16, 40  # px of the side of a cell
NAME_ROOM = 116  # px for the names beside the rows
PALEST, STRONGEST = 0.10, 0.80  # opacity of the colour of a cell, by its share of the row
MIDDLE = Qt.AlignmentFlag.AlignCenter
Cell = tuple[int, int]


class MatrixLabel(NamedTuple):
    """A row and column of the matrix: its place among all names, its name and the photo that stands for it."""

    place: int
    name: str
    photo_id: int


class ConfusionMatrix(QWidget):
    """Counts of queries by their label and the label they found nearest; `chosen` tells of a cell that has some."""

    chosen = Signal(int, int)  # the places of the label and of the found one among all names

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._tiles, self._theme = tiles, theme
        self.labels: Sequence[MatrixLabel] = ()
        self._counts: Mapping[Cell, int] = {}
        self._totals: dict[int, int] = {}
        self.current: Cell = (0, 0)  # row and column that are chosen
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Confusion matrix"))
        for signal in (tiles.arrived, theme.changed):
            signal.connect(self.update)

    def show_counts(self, labels: Sequence[MatrixLabel], counts: Mapping[Cell, int]) -> None:
        """Show the counts of these labels, by the places of label and found label among all names."""
        self.labels, self._counts, self.current = labels, counts, (0, 0)
        self._totals = {}
        for (place, _), count in counts.items():
            self._totals[place] = self._totals.get(place, 0) + count
        least = (len(labels) + 1) * LEAST_CELL
        self.setMinimumSize(NAME_ROOM + least, least)
        self.update()

    def choose_cell(self, row: int, column: int) -> None:
        """Choose a cell by its row and column, as a click on it does."""
        self.current = (row, column)
        place, found = self.labels[row].place, self.labels[column].place
        self.setAccessibleDescription(self._describe_cell(row, column))
        self.update()
        self.chosen.emit(place, found)

    def sizeHint(self) -> QSize:
        """The size in px at which the cells are comfortable."""
        side = (len(self.labels) + 1) * 30
        return QSize(NAME_ROOM + side, side)

    def locate_cell(self, row: int, column: int) -> QRect:
        """Where a cell is; row or column -1 are the photos that stand for the labels."""
        side = self._cell_side()
        return QRect(NAME_ROOM + (column + 1) * side, (row + 1) * side, side, side)

    def _cell_side(self) -> int:
        fields = len(self.labels) + 1
        room = min((self.width() - NAME_ROOM) // fields, self.height() // fields)
        return max(LEAST_CELL, min(MOST_CELL, room))

    def find_cell_at(self, position: QPoint) -> Cell | None:
        """The row and column of the cell at a point; None beside all."""
        side = self._cell_side()
        row, column = position.y() // side - 1, (position.x() - NAME_ROOM) // side - 1
        is_inside = 0 <= row < len(self.labels) and 0 <= column < len(self.labels)
        return (row, column) if is_inside else None

    def _describe_cell(self, row: int, column: int) -> str:
        label, found = self.labels[row], self.labels[column]
        count, total = self._counts.get((label.place, found.place), 0), self._totals.get(label.place, 0)
        what = tr("another of them") if row == column else tr("one of {name}", name=found.name)
        return tr(
            "{name}: for {count:,} of {total:,} the nearest is {what}",
            name=label.name,
            count=count,
            total=total,
            what=what,
        )

    # What mouse and keys do

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell under the pointer."""
        cell = self.find_cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose_cell(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the cell beside by the arrows."""
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        if event.key() not in steps or not self.labels:
            super().keyPressEvent(event)
            return
        last, step = len(self.labels) - 1, steps[Qt.Key(event.key())]
        row, column = (min(max(0, at + by), last) for at, by in zip(self.current, step, strict=True))
        self.choose_cell(row, column)

    def event(self, event: QEvent) -> bool:
        """Say what the cell under the pointer holds."""
        if isinstance(event, QHelpEvent):
            cell = self.find_cell_at(event.pos())
            text = "" if cell is None else self._describe_cell(*cell)
            escaped = text.replace("&", "&amp;").replace("<", "&lt;")
            QToolTip.showText(event.globalPos(), f"<p>{escaped}</p>" if text else "", self)
            return True
        return super().event(event)

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint names, photos and cells."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(make_tabular_font(resize_font(self.font(), CAPTION_SIZE)))
        for number, label in enumerate(self.labels):
            self._paint_name(painter, self.locate_cell(number, -1), label.name, chosen=number == self.current[0])
            for place in (self.locate_cell(number, -1), self.locate_cell(-1, number)):
                self._paint_photo(painter, place, label.photo_id)
        for row in range(len(self.labels)):
            for column in range(len(self.labels)):
                self._paint_cell(painter, row, column)
        if self.labels:
            self._paint_ring(painter)
        painter.end()

    def _paint_name(self, painter: QPainter, beside: QRect, name: str, *, chosen: bool) -> None:
        place = QRect(0, beside.top(), NAME_ROOM - 8, beside.height())
        painter.setPen(QColor(self._theme.tokens.text if chosen else self._theme.tokens.muted))
        text = QFontMetrics(painter.font()).elidedText(name, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_photo(self, painter: QPainter, place: QRect, photo_id: int) -> None:
        photo = self._tiles.request_photo(photo_id)
        pixmap = self._tiles.request_thumbnail(photo, round(MOST_CELL * self.devicePixelRatioF())) if photo else None
        if pixmap is not None and not pixmap.isNull():
            painter.drawPixmap(fit_pixmap(pixmap, place.adjusted(1, 1, -1, -1)), pixmap)

    def _paint_cell(self, painter: QPainter, row: int, column: int) -> None:
        tokens, place = self._theme.tokens, self.locate_cell(row, column).adjusted(1, 1, -1, -1)
        own, found = self.labels[row].place, self.labels[column].place
        count = self._counts.get((own, found), 0)
        ground = QColor(tokens.hover)
        if count:
            share = count / self._totals[own]
            ground = QColor(tokens.same if row == column else tokens.likely)
            ground.setAlphaF(PALEST + (STRONGEST - PALEST) * share)
        painter.fillRect(place, ground)
        if count:
            painter.setPen(QColor(tokens.text))
            painter.drawText(place, MIDDLE, format_number(count, ","))

    def _paint_ring(self, painter: QPainter) -> None:
        style = Qt.PenStyle.SolidLine if not self.hasFocus() else Qt.PenStyle.DashLine
        painter.setPen(QPen(QColor(self._theme.tokens.accent), 2, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.locate_cell(*self.current))
