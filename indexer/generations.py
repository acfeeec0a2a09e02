"""Generations: write-once sets of search files, published whole, verified before use, never repaired in place.

A generation covers every embedding of one model with seq <= built_upto. Its manifest states what is in it and the
sha256 of each file; the database holds the sha256 of the manifest. Nothing reaches Annoy before all of that agrees,
because Annoy cannot tell a damaged file from a sound one. On any doubt: GenerationError, and the caller searches the
embeddings in the database, which are the truth.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from indexer import atomic, engines
from indexer.errors import GenerationError
from indexer.progress import Progress, Steps
from indexer.projection import fit_pca
from indexer.store import GenerationRow, Store

FORMAT = 1
PROJECTED = 128  # above this many dimensions Annoy holds a projection: it keeps 99.9 % of the exact top 10
CANDIDATES_PER_HIT = 10
MIN_CANDIDATES = 100
TARGET_RECALL = 0.99
RECALL_QUERIES = 200  # at most; a small library asks for less, so that measuring does not outlast building
MANIFEST_LIMIT = 1 << 20  # bytes; one has about 1,000
SEARCH_KS = (1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
FILES = ("ids.npy", "vectors.npy", "projection.npy", "index.ann")

Identities = dict[str, list[int]]
"""File name -> device, inode, size, mtime and ctime (ns) at the moment its full hash agreed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds; `files` maps a name to its size in bytes and its sha256."""

    format: int
    number: int
    model: str
    dim: int
    projected: int
    metric: str
    rows: int
    built_upto: int
    trees: int
    search_k: int
    seed: int
    recall_at_10: float
    recall_queries: int
    files: dict[str, tuple[int, str]]


class Generation:
    """An opened generation: ids (n,) int64, values (n, dim) float16, and Annoy's candidates."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.ids: np.ndarray = np.load(folder / "ids.npy")
        self.values: np.ndarray = np.load(folder / "vectors.npy", mmap_mode="r")
        self._projection: np.ndarray = np.load(folder / "projection.npy")
        self._nearest = engines.open_annoy(folder / "index.ann", manifest.projected)

    def candidates(self, query: np.ndarray, count: int, effort: int = 1) -> np.ndarray:
        """Up to `count` rows likely nearest to the query (dim,) float32, with `effort` times the usual search."""
        return self.rows(query, count, effort * self.manifest.search_k)

    def rows(self, query: np.ndarray, count: int, search_k: int) -> np.ndarray:
        """Annoy's own answer: up to `count` rows, having looked at about `search_k` of them."""
        return self._nearest(query @ self._projection, count, max(search_k, count))


def candidates_for(k: int) -> int:
    """How many candidates the measured recall of the k nearest rests on."""
    return max(MIN_CANDIDATES, CANDIDATES_PER_HIT * k)


def path_of(library: Path, number: int) -> Path:
    """The folder of a generation."""
    return library / "generations" / f"{number:04d}"


# publishing


def publish(library: Path, store: Store, model: int, fingerprint: str, *, seed: int = 0) -> Steps[Manifest | None]:
    """Build and publish a generation over all embeddings of the model; None when it has none.

    The caller holds the library's job lock. Cancelled or killed, the old generation stays in use.
    """
    upto, total = store.last_seq(model), store.count_embeddings(model)
    if not total:
        return None
    number = store.reserve_generation(model, upto)
    final = path_of(library, number)
    folder = atomic.new_folder(final)
    try:
        yield from _write_vectors(folder, store, model, upto, total)
        manifest = yield from _write_index(folder, number, fingerprint, upto, seed)
        atomic.publish_folder(folder, final)
    finally:
        atomic.discard(folder)
    data = (final / "manifest.json").read_bytes()
    store.confirm_generation(number, manifest.rows, hashlib.sha256(data).hexdigest())
    clean_up(library, store)
    return manifest


def _write_vectors(folder: Path, store: Store, model: int, upto: int, total: int) -> Steps[None]:
    """Stream the embeddings into vectors.npy and ids.npy, by plain writes: on a full disk they raise, a map kills."""
    ids, last = [np.empty(0, np.int64)], 0
    with (folder / "vectors.npy").open("wb") as file:
        for done in range(0, total, engines.BLOCK):
            part = store.vectors(model, last, upto, engines.BLOCK)
            if not done:
                shape = (total, part.values.shape[1])
                header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(part.values.tobytes())
            ids.append(part.ids)
            last = int(part.seqs[-1])
            yield Progress("publish", done, total, "collecting embeddings")
    np.save(folder / "ids.npy", np.concatenate(ids))


def _write_index(folder: Path, number: int, fingerprint: str, upto: int, seed: int) -> Steps[Manifest]:
    values = np.load(folder / "vectors.npy", mmap_mode="r")
    rows, dim = values.shape
    projected = min(dim, PROJECTED)
    projection = fit_pca(values, projected) if dim > PROJECTED else np.eye(dim, dtype=np.float32)
    np.save(folder / "projection.npy", projection)
    yield Progress("publish", 0, rows, "building the index")
    trees = 20 if rows > 300_000 else 40
    engines.build_annoy(folder / "index.ann", _projected(values, projection), projected, trees=trees, seed=seed)
    manifest = Manifest(
        format=FORMAT,
        number=number,
        model=fingerprint,
        dim=dim,
        projected=projected,
        metric="euclidean",
        rows=rows,
        built_upto=upto,
        trees=trees,
        search_k=0,
        seed=seed,
        recall_at_10=0.0,
        recall_queries=recall_queries(rows),
        files={name: _measure(folder / name) for name in FILES},
    )
    yield Progress("publish", rows, rows, "measuring the recall")
    fields = asdict(manifest) | choose_search_k(Generation(folder, manifest))
    (folder / "manifest.json").write_text(json.dumps(fields, indent=1))
    return Manifest(**fields)


