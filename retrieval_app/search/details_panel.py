"""The right pane: everything that is known of the current photo."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from indexer.library import Hit, Library, Photo
from indexer.paths import show_path
from indexer.search.query import Example
from retrieval_app import wording as words
from retrieval_app.compare import comparison as pairs
from retrieval_app.search.label_edit import LabelEdit
from retrieval_app.session import side_questions as asides
from retrieval_app.session.side_questions import Asides
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets import distance_band as bands
from retrieval_app.widgets.controls import button, label
from retrieval_app.widgets.picture import Picture
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import Heat, middle_square

WHY = "why"
NOT_TEXT = "This name is not valid text (UTF-8), so other programs cannot be given it."


class Fact(NamedTuple):
    """One line of the details."""

    what: str
    value: str


class _Why(NamedTuple):
    """Where a photo matches a query's picture."""

    query: Example
    photo: int
    heat: Heat


class DetailsPanel(QScrollArea):
    """Preview, name and figures of one photo, and what can be done with it."""

    similar_wanted = Signal(object)  # Photo
    open_wanted = Signal(object)  # Photo
    folder_wanted = Signal(object)  # Photo
    compare_wanted = Signal()
    label_given = Signal(object, object)  # Photo, and its label or None

    def __init__(self, tiles: Tiles, theme: Theme, beside: Asides) -> None:
        super().__init__()
        self._tiles = tiles
        self._asides = beside
        self._hit: Hit | None = None
        self._query: Example | None = None
        self._heat: Heat | None = None
        self.why = QCheckBox("Why: where it matches")
        self.compare = button("Compare")
        self.label = LabelEdit()
        self._similar = button("Find similar")
        self.photo: Photo | None = None
        self.picture = Picture(theme, self._look)
        self._name = label("", "name", wrap=True)
        self._facts = QFormLayout()
        self._nothing = label("Move to a photo to see its details.", "muted", wrap=True)
        self._filled = QWidget()
        self._arrange()
        self._connect()
        self.show_photo(None, None, None)

    def _connect(self) -> None:
        self._tiles.arrived.connect(self.picture.update)
        self.why.toggled.connect(self._explain)
        self.compare.clicked.connect(self.compare_wanted)
        self.label.given.connect(lambda text: self.label_given.emit(self.photo, text or None))
        self.label.entered.connect(lambda: self._asides.ask(asides.LABELS, asides.labels))
        self._asides.answered.connect(self._take)

    def _arrange(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._facts.setContentsMargins(0, 4, 0, 4)
        self._facts.setHorizontalSpacing(12)
        self._facts.setVerticalSpacing(6)
        self._facts.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        filled = QVBoxLayout(self._filled)
        filled.setContentsMargins(0, 0, 0, 0)
        filled.setSpacing(8)
        filled.addWidget(self.picture)
        filled.addWidget(self.why)
        filled.addWidget(self._name)
        self.why.setToolTip("Heat map: light where the photo has what the query has")
        what = label("Label", "muted")
        what.setBuddy(self.label)
        self._facts.addRow(what, self.label)
        filled.addLayout(self._facts)
        filled.addLayout(self._buttons())
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("DETAILS", "section"))
        column.addWidget(self._nothing)
        column.addWidget(self._filled)
        column.addStretch(1)
        self.setWidget(inside)

    def _buttons(self) -> QVBoxLayout:
        self._similar.clicked.connect(lambda: self.similar_wanted.emit(self.photo))
        view = button("Open")
        view.setToolTip("Open in the system's picture viewer (double-click)")
        view.clicked.connect(lambda: self.open_wanted.emit(self.photo))
        folder = button("Open folder")
        folder.clicked.connect(lambda: self.folder_wanted.emit(self.photo))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(view, 1)
        row.addWidget(folder, 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        self.compare.setToolTip("Beside the query's picture: same or not (Space)")
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self._similar, 1)
        first.addWidget(self.compare, 1)
        column.addLayout(first)
        column.addLayout(row)
        return column

    def show_photo(self, photo: Photo | None, hit: Hit | None, query: Example | None, *, queried: bool = False) -> None:
        """Show a photo, with its place among the results of a query if it has one; None shows how to get one."""
        self._similar.setEnabled(not queried)
        self._nothing.setVisible(photo is None)
        self._filled.setVisible(photo is not None)
        for widget in (self.why, self.compare):
            widget.setVisible(query is not None)
        if (photo, hit) == (self.photo, self._hit) and query is self._query:
            return
        other = photo is None or self.photo is None or photo.id != self.photo.id or query is not self._query
        if self.photo is not None and (photo is None or photo.id != self.photo.id):
            self.label.finish()  # what was written was for the photo that is left
        self.photo, self._hit, self._query = photo, hit, query
        if photo is not None:
            self._name.setText(_breakable(show_path(photo.path.rpartition(b"/")[2])))
            self.label.show_label(photo.label)
            self._fill(facts(photo, hit))
        if other:
            self._heat = None
            self._explain(self.why.isChecked())

    def _explain(self, wanted: bool) -> None:
        """Have the heat map computed when it is asked for; only the newest photo's is."""
        photo, query = self.photo, self._query
        self._asides.drop(WHY)
        if wanted and self._heat is None and photo is not None and query is not None:
            self._asides.ask(WHY, partial(_why, query=query, photo=photo.id))
        self.picture.update()

    def _take(self, key: object, answer: object) -> None:
        if key == asides.LABELS and isinstance(answer, list):
            self.label.offer(answer)
        elif isinstance(answer, _Why):
            if self.photo is None or answer.photo != self.photo.id or answer.query is not self._query:
                self._explain(self.why.isChecked())  # the photo has changed while it was computed
            else:
                self._heat = answer.heat
                self.picture.update()

    def _fill(self, lines: Iterable[Fact]) -> None:
        while self._facts.rowCount() > 1:  # the label stays
            self._facts.removeRow(1)
        for fact in lines:
            what, value = label(fact.what, "muted"), label(_breakable(fact.value), wrap=True)
            for side in (what, value):
                side.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            self._facts.addRow(what, value)

    def _look(self) -> QPixmap | None:
        """The picture itself; its thumbnail until that has been read."""
        if self.photo is None:
            return None
        pixmap = self._tiles.preview(self.photo) or self._tiles.thumbnail(self.photo, 256)
        wanted = self._heat is not None and self.why.isChecked() and self._query is not None
        return heated(pixmap, self._heat) if wanted and pixmap and self._heat else pixmap


