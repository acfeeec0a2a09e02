"""A shared library of very many photos, planted by the server itself: nothing of it passes through this computer."""

from zlib import crc32

import numpy as np

from indexer.library import Library
from tests.support.embedders import tiny_card
from tests.support.vectors import ROOT

FOLDER_PHOTOS = 1000  # in each folder
HALF_DIM = 4
FIRST_HALVES, SECOND_HALVES = 997, 1009  # no two photos up to their product have the same embedding


def plant_on_server(library: Library, count: int) -> None:
    """Photos 1 to `count` of two shapes in folders of a thousand, their embeddings, and the server's copy of them."""
    card, database = tiny_card(), library.store.database
    library.store.models.add_model(card.fingerprint, card.name, 2 * HALF_DIM)
    library.store.files.add_root(ROOT, labelled=False)
    numbers = f"generate_series(1, {count}) AS n"
    halves = " ".join(
        f"JOIN halves AS {name} ON {name}.place = {place} AND {name}.number = n % {size}"
        for place, (name, size) in enumerate((("a", FIRST_HALVES), ("b", SECOND_HALVES)))
    )
    folder, name = f"lpad(CAST(n / {FOLDER_PHOTOS} AS text), 6, '0')", "lpad(CAST(n AS text), 9, '0')"
    database.execute_statement("CREATE TABLE halves (place bigint, number bigint, bytes bytea, crc bigint)")
    database.execute_many("INSERT INTO halves VALUES (?, ?, ?, ?)", draw_halves())
    for sql in (
        "INSERT INTO photos (sha256, width, height) SELECT sha256(CAST(CAST(n AS text) AS bytea)), "
        f"CASE WHEN n % 5 = 0 THEN 40 ELSE 60 END, CASE WHEN n % 5 = 0 THEN 60 ELSE 40 END FROM {numbers}",
        "INSERT INTO files (root, path, size, mtime_ns, ctime_ns, state, photo, folder, name_key, search_text, "
        f"taken_us) SELECT 1, CAST({folder} || '/' || {name} AS bytea), 1, 1, 1, 'present', n, "
        f"CAST({folder} AS bytea), {name}, {name}, n FROM {numbers}",
        "INSERT INTO embeddings (photo, model, vector, precision) "
        f"SELECT n, 1, a.bytes || b.bytes, 'fp32' FROM {numbers} {halves} ORDER BY n",
        f"INSERT INTO checksums SELECT n, a.crc # b.crc FROM {numbers} {halves}",
    ):
        database.execute_statement(sql)
    database.execute_statement("ANALYZE")


def draw_halves() -> list[tuple[int, int, bytes, int]]:
    """Halves of unit vectors as (place, number, bytes, checksum); two checksums, by xor, are that of the whole."""
    random, rows = np.random.default_rng(7), []
    zeros = bytes(2 * HALF_DIM)
    for place, count in enumerate((FIRST_HALVES, SECOND_HALVES)):
        halves = random.standard_normal((count, HALF_DIM))
        halves /= np.linalg.norm(halves, axis=1, keepdims=True) * np.sqrt(2)
        for number, half in enumerate(halves.astype("<f2")):
            data = half.tobytes()
            crc = crc32(data) if place else crc32(data + zeros) ^ crc32(zeros)
            rows.append((place, number, data, crc))
    return rows
