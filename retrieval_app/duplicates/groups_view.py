"""Groups of photos as rows of tiles: left of each row what the group is, then its photos, the best first.

A table view like the grid: rows of one height, of which only the visible ones cost anything.
"""

from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
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

from retrieval_app import wording as words
from retrieval_app.duplicates.found_groups import Duplicates, Member
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.theme import BODY, CAPTION, Theme, Tokens, numbers, sized
from retrieval_app.widgets.tile_painter import PADDING, RADIUS, fitted

AnyIndex = QModelIndex | QPersistentModelIndex
SIDE, TEXT = 128, 44  # px of a picture's square and of the two lines below it
CELL, ABOUT = SIDE + 2 * PADDING, 132  # px of a tile's cell and of the words beside a group
_NOWHERE = QModelIndex()


class Line(NamedTuple):
    """A row of the table: a group, and which of its photos stand in it."""

    group: list[Member]
    start: int
    stop: int


class GroupModel(QAbstractTableModel):
    """Groups laid out in rows; column 0 holds the words about a group."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: list[Line] = []
        self.cells: list[tuple[int, int]] = []  # row and column of every photo, in order
        self.columns = 2

    def show(self, groups: list[list[Member]], across: int) -> None:
        """Lay out groups with so many photos side by side."""
        self.beginResetModel()
        self.columns = across + 1
        self.lines = [
            Line(group, start, min(start + across, len(group)))
            for group in groups
            for start in range(0, len(group), across)
        ]
        self.cells = [
            (row, 1 + column) for row, line in enumerate(self.lines) for column in range(line.stop - line.start)
        ]
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _NOWHERE) -> int:
        """One or more rows a group."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: AnyIndex = _NOWHERE) -> int:
        """The words, and the photos side by side."""
        return 0 if parent.isValid() else self.columns

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The path, for screen readers and as a tool tip."""
        member = self.member(index)
        if member is None or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return member.path

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Only photos can be gone to."""
        if self.member(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def member(self, index: AnyIndex) -> Member | None:
        """The photo in a cell."""
        if not index.isValid() or index.column() == 0:
            return None
        line = self.lines[index.row()]
        place = line.start + index.column() - 1
        return line.group[place] if place < line.stop else None


class GroupsView(QTableView):
    """The groups; says what is wanted of the current photo."""

    chosen = Signal(object)  # Member: Enter
    opened = Signal(object)  # Member: a double click
    moved = Signal()
    pressed_key = Signal(int)  # a letter that the page may know

    def __init__(self, duplicates: Duplicates, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._duplicates = duplicates
        self._shown: list[list[Member]] = []
        self.groups = GroupModel(self)
        self.setModel(self.groups)
        self.setItemDelegate(_Painter(self, duplicates, tiles, theme))
        self._quieten()
        for signal in (tiles.arrived, theme.changed):
            signal.connect(self.viewport().update)

    def _quieten(self) -> None:
        """Take away what a table has and rows of pictures have not."""
        self.setAccessibleName("Groups of photos")
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
        self.verticalHeader().setDefaultSectionSize(SIDE + TEXT + 2 * PADDING)

    def show_groups(self, groups: list[list[Member]]) -> None:
        """Show groups; the place is kept where only little has changed."""
        if groups is self._shown:
            self.viewport().update()
            return
        self._shown = groups
        self._lay_out()

    def current(self) -> Member | None:
        """The photo that the keys are about."""
        return self.groups.member(self.currentIndex())

    def _lay_out(self) -> None:
        held, place = self.verticalScrollBar().value(), self._place()
        across = max(1, (self.viewport().width() - ABOUT) // CELL)
        self.groups.show(self._shown, across)
        self.horizontalHeader().setDefaultSectionSize((self.viewport().width() - ABOUT) // across)
        self.setColumnWidth(0, ABOUT)
        self.updateGeometries()
        if self.groups.cells:
            self.setCurrentIndex(self.groups.index(*self.groups.cells[min(place, len(self.groups.cells) - 1)]))
        self.verticalScrollBar().setValue(held)

    def _place(self) -> int:
        """Which of all photos is the current one."""
        at = (self.currentIndex().row(), self.currentIndex().column())
        return self.groups.cells.index(at) if at in self.groups.cells else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many photos side by side as fit."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._lay_out()

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Say that another photo is current."""
        super().currentChanged(current, previous)
        self.moved.emit()

    def keyboardSearch(self, search: str) -> None:
        """Letters are the page's."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter looks for similar ones; letters are the page's."""
        member = self.current()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and member is not None:
            self.chosen.emit(member)
        elif event.text().isalpha() and not event.modifiers():
            self.pressed_key.emit(event.key())
        elif event.key() == Qt.Key.Key_Backspace:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the photo."""
        member = self.groups.member(self.indexAt(event.position().toPoint()))
        if member is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(member)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Arrows run on from the last photo of a row to the first of the next."""
        cells = self.groups.cells
        if not cells:
            return QModelIndex()
        move, place = QAbstractItemView.CursorAction, self._place()
        steps = {move.MoveLeft: -1, move.MovePrevious: -1, move.MoveRight: 1, move.MoveNext: 1}
        far = {move.MoveHome: 0, move.MoveEnd: len(cells) - 1}
        page = max(1, self.viewport().height() // self.verticalHeader().defaultSectionSize())
        rows = {move.MoveUp: -1, move.MoveDown: 1, move.MovePageUp: -page, move.MovePageDown: page}
        if action in rows:
            return self._beside(cells[place], rows[action])
        wanted = far.get(action, place + steps.get(action, 0))
        return self.groups.index(*cells[min(max(wanted, 0), len(cells) - 1)])

    def _beside(self, cell: tuple[int, int], rows: int) -> QModelIndex:
        """The cell so many rows further, in the same column or the last one that holds a photo."""
        row = min(max(cell[0] + rows, 0), len(self.groups.lines) - 1)
        line = self.groups.lines[row]
        return self.groups.index(row, min(cell[1], line.stop - line.start))

    def sizeHint(self) -> QSize:
        """Room for four photos side by side."""
        return QSize(ABOUT + 4 * CELL, 500)


class _Painter(QStyledItemDelegate):
    """Paints the cells."""

    def __init__(self, view: GroupsView, duplicates: Duplicates, tiles: Tiles, theme: Theme) -> None:
        super().__init__(view)
        self._view, self._duplicates, self._tiles, self._theme = view, duplicates, tiles, theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """One cell: words about a group, a photo, or nothing."""
        tokens, cell = self._theme.tokens, option.rect
        line, member = self._view.groups.lines[index.row()], self._view.groups.member(index)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if line.start == 0 and index.row():
            painter.setPen(QColor(tokens.line))
            painter.drawLine(cell.topLeft(), cell.topRight())
        if member is not None:
            state: QStyle.StateFlag = option.state
            self._paint_photo(painter, cell, member, state)
        elif index.column() == 0 and line.start == 0:
            _paint_about(painter, cell, line.group, tokens)
        painter.restore()

    def _paint_photo(self, painter: QPainter, cell: QRect, member: Member, state: QStyle.StateFlag) -> None:
        tokens = self._theme.tokens
        square = QRect(cell.left() + PADDING, cell.top() + PADDING, SIDE, SIDE)
        card = QRectF(cell.left() + 5, cell.top() + 5, CELL - 10, cell.height() - 10)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(tokens.hover) if state & QStyle.StateFlag.State_MouseOver else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        photo = self._tiles.one(member.photo)
        pixmap = self._tiles.thumbnail(photo, round(SIDE * self._view.devicePixelRatioF())) if photo else None
        if pixmap is not None and not pixmap.isNull():
            painter.drawPixmap(fitted(pixmap, square), pixmap)
        size = f"{photo.width:,} x {photo.height:,}" if photo else ""
        _paint_text(painter, square, member, size, tokens)
        if member in self._duplicates.kept:
            _paint_kept(painter, square.topLeft(), tokens)


def _paint_about(painter: QPainter, cell: QRect, group: list[Member], tokens: Tokens) -> None:
    """How many photos the group has, and how far they are from the best."""
    copies = all(member.photo == group[0].photo for member in group)
    lines = [words.count(len(group), "copy", "copies") if copies else words.count(len(group), "photo")]
    lines += ["the same content"] if copies else [f"up to {max(member.distance for member in group):.3f} away"]
    base = painter.font()
    place = QRect(cell.left() + 16, cell.top() + PADDING, ABOUT - 20, 18)
    painter.setPen(QColor(tokens.text))
    painter.setFont(sized(base, BODY, bold=True))
    painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, lines[0])
    painter.setPen(QColor(tokens.muted))
    painter.setFont(numbers(sized(base, CAPTION)))
    painter.drawText(place.translated(0, 18), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, lines[1])


def _paint_text(painter: QPainter, square: QRect, member: Member, size: str, tokens: Tokens) -> None:
    """The name; below it the size and the distance, or, where the content is the same, the folder."""
    folder, _, name = member.path.rpartition("/")
    base = painter.font()
    place = QRect(square.left(), square.bottom() + 5, square.width(), 17)
    painter.setPen(QColor(tokens.text))
    painter.setFont(sized(base, BODY))
    middle = Qt.TextElideMode.ElideMiddle
    painter.drawText(place, 0, QFontMetrics(painter.font()).elidedText(name, middle, place.width()))
    painter.setPen(QColor(tokens.muted))
    painter.setFont(numbers(sized(base, CAPTION)))
    second = f"{size}  ·  {member.distance:.3f}" if member.distance else size or folder
    painter.drawText(place.translated(0, 17), 0, QFontMetrics(painter.font()).elidedText(second, middle, place.width()))


def _paint_kept(painter: QPainter, corner: QPoint, tokens: Tokens) -> None:
    """A word in the corner of the picture."""
    painter.setFont(sized(painter.font(), CAPTION, bold=True))
    place = QRect(corner.x(), corner.y(), QFontMetrics(painter.font()).horizontalAdvance("keep") + 14, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.accent))
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(QColor(tokens.on_accent))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "keep")
