"""The embedding of one example of a query: the stored one where the library has its content, else computed now."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from PIL import Image

from indexer.database.contents import GONE_MESSAGE
from indexer.database.store import Store
from indexer.errors import LookalikeError, PhotoError
from indexer.models.embedder import Embedder, embed_bytes, embed_image
from indexer.paths import join_path, show_path
from indexer.photos.decoding import MAX_RESULT_PIXELS, DecodedPhoto, decode_photo
from indexer.photos.reading import content_hash, read_photo
from indexer.search.query import CroppedExample, QueryExample, convert_to_fractions

WHOLE_PICTURE = (0.0, 0.0, 1.0, 1.0)  # as a crop box
MOST_RECENT_EMBEDDINGS = 256  # 1.3 MB of 1,280 numbers each


class FileState(NamedTuple):
    """A picture file as it was at one moment, under a model: another content has another state."""

    path: Path
    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    model_id: int


class FileEmbedding(NamedTuple):
    """The sha256 of a picture file's content, and the embedding (dim,) float32 that was computed of it."""

    sha256: bytes
    embedding: np.ndarray


def make_recent_embeddings() -> "LRUCache[FileState, FileEmbedding]":
    """An empty cache for the embeddings of the MOST_RECENT_EMBEDDINGS files asked about last, so that a query is ranked
    again quickly.
    """
    return LRUCache(MOST_RECENT_EMBEDDINGS)


class EmbeddingSource(NamedTuple):
    """Where embeddings come from: a library's database, the id of its active model, a function that loads the model.

    `recent` are those of files that were computed before.
    """

    store: Store
    model_id: int
    load_embedder: Callable[[], Embedder]
    recent: "LRUCache[FileState, FileEmbedding]"


def embed_example(example: QueryExample, source: EmbeddingSource) -> np.ndarray:
    """The embedding (dim,) float32 of an example. Raises LookalikeError where its picture cannot be read."""
    if isinstance(example, CroppedExample):
        return _embed_crop(example, source)
    if isinstance(example, int | np.integer):
        stored = source.store.embeddings.read_embedding(int(example), source.model_id)
        if stored is None:  # gone, or damaged and to be embedded again
            return _embed_file(find_picture_file(int(example), source.store), source)
        return stored.astype(np.float32)
    if isinstance(example, Path):
        return _embed_file(example, source)
    return embed_image(example, source.load_embedder())


def _embed_file(path: Path, source: EmbeddingSource) -> np.ndarray:
    """The embedding of a picture file, stored where the library has a photo of the same content."""
    state = _read_state(path, source.model_id)
    recent = source.recent.get(state) if state else None
    data = b"" if recent else read_content(path)
    sha256 = recent.sha256 if recent else content_hash(data)
    stored = source.store.embeddings.read_embedding(source.store.embeddings.find_photo_id(sha256), source.model_id)
    if stored is not None:
        return stored.astype(np.float32)
    if recent:
        return recent.embedding
    try:
        embedding = embed_bytes(data, source.load_embedder())
    except PhotoError as error:
        raise _make_read_error(path, error) from error
    if state:
        source.recent[state] = FileEmbedding(sha256, embedding)
    return embedding


