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

from indexer.database.contents import Held, held_files
from indexer.errors import LibraryError, LookalikeError, PhotoError
from indexer.library import Library
from indexer.matching import close_pairs as neighbours
from indexer.matching import perceptual_hash as perceptual
from indexer.matching.complete_linkage import Alike, complete_link
from indexer.models.embedder import CPU_THREADS
from indexer.photos import decoding as photos
from indexer.photos import thumbnails
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from indexer.vectors import distances as engines

# Shares of the usual distance, from 472 drawings under the default model: of changed copies that keep their hash (half
# size, JPEG, grey, darkened, text) nine in ten lie below 0.75, turned and mirrored ones somewhat farther. One random
# pair in ten lies below 0.9, so the distance only guards what the hash has found.
NEAR, NEAR_TURNED, ALIKE = 0.8, 0.9, 0.5
SAMPLE = 64  # photos whose distances say what is usual
_STEP = 256  # photos between two signs of progress


@dataclass(frozen=True, slots=True)
class Group:
    """Photos that belong together, the best first: most pixels, then the oldest file, then the path.

    `distances` are those of the photos to the first; `files` the absolute paths of all present files of them, in the
    same order. A group of kind "copies" has one photo and several files.
    """

    kind: str
    photos: tuple[int, ...]
    distances: tuple[float, ...]
    files: tuple[bytes, ...]


class Shown(NamedTuple):
    """The shown photos in the order of content hash: the files of each, its embedding as a row of values (n, dim)."""

    held: list[list[Held]]
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Wish:
    """What a search for groups may vary: also turned and mirrored ones; a distance in place of the cut-off."""

    turned: bool
    max_distance: float | None

    def reach(self, values: np.ndarray, share: float) -> np.ndarray:
        """Of each row (n,) how far another may be: the wished distance, else this share of the usual one."""
        if self.max_distance is None:
            return share * usual_distances(values)
        return np.full(len(values), self.max_distance)


def find(library: Library, kind: str, *, turned: bool = False, max_distance: float | None = None) -> Steps[list[Group]]:
    """Groups of a kind of KINDS, ordered by the least content hash in each.

    `turned` counts for near copies; `max_distance` replaces the cut-off of near copies and look-alikes.
    """
    if kind not in KINDS:
        raise LookalikeError(f"There is no kind of duplicates named {kind!r}. Choose {', '.join(KINDS)}.")
    if library.store.model(library.fingerprint) is None:
        raise LibraryError(f"The library {library.name} is empty. Index a folder first: lookalike index FOLDER")
    yield Progress("compare", 0, 0, "reading the library")
    files = held_files(library.store.database, library.model_id)
    held = [list(group) for _, group in groupby(files, key=lambda file: file.sha256)]
    return (yield from KINDS[kind](library, held, Wish(turned, max_distance)))


def usual_distances(values: np.ndarray) -> np.ndarray:
    """The median distance (n,) of each row of values (n, dim) to up to SAMPLE others; 0 for one alone."""
    if len(values) < 2:
        return np.zeros(len(values))
    sample = np.unique(np.linspace(0, len(values) - 1, SAMPLE).astype(np.int64))
    squares = engines.squared_distances(values, values[sample].astype(np.float32))
    squares[sample, np.arange(len(sample))] = np.nan  # a photo is no measure for itself
    usual: np.ndarray = np.nanmedian(np.sqrt(np.maximum(squares, 0)), axis=1)
    return usual


# the kinds


def _copies(library: Library, held: list[list[Held]], wish: Wish) -> Steps[list[Group]]:
    """Contents that several present files hold."""
    yield Progress("compare", len(held), len(held))
    several = (files for files in held if len(files) > 1)
    return [Group("copies", (files[0].photo,), (0.0,), tuple(file.path for file in files)) for files in several]


def _alike(library: Library, held: list[list[Held]], wish: Wish) -> Steps[list[Group]]:
    """Photos whose embeddings are close."""
    shown = Shown(held, _embeddings(library, held))
    reach = wish.reach(shown.values, ALIKE)
    pairs = yield from neighbours.close_pairs(shown.values, reach)
    return _groups("alike", library, shown, pairs, lambda one, other: _close(shown.values, one, other, reach))


