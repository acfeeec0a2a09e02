"""What comes from outside by drop or paste: picture files, a picture in memory, folders."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

from indexer.search.query import QueryExample


class ReceivedItems(NamedTuple):
    """Pictures to look for, and folders to index."""

    pictures: tuple[QueryExample, ...]
    folders: tuple[Path, ...]


def read_mime_data(data: QMimeData) -> ReceivedItems:
    """What was dropped or pasted. Only local files count: nothing is ever fetched from the network."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    folders = tuple(path for path in paths if path.is_dir())
    pictures: tuple[QueryExample, ...] = tuple(path for path in paths if path not in folders)
    if not paths and data.hasImage():
        image_data = data.imageData()
        image = (
            image_data.toImage() if isinstance(image_data, QPixmap) else QImage(image_data)
        )  # a pixmap comes from our own window
        pictures = () if image.isNull() else (to_pillow(image),)
    return ReceivedItems(pictures, folders)


def can_accept_drag(data: QMimeData) -> bool:
    """Whether a drag may carry something of use; looks at no file, as it is asked while the pointer moves."""
    return any(url.isLocalFile() for url in data.urls()) or data.hasImage()


def to_pillow(image: QImage) -> Image.Image:
    """A Qt image as a Pillow picture, what is transparent on white."""
    flat = QImage(image.size(), QImage.Format.Format_RGB888)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    pixels = bytes(flat.constBits())
    return Image.frombytes("RGB", (flat.width(), flat.height()), pixels, "raw", "RGB", flat.bytesPerLine())
