"""Both databases of libraries are one: the same tables, and every question has the same answer."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from indexer.database.annotations import Annotations
from indexer.database.postgresql.address import parse_address
from indexer.database.postgresql.label_history import read_label_history
from indexer.database.postgresql.tables import BOOLEAN_COLUMNS, MIGRATIONS, NUMBERED_COLUMNS, TABLE_KEYS
from indexer.database.shared_folder import open_database, write_address
from indexer.errors import LibraryBusy, LibraryError, LookalikeError
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.postgresql_server import LoopbackServer
from tests.support.vectors import clustered, fill


def test_tables_have_the_same_columns_in_the_same_order(tmp_path: Path, shared_home: LoopbackServer) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "shared").mkdir()
    write_address(tmp_path / "shared", parse_address(shared_home.name_library("columns")))
    with closing(open_database(tmp_path / "own")) as own, closing(open_database(tmp_path / "shared")) as shared:
        tables = {name for (name,) in own.fetch_rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert {name for name in tables if not name.startswith("sqlite_")} == set(TABLE_KEYS)
        assert set(NUMBERED_COLUMNS) <= set(TABLE_KEYS)
        for table in TABLE_KEYS:
            columns = [row[1] for row in own.fetch_rows(f"PRAGMA table_info({table})")]
            found = shared.fetch_rows(
                "SELECT column_name, data_type FROM information_schema.columns "
                "WHERE table_schema = 'columns' AND table_name = ? ORDER BY ordinal_position",
                (table,),
            )
            assert [name for name, _ in found] == columns
            places = tuple(place for place, (_, kind) in enumerate(found) if kind == "boolean")
            assert places == BOOLEAN_COLUMNS.get(table, ())


def test_two_connections_see_each_others_commits_and_not_their_own(tmp_path: Path, shared_home: LoopbackServer) -> None:
    write_address(tmp_path, parse_address(shared_home.name_library("commits")))
    with closing(open_database(tmp_path)) as mine, closing(open_database(tmp_path)) as other:
        before = mine.read_data_version()
        mine.execute_statement("INSERT INTO settings VALUES ('a', '1')")
        assert mine.read_data_version() == before
        other.execute_statement("UPDATE settings SET value = '2' WHERE name = 'nothing'")
        assert mine.read_data_version() == before
        other.execute_statement("UPDATE settings SET value = '2'")
        assert mine.read_data_version() != before
        with pytest.raises(ZeroDivisionError), other.transaction():
            other.execute_statement("UPDATE settings SET value = '3'")
            raise ZeroDivisionError
        assert mine.fetch_setting("a") == 2


def test_an_address_that_was_not_written_here_calls_nobody(tmp_path: Path, shared_home: LoopbackServer) -> None:
    write_address(tmp_path, parse_address(shared_home.name_library("signed")))
    text = (tmp_path / "server.json").read_text()
    (tmp_path / "server.json").write_text(text.replace("library=signed", "library=other"))
    with pytest.raises(LibraryError, match="not by what this computer has written"):
        open_database(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://anna:secret@db/photos?library=museum", "password"),
        ("postgresql://anna@db/photos?library=museum&password=secret", "password"),
        ("postgresql://anna@db/photos", "names no library"),
        ("postgresql://anna@db/photos?library=a%22b", "names no library"),
        ("mysql://anna@db/photos?library=museum", "no kind of server"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(LookalikeError, match=said) as refused:
        parse_address(text)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    write_address(tmp_path, parse_address("postgresql://tester@127.0.0.1:1/photos?library=museum"))
    with pytest.raises(LibraryError, match=r"museum on 127\.0\.0\.1 cannot be reached just now") as fault:
        open_database(tmp_path)
    assert "\n" not in str(fault.value)


def test_two_computers_use_one_library(
    tmp_path: Path, shared_home: LoopbackServer, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two home folders stand for two computers."""
    uri = shared_home.name_library("team")
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "one"))
    folder = enter_shared_library(uri)
    fill(folder, clustered(30), publish=False)
    found = tell(tmp_path / "two", "info", "--library", uri, "--json").result()
    assert (found["photos"], found["files"]) == (30, 30)
    assert not list(tmp_path.rglob("library.sqlite"))
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "two"))
    with Library.open(folder) as one, Library.open(enter_shared_library(uri)) as two:
        assert one.folder != two.folder
        one.annotations.set_label([3], "wolf")
        assert two.annotations.read_labels(two.model_id) == {3: "wolf"}
        assert [hit[:3] for hit in one.search(Query((3,)), k=9).hits] == [
            hit[:3] for hit in two.search(Query((3,)), k=9).hits
        ]
        with one.store.take_job_lock(), pytest.raises(LibraryBusy, match="Another computer"), two.store.take_job_lock():
            pass


