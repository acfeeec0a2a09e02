"""Which photos of a listing are selected: one byte for each photo id, so that a million are selected at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PhotoSelection(QObject):
    """The selected photos by their ids, and the anchor, the photo from which a range is selected.

    A new order of the listing keeps it; a photo that is no longer listed leaves it.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._anchor_id: int | None = None
        self.count = 0
        self.by_click = False  # whether a click selects where nothing is selected yet

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        return np.empty(0, np.int64)

    @cached_property
    def _mask(self) -> NDArray[np.bool_]:
        """Whether each photo is selected, by its id."""
        return np.zeros(1, np.bool_)

    @cached_property
    def _mask_at_anchor(self) -> NDArray[np.bool_]:
        return self._mask.copy()

    def follow_listing(self, ids: NDArray[np.int64]) -> None:
        """Take the photos (n,) that are listed now; what is selected of them stays so."""
        previous_count = self.count
        mask = np.zeros(int(ids.max()) + 1 if len(ids) else 1, np.bool_)
        if self.count:
            known_ids = ids[ids < len(self._mask)]
            mask[known_ids] = self._mask[known_ids]
        self._ids, self._mask, self.count = ids, mask, int(mask.sum())
        self._mask_at_anchor = mask.copy()
        if self.count != previous_count:
            self.changed.emit()

    @property
    def takes_clicks(self) -> bool:
        """Whether a click on a tile selects it: while something is selected, or where the user's settings say so."""
        return bool(self.count) or self.by_click

    def includes(self, photo_id: int) -> bool:
        """Whether a photo is selected."""
        return bool(self.count) and photo_id < len(self._mask) and bool(self._mask[photo_id])

    def list_ids(self) -> list[int]:
        """The ids of the selected photos, in the order of the listing."""
        selected: list[int] = self._ids[self.mask_listing()].tolist()
        return selected

    def mask_listing(self) -> NDArray[np.bool_]:
        """Whether each photo of the listing is selected, (n,)."""
        mask: NDArray[np.bool_] = self._mask[self._ids]
        return mask

    def set_anchor(self, place: int) -> None:
        """Select ranges from the photo at this place from now on."""
        self._anchor_id = int(self._ids[place])
        self._mask_at_anchor = self._mask.copy()

    def has_anchor(self) -> bool:
        """Whether a photo of the listing is the anchor."""
        return self._anchor_id is not None

    def drop_anchor(self) -> None:
        """Forget the anchor: the next range begins where it is asked for."""
        self._anchor_id = None

    def toggle_place(self, place: int) -> None:
        """Select the photo at a place, or leave it out; it is the anchor then."""
        photo_id = int(self._ids[place])
        self._mask[photo_id] = not self._mask[photo_id]
        self.set_anchor(place)
        self._finish_change()

    def extend_to(self, place: int) -> None:
        """Select what lies from the anchor to a place, beside what was selected when the anchor was set."""
        anchors = [] if self._anchor_id is None else np.flatnonzero(self._ids == self._anchor_id).tolist()
        if not anchors:
            self.set_anchor(place)
        first, last = sorted((*anchors[:1], place, place)[:2])
        self._mask = self._mask_at_anchor.copy()
        self._mask[self._ids[first : last + 1]] = True
        self._finish_change()

    def select_places(self, places: NDArray[np.int64], *, toggled: bool = False) -> None:
        """Select the photos at these places beside those selected at the anchor; `toggled` leaves selected ones out."""
        self._mask = self._mask_at_anchor.copy()
        ids = self._ids[places]
        self._mask[ids] = ~self._mask[ids] if toggled else True
        self._finish_change()

    def keep_as_base(self) -> None:
        """Let what is selected now stay so while a rectangle is drawn."""
        self._mask_at_anchor = self._mask.copy()

    def select_all(self) -> None:
        """Select every photo of the listing."""
        self._mask[self._ids] = True
        self._finish_change()

    def clear_all(self) -> None:
        """Select nothing."""
        self._anchor_id = None
        if self.count:
            self._mask[:] = False
            self._finish_change()
        self._mask_at_anchor = self._mask.copy()

    def _finish_change(self) -> None:
        self.count = int(self._mask.sum())
        self.changed.emit()
