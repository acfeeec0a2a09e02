"""A map of the library: a point for each photo, so that photos that look alike lie together.

A layout is kept in the library's folder, one file for each model and method: `layouts/FINGERPRINT-METHOD.npz`, derived
and written whole. Photos that come later get a place among the others, which do not move; when more have come than
were there, the map is made anew. A file that does not agree is as good as none.
"""

import contextlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer import atomic
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.photos.decoding import decode
from indexer.progress import Progress, Steps
from indexer.vectors import distances as engines
from indexer.vectors import projection

TSNE_WIDTH = 50  # dimensions that PCA leaves to t-SNE, as van der Maaten and Hinton (2008) did
JOBS = max(1, (os.cpu_count() or 2) // 2)  # a map is made beside other work
FORMAT = 1
MAP_SIDE, TILE, GROUND = 2000, 50, "#f5f5f4"  # of the picture, in pixels
# What reading a damaged .npz can raise; TypeError where it is a single array.
_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


class Layout(NamedTuple):
    """Points (n, 2) float32 of the photos with these ids (n,) int64, ascending; `method` is a key of METHODS."""

    ids: np.ndarray
    points: np.ndarray
    method: str


class Method(NamedTuple):
    """A way to lay out: how many dimensions it looks at, how it arranges all photos, how it places new ones.

    `place` takes values and points of the photos laid out, and the values of the new ones.
    """

    width: int
    arrange: Callable[[np.ndarray], Steps[np.ndarray]]
    place: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class _Kept(NamedTuple):
    """What the file holds: the layout, and the projection (dim, width) float32 of embeddings that it was made from."""

    layout: Layout
    basis: np.ndarray


class _Values(NamedTuple):
    """Projected embeddings (n, width) float32 of photos with these ids (n,), ascending."""

    ids: np.ndarray
    values: np.ndarray

    def of(self, ids: np.ndarray) -> np.ndarray:
        """The values of some of the photos."""
        return self.values[np.searchsorted(self.ids, ids)]


def layout(library: Library, method: str = "tsne") -> Steps[Layout]:
    """The map of all shown photos: the kept one where it covers them, else with new photos placed, else a new one.

    Needs no job lock. Raises LookalikeError where the library is empty.
    """
    if method not in METHODS:
        raise LookalikeError(f"There is no map {method!r}. Choose one of: {', '.join(METHODS)}.")
    shown = np.sort(library.photo_ids())
    if not len(shown):
        raise LookalikeError(f"The library {library.name} holds no photos yet. Index a folder first.")
    kept = _read(_path(library, method), library, method)
    new = shown if kept is None else np.setdiff1d(shown, kept.layout.ids)
    if kept is None or len(new) > len(kept.layout.ids):
        kept = yield from _afresh(library, shown, method)
    elif len(new):
        kept = yield from _with_new(library, kept, new)
    else:
        return _only(kept.layout, shown)
    _write(_path(library, method), library, kept)
    return _only(kept.layout, shown)


def load(library: Library, method: str = "tsne") -> Layout | None:
    """The kept map, of those photos that are still shown; None where there is none. Computes nothing."""
    kept = _read(_path(library, method), library, method)
    return None if kept is None else _only(kept.layout, library.photo_ids())


def _only(whole: Layout, shown: np.ndarray) -> Layout:
    here = np.isin(whole.ids, shown)
    return Layout(whole.ids[here], np.ascontiguousarray(whole.points[here]), whole.method)


def _afresh(library: Library, shown: np.ndarray, method: str) -> Steps[_Kept]:
    way = METHODS[method]
    basis = yield from _basis(library, way.width)
    found = yield from _values(library, shown, basis)
    points = yield from way.arrange(found.values)
    return _Kept(Layout(found.ids, points, method), basis)


def _with_new(library: Library, kept: _Kept, new: np.ndarray) -> Steps[_Kept]:
    """The layout with the new photos placed; what has been forgotten since is left out."""
    ids, points, method = kept.layout
    found = yield from _values(library, np.union1d(ids, new), kept.basis)
    yield Progress("map", 0, len(new), "placing new photos")
    here = np.isin(ids, found.ids)
    if len(new) > np.count_nonzero(here):  # so many have been forgotten that the new ones have nothing to go by
        return (yield from _afresh(library, np.sort(library.photo_ids()), method))
    ids, points, new = ids[here], points[here], np.intersect1d(new, found.ids)
    places = METHODS[method].place(found.of(ids), points, found.of(new))
    both = np.concatenate([ids, new])
    order = np.argsort(both)
    return _Kept(Layout(both[order], np.concatenate([points, places])[order], method), kept.basis)


def _basis(library: Library, width: int) -> Steps[np.ndarray]:
    """The leading principal directions (dim, width) of the embeddings, from evenly spaced ones."""
    total, seen, rows = library.store.count_embeddings(library.model_id), 0, []
    step = max(1, total // projection.FIT_ROWS)
    last = 0
    while len((part := library.store.vectors(library.model_id, last, None, engines.BLOCK)).seqs):
        rows.append(part.values[-seen % step :: step])
        seen, last = seen + len(part.seqs), int(part.seqs[-1])
        yield Progress("map", seen, total, "reading embeddings")
    values = np.concatenate(rows)
    return projection.fit_pca(values, min(width, values.shape[1]))


def _values(library: Library, wanted: np.ndarray, basis: np.ndarray) -> Steps[_Values]:
    """The projected embeddings of the wanted photos that have one."""
    total, seen, last = library.store.count_embeddings(library.model_id), 0, 0
    ids, values = [], []
    while len((part := library.store.vectors(library.model_id, last, None, engines.BLOCK)).seqs):
        here = np.isin(part.ids, wanted)
        ids.append(part.ids[here])
        values.append(part.values[here].astype(np.float32) @ basis)
        seen, last = seen + len(part.seqs), int(part.seqs[-1])
        yield Progress("map", seen, total, "projecting embeddings")
    order = np.argsort(np.concatenate(ids))
    return _Values(np.concatenate(ids)[order], np.concatenate(values)[order])


# as a picture


def draw_map(library: Library, layout: Layout) -> Image.Image:
    """The map as a square picture of thumbnails: where several photos lie at one place, the first of them."""
    picture = Image.new("RGB", (MAP_SIDE, MAP_SIDE), GROUND)
    low, high = layout.points.min(axis=0), layout.points.max(axis=0)
    cells = MAP_SIDE // TILE
    share = (layout.points - low) / np.maximum(high - low, 1e-12)
    columns, rows = (np.minimum((part * cells).astype(int), cells - 1) for part in (share[:, 0], 1 - share[:, 1]))
    _, first = np.unique(rows * cells + columns, return_index=True)
    photos = {photo.id: photo for photo in library.photos(layout.ids[first].tolist())}
    for at in first.tolist():
        jpeg = library.thumbnail(photos[int(layout.ids[at])]) if int(layout.ids[at]) in photos else None
        if jpeg is not None:
            tile = decode(jpeg, TILE).image
            tile.thumbnail((TILE, TILE))
            picture.paste(tile, (int(columns[at]) * TILE, int(rows[at]) * TILE))
    return picture


# the file


def _path(library: Library, method: str) -> Path:
    return library.folder / "layouts" / f"{library.fingerprint}-{method}.npz"


def _name(library: Library, method: str) -> np.ndarray:
    """What the file says it is for, as bytes."""
    return np.frombuffer(f"{FORMAT} {library.fingerprint} {method}".encode(), np.uint8)


def _write(path: Path, library: Library, kept: _Kept) -> None:
    """Keep the map; where the library cannot be written, it is made again next time."""
    data = io.BytesIO()
    ids, points, method = kept.layout
    np.savez(data, name=_name(library, method), ids=ids, points=points, basis=kept.basis)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        atomic.write_file(path, data.getvalue())


def _read(path: Path, library: Library, method: str) -> _Kept | None:
    """What the file holds; None where there is none, or it is damaged, of another model or of another program."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            name, ids, points, basis = (file[key] for key in ("name", "ids", "points", "basis"))
    except _DAMAGED:
        return None
    width = min(METHODS[method].width, library.card().dim)
    sound = (
        np.array_equal(name, _name(library, method))
        and (ids.dtype, points.dtype, basis.dtype) == (np.int64, np.float32, np.float32)
        and points.shape == (*ids.shape, 2)
        and basis.shape == (library.card().dim, width)
        and bool(np.isfinite(points).all() and np.isfinite(basis).all() and (np.diff(ids) > 0).all())
    )
    return _Kept(Layout(ids, points, method), basis) if sound else None


# the methods


def _pca(values: np.ndarray) -> Steps[np.ndarray]:
    yield Progress("map", len(values), len(values), "arranging")
    return values


def _on_pca(values: np.ndarray, points: np.ndarray, new: np.ndarray) -> np.ndarray:
    del values, points
    return new


def _tsne(values: np.ndarray) -> Steps[np.ndarray]:
    return projection.tsne(values, jobs=JOBS)


def _on_tsne(values: np.ndarray, points: np.ndarray, new: np.ndarray) -> np.ndarray:
    return projection.tsne_places(values, points, new, jobs=JOBS)


METHODS: dict[str, Method] = {"pca": Method(2, _pca, _on_pca), "tsne": Method(TSNE_WIDTH, _tsne, _on_tsne)}
"""Ways to lay out a map: two leading principal directions at once, t-SNE in a while."""
