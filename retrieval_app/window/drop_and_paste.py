"""Pictures and folders out of the data of a drop or of the clipboard, as other programs write it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QPixmap

if TYPE_CHECKING:
    from PIL import Image

    from indexer.search.query import QueryExample

LOCAL_HOSTS = ("", "localhost")
FILE_MANAGER_TYPES = ("x-special/gnome-copied-files", "x-special/mate-copied-files")
NAUTILUS_HEAD = "x-special/nautilus-clipboard"  # the first line of a text of Nautilus 3.30 to 40, before the word
MOST_PASTED_LINES = 1000  # of a text, which may be anything
INLINE_PICTURE = "data:image/"  # how a browser's address begins that is the picture itself


class ReceivedItems(NamedTuple):
    """Pictures to search with, and folders to index."""

    pictures: tuple[QueryExample, ...]
    folders: tuple[Path, ...]


def read_mime_data(data: QMimeData) -> ReceivedItems:
    """The pictures and folders in dropped or pasted data: local files, or a picture in memory where there is no file.

    Addresses of the network are passed over, as nothing is ever fetched from there.
    """
    paths = list_local_paths(data)
    if not paths and not (image := _find_image(data)).isNull():
        return ReceivedItems((to_pillow(image),), ())
    return sort_paths(paths)


def sort_paths(paths: Sequence[Path]) -> ReceivedItems:
    """Files as pictures to search with, folders to index."""
    folders = tuple(path for path in paths if path.is_dir())
    return ReceivedItems(tuple(path for path in paths if path not in folders), folders)


def can_accept_drag(data: QMimeData) -> bool:
    """Whether a drag carries a local file or a picture; reads no file, as it is asked while the pointer moves."""
    return bool(_list_addressed_paths(data)) or data.hasImage() or _find_inline_address(data) is not None


def list_local_paths(data: QMimeData) -> list[Path]:
    """The local files and folders that are named in data: as addresses, as file managers copy them, or as text.

    In text every line must be the path of something that is there, so that no sentence is taken for a file.
    """
    if paths := _list_addressed_paths(data):
        return paths
    lines = [line.strip().strip("'\"") for line in data.text().splitlines()[:MOST_PASTED_LINES] if line.strip()]
    lines = lines[2:] if lines[:1] == [NAUTILUS_HEAD] else lines
    texts = [_parse_address(QUrl(line)) if line.startswith("file:") else _parse_path(line) for line in lines]
    return [path for path in texts if path is not None] if texts and None not in texts else []


def _list_addressed_paths(data: QMimeData) -> list[Path]:
    """The local paths of the addresses in data, each once."""
    addresses = [*data.urls(), *_list_file_manager_addresses(data)]
    return list(dict.fromkeys(path for address in addresses if (path := _parse_address(address)) is not None))


def _list_file_manager_addresses(data: QMimeData) -> Iterator[QUrl]:
    """The addresses that a file manager has copied or cut, behind the word that says which."""
    for kind in FILE_MANAGER_TYPES:
        for line in bytes(data.data(kind).data()).split(b"\n")[1:]:
            yield QUrl.fromEncoded(line.strip(b"\r\0"))


def _parse_address(address: QUrl) -> Path | None:
    """The path of a file on this computer, byte by byte as it is written; None for any other address."""
    if address.scheme() != "file" or address.host() not in LOCAL_HOSTS or not address.path():
        return None
    encoded = address.path(QUrl.ComponentFormattingOption.FullyEncoded)
    return Path(os.fsdecode(unquote_to_bytes(encoded)))


def _parse_path(line: str) -> Path | None:
    """The file or folder that a line of text names from the root or from the user's home; None where there is none."""
    path = Path(line).expanduser() if line.startswith("~") else Path(line)
    try:
        return path if path.is_absolute() and path.exists() else None
    except (OSError, ValueError):  # a text can be longer than any name, or hold a null character
        return None


def _find_inline_address(data: QMimeData) -> QUrl | None:
    """The address that is itself a picture, as browsers give for small ones; None where there is none."""
    addresses = [*data.urls(), *([QUrl(data.text().strip())] if data.text().startswith(INLINE_PICTURE) else [])]
    return next((address for address in addresses if address.toString().startswith(INLINE_PICTURE)), None)


def _find_image(data: QMimeData) -> QImage:
    """The picture in memory that data carries; a null image without one."""
    if (address := _find_inline_address(data)) is not None:
        header, _, content = bytes(address.toEncoded().data()).partition(b",")
        raw = unquote_to_bytes(content)
        with contextlib.suppress(binascii.Error):
            raw = base64.b64decode(raw) if header.endswith(b";base64") else raw
        return QImage.fromData(raw)
    if not data.hasImage():
        return QImage()
    image_data = data.imageData()
    return image_data.toImage() if isinstance(image_data, QPixmap) else QImage(image_data)  # ours gives a pixmap


def to_pillow(image: QImage) -> Image.Image:
    """A Qt image as an RGB Pillow picture, transparent parts on white."""
    from PIL import Image

    flat = QImage(image.size(), QImage.Format.Format_RGB888)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    pixels = bytes(flat.constBits())
    return Image.frombytes("RGB", (flat.width(), flat.height()), pixels, "raw", "RGB", flat.bytesPerLine())
