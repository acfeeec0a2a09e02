"""The verdict of a training: the sentence, the table before and after, and examples side by side."""

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from indexer.paths import show_path
from retrieval_app.fine_tuning.outcome import RANKS, Example, Figures, Found, Outcome
from retrieval_app.session.tiles import read_image
from retrieval_app.widgets.controls import label
from retrieval_app.widgets.theme import CAPTION, Theme, numbers, sized
from retrieval_app.widgets.tile_painter import RADIUS, fitted
from retrieval_app.workers.generator_thread import Background

MARGIN, LARGEST, GAP, BETWEEN, MARK = 24, 88, 4, 12, 3  # px: side of a picture, room between, height of the mark
SIDE = 2 * LARGEST  # pictures are read for a display of two pixels per point
HEADINGS = ("P@1", "R-precision", "MAP@R", *(f"hit@{rank}" for rank in RANKS))
MEANINGS = (
    "P@1: how often the nearest picture is of the same class. R-precision: the share of its class among the R nearest, "
    "R being the size of the class. MAP@R: the same, with early places counting more; the verdict rests on it. "
    "hit@5, hit@10: how often at least one of so many nearest is of the class."
)
LEGEND = (
    "Test pictures, taken by a fixed rule and not chosen, and what is nearest to each among the other test pictures. "
    "A long blue line below: of the query's class. A short grey one: of another."
)


class VerdictView(QScrollArea):
    """The third page of fine-tuning."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.pictures: dict[bytes, QPixmap] = {}
        self._reader = Background(self)
        self._reader.stepped.connect(self._take)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.title = label("", "title")
        self.why = label("", wrap=True)
        self.table: QWidget | None = None
        self.examples: Examples | None = None

    def show_outcome(self, outcome: Outcome) -> None:
        """Fill the page; the pictures come in one after the other."""
        self.title = label("Better than before" if outcome.install else "Not clearly better than before", "title")
        self.why = label(outcome.why, wrap=True)
        self.table = table(outcome)
        self.examples = Examples(outcome.examples, self.pictures, self._theme)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(MARGIN, 16, MARGIN, 16)
        column.setSpacing(8)
        for sentence in (self.title, self.why, *(label(remark, "muted", wrap=True) for remark in outcome.remarks)):
            column.addWidget(sentence)
        column.addSpacing(8)
        column.addWidget(self.table)
        column.addWidget(label(MEANINGS, "caption", wrap=True))
        column.addSpacing(8)
        column.addWidget(self.examples)
        column.addStretch(1)
        self.setWidget(inside)
        self._fit()
        self.pictures.clear()
        self._reader.run(_read(list(outcome.pictures())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pictures follow the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.examples is not None:
            self.examples.fit(self.viewport().width() - 2 * MARGIN)

    def close_reader(self) -> None:
        """End the thread."""
        self._reader.close()

    def _take(self, read: "_Read") -> None:
        self.pictures[read.path] = QPixmap.fromImage(read.image)
        if self.examples is not None:
            self.examples.refresh()


class _Read(NamedTuple):
    path: bytes
    image: QImage  # a null image where it cannot be read


def _read(paths: Iterable[bytes]) -> Generator[_Read, None, None]:
    """The pictures, fitted into a square of SIDE pixels."""
    for path in paths:
        yield _Read(path, read_image(path, SIDE))


def table(outcome: Outcome) -> QWidget:
    """One row for each model and one for the change, figures in columns."""
    place = QWidget()
    cells = QGridLayout(place)
    cells.setContentsMargins(0, 0, 0, 0)
    cells.setHorizontalSpacing(20)
    cells.setVerticalSpacing(6)
    cells.setColumnStretch(0, 1)
    before, *others = outcome.pretrained
    rows = [("Raw pixels, for comparison", outcome.pixels, "muted")] if outcome.pixels else []
    rows += [(sentence_case(other.model), other, "muted") for other in others]
    rows += [(f"Before: {before.model}", before, ""), (f"After: {outcome.after.model}", outcome.after, "name")]
    for column, heading in enumerate(HEADINGS, 1):
        cells.addWidget(_figure(heading, "section"), 0, column)
    for row, (name, figures, role) in enumerate(rows, 1):
        cells.addWidget(label(name, role), row, 0)
        for column, value in enumerate(_values(figures), 1):
            cells.addWidget(_figure(f"{value:.3f}", role), row, column)
    _add_change(cells, len(rows) + 1, outcome)
    return place


def _add_change(cells: QGridLayout, row: int, outcome: Outcome) -> None:
    thin = QFrame()
    thin.setProperty("role", "line")
    thin.setFixedHeight(1)
    cells.addWidget(thin, row, 0, 1, len(HEADINGS) + 1)
    cells.addWidget(label("Change"), row + 1, 0)
    pairs = zip(_values(outcome.pretrained[0]), _values(outcome.after), strict=True)
    for column, (old, new) in enumerate(pairs, 1):
        cells.addWidget(_figure(f"{new - old:+.3f}"), row + 1, column)
    told = label(f"95 % interval, over {outcome.map_at_r.over}", "muted")
    cells.addWidget(told, row + 2, 0, Qt.AlignmentFlag.AlignTop)
    for heading, change in (("P@1", outcome.p_at_1), ("MAP@R", outcome.map_at_r)):
        interval = _figure(f"{change.low:+.3f}\nto {change.high:+.3f}", "muted")
        cells.addWidget(interval, row + 2, 1 + HEADINGS.index(heading))


def _values(figures: Figures) -> tuple[float, ...]:
    return (figures.p_at_1, figures.r_precision, figures.map_at_r, *figures.hits)


def _figure(text: str, role: str = "") -> QLabel:
    result = label(text, role)
    result.setFont(numbers(result.font()))
    result.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return result


def sentence_case(text: str) -> str:
    """The first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


