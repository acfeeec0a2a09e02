"""Pictures that a report is written as: PNG, JPEG or WebP, and the colour of the ground they are drawn on."""

import io
from pathlib import Path

from PIL import Image

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.paths import show_path

BACKGROUND_COLOUR = "#f5f5f4"
PICTURE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels that the formats can hold


def write_picture(out: Path, image: Image.Image) -> None:
    """Write a picture as PNG, JPEG or WebP by the suffix of `out`, whole or not at all.

    Raises LookalikeError where the suffix is none of these or the format cannot hold a picture so large.
    """
    file_format = PICTURE_FORMATS.get(out.suffix.lower())
    if file_format is None:
        raise LookalikeError("{out} cannot be written: a picture is a .png, .jpg or .webp.", out=show_path(out))
    if max(image.size) > LONGEST_SIDES.get(file_format, max(image.size)):
        raise LookalikeError("{out} cannot hold a picture so large. Choose a .png.", out=show_path(out))
    data = io.BytesIO()
    image.save(data, file_format)
    atomic.write_file(out, data.getvalue())
