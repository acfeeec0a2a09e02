"""Photos and the results of searches as the fields of JSON objects, the same from every door.

These fields are an interface for other programs: some may be added, none is renamed.
"""

from typing import Any

from indexer.paths import show_path
from indexer.ranking.word_ranking import WordHit, WordResult
from indexer.search.results import Hit, Photo, SearchResult, list_fact_fields
from indexer.statistics.likeness import find_likeness_word


def list_photo_fields(photo: Photo) -> dict[str, Any]:
    """The library's record of a photo as fields for JSON; `id` names it to other requests."""
    return {
        "id": photo.id,
        "path": show_path(photo.path),
        "copies": photo.copies,
        "label": photo.label,
        "labelled_by": photo.labelled and photo.labelled.who,
        "labelled_at": photo.labelled and photo.labelled.moment.isoformat(),
        "width": photo.width,
        "height": photo.height,
        "offline": photo.offline,
        **list_fact_fields(photo)._asdict(),
    }


def list_search_fields(result: SearchResult, ranking: str) -> dict[str, Any]:
    """The result of a search by pictures as fields for JSON; `ranking` is the key of the order it came in."""
    return {
        "ranked_by": ranking,
        "taught_by": result.taught_by._asdict() if result.taught_by else None,
        "engine": result.engine,
        "recall_at_10": result.recall_at_10,
        "seconds": round(result.seconds, 6),
        "notice": result.notice,
        "hits": [_list_hit_fields(hit) for hit in result.hits],
    }


def list_word_fields(result: WordResult) -> dict[str, Any]:
    """The result of a search by words as fields for JSON."""
    return {
        "engine": "words",
        "seconds": round(result.seconds, 6),
        "notice": result.notice,
        "hits": [_list_word_hit_fields(hit) for hit in result.hits],
    }


def _list_hit_fields(hit: Hit) -> dict[str, Any]:
    figures = {
        "rank": hit.rank,
        "distance": round(hit.distance, 6),
        "probability": hit.probability,
        "rarity": hit.rarity,
        "likeness": find_likeness_word(hit),
        "points": hit.points,
    }
    return figures | list_photo_fields(hit.photo)


def _list_word_hit_fields(hit: WordHit) -> dict[str, Any]:
    distance = None if hit.distance is None else round(hit.distance, 6)
    figures = {"rank": hit.rank, "distance": distance, "score": round(hit.score, 6), "why": hit.why}
    return figures | list_photo_fields(hit.photo)
