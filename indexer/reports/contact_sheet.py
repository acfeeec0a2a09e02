"""A contact sheet: photos with ranks, distances and labels as one picture, or as an HTML page that needs no other file.

Names and labels are foreign text. `show_path` makes names printable, and the page's template escapes every value, so
that no name works as HTML.
"""

import base64
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from indexer import atomic
from indexer.errors import LookalikeError, PhotoError
from indexer.paths import show_path
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.reports.picture_file import BACKGROUND_COLOUR, PICTURE_FORMATS, write_picture
from indexer.reports.sheet_fonts import choose_font, find_undrawn
from indexer.search.results import Hit
from indexer.wording import count_noun

CELL_SIDE, CAPTION_HEIGHT, CELL_GAP, COLUMN_COUNT = 180, 44, 12, 6  # the first three in pixels
FOOTER_HEIGHT = 24  # pixels
TEXT_COLOUR, QUIET_COLOUR, ACCENT_COLOUR = "#1c1c1e", "#5f5f64", "#2563a8"
MAX_DRAWN_PHOTOS, MAX_LISTED_PHOTOS = 1_500, 20_000  # 180 MB of pixels, 300 MB of HTML


class SheetCell(NamedTuple):
    """One photo of a sheet: absolute path, the line under it, its label, its thumbnail as JPEG.

    Without a thumbnail the photo itself is read.
    """

    path: bytes
    title: str
    label: str
    is_query: bool = False
    thumbnail: bytes | None = None


def write_sheet(out: Path, queries: Sequence[Path], hits: Sequence[Hit]) -> None:
    """Write a sheet of a query's pictures and its hits, as a picture or a page by the suffix of `out`."""
    query_cells = [SheetCell(os.fsencode(path), "query", show_path(Path(path.name)), is_query=True) for path in queries]
    hit_cells = [SheetCell(hit.photo.path, f"{hit.rank}   {hit.distance:.3f}", hit.photo.label or "") for hit in hits]
    write_cells(out, [*query_cells, *hit_cells])


def write_cells(out: Path, cells: Sequence[SheetCell]) -> None:
    """Write a sheet, whole or not at all; in place of a photo that cannot be read stands the reason.

    Raises LookalikeError where the suffix of `out` has no writer or the sheet would be too large for it.
    """
    if out.suffix.lower() not in SHEET_WRITERS:
        raise LookalikeError(
            "{out} cannot be written: a contact sheet is a .png, .jpg, .webp or .html.", out=show_path(out)
        )
    SHEET_WRITERS[out.suffix.lower()](out, cells)


