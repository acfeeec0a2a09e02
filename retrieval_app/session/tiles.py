"""Photos for the screen: facts, thumbnails and previews, read by threads and cached within bounds.

Asking is cheap and never waits: what is not there yet is None and is put on the list, and `arrived` says when to paint
again. Images are made in the threads, pixmaps in the window's thread: Qt crashes where a pixmap is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from cachetools import LRUCache
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from indexer.errors import LookalikeError
from indexer.search.results import Photo
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from indexer.library import Library
    from indexer.search.query import QueryPicture

PHOTOS_PER_READ = 256  # photos whose facts are read at once
MAX_CACHED_PHOTOS = 20_000  # photos whose facts are cached
THUMBNAIL_CACHE_BYTES = 96 << 20  # some 600 thumbnails: several screens
PREVIEW_CACHE_BYTES = 32 << 20
PREVIEW_SIDE = 640  # px
THUMBNAILS_PER_FETCH = 64  # from the server of a shared library
MAX_RECENT_SIDES = 4  # last sides asked for, of which a thumbnail is shown until the one of the right side is read
Value = TypeVar("Value")


def make_cache(limit: int, count_cost: Callable[[Value], int]) -> LRUCache[Any, Value]:
    """A cache that drops the values used longest ago while the sum of their costs is above a limit.

    The value that was put last stays, even if it alone costs more.
    """
    return LRUCache(limit, lambda value: min(limit, count_cost(value)))


class _CachedPhoto(NamedTuple):
    """The facts of a photo, as read after `age` changes of the library; None where it is no longer shown."""

    age: int
    photo: Photo | None


class _LoadedImage(NamedTuple):
    """A picture as read after `age` changes of the library; a null image where it could not be read."""

    age: int
    image: QImage


class _CachedPixmap(NamedTuple):
    """A picture for the screen, as read after `age` changes of the library.

    A null pixmap could not be read; it is read again once the library has changed.
    """

    age: int
    pixmap: QPixmap
    source: object  # a picture in memory, referenced as long as its identity is the key


class _PhotosRequest(NamedTuple):
    """The question for the facts of these photos, asked after `age` changes of the library."""

    age: int
    ids: tuple[int, ...]


class _ThumbnailRequest(NamedTuple):
    """The question for a thumbnail that fits a square of `side` px."""

    sha256: bytes
    side: int


class _PreviewRequest(NamedTuple):
    """The question for a preview."""

    source: bytes | int  # the sha256 of a photo, the path of a file, the identity of a picture in memory


class _FileRequest(NamedTuple):
    """The question for the id of the photo that a file holds."""

    path: Path


class TileCache(QObject):
    """Facts and pixmaps of the open library's photos; a request returns what is cached and has the rest read."""

    arrived = Signal()  # something that was requested has been read

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._age = 0  # changes of the library since the start
        self._folder: Path | None = None
        self._photos: LRUCache[int, _CachedPhoto] = LRUCache(MAX_CACHED_PHOTOS)
        self._thumbnails: LRUCache[_ThumbnailRequest, _CachedPixmap] = make_cache(
            THUMBNAIL_CACHE_BYTES, _count_pixmap_bytes
        )
        self._previews: LRUCache[_PreviewRequest, _CachedPixmap] = make_cache(PREVIEW_CACHE_BYTES, _count_pixmap_bytes)
        self._recent_sides: list[int] = []  # of thumbnails, the one asked for last first
        self._source_pictures: dict[int, Image] = {}
        self._file_ids: dict[Path, int] = {}
        self._awaited_contents: dict[bytes, None] = {}  # of thumbnails; the reading threads take from it
        self._readers = LibraryReaders(2, parent=self)
        self._readers.answered.connect(self._receive_answer)

    def follow_library(self, folder: Path) -> None:
        """Read facts again, as the library has changed; those cached are shown until then, unless it is another one."""
        self._age += 1
        if folder != self._folder:
            self._folder = folder
            self._file_ids.clear()
            self._readers.open_library(folder)
            for cache in (self._photos, self._thumbnails, self._previews):
                cache.clear()

    def close(self) -> None:
        """End the threads."""
        self._readers.close()

    def is_idle(self) -> bool:
        """Whether everything that was requested has been read."""
        return self._readers.is_idle()

    def drop_requests(self) -> None:
        """Drop the requests that wait, as another list is shown."""
        self._readers.drop_questions()
        self._awaited_contents.clear()

    def request_photo_in_row(self, ids: NDArray[np.int64], row: int) -> Photo | None:
        """The facts of the photo in a row of ids of shape (n,), read with its neighbours; None until they are read."""
        cached_photo = self._photos.get(int(ids[row]))
        if cached_photo is None or cached_photo.age != self._age:
            start = row - row % PHOTOS_PER_READ
            page = _PhotosRequest(self._age, tuple(ids[start : start + PHOTOS_PER_READ].tolist()))
            self._readers.ask_question(page, partial(_read_photos, page=page))
        return cached_photo.photo if cached_photo else None

    def request_photo(self, photo_id: int) -> Photo | None:
        """The facts of a photo; None until they are read, or where the library does not show it."""
        return self.request_photo_in_row(np.array([photo_id], np.int64), 0)

    def request_file_id(self, path: Path) -> int | None:
        """The id of the library's photo that a file holds, 0 where it holds none of them; None until that is known."""
        if path not in self._file_ids:
            self._readers.ask_question(_FileRequest(path), partial(_find_file_id, path=path))
        return self._file_ids.get(path)

    def request_thumbnail(self, photo: Photo, side: int) -> QPixmap | None:
        """The photo fitted into a square of `side` device pixels; null where it cannot be read, None until it is read.

        Until then a thumbnail of another side may be returned.
        """
        from indexer.photos.thumbnails import LARGE_SIDE

        side = min(side, LARGE_SIDE)
        key = _ThumbnailRequest(photo.sha256, side)
        sides = [side, *(other for other in self._recent_sides if other != side)]
        self._recent_sides = sides[:MAX_RECENT_SIDES]
        cached_pixmap = self._thumbnails.get(key)
        if cached_pixmap is None:
            self._awaited_contents[photo.sha256] = None
        read = partial(_read_thumbnail, photo=photo, side=side, awaited=self._awaited_contents)
        self._request_image(key, cached_pixmap, read)
        others = (self._thumbnails.get(key._replace(side=other)) for other in self._recent_sides)
        cached_pixmap = cached_pixmap or next((other for other in others if other is not None), None)
        return cached_pixmap.pixmap if cached_pixmap else None

    def request_preview(self, example: QueryPicture | Photo) -> QPixmap | None:
        """A picture file, a picture in memory or a photo fitted into a square of PREVIEW_SIDE px.

        Null where it cannot be read, None until it is read.
        """
        if isinstance(example, int):
            photo = self.request_photo(example)
            return self.request_preview(photo) if photo else None
        key = _PreviewRequest(_choose_preview_key(example))
        cached_pixmap = self._previews.get(key)
        if cached_pixmap is None and not isinstance(example, (Path, Photo)):
            self._source_pictures[id(example)] = example
        self._request_image(key, cached_pixmap, partial(_read_preview, example=example))
        return cached_pixmap.pixmap if cached_pixmap else None

    def _request_image(
        self,
        key: _ThumbnailRequest | _PreviewRequest,
        cached_pixmap: _CachedPixmap | None,
        read: Callable[[Library], QImage],
    ) -> None:
        """Have a picture read that is not cached, or could not be read before the library changed."""
        if cached_pixmap is None or (cached_pixmap.pixmap.isNull() and cached_pixmap.age != self._age):
            self._readers.ask_question(key, partial(_read_with_age, age=self._age, read=read))

    def _receive_answer(self, key: object, answer: object) -> None:
        if isinstance(key, _PhotosRequest):
            assert isinstance(answer, list)
            found = {photo.id: photo for photo in answer}
            for photo_id in key.ids:
                self._photos[photo_id] = _CachedPhoto(key.age, found.get(photo_id))
        elif isinstance(key, _FileRequest):
            assert isinstance(answer, int)
            self._file_ids[key.path] = answer
        elif isinstance(answer, _LoadedImage):
            self._store_pixmap(key, answer.age, QPixmap.fromImage(answer.image))
        self.arrived.emit()

    def _store_pixmap(self, key: object, age: int, pixmap: QPixmap) -> None:
        if isinstance(key, _ThumbnailRequest):
            self._thumbnails[key] = _CachedPixmap(age, pixmap, None)
        elif isinstance(key, _PreviewRequest):
            source_picture = self._source_pictures.pop(key.source, None) if isinstance(key.source, int) else None
            self._previews[key] = _CachedPixmap(age, pixmap, source_picture)


