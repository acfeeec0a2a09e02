"""Which labels are taken for which, as a matrix with the photos of a cell, and which photos find their label worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.evaluation.confusion_matrix import Cell, ConfusionMatrix, MatrixLabel
from retrieval_app.evaluation.evaluation_report import EvaluationReport, RankedQuery
from retrieval_app.evaluation.evaluation_wording import describe_cell
from retrieval_app.evaluation.ranked_photos import RankedPhotos
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import arrange_parts, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import Theme

MOST_SHOWN = 40  # labels; more cells than that cannot be read
MATRIX_HELP = tr(
    "A row for each label: which label the photo nearest to each of its photos has. Green, along "
    "the diagonal: its own. Amber: another. A click shows the photos."
)
HARDEST_HELP = tr(
    "The photos that find the others of their label worst, each on the left, and what is nearest "
    "to it. A long green line below: of its label. A short amber one: of another. Look here for "
    "wrong labels. A click finds similar."
)


class MistakesView(QWidget):
    """The matrix on the left, on the right pairs of a photo and the nearest to it."""

    chosen = Signal(int)  # photo id

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self._report: EvaluationReport | None = None
        self._cells: dict[Cell, list[RankedQuery]] = {}
        self.matrix = ConfusionMatrix(tiles, theme)
        explain_figure(self, "mistakes")
        self.cell_label = make_label("", "name", wrap=True)
        self.help_label = make_label(MATRIX_HELP, "caption", wrap=True)
        self.photos = RankedPhotos(tiles, theme, tr("Photos of the chosen cell"))
        self.matrix.chosen.connect(self._show_cell)
        self.photos.chosen.connect(self.chosen)
        self._arrange_widgets()

    def _arrange_widgets(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self.matrix)
        left, right = QWidget(), QWidget()
        for side, widgets in ((left, (self.help_label, scroll)), (right, (self.cell_label, self.photos))):
            arrange_parts(QVBoxLayout(side), widgets, spacing=8, stretched=widgets[1:])
        panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setChildrenCollapsible(False)
        panes.setHandleWidth(16)
        panes.setStyleSheet("QSplitter::handle { background: transparent; }")
        for pane, stretch, least in ((left, 3, 320), (right, 2, 220)):
            pane.setMinimumWidth(least)
            panes.addWidget(pane)
            panes.setStretchFactor(panes.count() - 1, stretch)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(panes)

    def show_report(self, report: EvaluationReport) -> None:
        """Show the mistakes of a report, and choose the most frequent one."""
        self._report, self._cells = report, report.group_by_cell()
        places = choose_shown_labels(self._cells, MOST_SHOWN)
        first_photos = {query.label: query.photo_id for query in reversed(report.nearest)}
        for query in report.nearest:  # labels of a single photo, which are only found
            first_photos.setdefault(query.found[0].label, query.found[0].photo_id)
        labels = [MatrixLabel(place, report.names[place], first_photos[place]) for place in places]
        self.help_label.setText(MATRIX_HELP + _describe_choice(len(labels), report.names))
        self.matrix.show_counts(labels, {cell: len(queries) for cell, queries in self._cells.items()})
        if labels:
            self.matrix.choose_cell(*self._find_worst_cell(places))

    def choose_label(self, place: int) -> None:
        """Choose the most frequent mistake of a label, by its place among the names, if it is shown."""
        places = [label.place for label in self.matrix.labels]
        if place in places:
            self.matrix.choose_cell(*self._find_worst_cell(places, place))

    def _find_worst_cell(self, places: Sequence[int], own: int | None = None) -> Cell:
        """Row and column of the most frequent mistake among the shown labels, or of one of them by its place.

        Of the first label, or of this one, where there is none.
        """
        row_of = {place: row for row, place in enumerate(places)}
        mistakes = {
            cell: len(queries)
            for cell, queries in self._cells.items()
            if cell[0] != cell[1] and set(cell) <= row_of.keys() and own in (None, cell[0])
        }
        first = row_of.get(own, 0) if own is not None else 0
        if not mistakes:
            return first, first
        worst = max(mistakes, key=lambda cell: mistakes[cell])
        return row_of[worst[0]], row_of[worst[1]]

    def _show_cell(self, place: int, found: int) -> None:
        if self._report is None:
            return
        queries = self._cells.get((place, found), [])
        total = sum(len(others) for (own, _), others in self._cells.items() if own == place)
        names = self._report.names
        self.cell_label.setText(describe_cell(queries, total, names[place], names[found]))
        nearest_first = sorted(queries, key=lambda query: query.found[0].distance)
        self.photos.show_queries(nearest_first, names)


def choose_shown_labels(cells: dict[Cell, list[RankedQuery]], limit: int) -> list[int]:
    """The places of the labels to show, in their order: of more than `limit` those with the most mistakes."""
    mistakes: Counter[int] = Counter()
    for (own, found), queries in cells.items():
        for place in {own, found}:
            mistakes[place] += len(queries) if own != found else 0
    return sorted(place for place, _ in mistakes.most_common(limit))


def _describe_choice(shown: int, names: Sequence[str]) -> str:
    return (
        tr(" These are the {shown} of {names:,} labels with the most mistakes.", shown=shown, names=len(names))
        if shown < len(names)
        else ""
    )


class HardestView(QWidget):
    """A line of help above the rows."""

    def __init__(self, tiles: TileCache, theme: Theme) -> None:
        super().__init__()
        self.photos = RankedPhotos(tiles, theme, tr("Hardest photos and what is nearest to them"))
        heading = make_label(HARDEST_HELP, "caption", wrap=True)
        arrange_parts(QVBoxLayout(self), [heading, self.photos], spacing=8, stretched=[self.photos])

    def show_report(self, report: EvaluationReport) -> None:
        """Show the hardest photos of a report."""
        self.photos.show_queries(report.hardest, report.names)