def _read_state(path: Path, model_id: int) -> FileState | None:
    """The state of a file; None where it cannot be told."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # a name of a saved search can hold a null character
        return None
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return FileState(path, status.st_dev, status.st_ino, status.st_size, *times, model_id)


def _embed_crop(cropped: CroppedExample, source: EmbeddingSource) -> np.ndarray:
    """The embedding of a part of a picture, decoded anew so that a small part has all the pixels of its original."""
    embedder, example = source.load_embedder(), cropped.example
    if isinstance(example, Image.Image):
        return embed_image(crop_picture(DecodedPhoto(example, *example.size), cropped), embedder)
    return embed_image(read_crop(example, cropped, source.store, embedder.card.preprocessing.short_side), embedder)


def read_crop(example: Path | int, cropped: CroppedExample, store: Store, short_side: int) -> Image.Image:
    """The cropped part of a file, as `decode_for_crop` decodes it. Raises LookalikeError where it cannot be read."""
    path = find_picture_file(example, store)
    data = read_content(path)
    try:
        return crop_picture(decode_for_crop(data, cropped, short_side), cropped)
    except PhotoError as error:
        raise _make_read_error(path, error) from error


def read_example_picture(example: QueryExample, store: Store, short_side: int) -> Image.Image:
    """The example as an upright RGB picture; from a file with a short side of about so many pixels, where it has them.

    Raises LookalikeError where the file cannot be read.
    """
    cropped = example if isinstance(example, CroppedExample) else CroppedExample(example, WHOLE_PICTURE)
    if isinstance(cropped.example, Image.Image):
        picture = cropped.example.convert("RGB")
        return crop_picture(DecodedPhoto(picture, *picture.size), cropped)
    return read_crop(cropped.example, cropped, store, short_side)


def find_picture_file(example: Path | int, store: Store) -> Path:
    """The file of a picture that is a path or a photo id. Raises LookalikeError where the photo has none any more."""
    if isinstance(example, Path):
        return example
    shown_photos = store.embeddings.find_shown_photos([int(example)])
    if not shown_photos:
        raise LookalikeError(GONE_MESSAGE)
    return Path(os.fsdecode(join_path(shown_photos[0].root, shown_photos[0].path)))


def find_photo_id(example: QueryExample, store: Store) -> int:
    """The id of the library's photo with the content of the example; 0 where there is none, for a crop and in memory.

    Raises LookalikeError where a file cannot be read.
    """
    if isinstance(example, int | np.integer):
        return int(example)
    return store.embeddings.find_photo_id(content_hash(read_content(example))) if isinstance(example, Path) else 0


def decode_for_crop(data: bytes, cropped: CroppedExample, short_side: int) -> DecodedPhoto:
    """The picture, decoded so large that its cropped part has a short side of `short_side` pixels.

    The part has fewer where the original has fewer, or where `decode_photo` would refuse a picture that large.
    """
    decoded = decode_photo(data, short_side)
    _, _, width, height = convert_to_fractions(cropped.box, decoded.width, decoded.height)
    original_side = min(decoded.width, decoded.height)
    decoded_side = math.ceil(short_side * original_side / min(width * decoded.width, height * decoded.height) - 1e-6)
    decoded_side = min(decoded_side, original_side // _compute_reduction(decoded.width * decoded.height))
    return decode_photo(data, decoded_side) if decoded_side > min(decoded.image.size) else decoded


def _compute_reduction(pixels: int) -> int:
    """The least power of two by which the sides of a picture of so many pixels must be divided for it to be decoded."""
    factor = 1
    while pixels > factor**2 * MAX_RESULT_PIXELS:
        factor *= 2
    return factor


def crop_picture(decoded: DecodedPhoto, cropped: CroppedExample) -> Image.Image:
    """The cropped part of a decoded picture, at least one pixel wide and high."""
    left, top, width, height = convert_to_fractions(cropped.box, decoded.width, decoded.height)
    picture_width, picture_height = decoded.image.size
    x, y = min(round(left * picture_width), picture_width - 1), min(round(top * picture_height), picture_height - 1)
    right, bottom = round((left + width) * picture_width), round((top + height) * picture_height)
    return decoded.image.crop((x, y, max(right, x + 1), max(bottom, y + 1)))


def read_content(path: Path) -> bytes:
    """The bytes of a picture's file. Raises LookalikeError where it cannot be read."""
    if not path.exists():
        raise LookalikeError("There is no file {path}.", path=show_path(path))
    try:
        return read_photo(path)
    except PhotoError as error:
        raise _make_read_error(path, error) from error


def _make_read_error(path: Path, error: PhotoError) -> LookalikeError:
    return LookalikeError(f"{show_path(path)} {error}.")
