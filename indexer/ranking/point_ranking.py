"""Ranking by points in common: first the photos that show the very thing of the query, not only a similar one.

A distance cannot tell another picture of the same building from a picture of another building. Places that look alike
and also lie alike can (`correspondences`): the more of them, the surer. docs/metric-learning.md has the measurements.
"""

import time
from io import BytesIO
from typing import Unpack

from PIL import Image

from indexer.correspondences.matched_points import PointMatcher
from indexer.library import Library
from indexer.ranking.query_expansion import search_with_expansion
from indexer.search.examples import read_example_picture
from indexer.search.query import Query, QueryExample, SearchLimits
from indexer.search.results import Hit, SearchResult
from indexer.wording import tr_count

COMPARED_HITS = 20  # nearest photos that are compared point by point
RANKING_PLACES = 15  # places along a side: half the work of a drawing with lines


def search_by_points(
    library: Library, example: QueryExample, *, k: int = 50, **limits: Unpack[SearchLimits]
) -> SearchResult:
    """The k hits of a refined search, those of its first COMPARED_HITS that share points with the example moved to the
    front.

    They come by the number of points, the others stay as they were, so distances need not ascend. Raises LookalikeError
    where the example cannot be read.
    """
    start = time.perf_counter()
    result = search_with_expansion(library, Query((example,)), k=max(k, COMPARED_HITS), **limits)
    counts = _count_points(library, example, result.hits[:COMPARED_HITS])
    hits = sorted(result.hits, key=lambda hit: (-counts.get(hit.photo.id, 0), hit.rank))[:k]
    ranked = [hit._replace(rank=rank, points=counts.get(hit.photo.id)) for rank, hit in enumerate(hits, 1)]
    return result._replace(hits=ranked, seconds=time.perf_counter() - start)


def describe_points(hit: Hit) -> str:
    """How many points a hit shares with the query, in a phrase; "" where that is none, or they were not counted."""
    return tr_count(hit.points, "{number:,} point in common", "{number:,} points in common") if hit.points else ""


def _count_points(library: Library, example: QueryExample, hits: list[Hit]) -> dict[int, int]:
    """How many points each of the hits that have a thumbnail shares with the example, by photo id."""
    side = library.read_model_card().preprocessing.short_side
    picture = read_example_picture(example, library.store, side)
    thumbnails = {hit.photo.id: jpeg for hit in hits if (jpeg := library.read_thumbnail(hit.photo)) is not None}
    matcher = PointMatcher(library.load_embedder(), RANKING_PLACES)
    others = (Image.open(BytesIO(jpeg)).convert("RGB") for jpeg in thumbnails.values())
    matched = matcher.match_upright(picture, others)
    return {photo: len(points.first) for photo, points in zip(thumbnails, matched, strict=True)}
