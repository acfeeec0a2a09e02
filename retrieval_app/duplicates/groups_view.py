"""Groups of photos as rows of tiles: on the left a summary of the group, then its photos, the best first.

A table view like the grid: rows of one height, of which only the visible ones are laid out and painted.
"""

import os
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from indexer.paths import show_file_name
from indexer.wording import tr
from retrieval_app.duplicates.found_groups import DuplicatesState, GroupMember
from retrieval_app.duplicates.tile_caption import CAPTION_BLOCK_HEIGHT, list_caption_lines, paint_caption
from retrieval_app.grid.photo_sequence import Partner, PhotoSequence
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.tables import AnyIndex
from retrieval_app.widgets.theme import BODY_SIZE, CAPTION_SIZE, ColourTokens, Theme, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap
from retrieval_app.wording import format_count

TILE_PADDING = 10  # px around a picture, within its cell
PICTURE_SIDE = 128  # px of a picture's square
CELL_WIDTH, SUMMARY_WIDTH = PICTURE_SIDE + 2 * TILE_PADDING, 132  # px of a tile's cell and of a group's summary
_INVALID_INDEX = QModelIndex()


class GroupRow(NamedTuple):
    """A row of the table: a group, and the range [start, stop) of its photos that are in this row."""

    group: list[GroupMember]
    start: int
    stop: int


