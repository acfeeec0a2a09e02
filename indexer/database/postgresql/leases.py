"""What workers have to do for a shared library, and which of them is at it: one row for each file to be read.

A worker leases files for a time, by the server's clock, and renews the lease while it works. A lease that ran out is
free for others; what its old owner brings afterwards is refused, in the transaction that would store it. So a worker
may be killed, or stand still, at any moment.
"""

from collections.abc import Sequence
from typing import NamedTuple

from indexer.database.file_table import FileRecord
from indexer.database.interface import Database
from indexer.errors import LibraryError
from indexer.wording import count_noun

MOST_TRIES = 3  # workers that may be lost over one file


class LeaseLost(LibraryError):
    """Files of a batch have meanwhile been leased to another worker; nothing of the batch was stored."""


class LeasedFile(NamedTuple):
    """A file to be read: the number of its row, its root, what was known of it, and how often it has been leased."""

    id: int
    root: int
    file: FileRecord
    tries: int


class WorkCounts(NamedTuple):
    """How many files wait, are leased just now, and by how many workers."""

    waiting: int
    leased: int
    workers: int


def add_work(database: Database, files: Sequence[tuple[int, FileRecord]]) -> None:
    """Add files, given as (root, file), for workers to read; one that is there already stays with its worker."""
    with database.transaction():
        database.execute_many(
            "INSERT INTO work (root, path, size, mtime_ns, ctime_ns) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (root, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
            "ctime_ns = excluded.ctime_ns",
            [(root, *file[:4]) for root, file in files],
        )


def lease_files(database: Database, owner: str, roots: Sequence[int], count: int, seconds: float) -> list[LeasedFile]:
    """Lease at most `count` files below these roots for some seconds."""
    wanted = database.dialect.list_values(roots)
    with database.transaction():
        rows = database.fetch_rows(
            "UPDATE work SET owner = ?, until = now() + make_interval(secs => ?), tries = tries + 1 WHERE id IN "
            f"(SELECT id FROM work WHERE (until IS NULL OR until < now()) AND root IN {wanted.sql} "
            "ORDER BY tries, id LIMIT ? FOR UPDATE SKIP LOCKED) "
            "RETURNING id, root, path, size, mtime_ns, ctime_ns, tries",
            (owner, seconds, wanted.value, count),
        )
    return [LeasedFile(id, root, FileRecord(*file), tries) for id, root, *file, tries in sorted(rows)]


def renew_leases(database: Database, owner: str, seconds: float) -> None:
    """Lengthen all leases of a worker that have not run out."""
    with database.transaction():
        database.fetch_rows(
            "UPDATE work SET until = now() + make_interval(secs => ?) WHERE owner = ? AND until >= now() RETURNING id",
            (seconds, owner),
        )


def finish_files(database: Database, owner: str, files: Sequence[LeasedFile]) -> None:
    """Take files off the list, within the transaction that stores what became of them.

    Raises LeaseLost where one is another's. A lease that ran out and was taken by nobody still counts.
    """
    listed = database.dialect.list_values([file.id for file in files])
    rows = database.fetch_rows(
        f"DELETE FROM work WHERE owner = ? AND id IN {listed.sql} RETURNING id", (owner, listed.value)
    )
    if len(rows) != len(files):
        raise LeaseLost("Another worker has taken over files of this one.")


def find_own_files(database: Database, owner: str, files: Sequence[LeasedFile]) -> set[int]:
    """The numbers of those files that are still leased to the worker."""
    listed = database.dialect.list_values([file.id for file in files])
    rows = database.fetch_rows(f"SELECT id FROM work WHERE owner = ? AND id IN {listed.sql}", (owner, listed.value))
    return {id for (id,) in rows}


def count_work(database: Database) -> WorkCounts:
    """How much there is to do, and how many workers are at it."""
    ((waiting, leased, workers),) = database.fetch_rows(
        "SELECT count(*) FILTER (WHERE until IS NULL OR until < now()), count(*) FILTER (WHERE until >= now()), "
        "count(DISTINCT owner) FILTER (WHERE until >= now()) FROM work"
    )
    return WorkCounts(waiting, leased, workers)


def list_work_problems(database: Database, model: int) -> list[str]:
    """A sentence for each kind of work that nobody does: files waiting without a worker, and files on no list."""
    problems, counts = [], count_work(database)
    if counts.waiting and not counts.workers:
        problems.append(
            f"{count_noun(counts.waiting, 'file')} wait for a worker and none is at work. Start one: lookalike worker"
        )
    unfinished = database.fetch_integer(
        "SELECT count(*) FROM files AS f WHERE f.state = 'present' AND NOT EXISTS (SELECT 1 FROM embeddings AS e "
        "WHERE e.photo = f.photo AND e.model = ?1) AND NOT EXISTS (SELECT 1 FROM failures AS x WHERE x.photo = f.photo "
        "AND x.model = ?1) AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.root = f.root AND w.path = f.path)",
        (model,),
    )
    if unfinished:
        have = "has" if unfinished == 1 else "have"
        problems.append(
            f"{count_noun(unfinished, 'file')} {have} no embedding under the active model. Embed them: lookalike index"
        )
    return problems
