"""Generations: write-once sets of search files, published whole, verified before use, never repaired in place.

A generation covers every embedding of one model with seq <= built_upto. Its manifest states what is in it and the
sha256 of each file; the database holds the sha256 of the manifest. Annoy opens a file only when all of that agrees,
because it cannot tell a damaged file from a sound one, and when this computer has signed the manifest: what comes from
elsewhere may be made to do harm, with a database that vouches for it. Otherwise GenerationError is raised, and the
caller searches the embeddings in the database.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from indexer import atomic
from indexer.database.model_table import GenerationRow
from indexer.database.postgresql.vector_index import update_vector_index
from indexer.database.store import Store
from indexer.errors import EmbeddingsDamaged, GenerationError
from indexer.progress import Progress, Steps
from indexer.trust.regular_file import read_regular_file
from indexer.trust.signatures import compute_signature, is_signed_here
from indexer.vectors import recall
from indexer.vectors.annoy_index import FindCandidates, build_annoy, is_annoy_installed, open_annoy
from indexer.vectors.distances import ROWS_PER_BLOCK
from indexer.vectors.projection import fit_pca
from indexer.wording import count_noun, tr

MANIFEST_FORMAT = 2
INDEX_METRIC = "euclidean"
PROJECTED_DIMS = 128  # above this many dimensions Annoy holds a projection: it keeps 99.9 % of the exact top 10
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.signature"  # this computer's, of the bytes of the manifest
_SIGNED_PURPOSE = "search files"
MANIFEST_LIMIT = 1 << 20  # bytes; one has about 1,000
READ_CHUNK_BYTES = 8 << 20  # bytes read at a time in the background
VECTOR_FILES = ("ids.npy", "vectors.npy")
INDEX_FILES = ("projection.npy", "index.ann")  # not where every photo is compared anyway
GENERATION_FILES = (*VECTOR_FILES, *INDEX_FILES)

_GENERATION_NAME = re.compile("[0-9]{4,}")

FileIdentities = dict[str, list[int]]
"""File name -> device, inode, size, mtime and ctime (ns) at the moment its full hash agreed."""


@dataclass(frozen=True, slots=True)
class GenerationManifest:
    """The fields of `manifest.json`; `files` maps a name to its size in bytes and its sha256.

    `search_k` and `candidates` are the least effort of a search for ten that reached the recall stated here. `trees`
    and both of them are 0 where every photo is compared, as no index reached the target for less.
    """

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
    candidates: int
    seed: int
    recall_at_10: float
    recall_queries: int
    files: dict[str, tuple[int, str]]

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of the generation's files, without the manifest."""
        return GENERATION_FILES if self.trees else VECTOR_FILES


class Generation:
    """An opened generation: ids (n,) int64, values (n, dim) float16, and where it has one, Annoy's index over them.

    `is_exact` where it has none, an earlier version built one that finds less than the target, or Annoy is missing.

    Raises ValueError where shapes disagree, before Annoy maps a file of another dimension.
    """

    def __init__(self, folder: Path, manifest: GenerationManifest) -> None:
        self.manifest = manifest
        self.ids: np.ndarray = np.load(folder / "ids.npy")
        self.values: np.ndarray = np.load(folder / "vectors.npy", mmap_mode="r")
        if self.ids.shape != (manifest.rows,) or self.values.shape != (manifest.rows, manifest.dim):
            raise ValueError("its files are not of the size its manifest states")
        self.lacks_annoy = manifest.search_k > 0 and not is_annoy_installed()
        is_poor = manifest.search_k == 0 or manifest.recall_at_10 < recall.TARGET_RECALL
        self.is_exact = self.lacks_annoy or is_poor
        self._find_candidates = None if self.is_exact else _open_index(folder, manifest.dim, manifest.projected)
        self._mapped_files = (
            [folder / "vectors.npy"] if self.is_exact else [folder / "index.ann", folder / "vectors.npy"]
        )

    def count_candidates(self, k: int) -> int:
        """The number of candidates to compare for the k nearest at the measured recall."""
        return max(self.manifest.candidates, math.ceil(self.manifest.candidates / recall.TRUE_NEIGHBOURS) * k)

    def find_candidate_rows(self, query: np.ndarray, count: int, effort: int = 1) -> np.ndarray:
        """Up to `count` rows likely nearest to the query (dim,) float32, with `effort` times the measured search_k.

        Raises ValueError where the generation is exact.
        """
        if self._find_candidates is None:
            raise ValueError("every photo is compared here")
        return self._find_candidates(query, count, max(effort * self.manifest.search_k, count))

    def preload_files(self) -> None:
        """Read the mapped files once in the background, so that the first searches need not wait for the disk.

        The thread touches neither the maps nor the database: it may still run when files are truncated or the process
        ends, and closing the database's file would release the database's locks.
        """
        threading.Thread(target=_read_files, args=(self._mapped_files,), name="warm", daemon=True).start()


