"""The photos of a library compared by their thumbnails' pixels: which of the pairs that a hash proposes are copies.

Thumbnails are read only of photos in proposed pairs, and each pair is compared once, in the ways in which one of the
two may be turned or mirrored.
"""

from collections.abc import Iterable
from io import BytesIO
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.database.contents import PresentFile
from indexer.grouping.aligned_pictures import SmallPictures
from indexer.grouping.near_copies import LARGEST_ASPECT_RATIO, show_same_picture
from indexer.library import Library
from indexer.matching.perceptual_hash import MAX_DIFFERENCE, count_differing_bits
from indexer.photos.photo_traits import TURNS, PressedPicture, press_picture
from indexer.progress import Progress, Steps
from indexer.wording import tr

PAIRS_PER_STEP = 256  # between two signs of progress
LEAST_AGREEING_SHARE = 0.5  # of the pairs of two groups that become one

RowPair = tuple[int, int]


class ThumbnailComparison:
    """Comparisons of the photos with these present files and hashes (n, 1), or (n, 8) also turned and mirrored."""

    def __init__(self, library: Library, files: list[list[PresentFile]], views: np.ndarray) -> None:
        self._library, self._files, self._views = library, files, views
        self._pressed: dict[tuple[int, int], tuple[PressedPicture, float] | None] = {}
        self._same: dict[RowPair, bool] = {}

    def select_same(self, pairs: np.ndarray) -> Steps[np.ndarray]:
        """Those of the pairs of rows (p, 2) that show the same picture."""
        for start in range(0, len(pairs), PAIRS_PER_STEP):
            yield Progress("compare", start, len(pairs), tr("comparing pictures"))
            self._compare(map(tuple, pairs[start : start + PAIRS_PER_STEP].tolist()))
        same = np.array([self._same[first, second] for first, second in pairs.tolist()], bool)
        selected: np.ndarray = pairs[same]
        return selected

    def do_most_agree(self, rows: list[int], others: list[int]) -> bool:
        """Whether half of the pairs between two groups, or more, show the same picture."""
        pairs = [(min(pair), max(pair)) for pair in product(rows, others)]
        self._compare(pairs)
        return sum(self._same[pair] for pair in pairs) >= LEAST_AGREEING_SHARE * len(pairs)

    def _compare(self, pairs: Iterable[RowPair]) -> None:
        """Compare those of the pairs that were not compared yet."""
        new_pairs = [pair for pair in pairs if pair not in self._same]
        self._same |= dict.fromkeys(new_pairs, False)
        tried, lefts, rights = list[RowPair](), list[PressedPicture](), list[PressedPicture]()
        for pair in new_pairs:
            for turn in self._list_turns(pair):
                left, right = self._read_pressed(pair[0], turn), self._read_pressed(pair[1], 0)
                if left and right and abs(np.log(left[1] / right[1])) <= np.log(LARGEST_ASPECT_RATIO):
                    tried.append(pair)
                    lefts.append(left[0])
                    rights.append(right[0])
        if tried:
            found = show_same_picture(_stack_pictures(lefts), _stack_pictures(rights))
            self._same |= {pair: True for pair, same in zip(tried, found.tolist(), strict=True) if same}

    def _list_turns(self, pair: RowPair) -> NDArray[np.int64]:
        """The ways to turn the first picture, 0 for none, in which its hash is near that of the second."""
        return np.flatnonzero(count_differing_bits(self._views[pair[0]], self._views[pair[1], 0]) <= MAX_DIFFERENCE)

    def _read_pressed(self, row: int, turn: int) -> tuple[PressedPicture, float] | None:
        """The small picture of a photo, turned, with its width over its height; None where there is none any more."""
        key = (row, turn)
        if key not in self._pressed:
            jpeg = read_or_renew_thumbnail(self._library, self._files[row])
            self._pressed[key] = None if jpeg is None else _press_thumbnail(jpeg, turn)
        return self._pressed[key]


def read_or_renew_thumbnail(library: Library, files: list[PresentFile]) -> bytes | None:
    """The thumbnail (JPEG) of a photo, made anew and stored where the cache has none; None where no file holds it."""
    jpeg = library.thumbnails.get(files[0].sha256)
    if jpeg is not None:
        return jpeg
    renewed = (library.thumbnails.renew(file.sha256, file.path) for file in files)
    return next((jpeg for jpeg in renewed if jpeg is not None), None)


def _press_thumbnail(jpeg: bytes, turn: int) -> tuple[PressedPicture, float]:
    with Image.open(BytesIO(jpeg)) as image:
        view = image.transpose(TURNS[turn - 1]) if turn else image
        return press_picture(view), view.width / view.height


def _stack_pictures(pictures: list[PressedPicture]) -> SmallPictures:
    return SmallPictures(np.stack([one.grey for one in pictures]), np.stack([one.colours for one in pictures]))
