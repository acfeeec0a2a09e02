"""HTML pages that need nothing but themselves: no script, nothing from outside, readable on screen and on paper."""

import base64
import html
import os
from collections.abc import Sequence
from pathlib import Path

from indexer.errors import PhotoError
from indexer.paths import show_path
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, read_photo

PICTURE_SIDE = 120  # px of a picture

PAGE_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body {{ background: #fff; color: #1c1c1e; font: 15px/1.5 system-ui, sans-serif; margin: 32px auto; max-width: 980px;
  padding: 0 20px; }}
h1 {{ font-size: 26px; }}
h2 {{ font-size: 19px; margin: 36px 0 8px; border-bottom: 1px solid #dcdcda; padding-bottom: 4px; }}
.lead {{ font-size: 17px; }}
.note {{ color: #5f5f64; font-size: 13px; }}
table {{ border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 4px 12px; border-bottom: 1px solid #ececea; text-align: right; overflow-wrap: anywhere; }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0; }}
th {{ color: #5f5f64; font-weight: 600; }}
.side {{ display: flex; flex-wrap: wrap; gap: 24px; }}
.side > div {{ flex: 1 1 360px; }}
svg {{ max-width: 100%; height: auto; font: 11px system-ui, sans-serif; }}
h3 {{ font-size: 14px; margin: 8px 0; }}
.legend {{ font-size: 12px; color: #5f5f64; margin: 4px 0 12px; }}
.legend span {{ margin-right: 14px; }}
.legend i {{ display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin-right: 5px; }}
.pictures {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px 20px; max-width: 720px; }}
figure {{ margin: 0; overflow-wrap: anywhere; break-inside: avoid; }}
figure img {{ max-width: {side}px; max-height: {side}px; }}
.gone {{ width: {side}px; height: 60px; border: 1px dashed #b0b0ae; color: #5f5f64; font-size: 12px; padding: 6px; }}
figcaption {{ font-size: 12px; color: #5f5f64; }}
@media print {{ body {{ margin: 0; font-size: 11pt; }} h2 {{ break-after: avoid; }}
  svg, tr {{ break-inside: avoid; }} }}
</style></head><body><h1>{title}</h1>
{body}
</body></html>
"""


def render_page(title: str, body: Sequence[str]) -> bytes:
    """A whole page with these parts, which are HTML already; the title is not."""
    text = PAGE_TEMPLATE.format(
        title=html.escape(title), side=PICTURE_SIDE, body="\n".join(part for part in body if part)
    )
    return text.encode("utf-8", "backslashreplace")


def render_section(title: str, *parts: str) -> str:
    """A section of parts that are HTML already; nothing where all of them are empty."""
    inside = "\n".join(part for part in parts if part)
    return f"<section><h2>{html.escape(title)}</h2>\n{inside}</section>" if inside else ""


def render_paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words; nothing of none."""
    role = f' class="{kind}"' if kind else ""
    return f"<p{role}>{html.escape(words)}</p>" if words else ""


def render_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain words; nothing without rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(words)}</th>" for words in heading)
    lines = ("".join(f"<td>{html.escape(words)}</td>" for words in row) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def render_columns(*columns: tuple[str, str]) -> str:
    """Parts side by side, each with its heading in plain words."""
    inside = "".join(f"<div><h3>{html.escape(title)}</h3>{part}</div>" for title, part in columns if part)
    return f'<div class="side">{inside}</div>' if inside else ""


def render_picture(path: str, sha256: str, caption: str) -> str:
    """A picture by its path, as Python names it, if it still shows what it did; else a box that says why not."""
    name = html.escape(show_path(os.fsencode(path).rpartition(b"/")[2]))
    image = _render_image(path, sha256, name)
    return f"<figure>{image}<figcaption>{html.escape(caption)}<br>{name}</figcaption></figure>"


def _render_image(path: str, sha256: str, name: str) -> str:
    try:
        if not Path(path).exists():
            raise PhotoError("is no longer there")
        data = read_photo(os.fsencode(path))
        if content_hash(data).hex() != sha256:
            raise PhotoError("has changed since the training")
        jpeg = thumbnails.encode_thumbnail(decode_photo(data, PICTURE_SIDE).image)
    except PhotoError as fault:
        return f'<div class="gone">This picture {html.escape(str(fault))}.</div>'
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" alt="{name}">'