def _open_index(folder: Path, dim: int, projected: int) -> FindCandidates:
    """A function that gives Annoy's candidates for a query (dim,), which it projects first."""
    projection = np.load(folder / "projection.npy")
    if projection.shape != (dim, projected):
        raise ValueError("its projection is not of the size its manifest states")
    find_candidates = open_annoy(folder / "index.ann", projected)
    return lambda query, count, search_k: find_candidates(query @ projection, count, search_k)


def _read_files(paths: list[Path]) -> None:
    buffer = bytearray(READ_CHUNK_BYTES)
    with contextlib.suppress(OSError):  # a generation may be cleaned up meanwhile
        for path in paths:
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def get_generation_folder(library: Path, number: int) -> Path:
    """The folder of the generation with this number."""
    return library / "generations" / f"{number:04d}"


# publishing


def publish_generation(
    library: Path, store: Store, model: int, fingerprint: str, *, seed: int = 0
) -> Steps[GenerationManifest | None]:
    """Build and publish a generation over all embeddings of the model, and return its manifest; None without any.

    The caller holds the library's job lock. Cancelled or killed, the old generation stays in use.
    """
    built_upto, total = store.embeddings.find_last_seq(model), store.embeddings.count_embeddings(model)
    if not total:
        return None
    number = store.models.reserve_generation(model, built_upto)
    while _holds_others(final_folder := get_generation_folder(library, number)):  # it would be replaced
        number = store.models.reserve_generation(model, built_upto)
    folder = atomic.create_temporary_folder(final_folder)
    try:
        yield from _write_vectors(folder, store, model, built_upto, total)
        manifest = yield from _write_index(folder, number, fingerprint, built_upto, seed)
        identities = {name: read_file_identity(folder / name) for name in manifest.file_names}
        atomic.publish_folder(folder, final_folder)
    finally:
        atomic.remove_path(folder)
    manifest_bytes = (final_folder / MANIFEST_FILE).read_bytes()
    store.models.set_setting(f"verified {number}", identities)
    store.models.confirm_generation(number, manifest.rows, hashlib.sha256(manifest_bytes).hexdigest())
    remove_unused_generations(library, store)
    if store.database.is_shared:
        yield from update_vector_index(store.database, model, manifest.dim)
    return manifest


def _write_vectors(folder: Path, store: Store, model: int, built_upto: int, total: int) -> Steps[None]:
    """Stream the embeddings into vectors.npy and ids.npy. Raises EmbeddingsDamaged where they are not all sound.

    By plain writes, which raise on a full disk; a write to a memory map would end the process.
    """
    ids, last_seq, rows_done = [np.empty(0, np.int64)], 0, 0
    with (folder / "vectors.npy").open("wb") as file:
        while len((part := store.embeddings.read_embeddings(model, last_seq, built_upto, ROWS_PER_BLOCK)).seqs):
            if not rows_done:
                shape = (total, part.values.shape[1])
                header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(part.values.data)
            ids.append(part.ids)
            last_seq, rows_done = int(part.seqs[-1]), rows_done + len(part.seqs)
            yield Progress("publish", rows_done, total, tr("collecting embeddings"))
    if rows_done != total:
        raise EmbeddingsDamaged(
            "{embeddings} in the library are damaged: index again.",
            embeddings=count_noun(total - rows_done, "embedding"),
        )
    np.save(folder / "ids.npy", np.concatenate(ids))


def _write_index(folder: Path, number: int, fingerprint: str, built_upto: int, seed: int) -> Steps[GenerationManifest]:
    """Write projection, index and manifest beside the vectors in `folder`, and return the manifest."""
    values = np.load(folder / "vectors.npy", mmap_mode="r")
    rows, dim = values.shape
    effort = yield from _build_index(folder, values, seed)
    trees = recall.ANNOY_TREES if effort.search_k else 0
    manifest = GenerationManifest(
        format=MANIFEST_FORMAT,
        number=number,
        model=fingerprint,
        dim=dim,
        projected=min(dim, PROJECTED_DIMS),
        metric=INDEX_METRIC,
        rows=rows,
        built_upto=built_upto,
        trees=trees,
        search_k=effort.search_k,
        candidates=effort.candidates,
        seed=seed,
        recall_at_10=effort.recall_at_10,
        recall_queries=recall.count_queries(rows),
        files={name: _measure_file(folder / name) for name in (GENERATION_FILES if trees else VECTOR_FILES)},
    )
    data = json.dumps(asdict(manifest), indent=1).encode()
    (folder / MANIFEST_FILE).write_bytes(data)
    (folder / SIGNATURE_FILE).write_text(compute_signature(_SIGNED_PURPOSE, data))
    return manifest


