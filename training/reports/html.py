"""HTML pages that need nothing but themselves: no script, nothing from outside, readable on screen and on paper.

The pages stand as Jinja2 templates in `templates/`. Whatever a template is given is escaped, except the charts, which
are SVG of our own (`charts.py`).
"""

import base64
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.errors import PhotoError
from indexer.paths import show_file_name
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.reports.palette import pick_class_colour

if TYPE_CHECKING:
    from jinja2 import Environment

PICTURE_SIDE = 120  # px, the longer side of a picture
TEMPLATE_FOLDER = Path(__file__).parent / "templates"


class PagePicture(NamedTuple):
    """A picture on a page: caption, file name, and its JPEG as a data URI or else why there is none."""

    caption: str
    name: str
    data_uri: str
    fault: str


def render_page(template: str, title: str, **values: object) -> bytes:
    """A whole page as UTF-8, from a template of `templates/` and the values it names."""
    text = _load_environment().get_template(template).render(title=title, picture_side=PICTURE_SIDE, **values)
    return text.encode("utf-8", "backslashreplace")


@cache
def _load_environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 (only reports need it)

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["class_colour"] = pick_class_colour
    return environment


def load_picture(path: str, sha256: str, caption: str) -> PagePicture:
    """The picture at a path, as Python names it, if its content still has the sha256 (hex); else why it is missing."""
    name = show_file_name(os.fsencode(path))
    try:
        return PagePicture(caption, name, _encode_picture(path, sha256), "")
    except PhotoError as fault:
        return PagePicture(caption, name, "", str(fault))


def _encode_picture(path: str, sha256: str) -> str:
    if not Path(path).exists():
        raise PhotoError("is no longer there")
    data = read_photo(os.fsencode(path))
    if content_hash(data).hex() != sha256:
        raise PhotoError("has changed since the training")
    jpeg = thumbnails.encode_thumbnail(decode_photo(data, PICTURE_SIDE).image)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
