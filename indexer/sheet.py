"""A contact sheet: the query and its hits as one picture, with ranks, distances and labels."""

import io
import os
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from indexer import atomic, photos
from indexer.card import show
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Hit

CELL, CAPTION, GAP, COLUMNS = 180, 44, 12, 6
GROUND, INK, QUIET, ACCENT = "#f5f5f4", "#1c1c1e", "#5f5f64", "#2563a8"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def write_sheet(out: Path, queries: list[Path], hits: list[Hit]) -> None:
    """Write the sheet as PNG, JPEG or WebP by the suffix of `out`; a photo that cannot be read is left blank."""
    cells = [(os.fsencode(path), "query", photos.text(os.fsencode(path.name))) for path in queries]
    cells += [(hit.photo.path, f"{hit.rank}   {hit.distance:.3f}", hit.photo.label or "") for hit in hits]
    rows = -(-len(cells) // COLUMNS)
    size = (COLUMNS * (CELL + GAP) + GAP, rows * (CELL + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, GROUND)
    for number, (path, title, label) in enumerate(cells):
        left, top = GAP + number % COLUMNS * (CELL + GAP), GAP + number // COLUMNS * (CELL + CAPTION + GAP)
        _draw_cell(sheet, (left, top), path, title, label)
    write_picture(out, sheet)


def write_picture(out: Path, image: Image.Image) -> None:
    """Write a picture as PNG, JPEG or WebP by the suffix of `out`, whole or not at all."""
    kind = FORMATS.get(out.suffix.lower())
    if kind is None:
        raise LookalikeError(f"{show(out)} cannot be written: a picture is a .png, .jpg or .webp.")
    data = io.BytesIO()
    image.save(data, kind)
    atomic.write_file(out, data.getvalue())


def _draw_cell(sheet: Image.Image, at: tuple[int, int], path: bytes, title: str, label: str) -> None:
    left, top = at
    draw = ImageDraw.Draw(sheet)
    try:
        picture = photos.decode(photos.read(path), CELL).image
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
    except PhotoError as error:
        draw.text((left + 8, top + CELL // 2), str(error)[:28], QUIET, ImageFont.load_default(11))
    if title == "query":
        draw.rectangle((left - 3, top - 3, left + CELL + 2, top + CELL + 2), outline=ACCENT, width=2)
    draw.text((left, top + CELL + 6), title, ACCENT if title == "query" else INK, ImageFont.load_default(14))
    draw.text((left, top + CELL + 25), label[:28], QUIET, ImageFont.load_default(12))
