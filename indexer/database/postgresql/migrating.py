"""The tables of a shared library, made where there are none, and brought up to date where they are older."""

import psycopg
from psycopg.sql import SQL, Identifier

from indexer.database.interface import SqlRow
from indexer.database.postgresql.address import ServerAddress
from indexer.database.postgresql.tables import MIGRATIONS
from indexer.errors import LibraryError

WRITE_LOCK = 0x4C4F4F4B  # the first number of the lock of who writes to a library; the second is the library's own
Connection = psycopg.Connection[SqlRow]


def prepare_tables(db: Connection, address: ServerAddress, lock_number: int, *, peek: bool) -> bool:
    """Make or migrate the tables, with `peek` leave them as they are; returns whether the user may write to them.

    Raises LibraryError where they are of a newer version, where there are none to look into, and where the user may not
    change older ones.
    """
    is_there = has_tables(db, address)
    if peek and not is_there:
        raise LibraryError("There is no library {place}.", place=address.place)
    version, may_write = _read_version(db) if is_there else (0, True)
    if version > len(MIGRATIONS):
        raise LibraryError(
            "The library {place} was made by a newer Lookalike; update this one to open it.", place=address.place
        )
    if version < len(MIGRATIONS) and not peek:
        try:
            _migrate_tables(db, address, lock_number)
        except psycopg.errors.InsufficientPrivilege as error:
            raise LibraryError(
                "The tables of the library {place} are not those of this version of Lookalike, and the user of "
                "this address may not change them: let the library's owner open it once.",
                place=address.place,
            ) from error
    return may_write


def has_tables(db: Connection, address: ServerAddress) -> bool:
    """Whether the library is there."""
    name = f'"{address.library}".tables_version'
    return db.execute("SELECT to_regclass($1) IS NOT NULL", (name,)).fetchall() == [(True,)]


def _migrate_tables(db: Connection, address: ServerAddress, lock_number: int) -> None:
    """Apply the missing migrations; another program may have done so while this one waited."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock($1, $2)", (WRITE_LOCK, lock_number))
        is_there = has_tables(db, address)
        if not is_there:
            db.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(address.library)))
        for migration in MIGRATIONS[_read_version(db)[0] if is_there else 0 :]:
            db.execute(migration)
        db.execute("DELETE FROM tables_version")
        db.execute("INSERT INTO tables_version VALUES ($1)", (len(MIGRATIONS),))


def _read_version(db: Connection) -> tuple[int, bool]:
    """The number of migrations that the tables have had, and whether the user may write to them."""
    sql = "SELECT version, has_table_privilege('labels', 'INSERT') FROM tables_version"
    ((version, may_write),) = db.execute(sql).fetchall()
    return int(version), bool(may_write)
