"""The SQL of orders: all present photos sorted by folder, name, date, size or label, from indexes that have it all.

Every answer is the ids in ascending order with a code each, equal for photos of one section of that order; codes
ascend too. A photo of several files is there once for each. Numbers come as one text (`parse_numbers`).

What the window shows of all photos, their ids and shapes, comes in runs: one after the other, as those of a folder
mostly are, and of one shape. A million of them, each by itself, would take a slow link half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.database.filters import SqlCondition, parse_numbers
from indexer.database.interface import Database, SqlRow

SHAPE_UNIT = 10_000  # of an aspect: less than a pixel of a preview


class SortedPhotos(NamedTuple):
    """Photo ids (n,) int64 in ascending order, and the code (n,) int64 of each one's section."""

    ids: np.ndarray
    codes: np.ndarray


class FolderOrder(NamedTuple):
    """Photos by root, folder and name; a code is a place in `folders`: root, its path, and the folder below it."""

    photos: SortedPhotos
    folders: list[tuple[bytes, bytes]]


class LabelOrder(NamedTuple):
    """Photos by label, those without one left out; a code is a place in `labels`."""

    photos: SortedPhotos
    labels: list[str]


def find_shown_ids(database: Database, model: int) -> np.ndarray:
    """Ids (n,) int64 of photos with a present file and an embedding, by root, folder and name."""
    order = "ORDER BY root, folder, name_key, photo"
    shown = (
        "files WHERE state = 'present' AND EXISTS "
        "(SELECT 1 FROM embeddings AS e WHERE e.photo = files.photo AND e.model = ?)"
    )
    if database.is_shared:
        rows = (
            f"SELECT photo, row_number() OVER ({order}) AS place, "
            f"lag(photo, 1, -1) OVER ({order}) <> photo - 1 AS begins FROM {shown}"
        )
        places, first_ids, count = _fetch_runs(database, (rows, [model]), ("place", "photo"), "count(*)")
        ids = np.repeat(first_ids - places, np.diff(places, append=count + 1)) + np.arange(1, count + 1)
    else:
        (ids,) = _fetch_numbers(database, "photo", "photo", f"{shown} {order}", (model,))
    first_rows = np.unique(ids, return_index=True)[1]  # of a photo with several files
    shown_ids: np.ndarray = ids[np.sort(first_rows)]
    return shown_ids


def read_aspects(database: Database, above: int) -> np.ndarray:
    """The width over height (n,) float32 of the photos with the ids above + 1 to above + n; 0 where unknown.

    The last one is known: what is not known behind it is to be asked for again.
    """
    shape = f"CASE WHEN width > 0 AND height > 0 THEN {SHAPE_UNIT} * width / height ELSE 0 END"
    differs = "lag(id, 1, 0) OVER (ORDER BY id) <> id - 1 OR lag(shape, 1, -1) OVER (ORDER BY id) <> shape"
    rows = (
        f"SELECT id, shape, {differs if database.is_shared else 'TRUE'} AS begins "
        f"FROM (SELECT id, {shape} AS shape FROM photos WHERE id > ?) AS shapes"
    )
    total = "max(id) FILTER (WHERE shape > 0)"
    ids, shapes, last_known = _fetch_runs(database, (rows, [above]), ("id", "shape"), total)
    if not last_known:
        return np.zeros(0, np.float32)
    starts = np.minimum(np.concatenate([[above + 1], ids, [last_known + 1]]), last_known + 1)
    aspects = np.concatenate([[0], shapes]).astype(np.float32) / np.float32(SHAPE_UNIT)
    return np.repeat(aspects, np.diff(starts))