class GroupModel(QAbstractTableModel):
    """Groups laid out in rows; column 0 holds the summary of a group."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.group_rows: list[GroupRow] = []
        self.photo_cells: list[tuple[int, int]] = []  # row and column of every photo, in order
        self.columns = 2

    def show_groups(self, groups: list[list[GroupMember]], photos_per_row: int) -> None:
        """Lay out groups with `photos_per_row` photos side by side."""
        self.beginResetModel()
        self.columns = photos_per_row + 1
        self.group_rows = [
            GroupRow(group, start, min(start + photos_per_row, len(group)))
            for group in groups
            for start in range(0, len(group), photos_per_row)
        ]
        self.photo_cells = [
            (row, 1 + column)
            for row, group_row in enumerate(self.group_rows)
            for column in range(group_row.stop - group_row.start)
        ]
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _INVALID_INDEX) -> int:
        """Rows of all groups; a group has one or more."""
        return 0 if parent.isValid() else len(self.group_rows)

    def columnCount(self, parent: AnyIndex = _INVALID_INDEX) -> int:
        """The summary, and the photos side by side."""
        return 0 if parent.isValid() else self.columns

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The path, for screen readers and as a tool tip."""
        member = self.member_at(index)
        if member is None or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return member.path

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Enabled and selectable for cells with a photo only."""
        if self.member_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def member_at(self, index: AnyIndex) -> GroupMember | None:
        """The photo in a cell; None for a summary and for an empty cell."""
        if not index.isValid() or index.column() == 0:
            return None
        group_row = self.group_rows[index.row()]
        place = group_row.start + index.column() - 1
        return group_row.group[place] if place < group_row.stop else None


class GroupsView(QTableView):
    """The groups, with signals for what the user does with the current photo."""

    chosen = Signal(object)  # GroupMember: Enter
    opened = Signal(object)  # GroupMember: a double click
    current_moved = Signal()
    view_wanted = Signal(object)  # PhotoSequence: Space, the current photo large
    letter_pressed = Signal(int)  # Qt key of a letter, which the page may have a button for

    def __init__(self, duplicates: DuplicatesState, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._duplicates, self._tiles = duplicates, tiles
        self._shown_groups: list[list[GroupMember]] = []
        self.group_model = GroupModel(self)
        self.setModel(self.group_model)
        self.setItemDelegate(_GroupPainter(self, duplicates, tiles, theme))
        self._hide_table_parts()
        for signal in (tiles.arrived, theme.changed):
            signal.connect(self.viewport().update)

    def _hide_table_parts(self) -> None:
        """Hide what a table shows and rows of pictures do not need: frame, lines, headers, selection."""
        self.setAccessibleName(tr("Groups of photos"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(PICTURE_SIDE + CAPTION_BLOCK_HEIGHT + 2 * TILE_PADDING)

    def show_groups(self, groups: list[list[GroupMember]]) -> None:
        """Show groups; the scroll position stays, and the current photo by its place."""
        if groups is self._shown_groups:
            self.viewport().update()
            return
        self._shown_groups = groups
        self._lay_out()

    def current_member(self) -> GroupMember | None:
        """The current photo; None where there is none."""
        return self.group_model.member_at(self.currentIndex())

    def make_sequence(self) -> PhotoSequence:
        """The photos of all groups, each to be compared with the first of its group."""
        model = self.group_model

        def find_member(place: int) -> GroupMember:
            member = model.member_at(model.index(*model.photo_cells[place]))
            assert member is not None
            return member

        def find_partner() -> Partner | None:
            member = self.current_member()
            group = next((group for group in self._shown_groups if member in group), None)
            return Partner(group[0].photo_id, show_file_name(os.fsencode(group[0].path))) if group else None

        return PhotoSequence(
            count_photos=lambda: len(model.photo_cells),
            find_place=lambda: self._find_current_place() if model.photo_cells else None,
            go_to_place=lambda place: self.setCurrentIndex(model.index(*model.photo_cells[place])),
            find_id=lambda place: find_member(place).photo_id,
            find_photo=lambda place: self._tiles.request_photo(find_member(place).photo_id),
            find_partner=find_partner,
        )

    def _lay_out(self) -> None:
        scroll_value, place = self.verticalScrollBar().value(), self._find_current_place()
        photos_per_row = max(1, (self.viewport().width() - SUMMARY_WIDTH) // CELL_WIDTH)
        self.group_model.show_groups(self._shown_groups, photos_per_row)
        self.horizontalHeader().setDefaultSectionSize((self.viewport().width() - SUMMARY_WIDTH) // photos_per_row)
        self.setColumnWidth(0, SUMMARY_WIDTH)
        self.updateGeometries()
        if cells := self.group_model.photo_cells:
            self.setCurrentIndex(self.group_model.index(*cells[min(place, len(cells) - 1)]))
        self.verticalScrollBar().setValue(scroll_value)

    def _find_current_place(self) -> int:
        """The place of the current photo among all photos; 0 where none is current."""
        cells, current_cell = self.group_model.photo_cells, (self.currentIndex().row(), self.currentIndex().column())
        return cells.index(current_cell) if current_cell in cells else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out as many photos side by side as fit."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._lay_out()

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Emit `current_moved`."""
        super().currentChanged(current, previous)
        self.current_moved.emit()

    def keyboardSearch(self, search: str) -> None:
        """Do nothing: letters press the page's buttons."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Emit what Enter and letters ask for; leave Backspace to the window."""
        member = self.current_member()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and member is not None:
            self.chosen.emit(member)
        elif event.key() == Qt.Key.Key_Space and member is not None:
            self.view_wanted.emit(self.make_sequence())
        elif event.text().isalpha() and not event.modifiers():
            self.letter_pressed.emit(event.key())
        elif event.key() == Qt.Key.Key_Backspace:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the photo."""
        member = self.group_model.member_at(self.indexAt(event.position().toPoint()))
        if member is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(member)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """The cell that a key leads to: arrows go on from the last photo of a row to the first of the next."""
        cells = self.group_model.photo_cells
        if not cells:
            return QModelIndex()
        move, place = QAbstractItemView.CursorAction, self._find_current_place()
        steps = {move.MoveLeft: -1, move.MovePrevious: -1, move.MoveRight: 1, move.MoveNext: 1}
        ends = {move.MoveHome: 0, move.MoveEnd: len(cells) - 1}
        page = max(1, self.viewport().height() // self.verticalHeader().defaultSectionSize())
        rows = {move.MoveUp: -1, move.MoveDown: 1, move.MovePageUp: -page, move.MovePageDown: page}
        if action in rows:
            return self._find_cell_below(cells[place], rows[action])
        next_place = ends.get(action, place + steps.get(action, 0))
        return self.group_model.index(*cells[min(max(next_place, 0), len(cells) - 1)])

    def _find_cell_below(self, cell: tuple[int, int], rows: int) -> QModelIndex:
        """The cell `rows` further down, in the same column or the last one that holds a photo."""
        row = min(max(cell[0] + rows, 0), len(self.group_model.group_rows) - 1)
        group_row = self.group_model.group_rows[row]
        return self.group_model.index(row, min(cell[1], group_row.stop - group_row.start))

    def sizeHint(self) -> QSize:
        """The size of four photos side by side in px."""
        return QSize(SUMMARY_WIDTH + 4 * CELL_WIDTH, 500)


class _GroupPainter(QStyledItemDelegate):
    """Paints the cells of the groups."""

    def __init__(self, view: GroupsView, duplicates: DuplicatesState, tiles: TileCache, theme: Theme) -> None:
        super().__init__(view)
        self._view, self._duplicates, self._tiles, self._theme = view, duplicates, tiles, theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint one cell: a photo, the summary of a group, or nothing."""
        tokens, cell = self._theme.tokens, option.rect
        group_row, member = self._view.group_model.group_rows[index.row()], self._view.group_model.member_at(index)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if group_row.start == 0 and index.row():
            painter.setPen(QColor(tokens.line))
            painter.drawLine(cell.topLeft(), cell.topRight())
        if member is not None:
            state: QStyle.StateFlag = option.state
            self._paint_photo(painter, cell, index, state)
        elif index.column() == 0 and group_row.start == 0:
            _paint_group_summary(painter, cell, group_row.group, tokens)
        painter.restore()

    def _paint_photo(self, painter: QPainter, cell: QRect, index: AnyIndex, state: QStyle.StateFlag) -> None:
        tokens, member = self._theme.tokens, self._view.group_model.member_at(index)
        group = self._view.group_model.group_rows[index.row()].group
        assert member is not None
        square = QRect(cell.left() + TILE_PADDING, cell.top() + TILE_PADDING, PICTURE_SIDE, PICTURE_SIDE)
        card = QRectF(cell.left() + 5, cell.top() + 5, CELL_WIDTH - 10, cell.height() - 10)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(tokens.hover) if state & QStyle.StateFlag.State_MouseOver else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(card, CORNER_RADIUS, CORNER_RADIUS)
        photo = self._tiles.request_photo(member.photo_id)
        pixels = round(PICTURE_SIDE * self._view.devicePixelRatioF())
        pixmap = self._tiles.request_thumbnail(photo, pixels) if photo else None
        if pixmap is not None and not pixmap.isNull():
            painter.drawPixmap(fit_pixmap(pixmap, square), pixmap)
        paint_caption(painter, square, list_caption_lines(member, group), tokens)
        if member in self._duplicates.kept_members:
            _paint_keep_mark(painter, square.topLeft(), tokens)


