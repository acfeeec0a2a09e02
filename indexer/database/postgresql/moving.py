"""A library's tables, copied from one database to another: every row with its number, and compared afterwards.

A copy that was killed goes on where it stopped: behind the last number of each large table; the others are small, and
copied anew. The source is only read. The settings come last, with the name of the active model: until then the copy is
marked as unfinished and is not taken for a library.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from indexer.database.interface import Database, SqlRow
from indexer.database.postgresql.tables import BOOLEAN_COLUMNS, NUMBERED_COLUMNS, TABLE_KEYS
from indexer.errors import LibraryError
from indexer.progress import Progress, Steps

ROWS_PER_COMMIT = 1000
_MARK = "copied from"  # the setting of an unfinished copy


class TableDigest(NamedTuple):
    """The number of rows of a table, and the SHA-256 of all their values in the order of their keys."""

    rows: int
    sha256: str


def copy_tables(source: Database, target: Database) -> Steps[dict[str, TableDigest]]:
    """Copy all tables to an empty database, or go on with a copy of the same source; returns the digest of each.

    Raises LibraryError where the target is another library, or where the source has changed meanwhile.
    """
    target.require_writable()
    _mark_copy(source, target)
    tables = [table for table in TABLE_KEYS if table != "settings"]
    total = sum(source.fetch_integer(f"SELECT count(*) FROM {table}") for table in tables)
    done = 0
    for table in tables:
        for copied in _copy_table(source, target, table):
            done += copied
            yield Progress("move", done, total, table)
    for number, table in enumerate(tables):
        yield Progress("compare", number, len(tables), table)
        _require_equal(source, target, table)
    with target.transaction():
        target.execute_statement("DELETE FROM settings")
        _insert_rows(target, "settings", _read_rows(source, "settings"))
        for table in NUMBERED_COLUMNS:
            target.raise_last_id(table, source.find_last_id(table))
    return {table: compute_digest(target, table) for table in TABLE_KEYS}


def _mark_copy(source: Database, target: Database) -> None:
    """Mark the target as a copy of the source. LibraryError where it is another library, or another one's copy."""
    if target.fetch_setting(_MARK) == source.place:
        return
    if any(target.fetch_integer(f"SELECT count(*) FROM {table}") for table in ("settings", "roots", "models")):
        raise LibraryError(
            "The library {place} is there already. Choose another name for the copy.", place=target.place
        )
    target.execute_statement("INSERT INTO settings VALUES (?, ?)", (_MARK, json.dumps(source.place)))


def _copy_table(source: Database, target: Database, table: str) -> Iterator[int]:
    """Copy a table, or what is missing of it; yields the numbers of rows that are there in addition."""
    if len(TABLE_KEYS[table]) > 1 or table in ("searches", "settings"):
        rows = _read_rows(source, table)
        with target.transaction():
            target.execute_statement(f"DELETE FROM {table}")
            _insert_rows(target, table, rows)
        yield len(rows)
        return
    (key,) = TABLE_KEYS[table]
    yield target.fetch_integer(f"SELECT count(*) FROM {table}")
    last = target.fetch_integer(f"SELECT max({key}) FROM {table}")
    while rows := source.fetch_rows(
        f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?", (last, ROWS_PER_COMMIT)
    ):
        with target.transaction():
            _insert_rows(target, table, rows)
        last = rows[-1][0]
        yield len(rows)


def _read_rows(database: Database, table: str) -> list[SqlRow]:
    return database.fetch_rows(f"SELECT * FROM {table} ORDER BY {', '.join(TABLE_KEYS[table])}")


def _insert_rows(database: Database, table: str, rows: list[SqlRow]) -> None:
    places = BOOLEAN_COLUMNS.get(table, ())
    if rows:
        sql = f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})"
        database.execute_many(
            sql, ([bool(value) if place in places else value for place, value in enumerate(row)] for row in rows)
        )


def _require_equal(source: Database, target: Database, table: str) -> None:
    """Raise LibraryError where the two tables differ; the copy is emptied then, so that the next one begins anew."""
    if compute_digest(source, table) == compute_digest(target, table):
        return
    with target.transaction():
        for name in reversed(TABLE_KEYS):
            target.execute_statement(f"DELETE FROM {name}")
    raise LibraryError(
        "The library {place} was changed while it was copied ({table}). Nothing of it is lost; copy it "
        "again while nobody works on it.",
        place=source.place,
        table=table,
    )


def compute_digest(database: Database, table: str) -> TableDigest:
    """The digest of a table: equal for equal rows, whichever the database."""
    hasher, count = hashlib.sha256(), 0
    keys = TABLE_KEYS[table]
    columns = ", ".join(keys)
    last: SqlRow | None = None
    while True:
        condition = f"WHERE ({columns}) > ({', '.join('?' * len(keys))}) " if last is not None else ""
        rows = database.fetch_rows(
            f"SELECT {columns}, {table}.* FROM {table} {condition}ORDER BY {columns} LIMIT ?",
            (*(last or ()), ROWS_PER_COMMIT),
        )
        for row in rows:
            values = [int(value) if isinstance(value, bool) else value for value in row[len(keys) :]]
            hasher.update(repr(values).encode())
        count += len(rows)
        if len(rows) < ROWS_PER_COMMIT:
            return TableDigest(count, hasher.hexdigest())
        last = rows[-1][: len(keys)]
