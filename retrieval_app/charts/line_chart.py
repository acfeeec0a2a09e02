"""Line charts with labels beside the curves and the values under the pointer. The only user of pyqtgraph.

Importing pyqtgraph takes half a second, so this file is only imported when a chart is about to be shown.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from indexer.wording import format_number, tr
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, mix_disabled_colour, resize_font

LABEL_ROOM = 0.2  # of the width, to the right of the last point, for the labels
LEFT_ROOM = 0.02  # of the width, to the left of the first point, which would be cut otherwise
TICK_COUNT = 8


class ChartLine(NamedTuple):
    """A curve: its label beside the last point ("" for none), its points, and how it is drawn."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    strong: bool = True  # in the accent colour
    dots: bool = False  # at each point


class LineChart(QWidget):
    """One plot with a title; `draw_lines` replaces all of its curves."""

    def __init__(self, theme: Theme, title: str, bottom: str, left: str) -> None:
        super().__init__()
        self._theme = theme
        self._bottom = bottom
        self.lines: list[ChartLine] = []
        self._x_end = 1.0
        self._items: list[Any] = []
        self.readout = ElidedLabel("caption", Qt.TextElideMode.ElideRight)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.plot = pg.PlotWidget()
        self._pointer_line = pg.InfiniteLine(angle=90, movable=False)
        self.copy_button = make_button(tr("Copy as picture"), "link")
        self.copy_button.setStyleSheet("padding-right: 0;")
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setPixmap(self.grab()))
        self._set_up_plot(bottom, left)
        self._arrange_widgets(title)
        theme.changed.connect(self._redraw_plot)
        self._redraw_plot()

    def _set_up_plot(self, bottom: str, left: str) -> None:
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setAntialiasing(True)
        self.plot.setMinimumSize(240, 160)
        self.plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.plot.setLabel("bottom", bottom)
        self.plot.setLabel("left", left)
        self.plot.scene().sigMouseMoved.connect(self._point_at)
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(
                tickFont=make_tabular_font(resize_font(self.font(), CAPTION_SIZE)), tickLength=-4, maxTickLevel=0
            )

    def _arrange_widgets(self, title: str) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(make_label(title, "name"))
        head.addWidget(self.readout, 1)
        head.addWidget(self.copy_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.plot, 1)

    def draw_lines(self, lines: Sequence[ChartLine], end: float) -> None:
        """Show these lines; the x axis ends at `end` from the first drawing on, which shows how much is to come."""
        self.lines, self._x_end = [line for line in lines if len(line.xs)], max(1.0, end)
        self._redraw_plot()

    def _redraw_plot(self) -> None:
        tokens = self._theme.tokens
        self.plot.setBackground(tokens.surface)
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.muted)
            axis.labelStyle = {"color": tokens.muted, "font-size": f"{CAPTION_SIZE}px"}
            axis.setLabel(axis.labelText)
        self._pointer_line.setPen(tokens.muted, style=Qt.PenStyle.DotLine)
        self.plot.clear()
        self._pointer_line.hide()
        self.plot.addItem(self._pointer_line, ignoreBounds=True)
        for line in self.lines:
            self._add_line(line)
        self._label_ends()
        self._scale_axes()

    def _add_line(self, line: ChartLine) -> None:
        colour = self._line_colour(line)
        pen = pg.mkPen(colour, width=2 if line.strong else 1.5 if line.dots else 1)
        marks: dict[str, Any] = {}
        if line.dots:
            ground = self._theme.tokens.surface
            marks = {"symbol": "o", "symbolSize": 6, "symbolPen": pen, "symbolBrush": colour if line.strong else ground}
        self.plot.addItem(pg.PlotDataItem(list(line.xs), list(line.ys), pen=pen, **marks))

    def _line_colour(self, line: ChartLine) -> QColor:
        tokens = self._theme.tokens
        if line.strong:
            return QColor(tokens.accent)
        return QColor(tokens.muted) if line.name else mix_disabled_colour(tokens)

    def _label_ends(self) -> None:
        """Write names beside the last points: the highest above its point, others below, apart from each other."""
        named = sorted((line for line in self.lines if line.name), key=lambda line: -line.ys[-1])
        for rank, line in enumerate(named):
            text = pg.TextItem(line.name, color=self._line_colour(line), anchor=(0, 0 if rank > 0 else 1))
            text.setFont(resize_font(self.font(), CAPTION_SIZE))
            text.setPos(line.xs[-1], line.ys[-1])
            self.plot.addItem(text, ignoreBounds=True)

    def _scale_axes(self) -> None:
        values = [value for line in self.lines for value in line.ys]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        room = max(high - low, abs(high) * 0.1, 1e-3) * 0.15
        self.plot.setXRange(-self._x_end * LEFT_ROOM, self._x_end * (1 + LABEL_ROOM), padding=0)
        self.plot.setYRange(max(0.0, low - room) if low >= 0 else low - room, high + room, padding=0)
        step = max(1, round(self._x_end / TICK_COUNT))
        self.plot.getAxis("bottom").setTicks(
            [[(x, format_number(x, ",")) for x in range(0, round(self._x_end) + 1, step)]]
        )

    def _point_at(self, position: QPointF) -> None:
        """Show the values at the x nearest to a position in the scene; nothing where that is outside of the plot."""
        named = [line for line in self.lines if line.name]
        box = self.plot.getPlotItem().vb
        if not named or not box.sceneBoundingRect().contains(position):
            self._pointer_line.hide()
            self.readout.clear()
            return
        pointed_x = box.mapSceneToView(position).x()
        nearest_x = min(named[0].xs, key=lambda x: abs(x - pointed_x))
        values = [
            f"{line.name} {format_number(line.ys[list(line.xs).index(nearest_x)], '.3f')}"
            for line in named
            if nearest_x in line.xs
        ]
        self._pointer_line.setPos(nearest_x)
        self._pointer_line.show()
        self.readout.setText(f"{self._bottom} {format_number(nearest_x, ',.0f')}:  " + ",  ".join(values))