def _write_drawing(out: Path, cells: Sequence[SheetCell]) -> None:
    if len(cells) > MAX_DRAWN_PHOTOS:
        raise LookalikeError(
            "One picture holds at most {limit:,} photos, not {count:,}. Choose .html.",
            limit=MAX_DRAWN_PHOTOS,
            count=len(cells),
        )
    rows, footer = -(-len(cells) // COLUMN_COUNT), _describe_boxes(cells)
    height = rows * (CELL_SIDE + CAPTION_HEIGHT + CELL_GAP) + CELL_GAP
    size = (COLUMN_COUNT * (CELL_SIDE + CELL_GAP) + CELL_GAP, height + (FOOTER_HEIGHT if footer else 0))
    sheet = Image.new("RGB", size, BACKGROUND_COLOUR)
    for number, cell in enumerate(cells):
        row, column = divmod(number, COLUMN_COUNT)
        left = CELL_GAP + column * (CELL_SIDE + CELL_GAP)
        top = CELL_GAP + row * (CELL_SIDE + CAPTION_HEIGHT + CELL_GAP)
        _draw_cell(sheet, (left, top), cell)
    _draw_line(ImageDraw.Draw(sheet), (CELL_GAP, height), footer, QUIET_COLOUR, 12)
    write_picture(out, sheet)


def _describe_boxes(cells: Sequence[SheetCell]) -> str:
    """A sentence on the characters of the sheet that no font here has; "" where each is drawn as itself."""
    undrawn = frozenset[str]().union(*(find_undrawn(text) for cell in cells for text in _list_lines(cell)))
    if not undrawn:
        return ""
    boxes = count_noun(len(undrawn), "character is drawn as a box", "characters are drawn as boxes")
    return f"{boxes}, as no font on this computer has what they stand for; an .html sheet takes its reader's fonts."


def _list_lines(cell: SheetCell) -> tuple[str, str]:
    """The two lines of text under a photo, as far as there is room."""
    return cell.title[:26], cell.label[:28]


def _draw_cell(sheet: Image.Image, corner: tuple[int, int], cell: SheetCell) -> None:
    """Draw a photo and its two lines of text; `corner` is the upper left one, in pixels."""
    left, top = corner
    draw = ImageDraw.Draw(sheet)
    try:
        picture = _read_picture(cell)
        picture.thumbnail((CELL_SIDE, CELL_SIDE))
        sheet.paste(picture, (left + (CELL_SIDE - picture.width) // 2, top + (CELL_SIDE - picture.height) // 2))
    except PhotoError as error:
        _draw_line(draw, (left + 8, top + CELL_SIDE // 2), str(error)[:28], QUIET_COLOUR, 11)
    if cell.is_query:
        draw.rectangle((left - 3, top - 3, left + CELL_SIDE + 2, top + CELL_SIDE + 2), outline=ACCENT_COLOUR, width=2)
    title_colour = ACCENT_COLOUR if cell.is_query else TEXT_COLOUR
    title, label = _list_lines(cell)
    _draw_line(draw, (left, top + CELL_SIDE + 6), title, title_colour, 14)
    _draw_line(draw, (left, top + CELL_SIDE + 25), label, QUIET_COLOUR, 12)


def _draw_line(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, colour: str, size: int) -> None:
    """Write a line in a font that has its script; `size` is in pixels."""
    draw.text(corner, text, colour, choose_font(text, size))


def _read_picture(cell: SheetCell) -> Image.Image:
    return decode_photo(cell.thumbnail or read_photo(cell.path), CELL_SIDE).image


PAGE_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body { background: {{ background }}; color: {{ text }}; font: 13px system-ui, sans-serif; margin: 24px; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax({{ side }}px, 1fr)); gap: 16px; }
figure { margin: 0; overflow-wrap: anywhere; }
img { max-width: {{ side }}px; max-height: {{ side }}px; }
figcaption { margin-top: 4px; }
small { color: {{ quiet }}; display: block; }
.query img { outline: 2px solid {{ accent }}; outline-offset: 2px; }
</style></head><body><h1>{{ title }}</h1><main>
{% for figure in figures -%}
<figure{% if figure.is_query %} class="query"{% endif %}>
{%- if figure.jpeg %}<img src="data:image/jpeg;base64,{{ figure.jpeg }}" alt="{{ figure.name }}">
{%- else %}<p>{{ figure.reason }}</p>{% endif -%}
<figcaption>{{ figure.title }}<small>{{ figure.label }}</small><small>{{ figure.name }}</small></figcaption></figure>
{% endfor -%}
</main></body></html>
"""


class PageFigure(NamedTuple):
    """A photo as the page shows it: the picture as JPEG in base64, or the reason why there is none."""

    name: str
    title: str
    label: str
    is_query: bool
    jpeg: str = ""
    reason: str = ""


def _write_page(out: Path, cells: Sequence[SheetCell]) -> None:
    from jinja2 import Environment  # noqa: PLC0415 (it takes 0.1 s to import, and only pages need it)

    if len(cells) > MAX_LISTED_PHOTOS:
        raise LookalikeError(
            "One page holds at most {limit:,} photos, not {count:,}. Choose .csv.",
            limit=MAX_LISTED_PHOTOS,
            count=len(cells),
        )
    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(PAGE_TEMPLATE)
    pieces = template.generate(
        title=f"{len(cells):,} photos",
        side=CELL_SIDE,
        background=BACKGROUND_COLOUR,
        text=TEXT_COLOUR,
        quiet=QUIET_COLOUR,
        accent=ACCENT_COLOUR,
        figures=map(build_figure, cells),
    )
    with atomic.replace_file(out) as file:  # piece by piece: the whole page would be in memory twice
        file.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces)


def build_figure(cell: SheetCell) -> PageFigure:
    """The photo of a cell as a page shows it, from its thumbnail or else its file."""
    figure = PageFigure(show_path(cell.path), cell.title, cell.label, cell.is_query)
    try:
        jpeg = cell.thumbnail or thumbnails.encode_thumbnail(decode_photo(read_photo(cell.path), CELL_SIDE).image)
    except PhotoError as error:
        return figure._replace(reason=str(error))
    return figure._replace(jpeg=base64.b64encode(jpeg).decode())


SHEET_WRITERS: dict[str, Callable[[Path, Sequence[SheetCell]], None]] = {
    **dict.fromkeys(PICTURE_FORMATS, _write_drawing),
    ".html": _write_page,
}
"""Writers of a sheet, by the suffix of the file."""
