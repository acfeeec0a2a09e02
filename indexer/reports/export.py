"""What a library holds, taken out for other programs: tables of photos or hits, contact sheets, and embeddings.

Names and labels are foreign text. Names are written as `show_path` shows them, and beside them the file's URI, which
opens it whatever its name. A spreadsheet runs a cell that begins like a formula, so in CSV a text of that kind gets an
apostrophe in front. Parquet has types, the same ones whatever the library holds.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer import atomic
from indexer.clustering.photo_clusters import PhotoClusters
from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.own_process import describe_missing_package
from indexer.paths import make_uri, show_file_name, show_path
from indexer.progress import Progress, Steps
from indexer.reports.contact_sheet import SHEET_WRITERS, SheetCell, write_cells, write_sheet
from indexer.reports.photo_map import MapLayout, draw_map
from indexer.reports.picture_file import PICTURE_FORMATS, write_picture
from indexer.search.results import FactFields, Hit, Photo, list_fact_fields
from indexer.statistics.likeness import find_likeness_word
from indexer.vectors.distances import ROWS_PER_BLOCK

PHOTOS_PER_BLOCK = 500  # photos looked up at a time
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")  # OWASP; and full-width
IDS_SUFFIX = ".ids.npy"


class PhotoRow(NamedTuple):
    """A photo as a row of a table: width and height in pixels, sha256 as 64 hex digits."""

    id: int
    path: str
    label: str | None
    copies: int
    width: int
    height: int
    sha256: str
    offline: bool
    uri: str


class MapRow(NamedTuple):
    """A photo's place on the map as a row of a table: x to the right, y up."""

    id: int
    path: str
    label: str | None
    x: float
    y: float
    uri: str


class ClusterRow(NamedTuple):
    """A photo's group as a row of a table: its number from 1 on, largest first, None for none, and its name."""

    id: int
    path: str
    label: str | None
    group: int | None
    name: str
    uri: str


class HitRow(NamedTuple):
    """A hit as a row of a table: distance from 0 to 2, sha256 as 64 hex digits."""

    rank: int
    distance: float
    probability: float | None
    rarity: float | None
    id: int
    path: str
    label: str | None
    copies: int
    sha256: str
    uri: str


TableRow = tuple[object, ...]
PHOTO_COLUMNS = (*PhotoRow._fields, *FactFields._fields)
HIT_COLUMNS = (*HitRow._fields, *FactFields._fields, "likeness")
COLUMN_TYPES: dict[str, type] = {
    **dict.fromkeys(("rank", "id", "copies", "width", "height", "bytes", "iso", "group"), int),
    **dict.fromkeys(("distance", "probability", "rarity", "x", "y", "exposure_seconds", "f_number"), float),
    **dict.fromkeys(("focal_length_mm", "latitude", "longitude"), float),
    "offline": bool,
}
"""The type of each column of a table that is no text."""


def require_suffix(out: Path, what: str) -> None:
    """Raise LookalikeError where `what` (a key of EXPORT_SUFFIXES) cannot become a file of this suffix."""
    suffixes = EXPORT_SUFFIXES[what]
    if out.suffix.lower() not in suffixes:
        raise LookalikeError(
            "{out} cannot be written: its name must end in {suffixes}.",
            out=show_path(out),
            suffixes=" or ".join(suffixes),
        )


def export_hits(out: Path, queries: Sequence[Path], hits: Sequence[Hit]) -> None:
    """Write hits as a table or a contact sheet, by the suffix of `out`."""
    require_suffix(out, "hits")
    if out.suffix.lower() in TABLE_WRITERS:
        TABLE_WRITERS[out.suffix.lower()](out, HIT_COLUMNS, [_make_hit_row(hit) for hit in hits])
    else:
        write_sheet(out, queries, hits)


def export_library(
    out: Path, library: Library, within: Filter | None = None, photo_ids: Sequence[int] = ()
) -> Steps[int]:
    """Write the shown photos that pass a filter as a table or a contact sheet, by the suffix of `out`.

    Where `photo_ids` are given, these in their order instead. Returns their number.
    """
    require_suffix(out, "library")
    rows: list[TableRow] = []
    cells: list[SheetCell] = []
    ids = list(photo_ids) or library.find_photo_ids(within).tolist()
    for start in range(0, len(ids), PHOTOS_PER_BLOCK):
        yield Progress("export", start, len(ids))
        block = library.load_photos(ids[start : start + PHOTOS_PER_BLOCK])
        if out.suffix.lower() in TABLE_WRITERS:
            rows += ((*_make_photo_row(photo), *list_fact_fields(photo)) for photo in block)
        else:
            cells += [_make_cell(library, photo) for photo in block]
    if out.suffix.lower() in TABLE_WRITERS:
        TABLE_WRITERS[out.suffix.lower()](out, PHOTO_COLUMNS, rows)
    else:
        write_cells(out, cells)
    return len(ids)


