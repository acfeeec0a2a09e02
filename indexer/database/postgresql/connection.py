"""One connection to a shared library: opened, guarded, committed, and opened again where it was lost.

Writers take the library's lock first, as with SQLite's BEGIN IMMEDIATE: commits are one behind the other, so no two
wait for each other for ever, numbers are seen in the order they were given, and the last commit wins. Readers wait for
nobody. A commit whose answer is lost is looked up by its token: it has happened or not, and is never done twice.
"""

import json
import re
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from indexer.database.interface import DatabaseState, SqlDialect, SqlList, SqlRow
from indexer.database.postgresql.address import ServerAddress, list_connection_options
from indexer.database.postgresql.tables import CREATE_TABLES, NUMBERED_COLUMNS, TABLES_VERSION
from indexer.errors import LibraryBusy, LibraryError

CONNECT_SECONDS = 10
BUSY_SECONDS = 30
STATEMENT_SECONDS = 300
PEEK_SECONDS = 2
WRITE_LOCK, JOB_LOCK = 0x4C4F4F4B, 0x4C4F4F4A  # the first numbers of the locks of a library; the second is its own
_PLACEHOLDER = re.compile(r"\?(\d*)")
T = TypeVar("T")


def _list_values(values: Iterable[int] | Iterable[str]) -> SqlList:
    listed: list[int] | list[str] = list(values)  # type: ignore[assignment]
    kind = "text" if listed and isinstance(listed[0], str) else "bigint"
    return SqlList(f"(SELECT unnest(CAST(? AS {kind}[])))", listed)


POSTGRESQL_DIALECT = SqlDialect(
    differs="IS DISTINCT FROM",
    concatenate="string_agg(CAST({} AS text), ',')".format,
    hint_index=lambda _name: "",
    list_values=_list_values,
)


