"""A contact sheet: photos with ranks, distances and labels as one picture, or as an HTML page that needs no other file.

Names come from anywhere: they are shown as `photos.text` makes them, and in HTML escaped, so that none is obeyed.
"""

import base64
import html
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from indexer import atomic
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Hit
from indexer.paths import show_path
from indexer.photos import decoding as photos
from indexer.photos import thumbnails
from indexer.photos.reading import read_photo

CELL, CAPTION, GAP, COLUMNS = 180, 44, 12, 6
GROUND, INK, QUIET, ACCENT = "#f5f5f4", "#1c1c1e", "#5f5f64", "#2563a8"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # what the formats can hold
MOST_DRAWN, MOST_LISTED = 1_500, 20_000  # photos: 180 MB of pixels, 300 MB of HTML


class Cell(NamedTuple):
    """One photo of a sheet: absolute path, the line under it, its label; its thumbnail (JPEG) where one is at hand."""

    path: bytes
    title: str
    label: str
    is_query: bool = False
    thumbnail: bytes | None = None


def write_sheet(out: Path, queries: Sequence[Path], hits: Sequence[Hit]) -> None:
    """Write pictures of a query and its hits as a sheet, of a kind by the suffix of `out`."""
    cells = [Cell(os.fsencode(path), "query", show_path(os.fsencode(path.name)), is_query=True) for path in queries]
    cells += [Cell(hit.photo.path, f"{hit.rank}   {hit.distance:.3f}", hit.photo.label or "") for hit in hits]
    write_cells(out, cells)


def write_cells(out: Path, cells: Sequence[Cell]) -> None:
    """Write a sheet, whole or not at all; a photo that cannot be read is left blank with the reason."""
    if out.suffix.lower() not in SHEETS:
        raise LookalikeError(f"{show_path(out)} cannot be written: a contact sheet is a .png, .jpg, .webp or .html.")
    SHEETS[out.suffix.lower()](out, cells)


def write_picture(out: Path, image: Image.Image) -> None:
    """Write a picture as PNG, JPEG or WebP by the suffix of `out`, whole or not at all."""
    kind = FORMATS.get(out.suffix.lower())
    if kind is None:
        raise LookalikeError(f"{show_path(out)} cannot be written: a picture is a .png, .jpg or .webp.")
    if max(image.size) > LONGEST_SIDE.get(kind, max(image.size)):
        raise LookalikeError(f"{show_path(out)} cannot hold a picture so large. Choose a .png.")
    data = io.BytesIO()
    image.save(data, kind)
    atomic.write_file(out, data.getvalue())


def _write_drawing(out: Path, cells: Sequence[Cell]) -> None:
    if len(cells) > MOST_DRAWN:
        raise LookalikeError(f"One picture holds at most {MOST_DRAWN:,} photos, not {len(cells):,}. Choose .html.")
    rows = -(-len(cells) // COLUMNS)
    size = (COLUMNS * (CELL + GAP) + GAP, rows * (CELL + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, GROUND)
    for number, cell in enumerate(cells):
        left, top = GAP + number % COLUMNS * (CELL + GAP), GAP + number // COLUMNS * (CELL + CAPTION + GAP)
        _draw_cell(sheet, (left, top), cell)
    write_picture(out, sheet)


def _draw_cell(sheet: Image.Image, at: tuple[int, int], cell: Cell) -> None:
    left, top = at
    draw = ImageDraw.Draw(sheet)
    try:
        picture = _picture(cell)
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
    except PhotoError as error:
        draw.text((left + 8, top + CELL // 2), str(error)[:28], QUIET, ImageFont.load_default(11))
    if cell.is_query:
        draw.rectangle((left - 3, top - 3, left + CELL + 2, top + CELL + 2), outline=ACCENT, width=2)
    draw.text((left, top + CELL + 6), cell.title[:26], ACCENT if cell.is_query else INK, ImageFont.load_default(14))
    draw.text((left, top + CELL + 25), cell.label[:28], QUIET, ImageFont.load_default(12))


def _picture(cell: Cell) -> Image.Image:
    return photos.decode(cell.thumbnail or read_photo(cell.path), CELL).image


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body {{ background: {ground}; color: {ink}; font: 13px system-ui, sans-serif; margin: 24px; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({cell}px, 1fr)); gap: 16px; }}
figure {{ margin: 0; overflow-wrap: anywhere; }}
img {{ max-width: {cell}px; max-height: {cell}px; }}
figcaption {{ margin-top: 4px; }}
small {{ color: {quiet}; display: block; }}
.query img {{ outline: 2px solid {accent}; outline-offset: 2px; }}
</style></head><body><h1>{title}</h1><main>
{figures}
</main></body></html>
"""


def _write_page(out: Path, cells: Sequence[Cell]) -> None:
    if len(cells) > MOST_LISTED:
        raise LookalikeError(f"One page holds at most {MOST_LISTED:,} photos, not {len(cells):,}. Choose .csv.")
    colours = {"ground": GROUND, "ink": INK, "quiet": QUIET, "accent": ACCENT}
    figures = "\n".join(map(_figure, cells))
    page = PAGE.format(title=f"{len(cells):,} photos", cell=CELL, figures=figures, **colours)
    atomic.write_file(out, page.encode("utf-8", "backslashreplace"))


def _figure(cell: Cell) -> str:
    name, title, label = (html.escape(words) for words in (show_path(cell.path), cell.title, cell.label))
    try:
        jpeg = cell.thumbnail or thumbnails.encode(photos.decode(read_photo(cell.path), CELL).image)
        seen = f'<img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" alt="{name}">'
    except PhotoError as error:
        seen = f"<p>{html.escape(str(error))}</p>"
    kind = ' class="query"' if cell.is_query else ""
    return f"<figure{kind}>{seen}<figcaption>{title}<small>{label}</small><small>{name}</small></figcaption></figure>"


SHEETS: dict[str, Callable[[Path, Sequence[Cell]], None]] = {
    **dict.fromkeys(FORMATS, _write_drawing),
    ".html": _write_page,
}
"""Ways to write a sheet, by the suffix of the file."""