def export_vectors(out: Path, library: Library, within: Filter | None = None) -> Steps[int]:
    """Write the embeddings of the shown photos that pass a filter as one of `list_vector_files`; returns their number.

    OUT.npy is float32 (n, dim), OUT.ids.npy the photos' ids int64 (n,); OUT.parquet has a row for each photo. Raises
    LookalikeError where the library changes meanwhile.
    """
    require_suffix(out, "vectors")
    photo_ids, dim = library.find_photo_ids(within), library.read_model_card().dim
    write = _write_arrays if out.suffix.lower() == ".npy" else _write_vector_table
    yield from write(out, library, photo_ids, dim)
    return len(photo_ids)


def _write_arrays(out: Path, library: Library, photo_ids: np.ndarray, dim: int) -> Steps[None]:
    ids = [np.zeros(0, np.int64)]
    with atomic.replace_file(out) as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(photo_ids), dim)}
        np.lib.format.write_array_header_1_0(file, header)

        def write_block(block_ids: np.ndarray, values: np.ndarray) -> None:
            file.write(values.tobytes())
            ids.append(block_ids)

        yield from copy_embeddings(library, photo_ids, write_block)
    data = io.BytesIO()
    np.save(data, np.concatenate(ids))
    atomic.write_file(ids_path(out), data.getvalue())


def _write_vector_table(out: Path, library: Library, photo_ids: np.ndarray, dim: int) -> Steps[None]:
    pa, pq = _load_parquet()
    vector_type = pa.list_(pa.float32(), dim)
    schema = pa.schema({"id": pa.int64(), "path": pa.string(), "label": pa.string(), "vector": vector_type})
    with atomic.replace_file(out) as file, pq.ParquetWriter(file, schema) as writer:

        def write_block(block_ids: np.ndarray, values: np.ndarray) -> None:
            photos = library.load_photos(block_ids.tolist())
            if len(photos) == len(block_ids):  # else it has changed, which copy_embeddings says at its end
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), dim)
                texts = [pa.array(_encode_texts(column)) for column in _list_texts(photos)]
                writer.write_table(pa.Table.from_arrays([pa.array(block_ids), *texts, vectors], schema=schema))

        yield from copy_embeddings(library, photo_ids, write_block)


def _list_texts(photos: Sequence[Photo]) -> tuple[list[str | None], list[str | None]]:
    return [show_path(photo.path) for photo in photos], [photo.label for photo in photos]


def copy_embeddings(
    library: Library, photo_ids: np.ndarray, write: Callable[[np.ndarray, np.ndarray], None]
) -> Steps[None]:
    """Give `write` the ids (n,) int64 and the embeddings (n, dim) float32 of these photos, block by block.

    Raises LookalikeError where the library changes meanwhile.
    """
    total, last, written = library.store.embeddings.count_embeddings(library.model_id), 0, 0
    for done in range(0, total, ROWS_PER_BLOCK):
        yield Progress("export", done, total)
        part = library.store.embeddings.read_embeddings(library.model_id, last, None, ROWS_PER_BLOCK)
        is_exported = np.isin(part.ids, photo_ids)
        write(part.ids[is_exported], part.values[is_exported].astype("<f4"))
        written += int(is_exported.sum())
        last = int(part.seqs[-1])
    if written != len(photo_ids):
        raise LookalikeError("The library changed while it was written. Try again.")


def export_map(out: Path, library: Library, layout: MapLayout) -> None:
    """Write a map as a table or as a picture of thumbnails, by the suffix of `out`."""
    require_suffix(out, "map")
    if out.suffix.lower() not in TABLE_WRITERS:
        write_picture(out, draw_map(library, layout))
        return
    places = dict(zip(layout.ids.tolist(), layout.points.tolist(), strict=True))
    found = library.load_photos(layout.ids.tolist())
    rows = [_make_map_row(photo, *places[photo.id]) for photo in found]
    TABLE_WRITERS[out.suffix.lower()](out, MapRow._fields, rows)


