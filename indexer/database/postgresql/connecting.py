"""A connection to the server of a shared library, with the limits within which everything must be answered."""

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from indexer.database.interface import SqlRow
from indexer.database.postgresql.address import ServerAddress, list_connection_options

CONNECT_SECONDS = 4
BUSY_SECONDS = 30
IDLE_SECONDS = 20  # within a transaction: a computer that stands still must not keep all others from writing
STATEMENT_SECONDS = 300
PEEK_SECONDS = 2
ALIVE_OPTIONS = {  # a link that is cut off without a word counts as lost after 15 seconds
    **{"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2},
    "tcp_user_timeout": 15_000,
}


def connect_server(address: ServerAddress, *, peek: bool = False) -> psycopg.Connection[SqlRow]:
    """A new connection whose statements name the library's own tables; with `peek` all is answered in seconds."""
    told = make_conninfo(
        address.uri,
        connect_timeout=PEEK_SECONDS if peek else CONNECT_SECONDS,
        application_name="lookalike",
        **ALIVE_OPTIONS,
        **list_connection_options(address),
    )
    db = psycopg.connect(told, autocommit=True, cursor_factory=psycopg.RawCursor)
    db.prepare_threshold = None  # to prepare a statement is one more question
    seconds = PEEK_SECONDS if peek else STATEMENT_SECONDS
    db.execute(
        SQL(
            "SET search_path = {}, public; SET statement_timeout = {}; SET lock_timeout = {}; "
            "SET idle_in_transaction_session_timeout = {}"
        ).format(
            Identifier(address.library), *(f"{limit}s" for limit in (seconds, min(seconds, BUSY_SECONDS), IDLE_SECONDS))
        )
    )
    return db
