"""The left pane: what is asked, or how to ask."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from indexer import photos
from indexer.query import Example, Query
from retrieval_app import words
from retrieval_app.labels import Elided, button, label
from retrieval_app.picture import Picture
from retrieval_app.session import Session
from retrieval_app.theme import Theme
from retrieval_app.tiles import Tiles

SHOWN = 6  # pictures of one query that are shown; further ones are counted


class QueryPanel(QWidget):
    """The pictures of the query, and the way back to the library."""

    open_wanted = Signal()

    def __init__(self, session: Session, tiles: Tiles, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self._theme = theme
        self._place = QVBoxLayout(self)
        self._place.setContentsMargins(16, 12, 16, 16)
        self._place.setSpacing(8)
        self._place.addWidget(label("QUERY", "section"))
        self._body = QWidget()
        self._name = Elided(role="name")
        self._origin = label("", "caption", wrap=True)
        self._place.addWidget(self._body)
        self._place.addWidget(self._name)
        self._place.addWidget(self._origin)
        self._back = button("Back to the library")
        self._back.setToolTip("Show the whole library again (Esc)")
        self._back.clicked.connect(session.show_library)
        self._place.addWidget(self._back)
        self._open = button("Open a picture…")
        self._open.setToolTip("Find what looks like a picture from anywhere (Ctrl+O)")
        self._open.clicked.connect(self.open_wanted)
        self._place.addWidget(self._open)
        self._place.addStretch(1)
        session.query_changed.connect(self._show)
        tiles.arrived.connect(self._name_it)
        self._show()

    def _show(self) -> None:
        query = self._session.query
        body = self._pictures(query) if query else self._invitation()
        self._place.replaceWidget(self._body, body)
        self._body.hide()
        self._body.deleteLater()
        self._body = body
        for widget in (self._name, self._origin, self._back):
            widget.setVisible(query is not None)
        self._name_it()

    def _invitation(self) -> QWidget:
        frame = QFrame()
        frame.setProperty("role", "drop")
        column = QVBoxLayout(frame)
        column.setContentsMargins(16, 32, 16, 32)
        text: QLabel = label(
            "Click a photo to see what looks like it.\n\nOr drop or paste a picture here.", "muted", wrap=True
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(text)
        return frame

    def _pictures(self, query: Query) -> QWidget:
        """One large picture, or small ones in two columns."""
        place = QWidget()
        cells = QGridLayout(place)
        cells.setContentsMargins(0, 0, 0, 0)
        cells.setSpacing(8)
        columns = 1 if len(query.positives) == 1 else 2
        for number, example in enumerate(query.positives[:SHOWN]):
            picture = Picture(self._theme, partial(self._look, example))
            picture.setAccessibleName("Query picture")
            cells.addWidget(picture, number // columns, number % columns)
        return place

    def _look(self, example: Example) -> QPixmap | None:
        return self._tiles.preview(example)

    def _name_it(self) -> None:
        """Names of photos of the library come when they have been read."""
        query = self._session.query
        if query is None:
            return
        for picture in self._body.findChildren(Picture):
            picture.update()
        if len(query.positives) > 1:
            self._name.setText(words.count(len(query.positives), "picture"))
            self._origin.setText("What looks like all of them together")
            return
        (example,) = query.positives
        if isinstance(example, int):
            photo = self._tiles.one(example)
            self._name.setText(photos.text(photo.path.rpartition(b"/")[2]) if photo else "")
            self._origin.setText(photo.label or "" if photo else "")
        else:
            self._name.setText(
                photos.text(bytes(Path(example.name))) if isinstance(example, Path) else "Pasted picture"
            )
            self._origin.setText("From outside the library")
