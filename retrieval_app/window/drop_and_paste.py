"""Pictures and folders out of the data of a drop or of the clipboard."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

from indexer.search.query import QueryExample


class ReceivedItems(NamedTuple):
    """Pictures to search with, and folders to index."""

    pictures: tuple[QueryExample, ...]
    folders: tuple[Path, ...]


def read_mime_data(data: QMimeData) -> ReceivedItems:
    """The pictures and folders in dropped or pasted data: local files, or a picture in memory where there is no file.

    Addresses of the network are passed over, as nothing is ever fetched from there.
    """
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    folders = tuple(path for path in paths if path.is_dir())
    pictures: tuple[QueryExample, ...] = tuple(path for path in paths if path not in folders)
    if not paths and data.hasImage():
        image_data = data.imageData()
        is_pixmap = isinstance(image_data, QPixmap)  # it comes from our own window
        image = image_data.toImage() if is_pixmap else QImage(image_data)
        pictures = () if image.isNull() else (to_pillow(image),)
    return ReceivedItems(pictures, folders)


def can_accept_drag(data: QMimeData) -> bool:
    """Whether a drag carries a local file or a picture; reads no file, as it is asked while the pointer moves."""
    return any(url.isLocalFile() for url in data.urls()) or data.hasImage()


def to_pillow(image: QImage) -> Image.Image:
    """A Qt image as an RGB Pillow picture, transparent parts on white."""
    flat = QImage(image.size(), QImage.Format.Format_RGB888)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    pixels = bytes(flat.constBits())
    return Image.frombytes("RGB", (flat.width(), flat.height()), pixels, "raw", "RGB", flat.bytesPerLine())