def _near(library: Library, held: list[list[Held]], wish: Wish) -> Steps[list[Group]]:
    """Photos with nearly the same perceptual hash and close embeddings; those without any picture are left out."""
    hashes = yield from _hashes(library, held, turned=wish.turned)
    shown = Shown([held[row] for row in hashes], _embeddings(library, held)[list(hashes)])
    views = np.stack(list(hashes.values())) if hashes else np.empty((0, 1), np.uint64)
    reach = wish.reach(shown.values, NEAR_TURNED if wish.turned else NEAR)
    yield Progress("compare", 0, len(views), "looking for near hashes")
    found = perceptual.pairs_within(views[:, 0], views.ravel())
    pairs = neighbours.within_reach(shown.values, neighbours.ordered(found // [views.shape[1], 1]), reach)

    def alike(one: list[int], other: list[int]) -> bool:
        return perceptual.near(views[one], views[other]) and _close(shown.values, one, other, reach)

    return _groups("near", library, shown, pairs, alike)


KINDS: dict[str, Callable[[Library, list[list[Held]], Wish], Steps[list[Group]]]] = {
    "copies": _copies,
    "near": _near,
    "alike": _alike,
}


# what they are made of


def _embeddings(library: Library, held: list[list[Held]]) -> np.ndarray:
    """The embeddings (n, dim) float16 of the photos."""
    rows = {files[0].photo: row for row, files in enumerate(held)}
    model = library.model_id
    values, last = np.zeros((len(held), library.store.vectors(model, 0, limit=1).values.shape[1]), np.float16), 0
    while len((part := library.store.vectors(model, last, limit=engines.BLOCK)).seqs):
        last = int(part.seqs[-1])
        at = np.array([rows.get(id, -1) for id in part.ids.tolist()])
        values[at[at >= 0]] = part.values[at >= 0]
    return values


def _hashes(library: Library, held: list[list[Held]], *, turned: bool) -> Steps[dict[int, np.ndarray]]:
    """Row -> perceptual hashes uint64 (1,), or (8,) with `turned`, where there is a thumbnail or a readable file."""

    def hashes(files: list[Held]) -> np.ndarray | None:
        jpeg = library.thumbnails.get(files[0].sha256) or _thumbnail(library, files)
        return None if jpeg is None else perceptual.hashes_of(jpeg, turned=turned)

    found: dict[int, np.ndarray] = {}
    with ThreadPoolExecutor(CPU_THREADS) as pool:
        for start in range(0, len(held), _STEP):
            yield Progress("hash", start, len(held))
            views = pool.map(hashes, held[start : start + _STEP])
            found |= {row: view for row, view in enumerate(views, start) if view is not None}
    return found


def _thumbnail(library: Library, files: list[Held]) -> bytes | None:
    """A thumbnail made anew, where the cache was deleted, and kept; None where no file still holds the content."""
    for file in files:
        try:
            data = read_photo(file.path)
            if content_hash(data) == file.sha256:
                jpeg = thumbnails.encode(photos.decode(data, thumbnails.THUMBNAIL_SIDE).image)
                library.thumbnails.put([(file.sha256, jpeg)])
                return jpeg
        except PhotoError:
            continue
    return None


def _close(values: np.ndarray, one: list[int], other: list[int], reach: np.ndarray) -> bool:
    """Whether every row of one group and every row of the other are within each other's reach."""
    pairs = np.array(list(product(one, other)))
    return len(neighbours.within_reach(values, pairs, reach)) == len(pairs)


def _groups(kind: str, library: Library, shown: Shown, pairs: np.ndarray, alike: Alike) -> list[Group]:
    """Groups by complete linkage over the pairs, the nearest first, none with a pair that is decided to be no match."""
    rows = {files[0].photo: row for row, files in enumerate(shown.held)}
    decided: dict[int, set[int]] = {}
    for photo, other in library.annotations.decisions():
        decided.setdefault(rows.get(photo, -1), set()).add(rows.get(other, -1))
        decided.setdefault(rows.get(other, -1), set()).add(rows.get(photo, -1))

    def undecided(one: list[int], other: list[int]) -> bool:
        return all(decided.get(row, set()).isdisjoint(other) for row in one)

    order = np.argsort(neighbours.pair_distances(shown.values, pairs), kind="stable")
    found = complete_link(pairs[order], lambda one, other: undecided(one, other) and alike(one, other))
    return [_group(kind, shown, group) for group in found]


def _group(kind: str, shown: Shown, rows: list[int]) -> Group:
    best = sorted(rows, key=lambda row: _merit(shown.held[row][0]))
    distances = engines.exact_distances(shown.values[best], shown.values[best[0]])
    return Group(
        kind,
        tuple(shown.held[row][0].photo for row in best),
        tuple(distances.tolist()),
        tuple(file.path for row in best for file in shown.held[row]),
    )


def _merit(file: Held) -> tuple[int, int, bytes]:
    """What sorts the best photo first: most pixels, then the oldest file, then the path."""
    return (-file.pixels, file.mtime_ns, file.path)
