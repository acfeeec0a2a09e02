"""The verdict of a training: what it came to in two sentences, figures folded below, and examples side by side."""

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from indexer.paths import show_file_name
from indexer.wording import count_noun, format_number, tr
from retrieval_app.session.tiles import read_image
from retrieval_app.widgets.controls import FoldedSection, make_label, stack_widgets
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import CAPTION_SIZE, Theme, make_tabular_font, resize_font
from retrieval_app.widgets.tile_painter import CORNER_RADIUS, fit_pixmap
from retrieval_app.workers.generator_thread import GeneratorThread
from training.judging.record import (
    HIT_RANKS,
    MAX_NAME_LENGTH,
    ExampleHit,
    RecordedExample,
    RecordedFigures,
    TrainingRecord,
)
from training.judging.verdict_wording import describe_change, describe_matches, describe_meaning, describe_nearest

PAGE_MARGIN = 24  # px around the page
NAME_WIDTH = 420  # px of the name at most
MAX_SIDE = 88  # px of the side of a picture
PICTURE_GAP, GROUP_GAP = 4, 12  # px between two pictures, and beside the query
MARK_HEIGHT = 3  # px of the line below a picture
READ_SIDE = 2 * MAX_SIDE  # px, enough for a display of two pixels per point
FIGURE_HEADINGS = ("P@1", tr("R-precision"), tr("MAP@R"), *(tr("hit@{rank}", rank=rank) for rank in HIT_RANKS))
FIGURE_MEANINGS = (
    "P@1: how often the nearest picture is of the same class. R-precision: the share of its class among the R nearest, "
    "R being the size of the class. MAP@R: the same, with early places counting more; the verdict rests on it. "
    "hit@5, hit@10: how often at least one of so many nearest is of the class."
)
EXAMPLES_LEGEND = tr(
    "Pictures that it had not seen, taken by a fixed rule and not chosen, and what is nearest to "
    "each among them. A long blue line below: of the same kind. A short grey one: of another."
)