class PostgresqlDatabase:
    """The tables of a shared library, made where they are missing; with `peek` it is only looked into.

    Raises LibraryError where the server cannot be reached or lets nobody in, and wherever a statement fails.
    """

    dialect = POSTGRESQL_DIALECT

    def __init__(self, address: ServerAddress, *, peek: bool = False) -> None:
        self.address = address
        self._peek = peek
        self._own_commits = self._own_changes = 0
        self._has_changed = False
        self._in_transaction = False
        with self._translate_errors():
            self._db = self._connect()
        try:
            with self._translate_errors():
                self._prepare_tables()
                ((may_write,),) = self._db.execute("SELECT has_table_privilege('labels', 'INSERT')").fetchall()
        except BaseException:
            self.close()
            raise
        self._may_write = bool(may_write)

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

    def _connect(self) -> "psycopg.Connection[SqlRow]":
        """A new connection whose statements name the library's own tables."""
        told = make_conninfo(
            self.address.uri,
            connect_timeout=PEEK_SECONDS if self._peek else CONNECT_SECONDS,
            application_name="lookalike",
            **list_connection_options(self.address),
        )
        db = psycopg.connect(told, autocommit=True, cursor_factory=psycopg.RawCursor)
        seconds = PEEK_SECONDS if self._peek else STATEMENT_SECONDS
        schema = Identifier(self.address.library)
        db.execute(
            SQL("SET search_path = {}, public; SET statement_timeout = {}; SET lock_timeout = {}").format(
                schema, f"{seconds}s", f"{min(seconds, BUSY_SECONDS)}s"
            )
        )
        return db

    def _prepare_tables(self) -> None:
        """Make the tables where there are none. LibraryError where they are of a newer version, or are missing."""
        if not self._has_tables():
            if self._peek:
                raise LibraryError(f"There is no library {self.place}.")
            with self.transaction():
                if not self._has_tables():  # another program may have made them while this one waited
                    self._db.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self.address.library)))
                    self._db.execute(CREATE_TABLES)
                    self._db.execute("INSERT INTO tables_version VALUES ($1)", (TABLES_VERSION,))
        ((version,),) = self._db.execute("SELECT version FROM tables_version").fetchall()
        if version > TABLES_VERSION:
            raise LibraryError(f"The library {self.place} was made by a newer Lookalike; update this one to open it.")

    def _has_tables(self) -> bool:
        name = f'"{self.address.library}".tables_version'
        return self._db.execute("SELECT to_regclass($1) IS NOT NULL", (name,)).fetchall() == [(True,)]

    # faults

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise what the server or the connection raises as LibraryError with a sentence for the user."""
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise LibraryError(self._explain_read_only()) from error
        except psycopg.errors.LockNotAvailable as error:
            raise LibraryBusy(f"Others are writing to the library {self.place} for long; try again.") from error
        except psycopg.OperationalError as error:
            raise LibraryError(self._describe_loss(error)) from error
        except UnicodeEncodeError as error:
            raise LibraryError(f"The library {self.place} holds Unicode text only, not {error.object!a}.") from error
        except psycopg.Error as error:
            raise LibraryError(f"The library {self.place} refused what was asked ({_shorten(error)}).") from error

    def _describe_loss(self, error: Exception) -> str:
        text = _shorten(error)
        if "password" in text or "authentication" in text:
            return (
                f"The server of the library {self.place} lets nobody in without a password: put it into ~/.pgpass "
                f"({text})."
            )
        if "certificate" in text or "SSL" in text:
            return (
                f"The server of the library {self.place} does not prove that it is the one: add sslrootcert=FILE with "
                f"the certificate of its authority to the address ({text})."
            )
        return f"The library {self.place} cannot be reached just now, nothing is lost: try again in a while ({text})."

    def require_writable(self) -> None:
        """Raise LibraryError where nothing can be written, with the reason."""
        if self.read_only:
            raise LibraryError(self._explain_read_only())

    def _explain_read_only(self) -> str:
        return f"The library {self.place} may only be read by the user of this address: ask its owner to let you write."

    def require_present(self) -> None:
        """Raise LibraryError where the library's tables have been deleted since it was opened."""
        if not self._read(self._has_tables):
            raise LibraryError(f"The library {self.place} has been deleted meanwhile.")

    # asking

    def _read(self, ask: Callable[[], T]) -> T:
        """The answer; where the connection is lost, it is opened again and asked once more."""
        with self._translate_errors():
            if self._in_transaction:
                return ask()
            try:
                return ask() if not self._db.closed else self._ask_again(ask)
            except psycopg.OperationalError:
                if not self._db.closed:
                    raise
            return self._ask_again(ask)

    def _ask_again(self, ask: Callable[[], T]) -> T:
        self._db = self._connect()
        return ask()

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[SqlRow]:
        """All rows that a statement gives."""
        if sql.startswith("INSERT"):
            self._has_changed = True
        return self._read(lambda: self._db.execute(_number_placeholders(sql), values, binary=True).fetchall())

    def fetch_json(self, sql: str, values: Sequence[object] = ()) -> object:
        """The value of the JSON in the first column of the first row, None where there is no row."""
        rows = self.fetch_rows(sql, values)
        try:
            return json.loads(rows[0][0]) if rows else None
        except ValueError as error:
            raise LibraryError(f"The library {self.place} is damaged: a setting of it is no JSON.") from error

    def fetch_integer(self, sql: str, values: Sequence[object] = ()) -> int:
        """The integer in the first column of the first row, 0 where there is no row or a null."""
        rows = self.fetch_rows(sql, values)
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    def find_last_id(self, table: str) -> int:
        """The highest id ever given to a row of a table whose ids are not used twice, 0 where none was."""
        name = f'"{self.address.library}".{table}'
        sql = "SELECT pg_sequence_last_value(pg_get_serial_sequence(?, ?))"
        return self.fetch_integer(sql, (name, NUMBERED_COLUMNS[table]))

    def raise_last_id(self, table: str, number: int) -> None:
        """Give the next row of a table a higher number than this one and all that are there."""
        name, column = f'"{self.address.library}".{table}', NUMBERED_COLUMNS[table]
        last = self.fetch_integer(f"SELECT greatest(max({column}), ?, 0) FROM {table}", (number,))
        if last:
            self.fetch_rows("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (name, column, last))

    # changing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the block, or none where it raises; waits for another writer up to BUSY_SECONDS."""
        self._begin_writing()
        try:
            yield
            self._commit_changes()
        except BaseException:
            if not self._db.closed:
                with suppress(psycopg.Error):
                    self._db.execute("ROLLBACK")
            raise
        finally:
            self._in_transaction = False

    def _begin_writing(self) -> None:
        lock = f"SELECT pg_advisory_xact_lock({WRITE_LOCK}, {self._lock_number})"
        try:
            self._read(lambda: self._db.execute(f"BEGIN; {lock}"))
        except LibraryError:
            if not self._db.closed:
                self._db.execute("ROLLBACK")
            raise
        self._in_transaction, self._has_changed = True, False

    def _commit_changes(self) -> None:
        if not self._has_changed:
            with self._translate_errors():
                self._db.execute("COMMIT")
            return
        token = uuid.uuid4()
        try:
            self._db.execute(
                f"INSERT INTO commits (token) VALUES ('{token}'); UPDATE revision SET number = number + 1; "
                "DELETE FROM commits WHERE moment < now() - interval '1 day'; COMMIT"
            )
        except psycopg.OperationalError as error:
            if not self._db.closed or not self._find_commit(token):
                raise LibraryError(f"{self._describe_loss(error)} What was to be written was not written.") from error
        except psycopg.Error:
            with self._translate_errors():
                raise
        self._own_commits += 1

    def _find_commit(self, token: uuid.UUID) -> bool:
        """Whether the commit whose answer was lost has happened; waits until the server has ended it either way."""
        self._in_transaction = False
        with self._translate_errors():
            self._db = self._connect()
            self._db.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK}, {self._lock_number}); COMMIT")
            return bool(self._db.execute("SELECT 1 FROM commits WHERE token = $1", (token,)).fetchall())

    @property
    def _lock_number(self) -> int:
        return zlib.crc32(self.address.library.encode()) >> 1

    def execute_statement(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement that changes something; returns the number of rows it changed."""
        if not self._in_transaction:
            with self.transaction():
                return self.execute_statement(sql, values)
        with self._translate_errors():
            changed = self._db.execute(_number_placeholders(sql), values).rowcount
        self._note_changes(changed)
        return changed

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values."""
        if not self._in_transaction:
            with self.transaction():
                return self.execute_many(sql, rows)
        with self._translate_errors(), self._db.cursor() as cursor:
            cursor.executemany(_number_placeholders(sql), rows)
            changed = cursor.rowcount
        return self._note_changes(changed)

    def _note_changes(self, changed: int) -> None:
        self._has_changed |= changed != 0
        self._own_changes += max(0, changed)

    @contextmanager
    def hold_job(self) -> Iterator[None]:
        """Let no other computer begin a job on the library; LibraryBusy where one is at work on it."""
        lock = (JOB_LOCK, self._lock_number)
        if self.fetch_rows("SELECT pg_try_advisory_lock(?, ?)", lock) != [(True,)]:
            raise LibraryBusy(f"Another computer is at work on the library {self.place}; searching goes on.")
        try:
            yield
        finally:
            with suppress(LibraryError):
                self.fetch_rows("SELECT pg_advisory_unlock(?, ?)", lock)

    # what has changed

    def read_data_version(self) -> int:
        """A number that changes when another connection has committed."""
        return self.fetch_integer("SELECT number FROM revision") - self._own_commits

    def read_state(self, fingerprint: str) -> DatabaseState:
        """The state of the database under the model with this fingerprint; any commit changes it."""
        return DatabaseState(fingerprint, self.read_data_version(), self._own_changes)

    def accept_own_changes(self, state: DatabaseState) -> DatabaseState:
        """The state with this connection's changes since: for what was computed from it and has stored a result."""
        return state._replace(own_changes=self._own_changes)

    def is_intact(self) -> bool:
        """True: the server checks what is written, and only its owner can check its files."""
        return True

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


@lru_cache(1000)
def _number_placeholders(sql: str) -> str:
    """The statement with PostgreSQL's placeholders: $1 and $2 for ?1 and ?2, and in their order for ? and ?."""
    count = iter(range(1, sql.count("?") + 1))
    return _PLACEHOLDER.sub(lambda found: f"${found[1] or next(count)}", sql)


def _shorten(error: Exception) -> str:
    """The first line of what was raised."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
