"""The photos of a listing as a list model: facts are read where a place is asked for, and never all of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import QWidget

from indexer.paths import show_file_name
from indexer.statistics.likeness import name_likeness
from indexer.wording import tr
from retrieval_app.session.searching.photo_listing import NOTHING_LISTED, PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.distance_band import describe_distance
from retrieval_app.widgets.tables import AnyIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.search.results import Hit, Photo

_INVALID_INDEX = QModelIndex()


class GridModel(QAbstractListModel):
    """A listing; the row of an index is the place of its photo."""

    def __init__(self, tiles: TileCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = tiles
        self.listing = NOTHING_LISTED

    @cached_property
    def photo_aspects(self) -> NDArray[np.float32]:
        """The width over height by photo id, 0 where it is not known; set when they are."""
        return np.empty(0, np.float32)

    def show_listing(self, listing: PhotoListing) -> None:
        """Show another listing."""
        self.beginResetModel()
        self.listing = listing
        self.endResetModel()

    def list_aspects(self) -> NDArray[np.float64]:
        """The width over height of the photos (n,), 1 where it is not known."""
        ids = self.listing.ids
        aspects = np.zeros(len(ids))
        is_known = ids < len(self.photo_aspects)
        aspects[is_known] = self.photo_aspects[ids[is_known]]
        return np.where(aspects > 0, aspects, 1.0)

    def rowCount(self, parent: AnyIndex = _INVALID_INDEX) -> int:
        """The number of photos."""
        return 0 if parent.isValid() else self.listing.photo_count

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, for screen readers, and what the distance means; tiles are painted from `photo_at` and `hit_at`."""
        if (place := self.find_place(index)) is None:
            return None
        hit = self.hit_at(place)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return "\n".join(filter(None, (self.explain_place(place), describe_distance(hit) if hit else ""))) or None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        photo = self.photo_at(place)
        return show_file_name(photo.path) if photo else ""

    def name_place(self, place: int | None) -> str:
        """What a screen reader says: "Photos, photo 12 of 240, cat.jpg, herbarium, distance 0.420, likely"."""
        if place is None:
            return tr("Photos")
        photo, hit = self.photo_at(place), self.hit_at(place)
        parts = [tr("Photos"), tr("photo {place:,} of {ids:,}", place=place + 1, ids=self.listing.photo_count)]
        if photo is not None:
            parts += [show_file_name(photo.path), *filter(None, [photo.label, self.explain_place(place)])]
        if hit is not None:
            level = name_likeness(hit)
            parts += [tr("distance {distance:.3f}", distance=hit.distance), *filter(None, [level and tr(level.word)])]
        return ", ".join(parts)

    def find_place(self, index: AnyIndex) -> int | None:
        """The place of an index in the listing; None for one that is not valid."""
        return index.row() if index.isValid() and index.row() < self.listing.photo_count else None

    def index_at_place(self, place: int) -> QModelIndex:
        """The index of a place in the listing."""
        return self.index(place, 0)

    def hit_at(self, place: int) -> Hit | None:
        """The ranked hit at a place; None where the listing is the whole library."""
        return self.listing.hits[place] if self.listing.hits else None

    def explain_place(self, place: int) -> str:
        """Why the photo at a place is listed, in a phrase; "" where no words were looked for, or it is not read yet."""
        listing = self.listing
        photo = self.photo_at(place) if listing.named or listing.reasons else None
        return listing.explain_photo(photo) if photo else ""

    def photo_at(self, place: int) -> Photo | None:
        """The photo at a place; None until it has been read."""
        hit = self.hit_at(place)
        return hit.photo if hit else self._tiles.request_photo_in_row(self.listing.ids, place)
