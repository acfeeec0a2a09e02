"""Searches kept by name, as plain JSON that survives moves and a change of model.

Photos of the library are named by their content hash, files by their absolute path, pictures in memory are stored as
PNG. What the database gives back is checked before it is used.
"""

import base64
import binascii
import io
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indexer.database.contents import read_content_hash
from indexer.database.filters import Filter
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.photos.decoding import decode_photo
from indexer.ranking.rankings import RANKINGS
from indexer.ranking.search_request import RANK_NEAREST, SearchRequest
from indexer.search.query import CroppedExample, Query, QueryExample, QueryPicture

FULL_SIZE_SIDE = 1 << 30  # a short side in pixels that no picture has: decode all there is


def save_search(library: Library, name: str, search: SearchRequest) -> None:
    """Store a search by name, in place of an earlier one. Raises LookalikeError where the library has no such photo."""
    if not name.strip():
        raise LookalikeError("A saved search needs a name.")
    query, within = search.query, search.within
    fields = {
        "positives": [_encode_example(library, example) for example in query.positives],
        "negatives": [_encode_example(library, example) for example in query.negatives],
        "weights": list(query.weights),
        "within": None if within is None else _encode_filter(within),
        "max_distance": search.max_distance,
        "way": search.ranking,
        "words": search.words,
    }
    library.annotations.save_search(name, fields)


def list_saved_searches(library: Library) -> list[str]:
    """The names of the saved searches, sorted."""
    return list(library.annotations.read_searches())


def load_search(library: Library, name: str) -> SearchRequest:
    """The search saved by this name. Raises LookalikeError where there is none, it is damaged, or a photo is gone."""
    fields = _require_fields(library, name)
    try:
        return _decode_search(library, fields)
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError, binascii.Error, PhotoError) as error:
        raise LookalikeError("The saved search {name!r} is damaged. Forget it and save it again.", name=name) from error


def forget_search(library: Library, name: str) -> None:
    """Delete a saved search. Raises LookalikeError where there is none of this name."""
    _require_fields(library, name)
    library.annotations.save_search(name, None)


def _require_fields(library: Library, name: str) -> Any:
    saved_fields = library.annotations.read_searches()
    if name not in saved_fields:
        raise LookalikeError("There is no saved search {name!r}; lookalike searches lists them.", name=name)
    return saved_fields[name]


# to plain JSON


def _encode_example(library: Library, example: QueryExample) -> dict[str, object]:
    if isinstance(example, CroppedExample):
        return {**_encode_example(library, example.example), "box": [float(number) for number in example.box]}
    if isinstance(example, int | np.integer):
        return {"photo": read_content_hash(library.store.database, int(example)).hex()}
    if isinstance(example, Path):
        return {"path": os.fspath(example.absolute())}
    data = io.BytesIO()
    example.convert("RGB").save(data, "PNG")  # what a model sees of it, and nothing is lost
    return {"png": base64.b64encode(data.getvalue()).decode("ascii")}


def _encode_filter(within: Filter) -> dict[str, object]:
    return {
        "label": within.label,
        "under": None if within.under is None else os.fspath(within.under.absolute()),
        "after": None if within.after is None else within.after.isoformat(),
        "before": None if within.before is None else within.before.isoformat(),
        "min_side": within.min_side,
        "orientation": within.orientation,
        "named": within.named,
    }


# from plain JSON


def _decode_search(library: Library, fields: Mapping[str, Any]) -> SearchRequest:
    """The search with these fields; a wrong field raises whatever error it causes, for `load_search` to catch."""
    positives, negatives = (
        tuple(_decode_example(library, example) for example in fields[key]) for key in ("positives", "negatives")
    )
    weights = tuple(map(float, fields["weights"]))
    within = None if fields["within"] is None else _decode_filter(fields["within"])
    ranking = fields.get("way", RANK_NEAREST)  # searches saved by version 1 have none
    if ranking not in RANKINGS:
        raise ValueError("unknown ranking")
    words = fields.get("words", "")  # searches saved before it have none
    if not isinstance(words, str):
        raise TypeError("words are a text")
    query, max_distance = Query(positives, negatives, weights), _convert_optional(float, fields["max_distance"])
    return SearchRequest(query, within, max_distance, ranking, words)


def _decode_example(library: Library, fields: Mapping[str, Any]) -> QueryExample:
    picture = _decode_picture(library, fields)
    if "box" not in fields:
        return picture
    left, top, width, height = map(float, fields["box"])
    return CroppedExample(picture, (left, top, width, height))


def _decode_picture(library: Library, fields: Mapping[str, Any]) -> QueryPicture:
    if "photo" in fields:
        photo = library.store.embeddings.find_photo_id(bytes.fromhex(fields["photo"]))
        if not photo:
            raise LookalikeError("A photo of the saved search is no longer in the library.")
        return photo
    if "path" in fields:
        return Path(fields["path"])
    return _decode_png(base64.b64decode(fields["png"], validate=True))


def _decode_png(data: bytes) -> Image.Image:
    return decode_photo(data, FULL_SIZE_SIDE).image


def _decode_filter(fields: Mapping[str, Any]) -> Filter:
    return Filter(
        label=_convert_optional(str, fields["label"]),
        under=_convert_optional(Path, fields["under"]),
        after=_convert_optional(datetime.fromisoformat, fields["after"]),
        before=_convert_optional(datetime.fromisoformat, fields["before"]),
        min_side=_convert_optional(int, fields["min_side"]),
        orientation=_convert_optional(str, fields["orientation"]),
        named=_convert_optional(str, fields.get("named")),  # searches saved before it have none
    )


def _convert_optional(make: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else make(value)
