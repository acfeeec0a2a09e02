"""The right pane: everything that is known of the current photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from indexer.paths import get_parent_folder, insert_break_points, show_file_name, show_path
from indexer.statistics.likeness import describe_likeness, explain_levels
from indexer.wording import tr
from retrieval_app.actions.label_edit import LabelEdit
from retrieval_app.actions.labels import LABELS_KEY, list_labels
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import make_button, make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.photo_facts import describe_origin, list_capture_facts
from retrieval_app.widgets.picture import PictureView
from retrieval_app.widgets.tables import NamedFact
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import HeatLayer, draw_heat
from retrieval_app.wording import format_count
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.library import Library
    from indexer.search.query import QueryExample
    from indexer.search.results import Hit, Photo

HEAT_KEY = "why"
LIKENESS_FACT = tr("Likeness")
FIRST_FACT = 2  # the items of the grid before it are the label and its field


class _MatchHeat(NamedTuple):
    """Where a photo matches a query's picture."""

    query: QueryExample
    photo_id: int
    heat: HeatLayer


class DetailsPanel(QScrollArea):
    """Preview, name and figures of one photo, and what can be done with it."""

    similar_wanted = Signal(object)  # Photo
    open_wanted = Signal(object)  # Photo
    folder_wanted = Signal(object)  # Photo
    compare_wanted = Signal()
    label_given = Signal(object, object)  # Photo, and its label or None

    def __init__(self, tiles: TileCache, theme: Theme, questions: LibraryReaders) -> None:
        super().__init__()
        self._tiles = tiles
        self._questions = questions
        self._hit: Hit | None = None
        self._reason = ""
        self._query: QueryExample | None = None
        self._heat: HeatLayer | None = None
        self.heat_box = QCheckBox(tr("Why: where it matches"))
        explain_figure(self, "details")
        explain_figure(self.heat_box, "heat")
        self.compare_button = make_button(tr("Compare"))
        self.label_edit = LabelEdit()
        self._similar_button = make_button(tr("Find similar"))
        self.photo: Photo | None = None
        self.picture = PictureView(theme, self._get_pixmap)
        self._name_label = make_label("", "name", wrap=True)
        self._facts = QGridLayout()
        self._no_photo_label = make_label(tr("Move to a photo to see its details."), "muted", wrap=True)
        self._photo_body = QWidget()
        self._arrange_widgets()
        self._connect_signals()
        self.show_photo(None, None, None)

    def _connect_signals(self) -> None:
        self._tiles.arrived.connect(self.picture.update)
        self.heat_box.toggled.connect(self._request_heat)
        self.compare_button.clicked.connect(self.compare_wanted)
        self.label_edit.label_changed.connect(lambda text: self.label_given.emit(self.photo, text or None))
        self.label_edit.focus_entered.connect(lambda: self._questions.ask_question(LABELS_KEY, list_labels))
        self._questions.answered.connect(self._take_answer)

    def _arrange_widgets(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._facts.setContentsMargins(0, 4, 0, 4)
        self._facts.setHorizontalSpacing(12)
        self._facts.setVerticalSpacing(6)
        self._facts.setColumnStretch(1, 1)
        body_column = QVBoxLayout(self._photo_body)
        body_column.setContentsMargins(0, 0, 0, 0)
        body_column.setSpacing(8)
        body_column.addWidget(self.picture)
        body_column.addWidget(self.heat_box)
        body_column.addWidget(self._name_label)
        self.heat_box.setToolTip(tr("Heat map: light where the photo has what the query has"))
        label_name = make_label(tr("Label"), "muted")
        label_name.setBuddy(self.label_edit)
        self._facts.addWidget(label_name, 0, 0)
        self._facts.addWidget(self.label_edit, 0, 1)
        body_column.addLayout(self._facts)
        body_column.addLayout(self._make_buttons())
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(make_label(tr("DETAILS"), "section"))
        column.addWidget(self._no_photo_label)
        column.addWidget(self._photo_body)
        column.addStretch(1)
        self.setWidget(content)

    def _make_buttons(self) -> QVBoxLayout:
        self._similar_button.clicked.connect(lambda: self.similar_wanted.emit(self.photo))
        self.compare_button.setToolTip(tr("Beside the query's picture: same or not (Space, then T)"))
        open_button, folder_button = make_button(tr("Open")), make_button(tr("Open folder"))
        open_button.setToolTip(tr("Open in the system's picture viewer (double-click)"))
        open_button.clicked.connect(lambda: self.open_wanted.emit(self.photo))
        folder_button.clicked.connect(lambda: self.folder_wanted.emit(self.photo))
        column = QVBoxLayout()
        column.setSpacing(8)
        for buttons in ((self._similar_button, self.compare_button), (open_button, folder_button)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in buttons:
                row.addWidget(button, 1)
            column.addLayout(row)
        return column

    def show_photo(
        self,
        photo: Photo | None,
        hit: Hit | None,
        query: QueryExample | None,
        *,
        queried: bool = False,
        reason: str = "",
    ) -> None:
        """Show a photo, with distance and rank where it is a hit of the query; None shows how to choose a photo.

        `reason` says why words found it.
        """
        self._similar_button.setEnabled(not queried)
        self._no_photo_label.setVisible(photo is None)
        self._photo_body.setVisible(photo is not None)
        for widget in (self.heat_box, self.compare_button):
            widget.setVisible(query is not None)
        if (photo, hit, reason) == (self.photo, self._hit, self._reason) and query is self._query:
            return
        pair_changed = photo is None or self.photo is None or photo.id != self.photo.id or query is not self._query
        if self.photo is not None and (photo is None or photo.id != self.photo.id):
            self.label_edit.finish_editing()  # what was written was for the photo that is left
        self.photo, self._hit, self._query, self._reason = photo, hit, query, reason
        if photo is not None:
            self._name_label.setText(insert_break_points(show_file_name(photo.path)))
            self.label_edit.show_label(photo.label)
            found_by = [NamedFact(tr("Found by"), reason)] if reason else []
            self._fill_facts([*found_by, *list_photo_facts(photo, hit)])
        if pair_changed:
            self._heat = None
            self._request_heat(self.heat_box.isChecked())

    def _request_heat(self, is_shown: bool) -> None:
        """Have the heat map of the current photo computed if it is shown; drop requests for earlier photos."""
        photo, query = self.photo, self._query
        self._questions.drop_question(HEAT_KEY)
        if is_shown and self._heat is None and photo is not None and query is not None:
            self._questions.ask_question(HEAT_KEY, partial(_compute_match_heat, query=query, photo=photo.id))
        self.picture.update()

    def _take_answer(self, key: object, answer: object) -> None:
        if key == LABELS_KEY and isinstance(answer, list):
            self.label_edit.offer_labels(answer)
        elif isinstance(answer, _MatchHeat):
            if self.photo is None or answer.photo_id != self.photo.id or answer.query is not self._query:
                self._request_heat(self.heat_box.isChecked())  # the photo has changed while it was computed
            else:
                self._heat = answer.heat
                self.picture.update()

    def _fill_facts(self, facts: Iterable[NamedFact]) -> None:
        while (item := self._facts.takeAt(FIRST_FACT)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, fact in enumerate(facts, 1):
            name, value = make_label(fact.name, "muted"), make_label(insert_break_points(fact.value), wrap=True)
            if fact.name == LIKENESS_FACT and self._hit is not None:
                value.setToolTip(explain_levels(self._hit))
            for column, label in enumerate((name, value)):
                label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
                self._facts.addWidget(label, row, column)

    def _get_pixmap(self) -> QPixmap | None:
        """The picture itself; its thumbnail until that has been read."""
        if self.photo is None:
            return None
        pixmap = self._tiles.request_preview(self.photo) or self._tiles.request_thumbnail(self.photo, 256)
        shows_heat = self.heat_box.isChecked() and self._query is not None
        return paint_heat(pixmap, self._heat) if shows_heat and pixmap and self._heat else pixmap


def list_photo_facts(photo: Photo, hit: Hit | None) -> Iterator[NamedFact]:
    """What is known of a photo and of its rank, as facts with names; what is not known is left out."""
    if hit is not None:
        if sentence := describe_likeness(hit):
            yield NamedFact(LIKENESS_FACT, sentence)
        yield NamedFact(tr("Distance"), tr("{distance:.3f}, rank {rank}", distance=hit.distance, rank=hit.rank))
    if photo.labelled is not None:
        yield NamedFact(tr("Labelled"), describe_origin(photo.labelled, datetime.now(UTC)))
    yield from list_capture_facts(photo)
    if photo.copies:
        yield NamedFact(tr("Copies"), format_count(photo.copies, "further file"))
    yield NamedFact(tr("Folder"), show_path(get_parent_folder(photo.path)))
    if photo.offline:
        yield NamedFact(tr("State"), tr("its drive is not connected"))


def paint_heat(pixmap: QPixmap, heat: HeatLayer) -> QPixmap:
    """The picture with its heat map over what the model sees of it."""
    result = QPixmap(pixmap)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    draw_heat(painter, QRectF(result.rect()), heat)
    painter.end()
    return result


def _compute_match_heat(library: Library, query: QueryExample, photo: int) -> _MatchHeat:
    from retrieval_app.viewer.comparison import compute_heat_pair

    return _MatchHeat(query, photo, compute_heat_pair(library, query, photo).second)
