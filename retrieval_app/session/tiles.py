"""From photo files to the screen: facts, thumbnails and previews, read by threads and kept within bounds.

Asking is cheap and never waits: what is not there yet is None and is put on the list, and `arrived` says when to paint
again. Images are made in the threads, pixmaps in the window's thread (FACTS: anything else crashes).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from indexer.errors import LookalikeError
from indexer.library import Library, Photo
from indexer.photos import decoding as photos
from indexer.photos.reading import read_photo
from indexer.photos.thumbnails import THUMBNAIL_SIDE
from indexer.search.query import Picture
from retrieval_app.workers.child_process import Readers

PAGE = 256  # photos whose facts are read at once
FACTS = 20_000  # photos whose facts are kept
PIXMAP_BYTES = 96 << 20  # some 600 thumbnails: several screens
PREVIEW_BYTES = 32 << 20
PREVIEW_SIDE = 640
SIDES = 4  # sides of thumbnails asked for last, that stand in for each other until the right one is there
Key = TypeVar("Key")
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """A cache that forgets what was used longest ago once the costs of its values pass the limit."""

    def __init__(self, limit: int, cost: Callable[[Value], int]) -> None:
        self._limit = limit
        self._cost = cost
        self._total = 0
        self._values: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """The value, which now counts as just used."""
        value = self._values.pop(key, None)
        if value is not None:
            self._values[key] = value
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value."""
        old = self._values.pop(key, None)
        self._total += self._cost(value) - (self._cost(old) if old is not None else 0)
        self._values[key] = value
        while self._total > self._limit and len(self._values) > 1:
            self._total -= self._cost(self._values.pop(next(iter(self._values))))

    def recent(self) -> list[Key]:
        """The keys, the one used last first."""
        return list(reversed(self._values))

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._total = 0


class _Fact(NamedTuple):
    """What was known of a photo when the library was `age` old; None when it is not shown any more."""

    age: int
    photo: Photo | None


class _Read(NamedTuple):
    """What was read of a picture when the library was `age` old; a null image when it could not be read."""

    age: int
    image: QImage


class _Drawn(NamedTuple):
    """A picture for the screen; a null pixmap, which is read again when the library has changed, if it could not be."""

    age: int
    pixmap: QPixmap
    source: object  # kept alive, as its identity may be the key


class _Page(NamedTuple):
    """The question for the facts of these ids, asked when the library was `age` old."""

    age: int
    ids: tuple[int, ...]


class _Thumbnail(NamedTuple):
    """The question for a thumbnail that fits a square of `side` pixels."""

    sha256: bytes
    side: int


class _Preview(NamedTuple):
    """The question for a larger view: of a photo by its sha256, of a file by its path, of one in memory by identity."""

    source: bytes | int


