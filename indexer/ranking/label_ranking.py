"""Ranking by labels: by distances under the class metric that the library's own labels teach, before it is installed.

The map is that of the recipe instant, with a setting that takes nothing from the kinds without a label. What the
installed model's distances mean does not hold for these, so they come without probability and rarity.
"""

import time
from typing import Unpack

from indexer.library import Library
from indexer.search.label_metric import LabelCounts
from indexer.search.query import Query, SearchLimits
from indexer.search.results import SearchResult
from indexer.search.searcher import METRIC_POOL
from indexer.wording import count_noun, tr


def search_by_labels(library: Library, query: Query, *, k: int = 50, **limits: Unpack[SearchLimits]) -> SearchResult:
    """The k photos nearest to the query under the labels' metric; `limits` as of `Library.search`.

    Raises LookalikeError where the labels are too few, or a picture of the query cannot be read.
    """
    start = time.perf_counter()
    taught = library.load_label_metric()
    nearest = library.find_nearest(query, k=k, taught=taught, **limits)
    result = library.build_result(nearest, start, None)
    if nearest.from_pool:
        pool = tr(
            "The {photos:,} photos nearest to the query were ranked by the labels, the others not.", photos=METRIC_POOL
        )
        result = result._replace(notice=f"{result.notice} {pool}".strip())
    return result._replace(taught_by=taught.counts)


def describe_labels(counts: LabelCounts) -> str:
    """What taught a metric, in words: "your 23 labels in 4 classes"."""
    labels, classes = count_noun(counts.photos, "label"), count_noun(counts.classes, "class", "classes")
    if counts.fitted < counts.photos:
        return tr("{fitted:,} of your {labels} in {classes}", fitted=counts.fitted, labels=labels, classes=classes)
    return tr("your {labels} in {classes}", labels=labels, classes=classes)
