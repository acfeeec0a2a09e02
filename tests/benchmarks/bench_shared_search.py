"""Searches of a shared library by candidates of pgvector: how fast it loads, what is found, and how long that takes.

    python -m tests.benchmarks.bench_shared_search [PHOTOS DIM ASKED]    100,000 photos of 256 numbers, made up

Recall@10 of ASKED searches against exact ones of the same run, in double precision, at every share that passes a
filter, beside its target. The index is asked from a tenth of the photos on, that it is measured with fewer of them too.
"""

import sys
import tempfile
import time

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.database.postgresql import vector_index
from indexer.database.postgresql.vector_index import read_vector_index, update_vector_index
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.progress import Progress
from indexer.search.query import Query
from tests.support.plain_rows import SHARES, plant_rows
from tests.support.postgresql_server import make_server, remove_server
from tests.support.vectors import clustered

PHOTOS, DIM = 100_000, 256
ASKED = 500
TARGET = 0.99


def build_index(library: Library, dim: int) -> None:
    """Build the server's index, and print how long each part took."""
    start, note, rows = time.perf_counter(), "", 0
    for step in update_vector_index(library.store.database, library.model_id, dim):
        assert isinstance(step, Progress)
        if step.note != note and note:
            print(f"{note}: {time.perf_counter() - start:.1f} s, {rows:,} rows", flush=True)
            start = time.perf_counter()
        note, rows = step.note, step.done
    print(f"{note}: {time.perf_counter() - start:.1f} s")
    print(f"chosen: {read_vector_index(library.store.database, library.model_id)}", flush=True)


def measure_searches(library: Library, sizes: tuple[int, int], word: str) -> None:
    """Print the recall and the times of searches among those whose names have the word."""
    (photos, asked), shares, times, ratio = sizes, list[float](), list[float](), list[float]()
    within = Filter(named=word) if word else None
    engines = set()
    for photo in np.linspace(1, photos, asked).astype(int).tolist():
        fast = library.search(Query((photo,)), k=10, within=within)
        slow = library.search(Query((photo,)), k=10, within=within, exact=True)
        true = [hit.photo.id for hit in slow.hits]
        assert len(fast.hits) == len(true) == 10
        shares.append(np.isin(true, [hit.photo.id for hit in fast.hits]).mean())
        times.append(fast.seconds)
        ratio.append(fast.seconds / slow.seconds)
        engines.add(fast.engine)
    print(
        f"{word or 'all':11} recall@10 {np.mean(shares):.4f} (at least {TARGET} asked), all lists full; median "
        f"{np.median(times) * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms, {np.median(ratio):.2f} of an exact "
        f"search, by {', '.join(sorted(engines))}",
        flush=True,
    )


def main(sizes: list[str] | None = None) -> None:
    """Measure a library of so many photos and numbers."""
    given = list(map(int, sizes or []))
    photos, dim, asked = [*given, *(PHOTOS, DIM, ASKED)[len(given) :]]
    server = make_server()
    try:
        with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOOKALIKE_HOME", home)
            patch.setenv("XDG_DATA_HOME", home)
            patch.setattr(vector_index, "INDEXED_ROWS", min(vector_index.INDEXED_ROWS, photos // 10))
            with Library.open(enter_shared_library(server.name_library("bench"))) as library:
                plant_rows(library, clustered(photos, dim=dim))
                build_index(library, dim)
                for word in ("", *SHARES.values()):
                    measure_searches(library, (photos, asked), word)
    finally:
        remove_server(server)


if __name__ == "__main__":
    main(sys.argv[1:] or None)