class Tiles(QObject):
    """Photo facts and pixmaps of the open library."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._age = 0
        self._folder: Path | None = None
        self._facts: Bounded[int, _Fact] = Bounded(FACTS, lambda _: 1)
        self._thumbnails: Bounded[_Thumbnail, _Drawn] = Bounded(PIXMAP_BYTES, _bytes)
        self._previews: Bounded[_Preview, _Drawn] = Bounded(PREVIEW_BYTES, _bytes)
        self._sides: Bounded[int, int] = Bounded(SIDES, lambda _: 1)
        self._sources: dict[int, Image] = {}
        self._readers = Readers(2, parent=self)
        self._readers.answered.connect(self._take)
        self._readers.failed.connect(self._fail)

    def follow(self, folder: Path) -> None:
        """The library has changed, or is another one: facts are read again, and shown as they were until then."""
        self._age += 1
        if folder != self._folder:
            self._folder = folder
            self._readers.open(folder)
            for cache in (self._facts, self._thumbnails, self._previews):
                cache.clear()

    def close(self) -> None:
        """End the threads."""
        self._readers.close()

    def idle(self) -> bool:
        """Whether everything that was asked for has arrived."""
        return self._readers.idle()

    def turn(self) -> None:
        """Another list is shown: what the last one still wanted is dropped."""
        self._readers.clear()

    def photo(self, ids: NDArray[np.int64], row: int) -> Photo | None:
        """The facts of the photo in that row of ids (n,); its neighbours are read with it."""
        fact = self._facts.get(int(ids[row]))
        if fact is None or fact.age != self._age:
            start = row - row % PAGE
            page = _Page(self._age, tuple(ids[start : start + PAGE].tolist()))
            self._readers.ask(page, partial(_read_page, page=page))
        return fact.photo if fact else None

    def one(self, photo_id: int) -> Photo | None:
        """The facts of one photo."""
        return self.photo(np.array([photo_id], np.int64), 0)

    def thumbnail(self, photo: Photo, side: int) -> QPixmap | None:
        """The photo fitted into a square of `side` device pixels; null when it cannot be read."""
        side = min(side, THUMBNAIL_SIDE)
        key = _Thumbnail(photo.sha256, side)
        self._sides.put(side, side)
        drawn = self._thumbnails.get(key)
        self._ask(key, drawn, partial(_read_thumbnail, photo=photo, side=side))
        others = (self._thumbnails.get(key._replace(side=other)) for other in self._sides.recent())
        drawn = drawn or next((other for other in others if other is not None), None)
        return drawn.pixmap if drawn else None

    def preview(self, example: Picture | Photo) -> QPixmap | None:
        """A larger view of a picture file, a picture in memory or a photo; null when it cannot be read."""
        if isinstance(example, int):
            photo = self.one(example)
            return self.preview(photo) if photo else None
        key = _Preview(_source(example))
        drawn = self._previews.get(key)
        if drawn is None and isinstance(example, Image):
            self._sources[id(example)] = example
        self._ask(key, drawn, partial(_read_preview, example=example))
        return drawn.pixmap if drawn else None

    def _ask(self, key: _Thumbnail | _Preview, drawn: _Drawn | None, read: Callable[[Library], QImage]) -> None:
        """Have a picture read that is not there, or could not be read before the library changed."""
        if drawn is None or (drawn.pixmap.isNull() and drawn.age != self._age):
            self._readers.ask(key, partial(_read, age=self._age, read=read))

    def _take(self, key: object, answer: object) -> None:
        if isinstance(key, _Page):
            assert isinstance(answer, list)
            found = {photo.id: photo for photo in answer}
            for photo_id in key.ids:
                self._facts.put(photo_id, _Fact(key.age, found.get(photo_id)))
        elif isinstance(answer, _Read):
            self._draw(key, answer.age, QPixmap.fromImage(answer.image))
        self.arrived.emit()

    def _draw(self, key: object, age: int, pixmap: QPixmap) -> None:
        if isinstance(key, _Thumbnail):
            self._thumbnails.put(key, _Drawn(age, pixmap, None))
        elif isinstance(key, _Preview):
            held = self._sources.pop(key.source, None) if isinstance(key.source, int) else None
            self._previews.put(key, _Drawn(age, pixmap, held))

    def _fail(self, key: object, error: Exception) -> None:
        """The library could not be read just now; the session says so. What else is raised is a bug."""
        if not isinstance(error, LookalikeError):
            raise error


def _bytes(drawn: _Drawn) -> int:
    return drawn.pixmap.width() * drawn.pixmap.height() * 4 + 256


def _source(example: Path | Image | Photo) -> bytes | int:
    if isinstance(example, Photo):
        return example.sha256
    return bytes(example) if isinstance(example, Path) else id(example)


def _read(library: Library, age: int, read: Callable[[Library], QImage]) -> _Read:
    return _Read(age, read(library))


def _read_page(library: Library, page: _Page) -> list[Photo]:
    return library.photos(page.ids)


def _read_thumbnail(library: Library, photo: Photo, side: int) -> QImage:
    """The cached thumbnail; the photo itself where the cache has none (it may be deleted at any time)."""
    stored = library.thumbnail(photo)
    return shrunk(QImage.fromData(stored), side) if stored else read_image(photo.path, side)


def _read_preview(_library: Library, example: Path | Image | Photo) -> QImage:
    if isinstance(example, Image):
        return shrunk(to_qimage(example), PREVIEW_SIDE)
    return read_image(example.path if isinstance(example, Photo) else example, PREVIEW_SIDE)


def read_image(path: bytes | Path, side: int) -> QImage:
    """The picture file fitted into a square of `side` pixels; a null image when it cannot be read."""
    try:
        return shrunk(to_qimage(photos.decode(read_photo(path), side).image), side)
    except LookalikeError:
        return QImage()


def shrunk(image: QImage, side: int) -> QImage:
    """The image, made smaller where it is larger than the square of `side` pixels."""
    if image.isNull() or max(image.width(), image.height()) <= side:
        return image
    size = QSize(side, side)
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def to_qimage(image: Image) -> QImage:
    """A Pillow picture as a Qt image with pixels of its own."""
    rgb = image.convert("RGB")
    lines = QImage(rgb.tobytes(), rgb.width, rgb.height, 3 * rgb.width, QImage.Format.Format_RGB888)
    return lines.copy()
