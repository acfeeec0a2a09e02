"""Approximate against exact search through Library.search, and what an index costs to build, keep and open.

    python -m tests.benchmarks.bench_search 10000x1280 100000x256    these sizes only; without words: SIZES

The vectors are those of photos of many kinds in `tests/support/drawn_vectors`.

Build: `publish_generation` in a process of its own. Start: open a library, warm it up, and wait for what is read in the
background; the first search is the next one, for another photo. Its files are dropped from the system's cache before.
One first search is one number, so a library is started STARTS times; the median ratio counts, and all are shown.
Targets: recall 0.99; median of exact search's times 0.5, 0.3, 0.1; at a million p99 0.15; first at most 3 warm ones.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.library import Library
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.search import generations
from indexer.search.query import Query
from tests.support.drawn_vectors import ALONE, SHARES, draw_vectors
from tests.support.embedders import tiny_card

SIZES = [f"{rows}x{dim}" for rows in (10_000, 100_000, 1_000_000) for dim in (1280, 256)]
MEDIANS = {10_000: 0.5, 100_000: 0.3, 1_000_000: 0.1}
QUERIES, EXACT_QUERIES = 500, 100
STARTS, AFTER = 5, 50  # starts, and searches after the first one of each


class TimedSearch(NamedTuple):
    """The milliseconds of a search, and the ids of the photos found without the query."""

    ms: float
    others: set[int]


def write_library(folder: Path, rows: int, dim: int, shares: dict[int, float] = SHARES) -> None:
    """Write a library of `rows` photos with one file each and their embeddings, without a generation.

    Without `shares` the photos are all of one kind.
    """
    with Library.create(folder) as library:
        card = replace(tiny_card(), dim=dim)
        store = library.store
        model = store.models.add_model(card.fingerprint, card.name, card.dim)
        store.files.add_root(b"/nowhere/photos", labelled=False)
        number = 0
        for part in draw_vectors(rows, dim, shares, alone=ALONE if shares else 1.0):
            with store.database.transaction():
                numbers = range(number + 1, number + len(part) + 1)
                hashes = ((n, content_hash(b"%d" % n)) for n in numbers)
                sql = "INSERT INTO photos (id, sha256, width, height) VALUES (?, ?, 4000, 3000)"
                store.database.execute_many(sql, hashes)
                files = ((n, b"%08d.jpg" % (n * 7919 % 100_000_007), n) for n in numbers)
                columns = "id, root, path, size, mtime_ns, ctime_ns, state, photo"
                sql = f"INSERT INTO files ({columns}) VALUES (?, 1, ?, 1, 1, 1, 'present', ?)"
                store.database.execute_many(sql, files)
                embeddings = ((n, n, model, row.tobytes()) for n, row in zip(numbers, part, strict=True))
                store.database.execute_many("INSERT INTO embeddings VALUES (?, ?, ?, ?, 'fp32')", embeddings)
                checksums = ((n, zlib.crc32(row.tobytes())) for n, row in zip(numbers, part, strict=True))
                store.database.execute_many("INSERT INTO checksums VALUES (?, ?)", checksums)
            number += len(part)


def build_index(folder: Path) -> dict[str, Any]:
    """Publish a generation: seconds, peak memory in MB, sizes on disk in MB, and the chosen settings."""
    with Library.open(folder) as library:
        start = time.perf_counter()
        manifest = drain(
            generations.publish_generation(folder, library.store, library.model_id, library.model_fingerprint)
        )
        seconds = time.perf_counter() - start
        assert manifest is not None
        chosen = {name: getattr(manifest, name) for name in ("trees", "search_k", "candidates", "recall_at_10")}
        files = {name: round(size / 1e6, 1) for name, (size, _) in manifest.files.items()}
        library.search(Query((1,)), k=10)  # measures what distances mean, once
        library.collect_info()  # counts once, as an index run does
    return {"seconds": round(seconds, 1), "peak_mb": _read_peak_memory(), "files_mb": files} | chosen


@contextmanager
def open_warm(folder: Path) -> Iterator[tuple[Library, list[int]]]:
    """The library, opened and warmed up as the window does it, and the ids of QUERIES random photos."""
    with Library.open(folder) as library:
        library.warm_up()
        for thread in threading.enumerate():
            if thread.name == "warm":
                thread.join()
        photos = library.collect_info().photos
        ids = np.sort(np.random.default_rng(7).choice(photos, min(QUERIES, photos), replace=False)) + 1
        yield library, ids.tolist()


def measure_start(folder: Path) -> dict[str, Any]:
    """Seconds until a library that is in no cache is warm; milliseconds of the first search and of later ones."""
    _drop_from_cache(folder)
    begun = time.perf_counter()
    with open_warm(folder) as (library, ids):
        warm = time.perf_counter() - begun
        first, *rest = [search_photo(library, photo, exact=False).ms for photo in ids[:: QUERIES // AFTER]]
        return {"warm_s": round(warm, 2), "first_ms": round(first, 2), "then_ms": round(float(np.median(rest)), 2)}


def measure_searches(folder: Path) -> dict[str, Any]:
    """Milliseconds of searches, approximate and exact, and the recall of the approximate ones."""
    with open_warm(folder) as (library, ids):
        fast = [search_photo(library, photo, exact=False) for photo in ids]
        slow = [search_photo(library, photo, exact=True) for photo in ids[:: QUERIES // EXACT_QUERIES]]
        near = fast[:: QUERIES // EXACT_QUERIES]
        return {
            "median_ms": round(float(np.median([timed.ms for timed in fast])), 2),
            "p99_ms": round(float(np.quantile([timed.ms for timed in fast], 0.99)), 2),
            "exact_median_ms": round(float(np.median([timed.ms for timed in slow])), 2),
            "recall_at_10": sum(len(a.others & b.others) for a, b in zip(near, slow, strict=True)) / (10 * len(slow)),
            "peak_mb": _read_peak_memory(),
        }


def search_photo(library: Library, photo: int, *, exact: bool) -> TimedSearch:
    """Search for a photo of the library and its ten nearest others."""
    start = time.perf_counter()
    hits = library.search(Query((photo,)), k=11, exact=exact).hits
    return TimedSearch(1000 * (time.perf_counter() - start), {hit.photo.id for hit in hits} - {photo})


def _drop_from_cache(folder: Path) -> None:
    """Drop the library's files from the system's cache, where the system offers that."""
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def print_size(size: str) -> None:
    """Print the figures of one size, each beside its target."""
    rows, dim = map(int, size.split("x"))
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "bench.library"
        begun = time.perf_counter()
        write_library(folder, rows, dim)
        print(f"{rows:,} x {dim}: written in {time.perf_counter() - begun:.0f} s", flush=True)
        built, searches = run_step("build", folder), run_step("measure", folder)
        starts = [run_step("start", folder) for _ in range(STARTS)]
    print(f"  build {built}")
    print(f"  search {searches}")
    ratio, tail = searches["median_ms"] / searches["exact_median_ms"], searches["p99_ms"] / searches["exact_median_ms"]
    firsts = sorted(one["first_ms"] / one["then_ms"] for one in starts)
    print(f"  recall@10 {searches['recall_at_10']:.4f} (target 0.99), stated {built['recall_at_10']:.4f}")
    print(
        f"  median {ratio:.3f} of exact (target {MEDIANS.get(rows, 'none')}), p99 {tail:.3f} (target 0.15 at a million)"
    )
    print(f"  start {starts[0]}")
    ratios = ", ".join(f"{one:.2f}" for one in firsts)
    print(f"  first search {statistics.median(firsts):.2f} warm ones ({ratios}; target 3)", flush=True)


def run_step(step: str, folder: Path) -> dict[str, Any]:
    """The figures of a step of STEPS, run in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_search", step, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


STEPS = {"build": build_index, "measure": measure_searches, "start": measure_start}


def main(sizes: list[str] | None = None) -> None:
    for size in sizes or SIZES:
        print_size(size)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STEPS:
        print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main(sys.argv[1:])
