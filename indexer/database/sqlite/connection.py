"""One SQLite connection to a library's database: opened, migrated, guarded, committed.

WAL with synchronous=FULL: what is committed survives a power cut (NORMAL passed every kill test and lost acknowledged
work in simulated power cuts). Writers take the lock at once (BEGIN IMMEDIATE), so two programs queue instead of
failing half-way. SQLite's faults are raised as LibraryError with a sentence.
"""

import json
import math
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import cache
from pathlib import Path

from indexer.database.interface import DatabaseState, SqlDialect, SqlList, SqlRow, SqlStatement
from indexer.database.sqlite.opening import (
    choose_source,
    copy_elsewhere,
    describe_full_disk,
    read_without_writing,
    require_own_folder,
)
from indexer.database.sqlite.schema import APPLICATION_ID, MIGRATIONS
from indexer.errors import LibraryBusy, LibraryError
from indexer.paths import get_stored_folder, make_name_key, make_search_text, show_path
from indexer.wording import convert_file_time, normalise_label, tr

BUSY_SECONDS = 30.0
CLOSING_SECONDS = 5.0  # for which a library that is being closed is waited for
# Of processor time, so that a slow disk is waited for: at a million photos the longest of ours takes a few.
STATEMENT_SECONDS = 300.0
PEEK_SECONDS = 2.0
STEPS_PER_CHECK = 100_000  # SQLite's steps between two looks at the clock: about a millisecond
_DISK_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_OPTIMISER_TABLES = frozenset(
    ("table", name, name, f"CREATE TABLE {name}({columns})")
    for name, columns in (("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"))
)
SqlScalar = str | bytes | int | float | None


def _list_values(values: Iterable[int] | Iterable[str]) -> SqlList:
    return SqlList("(SELECT value FROM json_each(?))", json.dumps(list(values)))


SQLITE_DIALECT = SqlDialect(
    differs="IS NOT",
    concatenate="group_concat({})".format,
    hint_index="INDEXED BY {}".format,
    list_values=_list_values,
    name_labeller=lambda _photo: "NULL",
)


