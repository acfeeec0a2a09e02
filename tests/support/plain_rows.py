"""Many photos written straight into the tables of a library, with words in their files' names for a share of them."""

from zlib import crc32

import numpy as np

from indexer.library import Library
from tests.support.embedders import tiny_card
from tests.support.vectors import ROOT

SHARES = {0.5: "half", 0.1: "tenth", 0.05: "twentieth", 0.01: "hundredth", 0.001: "thousandth"}


def draw_names(count: int) -> list[str]:
    """For each photo the shares that it belongs to, drawn at random, as words."""
    draws = np.random.default_rng(1).random((count, len(SHARES)))
    return [
        " ".join(word for draw, (share, word) in zip(row, SHARES.items(), strict=True) if draw < share) for row in draws
    ]


def plant_rows(library: Library, vectors: np.ndarray) -> None:
    """Photos 1 to n with these embeddings, straight into the tables."""
    card, database = tiny_card(), library.store.database
    library.store.models.add_model(card.fingerprint, card.name, vectors.shape[1])
    library.store.files.add_root(ROOT, labelled=False)
    numbers = range(1, len(vectors) + 1)
    stored = [vector.tobytes() for vector in vectors]
    with database.transaction():
        hashes = [(number.to_bytes(32),) for number in numbers]
        database.execute_many("INSERT INTO photos (sha256, width, height) VALUES (?, 9, 9)", hashes)
        database.execute_many(
            "INSERT INTO files (root, path, size, mtime_ns, ctime_ns, state, photo, search_text, taken_us) "
            "VALUES (1, ?, 1, 1, 1, 'present', ?, ?, 0)",
            [(b"%d" % number, number, name) for number, name in zip(numbers, draw_names(len(vectors)), strict=True)],
        )
        database.execute_many(
            "INSERT INTO embeddings (photo, model, vector, precision) VALUES (?, 1, ?, 'fp32')",
            list(zip(numbers, stored, strict=True)),
        )
        database.execute_many(
            "INSERT INTO checksums VALUES (?, ?)", [(n, crc32(data)) for n, data in zip(numbers, stored, strict=True)]
        )
