"""Photos that are there more than once: exact copies, near copies, look-alikes, in groups.

    copies  one content in several present files
    near    perceptual hashes within MAX_DIFFERENCE bits, and a distance within NEAR of the usual one
    alike   a distance within ALIKE of the usual one

Usual is, for each photo, its median distance to a sample of the library, so the cut-off means the same under every
model and in libraries where drawings, scans and photographs lie together. Groups are the same whatever the order in
which photos came: everything here goes by content hash. Pairs the user has decided are no match never stand in one
group; decisions belong to contents, so they survive moves and a change of model.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, product
from typing import NamedTuple

import numpy as np

from indexer.database.contents import PresentFile, list_present_files
from indexer.errors import LibraryError, LookalikeError, PhotoError
from indexer.library import Library
from indexer.matching.close_pairs import compute_distances_of_pairs, find_close_pairs, order_pairs, select_close_pairs
from indexer.matching.complete_linkage import CanMerge, group_by_complete_linkage
from indexer.matching.perceptual_hash import are_near_hashes, compute_hashes, find_near_pairs
from indexer.models.embedder import CPU_THREADS
from indexer.photos import thumbnails
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from indexer.vectors.distances import ROWS_PER_BLOCK, compute_exact_distances, compute_squared_distances

# Shares of the usual distance, from 472 drawings under the default model: of changed copies that keep their hash (half
# size, JPEG, grey, darkened, text) nine in ten lie below 0.75, turned and mirrored ones somewhat farther. One random
# pair in ten lies below 0.9, so the distance only guards what the hash has found.
NEAR_SHARE, NEAR_TURNED_SHARE, LOOKALIKE_SHARE = 0.8, 0.9, 0.5
SAMPLE_SIZE = 64  # photos whose distances say what is usual
_PROGRESS_STEP = 256  # photos between two signs of progress


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Photos that belong together, the best first: most pixels, then the oldest file, then the path.

    `distances` are those of the photos to the first; `files` the absolute paths of all present files of them, in the
    same order. A group of kind "copies" has one photo and several files.
    """

    kind: str
    photos: tuple[int, ...]
    distances: tuple[float, ...]
    files: tuple[bytes, ...]


class ComparedPhotos(NamedTuple):
    """The shown photos in the order of content hash: the files of each, its embedding as a row of values (n, dim)."""

    files: list[list[PresentFile]]
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class DuplicateOptions:
    """What a search for groups may vary: also turned and mirrored ones; a distance in place of the cut-off."""

    turned: bool
    max_distance: float | None

    def compute_max_distances(self, values: np.ndarray, share: float) -> np.ndarray:
        """Of each row (n,) how far another may be: the wished distance, else this share of the usual one."""
        if self.max_distance is None:
            return share * measure_usual_distances(values)
        return np.full(len(values), self.max_distance)


def find_duplicates(
    library: Library, kind: str, *, turned: bool = False, max_distance: float | None = None
) -> Steps[list[DuplicateGroup]]:
    """Groups of a kind of KINDS, ordered by the least content hash in each.

    `turned` counts for near copies; `max_distance` replaces the cut-off of near copies and look-alikes.
    """
    if kind not in DUPLICATE_KINDS:
        raise LookalikeError(f"There is no kind of duplicates named {kind!r}. Choose {', '.join(DUPLICATE_KINDS)}.")
    if library.store.models.find_model(library.model_fingerprint) is None:
        raise LibraryError(f"The library {library.name} is empty. Index a folder first: lookalike index FOLDER")
    yield Progress("compare", 0, 0, "reading the library")
    files = list_present_files(library.store.database, library.model_id)
    photo_files = [list(group) for _, group in groupby(files, key=lambda file: file.sha256)]
    return (yield from DUPLICATE_KINDS[kind](library, photo_files, DuplicateOptions(turned, max_distance)))


def measure_usual_distances(values: np.ndarray) -> np.ndarray:
    """The median distance (n,) of each row of values (n, dim) to up to SAMPLE others; 0 for one alone."""
    if len(values) < 2:
        return np.zeros(len(values))
    sampled_rows = np.unique(np.linspace(0, len(values) - 1, SAMPLE_SIZE).astype(np.int64))
    squares = compute_squared_distances(values, values[sampled_rows].astype(np.float32))
    squares[sampled_rows, np.arange(len(sampled_rows))] = np.nan  # a photo is no measure for itself
    usual: np.ndarray = np.nanmedian(np.sqrt(np.maximum(squares, 0)), axis=1)
    return usual


# the kinds


