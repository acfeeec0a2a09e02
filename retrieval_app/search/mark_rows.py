"""The marked pictures of a query, small, in rows: each shows how much it counts and can be removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.session.searching.marks import QueryMark, is_same_example
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import fit_pixmap
from retrieval_app.wording import format_count

if TYPE_CHECKING:
    from indexer.search.query import QueryExample

MARK_SIDE = 44  # px
MARK_COLUMNS = 3
MAX_MARKS_SHOWN = 9  # of one row; further ones are counted
WEIGHT_KEYS = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}


class MarkRow(QWidget):
    """The pictures marked with one sign, under a title."""

    removed = Signal(object)  # QueryExample
    weighed = Signal(object, int)  # QueryExample, 1 or -1

    def __init__(self, theme: Theme, title: str, get_pixmap: Callable[[QueryExample], QPixmap | None]) -> None:
        super().__init__()
        self._theme = theme
        self._get_pixmap = get_pixmap
        self._button_grid = QGridLayout()
        self._button_grid.setSpacing(8)
        self._button_grid.setColumnStretch(MARK_COLUMNS, 1)
        self._rest_label = make_label("", "caption")
        self.buttons: list[MarkButton] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addWidget(make_label(title, "caption"))
        column.addLayout(self._button_grid)
        column.addWidget(self._rest_label)

    def show_marks(self, query_marks: Sequence[QueryMark]) -> None:
        """Show these marks, or hide the row where there are none; a picture that stays keeps the keyboard focus."""
        previous_buttons, self.buttons = self.buttons, []
        for number, mark in enumerate(query_marks[:MAX_MARKS_SHOWN]):
            same_button = next(
                (button for button in previous_buttons if is_same_example(button.mark.example, mark.example)), None
            )
            self.buttons.append(same_button or self._make_button(mark))
            self.buttons[-1].show_mark(mark)
            self._button_grid.addWidget(self.buttons[-1], number // MARK_COLUMNS, number % MARK_COLUMNS)
        for button in previous_buttons:
            if button not in self.buttons:
                button.hide()
                button.deleteLater()
        self._rest_label.setText(
            tr("and {more_pictures}", more_pictures=format_count(len(query_marks) - MAX_MARKS_SHOWN, "more picture"))
        )
        self._rest_label.setVisible(len(query_marks) > MAX_MARKS_SHOWN)
        self.setVisible(bool(query_marks))

    def _make_button(self, mark: QueryMark) -> MarkButton:
        button = MarkButton(self._theme, mark, partial(self._get_pixmap, mark.example))
        button.clicked.connect(partial(self._emit_removed, mark.example))
        button.weighed.connect(partial(self.weighed.emit, mark.example))
        return button

    def _emit_removed(self, example: QueryExample) -> None:
        self.removed.emit(example)


class MarkButton(QAbstractButton):
    """One marked picture: a click removes it, plus and minus make it count more or less."""

    weighed = Signal(int)

    def __init__(self, theme: Theme, mark: QueryMark, get_pixmap: Callable[[], QPixmap | None]) -> None:
        super().__init__()
        self._theme = theme
        self._get_pixmap = get_pixmap
        self.mark = mark
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_mark(self, mark: QueryMark) -> None:
        """Show how much the picture counts."""
        self.mark = mark
        alike = tr("More") if mark.times > 0 else tr("Less")
        self.setToolTip(
            tr("{alike} like this. Click to take it away, + and - to make it count more or less.", alike=alike)
        )
        self.setAccessibleName(
            tr("{alike} like this, counted {times}", alike=alike, times=format_count(abs(mark.times), "time"))
        )
        self.update()

    def sizeHint(self) -> QSize:
        """A square of MARK_SIDE px."""
        return QSize(MARK_SIDE, MARK_SIDE)

    def event(self, event: QEvent) -> bool:
        """Claim plus and minus from the window while the picture has the keyboard focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in WEIGHT_KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Weigh with plus and minus, remove with Delete."""
        if event.key() in WEIGHT_KEYS:
            self.weighed.emit(WEIGHT_KEYS[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Delete:
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture with a cross under the pointer, else with how often it counts."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        pen = QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine) if self.hasFocus() else QPen(QColor(tokens.line))
        painter.setPen(pen)
        painter.setBrush(QColor(tokens.ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        pixmap = self._get_pixmap()
        if pixmap is not None and not pixmap.isNull():
            place = fit_pixmap(pixmap, self.rect().adjusted(3, 3, -3, -3))
            sharp = place.size() * self.devicePixelRatioF()
            smooth = Qt.TransformationMode.SmoothTransformation  # the painter's own leaves jags at this size
            painter.drawPixmap(place, pixmap.scaled(sharp, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
        text = "\N{MULTIPLICATION SIGN}" if self.underMouse() else str(abs(self.mark.times))
        if self.underMouse() or abs(self.mark.times) > 1:
            self._paint_tag(painter, text if self.underMouse() else f"\N{MULTIPLICATION SIGN}{text}")
        painter.end()

    def _paint_tag(self, painter: QPainter, text: str) -> None:
        tokens = self._theme.tokens
        place = QRect(self.width() - 20, 2, 18, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.text))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(QColor(tokens.surface))
        painter.setFont(make_tabular_font(resize_font(painter.font(), CAPTION_SIZE, bold=True)))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
