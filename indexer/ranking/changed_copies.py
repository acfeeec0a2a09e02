"""Finding the photo a picture was made from: cut, turned, mirrored, framed, recoloured, compressed or written on.

Only the query is looked at in several ways, so the library needs nothing but what it has. Each of VIEWS is searched
like any picture, and of each photo the nearest view counts. Then the likeliest are compared with the query as pictures
(`overlap.py`): a copy lies on its original, a picture of the same kind does not.
"""

import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image

from indexer.database.filters import Filter
from indexer.library import Hit, Library, SearchResult
from indexer.photos import decoding as photos
from indexer.ranking import cross_correlation as overlap
from indexer.search.examples import crop, part_of_file
from indexer.search.query import Cropped, Example, Query

# The settings were chosen on drawings and photographs that bench_near_copies does not measure on. Recall@1 there hardly
# changes for 10 to 30 compared photos and a weight from 1.5 to 2.5.
COMPARED = 30
UNLIKE = 2.0  # a distance counts (UNLIKE - overlap) times
DETAIL = 384  # pixels of the short side at which a query is decoded: enough for its middle part
MIDDLE = 0.15  # cut from each side: what is left of a turned picture when its corners are cut
PLAIN = 12  # of 255 levels by which a border may vary
_SPECK = 0.01  # the share of a row or column that may differ and still be border


def search(
    library: Library, example: Example, *, k: int = 10, within: Filter | None = None, max_distance: float | None = None
) -> SearchResult:
    """The k photos the example is most likely a changed copy of; their distance is that of the nearest view.

    Hits are not in order of distance: those whose picture the example lies on come first. Raises LookalikeError where
    the example cannot be read.
    """
    start = time.perf_counter()
    result = candidates(library, example, k=max(k, COMPARED), within=within, max_distance=max_distance)
    hits = _compared(library, picture_of(library, example), result.hits[:COMPARED]) + result.hits[COMPARED:]
    ranked = [hit._replace(rank=rank) for rank, hit in enumerate(hits[:k], 1)]
    return result._replace(hits=ranked, seconds=time.perf_counter() - start)


def candidates(
    library: Library, example: Example, *, k: int, within: Filter | None = None, max_distance: float | None = None
) -> SearchResult:
    """The k photos nearest to any view of the example, by (distance, id)."""
    result = library.search(Query((example,)), k=k, within=within, max_distance=max_distance)
    picture = picture_of(library, example)
    best = {hit.photo.id: hit for hit in result.hits}
    for view in VIEWS.values():
        found = library.search(Query((view(picture),)), k=k, within=within, max_distance=max_distance)
        for hit in found.hits:
            if hit.photo.id not in best or hit.distance < best[hit.photo.id].distance:
                best[hit.photo.id] = hit
    nearest = sorted(best.values(), key=lambda hit: (hit.distance, hit.photo.id))[:k]
    return result._replace(hits=[hit._replace(rank=rank) for rank, hit in enumerate(nearest, 1)])


def picture_of(library: Library, example: Example) -> Image.Image:
    """The example as a picture, with a short side of about DETAIL pixels where it has that many.

    Raises LookalikeError where it cannot be read.
    """
    cropped = example if isinstance(example, Cropped) else Cropped(example, (0.0, 0.0, 1.0, 1.0))
    if isinstance(cropped.example, Image.Image):
        picture = cropped.example.convert("RGB")
        return crop(photos.Decoded(picture, *picture.size), cropped)
    return part_of_file(cropped.example, cropped, library.store, DETAIL)


def _compared(library: Library, picture: Image.Image, hits: list[Hit]) -> list[Hit]:
    """The hits with what the picture lies on first; without a thumbnail a photo counts as quite unlike."""
    shown = {hit.photo.id: jpeg for hit in hits if (jpeg := library.thumbnail(hit.photo)) is not None}
    lying = overlap.overlaps(picture, [Image.open(BytesIO(jpeg)) for jpeg in shown.values()])
    how = dict(zip(shown, np.maximum(lying, 0).tolist(), strict=True))
    return sorted(hits, key=lambda hit: (hit.distance * (UNLIKE - how.get(hit.photo.id, 0.0)), hit.photo.id))


# the views


def _turned(turn: Image.Transpose) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.transpose(turn)


def trimmed(picture: Image.Image) -> Image.Image:
    """The picture without a border of one colour; as it is where nothing or nearly nothing would be left."""
    pixels = np.asarray(picture, np.int16)
    border = np.median(pixels[[0, 0, -1, -1], [0, -1, 0, -1]], axis=0)
    other = np.abs(pixels - border).max(axis=2) > PLAIN
    rows, columns = (np.flatnonzero(other.mean(axis=axis) > _SPECK) for axis in (1, 0))
    if min(len(rows), len(columns)) < 8:
        return picture
    return picture.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _squeezed(picture: Image.Image) -> Image.Image:
    """The whole picture as a square: the model sees the middle square only, and a part has another middle."""
    return picture.resize((DETAIL, DETAIL), Image.Resampling.BICUBIC)


def _middle(picture: Image.Image) -> Image.Image:
    left, top = MIDDLE * picture.width, MIDDLE * picture.height
    box = (round(left), round(top), round(picture.width - left), round(picture.height - top))
    return picture.crop(box) if min(picture.size) >= 8 else picture


VIEWS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": _turned(Image.Transpose.FLIP_LEFT_RIGHT),
    "left": _turned(Image.Transpose.ROTATE_90),
    "right": _turned(Image.Transpose.ROTATE_270),
    "trimmed": trimmed,
    "squeezed": _squeezed,
    "trimmed and squeezed": lambda picture: _squeezed(trimmed(picture)),
    "middle": _middle,
}