def _projected(values: np.ndarray, projection: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), engines.BLOCK):
        yield values[start : start + engines.BLOCK].astype(np.float32) @ projection


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def choose_search_k(generation: Generation) -> dict[str, float]:
    """The smallest tried search_k whose recall@10 reaches TARGET_RECALL, with the recall it reached."""
    rows = generation.manifest.rows
    sample = np.unique(np.linspace(0, rows - 1, recall_queries(rows)).astype(np.int64))
    truth = true_nearest(generation.values, sample, 10)
    recall, search_k = 0.0, 0
    for search_k in SEARCH_KS:
        recall = measure_recall(generation, sample, truth, search_k)
        if recall >= TARGET_RECALL:
            break
    return {"search_k": search_k, "recall_at_10": round(recall, 4)}


def recall_queries(rows: int) -> int:
    """How many of so many rows are asked for to measure the recall: one in twenty, 50 to RECALL_QUERIES."""
    return min(rows, RECALL_QUERIES, max(50, rows // 20))


def true_nearest(values: np.ndarray, sample: np.ndarray, count: int) -> list[np.ndarray]:
    """For each sampled row its `count` nearest other rows, by looking at all."""
    nearest = []
    for start in range(0, len(sample), 32):  # so many columns of squared distances at a time: 128 MB at a million rows
        rows = sample[start : start + 32]
        queries = values[rows].astype(np.float32)
        squares = engines.squared_distances(values, queries)
        squares[rows, np.arange(len(rows))] = np.inf
        columns = (engines.closest(column, count) for column in squares.T)
        nearest += [rank(values, query, near)[:count] for query, near in zip(queries, columns, strict=True)]
    return nearest


def measure_recall(generation: Generation, sample: np.ndarray, truth: list[np.ndarray], search_k: int) -> float:
    """Share of the true nearest that Annoy and exact re-ranking find for the sampled rows.

    A query's own row is left out on both sides, so that it does not count as an easy hit.
    """
    found = 0
    for row, wanted in zip(sample, truth, strict=True):
        query = generation.values[row].astype(np.float32)
        near = generation.rows(query, MIN_CANDIDATES, search_k)
        found += len(np.intersect1d(rank(generation.values, query, near[near != row])[: len(wanted)], wanted))
    return found / max(1, sum(map(len, truth))) if len(sample) > 1 else 1.0


def rank(values: np.ndarray, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rows ordered by exact distance to the query, then by row."""
    rows = np.sort(rows)
    return rows[np.argsort(engines.exact_distances(values[rows], query), kind="stable")]


# verifying


def open_verified(
    library: Path, row: GenerationRow, fingerprint: str, known: Identities
) -> tuple[Generation, Identities]:
    """Open a generation whose every file agrees with its manifest, and the manifest with the database.

    Files whose identity is in `known` were hashed before and are not hashed again. Raises GenerationError.
    """
    folder = path_of(library, row.number)
    try:
        manifest = _read_manifest(folder, row, fingerprint)
        identities = {name: _verify(folder / name, manifest, known.get(name)) for name in FILES}
        return Generation(folder, manifest), identities
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise GenerationError(f"The search index {folder.name} is damaged or incomplete ({error}).") from error


def _read_manifest(folder: Path, row: GenerationRow, fingerprint: str) -> Manifest:
    if _require_regular(folder / "manifest.json").st_size > MANIFEST_LIMIT:
        raise ValueError("its manifest is too large")
    data = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(data).hexdigest() != row.manifest_sha256:
        raise ValueError("its manifest is not the one that was published")
    manifest = Manifest(**json.loads(data))
    if manifest.format != FORMAT or manifest.model != fingerprint or manifest.built_upto != row.built_upto:
        raise ValueError("it belongs to another model or version")
    return manifest


def _verify(path: Path, manifest: Manifest, known: list[int] | None) -> list[int]:
    about = _require_regular(path)
    identity = [about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns]
    if identity != known:
        size, sha256 = manifest.files[path.name]
        if about.st_size != size or _measure(path)[1] != sha256:
            raise ValueError(f"{path.name} has changed since it was published")
    return identity


def _require_regular(path: Path) -> os.stat_result:
    """What the system says of a file; ValueError for a pipe, on which reading would wait for ever."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError(f"{path.name} is not a regular file")
    return about


def clean_up(library: Path, store: Store) -> None:
    """Remove generations that nothing uses any more; what a running search has mapped stays until it lets go."""
    keep = {path_of(library, number) for number in store.generation_numbers()}
    for folder in (library / "generations").iterdir():
        if folder not in keep:
            atomic.discard(folder)