class VerdictView(QScrollArea):
    """The third page of fine-tuning, filled anew for each outcome; the name of the new model can be changed there."""

    name_given = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.pictures: dict[bytes, QPixmap] = {}
        self._reader = GeneratorThread(self)
        self._reader.stepped.connect(self._take_picture)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.name_field = QLineEdit()
        self.title_label = make_label("", "title", wrap=True)
        self.meaning_label = make_label("", wrap=True)
        self.naming_label = make_label("", wrap=True)
        self.doubt_section: FoldedSection | None = None
        explain_figure(self, "verdict")
        self.figure_section: FoldedSection | None = None
        self.example_grid: ExampleGrid | None = None

    def show_outcome(self, outcome: TrainingRecord) -> None:
        """Fill the page; the pictures are read in a thread and appear one after the other."""
        self.title_label = make_label(describe_nearest(outcome), "title", wrap=True)
        self.meaning_label = make_label(describe_meaning(outcome), wrap=True)
        self.naming_label = make_label(outcome.identification_sentence, wrap=True)
        self.naming_label.setVisible(bool(outcome.identification_sentence))
        why = make_label(describe_change(outcome), wrap=True)
        remarks = [make_label(remark, "muted", wrap=True) for remark in list_remarks(outcome)]
        self.doubt_section = FoldedSection(tr("How sure?"), stack_widgets(why, *remarks))
        meanings = make_label(FIGURE_MEANINGS, "caption", wrap=True)
        self.figure_section = FoldedSection(tr("Figures"), stack_widgets(build_figure_table(outcome), meanings))
        self.example_grid = ExampleGrid(outcome.examples, self.pictures, self._theme)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(PAGE_MARGIN, 16, PAGE_MARGIN, 16)
        column.setSpacing(8)
        column.addWidget(self._create_name_field(outcome.name))
        for sentence in (self.title_label, self.meaning_label, self.naming_label):
            column.addWidget(sentence)
        for section in (self.doubt_section, self.figure_section):
            column.addWidget(section)
        column.addSpacing(8)
        column.addWidget(self.example_grid)
        column.addStretch(1)
        self.setWidget(content)
        self._fit_examples()
        self.pictures.clear()
        self._reader.run_steps(_load_pictures(outcome.list_pictures()))

    def _create_name_field(self, name: str) -> QLineEdit:
        self.name_field = QLineEdit(name)
        self.name_field.setMaxLength(MAX_NAME_LENGTH)
        self.name_field.setMaximumWidth(NAME_WIDTH)
        self.name_field.setAccessibleName(tr("Name of the new model"))
        self.name_field.setToolTip(tr("The new model is called so wherever it is shown"))
        self.name_field.editingFinished.connect(lambda: self.name_given.emit(self.name_field.text()))
        return self.name_field

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the pictures into the new width."""
        super().resizeEvent(event)
        self._fit_examples()

    def _fit_examples(self) -> None:
        if self.example_grid is not None:
            self.example_grid.fit_width(self.viewport().width() - 2 * PAGE_MARGIN)

    def close_reader(self) -> None:
        """End the thread that reads pictures."""
        self._reader.close()

    def _take_picture(self, loaded: "_LoadedPicture") -> None:
        self.pictures[loaded.path] = QPixmap.fromImage(loaded.image)
        if self.example_grid is not None:
            self.example_grid.refresh_pictures()


class _LoadedPicture(NamedTuple):
    """A picture of an example, and the path it was read from."""

    path: bytes
    image: QImage  # a null image where it cannot be read


def _load_pictures(paths: Iterable[bytes]) -> Generator[_LoadedPicture, None, None]:
    """Read pictures one by one, fitted into a square of READ_SIDE px."""
    for path in paths:
        yield _LoadedPicture(path, read_image(path, READ_SIDE))


def list_remarks(outcome: TrainingRecord) -> list[str]:
    """Sentences below the verdict: epoch and embedding taken, remarks, scope of thresholds, unreadable pictures."""
    embedding = tr(
        "the embedding of the {embedding}, {dim:,} numbers per picture", embedding=outcome.embedding, dim=outcome.dim
    )
    epoch_sentences = (
        []
        if outcome.is_out_of_fold
        else [tr("Taken: {epoch_note}, with {embedding}.", epoch_note=outcome.epoch_note, embedding=embedding)]
    )
    remarks = [*epoch_sentences, *outcome.remarks]
    if outcome.scope:
        remarks.append(outcome.scope)
    if outcome.unreadable:
        remarks.append(
            tr(
                "{pictures} could not be read and took no part.",
                pictures=count_noun(len(outcome.unreadable), "picture"),
            )
        )
    return remarks


def build_figure_table(outcome: TrainingRecord) -> QWidget:
    """The table of figures: a column for each figure; rows for the models, the change and its interval."""
    place = QWidget()
    cells = QGridLayout(place)
    cells.setContentsMargins(0, 0, 0, 0)
    cells.setHorizontalSpacing(20)
    cells.setVerticalSpacing(6)
    cells.setColumnStretch(0, 1)
    before, *other_pretrained = outcome.pretrained
    rows = [(tr("Raw pixels, for comparison"), outcome.pixels, "muted")] if outcome.pixels else []
    rows += [(sentence_case(other.model), other, "muted") for other in other_pretrained]
    rows += [
        (tr("Before: {model}", model=before.model), before, ""),
        (tr("After: {model}", model=outcome.after.model), outcome.after, "name"),
    ]
    for column, heading in enumerate(FIGURE_HEADINGS, 1):
        cells.addWidget(_create_figure_label(heading, "section"), 0, column)
    for row, (name, figures, role) in enumerate(rows, 1):
        cells.addWidget(make_label(name, role), row, 0)
        for column, value in enumerate(_list_figures(figures), 1):
            cells.addWidget(_create_figure_label(format_number(value, ".3f"), role), row, column)
    _add_change_rows(cells, len(rows) + 1, outcome)
    return place


def _add_change_rows(cells: QGridLayout, row: int, outcome: TrainingRecord) -> None:
    rule = QFrame()
    rule.setProperty("role", "line")
    rule.setFixedHeight(1)
    cells.addWidget(rule, row, 0, 1, len(FIGURE_HEADINGS) + 1)
    cells.addWidget(make_label(tr("Change")), row + 1, 0)
    pairs = zip(_list_figures(outcome.pretrained[0]), _list_figures(outcome.after), strict=True)
    for column, (before, after) in enumerate(pairs, 1):
        cells.addWidget(_create_figure_label(format_number(after - before, "+.3f")), row + 1, column)
    interval_label = make_label(
        tr("95 % interval, over {resampling_unit}", resampling_unit=outcome.map_at_r_change.resampling_unit), "muted"
    )
    cells.addWidget(interval_label, row + 2, 0, Qt.AlignmentFlag.AlignTop)
    for heading, change in (("P@1", outcome.p_at_1_change), (tr("MAP@R"), outcome.map_at_r_change)):
        interval = _create_figure_label(tr("{low:+.3f}\nto {high:+.3f}", low=change.low, high=change.high), "muted")
        cells.addWidget(interval, row + 2, 1 + FIGURE_HEADINGS.index(heading))


def _list_figures(figures: RecordedFigures) -> tuple[float, ...]:
    return (figures.p_at_1, figures.r_precision, figures.map_at_r, *figures.hit_rates)


def _create_figure_label(text: str, role: str = "") -> QLabel:
    result = make_label(text, role)
    result.setFont(make_tabular_font(result.font()))
    result.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return result


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


class ExampleGrid(QWidget):
    """A row for each example: the query, its nearest before the training, its nearest after it."""

    def __init__(self, examples: tuple[RecordedExample, ...], pictures: Mapping[bytes, QPixmap], theme: Theme) -> None:
        super().__init__()
        self._cells: list[ExampleCell] = []
        self._columns = 1
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(PICTURE_GAP)
        self._grid.setVerticalSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(make_label(tr("Examples"), "name"))
        column.addWidget(make_label(EXAMPLES_LEGEND, "caption", wrap=True))
        column.addLayout(self._grid)
        if examples:
            self._fill_grid(examples, pictures, theme)

    def _fill_grid(
        self, examples: tuple[RecordedExample, ...], pictures: Mapping[bytes, QPixmap], theme: Theme
    ) -> None:
        hits = max(len(example.before) for example in examples)
        self._columns = 1 + 2 * hits
        starts = (0, 2, 3 + hits)  # narrow empty columns stand between the three
        for side, column in zip(("before", "after"), starts[1:], strict=True):
            self._grid.setColumnMinimumWidth(column - 1, GROUP_GAP)
            self._grid.addWidget(make_label(describe_matches(side, examples), "section"), 0, column, 1, hits)
        self._grid.addWidget(make_label(tr("Query"), "section"), 0, 0)
        for row, example in enumerate(examples, 1):
            for start, example_hits in zip(starts, ((example.query,), example.before, example.after), strict=True):
                for place, hit in enumerate(example_hits):
                    cell = ExampleCell(hit, pictures, theme, query=start == 0)
                    self._cells.append(cell)
                    self._grid.addWidget(cell, row, start + place)
        self._grid.setColumnStretch(starts[2] + hits, 1)

    def refresh_pictures(self) -> None:
        """Paint pictures that have been read since."""
        for cell in self._cells:
            cell.update()

    def fit_width(self, width: int) -> None:
        """Make the pictures as large as fits into a width in px, up to MAX_SIDE."""
        room = width - (self._columns + 2) * PICTURE_GAP - 2 * GROUP_GAP
        side = max(MARK_HEIGHT, min(MAX_SIDE, room // self._columns))
        for cell in self._cells:
            cell.setFixedSize(side, side + 2 * MARK_HEIGHT)


class ExampleCell(QWidget):
    """A picture; below a hit a line, long and blue for the query's class, short and grey for another."""

    def __init__(self, hit: ExampleHit, pictures: Mapping[bytes, QPixmap], theme: Theme, *, query: bool) -> None:
        super().__init__()
        self.hit, self._pictures, self._theme, self._is_query = hit, pictures, theme, query
        name = show_file_name(hit.path)
        description = "query" if query else tr("same class") if hit.same_class else tr("another class")
        self.setAccessibleName(f"{name}, {description}")
        self.setToolTip(f"<p>{_escape_html(name)}<br>{description}</p>")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the neutral ground, the picture fitted in it, and the line below."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRect(0, 0, self.width(), self.width())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.ground))
        painter.drawRoundedRect(place, CORNER_RADIUS, CORNER_RADIUS)
        pixmap = self._pictures.get(self.hit.path)
        if pixmap is not None and pixmap.isNull():
            painter.setPen(QPen(QColor(tokens.muted)))
            painter.setFont(resize_font(self.font(), CAPTION_SIZE))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, tr("cannot be shown"))
        elif pixmap is not None:
            painter.drawPixmap(fit_pixmap(pixmap, place.adjusted(4, 4, -4, -4)), pixmap)
        if not self._is_query:
            length = self.width() if self.hit.same_class else self.width() // 4
            colour = QColor(tokens.accent if self.hit.same_class else tokens.muted)
            painter.fillRect(0, self.width() + MARK_HEIGHT, length, MARK_HEIGHT, colour)
        painter.end()


def _escape_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
