"""A transaction over a network: begun with its first question, its writes sent together with the commit.

Each wait for the server is felt over a slow link, so a transaction that first reads all it needs and then writes
(`fetch_together`, `execute_together`) waits twice, however much that is.
"""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress

import psycopg
from psycopg.generators import send

from indexer.database.interface import SqlRow, SqlStatement
from indexer.database.postgresql.dialect import number_placeholders
from indexer.database.postgresql.remembered import find_changed_tables

Connection = psycopg.Connection[SqlRow]
Cursor = psycopg.Cursor[SqlRow]


def send_together(db: Connection, statements: Sequence[SqlStatement]) -> list[Cursor]:
    """Run statements in this order with one wait for the server; raises what the first that fails raises."""
    if len(statements) == 1:
        return [_send_statement(db, *statements[0])]
    with db.pipeline():
        return [_send_statement(db, sql, values) for sql, values in statements]


def _send_statement(db: Connection, sql: str, values: Sequence[object]) -> Cursor:
    return db.execute(number_placeholders(sql), values, binary=True)


def build_commit(token: uuid.UUID, changed_tables: Iterable[str], channel: str) -> list[SqlStatement]:
    """The statements that count the commit, keep its token for a day, note which tables it changed, tell them on the
    channel, and commit.
    """
    tables = ",".join(sorted(changed_tables))
    statements = (
        f"INSERT INTO commits (token) VALUES ('{token}')",
        "UPDATE revision SET number = number + 1",
        f"INSERT INTO changes SELECT unnest('{{{tables}}}'::text[]), number FROM revision "
        "ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        f"SELECT pg_notify('{channel}', number || ' {tables}') FROM revision",
        "DELETE FROM commits WHERE moment < now() - interval '1 day'",
        "COMMIT",
    )
    return [(sql, ()) for sql in statements]


class WriteTransaction:
    """What one transaction has still to send, and the tables that it changes; `lock` is the SQL that keeps out others.

    The connection is in pipeline mode until the end: each pipeline that is left sends a message by which the server
    forgets for how long it lets a transaction stand still. `row_count` counts the rows that were changed by what was
    sent later than it was given.
    """

    def __init__(self, lock: str) -> None:
        self.has_begun = False
        self.changed_tables: set[str] = set()
        self.row_count = 0
        self._opening: list[SqlStatement] = [("BEGIN", ()), (lock, ())]
        self._unsent: list[SqlStatement] = []
        self._mode = ExitStack()
        self._pipeline: psycopg.Pipeline | None = None

    def add_writes(self, statements: Sequence[SqlStatement]) -> None:
        """Note statements that are sent before whatever is sent next, or with the commit."""
        self._unsent.extend(statements)
        for sql, _ in statements:
            self.changed_tables |= find_changed_tables(sql)

    def ask_together(self, db: Connection, statements: Sequence[SqlStatement], *, last: bool = False) -> list[Cursor]:
        """Send what has been noted and then these statements, together; returns what became of these.

        Where that raises before anything was begun, it may be asked again over another connection. After the `last` the
        transaction is over.
        """
        opening = [] if self.has_begun else self._opening
        try:
            cursors = self._send(db, [*opening, *self._unsent, *statements], last=last)
        except psycopg.Error:
            self.leave_pipeline()
            raise
        self.has_begun = True
        writes = cursors[len(opening) : len(opening) + len(self._unsent)]
        self.row_count += sum(max(0, cursor.rowcount) for cursor in writes)
        self._unsent = []
        return cursors[len(opening) + len(writes) :]

    def _send(self, db: Connection, statements: Sequence[SqlStatement], *, last: bool) -> list[Cursor]:
        if self._pipeline is None:
            self._pipeline = self._mode.enter_context(db.pipeline())
        cursors = [_send_statement(db, sql, values) for sql, values in statements]
        if last:
            self._pipeline = None
            self._mode.close()
        else:
            db.wait(send(db.pgconn))  # `sync` waits for answers, for ever where a large value is not sent yet
            self._pipeline.sync()
        return cursors

    def send_unsent(self, db: Connection) -> None:
        """Send what has been noted, and begin where that has not been done; what is asked next sees all of it."""
        self.ask_together(db, [])
        self._pipeline = None
        self._mode.close()

    def leave_pipeline(self) -> None:
        """Forget what is under way, for a connection that is lost or a transaction that is taken back."""
        self._pipeline = None
        with suppress(psycopg.Error):
            self._mode.close()
