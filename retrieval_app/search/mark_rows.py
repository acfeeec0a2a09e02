"""The marked pictures of a query, small, in rows: each says how much it counts and can be taken away."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from indexer.search.query import Example
from retrieval_app import wording as words
from retrieval_app.session.marks import Mark, same
from retrieval_app.widgets.controls import label
from retrieval_app.widgets.theme import CAPTION, Theme, numbers, sized
from retrieval_app.widgets.tile_painter import fitted

SIDE = 44  # px
COLUMNS = 3
SHOWN = 9  # of one row; further ones are counted
STEPS = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}


class MarkRow(QWidget):
    """Pictures marked alike, under a line that says how."""

    removed = Signal(object)  # Example
    weighed = Signal(object, int)  # Example, 1 or -1

    def __init__(self, theme: Theme, title: str, look: Callable[[Example], QPixmap | None]) -> None:
        super().__init__()
        self._theme = theme
        self._look = look
        self._cells = QGridLayout()
        self._cells.setSpacing(8)
        self._cells.setColumnStretch(COLUMNS, 1)
        self._rest = label("", "caption")
        self.buttons: list[MarkButton] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addWidget(label(title, "caption"))
        column.addLayout(self._cells)
        column.addWidget(self._rest)

    def show_marks(self, found: Sequence[Mark]) -> None:
        """Show these; nothing at all where there are none. A picture that stays keeps the keys."""
        before, self.buttons = self.buttons, []
        for number, mark in enumerate(found[:SHOWN]):
            kept = next((button for button in before if same(button.mark.example, mark.example)), None)
            self.buttons.append(kept or self._button(mark))
            self.buttons[-1].show_mark(mark)
            self._cells.addWidget(self.buttons[-1], number // COLUMNS, number % COLUMNS)
        for button in before:
            if button not in self.buttons:
                button.hide()
                button.deleteLater()
        self._rest.setText(f"and {words.count(len(found) - SHOWN, 'more picture')}")
        self._rest.setVisible(len(found) > SHOWN)
        self.setVisible(bool(found))

    def _button(self, mark: Mark) -> "MarkButton":
        button = MarkButton(self._theme, mark, partial(self._look, mark.example))
        button.clicked.connect(partial(self._remove, mark.example))
        button.weighed.connect(partial(self.weighed.emit, mark.example))
        return button

    def _remove(self, example: Example) -> None:
        self.removed.emit(example)


class MarkButton(QAbstractButton):
    """One marked picture: a click takes it away, plus and minus make it count more or less."""

    weighed = Signal(int)

    def __init__(self, theme: Theme, mark: Mark, look: Callable[[], QPixmap | None]) -> None:
        super().__init__()
        self._theme = theme
        self._look = look
        self.mark = mark
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_mark(self, mark: Mark) -> None:
        """Say how much the picture counts."""
        self.mark = mark
        alike = "More" if mark.times > 0 else "Less"
        self.setToolTip(f"{alike} like this. Click to take it away, + and - to make it count more or less.")
        self.setAccessibleName(f"{alike} like this, counted {words.count(abs(mark.times), 'time')}")
        self.update()

    def sizeHint(self) -> QSize:
        """A small square."""
        return QSize(SIDE, SIDE)

    def event(self, event: QEvent) -> bool:
        """Plus and minus are this picture's while it has the keys, not the window's."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in STEPS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus and minus weigh, Delete takes away."""
        if event.key() in STEPS:
            self.weighed.emit(STEPS[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Delete:
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The picture; a cross under the pointer, else how often it counts."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        pen = QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine) if self.hasFocus() else QPen(QColor(tokens.line))
        painter.setPen(pen)
        painter.setBrush(QColor(tokens.ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        pixmap = self._look()
        if pixmap is not None and not pixmap.isNull():
            place = fitted(pixmap, self.rect().adjusted(3, 3, -3, -3))
            sharp = place.size() * self.devicePixelRatioF()
            smooth = Qt.TransformationMode.SmoothTransformation  # the painter's own leaves jags at this size
            painter.drawPixmap(place, pixmap.scaled(sharp, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
        text = "\N{MULTIPLICATION SIGN}" if self.underMouse() else str(abs(self.mark.times))
        if self.underMouse() or abs(self.mark.times) > 1:
            self._tag(painter, text if self.underMouse() else f"\N{MULTIPLICATION SIGN}{text}")
        painter.end()

    def _tag(self, painter: QPainter, text: str) -> None:
        tokens = self._theme.tokens
        place = QRect(self.width() - 20, 2, 18, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.text))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(QColor(tokens.surface))
        painter.setFont(numbers(sized(painter.font(), CAPTION, bold=True)))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
