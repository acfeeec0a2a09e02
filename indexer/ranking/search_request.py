"""What is asked of a ranking, and the keys of the rankings; the window knows them before the engine is loaded."""

from typing import NamedTuple

from indexer.database.filters import Filter
from indexer.search.query import Query

RANK_NEAREST, RANK_REFINED, RANK_COPIES, RANK_LABELS = "nearest", "refined", "copies", "labels"
RANK_POINTS = "points"
ONE_PICTURE_RANKINGS = (RANK_COPIES, RANK_POINTS)
ASCENDING_RANKINGS = (RANK_NEAREST, RANK_LABELS)  # in the order of distance: a greatest distance ends their list


class SearchRequest(NamedTuple):
    """A query, the filter that its hits must pass, their greatest distance, and the key of RANKINGS for their order.

    `words` are what the photos show, a minus before each that they do not: with these the query may have no pictures,
    and `text_ranking` answers instead of the rankings.
    """

    query: Query
    within: Filter | None = None
    max_distance: float | None = None
    ranking: str = RANK_NEAREST
    words: str = ""


def can_rank(ranking: str, query: Query) -> bool:
    """Whether the ranking fits the query: some compare with the pixels of one positive picture, without negatives."""
    return ranking not in ONE_PICTURE_RANKINGS or (len(query.positives) == 1 and not query.negatives)
