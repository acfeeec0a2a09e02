"""An older library is brought up to date when it is opened, with all that was said in it."""

import sqlite3
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from indexer.database.sqlite.connection import SqliteDatabase, run_migrations
from indexer.database.sqlite.schema import APPLICATION_ID, MIGRATIONS

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
ROWS = """
    INSERT INTO roots (id, path, labelled, online) VALUES (1, x'2f70', 1, 1);
    INSERT INTO photos (id, sha256, width, height) VALUES (1, zeroblob(32), 3, 2), (2, randomblob(32), 3, 2);
    INSERT INTO files (root, path, size, mtime_ns, ctime_ns, state, photo, label, reason)
        VALUES (1, x'61', 5, 6, 7, 'present', 1, :label, NULL), (1, x'62', 5, 6, 7, 'missing', 2, NULL, NULL);
    INSERT INTO labels VALUES (1, 'plain'), (2, :label);
    INSERT INTO decisions VALUES (1, 2, 'no match');
    INSERT INTO searches VALUES ('mine', '{}')
"""


def make_older(path: Path, version: int) -> None:
    """A database as the version of this number left it, with two photos and what was said of them."""
    with sqlite3.connect(path) as older:
        run_migrations(older, 0, version)
        older.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        older.execute(f"PRAGMA user_version = {version}")
        for statement in ROWS.split(";"):
            older.execute(statement, {"label": DECOMPOSED} if ":label" in statement else {})
    older.close()


@pytest.mark.parametrize("version", range(2, len(MIGRATIONS)))
def test_older_library_keeps_all_that_was_said(tmp_path: Path, version: int) -> None:
    make_older(tmp_path / "library.sqlite", version)
    database = SqliteDatabase(tmp_path / "library.sqlite")
    assert database.is_intact()
    assert database.fetch_integer("PRAGMA user_version") == len(MIGRATIONS)
    assert database.fetch_rows("SELECT path, labelled, online FROM roots") == [(b"/p", 1, 1)]
    assert database.fetch_rows("SELECT id, width FROM photos") == [(1, 3), (2, 3)]
    assert database.fetch_rows("SELECT path, state, photo FROM files") == [(b"a", "present", 1), (b"b", "missing", 2)]
    assert database.fetch_rows("SELECT * FROM decisions") == [(1, 2, "no match")]
    assert database.fetch_rows("SELECT * FROM searches") == [("mine", "{}")]
    database.close()


def test_labels_of_a_version_without_spelling_are_stored_in_one_spelling(tmp_path: Path) -> None:
    make_older(tmp_path / "library.sqlite", 2)
    database = SqliteDatabase(tmp_path / "library.sqlite")
    assert database.fetch_rows("SELECT label FROM labels ORDER BY photo") == [("plain",), (COMPOSED,)]
    assert database.fetch_rows("SELECT label FROM files ORDER BY path") == [(COMPOSED,), (None,)]
    database.close()


@pytest.mark.parametrize("version", [2, 5])
def test_files_of_an_older_version_can_be_sorted_found_and_dated(tmp_path: Path, version: int) -> None:
    make_older(tmp_path / "library.sqlite", version)
    with sqlite3.connect(tmp_path / "library.sqlite") as older:
        older.execute(
            "UPDATE files SET path = ?, mtime_ns = ? WHERE photo = 1", ("Caf\u00e9/B 7.JPG".encode(), 10**18 + 5_000)
        )
    older.close()
    database = SqliteDatabase(tmp_path / "library.sqlite")
    rows = database.fetch_rows("SELECT folder, name_key, search_text, taken_us FROM files WHERE photo = 1")
    since = datetime.fromtimestamp(10**9) - datetime(1970, 1, 1)  # the file's time by this computer's clock
    taken_us = since // timedelta(microseconds=1) + 5
    assert rows == [("Caf\u00e9".encode(), "b 000000000007.jpg", "caf\u00e9/b 7.jpg", taken_us)]
    assert database.fetch_rows("SELECT * FROM captures") == []
    database.close()


def test_what_an_older_library_does_not_know_is_unknown(tmp_path: Path) -> None:
    make_older(tmp_path / "library.sqlite", 2)
    database = SqliteDatabase(tmp_path / "library.sqlite")
    assert database.fetch_rows("SELECT DISTINCT pixel_sha256 FROM photos") == [(None,)]
    assert database.fetch_rows("SELECT drive, other_drive FROM roots") == [(None, 0)]
    assert database.fetch_rows("SELECT DISTINCT linked FROM files") == [(0,)]
    assert database.fetch_rows("SELECT * FROM replacements") == []
    assert database.fetch_rows("SELECT DISTINCT excluded FROM files") == [(0,)]
    assert database.fetch_rows("SELECT passed_over FROM roots") == [(None,)]
    assert database.fetch_rows("SELECT * FROM exclusions") == []
    database.close()
