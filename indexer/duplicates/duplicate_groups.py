"""Photos that are there more than once: exact copies, near copies, look-alikes, in groups.

    copies  one content in several present files
    near    perceptual hashes within MAX_DIFFERENCE bits, and the same picture by its pixels (`thumbnail_comparison`)
    alike   a distance of at most LOOKALIKE_SHARE of the usual one
    blank   nothing to be seen: copies of nothing, however alike

The usual distance of a photo is its median distance to a sample of the library, so the cut-off means the same under
every model and in libraries of drawings, scans and photographs together. A small library is no measure of itself, as
most of it may be versions of one picture: USUAL_DISTANCE stands for the photos that it lacks. Groups do not depend on
the order in which photos were indexed: all is ordered by content hash. Pairs that the user has decided are no match are
never in one group; decisions belong to contents, so they survive moves and a change of model.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, product
from typing import NamedTuple

import numpy as np

from indexer.database.contents import PresentFile, list_present_files
from indexer.duplicates.thumbnail_comparison import ThumbnailComparison, read_or_renew_thumbnail
from indexer.errors import LibraryError, LookalikeError
from indexer.grouping.aligned_pictures import order_pairs
from indexer.grouping.near_copies import ThumbnailKind, read_thumbnail_kind
from indexer.library import Library
from indexer.matching.close_pairs import find_close_pairs, select_close_pairs
from indexer.matching.complete_linkage import CanMerge, group_by_complete_linkage
from indexer.matching.perceptual_hash import are_near_hashes, compute_hashes, find_near_pairs
from indexer.models.embedder import CPU_THREADS
from indexer.paths import find_same_files
from indexer.progress import Progress, Steps
from indexer.vectors.distances import (
    ROWS_PER_BLOCK,
    compute_exact_distances,
    compute_pair_distances,
    compute_squared_distances,
)
from indexer.wording import tr

LOOKALIKE_SHARE = 0.5  # of the usual distance
SAMPLE_SIZE = 64  # photos by whose distances the usual one is measured
USUAL_DISTANCE = 1.16  # of random pairs of the bundled drawings under the default model
_PROGRESS_STEP = 256  # photos between two reports of progress


class FileLink(NamedTuple):
    """A path that leads to the file of another path: a link, or a second name of it."""

    path: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Photos that belong together, the best first: most pixels, then the oldest file, then the path.

    `distances` are those of the photos to the first; `files` the absolute paths of all present files of them, in the
    same order. A group of kind "copies" has one photo and several files, of which some may be `links`, each with the
    path of the file that it leads to: they are no copies, and fall with their file.
    """

    kind: str
    photos: tuple[int, ...]
    distances: tuple[float, ...]
    files: tuple[bytes, ...]
    links: tuple[FileLink, ...] = ()


class HashedThumbnail(NamedTuple):
    """The perceptual hashes of a thumbnail, uint64 (1,), or (8,) with those of the picture turned and mirrored; and its
    kind.
    """

    views: np.ndarray
    kind: ThumbnailKind


class ComparedPhotos(NamedTuple):
    """Shown photos in order of content hash: the present files of each, and the embeddings (n, dim) float16."""

    files: list[list[PresentFile]]
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class DuplicateOptions:
    """Options of a search for groups: turned and mirrored copies too, and a distance in place of the cut-off."""

    turned: bool
    max_distance: float | None

    def compute_max_distances(self, values: np.ndarray, share: float) -> np.ndarray:
        """The greatest distance (n,) from each row to a duplicate: `max_distance`, else this share of the usual one."""
        if self.max_distance is None:
            return share * measure_usual_distances(values)
        return np.full(len(values), self.max_distance)


