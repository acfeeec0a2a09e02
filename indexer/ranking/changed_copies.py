"""Finding the photo a picture was made from: cut, turned, mirrored, framed, recoloured, compressed or written on.

Only the query is changed, so the library needs nothing beyond its embeddings and thumbnails. Each of QUERY_VIEWS is
searched like any picture, and the view nearest to a photo gives its distance. The nearest photos are then compared with
the query as pictures (`cross_correlation`): a copy lies on its original, a picture of the same kind does not.
"""

import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.ranking.cross_correlation import measure_overlaps
from indexer.search.examples import read_example_picture
from indexer.search.query import Query, QueryExample
from indexer.search.results import Hit, SearchResult

# The settings were chosen on drawings and photographs that bench_near_copies does not measure on. Recall@1 there hardly
# changes for 10 to 30 compared photos and a weight from 1.5 to 2.5.
COMPARED_HITS = 30
NO_OVERLAP_FACTOR = 2.0  # a distance is multiplied by this less the overlap (0 to 1)
QUERY_SIDE = 384  # pixels of the short side at which a query is decoded: enough for its middle part
MIDDLE_MARGIN = 0.2  # cut from each side: what is left of a turned picture when its corners are cut
BORDER_TOLERANCE = 12  # of 255 levels by which a border may vary
_SPECK_SHARE = 0.01  # the share of a row or column that may differ and still be border


def search_changed_copies(
    library: Library,
    example: QueryExample,
    *,
    k: int = 10,
    within: Filter | None = None,
    max_distance: float | None = None,
) -> SearchResult:
    """The k photos that the example is most likely a changed copy of, each with the distance of its nearest view.

    The first COMPARED_HITS are in order of distance times (NO_OVERLAP_FACTOR - overlap), so distances need not ascend.
    Raises LookalikeError where the example cannot be read.
    """
    start = time.perf_counter()
    result = find_view_candidates(library, example, k=max(k, COMPARED_HITS), within=within, max_distance=max_distance)
    hits = (
        _rank_by_overlap(library, read_example_picture(example, library.store, QUERY_SIDE), result.hits[:COMPARED_HITS])
        + result.hits[COMPARED_HITS:]
    )
    ranked = [hit._replace(rank=rank) for rank, hit in enumerate(hits[:k], 1)]
    return result._replace(hits=ranked, seconds=time.perf_counter() - start)


def find_view_candidates(
    library: Library, example: QueryExample, *, k: int, within: Filter | None = None, max_distance: float | None = None
) -> SearchResult:
    """The k photos nearest to the example or any view of it, by (least distance, id)."""
    result = library.search(Query((example,)), k=k, within=within, max_distance=max_distance)
    picture = read_example_picture(example, library.store, QUERY_SIDE)
    best = {hit.photo.id: hit for hit in result.hits}
    for view in QUERY_VIEWS.values():
        view_result = library.search(Query((view(picture),)), k=k, within=within, max_distance=max_distance)
        for hit in view_result.hits:
            if hit.photo.id not in best or hit.distance < best[hit.photo.id].distance:
                best[hit.photo.id] = hit
    nearest = sorted(best.values(), key=lambda hit: (hit.distance, hit.photo.id))[:k]
    return result._replace(hits=[hit._replace(rank=rank) for rank, hit in enumerate(nearest, 1)])


def _rank_by_overlap(library: Library, picture: Image.Image, hits: list[Hit]) -> list[Hit]:
    """The hits in order of distance times (NO_OVERLAP_FACTOR - overlap); without a thumbnail the overlap is 0."""
    thumbnails = {hit.photo.id: jpeg for hit in hits if (jpeg := library.read_thumbnail(hit.photo)) is not None}
    overlaps = measure_overlaps(picture, [Image.open(BytesIO(jpeg)) for jpeg in thumbnails.values()])
    overlap_of = dict(zip(thumbnails, np.maximum(overlaps, 0).tolist(), strict=True))
    return sorted(
        hits, key=lambda hit: (hit.distance * (NO_OVERLAP_FACTOR - overlap_of.get(hit.photo.id, 0.0)), hit.photo.id)
    )


# views of the query


def _make_transpose(turn: Image.Transpose) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.transpose(turn)


def trim_border(picture: Image.Image) -> Image.Image:
    """The picture without its border of one colour; unchanged where fewer than 8 rows or columns would be left."""
    pixels = np.asarray(picture, np.int16)
    border = np.median(pixels[[0, 0, -1, -1], [0, -1, 0, -1]], axis=0)
    is_content = np.abs(pixels - border).max(axis=2) > BORDER_TOLERANCE
    rows, columns = (np.flatnonzero(is_content.mean(axis=axis) > _SPECK_SHARE) for axis in (1, 0))
    if min(len(rows), len(columns)) < 8:
        return picture
    return picture.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _squeeze_to_square(picture: Image.Image) -> Image.Image:
    """The whole picture squeezed to a square, without a border: a part of a picture has another shape, or middle."""
    return picture.resize((QUERY_SIDE, QUERY_SIDE), Image.Resampling.BICUBIC)


def _crop_middle(picture: Image.Image) -> Image.Image:
    """The picture without MIDDLE_MARGIN of each side; unchanged below 8 pixels."""
    left, top = MIDDLE_MARGIN * picture.width, MIDDLE_MARGIN * picture.height
    box = (round(left), round(top), round(picture.width - left), round(picture.height - top))
    return picture.crop(box) if min(picture.size) >= 8 else picture


QUERY_VIEWS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": _make_transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "left": _make_transpose(Image.Transpose.ROTATE_90),
    "right": _make_transpose(Image.Transpose.ROTATE_270),
    "trimmed": trim_border,
    "squeezed": _squeeze_to_square,
    "trimmed and squeezed": lambda picture: _squeeze_to_square(trim_border(picture)),
    "middle": _crop_middle,
}
