"""What every database of a library can do, and what SQL has to be written differently for each.

The tables and all questions about them are written once, in SQL that SQLite and PostgreSQL both take; what they have
under different names is in `SqlDialect`. `sqlite` keeps a library in a file of its folder.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

MAX_INTEGER = 2**63 - 1  # the largest number that a column holds
SqlRow = tuple[Any, ...]
SqlStatement = tuple[str, Sequence[object]]
"""A statement, and the values of its placeholders."""


class DatabaseState(NamedTuple):
    """The key of what is computed from a database under one model: equal states, equal content."""

    fingerprint: str
    data_version: int
    own_changes: int


class SqlList(NamedTuple):
    """A list of values as a one-column table: its SQL with a single placeholder, and the value to bind to that."""

    sql: str
    value: object


class SqlDialect(NamedTuple):
    """What databases write differently.

    `differs` compares so that nulls are equal. `concatenate` makes one text of the integers of a column, with commas.
    `hint_index` names the index that a table is to be read by. `list_values` is a table of integers or of texts.
    `name_labeller` gives, for a column with a photo's id, who gave it its own label and when, as text: the seconds
    since 1970, a space and the name; null where nobody did or the database does not write that down.
    """

    differs: str
    concatenate: Callable[[str], str]
    hint_index: Callable[[str], str]
    list_values: Callable[[Iterable[int] | Iterable[str]], SqlList]
    name_labeller: Callable[[str], str]


class Database(Protocol):
    """The database of one library, open; used in the thread that made it, or under a lock of its owner.

    Statements have the placeholders ? or ?1, ?2. Every fault is raised as LibraryError with a sentence for the user.
    """

    dialect: SqlDialect

    @property
    def place(self) -> str:
        """Where the library lies, as people read it."""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""

    @property
    def is_shared(self) -> bool:
        """Whether other computers use the library too: what is derived from it on one is not there on the others."""

    def hold_job(self) -> AbstractContextManager[None]:
        """Let no other computer begin a job on the library; LibraryBusy where one is at work on it."""

    def require_writable(self) -> None:
        """Raise LibraryError where nothing can be written, with the reason."""

    def require_present(self) -> None:
        """Raise LibraryError where the database has been deleted or replaced since it was opened."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all changes of the block, or none where it raises.

        Other writers wait from its first question on.
        """

    def reading(self, purpose: str) -> AbstractContextManager[None]:
        """Answer all questions of the block as of its beginning or later; over a network, ask only for what has
        changed.

        What was asked for the same purpose the last time is asked at once, where it has changed.
        """

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[SqlRow]:
        """All rows that a statement gives."""

    def fetch_together(self, questions: Sequence[SqlStatement]) -> list[list[SqlRow]]:
        """All rows that each statement gives; over a network they are one question."""

    def fetch_setting(self, name: str) -> object:
        """The stored value of a setting of the library, None where it was never set."""

    def fetch_integer(self, sql: str, values: Sequence[object] = ()) -> int:
        """The integer in the first column of the first row, 0 where there is no row or a null."""

    def execute_statement(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement that changes something; returns the number of rows it changed."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values."""

    def execute_together(self, statements: Sequence[SqlStatement]) -> None:
        """Run statements that change something, in this order, at the latest with the commit; within a transaction.

        Over a network they are sent with it, so that their faults may be raised at the end of the transaction.
        """

    def find_last_id(self, table: str) -> int:
        """The highest id ever given to a row of a table whose ids are not used twice, 0 where none was."""

    def raise_last_id(self, table: str, number: int) -> None:
        """Give the next row of a table a higher number than this one and all that are there."""

    def read_data_version(self) -> int:
        """A number that changes when another connection has committed."""

    def await_data_version(self) -> int:
        """The number of `read_data_version` for callers that poll it: maybe a moment late, but it never waits for a
        server.
        """

    def read_state(self, fingerprint: str) -> DatabaseState:
        """The state of the database under the model with this fingerprint; any commit, here or elsewhere, changes it.

        The fingerprint belongs to it, as another program may switch the model after the caller has read which one.
        """

    def accept_own_changes(self, state: DatabaseState) -> DatabaseState:
        """The state after this connection's own changes, for a caller that computed from `state` and has stored the
        result.

        What another connection has committed since still makes a difference.
        """

    def is_intact(self) -> bool:
        """Whether a full check finds nothing wrong."""

    def close(self) -> None:
        """Close the connection."""