def _fetch_runs(
    database: Database, rows: SqlCondition, columns: tuple[str, str], total: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """Two columns (n,) int64 of the rows that begin a run, by the first of them, and a figure of all rows."""
    texts = ", ".join(f"{database.dialect.concatenate(name)} FILTER (WHERE begins)" for name in columns)
    ((first, second, figure),) = database.fetch_rows(f"SELECT {texts}, {total} FROM ({rows[0]}) AS rows", rows[1])
    keys, numbers = parse_numbers(first), parse_numbers(second)
    order = np.argsort(keys)
    return keys[order], numbers[order], int(figure or 0)


def sort_by_folder(database: Database) -> FolderOrder:
    """Present photos by root, folder and name."""
    ids = _fetch_numbers(
        database, "photo", "photo", "files WHERE state = 'present' ORDER BY root, folder, name_key, photo"
    )
    runs = database.fetch_rows(
        "SELECT roots.path, run.folder, run.files FROM (SELECT root, folder, count(*) AS files FROM files "
        "WHERE state = 'present' GROUP BY root, folder) AS run JOIN roots ON roots.id = run.root "
        "ORDER BY run.root, run.folder"
    )
    codes = np.repeat(np.arange(len(runs)), [files for _, _, files in runs])
    return FolderOrder(SortedPhotos(ids[0], codes), [(root, folder or b"") for root, folder, _ in runs])


def sort_by_id(database: Database) -> SortedPhotos:
    """All photos by their ids, which are given in the order in which they are added; all of one code."""
    (ids,) = _fetch_numbers(database, "id", "id", "photos ORDER BY id")
    return SortedPhotos(ids, np.zeros_like(ids))


def sort_by_name(database: Database) -> SortedPhotos:
    """Present photos by file name, numbers by their value; a code is the code point of the first letter."""
    source = "files WHERE state = 'present' ORDER BY name_key, photo"
    return SortedPhotos(*_fetch_numbers(database, "photo", "photo, coalesce(unicode(name_key), 0) AS code", source))


def sort_by_taken(database: Database) -> SortedPhotos:
    """Present photos by the moment of the taking, else of the file; a code is the day, counted from 1970."""
    source = "files WHERE state = 'present' ORDER BY taken_us, photo"
    day = "coalesce(taken_us, 0) / 1000000 - CASE WHEN taken_us < 0 THEN 86399 ELSE 0 END"
    return SortedPhotos(*_fetch_numbers(database, "photo", f"photo, ({day}) / 86400 AS code", source))


def sort_by_size(database: Database) -> SortedPhotos:
    """All photos by their number of pixels, which is the code."""
    source = "photos ORDER BY width * height NULLS FIRST, id"
    return SortedPhotos(*_fetch_numbers(database, "id", "id, coalesce(width * height, 0) AS code", source))


def sort_by_label(database: Database) -> LabelOrder:
    """Present photos that have a label (`annotations.LABEL_SQL`), by label."""
    numbers_sql = database.dialect.concatenate("photo")
    by_user = database.fetch_rows(f"SELECT label, {numbers_sql} FROM labels GROUP BY label")
    by_folder = database.fetch_rows(
        f"SELECT label, {numbers_sql} FROM files WHERE state = 'present' AND label IS NOT NULL GROUP BY label"
    )
    labels = sorted({label for label, _ in (*by_user, *by_folder)}, key=lambda label: (label.casefold(), label))
    places = {label: place for place, label in enumerate(labels)}
    codes = _collect_codes(by_folder, places, _find_last_id(by_user, by_folder))
    for label, numbers in by_user:
        codes[parse_numbers(numbers)] = places[label]
    ids = np.flatnonzero(codes >= 0)
    order = np.argsort(codes[ids], kind="stable")
    return LabelOrder(SortedPhotos(ids[order], codes[ids][order]), labels)


def _collect_codes(by_folder: Sequence[SqlRow], places: dict[str, int], last: int) -> np.ndarray:
    """The code (last + 1,) of each photo by its folders' label; -1 where there is none, and where they differ."""
    least, most = np.full(last + 1, len(places)), np.full(last + 1, -1)
    for label, numbers in by_folder:
        ids = parse_numbers(numbers)
        least[ids] = np.minimum(least[ids], places[label])
        most[ids] = np.maximum(most[ids], places[label])
    return np.where(least == most, most, -1)


def _find_last_id(*parts: Sequence[SqlRow]) -> int:
    return max((int(parse_numbers(numbers).max()) for part in parts for _, numbers in part), default=0)


def _fetch_numbers(
    database: Database, first: str, columns: str, source: str, values: Sequence[object] = ()
) -> list[np.ndarray]:
    """The columns (n,) int64 of a sorted source: the first one, and the one that is called code, if any is."""
    wanted = [first, *(["code"] if " AS code" in columns else [])]
    numbers_sql = ", ".join(map(database.dialect.concatenate, wanted))
    sql = f"SELECT {numbers_sql} FROM (SELECT {columns} FROM {source}) AS sorted"
    return [parse_numbers(numbers) for numbers in database.fetch_rows(sql, values)[0]]
