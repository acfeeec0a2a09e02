"""Searches kept by name, as plain JSON that survives moves and a change of model.

Photos of the library are named by their content hash, files by their absolute path, pictures in memory travel along as
PNG. What comes back from the database is checked before it is believed.
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

from indexer.database.contents import content_of
from indexer.database.filters import Filter
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.photos import decoding as photos
from indexer.ranking.rankings import NEAREST, WAYS, Search
from indexer.search.query import Cropped, Example, Picture, Query

WHOLE = 1 << 30  # a short side in pixels that no picture has: decode all there is


def save(library: Library, name: str, search: Search) -> None:
    """Keep a search by name, in place of one that had the name. Raises LookalikeError where a photo is not there."""
    if not name.strip():
        raise LookalikeError("A saved search needs a name.")
    query, within = search.query, search.within
    fields = {
        "positives": [_plain(library, example) for example in query.positives],
        "negatives": [_plain(library, example) for example in query.negatives],
        "weights": list(query.weights),
        "within": None if within is None else _plain_filter(within),
        "max_distance": search.max_distance,
        "way": search.way,
    }
    library.annotations.save_search(name, fields)


def names(library: Library) -> list[str]:
    """The names of the saved searches, sorted."""
    return list(library.annotations.searches())


def load(library: Library, name: str) -> Search:
    """The search that was saved by this name. Raises LookalikeError where there is none, or a photo of it is gone."""
    fields = _require(library, name)
    try:
        return _search(library, fields)
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError, binascii.Error, PhotoError) as error:
        raise LookalikeError(f"The saved search {name!r} is damaged. Forget it and save it again.") from error


def forget(library: Library, name: str) -> None:
    """Forget a saved search. Raises LookalikeError where there is none of this name."""
    _require(library, name)
    library.annotations.save_search(name, None)


def _require(library: Library, name: str) -> Any:
    kept = library.annotations.searches()
    if name not in kept:
        raise LookalikeError(f"There is no saved search {name!r}; lookalike searches lists them.")
    return kept[name]


# to plain values


def _plain(library: Library, example: Example) -> dict[str, object]:
    if isinstance(example, Cropped):
        return {**_plain(library, example.example), "box": [float(number) for number in example.box]}
    if isinstance(example, int | np.integer):
        return {"photo": content_of(library.store.database, int(example)).hex()}
    if isinstance(example, Path):
        return {"path": os.fspath(example.absolute())}
    data = io.BytesIO()
    example.convert("RGB").save(data, "PNG")  # what a model sees of it, and nothing is lost
    return {"png": base64.b64encode(data.getvalue()).decode("ascii")}


def _plain_filter(within: Filter) -> dict[str, object]:
    return {
        "label": within.label,
        "under": None if within.under is None else os.fspath(within.under.absolute()),
        "after": None if within.after is None else within.after.isoformat(),
        "before": None if within.before is None else within.before.isoformat(),
        "min_side": within.min_side,
        "orientation": within.orientation,
    }


# and back


def _search(library: Library, fields: Mapping[str, Any]) -> Search:
    positives, negatives = (tuple(_example(library, one) for one in fields[key]) for key in ("positives", "negatives"))
    weights = tuple(map(float, fields["weights"]))
    within = None if fields["within"] is None else _filter(fields["within"])
    way = fields.get("way", NEAREST)  # none was kept up to version 1
    if way not in WAYS:
        raise ValueError("no way to rank")
    return Search(Query(positives, negatives, weights), within, _optional(float, fields["max_distance"]), way)


def _example(library: Library, fields: Mapping[str, Any]) -> Example:
    picture = _picture(library, fields)
    if "box" not in fields:
        return picture
    left, top, width, height = map(float, fields["box"])
    return Cropped(picture, (left, top, width, height))


def _picture(library: Library, fields: Mapping[str, Any]) -> Picture:
    if "photo" in fields:
        photo = library.store.photo_of(bytes.fromhex(fields["photo"]))
        if not photo:
            raise LookalikeError("A photo of the saved search is no longer in the library.")
        return photo
    if "path" in fields:
        return Path(fields["path"])
    return _decoded(base64.b64decode(fields["png"], validate=True))


def _decoded(data: bytes) -> Image.Image:
    return photos.decode(data, WHOLE).image


def _filter(fields: Mapping[str, Any]) -> Filter:
    return Filter(
        label=_optional(str, fields["label"]),
        under=_optional(Path, fields["under"]),
        after=_optional(datetime.fromisoformat, fields["after"]),
        before=_optional(datetime.fromisoformat, fields["before"]),
        min_side=_optional(int, fields["min_side"]),
        orientation=_optional(str, fields["orientation"]),
    )


def _optional(make: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else make(value)