def _count_pixmap_bytes(cached_pixmap: _CachedPixmap) -> int:
    return cached_pixmap.pixmap.width() * cached_pixmap.pixmap.height() * 4 + 256


def _choose_preview_key(example: Path | Image | Photo) -> bytes | int:
    """The `source` of a preview request."""
    if isinstance(example, Photo):
        return example.sha256
    return bytes(example) if isinstance(example, Path) else id(example)


def _read_with_age(library: Library, age: int, read: Callable[[Library], QImage]) -> _LoadedImage:
    return _LoadedImage(age, read(library))


def _read_photos(library: Library, page: _PhotosRequest) -> list[Photo]:
    return library.load_photos(page.ids)


def _find_file_id(library: Library, path: Path) -> int:
    from indexer.search.examples import find_photo_id

    try:
        return find_photo_id(path, library.store)
    except LookalikeError:
        return 0


def _read_thumbnail(library: Library, photo: Photo, side: int, awaited: dict[bytes, None]) -> QImage:
    """The library's thumbnail, or the photo itself where it has none, as thumbnails may be deleted at any time.

    What a shared library has not got here yet is fetched with others that are awaited: a screen is one question.
    """
    library.thumbnails.fetch([photo.sha256, *_take_contents(awaited, THUMBNAILS_PER_FETCH - 1)])
    stored = library.read_thumbnail(photo, side=side)
    return shrink_image(QImage.fromData(stored), side) if stored else read_image(photo.path, side)


