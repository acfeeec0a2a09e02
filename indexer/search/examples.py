"""An example of a query becomes a vector: stored where its content is in the library, else embedded now."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.database.contents import GONE
from indexer.database.store import Store
from indexer.errors import LookalikeError, PhotoError
from indexer.models.embedder import Embedder, embed_bytes, embed_image
from indexer.paths import join_path, show_path
from indexer.photos import decoding as photos
from indexer.photos.decoding import MAX_RESULT_PIXELS, Decoded
from indexer.photos.reading import content_hash, read_photo
from indexer.search.query import Cropped, Example, fractions


class Source(NamedTuple):
    """Where the vectors of examples come from: a library's database, its active model, loaded only when asked for."""

    store: Store
    model: int
    embedder: Callable[[], Embedder]


def vector(example: Example, source: Source) -> np.ndarray:
    """The embedding (dim,) float32 of an example. Raises LookalikeError where a picture cannot be read."""
    if isinstance(example, Cropped):
        return _vector_of_part(example, source)
    if isinstance(example, int | np.integer):
        stored = source.store.embedding(int(example), source.model)
        if stored is None:
            raise LookalikeError(GONE)
        return stored.astype(np.float32)
    if isinstance(example, Path):
        return _vector_of_file(example, source)
    return embed_image(example, source.embedder())


def _vector_of_file(path: Path, source: Source) -> np.ndarray:
    data = content(path)
    stored = source.store.embedding(source.store.photo_of(content_hash(data)), source.model)
    try:
        return stored.astype(np.float32) if stored is not None else embed_bytes(data, source.embedder())
    except PhotoError as error:
        raise _unreadable(path, error) from error


def _vector_of_part(cropped: Cropped, source: Source) -> np.ndarray:
    """The part is decoded anew, so that a small one has as many pixels as its original gives."""
    embedder, example = source.embedder(), cropped.example
    if isinstance(example, Image.Image):
        return embed_image(crop(Decoded(example, *example.size), cropped), embedder)
    return embed_image(part_of_file(example, cropped, source.store, embedder.card.preprocessing.short_side), embedder)


def part_of_file(example: Path | int, cropped: Cropped, store: Store, short_side: int) -> Image.Image:
    """The cropped part of a file, decoded as `decode_for_crop` does. Raises LookalikeError where it cannot be read."""
    path = file_of(example, store)
    data = content(path)
    try:
        return crop(decode_for_crop(data, cropped, short_side), cropped)
    except PhotoError as error:
        raise _unreadable(path, error) from error


def file_of(example: Path | int, store: Store) -> Path:
    """The picture's file. Raises LookalikeError where a photo of the library has none any more."""
    if isinstance(example, Path):
        return example
    shown = store.shown([int(example)])
    if not shown:
        raise LookalikeError(GONE)
    return Path(os.fsdecode(join_path(shown[0].root, shown[0].path)))


def photo_of(example: Example, store: Store) -> int:
    """The id of the library's photo with this content, 0 where it holds none, or it is a part or only in memory.

    Raises LookalikeError where a file cannot be read.
    """
    if isinstance(example, int | np.integer):
        return int(example)
    return store.photo_of(content_hash(content(example))) if isinstance(example, Path) else 0


def decode_for_crop(data: bytes, cropped: Cropped, short_side: int) -> Decoded:
    """The picture, decoded so large that its cropped part has the short side in pixels, where the original has it.

    Never so large that photos.decode would refuse what is left of a very large picture.
    """
    decoded = photos.decode(data, short_side)
    _, _, width, height = fractions(cropped.box, decoded.width, decoded.height)
    whole = min(decoded.width, decoded.height)
    wanted = math.ceil(short_side * whole / min(width * decoded.width, height * decoded.height) - 1e-6)
    wanted = min(wanted, whole // _reduction(decoded.width * decoded.height))
    return photos.decode(data, wanted) if wanted > min(decoded.image.size) else decoded


def _reduction(pixels: int) -> int:
    """The least power of two by which both sides of so many pixels must be divided to be decoded at all."""
    factor = 1
    while pixels > factor**2 * MAX_RESULT_PIXELS:
        factor *= 2
    return factor


def crop(decoded: Decoded, cropped: Cropped) -> Image.Image:
    """The cropped part of a decoded picture, at least one pixel."""
    left, top, width, height = fractions(cropped.box, decoded.width, decoded.height)
    across, down = decoded.image.size
    x, y = min(round(left * across), across - 1), min(round(top * down), down - 1)
    right, bottom = round((left + width) * across), round((top + height) * down)
    return decoded.image.crop((x, y, max(right, x + 1), max(bottom, y + 1)))


def content(path: Path) -> bytes:
    """The bytes of a picture's file. Raises LookalikeError where it cannot be read."""
    if not path.exists():
        raise LookalikeError(f"There is no file {show_path(path)}.")
    try:
        return read_photo(path)
    except PhotoError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: PhotoError) -> LookalikeError:
    return LookalikeError(f"{show_path(path)} {error}.")