def export_clusters(out: Path, library: Library, clusters: PhotoClusters, names: Sequence[str]) -> None:
    """Write the group of each photo as a table, by the suffix of `out`; `names` are those of the groups."""
    require_suffix(out, "clusters")
    codes = dict(zip(clusters.ids.tolist(), clusters.codes.tolist(), strict=True))
    rows = [_make_cluster_row(photo, codes[photo.id], names) for photo in library.load_photos(clusters.ids.tolist())]
    TABLE_WRITERS[out.suffix.lower()](out, ClusterRow._fields, rows)


def list_vector_files(out: Path) -> list[Path]:
    """The files that `export_vectors` writes: `out`, and with .npy the ids beside it."""
    return [out, ids_path(out)] if out.suffix.lower() == ".npy" else [out]


def ids_path(out: Path) -> Path:
    """The file beside exported vectors that holds the ids of their photos."""
    return out.with_name(out.stem + IDS_SUFFIX)


def _make_photo_row(photo: Photo) -> PhotoRow:
    return PhotoRow(
        photo.id,
        show_path(photo.path),
        photo.label,
        photo.copies,
        photo.width,
        photo.height,
        photo.sha256.hex(),
        photo.offline,
        make_uri(photo.path),
    )


def _make_map_row(photo: Photo, x: float, y: float) -> MapRow:
    return MapRow(photo.id, show_path(photo.path), photo.label, x, y, make_uri(photo.path))


def _make_cluster_row(photo: Photo, code: int, names: Sequence[str]) -> ClusterRow:
    number, name = (code + 1, names[code]) if code >= 0 else (None, "")
    return ClusterRow(photo.id, show_path(photo.path), photo.label, number, name, make_uri(photo.path))


def _make_hit_row(hit: Hit) -> TableRow:
    photo = _make_photo_row(hit.photo)
    figures = (hit.rank, round(hit.distance, 6), hit.probability, hit.rarity)
    row = HitRow(*figures, photo.id, photo.path, photo.label, photo.copies, photo.sha256, photo.uri)
    return (*row, *list_fact_fields(hit.photo), find_likeness_word(hit))


def _make_cell(library: Library, photo: Photo) -> SheetCell:
    name = show_file_name(photo.path)
    return SheetCell(photo.path, name, photo.label or "", thumbnail=library.read_thumbnail(photo))


# tables


def write_csv(out: Path, names: Sequence[str], rows: Sequence[TableRow]) -> None:
    """Write rows as CSV in UTF-8 below a line with the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(_escape_formulas(row) for row in rows)
    atomic.write_file(out, text.getvalue().encode("utf-8", "backslashreplace"))


def write_json(out: Path, names: Sequence[str], rows: Sequence[TableRow]) -> None:
    """Write rows as a JSON list of objects with these names."""
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    atomic.write_file(out, (json.dumps(objects, indent=1) + "\n").encode())


def write_parquet(out: Path, names: Sequence[str], rows: Sequence[TableRow]) -> None:
    """Write rows as a Parquet table; a column has the type of COLUMN_TYPES, else it is text."""
    pa, pq = _load_parquet()
    types = {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[COLUMN_TYPES[name]] if name in COLUMN_TYPES else pa.string()) for name in names])
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    arrays = [pa.array(_encode_texts(column), field.type) for column, field in zip(columns, schema, strict=True)]
    with atomic.replace_file(out) as file:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file)


def _load_parquet() -> tuple[Any, Any]:
    """pyarrow and its module for Parquet. Raises LookalikeError where they are not installed."""
    try:
        import pyarrow  # noqa: PLC0415  # an extra
        import pyarrow.parquet  # noqa: PLC0415
    except ModuleNotFoundError:
        raise LookalikeError(describe_missing_package("pyarrow", "'lookalike[parquet]'")) from None
    return pyarrow, pyarrow.parquet


def _encode_texts(values: Iterable[object]) -> list[object]:
    """The values, with texts that are no UTF-8 made so, as in CSV."""
    return [value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value for value in values]


def _escape_formulas(values: Iterable[object]) -> Iterator[object]:
    """The values of a row, with an apostrophe before texts that a spreadsheet would run as a formula."""
    for value in values:
        yield f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


TABLE_WRITERS: dict[str, Callable[[Path, Sequence[str], Sequence[TableRow]], None]] = {
    ".csv": write_csv,
    ".json": write_json,
    ".parquet": write_parquet,
}
EXPORT_SUFFIXES = {
    "library": (*TABLE_WRITERS, *SHEET_WRITERS),
    "hits": (*TABLE_WRITERS, *SHEET_WRITERS),
    "vectors": (".npy", ".parquet"),
    "map": (*TABLE_WRITERS, *PICTURE_FORMATS),
    "clusters": (*TABLE_WRITERS,),
}
"""What can be exported, and the suffixes of the files that it can become."""
