"""The left pane: what is searched for, or how to choose it."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from indexer.paths import show_file_name, show_path
from indexer.search.query import CropBox, CroppedExample, Query, QueryExample, QueryPicture
from indexer.wording import tr
from retrieval_app.search.identity_panel import IdentityPanel
from retrieval_app.search.mark_rows import MarkRow
from retrieval_app.search.ranking_switches import RankingCheckBoxes
from retrieval_app.session.searching.marks import list_marks, remove_example, replace_example
from retrieval_app.session.session import Session
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from retrieval_app.widgets.crop_view import CropView
from retrieval_app.widgets.theme import Theme
from retrieval_app.workers.readers import LibraryReaders


class QueryPanel(QScrollArea):
    """The first picture of the query with its crop, the marked ones below it, and the way back to the library."""

    open_wanted = Signal()

    def __init__(self, session: Session, tiles: TileCache, theme: Theme, questions: LibraryReaders) -> None:
        super().__init__()
        self._session = session
        self._tiles = tiles
        self.picture = CropView(theme, self._get_first_pixmap)
        self.positive_row = MarkRow(theme, tr("+  More like"), self._get_example_pixmap)
        self.negative_row = MarkRow(theme, tr("\N{MINUS SIGN}  Less like"), self._get_example_pixmap)
        self.ranking_boxes = RankingCheckBoxes(session)
        self.identity = IdentityPanel(session, questions)
        self._invitation = _make_invitation()
        self._name = ElidedLabel(role="name")
        self._origin = make_label("", "caption", wrap=True)
        self._whole_button = make_button(tr("Whole picture"))
        self._back_button = make_button(tr("Back to the library"))
        self._open_button = make_button(tr("Open a picture…"))
        self._connect_signals()
        self._arrange_widgets()
        self._show_query()

    def _connect_signals(self) -> None:
        session = self._session
        self.picture.box_changed.connect(self._crop_first_picture)
        self._whole_button.setToolTip(tr("Forget the box (Esc while the picture has the keys)"))
        self._whole_button.clicked.connect(self.picture.clear_box)
        self._back_button.setToolTip(tr("Show the whole library again (Esc)"))
        self._back_button.clicked.connect(session.search.show_library)
        self._open_button.setToolTip(tr("Find what looks like a picture from anywhere (Ctrl+O)"))
        self._open_button.clicked.connect(self.open_wanted)
        self.identity.answer_shown.connect(partial(QTimer.singleShot, 0, self, self._scroll_to_identity))
        for row in (self.positive_row, self.negative_row):
            row.removed.connect(self._remove_example)
            row.weighed.connect(session.search.mark_example)
        session.search.query_changed.connect(self._show_query)
        self._tiles.arrived.connect(self._refresh_pictures)

    def _arrange_widgets(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(make_label(tr("QUERY"), "section"))
        parts = (
            self._invitation,
            self.picture,
            self._name,
            self._origin,
            self._whole_button,
            self.positive_row,
            self.negative_row,
        )
        for part in (*parts, self.ranking_boxes, self.identity, self._back_button, self._open_button):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidget(content)

    # Showing

    def _show_query(self) -> None:
        query = self._session.search.query
        query_marks = list_marks(query) if query else []
        self._invitation.setVisible(query is None)
        for widget in (self.picture, self._name, self._origin, self._back_button):
            widget.setVisible(query is not None)
        shown_large = query_marks[:1] if query_marks and query_marks[0].times == 1 else []
        self.positive_row.show_marks([mark for mark in query_marks if mark.times > 0 and mark not in shown_large])
        self.negative_row.show_marks([mark for mark in query_marks if mark.times < 0])
        self.picture.show_box(_get_crop_box(query.positives[0]) if query else None)
        self._whole_button.setVisible(query is not None and isinstance(query.positives[0], CroppedExample))
        self._refresh_pictures()

    def _refresh_pictures(self) -> None:
        """Show the names and pictures that have been read since."""
        query = self._session.search.query
        if query is None:
            return
        for widget in (self.picture, *self.positive_row.buttons, *self.negative_row.buttons):
            widget.update()
        self._name.setText(self.name_picture(query.positives[0]))
        self._origin.setText(self._describe_origin(query))

    def _scroll_to_identity(self) -> None:
        """Scroll to the answer, once it has been laid out."""
        self.ensureWidgetVisible(self.identity)

    def name_picture(self, example: QueryExample) -> str:
        """The file name of a picture; "" until it has been read, "Pasted picture" for one without a file."""
        picture = _get_whole_picture(example)
        if isinstance(picture, Path):
            return show_path(bytes(Path(picture.name)))
        if not isinstance(picture, int):
            return tr("Pasted picture")
        photo = self._tiles.request_photo(picture)
        return show_file_name(photo.path) if photo else ""

    def _describe_origin(self, query: Query) -> str:
        """Label or origin of the query's first picture, whether it is cropped, and whether it is the only one."""
        part = tr("A part of it") if isinstance(query.positives[0], CroppedExample) else ""
        if len(query.positives) > 1:
            return tr(
                "{part} and {part2} together",
                part=part or tr("This"),
                part2=tr("another picture") if len(query.positives) == 2 else tr("others"),
            )
        return "  ·  ".join(filter(None, (self._find_origin(_get_whole_picture(query.positives[0])), part)))

    def _find_origin(self, picture: QueryPicture) -> str:
        """The label of a photo of the library, also where its file was opened; "" until that is known."""
        photo_id = self._tiles.request_file_id(picture) if isinstance(picture, Path) else picture
        if photo_id is None:
            return ""
        if not isinstance(photo_id, int) or photo_id == 0:
            return tr("From outside the library")
        photo = self._tiles.request_photo(photo_id)
        return photo.label or tr("In the library") * isinstance(picture, Path) if photo else ""

    def _get_first_pixmap(self) -> QPixmap | None:
        query = self._session.search.query
        return self._tiles.request_preview(_get_whole_picture(query.positives[0])) if query else None

    def _get_example_pixmap(self, example: QueryExample) -> QPixmap | None:
        """The picture, or its cropped part."""
        pixmap = self._tiles.request_preview(_get_whole_picture(example))
        if pixmap is None or pixmap.isNull() or (box := _get_crop_box(example)) is None:
            return pixmap
        left, top, width, height = box
        size = pixmap.size()
        part = QRectF(left * size.width(), top * size.height(), width * size.width(), height * size.height())
        return pixmap.copy(part.toAlignedRect())

    # Changing

    def _crop_first_picture(self, box: CropBox | None) -> None:
        query = self._session.search.query
        if query is None:
            return
        first = query.positives[0]
        picture = _get_whole_picture(first)
        example = picture if box is None else CroppedExample(picture, box)
        self._session.search.change_query(replace_example(query, first, example))

    def _remove_example(self, example: QueryExample) -> None:
        query = self._session.search.query
        remaining_query = remove_example(query, example) if query else None
        if remaining_query is None:
            self._session.search.show_library()  # nothing is left to look for
        else:
            self._session.search.change_query(remaining_query)


def _make_invitation() -> QWidget:
    frame = QFrame()
    frame.setProperty("role", "drop")
    column = QVBoxLayout(frame)
    column.setContentsMargins(16, 32, 16, 32)
    text: QLabel = make_label(
        tr("Click a photo to see what looks like it.\n\nOr drop or paste a picture here."), "muted", wrap=True
    )
    text.setAlignment(Qt.AlignmentFlag.AlignCenter)
    column.addWidget(text)
    return frame


def _get_whole_picture(example: QueryExample) -> QueryPicture:
    """The picture that an example is, or is a part of."""
    return example.example if isinstance(example, CroppedExample) else example


def _get_crop_box(example: QueryExample) -> CropBox | None:
    """The cropped part in fractions of width and height; None for a whole picture.

    None also for a part in pixels, as a command may have saved it: here the size of the picture is not known.
    """
    return example.box if isinstance(example, CroppedExample) and max(example.box) <= 1 else None
