"""A library's database is opened only as what it is, and what is committed is forced to the disk."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer.database.sqlite.connection import SqliteDatabase
from indexer.database.sqlite.schema import APPLICATION_ID, MIGRATIONS
from indexer.errors import LibraryError
from tests.support.rights import Rights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def test_new_database_is_ours_and_up_to_date(path: Path) -> None:
    database = SqliteDatabase(path)
    assert database.fetch_integer("PRAGMA application_id") == APPLICATION_ID
    assert database.fetch_integer("PRAGMA user_version") == len(MIGRATIONS)
    assert database.is_intact()
    database.close()


def test_every_connection_forces_commits_to_the_disk(path: Path) -> None:
    for _ in range(2):  # the first makes the file, the second finds it
        database = SqliteDatabase(path)
        assert database.fetch_integer("PRAGMA synchronous") == 2  # FULL
        assert database.fetch_rows("PRAGMA journal_mode") == [("wal",)]
        assert database.fetch_integer("PRAGMA foreign_keys") == 1
        database.close()


def test_interrupted_first_migration_is_made_again(path: Path) -> None:
    sqlite3.connect(path).close()
    path.touch()
    database = SqliteDatabase(path)
    assert database.fetch_integer("SELECT count(*) FROM files") == 0
    database.close()


def test_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="not one of Lookalike's"):
        SqliteDatabase(path)
    assert path.read_bytes() == before


def test_library_of_a_newer_program_is_refused_and_left_as_it_is(path: Path) -> None:
    SqliteDatabase(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    with pytest.raises(LibraryError, match="newer Lookalike"):
        SqliteDatabase(path)
    with sqlite3.connect(path) as newer:
        assert newer.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    newer.close()


def _text(path: Path) -> None:
    path.write_text("Dear diary" * 1000)


def _no_first_page(path: Path) -> None:
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def _scrambled_schema(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:4096] = bytes(range(256)) * 15 + bytes(156)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_text, _no_first_page, _cut, _scrambled_schema])
def test_damaged_file_is_refused_with_a_sentence_or_found_by_the_check(
    path: Path, damage: Callable[[Path], None]
) -> None:
    SqliteDatabase(path).close()
    damage(path)
    assert _verdict(path) in ("refused", "found by the check")


def test_whole_file_passes_the_same_check(path: Path) -> None:
    SqliteDatabase(path).close()
    assert _verdict(path) == "sound"


def _verdict(path: Path) -> str:
    try:
        database = SqliteDatabase(path)
    except LibraryError:
        return "refused"
    try:
        return "sound" if database.is_intact() else "found by the check"
    finally:
        database.close()


def test_folder_without_a_place_for_the_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="could not be read or written"):
        SqliteDatabase(tmp_path / "nowhere" / "library.sqlite")


def test_transaction_is_all_or_nothing(path: Path) -> None:
    database = SqliteDatabase(path)
    with pytest.raises(LibraryError), database.transaction():
        database.execute_statement("INSERT INTO settings VALUES ('a', '1')")
        database.execute_statement("INSERT INTO settings VALUES ('a', '2')")
    assert database.fetch_rows("SELECT * FROM settings") == []
    database.close()


def test_two_writers_wait_for_each_other(path: Path) -> None:
    SqliteDatabase(path).close()
    together = threading.Barrier(4)

    def add(writer: int) -> None:
        database = SqliteDatabase(path)
        together.wait()
        for number in range(25):
            with database.transaction():
                count = database.fetch_integer("SELECT value FROM settings WHERE name = 'count'")
                database.execute_statement("INSERT OR REPLACE INTO settings VALUES ('count', ?)", (count + 1,))
                database.execute_statement("INSERT INTO settings VALUES (?, '')", (f"{writer}-{number}",))
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    database = SqliteDatabase(path)
    assert database.fetch_integer("SELECT value FROM settings WHERE name = 'count'") == 100
    database.close()


OPEN_AT_ONCE = """
import sys
from pathlib import Path
from indexer.database.sqlite.connection import SqliteDatabase
sys.stdin.read(1)
database = SqliteDatabase(Path(sys.argv[1]))
print(database.fetch_integer("SELECT count(*) FROM files"))
"""


def test_programs_that_make_the_library_at_the_same_moment_all_open_it(path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AT_ONCE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    assert [process.communicate() for process in started] == [("0\n", "")] * 6


def test_version_changes_when_another_connection_commits(path: Path) -> None:
    mine, other = SqliteDatabase(path), SqliteDatabase(path)
    before = mine.read_data_version()
    assert mine.read_data_version() == before
    other.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    assert mine.read_data_version() != before
    mine.close()
    other.close()


def test_state_changes_with_every_commit_and_with_the_model(path: Path) -> None:
    mine, other = SqliteDatabase(path), SqliteDatabase(path)
    before = mine.read_state("a")
    assert mine.read_state("a") == before != mine.read_state("b")
    other.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    between = mine.read_state("a")
    mine.execute_statement("INSERT INTO settings VALUES ('b', '1')")
    assert len({before, between, mine.read_state("a")}) == 3
    mine.close()
    other.close()


def test_accepting_own_changes_hides_no_commit_of_another_connection(path: Path) -> None:
    mine, other = SqliteDatabase(path), SqliteDatabase(path)
    before = mine.read_state("a")
    mine.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    assert mine.accept_own_changes(before) == mine.read_state("a") != before
    other.execute_statement("INSERT INTO settings VALUES ('b', '1')")
    assert mine.accept_own_changes(before) != mine.read_state("a")
    mine.close()
    other.close()


def test_reader_sees_the_last_commit_while_a_writer_is_at_work(path: Path) -> None:
    reader, writer = SqliteDatabase(path), SqliteDatabase(path)
    with writer.transaction():
        writer.execute_statement("INSERT INTO settings VALUES ('a', '1')")
        assert reader.fetch_rows("SELECT * FROM settings") == []
    assert reader.fetch_rows("SELECT * FROM settings") == [("a", "1")]
    reader.close()
    writer.close()


def test_read_only_folder_can_be_read_and_says_so_when_written(rights: Rights, open_to_all: Path) -> None:
    path = open_to_all / "library.sqlite"
    first = SqliteDatabase(path)
    first.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    first.close()
    rights.take(open_to_all)
    database = SqliteDatabase(path)
    assert database.fetch_rows("SELECT * FROM settings") == [("a", "1")]
    with pytest.raises(LibraryError, match="cannot be written"):
        database.execute_statement("INSERT INTO settings VALUES ('b', '1')")
    database.close()


def test_read_only_folder_shows_what_a_killed_writer_had_committed(rights: Rights, open_to_all: Path) -> None:
    path = open_to_all / "library.sqlite"
    killed = "import os, sys; from pathlib import Path; from indexer.database.sqlite.connection import SqliteDatabase; "
    killed += (
        "SqliteDatabase(Path(sys.argv[1])).execute_statement(\"INSERT INTO settings VALUES ('a', '1')\"); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    assert path.with_name("library.sqlite-wal").stat().st_size
    rights.take(open_to_all)
    database = SqliteDatabase(path)
    assert database.fetch_rows("SELECT * FROM settings") == [("a", "1")]
    database.close()
