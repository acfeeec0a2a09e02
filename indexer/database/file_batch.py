"""What a batch of files that were read makes of a library: first all that is to be asked, then all that is written.

So a library across a network is waited for twice a batch, not several times a file. The caller holds the transaction,
so that what was answered still holds when it is written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, groupby
from typing import NamedTuple

from indexer.database.embedding_table import BOUND_VALUES, list_photo_writes
from indexer.database.file_table import FileOutcome, write_file
from indexer.database.interface import SqlRow, SqlStatement
from indexer.database.replacements import write_replacement

FilePlace = tuple[int, bytes]  # the id of a root and a path below it


class PathCounts(NamedTuple):
    """Of files that were recorded: how many had only moved to their path, and how many paths hold another content."""

    moved: int
    changed: int


class TransactionGuard(NamedTuple):
    """What is asked at the beginning of a transaction, and a check of the answer, which raises where all is to stop."""

    question: SqlStatement
    check: Callable[[list[SqlRow]], None]


class BatchPlan(NamedTuple):
    """The statements that store a batch, in their order, and what it is to the paths of its files."""

    writes: list[SqlStatement]
    counts: PathCounts


class FileBatch:
    """A batch of files that were read, in their order."""

    def __init__(self, outcomes: Iterable[FileOutcome]) -> None:
        self._outcomes = list(outcomes)
        contents = list({outcome.sha256 for outcome in self._outcomes if outcome.sha256})
        self._content_questions = [_ask_for_contents(some) for some in _split_values(contents)]
        self._file_questions = [_ask_for_missing(some) for some in _split_values(contents)]
        places = sorted((outcome.root, outcome.file.path) for outcome in self._outcomes)
        for root, of_root in groupby(places, key=lambda place: place[0]):
            paths = [path for _, path in of_root]
            self._file_questions += [_ask_for_paths(root, some) for some in _split_values(paths)]

    @property
    def questions(self) -> list[SqlStatement]:
        """What is to be known: the contents, their missing files, and the files at the paths of the batch."""
        return [*self._content_questions, *self._file_questions]

    def list_thumbnails(self) -> list[tuple[bytes | None, bytes | None]]:
        """Content hash and thumbnail (JPEG) of each file, None where there is none."""
        return [(outcome.sha256, outcome.thumbnail) for outcome in self._outcomes]

    def plan_writes(self, model: int, answers: Sequence[list[SqlRow]]) -> BatchPlan:
        """How the batch is stored with its embeddings under the model, by the answers to `questions`.

        A file has moved where its photo is new under its path and has a missing file elsewhere, which is forgotten.
        """
        known = len(self._content_questions)
        state = _BatchState(answers[:known], answers[known:])
        writes, moved, changed = list[SqlStatement](), 0, 0
        for outcome in self._outcomes:
            photo, place = state.get_photo(outcome.sha256), (outcome.root, outcome.file.path)
            if outcome.sha256:
                writes += [*state.list_new_photos(outcome.sha256), *list_photo_writes(outcome, model)]
            writes.append(write_file(outcome))
            before = state.put_file(place, photo)
            if photo == before:
                continue
            if photo and (file := state.take_missing(photo)):
                writes.append(("DELETE FROM files WHERE id = ?", (file,)))
                moved += 1
            if before > 0:
                writes.append(write_replacement(before, *place))
            changed += int(bool(photo and before))
        return BatchPlan(writes, PathCounts(moved, changed))


class _BatchState:
    """What the library knows of the contents and paths of a batch, and after each file that is added.

    Photos have their ids; those that the batch adds have negative numbers, and 0 is none.
    """

    def __init__(self, contents: Sequence[list[SqlRow]], files: Sequence[list[SqlRow]]) -> None:
        self._photos = {bytes(sha256): int(id) for rows in contents for sha256, id in rows}
        self._new_numbers = count(-1, -1)
        self._stored_contents = set(self._photos)
        self._photo_at: dict[FilePlace, int] = {}
        self._missing: dict[int, dict[FilePlace, int]] = defaultdict(dict)  # photo -> place -> id, by id
        for id, root, path, photo, is_missing in sorted(row for rows in files for row in rows):
            place = (root, bytes(path))
            self._photo_at[place] = photo or 0
            if is_missing and photo:
                self._missing[photo][place] = id

    def get_photo(self, sha256: bytes | None) -> int:
        """The photo of a content, 0 where there is no content."""
        if not sha256:
            return 0
        if sha256 not in self._photos:
            self._photos[sha256] = next(self._new_numbers)
        return self._photos[sha256]

    def list_new_photos(self, sha256: bytes) -> list[SqlStatement]:
        """The statement that stores a content, where it is not stored yet."""
        if sha256 in self._stored_contents:
            return []
        self._stored_contents.add(sha256)
        return [("INSERT INTO photos (sha256) VALUES (?)", (sha256,))]

    def put_file(self, place: FilePlace, photo: int) -> int:
        """Note that a photo is at a place now; returns the one that was there before."""
        before = self._photo_at.get(place, 0)
        self._photo_at[place] = photo
        self._missing[before].pop(place, None)
        return before

    def take_missing(self, photo: int) -> int:
        """The id of the first missing file of a photo, which is one no more; 0 where there is none."""
        for place, file in self._missing[photo].items():
            del self._missing[photo][place]
            self._photo_at[place] = 0
            return file
        return 0


def _ask_for_contents(contents: Sequence[bytes]) -> SqlStatement:
    return f"SELECT sha256, id FROM photos WHERE sha256 IN ({', '.join('?' * len(contents))})", contents


def _ask_for_missing(contents: Sequence[bytes]) -> SqlStatement:
    photos = f"SELECT id FROM photos WHERE sha256 IN ({', '.join('?' * len(contents))})"
    missing = f"photo IN ({photos}) AND state = 'missing' AND NOT excluded"
    return f"SELECT id, root, path, photo, TRUE FROM files WHERE {missing}", contents


def _ask_for_paths(root: int, paths: Sequence[bytes]) -> SqlStatement:
    marks = ", ".join("?" * len(paths))
    missing = "state = 'missing' AND NOT excluded"
    return (
        f"SELECT id, root, path, photo, {missing} FROM files WHERE root = ? AND path IN ({marks})",
        (root, *paths),
    )


def _split_values(values: list[bytes]) -> Iterator[list[bytes]]:
    """The values in parts that fit into one statement, beside another one."""
    for start in range(0, len(values), BOUND_VALUES - 1):
        yield values[start : start + BOUND_VALUES - 1]
