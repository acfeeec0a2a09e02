"""How many of the true ten nearest a search finds, in libraries of every size, of photos of one kind and of many.

    python -m tests.benchmarks.bench_recall                sizes and kinds of SIZES, embeddings made up
    python -m tests.benchmarks.bench_recall 1200 5000      these sizes only

For each: whether an index is used or every photo compared, the effort that was chosen, the recall that the manifest
states, and the recall among ASKED other photos, found by `Library.search` and counted against exact search. Target: at
least 0.99, whatever is used. The last column is the median of the searches' times over that of exact ones in this run.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from indexer.library import Library
from indexer.vectors.recall import TARGET_RECALL
from tests.benchmarks.bench_search import build_index, open_warm, search_photo, write_library
from tests.support.drawn_vectors import SHARES

SIZES = (500, 1_200, 5_000, 50_000)
KINDS = {"one kind": {}, "many kinds": SHARES}
DIM = 1280  # of the embedded default model
ASKED = 200


def measure(rows: int, shares: dict[int, float]) -> dict[str, object]:
    """The figures of one library of so many photos."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "bench.library"
        write_library(folder, rows, DIM, shares)
        built = build_index(folder)
        with open_warm(folder) as (library, ids):
            asked = ids[:: max(1, len(ids) // ASKED)]
            fast = [search_photo(library, photo, exact=False) for photo in asked]
            slow = [search_photo(library, photo, exact=True) for photo in asked]
            engine = _read_engine(library)
    true = sum(len(timed.others) for timed in slow)
    return {
        "engine": engine,
        "nodes": built["search_k"],
        "candidates": built["candidates"],
        "stated": built["recall_at_10"],
        "found": sum(len(a.others & b.others) for a, b in zip(fast, slow, strict=True)) / true,
        "time": float(np.median([timed.ms for timed in fast]) / np.median([timed.ms for timed in slow])),
    }


def _read_engine(library: Library) -> str:
    return "exact" if library.collect_info().recall_at_10 is None else "annoy"


def main(sizes: list[str] | None = None) -> None:
    print("  photos  kind        engine   nodes  candidates  stated   found  of exact's time")
    for rows in map(int, sizes or SIZES):
        for kind, shares in KINDS.items():
            f = measure(rows, shares)
            verdict = "" if f["found"] >= TARGET_RECALL else "  BELOW THE TARGET"  # type: ignore[operator]
            print(
                f"{rows:>8,}  {kind:<10}  {f['engine']:<6} {f['nodes']:>7,} {f['candidates']:>11}  {f['stated']:.4f}"
                f"  {f['found']:.4f}  {f['time']:.2f}{verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
