"""What a library holds, taken out for other programs: photos or hits as CSV, JSON or contact sheet, vectors as .npy.

Names and labels come from anywhere. Names are written as `photos.text` shows them. A spreadsheet runs a cell that
begins like a formula: in CSV such a text gets an apostrophe in front.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer import atomic
from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Hit, Library, Photo
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.reports.contact_sheet import FORMATS, SHEETS, Cell, write_cells, write_picture, write_sheet
from indexer.reports.photo_map import Layout, draw_map
from indexer.vectors import distances as engines

BLOCK = 500  # photos looked up at a time
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")  # OWASP; and full-width
IDS_SUFFIX = ".ids.npy"


class PhotoRow(NamedTuple):
    """A photo as it is written; sizes in pixels, sha256 as 64 hex digits."""

    id: int
    path: str
    label: str | None
    copies: int
    width: int
    height: int
    sha256: str
    offline: bool


class MapRow(NamedTuple):
    """A photo's place on the map as it is written; x to the right, y up."""

    id: int
    path: str
    label: str | None
    x: float
    y: float


class HitRow(NamedTuple):
    """A hit as it is written."""

    rank: int
    distance: float
    probability: float | None
    rarity: float | None
    id: int
    path: str
    label: str | None
    copies: int
    sha256: str


Row = PhotoRow | HitRow | MapRow


def require_form(out: Path, what: str) -> None:
    """LookalikeError where there is no way to write this into a file of this suffix; asked before any work."""
    forms = FORMS[what]
    if out.suffix.lower() not in forms:
        raise LookalikeError(f"{show_path(out)} cannot be written: its name must end in {' or '.join(forms)}.")


def export_hits(out: Path, queries: Sequence[Path], hits: Sequence[Hit]) -> None:
    """Write hits as a table or a contact sheet, by the suffix of `out`."""
    require_form(out, "hits")
    if out.suffix.lower() in TABLES:
        TABLES[out.suffix.lower()](out, HitRow._fields, [_hit_row(hit) for hit in hits])
    else:
        write_sheet(out, queries, hits)


def export_library(out: Path, library: Library, within: Filter | None = None) -> Steps[int]:
    """Write the shown photos that pass a filter as a table or a contact sheet, by the suffix of `out`; how many."""
    require_form(out, "library")
    rows: list[Row] = []
    cells: list[Cell] = []
    ids = library.photo_ids(within)
    for start in range(0, len(ids), BLOCK):
        yield Progress("export", start, len(ids))
        found = library.photos(ids[start : start + BLOCK].tolist())
        if out.suffix.lower() in TABLES:
            rows += map(_photo_row, found)
        else:
            cells += [_cell(library, photo) for photo in found]
    if out.suffix.lower() in TABLES:
        TABLES[out.suffix.lower()](out, PhotoRow._fields, rows)
    else:
        write_cells(out, cells)
    return len(ids)


def export_vectors(out: Path, library: Library, within: Filter | None = None) -> Steps[int]:
    """Write the embeddings of the shown photos that pass a filter: OUT.npy float32 (n, dim), OUT.ids.npy int64 (n,);
    returns n.
    """
    require_form(out, "vectors")
    shown, dim = library.photo_ids(within), library.card().dim
    total, last = library.store.count_embeddings(library.model_id), 0
    ids = [np.zeros(0, np.int64)]
    with atomic.replacing(out) as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(shown), dim)}
        np.lib.format.write_array_header_1_0(file, header)
        for done in range(0, total, engines.BLOCK):
            yield Progress("export", done, total)
            part = library.store.vectors(library.model_id, last, None, engines.BLOCK)
            here = np.isin(part.ids, shown)
            file.write(part.values[here].astype("<f4").tobytes())
            ids.append(part.ids[here])
            last = int(part.seqs[-1])
        if sum(map(len, ids)) != len(shown):
            raise LookalikeError("The library changed while it was written. Try again.")
    data = io.BytesIO()
    np.save(data, np.concatenate(ids))
    atomic.write_file(ids_path(out), data.getvalue())
    return len(shown)


def export_map(out: Path, library: Library, layout: Layout) -> None:
    """Write a map as a table or as a picture of thumbnails, by the suffix of `out`."""
    require_form(out, "map")
    if out.suffix.lower() not in TABLES:
        write_picture(out, draw_map(library, layout))
        return
    places = dict(zip(layout.ids.tolist(), layout.points.tolist(), strict=True))
    found = library.photos(layout.ids.tolist())
    rows = [MapRow(photo.id, show_path(photo.path), photo.label, *places[photo.id]) for photo in found]
    TABLES[out.suffix.lower()](out, MapRow._fields, rows)


def ids_path(out: Path) -> Path:
    """Where the ids of exported vectors lie: beside them."""
    return out.with_name(out.stem + IDS_SUFFIX)


def _photo_row(photo: Photo) -> PhotoRow:
    size = (photo.width, photo.height)
    return PhotoRow(
        photo.id, show_path(photo.path), photo.label, photo.copies, *size, photo.sha256.hex(), photo.offline
    )


def _hit_row(hit: Hit) -> HitRow:
    photo = _photo_row(hit.photo)
    figures = (hit.rank, round(hit.distance, 6), hit.probability, hit.rarity)
    return HitRow(*figures, photo.id, photo.path, photo.label, photo.copies, photo.sha256)


def _cell(library: Library, photo: Photo) -> Cell:
    name = show_path(os.path.basename(photo.path))  # noqa: PTH119 (paths are bytes)
    return Cell(photo.path, name, photo.label or "", thumbnail=library.thumbnail(photo))


# tables


def write_csv(out: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV in UTF-8 below a line with the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(_harmless(row) for row in rows)
    atomic.write_file(out, text.getvalue().encode("utf-8", "backslashreplace"))


def write_json(out: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Write rows as a JSON list of objects with these names."""
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    atomic.write_file(out, (json.dumps(objects, indent=1) + "\n").encode())


def _harmless(values: Iterable[object]) -> Iterator[object]:
    """The cells of a row, none of which a spreadsheet takes for a formula."""
    for value in values:
        yield f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


TABLES: dict[str, Callable[[Path, Sequence[str], Sequence[Row]], None]] = {".csv": write_csv, ".json": write_json}
FORMS = {
    "library": (*TABLES, *SHEETS),
    "hits": (*TABLES, *SHEETS),
    "vectors": (".npy",),
    "map": (*TABLES, *FORMATS),
}
"""What can be exported, and the suffixes of the files that it can become."""
