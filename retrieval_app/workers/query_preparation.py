"""The pictures of a long query, embedded one after the other: it shows how far it is, and can be left at each of them.

The library remembers what was computed of a file, so that the search behind it has nothing to wait for. What cannot be
read is named and left out, instead of failing the whole query.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from indexer.paths import show_path
from indexer.progress import Progress
from indexer.search.query import CroppedExample, Query, QueryExample
from indexer.wording import tr
from retrieval_app.wording import format_count
from retrieval_app.workers.readers import LibraryReaders

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_NAMED = 3  # of the pictures that are left out


class _ExampleRequest(NamedTuple):
    """The key of the question for an embedding; `number` is that of the preparation and grows."""

    number: int
    place: int


class QueryPreparation(QObject):
    """One query at a time; a new one takes the place of the one before."""

    progressed = Signal()  # `progress`, which is None at the end
    ended = Signal(list)  # the examples that cannot be read

    def __init__(self, reader: LibraryReaders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.progress: Progress | None = None  # None while nothing is prepared
        self._reader = reader
        self._number = 0
        self._examples: list[QueryExample] = []
        self._unreadable: list[QueryExample] = []
        reader.answered.connect(self._take_answer)
        reader.failed.connect(self._take_failure)

    def prepare_query(self, query: Query) -> None:
        """Embed each picture of a query; `ended` tells when that is done."""
        self.stop()
        self._examples, self._unreadable = [*query.positives, *query.negatives], []
        self._ask_next(0)

    def stop(self) -> None:
        """Embed no more of them; nothing is told any more of the query."""
        if self.progress is not None:
            self._reader.drop_question(_ExampleRequest(self._number, self.progress.done))
            self._show_progress(None)
        self._number += 1

    def _ask_next(self, place: int) -> None:
        if place == len(self._examples):
            self._show_progress(None)
            self.ended.emit(self._unreadable)
            return
        work = methodcaller("embed_example", self._examples[place])
        self._reader.ask_question(_ExampleRequest(self._number, place), work)
        self._show_progress(Progress("query", place, len(self._examples)))  # last, as whoever hears it may stop

    def _take_answer(self, key: object, _answer: object) -> None:
        if isinstance(key, _ExampleRequest) and key.number == self._number:
            self._ask_next(key.place + 1)

    def _take_failure(self, key: object) -> None:
        if isinstance(key, _ExampleRequest) and key.number == self._number:
            self._unreadable.append(self._examples[key.place])
            self._ask_next(key.place + 1)

    def _show_progress(self, progress: Progress | None) -> None:
        self.progress = progress
        self.progressed.emit()


def needs_preparation(query: Query, photo_ids: NDArray[np.int64]) -> bool:
    """Whether several pictures are asked about, not all of them whole photos of the library, which has these ids."""
    examples = (*query.positives, *query.negatives)
    ids = [example for example in examples if isinstance(example, int)]
    return len(examples) > 1 and (len(ids) < len(examples) or not np.isin(ids, photo_ids).all())


def describe_left_out(examples: Sequence[QueryExample], count: int) -> str:
    """Which of the `count` pictures of a query are left out of it: '2 of 60 pictures could not be read: ...'."""
    names = [_name_example(example) for example in examples[:MOST_NAMED]]
    if len(examples) > MOST_NAMED:
        names.append(tr("{examples:,} more", examples=len(examples) - MOST_NAMED))
    listed = ", ".join(names[:-1]) + (tr(" and ") if len(names) > 1 else "") + names[-1]
    return tr(
        "{examples:,} of {pictures} could not be read and had to stay out: {listed}.",
        examples=len(examples),
        pictures=format_count(count, "picture"),
        listed=listed,
    )


def _name_example(example: QueryExample) -> str:
    picture = example.example if isinstance(example, CroppedExample) else example
    if isinstance(picture, Path):
        return show_path(bytes(Path(picture.name)))
    return tr("a photo that is gone") if isinstance(picture, int) else tr("a pasted picture")
