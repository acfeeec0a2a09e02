"""The left pane: what is asked, or how to ask."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from indexer.paths import show_path
from indexer.search.query import Box, Cropped, Example, Picture, Query
from retrieval_app.search.identity_panel import IdentityPanel
from retrieval_app.search.mark_rows import MarkRow
from retrieval_app.search.ranking_switches import WaySwitches
from retrieval_app.session import marks as marking
from retrieval_app.session.session import Session
from retrieval_app.session.side_questions import Asides
from retrieval_app.session.tiles import Tiles
from retrieval_app.widgets.controls import Elided, button, label
from retrieval_app.widgets.crop_view import Crop
from retrieval_app.widgets.theme import Theme


class QueryPanel(QScrollArea):
    """The first picture of the query with its crop, the marked ones below it, and the way back to the library."""

    open_wanted = Signal()

    def __init__(self, session: Session, tiles: Tiles, theme: Theme, beside: Asides) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self.picture = Crop(theme, self._look_at_first)
        self.more = MarkRow(theme, "+  More like", self._look)
        self.less = MarkRow(theme, "\N{MINUS SIGN}  Less like", self._look)
        self.ways = WaySwitches(session)
        self.identity = IdentityPanel(session, beside)
        self._invitation = _invitation()
        self._name = Elided(role="name")
        self._origin = label("", "caption", wrap=True)
        self._whole = button("Whole picture")
        self._back = button("Back to the library")
        self._open = button("Open a picture…")
        self._connect()
        self._arrange()
        self._show()

    def _connect(self) -> None:
        session = self._session
        self.picture.cropped.connect(self._crop)
        self._whole.setToolTip("Forget the box (Esc while the picture has the keys)")
        self._whole.clicked.connect(self.picture.clear)
        self._back.setToolTip("Show the whole library again (Esc)")
        self._back.clicked.connect(session.show_library)
        self._open.setToolTip("Find what looks like a picture from anywhere (Ctrl+O)")
        self._open.clicked.connect(self.open_wanted)
        self.identity.said.connect(partial(QTimer.singleShot, 0, self, self._look_at_answer))
        for row in (self.more, self.less):
            row.removed.connect(self._remove)
            row.weighed.connect(session.mark)
        session.query_changed.connect(self._show)
        self._tiles.arrived.connect(self._draw)

    def _arrange(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("QUERY", "section"))
        parts = (self._invitation, self.picture, self._name, self._origin, self._whole, self.more, self.less)
        for part in (*parts, self.ways, self.identity, self._back, self._open):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidget(inside)

    # Showing

    def _show(self) -> None:
        query = self._session.query
        found = marking.marks(query) if query else []
        self._invitation.setVisible(query is None)
        for widget in (self.picture, self._name, self._origin, self._back):
            widget.setVisible(query is not None)
        plain = found[:1] if found and found[0].times == 1 else []  # the picture itself, large
        self.more.show_marks([mark for mark in found if mark.times > 0 and mark not in plain])
        self.less.show_marks([mark for mark in found if mark.times < 0])
        box = _box(query)
        self.picture.show_box(box)
        self._whole.setVisible(query is not None and isinstance(query.positives[0], Cropped))
        self._draw()

    def _draw(self) -> None:
        """Names and pictures of the library's photos come when they have been read."""
        query = self._session.query
        if query is None:
            return
        for widget in (self.picture, *self.more.buttons, *self.less.buttons):
            widget.update()
        self._name.setText(self.named(query.positives[0]))
        self._origin.setText(self._said(query))

    def _look_at_answer(self) -> None:
        """Bring what was answered into sight, once it has its place."""
        self.ensureWidgetVisible(self.identity)

    def named(self, example: Example) -> str:
        """The file name of a picture; of one in memory, where it came from."""
        picture = _whole(example)
        if isinstance(picture, Path):
            return show_path(bytes(Path(picture.name)))
        if not isinstance(picture, int):
            return "Pasted picture"
        photo = self._tiles.one(picture)
        return show_path(photo.path.rpartition(b"/")[2]) if photo else ""

    def _said(self, query: Query) -> str:
        part = "A part of it" if isinstance(query.positives[0], Cropped) else ""
        if len(query.positives) > 1:
            return f"{part or 'This'} and {'another picture' if len(query.positives) == 2 else 'others'} together"
        picture = _whole(query.positives[0])
        if isinstance(picture, int):
            photo = self._tiles.one(picture)
            origin = (photo.label or "") if photo else ""
        else:
            origin = "From outside the library"
        return "  ·  ".join(filter(None, (origin, part)))

    def _look_at_first(self) -> QPixmap | None:
        query = self._session.query
        return self._tiles.preview(_whole(query.positives[0])) if query else None

    def _look(self, example: Example) -> QPixmap | None:
        """The picture, or its cropped part."""
        pixmap = self._tiles.preview(_whole(example))
        if pixmap is None or pixmap.isNull() or (box := _part(example)) is None:
            return pixmap
        left, top, width, height = box
        across, down = pixmap.width(), pixmap.height()
        return pixmap.copy(QRectF(left * across, top * down, width * across, height * down).toAlignedRect())

    # Changing

    def _crop(self, box: Box | None) -> None:
        query = self._session.query
        if query is None:
            return
        first = query.positives[0]
        whole = _whole(first)
        self._session.change(marking.replaced(query, first, whole if box is None else Cropped(whole, box)))

    def _remove(self, example: Example) -> None:
        query = self._session.query
        left = marking.without(query, example) if query else None
        if left is None:
            self._session.show_library()  # nothing is left to look for
        else:
            self._session.change(left)


def _invitation() -> QWidget:
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


def _whole(example: Example) -> Picture:
    return example.example if isinstance(example, Cropped) else example


def _box(query: Query | None) -> Box | None:
    """The chosen part of the query's first picture."""
    return _part(query.positives[0]) if query else None


def _part(example: Example) -> Box | None:
    """The chosen part as fractions; None for one in pixels, which a command may have saved: its size is not known."""
    return example.box if isinstance(example, Cropped) and max(example.box) <= 1 else None
