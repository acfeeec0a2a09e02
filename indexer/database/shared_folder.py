"""The folder that a shared library has on this computer: what is derived from it here, and the address of its server.

A library from elsewhere cannot make anybody call a server: an address counts only with this computer's signature.
"""

import json
from pathlib import Path

from indexer import atomic
from indexer.database.interface import Database
from indexer.database.postgresql.address import ServerAddress, parse_address
from indexer.database.sqlite.connection import SqliteDatabase
from indexer.database.sqlite.opening import ADDRESS_FILE, DATABASE_FILE, QUESTIONS_FILE, require_own_folder
from indexer.errors import LibraryError, LookalikeError
from indexer.paths import show_path
from indexer.trust.regular_file import UnusableFile, read_regular_file
from indexer.trust.signatures import compute_signature, is_signed_here

ADDRESS_BYTES = 10_000
_PURPOSE = "address of a shared library"


def write_address(folder: Path, address: ServerAddress) -> None:
    """Make a folder that of a shared library; its files are derived from what the server has."""
    signature = compute_signature(_PURPOSE, address.full_uri.encode())
    if not signature:
        raise LibraryError("A shared library needs the key of this computer, which cannot be kept.")
    text = json.dumps({"address": address.full_uri, "signature": signature})
    atomic.write_file(folder / ADDRESS_FILE, text.encode())


def read_address(folder: Path) -> ServerAddress | None:
    """The address of the library that a folder stands for, None where it is kept in the folder itself.

    Raises LibraryError where the address was not written on this computer.
    """
    try:
        fields = json.loads(read_regular_file(folder / ADDRESS_FILE, ADDRESS_BYTES))
        address = parse_address(fields["address"])
        is_own = is_signed_here(fields["signature"], _PURPOSE, address.full_uri.encode())
    except FileNotFoundError:
        return None
    except (OSError, UnusableFile, ValueError, KeyError, TypeError, AttributeError, LookalikeError):
        is_own = False
    if not is_own:
        raise LibraryError(
            "{folder} names a server, but not by what this computer has written. Open the shared library by "
            "its address: --library postgresql://USER@HOST/DATABASE?library=NAME",
            folder=show_path(folder),
        )
    return address


def open_database(folder: Path, *, any_thread: bool = False, peek: bool = False) -> Database:
    """The database of the library in a folder, or of the shared library that it stands for."""
    address = None if (folder / DATABASE_FILE).exists() else read_address(folder)
    if address is None:
        return SqliteDatabase(folder / DATABASE_FILE, any_thread=any_thread, peek=peek)
    require_own_folder(folder)
    try:
        from indexer.database.postgresql.connection import PostgresqlDatabase  # noqa: PLC0415  # an optional package
        from indexer.database.postgresql.remembered import QuestionMemory  # noqa: PLC0415
    except ImportError as error:
        raise LibraryError(
            "The shared library {place} needs an optional package: install lookalike[team].", place=address.place
        ) from error
    return PostgresqlDatabase(address, peek=peek, memory=QuestionMemory(folder / QUESTIONS_FILE))