def find_duplicates(
    library: Library, kind: str, *, turned: bool = False, max_distance: float | None = None
) -> Steps[list[DuplicateGroup]]:
    """The groups of one of DUPLICATE_KINDS, ordered by the least content hash in each.

    `turned` matters for near copies only; `max_distance` replaces the cut-off of near copies and look-alikes. Raises
    LookalikeError for an unknown kind, LibraryError where the library is empty.
    """
    if kind not in DUPLICATE_KINDS:
        raise LookalikeError(
            "There is no kind of duplicates named {kind!r}. Choose {kinds}.",
            kind=kind,
            kinds=", ".join(DUPLICATE_KINDS),
        )
    if library.store.models.find_model(library.model_fingerprint) is None:
        raise LibraryError(
            "The library {name} is empty. Index a folder first: lookalike index FOLDER", name=library.name
        )
    yield Progress("compare", 0, 0, tr("reading the library"))
    files = list_present_files(library.store.database, library.model_id)
    photo_files = [list(group) for _, group in groupby(files, key=lambda file: file.sha256)]
    return (yield from DUPLICATE_KINDS[kind](library, photo_files, DuplicateOptions(turned, max_distance)))


def measure_usual_distances(values: np.ndarray) -> np.ndarray:
    """The median distance (n,) from each row of values (n, dim) to SAMPLE_SIZE sampled rows; in a smaller library the
    missing ones count as USUAL_DISTANCE.
    """
    if not len(values):
        return np.zeros(0)
    sampled_rows = np.unique(np.linspace(0, len(values) - 1, SAMPLE_SIZE).astype(np.int64))
    squares = compute_squared_distances(values, values[sampled_rows].astype(np.float32))
    squares[sampled_rows, np.arange(len(sampled_rows))] = np.nan  # a photo is no measure for itself
    missing = np.full((len(values), SAMPLE_SIZE - len(sampled_rows)), USUAL_DISTANCE)
    distances = np.concatenate([np.sqrt(np.maximum(squares, 0)), missing], axis=1)
    usual: np.ndarray = np.nanmedian(distances, axis=1)
    return usual


# the kinds


