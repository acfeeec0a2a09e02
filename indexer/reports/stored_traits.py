"""Which of a library's photos belong together, told from what the library keeps of them: no photo file is opened.

Small pictures come from the thumbnails, moments from what was read of the files when they were indexed.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from indexer.library import Library
from indexer.matching.photo_groups import GroupCandidate, PhotoGroups, find_close_rows, find_photo_groups
from indexer.photos.capture_facts import tell_capture_time
from indexer.photos.photo_traits import PhotoTraits, press_picture
from indexer.progress import Progress, Steps
from indexer.search.results import Photo

REPORT_INTERVAL = 64  # photos between two reports of progress


def group_stored_photos(library: Library, photos: Sequence[Photo], vectors: np.ndarray) -> Steps[PhotoGroups]:
    """The groups of photos of a library with unit vectors (n, dim): near copies and frames of a burst.

    Only photos that lie near another one are looked at; those without a thumbnail are alone, unless by name.
    """
    traits: dict[int, PhotoTraits | None] = {}
    close_rows = find_close_rows(vectors).tolist()
    for done, row in enumerate(close_rows):
        if not done % REPORT_INTERVAL:
            yield Progress("group", done, len(close_rows), "looking for near copies and bursts")
        traits[row] = _read_stored_traits(library, photos[row])
    candidates = [GroupCandidate(photo.path, photo.sha256, traits.get(row)) for row, photo in enumerate(photos)]
    return (yield from find_photo_groups(candidates))


def _read_stored_traits(library: Library, photo: Photo) -> PhotoTraits | None:
    jpeg = library.thumbnails.get(photo.sha256)
    if jpeg is None:
        return None
    with Image.open(BytesIO(jpeg)) as image:  # signed by this computer, so made here
        grey, colours = press_picture(image)
        aspect = photo.width / photo.height if photo.width and photo.height else image.width / image.height
    return PhotoTraits(grey, colours, aspect, tell_capture_time(photo.capture))