def _find_copies(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Contents that several present files hold."""
    yield Progress("compare", len(photo_files), len(photo_files))
    repeated_files = (files for files in photo_files if len(files) > 1)
    return [
        DuplicateGroup("copies", (files[0].photo,), (0.0,), tuple(file.path for file in files))
        for files in repeated_files
    ]


def _find_lookalikes(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Photos whose embeddings are close."""
    compared = ComparedPhotos(photo_files, _read_embeddings(library, photo_files))
    max_distances = options.compute_max_distances(compared.values, LOOKALIKE_SHARE)
    pairs = yield from find_close_pairs(compared.values, max_distances)
    return _build_groups(
        "alike", library, compared, pairs, lambda one, other: _are_all_close(compared.values, one, other, max_distances)
    )


def _find_near_copies(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Photos with nearly the same perceptual hash and close embeddings; those without any picture are left out."""
    hashes = yield from _compute_hashes(library, photo_files, turned=options.turned)
    compared = ComparedPhotos(
        [photo_files[row] for row in hashes], _read_embeddings(library, photo_files)[list(hashes)]
    )
    views = np.stack(list(hashes.values())) if hashes else np.empty((0, 1), np.uint64)
    max_distances = options.compute_max_distances(compared.values, NEAR_TURNED_SHARE if options.turned else NEAR_SHARE)
    yield Progress("compare", 0, len(views), "looking for near hashes")
    view_pairs = find_near_pairs(views[:, 0], views.ravel())
    pairs = select_close_pairs(compared.values, order_pairs(view_pairs // [views.shape[1], 1]), max_distances)

    def are_near_copies(one: list[int], other: list[int]) -> bool:
        return are_near_hashes(views[one], views[other]) and _are_all_close(compared.values, one, other, max_distances)

    return _build_groups("near", library, compared, pairs, are_near_copies)


DUPLICATE_KINDS: dict[
    str, Callable[[Library, list[list[PresentFile]], DuplicateOptions], Steps[list[DuplicateGroup]]]
] = {
    "copies": _find_copies,
    "near": _find_near_copies,
    "alike": _find_lookalikes,
}


# what they are made of


def _read_embeddings(library: Library, photo_files: list[list[PresentFile]]) -> np.ndarray:
    """The embeddings (n, dim) float16 of the photos."""
    rows = {files[0].photo: row for row, files in enumerate(photo_files)}
    model = library.model_id
    values, last_seq = (
        np.zeros(
            (len(photo_files), library.store.embeddings.read_embeddings(model, 0, limit=1).values.shape[1]), np.float16
        ),
        0,
    )
    while len((part := library.store.embeddings.read_embeddings(model, last_seq, limit=ROWS_PER_BLOCK)).seqs):
        last_seq = int(part.seqs[-1])
        part_rows = np.array([rows.get(id, -1) for id in part.ids.tolist()])
        values[part_rows[part_rows >= 0]] = part.values[part_rows >= 0]
    return values


def _compute_hashes(
    library: Library, photo_files: list[list[PresentFile]], *, turned: bool
) -> Steps[dict[int, np.ndarray]]:
    """Row -> perceptual hashes uint64 (1,), or (8,) with `turned`, where there is a thumbnail or a readable file."""

    def hash_photo(files: list[PresentFile]) -> np.ndarray | None:
        jpeg = library.thumbnails.get(files[0].sha256) or _renew_thumbnail(library, files)
        return None if jpeg is None else compute_hashes(jpeg, turned=turned)

    hashes_of_rows: dict[int, np.ndarray] = {}
    with ThreadPoolExecutor(CPU_THREADS) as pool:
        for start in range(0, len(photo_files), _PROGRESS_STEP):
            yield Progress("hash", start, len(photo_files))
            views = pool.map(hash_photo, photo_files[start : start + _PROGRESS_STEP])
            hashes_of_rows |= {row: view for row, view in enumerate(views, start) if view is not None}
    return hashes_of_rows


def _renew_thumbnail(library: Library, files: list[PresentFile]) -> bytes | None:
    """A thumbnail made anew, where the cache was deleted, and kept; None where no file still holds the content."""
    for file in files:
        try:
            data = read_photo(file.path)
            if content_hash(data) == file.sha256:
                jpeg = thumbnails.encode_thumbnail(decode_photo(data, thumbnails.THUMBNAIL_SIDE).image)
                library.thumbnails.put([(file.sha256, jpeg)])
                return jpeg
        except PhotoError:
            continue
    return None


def _are_all_close(values: np.ndarray, one: list[int], other: list[int], max_distances: np.ndarray) -> bool:
    """Whether every row of one group and every row of the other are within each other's reach."""
    pairs = np.array(list(product(one, other)))
    return len(select_close_pairs(values, pairs, max_distances)) == len(pairs)


def _build_groups(
    kind: str, library: Library, compared: ComparedPhotos, pairs: np.ndarray, can_merge: CanMerge
) -> list[DuplicateGroup]:
    """Groups by complete linkage over the pairs, the nearest first, none with a pair that is decided to be no match."""
    rows = {files[0].photo: row for row, files in enumerate(compared.files)}
    decided: dict[int, set[int]] = {}
    for photo, other in library.annotations.read_decisions():
        decided.setdefault(rows.get(photo, -1), set()).add(rows.get(other, -1))
        decided.setdefault(rows.get(other, -1), set()).add(rows.get(photo, -1))

    def are_undecided(one: list[int], other: list[int]) -> bool:
        return all(decided.get(row, set()).isdisjoint(other) for row in one)

    order = np.argsort(compute_distances_of_pairs(compared.values, pairs), kind="stable")
    linked_rows = group_by_complete_linkage(
        pairs[order], lambda one, other: are_undecided(one, other) and can_merge(one, other)
    )
    return [_build_group(kind, compared, group) for group in linked_rows]


def _build_group(kind: str, compared: ComparedPhotos, rows: list[int]) -> DuplicateGroup:
    best_first = sorted(rows, key=lambda row: _make_quality_key(compared.files[row][0]))
    distances = compute_exact_distances(compared.values[best_first], compared.values[best_first[0]])
    return DuplicateGroup(
        kind,
        tuple(compared.files[row][0].photo for row in best_first),
        tuple(distances.tolist()),
        tuple(file.path for row in best_first for file in compared.files[row]),
    )


def _make_quality_key(file: PresentFile) -> tuple[int, int, bytes]:
    """What sorts the best photo first: most pixels, then the oldest file, then the path."""
    return (-file.pixels, file.mtime_ns, file.path)