def _paint_group_summary(painter: QPainter, cell: QRect, group: list[GroupMember], tokens: ColourTokens) -> None:
    """Paint how many photos the group has, and the largest distance of one to the first."""
    copies = all(member.photo_id == group[0].photo_id for member in group)
    lines = [format_count(len(group), "copy", "copies") if copies else format_count(len(group), "photo")]
    lines += (
        [tr("the same content")]
        if copies
        else [tr("up to {distance:.3f} away", distance=max(member.distance for member in group))]
    )
    base = painter.font()
    place = QRect(cell.left() + 16, cell.top() + TILE_PADDING, SUMMARY_WIDTH - 20, 18)
    painter.setPen(QColor(tokens.text))
    painter.setFont(resize_font(base, BODY_SIZE, bold=True))
    painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, lines[0])
    painter.setPen(QColor(tokens.muted))
    painter.setFont(make_tabular_font(resize_font(base, CAPTION_SIZE)))
    painter.drawText(place.translated(0, 18), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, lines[1])


def _paint_keep_mark(painter: QPainter, corner: QPoint, tokens: ColourTokens) -> None:
    """Paint the word "keep" in the corner of the picture."""
    painter.setFont(resize_font(painter.font(), CAPTION_SIZE, bold=True))
    place = QRect(corner.x(), corner.y(), QFontMetrics(painter.font()).horizontalAdvance("keep") + 14, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.accent))
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(QColor(tokens.on_accent))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "keep")
