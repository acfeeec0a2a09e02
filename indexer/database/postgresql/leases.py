"""What workers have to do for a shared library, and which of them is at it: one row for each file to be read.

A worker leases files for a time, by the server's clock, and renews the lease while it works. A lease that ran out is
free for others; what its old owner brings afterwards is refused, in the transaction that would store it. So a worker
may be killed, or stand still, at any moment.
"""

from collections.abc import Sequence
from typing import NamedTuple

from indexer.database.file_batch import TransactionGuard
from indexer.database.file_table import FileRecord
from indexer.database.interface import Database, SqlRow
from indexer.errors import LibraryError
from indexer.wording import count_noun

MOST_TRIES = 3  # workers that may be lost over one file


class LeaseLost(LibraryError):
    """Files of a batch have meanwhile been leased to another worker; nothing of the batch was stored."""


class LeasedFile(NamedTuple):
    """A file to be read: the number of its row, its root, what was known of it, and how often it has been leased.

    `has_known_size`: the library has a content of as many bytes, so that this may be the same.
    """

    id: int
    root: int
    file: FileRecord
    tries: int
    has_known_size: bool


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
    """Lease at most `count` files below these roots for some seconds; one question."""
    wanted = database.dialect.list_values(roots)
    rows = database.fetch_rows(
        "UPDATE work SET owner = ?, until = now() + make_interval(secs => ?), tries = tries + 1 WHERE id IN "
        f"(SELECT id FROM work WHERE (until IS NULL OR until < now()) AND root IN {wanted.sql} "
        "ORDER BY tries, id LIMIT ? FOR UPDATE SKIP LOCKED) "
        "RETURNING id, root, path, size, mtime_ns, ctime_ns, tries, "
        "EXISTS (SELECT 1 FROM files AS f WHERE f.size = work.size AND f.photo IS NOT NULL)",
        (owner, seconds, wanted.value, count),
    )
    return [
        LeasedFile(id, root, FileRecord(*file), tries, has_known_size)
        for id, root, *file, tries, has_known_size in sorted(rows)
    ]


def release_leases(database: Database, owner: str) -> None:
    """Give back all leases of a worker, as if it had never had them."""
    with database.transaction():
        database.execute_statement(
            "UPDATE work SET until = NULL, tries = greatest(tries - 1, 0) WHERE owner = ? AND until >= now()", (owner,)
        )


def guard_leases(database: Database, owner: str, files: Sequence[LeasedFile], seconds: float) -> TransactionGuard:
    """What takes files off the list in the transaction that stores what became of them, and renews all other leases.

    Its check raises LeaseLost where one is another's. A lease that ran out and was taken by nobody still counts.
    """
    listed = database.dialect.list_values([file.id for file in files])
    sql = (
        "WITH renewed AS (UPDATE work SET until = now() + make_interval(secs => ?1) WHERE owner = ?2 "
        f"AND until >= now() AND id NOT IN {listed.sql.replace('?', '?3')}) "
        f"DELETE FROM work WHERE owner = ?2 AND id IN {listed.sql.replace('?', '?3')} RETURNING id"
    )

    def check(rows: list[SqlRow]) -> None:
        if len(rows) != len(files):
            raise LeaseLost("Another worker has taken over files of this one.")

    return TransactionGuard((sql, (seconds, owner, listed.value)), check)


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