def _build_index(folder: Path, values: np.ndarray, seed: int) -> Steps[recall.SearchEffort]:
    """Build projection and index, and measure the search effort that reaches the target recall.

    Neither is left where comparing every photo costs no more, or Annoy is missing.
    """
    rows, dim = values.shape
    is_cheaper = recall.is_index_cheaper(rows, dim, recall.SEARCH_KS[0], recall.CANDIDATE_COUNTS[0])
    if not is_cheaper or not is_annoy_installed():
        return recall.EXACT_EFFORT
    yield Progress("publish", 0, rows, tr("building the index"))
    projected = min(dim, PROJECTED_DIMS)
    projection = fit_pca(values, projected) if dim > PROJECTED_DIMS else np.eye(dim, dtype=np.float32)
    np.save(folder / "projection.npy", projection)
    points = _project_blocks(values, projection)
    build_annoy(folder / "index.ann", points, projected, trees=recall.ANNOY_TREES, seed=seed)
    yield Progress("publish", rows, rows, tr("measuring the recall"))
    effort = recall.choose_effort(values, _open_index(folder, dim, projected), recall.sample_queries(values))
    for name in () if effort.search_k else INDEX_FILES:
        (folder / name).unlink()
    return effort


def _project_blocks(values: np.ndarray, projection: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), ROWS_PER_BLOCK):
        yield values[start : start + ROWS_PER_BLOCK].astype(np.float32) @ projection


def _measure_file(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


# verifying


def has_generation(library: Path, number: int) -> bool:
    """Whether the files of a generation are in the library's folder, sound or not."""
    return get_generation_folder(library, number).is_dir()


def open_verified_generation(
    library: Path, row: GenerationRow, fingerprint: str, known_identities: FileIdentities
) -> tuple[Generation, FileIdentities]:
    """The generation and the identities of its files, opened where files, manifest and database agree.

    A file whose identity is in `known_identities` was hashed before and is not hashed again. Raises GenerationError.
    """
    folder = get_generation_folder(library, row.number)
    try:
        manifest = _read_manifest(folder, row, fingerprint)
        identities = {
            name: _verify_file(folder / name, manifest, known_identities.get(name)) for name in manifest.file_names
        }
        return Generation(folder, manifest), identities
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise GenerationError(
            "The search index {name} is damaged or incomplete ({error}).", name=folder.name, error=error
        ) from error


def _read_manifest(folder: Path, row: GenerationRow, fingerprint: str) -> GenerationManifest:
    """The manifest in `folder`; ValueError where it is not the one in the database, or of another model or version.

    GenerationError where it was built on another computer.
    """
    data = read_regular_file(folder / MANIFEST_FILE, MANIFEST_LIMIT)
    if hashlib.sha256(data).hexdigest() != row.manifest_sha256:
        raise ValueError("its manifest is not the one that was published")
    manifest = GenerationManifest(**json.loads(data))
    stated = (manifest.format, manifest.metric, manifest.model, manifest.built_upto)
    if stated != (MANIFEST_FORMAT, INDEX_METRIC, fingerprint, row.built_upto):
        raise ValueError("it belongs to another model or version")
    if not is_signed_here(_read_signature(folder), _SIGNED_PURPOSE, data):
        raise GenerationError("The search index {name} was built on another computer.", name=folder.name)
    return manifest


def _read_signature(folder: Path) -> str:
    try:
        return read_regular_file(folder / SIGNATURE_FILE, MANIFEST_LIMIT).decode("ascii", "replace")
    except (OSError, ValueError):
        return ""


def _verify_file(path: Path, manifest: GenerationManifest, known_identity: list[int] | None) -> list[int]:
    """The identity of a file, hashed unless it has the known one; ValueError where the manifest states another hash."""
    current_identity = read_file_identity(path)
    if current_identity != known_identity:
        size, sha256 = manifest.files[path.name]
        if path.stat().st_size != size or _measure_file(path)[1] != sha256:
            raise ValueError(f"{path.name} has changed since it was published")
    return current_identity


def read_file_identity(path: Path) -> list[int]:
    """The identity of a regular file, which changes whenever it is written or replaced. ValueError for a pipe."""
    status = _require_regular(path)
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _require_regular(path: Path) -> os.stat_result:
    """The status of a regular file; ValueError for anything else, such as a pipe, on which reading waits for ever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path.name} is not a regular file")
    return status


def remove_unused_generations(library: Path, store: Store) -> None:
    """Remove the folders of generations that the database does not name, and what killed runs left.

    Nothing of another name is touched, nor a folder with anything in it that is not ours. A running search keeps the
    files that it has mapped until it closes them.
    """
    used_folders = {get_generation_folder(library, number) for number in store.models.find_generation_numbers()}
    for folder in (library / "generations").iterdir():
        is_ours = _GENERATION_NAME.fullmatch(folder.name) or atomic.is_partial_name(folder.name)
        if is_ours and folder not in used_folders and not _holds_others(folder):
            atomic.remove_path(folder)


def _holds_others(folder: Path) -> bool:
    """Whether a folder, which may be a link, holds anything that no generation does."""
    names = {*GENERATION_FILES, MANIFEST_FILE, SIGNATURE_FILE}
    entries = [] if folder.is_symlink() or not folder.is_dir() else list(folder.iterdir())
    return any(
        not (entry.name in names or atomic.is_partial_name(entry.name)) or (entry.is_dir() and not entry.is_symlink())
        for entry in entries
    )
