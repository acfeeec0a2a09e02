"""One picture of the viewer: at once from its thumbnail, then sharp, and when enlarged sharp where it is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QMarginsF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.viewer.picture_reading import ReadPicture
from retrieval_app.viewer.sharp_pictures import AreaRequest, FittedRequest, SharpPictures
from retrieval_app.widgets.controls import ElidedLabel, make_label
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import WHOLE_AREA, PixelArea, ZoomView

if TYPE_CHECKING:
    from indexer.search.query import QueryExample

AREA_PAUSE_MS = 80  # without a move, after which the seen part is read
ENOUGH = 1.05  # times the pixels at hand: fewer more would not be seen
MOST_NOTICE_WIDTH, NOTICE_MARGIN = 560, 16  # px
MARGIN_SHARE = 0.35  # of the seen part, read beyond each of its sides, so that it can be moved a little
ROUNDING = QMarginsF(1e-6, 1e-6, 1e-6, 1e-6)  # of areas, in fractions of a picture's sides
MOST_WHOLE_PIXELS = 16_000_000  # a picture with no more at the wanted size is read as a whole: 64 MB


class _AskedArea(NamedTuple):
    """A part of a picture that is being read, or was, and the pixels asked for one of the picture's own."""

    area: QRectF
    scale: float


class PicturePane(QWidget):
    """A picture that can be enlarged, its name below where others stand beside it, and why it cannot be read."""

    settled = Signal()  # the picture is sharp, or cannot be read

    def __init__(self, theme: Theme, name: str, pictures: SharpPictures) -> None:
        super().__init__()
        self._pictures = pictures
        self._example: QueryExample | None = None
        self._size = QSize()  # of the picture in its own px; empty while it is not known
        self._thumbnail: PixelArea | None = None
        self._fitted: PixelArea | None = None
        self._detail: PixelArea | None = None
        self._fitted_request: FittedRequest | None = None
        self._detail_area: _AskedArea | None = None
        self._waiting_areas: dict[AreaRequest, _AskedArea] = {}
        self.is_settled = False
        self.view = ZoomView(theme, name)
        self.name_label = ElidedLabel("caption")
        self.notice_label = make_label("", "overlay", wrap=True)
        self._pause = QTimer(self, singleShot=True, interval=AREA_PAUSE_MS)
        self._arrange_widgets()
        self._pause.timeout.connect(self._request_pixels)
        self.view.area_changed.connect(self._pause.start)
        pictures.arrived.connect(self._take_picture)
        pictures.refused.connect(self._show_refusal)

    def _arrange_widgets(self) -> None:
        for label in (self.name_label, self.notice_label):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.hide()
        self.notice_label.setParent(self.view)  # over its lower edge, so that the picture keeps its place
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.view, 1)
        column.addWidget(self.name_label)

    @property
    def place(self) -> QSize:
        """The size in px of the screen of the place that a picture is to fit into."""
        return (QSizeF(self.view.size()) * self.view.devicePixelRatioF()).toSize()

    def show_example(self, example: QueryExample, size: QSize, thumbnail: QPixmap | None) -> None:
        """Show a picture; its size in its own px is empty and its thumbnail None where they are not known."""
        self._drop_requests()
        self._example, self._size, self._fitted = example, size, None
        self.is_settled = False
        self.notice_label.hide()
        self.show_thumbnail(thumbnail)
        self._request_pixels()

    def show_thumbnail(self, thumbnail: QPixmap | None) -> None:
        """Show this until the picture has been read."""
        has_pixels = thumbnail is not None and not thumbnail.isNull()
        self._thumbnail = PixelArea(thumbnail.toImage(), WHOLE_AREA) if has_pixels and thumbnail else None
        self._show_parts()

    def clear_picture(self) -> None:
        """Show nothing, and read nothing more."""
        self._drop_requests()
        self._example, self._thumbnail, self._fitted = None, None, None
        self._show_parts()

    def get_pixmap(self) -> QPixmap | None:
        """All of the picture as sharp as it is at hand; None where it is not."""
        part = self._fitted or self._thumbnail
        return QPixmap.fromImage(part.image) if part else None

    def get_example(self) -> QueryExample | None:
        """The picture that is shown."""
        return self._example

    def _drop_requests(self) -> None:
        for request in (self._fitted_request, *self._waiting_areas):
            if request is not None:
                self._pictures.drop_request(request)
        self._waiting_areas.clear()
        self._fitted_request = self._detail = self._detail_area = None

    def _show_parts(self) -> None:
        parts = [part for part in (self._fitted or self._thumbnail, self._detail) if part is not None]
        size = self._size
        if size.isEmpty() and parts:
            size = parts[0].image.size()
        self.view.show_picture(size, parts)

    # Reading

    def _request_pixels(self) -> None:
        """Have read what is not yet as sharp as the screen could show it: all of the picture, or the seen part."""
        self._pause.stop()
        if self._example is None or self.place.isEmpty():
            return
        if self._fitted is None:
            if not self.is_settled:
                self._request_fitted(self._example)
        elif self._needs_detail():
            self._request_detail(self._example)

    def _request_fitted(self, example: QueryExample) -> None:
        place = self.place
        if (picture := self._pictures.find_fitted(example, place)) is not None:
            self._show_fitted(picture)
        else:
            self._fitted_request = self._pictures.request_fitted(example, place)

    def _needs_detail(self) -> bool:
        """Whether the picture has more pixels of what is seen than are at hand or being read."""
        assert self._fitted is not None
        wanted, seen = min(1.0, self.view.compute_scale()), self.view.find_seen_area()
        if seen.isEmpty() or wanted * self._size.width() <= ENOUGH * self._fitted.image.width():
            return False
        asked_areas = [*self._waiting_areas.values(), *([self._detail_area] if self._detail_area else [])]
        return not any(
            asked.area.marginsAdded(ROUNDING).contains(seen) and wanted <= ENOUGH * asked.scale for asked in asked_areas
        )

    def _request_detail(self, example: QueryExample) -> None:
        """Have the seen part read with a margin, or all of the picture where that is not much."""
        area = WHOLE_AREA
        scale = min(1.0, 2 ** math.ceil(math.log2(self.view.compute_scale())))  # good for the next steps of zooming
        if scale**2 * self._size.width() * self._size.height() > MOST_WHOLE_PIXELS:
            seen, scale = self.view.find_seen_area(), min(1.0, self.view.compute_scale())
            across, down = MARGIN_SHARE * seen.width(), MARGIN_SHARE * seen.height()
            area = seen.adjusted(-across, -down, across, down) & WHOLE_AREA
        pixels = QSizeF(area.width() * self._size.width(), area.height() * self._size.height()) * scale
        for request in self._waiting_areas:
            self._pictures.drop_request(request)
        self._waiting_areas[self._pictures.request_area(example, area, pixels)] = _AskedArea(area, scale)

    def _take_picture(self, request: object, picture: object) -> None:
        if not isinstance(picture, ReadPicture):
            return
        if request == self._fitted_request:
            self._fitted_request = None
            self._show_fitted(picture)
        elif isinstance(request, AreaRequest) and request in self._waiting_areas:
            self._detail, self._detail_area = picture.part, self._waiting_areas.pop(request)
            self._show_parts()
            self._pause.start()

    def _show_fitted(self, picture: ReadPicture) -> None:
        self._fitted, self._size = picture.part, picture.size
        self._show_parts()
        self._settle()
        if self.view.zoom_state.zoom > 1:
            self._pause.start()

    def _show_refusal(self, request: object, sentence: str) -> None:
        """Say why the picture cannot be read, below its thumbnail if there is one."""
        if request == self._fitted_request:
            self._fitted_request = None
            rest = tr(" This is its thumbnail.") if self._thumbnail else ""
            self._show_notice(f"{sentence}{rest}")
            self._settle()

    def _show_notice(self, text: str) -> None:
        self.notice_label.setText(text)
        self.notice_label.show()
        self._place_notice()

    def _place_notice(self) -> None:
        """Lay the notice over the middle of the lower edge."""
        width = min(MOST_NOTICE_WIDTH, self.view.width() - 2 * NOTICE_MARGIN)
        height = self.notice_label.heightForWidth(width)
        self.notice_label.setGeometry(
            (self.view.width() - width) // 2, self.view.height() - height - NOTICE_MARGIN, width, height
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the notice at the lower edge."""
        super().resizeEvent(event)
        self._place_notice()

    def _settle(self) -> None:
        self.is_settled = True
        self.settled.emit()