def make_older(server: LoopbackServer, library: str) -> None:
    """A shared library as the first version of its tables left it, with a labelled photo."""
    with psycopg.connect(server.name_library(library).partition("?")[0], autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {library}; SET search_path = {library}")
        db.execute(MIGRATIONS[0])
        db.execute("INSERT INTO tables_version VALUES (1); UPDATE revision SET number = 7")
        db.execute("INSERT INTO photos (sha256) VALUES (sha256('a')); INSERT INTO labels VALUES (1, 'wolf')")


def test_a_library_of_the_first_version_keeps_what_was_said(tmp_path: Path, shared_home: LoopbackServer) -> None:
    make_older(shared_home, "older")
    write_address(tmp_path, parse_address(shared_home.name_library("older")))
    with closing(open_database(tmp_path)) as database:
        with database.reading("test"):
            assert database.fetch_rows("SELECT * FROM labels") == [(1, "wolf")]
        database.execute_statement("UPDATE labels SET label = 'bear'")
        with database.reading("test"):
            assert database.fetch_rows("SELECT * FROM labels") == [(1, "bear")]
        assert database.fetch_integer("SELECT version FROM tables_version") == len(MIGRATIONS)


def test_what_a_program_of_the_first_version_writes_is_seen(tmp_path: Path, shared_home: LoopbackServer) -> None:
    write_address(tmp_path, parse_address(shared_home.name_library("mixed")))
    with closing(open_database(tmp_path)) as database:
        for value in ("1", "2"):
            with psycopg.connect(shared_home.name_library("mixed").partition("?")[0], autocommit=True) as older:
                older.execute(
                    f"DELETE FROM mixed.settings; INSERT INTO mixed.settings VALUES ('a', '{value}');"
                    "UPDATE mixed.revision SET number = number + 1"
                )
            with database.reading("test"):
                assert database.fetch_setting("a") == int(value)


def test_who_gave_which_label_and_when_is_kept(tmp_path: Path, shared_home: LoopbackServer) -> None:
    """Two users label one photo: the last commit wins, and both are known."""
    write_address(tmp_path, parse_address(shared_home.name_library("authors")))
    own = shared_home.name_library("authors")
    with psycopg.connect(own.partition("?")[0], autocommit=True) as db, closing(open_database(tmp_path)) as mine:
        mine.execute_statement("INSERT INTO photos (sha256) VALUES (?)", (bytes(32),))
        for role in ("anna", "berta"):
            db.execute(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA authors TO {role}")
            db.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA authors TO {role}")
            db.execute(f"REVOKE INSERT, UPDATE, DELETE ON authors.label_history FROM {role}")
            (tmp_path / role).mkdir()
            write_address(tmp_path / role, parse_address(own.replace("tester@", f"{role}@")))
        with closing(open_database(tmp_path / "anna")) as anna, closing(open_database(tmp_path / "berta")) as berta:
            Annotations(anna).set_label([1], "wolf")
            Annotations(berta).set_label([1], "dog")
            Annotations(anna).set_label([1], None)
            found = read_label_history(mine, 1)
            with pytest.raises(LibraryError, match="may only be read"):
                berta.execute_statement("DELETE FROM label_history")
    assert [(change.who, change.label) for change in found] == [("anna", "wolf"), ("berta", "dog"), ("anna", None)]
    assert sorted(change.moment for change in found) == [change.moment for change in found]


def test_large_values_are_stored_and_read_alone_and_with_others(tmp_path: Path, shared_home: LoopbackServer) -> None:
    write_address(tmp_path, parse_address(shared_home.name_library("large")))
    value, insert = bytes(range(256)) * (8 << 12), "INSERT INTO model_files VALUES (?, 'model.json', ?)"
    ask = "SELECT bytes FROM model_files WHERE fingerprint = ?"
    with closing(open_database(tmp_path)) as database:
        database.execute_statement(insert, ("a", value))  # more than the socket takes at once
        with database.transaction():
            database.execute_together([(insert, ("b", value)), (insert, ("c", value))])
            answers = database.fetch_together([(ask, (name,)) for name in "abc"])
        assert answers == [[(value,)]] * 3
        assert database.fetch_rows(ask, ("c",)) == [(value,)]
