"""Which photos a search may find: those that have a present file and pass its filter.

A library in a folder is asked for all of them at once. A shared one is asked about single photos where that will do, as
the ids of a million photos are megabytes.
"""

from functools import cached_property

import numpy as np

from indexer.database.filters import Filter, count_present_photos, find_present_among, find_present_photos
from indexer.database.interface import Database
from indexer.errors import LibraryError

MOST_ASKED = 1000  # photos that a server is asked about by their ids


class AllowedPhotos:
    """The photos with a present file that pass the filter `within`; read when they are first asked for, and kept.

    `generation_ids` (n,) int64 are those of the search files; used in its database's thread.
    """

    def __init__(self, database: Database, within: Filter | None, generation_ids: np.ndarray) -> None:
        self.within = within
        self._database = database
        self._generation_ids = generation_ids
        self._known_ids, self._known_answer = np.zeros(0, np.int64), np.zeros(0, np.bool_)

    @cached_property
    def mask(self) -> np.ndarray:
        """Whether the photo of each id may be found, bool (last id + 1,)."""
        ids = find_present_photos(self._database, self.within)
        last_id = self._database.find_last_id("photos")  # read after the ids, so that none is beyond
        if ids.size and not 0 <= ids.min() <= ids.max() <= last_id:
            raise LibraryError("The database is damaged: it names photos that it does not have. Run lookalike check.")
        mask = np.zeros(last_id + 1, bool)
        mask[ids] = True
        return mask

    @cached_property
    def rows(self) -> np.ndarray:
        """The rows (m,) int64 of the search files whose photos may be found."""
        return np.flatnonzero(self.mask[self._generation_ids])

    @cached_property
    def count(self) -> int:
        """How many photos may be found."""
        if self._database.is_shared and "mask" not in vars(self):
            return count_present_photos(self._database, self.within)
        return int(np.count_nonzero(self.mask))

    def contain(self, ids: np.ndarray) -> np.ndarray:
        """Whether each of these photos (n,) may be found, bool (n,)."""
        if not self._database.is_shared or "mask" in vars(self) or len(ids) > MOST_ASKED:
            known = ids < len(self.mask)
            known[known] = self.mask[ids[known]]
            return known
        if ids is not self._known_ids:
            self._known_answer = np.isin(ids, find_present_among(self._database, self.within, ids.tolist()))
            self._known_ids = ids
        return self._known_answer
