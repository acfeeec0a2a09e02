"""One connection to a shared library: opened, guarded, committed, and opened again where it was lost.

Writers take the library's lock first, as with SQLite's BEGIN IMMEDIATE: commits are one behind the other, so no two
wait for each other for ever, numbers are seen in the order they were given, and the last commit wins. Readers wait for
nobody. A commit whose answer is lost is looked up by its token: it has happened or not, and is never done twice.
"""

import json
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg.sql import SQL, Identifier

from indexer.database.interface import DatabaseState, SqlRow, SqlStatement
from indexer.database.postgresql.address import ServerAddress
from indexer.database.postgresql.connecting import STATEMENT_SECONDS, connect_server
from indexer.database.postgresql.dialect import POSTGRESQL_DIALECT, number_placeholders
from indexer.database.postgresql.faults import describe_loss, explain_read_only, translate_errors
from indexer.database.postgresql.migrating import WRITE_LOCK, has_tables, prepare_tables
from indexer.database.postgresql.remembered import (
    Question,
    QuestionMemory,
    RememberedAnswers,
    TableVersions,
    find_changed_tables,
    find_named_tables,
)
from indexer.database.postgresql.tables import NUMBERED_COLUMNS
from indexer.database.postgresql.write_transaction import WriteTransaction, build_commit, send_together
from indexer.errors import LibraryBusy, LibraryError

JOB_LOCK = 0x4C4F4F4A  # the first number of the lock of a library's job; the second is the library's own
ASK_VERSIONS = "SELECT name, number FROM changes UNION ALL SELECT '', number FROM revision"
T = TypeVar("T")


