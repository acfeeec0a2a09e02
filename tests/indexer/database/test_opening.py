"""A library's folder is opened only where it is as we make it, and read where nothing can be written."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from indexer.database.sqlite import connection
from indexer.database.sqlite.connection import SqliteDatabase
from indexer.database.sqlite.opening import DATABASE_FILE
from indexer.database.sqlite.schema import MIGRATIONS
from indexer.errors import LibraryError
from tests.indexer.database.test_schema import make_older
from tests.support.rights import Rights

NAMES = (
    "models", "generations", "layouts", "models/install.lock", "library.sqlite", "library.sqlite-wal",
    "library.sqlite-shm", "library.sqlite-journal", "thumbnails.sqlite", "thumbnails.sqlite-journal",
    "thumbnails.sqlite-wal", "thumbnails-large.sqlite", "decoding.journal", "job.lock",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a library that holds one setting."""
    place = tmp_path / "x.library"
    place.mkdir()
    with closing(SqliteDatabase(place / DATABASE_FILE)) as database:
        database.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    return place


def put_link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def put_dangling_link(path: Path, target: Path) -> None:
    path.symlink_to(target / "nowhere")


def put_pipe(path: Path, target: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("put", [put_link, put_dangling_link, put_pipe])
@pytest.mark.parametrize("name", NAMES)
def test_name_of_ours_that_is_no_file_of_ours_is_refused(
    folder: Path, tmp_path: Path, name: str, put: Callable[[Path, Path], None]
) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "photo.jpg").write_bytes(b"precious")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path, target)
    with pytest.raises(LibraryError, match=f"{name} in it is a (link|pipe)"):
        SqliteDatabase(folder / DATABASE_FILE)
    assert (target / "photo.jpg").read_bytes() == b"precious"


def test_link_to_the_whole_library_and_names_of_others_are_allowed(folder: Path, tmp_path: Path) -> None:
    (folder / "notes").symlink_to(tmp_path)
    (tmp_path / "linked.library").symlink_to(folder)
    with closing(SqliteDatabase(tmp_path / "linked.library" / DATABASE_FILE)) as database:
        assert database.fetch_rows("SELECT * FROM settings") == [("a", "1")]


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS id, x AS path FROM c"
FOREIGN_SCHEMAS = {
    "a view in place of a table": f"DROP TABLE roots; CREATE VIEW roots AS {ENDLESS}",
    "a view beside": f"CREATE VIEW more AS {ENDLESS}",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON settings BEGIN DELETE FROM photos; END",
    "a table of another text": "DROP TABLE searches; CREATE TABLE searches (name, query)",
    "a table beside": "CREATE TABLE more (x)",
    "an index": "CREATE INDEX i ON settings (value)",
    "a table that is missing": "DROP TABLE decisions",
}


@pytest.mark.parametrize("change", FOREIGN_SCHEMAS)
def test_other_tables_than_ours_are_refused_at_once(folder: Path, change: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as foreign:
        foreign.executescript(FOREIGN_SCHEMAS[change])
    for peek in (False, True):
        with pytest.raises(LibraryError, match="other tables than Lookalike makes"):
            SqliteDatabase(folder / DATABASE_FILE, peek=peek)


def test_statistics_of_the_optimiser_are_no_other_tables(folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as tuned:
        tuned.execute("ANALYZE")
    SqliteDatabase(folder / DATABASE_FILE).close()


def test_statement_without_end_is_stopped_with_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 0.05)
    with closing(SqliteDatabase(folder / DATABASE_FILE)) as database:
        with pytest.raises(LibraryError, match="gave no answer within"):
            database.fetch_rows(f"SELECT count(*) FROM ({ENDLESS})")
        assert database.fetch_rows("SELECT * FROM settings") == [("a", "1")]


@pytest.mark.parametrize(("peek", "limit"), [(False, "BUSY_SECONDS"), (True, "PEEK_SECONDS")])
def test_locked_library_is_a_sentence_after_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch, peek: bool, limit: str
) -> None:
    monkeypatch.setattr(connection, limit, 0.01)
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LibraryError, match=r"is locked: another program is writing to it, or .* no locks"):
            SqliteDatabase(folder / DATABASE_FILE, peek=peek)


