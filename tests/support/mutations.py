"""Damages the files of a generation in many ways, one at a time, and reports what a search does then.

Run as a program of its own, `python mutations.py LIBRARY OTHER FOREIGN SCRATCH quick|long`, because Annoy brings the
process down when a damaged file gets through to it. OTHER has another generation of the same model, FOREIGN one of
another dimension. Prints one JSON line for each mutation.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from indexer.search.generations import GENERATION_FILES
from indexer.search.query import Query
from tests.support.embedders import Tiny, nearest_by_loop
from tests.support.vectors import all_vectors

Mutation = Callable[[Path, Path], None]
MANIFEST = "manifest.json"


def _edited(change: Callable[[bytearray], bytearray | bytes]) -> Mutation:
    """A mutation that changes the content in place and restores the times of the file."""

    def mutate(path: Path, other: Path) -> None:
        times = path.stat()
        with path.open("r+b") as file:
            data = change(bytearray(file.read()))
            file.seek(0)
            file.write(data)
            file.truncate()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return mutate


def _flip(share: float) -> Mutation:
    def flip(data: bytearray) -> bytearray:
        data[int(share * (len(data) - 1))] ^= 0x10
        return data

    return _edited(flip)


def _zero_page(data: bytearray) -> bytearray:
    middle = len(data) // 2
    data[middle : middle + 4096] = bytes(len(data[middle : middle + 4096]))
    return data


def _swap(path: Path, other: Path) -> None:
    shutil.copy2(other, path)


def _folder(path: Path, other: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path, other: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _dangling(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(path)


NODE = 4 * (128 + 3)  # one of Annoy's nodes at 128 dimensions: its own check of sizes lets whole ones pass
MUTATIONS: dict[str, Mutation] = {
    "bit flipped at the start": _flip(0.0),
    "bit flipped near the start": _flip(0.01),
    "bit flipped in the middle": _flip(0.5),
    "bit flipped at the end": _flip(1.0),
    "page of zeros": _edited(_zero_page),
    "all zeros": _edited(lambda data: bytes(len(data))),
    "cut by a byte": _edited(lambda data: data[:-1]),
    "cut by a node": _edited(lambda data: data[: max(0, len(data) - NODE)]),
    "cut in half": _edited(lambda data: data[: len(data) // 2]),
    "empty": _edited(lambda data: b""),
    "grown by a byte": _edited(lambda data: data + b"x"),
    "grown by a node": _edited(lambda data: data + bytes(NODE)),
    "the file of another generation": _swap,
    "missing": lambda path, other: path.unlink(),
    "a folder": _folder,
    "a pipe": _pipe,
    "a link to itself": _dangling,
}


def _manifest(change: dict[str, object]) -> Mutation:
    def edit(path: Path, other: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | change, indent=1))

    return edit


EDITS: dict[str, Mutation] = {
    "fewer dimensions": _manifest({"projected": 64}),
    "more dimensions": _manifest({"projected": 256, "dim": 256}),
    "more rows": _manifest({"rows": 1_000_000}),
    "another model": _manifest({"model": "0" * 64}),
    "a better recall": _manifest({"recall_at_10": 2.0}),
    "another file hash": _manifest({"files": {}}),
    "an unknown field": _manifest({"hostile": True}),
}


AGREED: dict[str, dict[str, object]] = {  # the database agrees with the manifest, and every file with its hash
    "fewer dimensions": {"dim": 64},
    "fewer projected dimensions": {"projected": 64},
    "more projected dimensions": {"projected": 256},
    "another metric": {"metric": "angular"},
    "fewer rows": {"rows": 7},
}


class Case(NamedTuple):
    """A mutation of a file; with `agreed` the database has the hash of the changed manifest, as if it were right."""

    file: str
    what: str
    how: Mutation
    other: Path
    agreed: bool = False


def quick(other: Path, foreign: Path) -> list[Case]:
    """Every kind of damage, once for every file."""
    files = (*GENERATION_FILES, MANIFEST)
    cases = [Case(file, what, how, other) for file in files for what, how in MUTATIONS.items()]
    cases += [Case(file, "the file of another model", _swap, foreign) for file in files]
    cases += [Case(MANIFEST, what, how, other) for what, how in EDITS.items()]
    cases += [Case(MANIFEST, f"{what}, agreed", _manifest(new), other, agreed=True) for what, new in AGREED.items()]
    return cases


def long(other: Path, foreign: Path) -> list[Case]:
    """The quick cases, and bits flipped, cuts and growth at many more places and sizes."""
    random, cases = np.random.default_rng(0), quick(other, foreign)
    for file in (*GENERATION_FILES, MANIFEST):
        for share in random.random(24):
            cases.append(Case(file, f"bit flipped at {share:.4f}", _flip(share), other))
            cases.append(Case(file, f"cut at {share:.4f}", _edited(_cut(share)), other))
        for count in (2, 8, 128, 512, 4096):
            cases.append(Case(file, f"grown by {count}", _edited(_grown(random.bytes(count))), other))
    return cases


def _cut(share: float) -> Callable[[bytearray], bytearray]:
    return lambda data: data[: int(share * len(data))]


def _grown(more: bytes) -> Callable[[bytearray], bytearray]:
    return lambda data: data + more


def try_one(library: Path, case: Case, *, rebuild: bool) -> dict[str, object]:
    """Search, so that the files count as verified; damage one, open the library again and search; then index."""
    with Library.open(library) as opened:
        ids, vectors = all_vectors(opened)
        before = opened.search(Query((ids[0],)), k=10).engine
    (folder,) = (library / "generations").iterdir()
    case.how(folder / case.file, next((case.other / "generations").iterdir()) / case.file)
    with Library.open(library) as opened:
        if case.agreed:
            sha256 = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
            opened.store.database.execute_statement("UPDATE generations SET manifest_sha256 = ?", (sha256,))
        results = [opened.search(Query((ids[row],)), k=10) for row in (0, 7, len(ids) - 1)]
        expected = [nearest_by_loop(ids, vectors, vectors[row], 10) for row in (0, 7, len(ids) - 1)]
        found_ids = [[hit.photo.id for hit in result.hits] for result in results]
        if rebuild:
            drain(index_library(opened, [], Tiny()))
            after = opened.search(Query((ids[0],)), k=10)
    return {
        "file": case.file,
        "what": case.what,
        "before": before,
        "engines": sorted({result.engine for result in results}),
        "notice": results[0].notice,
        "right": found_ids == [answer.ids for answer in expected],
        "after": [after.engine, after.notice] if rebuild else None,
    }


def main(library: Path, other: Path, foreign: Path, scratch: Path, extent: str) -> None:
    """Try all cases, each on a fresh copy of the library; of the quick ones every eighth is indexed again."""
    cases, step = (quick(other, foreign), 8) if extent == "quick" else (long(other, foreign), 1)
    for number, case in enumerate(cases):
        copy = scratch / "copy.library"
        shutil.copytree(library, copy)
        print(json.dumps(try_one(copy, case, rebuild=number % step == 0)), flush=True)
        shutil.rmtree(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
