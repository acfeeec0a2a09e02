"""What the user has said of a photo, carried over to the content that its file has now where both are the same picture.

Other programs write keywords, ratings and turns into the files. The same picture is: the same decoded pixels, as they
are or turned; else what lies on the old thumbnail as near copies do, in one of the eight ways to turn and mirror it. A
library of an older version has no hash of the pixels, but thumbnails, which are equal where the pixels are.
"""

from collections.abc import Iterator
from io import BytesIO
from itertools import groupby

import numpy as np
from PIL import Image

from indexer.database.interface import Database
from indexer.database.replacements import (
    CarriedAnnotations,
    Replacement,
    carry_annotations,
    list_open_replacements,
    note_comparison,
)
from indexer.errors import LookalikeError, PhotoError
from indexer.grouping.aligned_pictures import SmallPictures, measure_mismatches
from indexer.grouping.near_copies import LARGEST_ASPECT_RATIO
from indexer.library import Library
from indexer.photos.decoding import decode_photo
from indexer.photos.photo_traits import TURNS, hash_turned_pixels, press_picture
from indexer.photos.reading import content_hash, read_photo
from indexer.progress import Progress, Steps
from indexer.wording import tr

SAME_PIXELS, SAME_PICTURE, TURNED_PICTURE = "the same pixels", "the same picture", "the same picture, turned"


def carry_all_annotations(library: Library) -> Steps[list[CarriedAnnotations]]:
    """Carry the annotations of replaced photos to what stands in their place, where that is the same picture."""
    carried, done = list[CarriedAnnotations](), 0
    replacements = list_open_replacements(library.store.database)
    for _, of_photo in groupby(replacements, key=lambda replacement: replacement.photo):
        compared = []
        for replacement in of_photo:
            yield Progress("compare", done, len(replacements), tr("carrying over what you said of changed files"))
            compared.append((replacement, find_likeness(library, replacement)))
            done += 1
        carried += _carry_to_all(library.store.database, compared)
    return list({one.path: one for one in carried}.values())


def _carry_to_all(database: Database, compared: list[tuple[Replacement, str]]) -> Iterator[CarriedAnnotations]:
    """Carry one photo's annotations to each successor that is the same picture, and note all comparisons."""
    same = [(replacement, how) for replacement, how in compared if how]
    for place, (replacement, how) in enumerate(same, 1):
        turned, keep = how == TURNED_PICTURE, place < len(same)
        if carry_annotations(database, replacement.photo, replacement.successor, turned=turned, keep=keep):
            yield CarriedAnnotations(replacement.absolute_path, how)
    for replacement, _ in compared:
        note_comparison(database, replacement)


def find_likeness(library: Library, replacement: Replacement) -> str:
    """What is the same of two contents: SAME_PIXELS, SAME_PICTURE, TURNED_PICTURE, or "" for two pictures."""
    old, new = (library.thumbnails.get(sha256) for sha256 in (replacement.sha256, replacement.successor_sha256))
    hashes = {replacement.pixel_sha256, replacement.successor_pixel_sha256}
    if (len(hashes) == 1 and None not in hashes) or (old is not None and old == new):
        return SAME_PIXELS
    if replacement.pixel_sha256 is not None and replacement.pixel_sha256 in _hash_turned_pixels(library, replacement):
        return TURNED_PICTURE
    return _compare_thumbnails(old, new) if old is not None and new is not None else ""


def _hash_turned_pixels(library: Library, replacement: Replacement) -> Iterator[bytes]:
    """The hashes of the new picture's pixels, turned and mirrored in all ways; none where it cannot be read."""
    try:
        data = read_photo(replacement.absolute_path)
        if content_hash(data) == replacement.successor_sha256:
            picture = decode_photo(data, library.read_model_card().preprocessing.short_side).image
            yield from hash_turned_pixels(picture)
    except (PhotoError, LookalikeError):
        return


def _compare_thumbnails(old: bytes, new: bytes) -> str:
    """SAME_PICTURE or TURNED_PICTURE where the thumbnails (JPEG) show one, else ""."""
    try:
        with Image.open(BytesIO(old), formats=["JPEG"]) as first, Image.open(BytesIO(new), formats=["JPEG"]) as second:
            views = [first.convert("RGB"), second.convert("RGB")]
    except (OSError, ValueError, SyntaxError):  # a damaged cache
        return ""
    views += [views[1].transpose(turn) for turn in TURNS]
    shapes = np.log([view.width / view.height for view in views])
    pressed = [press_picture(view) for view in views]
    pictures = SmallPictures(np.stack([one.grey for one in pressed]), np.stack([one.colours for one in pressed]))
    rows = np.flatnonzero(np.abs(shapes[1:] - shapes[0]) <= np.log(LARGEST_ASPECT_RATIO)) + 1
    pairs = np.stack([np.zeros(len(rows), np.int64), rows], axis=1)
    same = rows[measure_mismatches(pictures, pairs).ratio <= 1]
    return "" if not len(same) else SAME_PICTURE if same[0] == 1 else TURNED_PICTURE