@pytest.mark.parametrize("peek", [False, True])
def test_what_a_schema_asks_for_is_not_trusted(folder: Path, peek: bool) -> None:
    with closing(SqliteDatabase(folder / DATABASE_FILE, peek=peek)) as database:
        assert database.fetch_integer("PRAGMA trusted_schema") == 0


def test_looking_into_an_older_library_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    make_older(path, 2)
    before = path.read_bytes()
    with closing(SqliteDatabase(path, peek=True)) as database:
        assert database.fetch_rows("SELECT path FROM roots") == [(b"/p",)]
    assert path.read_bytes() == before


# nothing can be written


def test_older_library_in_a_read_only_folder_is_read_from_a_copy(rights: Rights, open_to_all: Path) -> None:
    path = open_to_all / DATABASE_FILE
    make_older(path, 2)
    before = path.read_bytes()
    rights.take(open_to_all)
    with closing(SqliteDatabase(path)) as database:
        assert database.read_only
        assert database.fetch_integer("PRAGMA user_version") == len(MIGRATIONS)
        assert database.fetch_rows("SELECT * FROM searches") == [("mine", "{}")]
        with pytest.raises(LibraryError, match="cannot be written"):
            database.execute_statement("DELETE FROM searches")  # it would be lost with the copy
    assert path.read_bytes() == before


def leave_log(folder: Path) -> None:
    """What a killed program leaves: a setting that is in the log only, and no other file."""
    killed = "import os, sys; from pathlib import Path; from indexer.database.sqlite.connection import SqliteDatabase; "
    killed += (
        "SqliteDatabase(Path(sys.argv[1])).execute_statement(\"INSERT INTO settings VALUES ('b', '2')\"); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(folder / DATABASE_FILE)], check=False)
    (folder / "library.sqlite-shm").unlink()
    assert (folder / "library.sqlite-wal").stat().st_size


def test_log_in_a_read_only_folder_is_read_from_a_copy_that_does_not_stay(
    rights: Rights, open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteDatabase(open_to_all / DATABASE_FILE)) as database:
        database.execute_statement("INSERT INTO settings VALUES ('a', '1')")
    leave_log(open_to_all)
    rights.take(open_to_all)
    with closing(SqliteDatabase(open_to_all / DATABASE_FILE)) as database:
        copy = database._source.copy
        assert copy is not None
        assert Path(copy.name).exists()
        assert database.fetch_rows("SELECT * FROM settings") == [("a", "1"), ("b", "2")]
    assert not Path(copy.name).exists()


def test_copy_without_room_is_a_sentence_that_says_how_much(
    rights: Rights, open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteDatabase(open_to_all / DATABASE_FILE).close()
    leave_log(open_to_all)
    rights.take(open_to_all)

    def refuse(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(LibraryError, match=r"needs \d+ MB in .*No space left"):
        SqliteDatabase(open_to_all / DATABASE_FILE)


NO_BYTE_MORE = """
import resource, sys
from pathlib import Path
from indexer.database.sqlite.connection import SqliteDatabase
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as on a full disk, no file can grow
database = SqliteDatabase(Path(sys.argv[1]))
print(database.read_only, database.fetch_rows("SELECT * FROM settings"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_library_is_read_where_no_byte_more_can_be_written(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_BYTE_MORE, str(folder / DATABASE_FILE)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True [('a', '1')]\n", "")


def test_interrupt_that_strikes_while_a_statement_works_stays_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(database: SqliteDatabase) -> bool:
        raise KeyboardInterrupt

    with closing(SqliteDatabase(folder / DATABASE_FILE)) as database:
        database._db.set_progress_handler(lambda: interrupt(database), 100)
        with pytest.raises(KeyboardInterrupt):
            database.fetch_rows(f"SELECT count(*) FROM ({ENDLESS})")
