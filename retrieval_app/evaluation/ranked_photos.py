"""Photos that asked, each with what it found beside it: a line below each found one says whether it is of the label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from indexer.paths import show_file_name
from indexer.wording import format_number, tr
from retrieval_app.evaluation.evaluation_report import RankedQuery
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap

if TYPE_CHECKING:
    from indexer.search.results import Photo

SIDE = 88  # px of a picture
GAP, QUERY_GAP, ROW_GAP, BLOCK_GAP = 4, 12, 12, 24  # px between found ones, behind the query, rows, and blocks
MARK_HEIGHT, CAPTION_ROOM = 3, 16  # px of the line and of the distance below a found photo
MARGIN = 8  # px around all
LEFT = Qt.MouseButton.LeftButton


class _PhotoPlace(NamedTuple):
    """Where a photo is painted, which one it is, and for a found one its distance and whether the label is the same."""

    place: QRect
    photo_id: int
    distance: float | None
    is_same: bool


class RankedPhotos(QAbstractScrollArea):
    """Blocks of a query and what it found, side by side where there is room; a click on a photo chooses it."""

    chosen = Signal(int)  # photo id

    def __init__(self, tiles: TileCache, theme: Theme, name: str) -> None:
        super().__init__()
        self._tiles, self._theme = tiles, theme
        self.queries: Sequence[RankedQuery] = ()
        self.current = 0  # the place of the photo that the keys are on
        self._describe: Callable[[int], str] = str
        self._places: list[_PhotoPlace] = []
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)
        self.viewport().setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(SIDE // 2)
        for signal in (tiles.arrived, theme.changed):
            signal.connect(self.viewport().update)

    def sizeHint(self) -> QSize:
        """The usual size in px."""
        return QSize(360, 320)

    def show_queries(self, queries: Sequence[RankedQuery], names: Sequence[str]) -> None:
        """Show these queries with what each found; a label is its place in `names`."""
        self.queries, self._describe, self.current = queries, names.__getitem__, 0
        self.verticalScrollBar().setValue(0)
        self._lay_out()

    def locate_photo(self, place: int) -> QRect:
        """Where a photo is, by its place among all that are shown, in px of the viewport."""
        return self._places[place].place.translated(0, -self.verticalScrollBar().value())

    def list_photo_ids(self) -> list[int]:
        """The ids of the photos in their places."""
        return [place.photo_id for place in self._places]

    def _lay_out(self) -> None:
        """Put as many blocks side by side as fit, and found ones that do not fit into the width away."""
        self._places = []
        width = self.viewport().width() - 2 * MARGIN
        fitting = max(1, (width - SIDE - QUERY_GAP + GAP) // (SIDE + GAP))
        widest = min(fitting, max((len(query.found) for query in self.queries), default=1))
        block_width = SIDE + QUERY_GAP + widest * (SIDE + GAP) - GAP
        columns = max(1, (width + BLOCK_GAP) // (block_width + BLOCK_GAP))
        row_height = SIDE + MARK_HEIGHT + CAPTION_ROOM + ROW_GAP
        for number, query in enumerate(self.queries):
            x = MARGIN + number % columns * (block_width + BLOCK_GAP)
            y = MARGIN + number // columns * row_height
            self._places.append(_PhotoPlace(QRect(x, y, SIDE, SIDE), query.photo_id, None, is_same=True))
            for rank, found in enumerate(query.found[:widest]):
                left = x + SIDE + QUERY_GAP + rank * (SIDE + GAP)
                is_same = found.label == query.label
                self._places.append(
                    _PhotoPlace(QRect(left, y, SIDE, SIDE), found.photo_id, found.distance, is_same=is_same)
                )
        rows = -(-len(self.queries) // columns)
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, rows * row_height + 2 * MARGIN - ROW_GAP - self.viewport().height()))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the blocks out anew."""
        super().resizeEvent(event)
        self._lay_out()

    # What mouse and keys do

    def find_place_at(self, position: QPoint) -> int | None:
        """The place of the photo at a point of the viewport; None beside all."""
        at = position + QPoint(0, self.verticalScrollBar().value())
        return next((number for number, spot in enumerate(self._places) if spot.place.contains(at)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the photo under the pointer."""
        place = self.find_place_at(event.position().toPoint())
        if place is not None and event.button() == LEFT:
            self.current = place
            self.chosen.emit(self._places[place].photo_id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show by the pointer what can be clicked."""
        is_over = self.find_place_at(event.position().toPoint()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to the photo beside by the arrows, choose it by Enter."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -len(self._places)}
        steps[Qt.Key.Key_End] = len(self._places)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._places:
            self.chosen.emit(self._places[self.current].photo_id)
        elif event.key() in steps and self._places:
            self.current = min(max(0, self.current + steps[Qt.Key(event.key())]), len(self._places) - 1)
            self._scroll_to_current()
        else:
            super().keyPressEvent(event)

    def _scroll_to_current(self) -> None:
        bar, place = self.verticalScrollBar(), self._places[self.current].place
        lowest = place.bottom() + MARK_HEIGHT + CAPTION_ROOM - self.viewport().height()
        bar.setValue(max(lowest, min(bar.value(), place.top() - MARGIN)))
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        """Name the photo under the pointer."""
        if isinstance(event, QHelpEvent):
            place = self.find_place_at(event.pos())
            text = "" if place is None else self._describe_photo(self._places[place])
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def _describe_photo(self, spot: _PhotoPlace) -> str:
        """Name, label and role of a photo, as a tool tip without HTML."""
        photo = self._tiles.request_photo(spot.photo_id)
        if photo is None:
            return ""
        role = "asked" if spot.distance is None else tr("found at distance {distance:.3f}", distance=spot.distance)
        lines = [show_file_name(photo.path), photo.label or "", tr("{role}; a click finds similar", role=role)]
        escaped = [line.replace("&", "&amp;").replace("<", "&lt;") for line in lines if line]
        return f"<p>{'<br>'.join(escaped)}</p>"

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is visible."""
        painter = QPainter(self.viewport())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(make_tabular_font(resize_font(self.font(), CAPTION_SIZE)))
        shift, seen = self.verticalScrollBar().value(), self.viewport().rect()
        for number, spot in enumerate(self._places):
            place = spot.place.translated(0, -shift)
            if place.adjusted(0, 0, 0, MARK_HEIGHT + CAPTION_ROOM).intersects(seen):
                self._paint_photo(painter, place, spot)
                if self.hasFocus() and number == self.current:
                    painter.setPen(QPen(QColor(self._theme.tokens.accent), 1, Qt.PenStyle.DashLine))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRoundedRect(place.adjusted(-2, -2, 2, 2), CORNER_RADIUS, CORNER_RADIUS)
        painter.end()

    def _paint_photo(self, painter: QPainter, place: QRect, spot: _PhotoPlace) -> None:
        tokens = self._theme.tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.hover))
        painter.drawRoundedRect(place, CORNER_RADIUS, CORNER_RADIUS)
        photo: Photo | None = self._tiles.request_photo(spot.photo_id)
        pixmap = self._tiles.request_thumbnail(photo, round(SIDE * self.devicePixelRatioF())) if photo else None
        if pixmap is not None and not pixmap.isNull():
            painter.drawPixmap(fit_pixmap(pixmap, place.adjusted(3, 3, -3, -3)), pixmap)
        if spot.distance is None:
            return
        line = QRect(place.left(), place.bottom() + 2, SIDE if spot.is_same else SIDE // 4, MARK_HEIGHT)
        painter.fillRect(line, QColor(tokens.same if spot.is_same else tokens.likely))
        painter.setPen(QColor(tokens.muted))
        below = QRect(place.left(), line.bottom() + 1, SIDE, CAPTION_ROOM)
        painter.drawText(
            below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, format_number(spot.distance, ".3f")
        )