def _find_copies(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Groups of the present files of one content, for every content with several that are no links of each other."""
    yield Progress("compare", len(photo_files), len(photo_files))
    groups = (_group_copies(files) for files in photo_files if len(files) > 1)
    return [group for group in groups if len(group.files) - len(group.links) > 1]


def _group_copies(files: list[PresentFile]) -> DuplicateGroup:
    """The files of one content, those that lead to the file of another as they are now last."""
    paths = [file.path for file in files]
    same = find_same_files(paths)
    links = tuple(FileLink(paths[place], paths[first]) for place, first in enumerate(same) if first != place)
    linked = {link.path for link in links}
    ordered = (*(path for path in paths if path not in linked), *(link.path for link in links))
    return DuplicateGroup("copies", (files[0].photo,), (0.0,), ordered, links)


def _find_lookalikes(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Groups of photos with close embeddings."""
    compared = ComparedPhotos(photo_files, _read_embeddings(library, photo_files))
    max_distances = options.compute_max_distances(compared.values, LOOKALIKE_SHARE)
    pairs = yield from find_close_pairs(compared.values, max_distances)
    return _build_groups(
        "alike",
        library,
        compared,
        pairs,
        lambda rows, others: _are_all_close(compared.values, rows, others, max_distances),
    )


def _find_near_copies(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """Groups of photos with near hashes that show the same picture, of those with a thumbnail or a readable file."""
    hashed = yield from _read_thumbnails(library, photo_files, turned=options.turned)
    rows = [row for row, photo in hashed.items() if photo.kind.is_comparable]
    compared = ComparedPhotos([photo_files[row] for row in rows], _read_embeddings(library, photo_files)[rows])
    views = np.stack([hashed[row].views for row in rows]) if rows else np.empty((0, 1), np.uint64)
    yield Progress("compare", 0, len(views), tr("looking for near hashes"))
    pairs = order_pairs(find_near_pairs(views[:, 0], views.ravel()) // [views.shape[1], 1])
    max_distances = np.full(len(views), np.inf if options.max_distance is None else options.max_distance)
    comparison = ThumbnailComparison(library, compared.files, views)
    pairs = yield from comparison.select_same(select_close_pairs(compared.values, pairs, max_distances))

    def are_near_copies(rows: list[int], others: list[int]) -> bool:
        return (
            are_near_hashes(views[rows], views[others])
            and _are_all_close(compared.values, rows, others, max_distances)
            and comparison.do_most_agree(rows, others)
        )

    return _build_groups("near", library, compared, pairs, are_near_copies)


def _find_blank(
    library: Library, photo_files: list[list[PresentFile]], options: DuplicateOptions
) -> Steps[list[DuplicateGroup]]:
    """One group of all photos that show nothing: one colour, or a hardly visible shade; none where there are none."""
    hashed = yield from _read_thumbnails(library, photo_files, turned=False)
    rows = [row for row, photo in hashed.items() if photo.kind.is_blank]
    if not rows:
        return []
    compared = ComparedPhotos(photo_files, _read_embeddings(library, photo_files))
    return [_build_group("blank", compared, rows)]


DUPLICATE_KINDS: dict[
    str, Callable[[Library, list[list[PresentFile]], DuplicateOptions], Steps[list[DuplicateGroup]]]
] = {
    "copies": _find_copies,
    "near": _find_near_copies,
    "alike": _find_lookalikes,
    "blank": _find_blank,
}


# embeddings, hashes and thumbnails


def _read_embeddings(library: Library, photo_files: list[list[PresentFile]]) -> np.ndarray:
    """The embeddings (n, dim) float16 of the photos, read in blocks."""
    rows = {files[0].photo: row for row, files in enumerate(photo_files)}
    embeddings, model, last_seq = library.store.embeddings, library.model_id, 0
    values = np.zeros((len(photo_files), embeddings.read_embeddings(model, 0, limit=1).values.shape[1]), np.float16)
    while len((part := embeddings.read_embeddings(model, last_seq, limit=ROWS_PER_BLOCK)).seqs):
        last_seq = int(part.seqs[-1])
        part_rows = np.array([rows.get(id, -1) for id in part.ids.tolist()])
        values[part_rows[part_rows >= 0]] = part.values[part_rows >= 0]
    return values


def _read_thumbnails(
    library: Library, photo_files: list[list[PresentFile]], *, turned: bool
) -> Steps[dict[int, HashedThumbnail]]:
    """What is known of the thumbnails, by row, of the photos with a thumbnail or a readable file."""

    def hash_photo(files: list[PresentFile]) -> HashedThumbnail | None:
        jpeg = read_or_renew_thumbnail(library, files)
        return None if jpeg is None else HashedThumbnail(compute_hashes(jpeg, turned=turned), read_thumbnail_kind(jpeg))

    hashed_rows: dict[int, HashedThumbnail] = {}
    with ThreadPoolExecutor(CPU_THREADS) as pool:
        for start in range(0, len(photo_files), _PROGRESS_STEP):
            yield Progress("hash", start, len(photo_files))
            found = pool.map(hash_photo, photo_files[start : start + _PROGRESS_STEP])
            hashed_rows |= {row: photo for row, photo in enumerate(found, start) if photo is not None}
    return hashed_rows


def _are_all_close(values: np.ndarray, rows: list[int], others: list[int], max_distances: np.ndarray) -> bool:
    """Whether the distance of each row to each of the others is at most the greatest (n,) of both."""
    pairs = np.array(list(product(rows, others)))
    return len(select_close_pairs(values, pairs, max_distances)) == len(pairs)


def _build_groups(
    kind: str, library: Library, compared: ComparedPhotos, pairs: np.ndarray, can_merge: CanMerge
) -> list[DuplicateGroup]:
    """Groups by complete linkage over the pairs, the nearest first, none with a pair that the user called no match."""
    row_of = {files[0].photo: row for row, files in enumerate(compared.files)}
    decided: dict[int, set[int]] = {}
    for photo, other_photo in library.annotations.read_decisions():
        decided.setdefault(row_of.get(photo, -1), set()).add(row_of.get(other_photo, -1))
        decided.setdefault(row_of.get(other_photo, -1), set()).add(row_of.get(photo, -1))

    def are_undecided(rows: list[int], others: list[int]) -> bool:
        return all(decided.get(row, set()).isdisjoint(others) for row in rows)

    order = np.argsort(compute_pair_distances(compared.values, pairs), kind="stable")
    linked_rows = group_by_complete_linkage(
        pairs[order], lambda rows, others: are_undecided(rows, others) and can_merge(rows, others)
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
    """Sort key for the best photo first: most pixels, then the oldest file, then the path."""
    return (-file.pixels, file.mtime_ns, file.path)