def facts(photo: Photo, hit: Hit | None) -> Iterator[Fact]:
    """The details as lines; what is not known makes no line."""
    if hit is not None:
        yield Fact("Distance", f"{hit.distance:.3f}, rank {hit.rank}")
        if hit.probability is not None:
            yield Fact("Same label", f"with {words.confidence(hit.probability)} confidence")
        if hit.rarity is not None:
            yield Fact("Rarity", bands.rarity(hit.rarity))
    yield Fact("Size", f"{photo.width:,} x {photo.height:,} px")
    if photo.copies:
        yield Fact("Copies", words.count(photo.copies, "further file"))
    yield Fact("Folder", show_path(os.path.dirname(photo.path)))  # noqa: PTH120 - bytes
    if photo.offline:
        yield Fact("State", "its drive is not connected")


def heated(pixmap: QPixmap, heat: Heat) -> QPixmap:
    """The picture with its heat map over the square that the model sees."""
    result = QPixmap(pixmap)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(middle_square(QRectF(result.rect()), heat.side), heat.layer)
    painter.end()
    return result


def _why(library: Library, query: Example, photo: int) -> _Why:
    return _Why(query, photo, pairs.heats(library, query, photo).second)


def _breakable(text: str) -> str:
    """The text with places where a long path may go on in the next line."""
    return text.replace("/", "/\u200b").replace("_", "_\u200b")


def file_url(path: bytes) -> QUrl | None:
    """The address of a file for the system's programs; None where Qt cannot name it (a name that is not UTF-8)."""
    try:
        return QUrl.fromLocalFile(path.decode("utf-8"))
    except UnicodeDecodeError:
        return None
