"""One connection to a library's database, and the three objects that use it: files, embeddings and models.

Changes that span several of them are made here, each in one transaction. A Store belongs to one thread.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from indexer.database.connection import Database
from indexer.database.embedding_table import EmbeddingTable
from indexer.database.file_table import FileOutcome, FileTable
from indexer.database.forgetting import ForgettingPlan, forget_photos
from indexer.database.model_table import ModelTable
from indexer.database.opening import DATABASE_FILE
from indexer.database.replacements import note_replacement


class PathCounts(NamedTuple):
    """Of files that were recorded: how many had only moved to their path, and how many paths hold another content."""

    moved: int
    changed: int


class Store:
    """What a library knows, in one database; made and used in one thread.

    One made for `any_thread` is used under a lock of its owner; with `peek` it is only looked into.
    """

    def __init__(self, folder: Path, *, any_thread: bool = False, peek: bool = False) -> None:
        self.database = Database(folder / DATABASE_FILE, any_thread=any_thread, peek=peek)
        self.files = FileTable(self.database)
        self.embeddings = EmbeddingTable(self.database)
        self.models = ModelTable(self.database)

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def record_outcomes(
        self, outcomes: Iterable[FileOutcome], model: int, note: Callable[[PathCounts], None] | None = None
    ) -> PathCounts:
        """Commit what became of a batch of files, all or none, with what `note` stores about it."""
        with self.database.transaction():
            counts = [self._record_outcome(outcome, model) for outcome in outcomes]
            total = PathCounts(sum(count.moved for count in counts), sum(count.changed for count in counts))
            if note is not None:
                note(total)
        return total

    def _record_outcome(self, outcome: FileOutcome, model: int) -> PathCounts:
        photo = self.embeddings.record_photo(outcome, model) if outcome.sha256 else None
        change = self.files.record_file(outcome, photo)
        if change.before not in (0, photo):
            note_replacement(self.database, change.before, outcome.root, outcome.file.path)
        return PathCounts(int(change.moved), int(photo is not None and change.before not in (0, photo)))

    def forget_missing(self, *, with_labels: bool = False) -> ForgettingPlan:
        """Delete missing files, and photos that no file holds any more; those with words only `with_labels`."""
        return forget_photos(self.database, None, with_labels=with_labels)

    def forget_root(self, root: int, *, with_labels: bool = False) -> ForgettingPlan:
        """Delete a root with its files, and photos that no other file holds; those with words only `with_labels`."""
        return forget_photos(self.database, root, with_labels=with_labels)
