"""One SQLite connection to a library's database: opened, migrated, guarded, committed.

WAL with synchronous=FULL: what is committed survives a power cut (NORMAL passed every kill test and lost acknowledged
work in simulated power cuts). Writers take the lock at once (BEGIN IMMEDIATE), so two programs queue instead of
failing half-way. SQLite's faults are raised as LibraryError with a sentence.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from indexer.database.schema import APPLICATION_ID, MIGRATIONS
from indexer.errors import LibraryError
from indexer.wording import normalise_label

MAX_INTEGER = 2**63 - 1  # the largest number that SQLite holds
BUSY_SECONDS = 30.0
SqlRow = tuple[Any, ...]
SqlScalar = str | bytes | int | float | None


class DatabaseState(NamedTuple):
    """The key of what is computed from a database under one model: equal states, equal content."""

    fingerprint: str
    data_version: int
    own_changes: int


class Database:
    """A library's database file, made where it is missing and migrated where it is old.

    Used in the thread that made it; one made for `any_thread` is used under a lock of its owner. Raises LibraryError
    where the file is damaged, of another program or of a newer version, and wherever a statement fails.
    """

    def __init__(self, path: Path, *, any_thread: bool = False) -> None:
        self.path = path
        self.read_only = path.exists() and not os.access(path.parent, os.W_OK)
        uri = path.absolute().as_uri() + (self._choose_read_only_options() if self.read_only else "")
        with self._translate_errors():
            self._db = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=not any_thread
            )
            try:
                self._check_and_migrate()
            except BaseException:
                self._db.close()
                raise

    def _choose_read_only_options(self) -> str:
        """The URI options to open a WAL database in a read-only folder: immutable, unless a killed run left its log.

        Immutable needs no lock files, but does not read the log.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        return "?mode=ro" if log.exists() and log.stat().st_size else "?immutable=1"

    def _check_and_migrate(self) -> None:
        """Refuse foreign and newer databases, set the pragmas, and apply the missing migrations."""
        foreign = self.fetch_integer("PRAGMA application_id") != APPLICATION_ID
        if foreign and self.fetch_integer("SELECT count(*) FROM sqlite_schema"):
            raise LibraryError(f"{self.path} is a database, but not one of Lookalike's.")
        version = self.fetch_integer("PRAGMA user_version")
        if version > len(MIGRATIONS):
            raise LibraryError(f"{self.path.parent} was made by a newer Lookalike; update this one to open it.")
        self._db.execute("PRAGMA foreign_keys = ON")
        if not self.read_only:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):
            self._apply_migrations()

    def _apply_migrations(self) -> None:
        self._db.create_function("normalise_label", 1, _normalise_stored_label, deterministic=True)
        with self.transaction():
            for statements in MIGRATIONS[self.fetch_integer("PRAGMA user_version") :]:
                for statement in statements.split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise what SQLite raises as LibraryError with a sentence for the user."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LibraryError(f"The library {self.path.parent} could not be read or written ({error}).") from error
        except UnicodeEncodeError as error:  # a word of the user's, from a command line that is no UTF-8
            raise LibraryError(
                f"The library {self.path.parent} holds Unicode text only, not {error.object!a}."
            ) from error
        except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: damaged text, even in SQLite's own messages
            raise LibraryError(
                f"The library {self.path.parent} is damaged or is not one of Lookalike's ({error}). "
                "Your photos are untouched: move the library away and index the folder again."
            ) from error

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

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[SqlRow]:
        """All rows that a statement gives."""
        with self._translate_errors():
            return self._db.execute(sql, values).fetchall()

    def fetch_json(self, sql: str, values: Sequence[object] = ()) -> object:
        """The value of the JSON in the first column of the first row, None where there is no row."""
        with self._translate_errors():
            rows = self._db.execute(sql, values).fetchall()
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

    def read_data_version(self) -> int:
        """A number that changes when another connection has committed."""
        return self.fetch_integer("PRAGMA data_version")

    def read_state(self, fingerprint: str) -> DatabaseState:
        """The state of the database under the model with this fingerprint; any commit, here or elsewhere, changes it.

        The fingerprint belongs to it, as another program may switch the model after the caller has read which one.
        """
        return DatabaseState(fingerprint, self.read_data_version(), self._db.total_changes)

    def accept_own_changes(self, state: DatabaseState) -> DatabaseState:
        """The state with this connection's changes since: for what was computed from it and has stored a result.

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
        """Close the connection."""
        self._db.close()


def _normalise_stored_label(label: SqlScalar) -> SqlScalar:
    return normalise_label(label) if isinstance(label, str) else label
