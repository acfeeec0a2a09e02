"""Photos for other programs: their files as text, as addresses, and as file managers paste them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from PySide6.QtCore import QMimeData, QUrl

if TYPE_CHECKING:
    from indexer.search.results import Photo

FILE_MANAGER_TYPE = "x-special/gnome-copied-files"  # of Nautilus, Nemo, Caja, Thunar and PCManFM; Dolphin takes a list


def make_file_data(photos: Sequence[Photo]) -> QMimeData:
    """The files of photos as data for other programs: a list of URLs, the same as file managers write it, and their
    paths as text.

    Names that are not UTF-8 are in the addresses, byte by byte, and not in the text.
    """
    addresses = [b"file://" + quote_from_bytes(photo.path).encode() for photo in photos]
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(address) for address in addresses])
    data.setData(FILE_MANAGER_TYPE, b"\n".join([b"copy", *addresses]))
    data.setText("\n".join(filter(None, map(decode_path, photos))))
    return data


def decode_path(photo: Photo) -> str | None:
    """The path of a photo's file as text; None where it is not UTF-8."""
    try:
        return photo.path.decode("utf-8")
    except UnicodeDecodeError:
        return None
