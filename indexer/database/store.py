"""One connection to a library's database, and the three objects that use it: files, embeddings and models.

Changes that span several of them are made here, each in one transaction. A Store belongs to one thread.
"""

import errno
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from indexer import atomic
from indexer.database.embedding_table import EmbeddingTable
from indexer.database.file_batch import FileBatch, PathCounts, TransactionGuard
from indexer.database.file_table import FileOutcome, FileTable
from indexer.database.forgetting import ForgettingPlan, forget_photos
from indexer.database.model_table import ModelTable
from indexer.database.postgresql.server_files import list_thumbnail_writes
from indexer.database.shared_folder import open_database
from indexer.errors import LibraryBusy, LibraryError, LookalikeError
from indexer.paths import show_path
from indexer.wording import tr

NO_LOCKS = tr("its drive offers no locks, so two programs could not be kept apart. Move it to another drive")


class Store:
    """What a library knows, in one database; made and used in one thread.

    One made for `any_thread` is used under a lock of its owner; with `peek` it is only looked into.
    """

    def __init__(self, folder: Path, *, any_thread: bool = False, peek: bool = False) -> None:
        self._folder = folder
        self.database = open_database(folder, any_thread=any_thread, peek=peek)
        self.files = FileTable(self.database)
        self.embeddings = EmbeddingTable(self.database)
        self.models = ModelTable(self.database)

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def take_job_lock(self) -> AbstractContextManager[object]:
        """Take the library's job lock until the context ends; raises LibraryBusy where another program holds it.

        Raises LibraryError where the library cannot be written or locked.
        """
        self.database.require_writable()
        with ExitStack() as held:
            held.enter_context(self._lock_folder())
            held.enter_context(self.database.hold_job())
            return held.pop_all()

    def _lock_folder(self) -> AbstractContextManager[object]:
        try:
            return atomic.acquire_lock(self._folder / "job.lock", 0)
        except TimeoutError:
            name = self._folder.stem
            raise LibraryBusy(
                "Another program is at work on the library {name}; searching goes on, try again when it is done.",
                name=name,
            ) from None
        except OSError as error:
            reason = NO_LOCKS if error.errno == errno.ENOSYS else error.strerror
            raise LibraryError(
                "The library {folder} cannot be written: {reason}.", folder=self._folder, reason=reason
            ) from error

    def explain_fault(self, fault: Exception) -> Exception:
        """The fault itself, or a LibraryError in place of an unexpected one where the database turns out to be damaged.

        A library may come from anywhere and hold values of any kind; that is looked at only where something went wrong.
        """
        if isinstance(fault, LookalikeError | OSError) or self.database.is_intact():
            return fault
        return LibraryError(
            "The library {folder} holds values that no Lookalike has written: it is damaged or foreign. "
            "Your photos are untouched: index the folder into a new library.",
            folder=show_path(self._folder),
        )

    def record_outcomes(
        self,
        outcomes: Iterable[FileOutcome],
        model: int,
        note: Callable[[PathCounts], None] | None = None,
        guard: TransactionGuard | None = None,
    ) -> PathCounts:
        """Commit what became of a batch of files, all or none, with what `note` stores about it.

        Over a network the library is asked twice: for what it knows of them, together with the `guard`, whose check may
        raise what stops all; and to write.
        """
        batch = FileBatch(outcomes)
        thumbnails = batch.list_thumbnails() if self.database.is_shared else []
        with self.database.transaction():
            questions = [*batch.questions, *([guard.question] if guard else [])]
            answers = self.database.fetch_together(questions)
            if guard is not None:
                guard.check(answers.pop())
            plan = batch.plan_writes(model, answers)
            if note is not None:
                note(plan.counts)
            self.database.execute_together([*plan.writes, *list_thumbnail_writes(thumbnails)])
        return plan.counts

    def forget_missing(self, *, with_labels: bool = False) -> ForgettingPlan:
        """Delete missing files, and photos that no file holds any more; those with annotations only `with_labels`."""
        return forget_photos(self.database, None, with_labels=with_labels)

    def forget_root(self, root: int, *, with_labels: bool = False) -> ForgettingPlan:
        """Delete a root, its files, and photos that no other file holds; those with annotations only `with_labels`."""
        return forget_photos(self.database, root, with_labels=with_labels)


def count_precisions(store: Store, model: int) -> dict[str, int]:
    """The number of the model's embeddings by precision; only those that are new since the last count are read.

    The precision stands behind each vector in the table, so counting all of them reads gigabytes for a million photos.
    """
    setting_name = f"precisions {model}"
    upto, known_counts = _parse_stored_counts(store.models.read_setting(setting_name))
    last = store.embeddings.find_last_seq(model)
    counts = dict(Counter(known_counts) + Counter(store.embeddings.count_by_precision(model, upto, last)))
    expected = store.embeddings.count_embeddings(model) - store.embeddings.count_embeddings(model, above=last)
    if sum(counts.values()) != expected:  # some were forgotten, or the stored counts are damaged
        counts = store.embeddings.count_by_precision(model, 0, last)
    if (last, counts) != (upto, known_counts):
        store.models.keep_setting(setting_name, {"upto": last, "counts": counts})
    return counts


def _parse_stored_counts(setting: object) -> tuple[int, dict[str, int]]:
    """The seq up to which was counted, and the counts; 0 and none where the setting is damaged."""
    if not isinstance(setting, dict) or not isinstance(counts := setting.get("counts"), dict):
        return 0, {}
    upto = setting.get("upto")
    if not isinstance(upto, int) or not all(isinstance(count, int) and count > 0 for count in counts.values()):
        return 0, {}
    return upto, counts