def _take_contents(awaited: dict[bytes, None], count: int) -> list[bytes]:
    """At most so many of the awaited contents, the one that was asked for last first, for this thread alone."""
    taken = list[bytes]()
    with suppress(KeyError):  # the last one was taken
        while len(taken) < count:
            taken.append(awaited.popitem()[0])
    return taken


def _read_preview(_library: Library, example: Path | Image | Photo) -> QImage:
    if isinstance(example, (Path, Photo)):
        return read_image(example.path if isinstance(example, Photo) else example, PREVIEW_SIDE)
    return shrink_image(to_qimage(example), PREVIEW_SIDE)


def read_image(path: bytes | Path, side: int) -> QImage:
    """A picture file fitted into a square of `side` px; a null image where it cannot be read."""
    from indexer.photos.decoding import decode_photo
    from indexer.photos.reading import read_photo

    try:
        return shrink_image(to_qimage(decode_photo(read_photo(path), side).image), side)
    except LookalikeError:
        return QImage()


def shrink_image(image: QImage, side: int) -> QImage:
    """An image fitted into a square of `side` px, or as it is where it fits already."""
    if image.isNull() or max(image.width(), image.height()) <= side:
        return image
    size = QSize(side, side)
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def to_qimage(image: Image) -> QImage:
    """A Pillow picture as an RGB Qt image that owns its pixels."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")  # converting copies even what is RGB
    lines = QImage(rgb.tobytes(), rgb.width, rgb.height, 3 * rgb.width, QImage.Format.Format_RGB888)
    return lines.copy()
