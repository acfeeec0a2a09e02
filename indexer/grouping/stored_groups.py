"""Which of a library's photos belong together, told from what the library keeps of them: no photo file is opened.

Small pictures come from the thumbnails, moments from what was read of the files when they were indexed.
"""

from io import BytesIO

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from indexer.database.embedding_table import ShownPhoto
from indexer.database.store import Store
from indexer.grouping.near_copies import KnownMismatches
from indexer.grouping.photo_groups import GroupCandidate, PhotoGroups, find_close_rows, find_photo_groups
from indexer.paths import join_path
from indexer.photos.capture_facts import tell_capture_time
from indexer.photos.photo_traits import PhotoTraits, press_picture
from indexer.photos.reading import NO_FACTS, CaptureFacts
from indexer.photos.thumbnails import ThumbnailCache
from indexer.progress import Progress, Steps, drain
from indexer.wording import tr

REPORT_INTERVAL = 64  # photos between two reports of progress
MOST_KEPT = 3_000  # small pictures, by content: 30 MB, so that after the next label they are not decoded again
MOST_KEPT_PAIRS = 30_000  # that have been compared


class StoredGroups:
    """Groups of a library's photos: near copies and frames of a burst; used in its store's thread."""

    def __init__(self, store: Store, thumbnails: ThumbnailCache) -> None:
        self._store = store
        self._thumbnails = thumbnails
        self._small_pictures: LRUCache[tuple[bytes, int], PhotoTraits] = LRUCache(MOST_KEPT)
        self._mismatches = KnownMismatches(MOST_KEPT_PAIRS)

    def find_groups(self, ids: NDArray[np.int64], vectors: np.ndarray | None) -> Steps[PhotoGroups]:
        """The groups of photos with these ids (n,) and unit vectors (n, dim), without these by their moments alone.

        Only pictures that lie near another one are looked at; photos without a thumbnail are alone, unless by moment.
        """
        shown = {photo.id: photo for photo in self._store.embeddings.find_shown_photos(ids.tolist())}
        close_rows = set() if vectors is None else set(find_close_rows(vectors).tolist())
        candidates = []
        for row, photo in enumerate(ids.tolist()):
            if not row % REPORT_INTERVAL:
                yield Progress("group", row, len(ids), tr("looking for near copies and bursts"))
            candidates.append(
                self._describe_photo(shown[photo], row in close_rows)
                if photo in shown
                else GroupCandidate(b"", b"%d" % photo, None)
            )
        return (yield from find_photo_groups(candidates, self._mismatches.measure))

    def number_groups(self, ids: NDArray[np.int64], vectors: np.ndarray | None) -> NDArray[np.int64]:
        """The number (n,) of each photo's group, as `find_groups`."""
        return drain(self.find_groups(ids, vectors)).numbers

    def _describe_photo(self, photo: ShownPhoto, is_close: bool) -> GroupCandidate:
        capture = tell_capture_time(CaptureFacts(*photo.capture) if photo.capture else NO_FACTS)
        small = self._read_small_picture(photo) if is_close else None
        traits = None if small is None else small._replace(capture=capture)
        return GroupCandidate(join_path(photo.root, photo.path), photo.sha256, traits, capture=capture)

    def _read_small_picture(self, photo: ShownPhoto) -> PhotoTraits | None:
        """The photo's traits but for its moment, None without a thumbnail."""
        jpeg = self._thumbnails.get(photo.sha256)
        if jpeg is None:
            return None
        key = (photo.sha256, hash(jpeg))  # a thumbnail may be made anew
        if key not in self._small_pictures:
            with Image.open(BytesIO(jpeg)) as image:  # signed by this computer, so made here
                grey, colours = press_picture(image)
                aspect = photo.width / photo.height if photo.width and photo.height else image.width / image.height
            self._small_pictures[key] = PhotoTraits(grey, colours, aspect, None)
        return self._small_pictures[key]