class SqliteDatabase:
    """A library's database file, made where it is missing and migrated where it is old.

    Used in the thread that made it; one made for `any_thread` is used under a lock of its owner. With `peek` it is only
    looked into, for seconds at most, and an older one stays as it is. `read_only` where the folder or its disk allows
    no writing. Raises LibraryError where the file is damaged, of another program or of a newer version, and wherever a
    statement fails or takes longer than its limit.
    """

    dialect = SQLITE_DIALECT

    def __init__(self, path: Path, *, any_thread: bool = False, peek: bool = False) -> None:
        self.path = path
        self._any_thread, self._peek = any_thread, peek
        self._limit = PEEK_SECONDS if peek else STATEMENT_SECONDS
        self._deadline = math.inf
        require_own_folder(path.parent)
        with self._translate_errors():
            self._source = choose_source(path)
            try:
                self._open_source()
            except sqlite3.OperationalError as fault:
                if self._source.read_only or _get_code(fault) not in _DISK_CODES or not path.exists():
                    raise
                self._source = read_without_writing(path)
                self._open_source()
        self._identity = _identify_file(path)

    @property
    def place(self) -> str:
        """The library's folder, as people read it."""
        return show_path(self.path.parent)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written: the folder may only be read, or its disk is full."""
        return self._source.read_only

    @property
    def is_shared(self) -> bool:
        """False: the folder has all that is derived from it."""
        return False

    def hold_job(self) -> AbstractContextManager[None]:
        """Do nothing: the lock of the library's folder keeps all others out."""
        return nullcontext()

    def _open_source(self) -> None:
        """Connect, and check and migrate what is there; where that fails, nothing stays open."""
        self._db = sqlite3.connect(
            self._source.uri,
            uri=True,
            isolation_level=None,
            timeout=PEEK_SECONDS if self._peek else BUSY_SECONDS,
            check_same_thread=not self._any_thread,
        )
        try:
            self._db.set_progress_handler(self._is_overdue, STEPS_PER_CHECK)
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._db.execute("PRAGMA foreign_keys = ON")
            version = self._read_checked_version()
            if version < len(MIGRATIONS) and self.read_only and not self._peek and self._source.copy is None:
                self._db.close()
                self._source = copy_elsewhere(self.path)
                self._open_source()
                return
            if not self._peek:
                self._prepare_writing(version)
        except BaseException:
            self.close()
            raise

    def _read_checked_version(self) -> int:
        """The number of migrations the database has had. LibraryError where it is newer or not of our making."""
        self._db.execute("BEGIN")  # all of it as of one moment: another program may be making the tables
        foreign = self._read_integer("PRAGMA application_id") != APPLICATION_ID
        objects = frozenset(self._db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall())
        version = self._read_integer("PRAGMA user_version")
        self._db.execute("COMMIT")
        if foreign and objects:
            raise LibraryError("{path} is a database, but not one of Lookalike's.", path=self.path)
        if version > len(MIGRATIONS):
            folder = self.path.parent
            raise LibraryError("{folder} was made by a newer Lookalike; update this one to open it.", folder=folder)
        if objects - _OPTIMISER_TABLES != _list_expected_objects(version):
            raise LibraryError(
                "The library {parent} holds other tables than Lookalike makes. Your photos are untouched: move "
                "the library away and index the folder again.",
                parent=self.path.parent,
            )
        return version

    def _read_integer(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0])

    def _prepare_writing(self, version: int) -> None:
        """Set the pragmas of a database that is written, and apply the missing migrations."""
        if not self.read_only or self._source.copy is not None:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):
            self._limit = math.inf
            self._apply_migrations()
            self._limit = STATEMENT_SECONDS
        self._db.execute("SELECT count(*) FROM roots")  # where the disk is full, reading fails now or never
        if self.read_only:
            self._db.execute("PRAGMA query_only = ON")  # what is written to a copy would be lost

    def _apply_migrations(self) -> None:
        with self.transaction():
            run_migrations(self._db, self._read_integer("PRAGMA user_version"), len(MIGRATIONS))
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _is_overdue(self) -> bool:
        """Whether the statement at work has used more than its processor time; SQLite asks while it works."""
        return time.thread_time() > self._deadline

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Limit the time of what is run, and raise what SQLite raises as LibraryError with a sentence for the user."""
        self._deadline = time.thread_time() + self._limit
        try:
            yield
        except sqlite3.OperationalError as error:
            if _get_code(error) == sqlite3.SQLITE_INTERRUPT and time.thread_time() <= self._deadline:
                raise KeyboardInterrupt from error  # it struck while SQLite asked for the time
            raise LibraryError(self._describe_fault(error)) from error
        except UnicodeEncodeError as error:  # a word of the user's, from a command line that is no UTF-8
            values = {"parent": self.path.parent, "object": error.object}
            raise LibraryError("The library {parent} holds Unicode text only, not {object!a}.", **values) from error
        except (sqlite3.DatabaseError, ValueError, TypeError, RecursionError) as error:
            # ValueError: damaged text, even in SQLite's own messages; TypeError: a number where JSON was stored
            raise LibraryError(
                "The library {parent} is damaged or is not one of Lookalike's ({error}). Your photos are "
                "untouched: move the library away and index the folder again.",
                parent=self.path.parent,
                error=error,
            ) from error

    def _describe_fault(self, error: sqlite3.OperationalError) -> str:
        code, folder = _get_code(error), self.path.parent
        if code == sqlite3.SQLITE_INTERRUPT:
            return tr(
                "The library {folder} gave no answer within {seconds:.0f} s. It may be damaged: lookalike check",
                folder=folder,
                seconds=self._limit,
            )
        if code == sqlite3.SQLITE_READONLY:
            return self._explain_read_only()
        if code == sqlite3.SQLITE_BUSY:  # said of a drive without locks too
            return (
                f"The library {folder} is locked: another program is writing to it, or its drive offers no locks. "
                "Try again later, or move it to another drive."
            )
        if code in _DISK_CODES and os.access(folder, os.W_OK) and (sentence := describe_full_disk(folder)):
            return sentence
        return tr("The library {folder} could not be read or written ({error}).", folder=folder, error=error)

    def require_writable(self) -> None:
        """Raise LibraryError where nothing can be written, with the reason."""
        if self.read_only:
            raise LibraryError(self._explain_read_only())

    def _explain_read_only(self) -> str:
        folder = self.path.parent
        if not os.access(folder, os.W_OK):
            return tr("The library {folder} cannot be written: its folder or disk can only be read.", folder=folder)
        return describe_full_disk(folder) or tr(
            "The library {folder} cannot be written: its disk can only be read, or offers no locks.", folder=folder
        )

    def require_present(self) -> None:
        """Raise LibraryError where the file has been deleted or replaced since it was opened."""
        if _identify_file(self.path) != self._identity:
            raise LibraryError(
                "The library {parent} has been deleted or replaced meanwhile. What was done since is lost: "
                "index the folder again.",
                parent=self.path.parent,
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the block, or none where it raises; waits for another writer up to BUSY_SECONDS."""
        self.execute_statement("BEGIN IMMEDIATE")
        try:
            yield
            self.execute_statement("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self.execute_statement("ROLLBACK")
            raise

    def reading(self, _purpose: str) -> AbstractContextManager[None]:
        """Do nothing: questions to a local file cost little."""
        return nullcontext()

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[SqlRow]:
        """All rows that a statement gives."""
        with self._translate_errors():
            return self._db.execute(sql, values).fetchall()

    def fetch_together(self, questions: Sequence[SqlStatement]) -> list[list[SqlRow]]:
        """All rows that each statement gives."""
        return [self.fetch_rows(sql, values) for sql, values in questions]

    def fetch_setting(self, name: str) -> object:
        """The stored value of a setting, None where it was never set."""
        with self._translate_errors():
            rows = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchall()
            return json.loads(rows[0][0]) if rows else None

    def fetch_integer(self, sql: str, values: Sequence[object] = ()) -> int:
        """The integer in the first column of the first row, 0 where there is no row or a null."""
        rows = self.fetch_rows(sql, values)
        with self._translate_errors():
            return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    def execute_statement(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement; returns the number of rows it changed."""
        with self._translate_errors():
            return self._db.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values."""
        with self._translate_errors():
            self._db.executemany(sql, rows)

    def execute_together(self, statements: Sequence[SqlStatement]) -> None:
        """Run statements that change something, in this order."""
        for sql, values in statements:
            self.execute_statement(sql, values)

    def find_last_id(self, table: str) -> int:
        """The highest id ever given to a row of a table whose ids are not used twice, 0 where none was."""
        return self.fetch_integer("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))

    def raise_last_id(self, table: str, number: int) -> None:
        """Give the next row of a table whose ids are not used twice a higher number than this one and all there are."""
        if not self.execute_statement("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (table, number)):
            has_sequence = "SELECT name, ?2 FROM sqlite_schema WHERE name = ?1 AND instr(sql, 'AUTOINCREMENT')"
            self.execute_statement(f"INSERT INTO sqlite_sequence {has_sequence}", (table, number))

    def read_data_version(self) -> int:
        """A number that changes when another connection has committed."""
        return self.fetch_integer("PRAGMA data_version")

    def await_data_version(self) -> int:
        """A number that changes when another connection has committed."""
        return self.read_data_version()

    def read_state(self, fingerprint: str) -> DatabaseState:
        """The state of the database under the model with this fingerprint; any commit, here or elsewhere, changes it.

        The fingerprint belongs to it, as another program may switch the model after the caller has read which one.
        """
        return DatabaseState(fingerprint, self.read_data_version(), self._db.total_changes)

    def accept_own_changes(self, state: DatabaseState) -> DatabaseState:
        """The state after this connection's own changes, for a caller that computed from `state` and has stored the
        result.

        What another connection has committed since still makes a difference.
        """
        return state._replace(own_changes=self._db.total_changes)

    def is_intact(self) -> bool:
        """Whether SQLite's own full check finds nothing wrong; reads the whole file."""
        try:
            return self.fetch_rows("PRAGMA integrity_check") == [("ok",)] and not self.fetch_rows(
                "PRAGMA foreign_key_check"
            )
        except LibraryError:
            return False

    def close(self) -> None:
        """Close the connection, and drop the copy that it read, if there is one."""
        self._db.close()
        if self._source.copy is not None:
            self._source.copy.cleanup()


@contextmanager
def hold_alone(path: Path) -> Iterator[None]:
    """Let no other connection at a database until the block ends; its log has gone into it by then.

    LibraryBusy where another one does not close it in time, LibraryError where it cannot be read.
    """
    name = show_path(path.parent)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=CLOSING_SECONDS)) as db:
        db.isolation_level = None
        try:
            for statement in ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "COMMIT"):
                db.execute(statement)
        except sqlite3.DatabaseError as fault:
            if _get_code(fault) == sqlite3.SQLITE_BUSY:
                raise LibraryBusy(
                    "The library {name} is open in another window or program, and stays where it is.", name=name
                ) from fault
            raise LibraryError("The library {name} cannot be read ({fault}).", name=name, fault=fault) from fault
        yield


@cache
def _list_expected_objects(version: int) -> frozenset[SqlRow]:
    """Type, name, table and text of everything that the first `version` migrations make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        run_migrations(empty, 0, version)
        return frozenset(empty.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall())


def run_migrations(db: sqlite3.Connection, first: int, last: int) -> None:
    """Bring the tables of a database from one version to a later one; the caller holds the transaction."""
    db.create_function("normalise_label", 1, _normalise_stored_label, deterministic=True)
    db.create_function("compute_crc32", 1, _compute_crc32, deterministic=True)
    for function in (get_stored_folder, make_name_key, make_search_text, convert_file_time):
        db.create_function(function.__name__, 1, function, deterministic=True)
    for statements in MIGRATIONS[first:last]:
        for statement in statements.split(";"):
            db.execute(statement)


def _normalise_stored_label(label: SqlScalar) -> SqlScalar:
    return normalise_label(label) if isinstance(label, str) else label


def _compute_crc32(value: SqlScalar) -> int:
    return zlib.crc32(value) if isinstance(value, bytes) else 0


def _get_code(fault: sqlite3.Error) -> int:
    """SQLite's primary result code of a fault."""
    return int(getattr(fault, "sqlite_errorcode", 0)) & 0xFF


def _identify_file(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
