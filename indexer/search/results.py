"""What a search gives: photos as people see them, ranked hits, and how they were found."""

from typing import NamedTuple

from indexer.database.embedding_table import ShownPhoto
from indexer.paths import join_path
from indexer.search.label_metric import LabelCounts


class Photo(NamedTuple):
    """One content: the absolute path of one of its present files, the number of further copies, its size in pixels."""

    id: int
    path: bytes
    copies: int
    label: str | None
    width: int
    height: int
    sha256: bytes
    offline: bool


class Hit(NamedTuple):
    """One ranked photo; probability and rarity of its distance are None where they were not measured."""

    rank: int
    photo: Photo
    distance: float
    probability: float | None
    rarity: float | None


class SearchResult(NamedTuple):
    """Hits ordered by (distance, id); `notice` says in a sentence what was wrong with the search files, else empty.

    `taught_by` are the labels by which the photos were ranked, None where that was by the model alone.
    """

    hits: list[Hit]
    engine: str
    recall_at_10: float
    seconds: float
    notice: str
    taught_by: LabelCounts | None = None


def build_photo(shown: ShownPhoto) -> Photo:
    """The photo as people see it, from what the database knows of it."""
    return Photo(
        id=shown.id,
        path=join_path(shown.root, shown.path),
        copies=shown.copies,
        label=shown.label,
        width=shown.width,
        height=shown.height,
        sha256=shown.sha256,
        offline=not shown.online,
    )