class Examples(QWidget):
    """A row for each query: itself, the nearest before, the nearest after."""

    def __init__(self, examples: tuple[Example, ...], pictures: Mapping[bytes, QPixmap], theme: Theme) -> None:
        super().__init__()
        self._cells: list[Cell] = []
        self._columns = 1
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label("Examples", "name"))
        column.addWidget(label(LEGEND, "caption", wrap=True))
        column.addLayout(self._grid)
        if examples:
            self._fill(examples, pictures, theme)

    def _fill(self, examples: tuple[Example, ...], pictures: Mapping[bytes, QPixmap], theme: Theme) -> None:
        hits = max(len(example.before) for example in examples)
        self._columns = 1 + 2 * hits
        starts = (0, 2, 3 + hits)  # narrow empty columns stand between the three
        for side, column in zip(("before", "after"), starts[1:], strict=True):
            self._grid.setColumnMinimumWidth(column - 1, BETWEEN)
            self._grid.addWidget(label(_tally(side, examples), "section"), 0, column, 1, hits)
        self._grid.addWidget(label("Query", "section"), 0, 0)
        for row, example in enumerate(examples, 1):
            for start, found in zip(starts, ((example.query,), example.before, example.after), strict=True):
                for place, one in enumerate(found):
                    cell = Cell(one, pictures, theme, query=start == 0)
                    self._cells.append(cell)
                    self._grid.addWidget(cell, row, start + place)
        self._grid.setColumnStretch(starts[2] + hits, 1)

    def refresh(self) -> None:
        """Pictures have come in."""
        for cell in self._cells:
            cell.update()

    def fit(self, width: int) -> None:
        """Make the pictures as large as there is room for, up to LARGEST."""
        room = width - (self._columns + 2) * GAP - 2 * BETWEEN
        side = max(MARK, min(LARGEST, room // self._columns))
        for cell in self._cells:
            cell.setFixedSize(side, side + 2 * MARK)


def _tally(side: str, examples: tuple[Example, ...]) -> str:
    found = [one for example in examples for one in (example.before if side == "before" else example.after)]
    return f"{side.capitalize()}: {sum(one.right for one in found)} of {len(found)} of the query's class"


class Cell(QWidget):
    """One picture, marked below as of the query's class or not; the query has no mark."""

    def __init__(self, found: Found, pictures: Mapping[bytes, QPixmap], theme: Theme, *, query: bool) -> None:
        super().__init__()
        self.found, self._pictures, self._theme, self._query = found, pictures, theme, query
        name = show_path(found.path.rpartition(b"/")[2])
        said = "query" if query else "same class" if found.right else "another class"
        self.setAccessibleName(f"{name}, {said}")
        self.setToolTip(f"<p>{_escaped(name)}<br>{said}</p>")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The neutral ground, the picture fitted in it, the mark below."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRect(0, 0, self.width(), self.width())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.ground))
        painter.drawRoundedRect(place, RADIUS, RADIUS)
        pixmap = self._pictures.get(self.found.path)
        if pixmap is not None and pixmap.isNull():
            painter.setPen(QPen(QColor(tokens.muted)))
            painter.setFont(sized(self.font(), CAPTION))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "cannot be shown")
        elif pixmap is not None:
            painter.drawPixmap(fitted(pixmap, place.adjusted(4, 4, -4, -4)), pixmap)
        if not self._query:
            right = self.found.right
            length = self.width() if right else self.width() // 4
            painter.fillRect(0, self.width() + MARK, length, MARK, QColor(tokens.accent if right else tokens.muted))
        painter.end()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
