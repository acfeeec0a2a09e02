"""What the threads that read or write the open library have in common: tasks are run on it one after the other."""

import contextlib
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from indexer.library import Library

LibraryTask = Callable[["Library"], object]


class PendingTask(NamedTuple):
    """A task and the library that was open when it was given; `library_number` grows with each library."""

    library_number: int
    folder: Path
    key: Hashable
    work: LibraryTask


class LibraryRelease(NamedTuple):
    """Instead of a task: another library counts from now on, and the one before is let go of at once."""

    library_number: int


class TaskEnd(NamedTuple):
    """What a task returned, or the exception that it ended with."""

    task: PendingTask
    result: object
    error: Exception | None


TakeTask = Callable[[int], PendingTask | LibraryRelease | None]


def run_tasks(take_task: TakeTask, report_end: Callable[[TaskEnd], None]) -> None:
    """Run tasks in this thread until `take_task` returns None; the library stays open from one task to the next.

    `take_task` is told the number of the library that is open. `report_end` is called in this thread, and may emit a
    signal of a window that is already gone.
    """
    library: Library | None = None
    opened_number = -1
    while (task := take_task(opened_number)) is not None:
        if library is not None and opened_number != task.library_number:
            library.close()
            library = None
        opened_number = task.library_number
        if isinstance(task, LibraryRelease):
            continue
        result, error = None, None
        try:
            library = library or _open_library(task.folder)
            result = task.work(library)
        except Exception as fault:  # the window's thread decides whether it is a sentence or a bug
            error = library.store.explain_fault(fault) if library is not None else fault
        with contextlib.suppress(RuntimeError):  # the window is gone
            report_end(TaskEnd(task, result, error))
    if library is not None:
        library.close()


def _open_library(folder: Path) -> "Library":
    from indexer.library import Library  # takes longer than the start of the window may

    return Library.open(folder)
