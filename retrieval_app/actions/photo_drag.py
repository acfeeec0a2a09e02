"""Photos drawn out of the window with the mouse: other programs get their files, and may only copy them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QDrag, QGuiApplication, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from indexer.wording import format_number
from retrieval_app.actions.photo_clipboard import make_file_data
from retrieval_app.session.tiles import TileCache

if TYPE_CHECKING:
    from indexer.search.results import Photo

DRAG_SIDE, NUMBER_SIDE = 96, 26  # px of the picture at the pointer, and of the number on it


def start_drag(source: QWidget, tiles: TileCache, photos: list[Photo]) -> None:
    """Drag photos as long as the mouse is held; returns when they are dropped.

    Does nothing where the mouse was let go while they were read.
    """
    if not photos or not QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
        return
    drag = QDrag(source)
    drag.setMimeData(make_file_data(photos))
    pixmap = tiles.request_thumbnail(photos[0], DRAG_SIDE)
    if pixmap is not None and not pixmap.isNull():
        drag.setPixmap(_draw_stack(pixmap, len(photos)))
        drag.setHotSpot(QPoint(DRAG_SIDE // 2, DRAG_SIDE // 2))
    drag.exec(Qt.DropAction.CopyAction)


def _draw_stack(pixmap: QPixmap, count: int) -> QPixmap:
    """The first picture, and the number of all where they are several."""
    size = pixmap.size().boundedTo(pixmap.size().scaled(DRAG_SIDE, DRAG_SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    picture = pixmap.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    if count == 1:
        return picture
    painter = QPainter(picture)
    place = QRect(picture.width() - 2 * NUMBER_SIDE, 0, 2 * NUMBER_SIDE, NUMBER_SIDE)
    painter.fillRect(place, QColor(Qt.GlobalColor.black))
    painter.setPen(QColor(Qt.GlobalColor.white))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, format_number(count, ","))
    painter.end()
    return picture
