"""The answers of an open library, for requests that come one by one from many: fields of JSON objects, and pictures.

A Library belongs to one thread, so it is opened, asked and closed in one of its own; requests wait in order.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from indexer.database.contents import GONE_MESSAGE
from indexer.database.filters import Filter
from indexer.database.interface import MAX_INTEGER
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.paths import show_path
from indexer.photos.reading import content_hash
from indexer.photos.sandbox import decode_in_child
from indexer.ranking.search_request import RANK_NEAREST
from indexer.ranking.text_ranking import LibraryWords
from indexer.reports.result_fields import list_photo_fields, list_search_fields, list_word_fields
from indexer.search.query import Query, QueryExample
from indexer.search.results import Photo

Answer = TypeVar("Answer")
JsonFields = dict[str, Any]
MOST_RESULTS = 500


class PhotoUnknown(LookalikeError):
    """The library shows no photo with this id."""


class ResultPage(NamedTuple):
    """Which photos are wanted: of those that pass the filter, `limit` after the first `start`."""

    limit: int = 20
    start: int = 0
    within: Filter | None = None


class LibraryReader:
    """An open library that answers in the thread that opened it."""

    def __init__(self, folder: Path) -> None:
        self._library = Library.open(folder)
        self._words: LibraryWords | None = None

    def close(self) -> None:
        """Close the library."""
        self._library.close()

    def describe_library(self) -> JsonFields:
        """How many photos the library has, which folders they lie in, and by what model they are compared."""
        info = self._library.collect_info()
        return {
            "name": self._library.name,
            "photos": info.photos,
            "files": info.files,
            "roots": [show_path(root.path) for root in info.roots],
            "model": info.model,
            "recall_at_10": info.recall_at_10,
            "measured": info.measured,
        }

    def list_photos(self, page: ResultPage) -> JsonFields:
        """The photos of a page by folder and name, and how many there are in all."""
        ids = self._library.find_photo_ids(page.within).tolist()
        shown = self._library.load_photos(ids[page.start : page.start + page.limit])
        return {"total": len(ids), "photos": [list_photo_fields(photo) for photo in shown]}

    def describe_photo(self, photo_id: int) -> JsonFields:
        """What the library knows of a photo. Raises PhotoUnknown where it shows none with this id."""
        return list_photo_fields(self._find_photo(photo_id))

    def read_thumbnail(self, photo_id: int) -> bytes:
        """The small picture of a photo as JPEG. Raises PhotoUnknown where there is none."""
        jpeg = self._library.read_thumbnail(self._find_photo(photo_id))
        if jpeg is None:
            raise PhotoUnknown("There is no small picture of this photo, and its file cannot be read.")
        return jpeg

    def search_by_photo(self, photo_id: int, page: ResultPage) -> JsonFields:
        """The photos nearest to a photo of the library. Raises PhotoUnknown where it shows none with this id."""
        return self._search(self._find_photo(photo_id).id, page)

    def search_by_file(self, path: Path, page: ResultPage) -> JsonFields:
        """The photos nearest to a picture file. Raises LookalikeError where it cannot be read."""
        return self._search(path, page)

    def search_by_content(self, data: bytes, page: ResultPage) -> JsonFields:
        """The photos nearest to a picture, the content of a file; one that is not in the library is decoded apart.

        Raises LookalikeError where it cannot be decoded.
        """
        library = self._library
        known_id = library.store.embeddings.find_photo_id(content_hash(data))
        if known_id and library.store.embeddings.read_embedding(known_id, library.model_id) is not None:
            return self._search(known_id, page)
        short_side = library.read_model_card().preprocessing.short_side
        try:
            picture = decode_in_child(data, short_side).image
        except PhotoError as error:
            raise LookalikeError("The picture {error}.", error=error) from error
        return self._search(picture, page)

    def search_by_words(self, words: str, not_words: str, page: ResultPage) -> JsonFields:
        """The photos that show the words of the first text and not those of the second."""
        if self._words is None:
            self._words = LibraryWords(self._library)
        return list_word_fields(self._words.answer_words((words, not_words), page.limit, within=page.within))

    def _search(self, example: QueryExample, page: ResultPage) -> JsonFields:
        result = self._library.search(Query((example,)), k=page.limit, within=page.within)
        return list_search_fields(result, RANK_NEAREST)

    def _find_photo(self, photo_id: int) -> Photo:
        found = self._library.load_photos([photo_id]) if 0 < photo_id <= MAX_INTEGER else []
        if not found:
            raise PhotoUnknown(GONE_MESSAGE)
        return found[0]


class ReaderThread:
    """A LibraryReader in its thread: `answer` is awaited from the event loop, which goes on meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._executor = ThreadPoolExecutor(1, "library")
        self._reader = self._executor.submit(LibraryReader, folder).result()

    async def answer(self, ask: Callable[..., Answer], *arguments: Any) -> Answer:
        """What a method of LibraryReader returns for these arguments, as in `answer(LibraryReader.list_photos, page)`.

        Raises what it raises.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(ask, self._reader, *arguments))

    def close(self) -> None:
        """Close the library, after the answers that are being waited for."""
        self._executor.submit(self._reader.close).result()
        self._executor.shutdown()
