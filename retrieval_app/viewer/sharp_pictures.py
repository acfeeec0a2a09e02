"""Sharp pictures for the viewer, read by threads: those seen last and their neighbours stay at hand, within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cachetools import LRUCache
from PySide6.QtCore import QObject, QRectF, QSize, QSizeF, Signal

from retrieval_app.session.tiles import make_cache
from retrieval_app.viewer.picture_reading import ReadPicture, read_fitted_picture, read_picture_area
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from indexer.search.query import QueryExample

CACHE_BYTES = 128 << 20  # five pictures as large as a dense laptop screen


class FittedRequest(NamedTuple):
    """The question for all of a picture, to fit into a place of this size in px."""

    source: tuple[str, int]  # as `_identify_example` gives it
    width: int
    height: int


class AreaRequest(NamedTuple):
    """The question for a part of a picture; each has a number of its own."""

    number: int


class _CachedPicture(NamedTuple):
    """A picture as read; the example is held, as the identity of a picture in memory is its key."""

    picture: ReadPicture
    example: QueryExample


class SharpPictures(QObject):
    """Pictures at the size of the screen; what is not there yet is read, the one that was asked for last first."""

    arrived = Signal(object, object)  # FittedRequest or AreaRequest, ReadPicture
    refused = Signal(object, str)  # the request, a sentence that says why the picture cannot be read

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.readers = LibraryReaders(2, parent=self)
        self._cache: LRUCache[FittedRequest, _CachedPicture] = make_cache(CACHE_BYTES, _count_bytes)
        self._examples: dict[FittedRequest, QueryExample] = {}  # of what has been asked for
        self._area_number = 0
        self.readers.answered.connect(self._take_answer)
        self.readers.refused.connect(self.refused)

    def find_fitted(self, example: QueryExample, place: QSize) -> ReadPicture | None:
        """The picture as it was read for a place of this size; None where it is not at hand."""
        cached = self._cache.get(make_request(example, place))
        return cached.picture if cached else None

    def request_fitted(self, example: QueryExample, place: QSize) -> FittedRequest:
        """Have all of a picture read, to fit into a place in px of the screen; the answer comes with this request."""
        request = make_request(example, place)
        self._examples[request] = example
        self.readers.ask_question(request, partial(read_fitted_picture, example=example, place=place))
        return request

    def request_neighbours(self, examples: Iterable[QueryExample], place: QSize) -> None:
        """Have pictures read that will be wanted next, those of them that are not at hand."""
        for example in examples:
            if self.find_fitted(example, place) is None:
                self.request_fitted(example, place)

    def request_area(self, example: QueryExample, area: QRectF, place: QSizeF) -> AreaRequest:
        """Have an area of a picture read, to fit into a place in px; the answer comes with this request, uncached."""
        self._area_number += 1
        request = AreaRequest(self._area_number)
        self.readers.ask_question(request, partial(read_picture_area, example=example, area=area, place=place))
        return request

    def drop_request(self, request: FittedRequest | AreaRequest) -> None:
        """Drop one request, if it still waits."""
        self.readers.drop_question(request)

    def _take_answer(self, request: object, answer: object) -> None:
        assert isinstance(answer, ReadPicture)
        if isinstance(request, FittedRequest) and (example := self._examples.pop(request, None)) is not None:
            self._cache[request] = _CachedPicture(answer, example)
        self.arrived.emit(request, answer)


def make_request(example: QueryExample, place: QSize) -> FittedRequest:
    """The request for a picture, as `request_fitted` makes it."""
    return FittedRequest(_identify_example(example), place.width(), place.height())


def _identify_example(example: QueryExample) -> tuple[str, int]:
    """A photo by its id, anything else by its identity in memory."""
    return ("photo", example) if isinstance(example, int) else ("object", id(example))


def _count_bytes(cached: _CachedPicture) -> int:
    return cached.picture.part.image.sizeInBytes()
