"""A map of the library: a point for each photo, so that photos that look alike lie together.

A layout is stored in the library's folder, one file for each model and method: `layouts/FINGERPRINT-METHOD.npz`. It can
be derived again and is written whole. New photos are placed among the others, which do not move; once they outnumber
those laid out, the map is computed anew, as it is where the file is damaged or belongs to another model.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.clustering.projected_photos import fit_basis, project_photos
from indexer.clustering.stored_arrays import read_arrays, write_arrays
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.own_process import count_cores
from indexer.photos.decoding import decode_photo
from indexer.progress import Progress, Steps
from indexer.reports.picture_file import BACKGROUND_COLOUR
from indexer.vectors import projection
from indexer.wording import tr

TSNE_WIDTH = 50  # dimensions that PCA leaves to t-SNE, as van der Maaten and Hinton (2008) did
TSNE_JOBS = max(1, count_cores() // 2)  # a map is made beside other work
MAP_SIDE, TILE_SIDE = 2000, 50  # of the picture, in pixels


class MapLayout(NamedTuple):
    """Points (n, 2) float32 of the photos with these ids (n,) int64, ascending; `method` is a key of LAYOUT_METHODS."""

    ids: np.ndarray
    points: np.ndarray
    method: str


class LayoutMethod(NamedTuple):
    """A way to lay out photos from `width` principal components of their embeddings.

    `arrange` computes points (n, 2) of components (n, width). `place` takes the components and points of the photos
    laid out and the components of new ones, and returns the points of the new ones.
    """

    width: int
    arrange: Callable[[np.ndarray], Steps[np.ndarray]]
    place: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class _StoredLayout(NamedTuple):
    """A layout, and the projection (dim, width) float32 of the embeddings that it was computed from."""

    layout: MapLayout
    basis: np.ndarray


def update_layout(library: Library, method: str = "tsne") -> Steps[MapLayout]:
    """The map of all shown photos; the stored one is extended by new photos, or replaced where they outnumber the old.

    Needs no job lock. Raises LookalikeError where the library is empty or the method is unknown.
    """
    if method not in LAYOUT_METHODS:
        raise LookalikeError(
            "There is no map {method!r}. Choose one of: {methods}.",
            method=method,
            methods=", ".join(LAYOUT_METHODS),
        )
    photo_ids = np.sort(library.find_photo_ids())
    if not len(photo_ids):
        raise LookalikeError("The library {name} holds no photos yet. Index a folder first.", name=library.name)
    stored = _read_layout(library, method)
    new = photo_ids if stored is None else np.setdiff1d(photo_ids, stored.layout.ids)
    if stored is None or len(new) > len(stored.layout.ids):
        stored = yield from _compute_layout(library, photo_ids, method)
    elif len(new):
        stored = yield from _place_new_photos(library, stored, new)
    else:
        return _select_points(stored.layout, photo_ids)
    _write_layout(library, stored)
    return _select_points(stored.layout, photo_ids)


def load_layout(library: Library, method: str = "tsne") -> MapLayout | None:
    """The stored map, of those photos that are still shown; None where there is none. Computes nothing."""
    stored = _read_layout(library, method)
    return None if stored is None else _select_points(stored.layout, library.find_photo_ids())


def _select_points(full_layout: MapLayout, photo_ids: np.ndarray) -> MapLayout:
    is_shown = np.isin(full_layout.ids, photo_ids)
    return MapLayout(full_layout.ids[is_shown], np.ascontiguousarray(full_layout.points[is_shown]), full_layout.method)


def _compute_layout(library: Library, photo_ids: np.ndarray, method: str) -> Steps[_StoredLayout]:
    layout_method = LAYOUT_METHODS[method]
    basis = yield from fit_basis(library, layout_method.width, "map")
    projected = yield from project_photos(library, photo_ids, basis, "map")
    points = yield from layout_method.arrange(projected.values)
    return _StoredLayout(MapLayout(projected.ids, points, method), basis)


def _place_new_photos(library: Library, stored: _StoredLayout, new: np.ndarray) -> Steps[_StoredLayout]:
    """The layout with the new photos placed, without the photos that have been forgotten since.

    A new layout where the new photos outnumber those that are left of the old.
    """
    ids, points, method = stored.layout
    projected = yield from project_photos(library, np.union1d(ids, new), stored.basis, "map")
    yield Progress("map", 0, len(new), tr("placing new photos"))
    is_projected = np.isin(ids, projected.ids)
    if len(new) > np.count_nonzero(is_projected):
        return (yield from _compute_layout(library, np.sort(library.find_photo_ids()), method))
    ids, points, new = ids[is_projected], points[is_projected], np.intersect1d(new, projected.ids)
    places = LAYOUT_METHODS[method].place(projected.select_values(ids), points, projected.select_values(new))
    all_ids = np.concatenate([ids, new])
    order = np.argsort(all_ids)
    return _StoredLayout(MapLayout(all_ids[order], np.concatenate([points, places])[order], method), stored.basis)


# as a picture


def draw_map(library: Library, layout: MapLayout) -> Image.Image:
    """The map as a square picture of thumbnails; of several photos in one cell, the one with the lowest id is drawn."""
    picture = Image.new("RGB", (MAP_SIDE, MAP_SIDE), BACKGROUND_COLOUR)
    low, high = layout.points.min(axis=0), layout.points.max(axis=0)
    cells = MAP_SIDE // TILE_SIDE
    share = (layout.points - low) / np.maximum(high - low, 1e-12)
    columns, rows = (np.minimum((part * cells).astype(int), cells - 1) for part in (share[:, 0], 1 - share[:, 1]))
    _, first = np.unique(rows * cells + columns, return_index=True)
    photos = {photo.id: photo for photo in library.load_photos(layout.ids[first].tolist())}
    for photo_index in first.tolist():
        photo = photos.get(int(layout.ids[photo_index]))
        jpeg = None if photo is None else library.read_thumbnail(photo)
        if jpeg is not None:
            tile = decode_photo(jpeg, TILE_SIDE).image
            tile.thumbnail((TILE_SIDE, TILE_SIDE))
            picture.paste(tile, (int(columns[photo_index]) * TILE_SIDE, int(rows[photo_index]) * TILE_SIDE))
    return picture


# the file


def _write_layout(library: Library, stored: _StoredLayout) -> None:
    """Store the map; where the library cannot be written, it is computed again next time."""
    ids, points, method = stored.layout
    write_arrays(library, method, {"ids": ids, "points": points, "basis": stored.basis})


def _read_layout(library: Library, method: str) -> _StoredLayout | None:
    """The stored map; None where there is no file, or it is damaged, or of another model or another format."""
    arrays = read_arrays(library, method, ("ids", "points", "basis"))
    if arrays is None:
        return None
    ids, points, basis = arrays
    width = min(LAYOUT_METHODS[method].width, library.read_model_card().dim)
    sound = (
        [array.dtype for array in arrays] == [np.int64, np.float32, np.float32]
        and points.shape == (*ids.shape, 2)
        and basis.shape == (library.read_model_card().dim, width)
        and bool(np.isfinite(points).all() and np.isfinite(basis).all() and (np.diff(ids) > 0).all())
    )
    return _StoredLayout(MapLayout(ids, points, method), basis) if sound else None


# the methods


def _arrange_pca(values: np.ndarray) -> Steps[np.ndarray]:
    yield Progress("map", len(values), len(values), tr("arranging"))
    return values


def _place_on_pca(values: np.ndarray, points: np.ndarray, new: np.ndarray) -> np.ndarray:
    del values, points
    return new


def _arrange_tsne(values: np.ndarray) -> Steps[np.ndarray]:
    return projection.fit_tsne_map(values, jobs=TSNE_JOBS)


def _place_on_tsne(values: np.ndarray, points: np.ndarray, new: np.ndarray) -> np.ndarray:
    return projection.place_on_tsne_map(values, points, new, jobs=TSNE_JOBS)


LAYOUT_METHODS: dict[str, LayoutMethod] = {
    "pca": LayoutMethod(2, _arrange_pca, _place_on_pca),
    "tsne": LayoutMethod(TSNE_WIDTH, _arrange_tsne, _place_on_tsne),
}
"""Methods to lay out a map: two principal components, which takes a moment, or t-SNE, which takes a while."""
