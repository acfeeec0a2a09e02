"""The right pane: everything that is known of the current photo."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from indexer import photos
from indexer.library import Hit, Photo
from retrieval_app import words
from retrieval_app.labels import button, label
from retrieval_app.picture import Picture
from retrieval_app.theme import Theme
from retrieval_app.tiles import Tiles

NOT_TEXT = "This name is not valid text (UTF-8), so other programs cannot be given it."


class Fact(NamedTuple):
    """One line of the details."""

    what: str
    value: str


class DetailsPanel(QScrollArea):
    """Preview, name and figures of one photo, and what can be done with it."""

    similar_wanted = Signal(object)  # Photo
    open_wanted = Signal(object)  # Photo
    folder_wanted = Signal(object)  # Photo

    def __init__(self, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._tiles = tiles
        self._hit: Hit | None = None
        self._similar = button("Find similar")
        self.photo: Photo | None = None
        self._picture = Picture(theme, self._look)
        self._name = label("", "name", wrap=True)
        self._facts = QFormLayout()
        self._nothing = label("Move to a photo to see its details.", "muted", wrap=True)
        self._filled = QWidget()
        self._arrange()
        tiles.arrived.connect(self._picture.update)
        self.show_photo(None, None)

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
        filled.addWidget(self._picture)
        filled.addWidget(self._name)
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
        column.addWidget(self._similar)
        column.addLayout(row)
        return column

    def show_photo(self, photo: Photo | None, hit: Hit | None, *, queried: bool = False) -> None:
        """Show a photo, with its place among the results if it has one; None shows how to get one."""
        self._similar.setEnabled(not queried)
        self._nothing.setVisible(photo is None)
        self._filled.setVisible(photo is not None)
        if (photo, hit) == (self.photo, self._hit):
            return
        self.photo, self._hit = photo, hit
        if photo is not None:
            self._name.setText(_breakable(photos.text(photo.path.rpartition(b"/")[2])))
            self._fill(facts(photo, hit))
            self._picture.update()

    def _fill(self, lines: Iterable[Fact]) -> None:
        while self._facts.rowCount():
            self._facts.removeRow(0)
        for fact in lines:
            what, value = label(fact.what, "muted"), label(_breakable(fact.value), wrap=True)
            for side in (what, value):
                side.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            self._facts.addRow(what, value)

    def _look(self) -> QPixmap | None:
        """The picture itself; its thumbnail until that has been read."""
        if self.photo is None:
            return None
        return self._tiles.preview(self.photo) or self._tiles.thumbnail(self.photo, 256)


def facts(photo: Photo, hit: Hit | None) -> Iterator[Fact]:
    """The details as lines; what is not known makes no line."""
    if hit is not None:
        yield Fact("Distance", f"{hit.distance:.3f}, rank {hit.rank}")
        if hit.probability is not None:
            yield Fact("Same label", f"with {hit.probability:.0%} confidence")
        if hit.rarity is not None:
            yield Fact("Rarity", f"1 in {hit.rarity:,.0f} random pairs is this close")
    if photo.label:
        yield Fact("Label", photo.label)
    yield Fact("Size", f"{photo.width:,} x {photo.height:,} px")
    if photo.copies:
        yield Fact("Copies", words.count(photo.copies, "further file"))
    yield Fact("Folder", photos.text(os.path.dirname(photo.path)))  # noqa: PTH120 - bytes
    if photo.offline:
        yield Fact("State", "its drive is not connected")


def _breakable(text: str) -> str:
    """The text with places where a long path may go on in the next line."""
    return text.replace("/", "/\u200b").replace("_", "_\u200b")


def file_url(path: bytes) -> QUrl | None:
    """The address of a file for the system's programs; None where Qt cannot name it (a name that is not UTF-8)."""
    try:
        return QUrl.fromLocalFile(path.decode("utf-8"))
    except UnicodeDecodeError:
        return None