class PostgresqlDatabase:
    """The tables of a shared library, made where they are missing; with `peek` it is only looked into.

    Raises LibraryError where the server cannot be reached or lets nobody in, and wherever a statement fails.
    """

    dialect = POSTGRESQL_DIALECT

    def __init__(self, address: ServerAddress, *, peek: bool = False, memory: QuestionMemory | None = None) -> None:
        self.address = address
        self._memory = memory  # of what was asked before the program was started
        self._known_purposes = set[str]()
        self._peek = peek
        self._own_commits = self._own_changes = 0
        self._transaction: WriteTransaction | None = None
        self._purpose = ""  # of what is being read
        self._answers = RememberedAnswers()
        self._data_version = 0  # as of the last look
        self._commits_told = 0
        with self._translate_errors():
            self._db = connect_server(self.address, peek=self._peek)
        try:
            with self._translate_errors():
                self._may_write = prepare_tables(self._db, address, self._lock_number, peek=peek)
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """The library and its host, as people read them."""
        return self.address.place

    @property
    def read_only(self) -> bool:
        """Whether the user of the address may only read."""
        return not self._may_write

    @property
    def is_shared(self) -> bool:
        """True: other computers use it too."""
        return True

    # faults

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_errors(self.place)

    def require_writable(self) -> None:
        """Raise LibraryError where nothing can be written, with the reason."""
        if self.read_only:
            raise LibraryError(explain_read_only(self.place))

    def require_present(self) -> None:
        """Raise LibraryError where the library's tables have been deleted since it was opened."""
        if not self._read(lambda: has_tables(self._db, self.address)):
            raise LibraryError("The library {place} has been deleted meanwhile.", place=self.place)

    def _read(self, ask: Callable[[], T]) -> T:
        """The answer; where the connection is lost, it is opened again and asked once more."""
        with self._translate_errors():
            if self._transaction is not None and self._transaction.has_begun:
                return ask()
            try:
                return ask() if not self._db.closed else self._ask_again(ask)
            except psycopg.OperationalError:
                if not self._db.closed:
                    raise
            return self._ask_again(ask)

    def _ask_again(self, ask: Callable[[], T]) -> T:
        self._db = connect_server(self.address, peek=self._peek)
        return ask()

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[SqlRow]:
        """All rows that a statement gives."""
        if self._transaction is not None:
            (rows,) = self.fetch_together([(sql, values)])
            return rows
        return self._remember(Question(sql, values, find_named_tables(sql)))

    def fetch_together(self, questions: Sequence[SqlStatement]) -> list[list[SqlRow]]:
        """All rows that each statement gives; one question, which also begins the transaction that it is the first of.

        An INSERT among them may give rows too.
        """
        if not questions:
            return []
        transaction = self._transaction
        if transaction is None:
            cursors = self._read(lambda: send_together(self._db, questions))
        else:
            cursors = self._read(lambda: transaction.ask_together(self._db, questions))
            for sql, _ in questions:
                if sql.startswith("INSERT"):
                    transaction.changed_tables |= find_changed_tables(sql)
        return [cursor.fetchall() for cursor in cursors]

    @contextmanager
    def reading(self, purpose: str) -> Iterator[None]:
        """Within the block, ask the server only for what has changed since it was last asked; one round trip tells what
        has.
        """
        if self._purpose or self._peek:
            yield
            return
        self._purpose, is_first = purpose, purpose not in self._known_purposes
        if is_first and self._memory is not None:
            self._answers.expect(purpose, self._memory.read_questions(purpose))
        try:
            yield
        finally:
            self._answers.end_look()
            self._purpose = ""
        if is_first and self._memory is not None:
            self._memory.keep_questions(purpose, self._answers.take_record(purpose))
        self._known_purposes.add(purpose)

    def _remember(self, question: Question) -> list[SqlRow]:
        """The answer that still holds, else what is asked now."""
        if not self._purpose or not question.tables:
            return self._ask(question)
        if self._answers.versions is None:
            self._look_for_changes()
        self._answers.note_use(self._purpose, question)
        rows = self._answers.find(question)
        if rows is None:
            rows = self._ask(question)
            self._answers.keep(question, rows)
        return list(rows)

    def _ask(self, question: Question) -> list[SqlRow]:
        (cursor,) = self._read(lambda: send_together(self._db, [(question.sql, question.values)]))
        return cursor.fetchall()

    def _look_for_changes(self) -> None:
        """Ask which tables have changed, and at once all that was asked of them for the same purpose last time."""
        numbers: dict[str, int] = dict(self._read(lambda: self._db.execute(ASK_VERSIONS).fetchall()))
        self._data_version = numbers[""] - self._own_commits
        self._answers.look(TableVersions(numbers.pop(""), numbers))
        outdated = self._answers.list_outdated(self._purpose)
        if not outdated:
            return
        with suppress(psycopg.Error):  # each will be asked alone
            cursors = send_together(self._db, [(question.sql, question.values) for question in outdated])
            for question, cursor in zip(outdated, cursors, strict=True):
                self._answers.keep(question, cursor.fetchall())

    def ask_with_settings(self, settings: Mapping[str, str], sql: str, values: Sequence[object]) -> list[SqlRow]:
        """All rows of a statement that runs under its own settings of the server, in one round trip."""

        def ask() -> list[SqlRow]:
            chosen = [("SELECT set_config(?, ?, TRUE)", item) for item in settings.items()]
            try:
                *_, cursor, _ = send_together(self._db, [("BEGIN", ()), *chosen, (sql, values), ("COMMIT", ())])
                return cursor.fetchall()
            except psycopg.Error:
                if not self._db.closed:
                    self._db.execute("ROLLBACK")
                raise

        return self._read(ask)

    def run_maintenance(self, sql: str) -> None:
        """Run statements that may take long, and that writers of the library need not wait for."""
        with self._translate_errors():
            self._db.execute("SET statement_timeout = 0")
            try:
                self._db.execute(sql)
            finally:
                if not self._db.closed:
                    self._db.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")

    def copy_rows(self, sql: str, data: bytes) -> None:
        """Send rows to a COPY statement in the form that it names."""
        if (transaction := self._transaction) is not None:
            self._read(lambda: transaction.send_unsent(self._db))
        with self._translate_errors(), self._db.cursor() as cursor, cursor.copy(sql) as copy:
            copy.write(data)

    def fetch_setting(self, name: str) -> object:
        """The stored value of a setting, None where it was never set; all settings are read in one round trip."""
        texts: dict[str, str] = dict(self.fetch_rows("SELECT name, value FROM settings"))
        text = texts.get(name)
        try:
            return json.loads(text) if text is not None else None
        except ValueError as error:
            raise LibraryError(
                "The library {place} is damaged: its setting {name!r} is no JSON.", place=self.place, name=name
            ) from error

    def fetch_integer(self, sql: str, values: Sequence[object] = ()) -> int:
        """The integer in the first column of the first row, 0 where there is no row or a null."""
        rows = self.fetch_rows(sql, values)
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    def find_last_id(self, table: str) -> int:
        """The highest id ever given to a row of a table whose ids are not used twice, 0 where none was."""
        name = f'"{self.address.library}".{table}'
        column = NUMBERED_COLUMNS[table]
        sql = (  # who may only read the tables is told the last that is there
            "SELECT CASE WHEN has_sequence_privilege(s, 'SELECT') THEN pg_sequence_last_value(s) "
            f"ELSE (SELECT max({column}) FROM {table}) END FROM CAST(pg_get_serial_sequence(?, ?) AS regclass) AS s"
        )
        rows = self._remember(Question(sql, (name, column), frozenset({table})))
        return int(rows[0][0] or 0)

    def raise_last_id(self, table: str, number: int) -> None:
        """Give the next row of a table a higher number than this one and all that are there."""
        name, column = f'"{self.address.library}".{table}', NUMBERED_COLUMNS[table]
        last = self.fetch_integer(f"SELECT greatest(max({column}), ?, 0) FROM {table}", (number,))
        if last:
            self.fetch_rows("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (name, column, last))

    # changing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the block, or none where it raises.

        Its first question waits for another writer up to BUSY_SECONDS.
        """
        transaction = self._transaction = WriteTransaction(self._lock_statement)
        try:
            yield
            self._commit_changes(transaction)
        except BaseException:
            transaction.leave_pipeline()
            if not self._db.closed:
                with suppress(psycopg.Error):
                    self._db.execute("ROLLBACK")
            raise
        finally:
            self._own_changes += transaction.row_count
            self._transaction = None

    def _commit_changes(self, transaction: WriteTransaction) -> None:
        if not transaction.has_begun:
            self._read(lambda: transaction.ask_together(self._db, []))
        if not transaction.changed_tables:
            with self._translate_errors():
                transaction.ask_together(self._db, [("COMMIT", ())], last=True)
            return
        token = uuid.uuid4()
        self._answers.forget(transaction.changed_tables)
        try:
            commit = build_commit(token, transaction.changed_tables, self._channel)
            transaction.ask_together(self._db, commit, last=True)
        except psycopg.OperationalError as error:
            if not self._db.closed or not self._find_commit(token):
                raise LibraryError(
                    "{loss} What was to be written was not written.", loss=describe_loss(error, self.place)
                ) from error
        except psycopg.Error:
            with self._translate_errors():
                raise
        self._own_commits += 1

    def _find_commit(self, token: uuid.UUID) -> bool:
        """Whether the commit whose answer was lost has happened; waits until the server has ended it either way."""
        self._transaction = None
        with self._translate_errors():
            self._db = connect_server(self.address, peek=self._peek)
            self._db.execute(f"BEGIN; {self._lock_statement}; COMMIT")
            return bool(self._db.execute("SELECT 1 FROM commits WHERE token = $1", (token,)).fetchall())

    @property
    def _lock_statement(self) -> str:
        return f"SELECT pg_advisory_xact_lock({WRITE_LOCK}, {self._lock_number})"

    @property
    def _lock_number(self) -> int:
        return zlib.crc32(self.address.library.encode()) >> 1

    def execute_statement(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement that changes something; returns the number of rows it changed."""
        if (transaction := self._transaction) is None:
            with self.transaction():
                return self.execute_statement(sql, values)
        (cursor,) = self._read(lambda: transaction.ask_together(self._db, [(sql, values)]))
        self._note_changes(transaction, sql, cursor.rowcount)
        return cursor.rowcount

    def execute_together(self, statements: Sequence[SqlStatement]) -> None:
        """Run statements that change something, in this order, at the latest with the commit; within a transaction."""
        assert self._transaction is not None
        self._transaction.add_writes(statements)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values."""
        if (transaction := self._transaction) is None:
            with self.transaction():
                return self.execute_many(sql, rows)
        self._read(lambda: transaction.send_unsent(self._db))
        with self._translate_errors(), self._db.cursor() as cursor:
            cursor.executemany(number_placeholders(sql), rows)
            changed = cursor.rowcount
        return self._note_changes(transaction, sql, changed)

    def _note_changes(self, transaction: WriteTransaction, sql: str, changed: int) -> None:
        if changed:
            transaction.changed_tables |= find_changed_tables(sql)
        self._own_changes += max(0, changed)

    @contextmanager
    def hold_job(self) -> Iterator[None]:
        """Let no other computer begin a job on the library; LibraryBusy where one is at work on it."""
        lock = (JOB_LOCK, self._lock_number)
        if self.fetch_rows("SELECT pg_try_advisory_lock(?, ?)", lock) != [(True,)]:
            raise LibraryBusy(
                "Another computer is at work on the library {place}; searching goes on.", place=self.place
            )
        try:
            yield
        finally:
            with suppress(LibraryError):
                self.fetch_rows("SELECT pg_advisory_unlock(?, ?)", lock)

    # what has changed

    def read_data_version(self) -> int:
        """A number that changes when another connection has committed."""
        if self._answers.versions is None:
            self._data_version = self.fetch_integer("SELECT number FROM revision") - self._own_commits
        return self._data_version

    def await_data_version(self) -> int:
        """A number that changes when the server has told of another connection's commit; nothing is asked for it."""
        with self._translate_errors():
            if self._commits_told and not self._db.closed:
                own_backend = self._db.info.backend_pid
                self._commits_told += sum(news.pid != own_backend for news in self._db.notifies(timeout=0))
            else:  # whatever was committed before is not told
                self._read(lambda: self._db.execute(SQL("LISTEN {}").format(Identifier(self._channel))))
                self._commits_told += 1
        return self._commits_told

    @property
    def _channel(self) -> str:
        """Where commits to the library are told, with what they changed."""
        return f"lookalike {self.address.library}"

    def read_state(self, fingerprint: str) -> DatabaseState:
        """The state of the database under the model with this fingerprint; any commit changes it."""
        return DatabaseState(fingerprint, self.read_data_version(), self._own_changes)

    def accept_own_changes(self, state: DatabaseState) -> DatabaseState:
        """The state after this connection's own changes, for a caller that computed from `state` and has stored the
        result.
        """
        return state._replace(own_changes=self._own_changes)

    def is_intact(self) -> bool:
        """True: the server checks what is written, and only its owner can check its files."""
        return True

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
