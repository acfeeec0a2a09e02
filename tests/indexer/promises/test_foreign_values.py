"""A library whose tables are ours but hold values of any kind ends in an answer or a sentence, never in a traceback."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.search.query import Query
from tests.support.commands import Said
from tests.support.embedders import write_card
from tests.support.vectors import clustered, fill

Tell = Callable[..., Said]
VALUES = {
    "roots.path": "5",
    "roots.online": "'yes'",
    "files.path": "hex(path)",
    "files.size": "x'00'",
    "files.mtime_ns": "'x'",
    "files.label": "x'ff'",
    "files.state": "x'ff'",
    "photos.sha256": "hex(sha256)",
    "photos.width": "'wide'",
    "embeddings.vector": "'text'",
    "embeddings.precision": "x'ff'",
    "models.dim": "'many'",
    "models.name": "x'ff'",
    "settings.value": "x'ff'",
    "generations.built_upto": "'x'",
    "generations.manifest_sha256": "x'ff'",
    "checksums.crc32": "'x'",
    "labels.label": "x'ff'",
}
COMMANDS = (
    "info",
    "info --json",
    "failed",
    "missing",
    "roots",
    "export OUT.csv",
    "export OUT.npy --what vectors",
    "duplicates",
    "map --method pca",
    "check",
    "searches",
    "forget --missing --yes",
)


def write_foreign(folder: Path, column: str, value: str) -> None:
    """Write a value that the table's own text forbids, as a program of its own making can."""
    table, name = column.split(".")
    with closing(sqlite3.connect(folder / "library.sqlite", isolation_level=None)) as foreign:
        foreign.execute("PRAGMA writable_schema = ON")
        ((text,),) = foreign.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
        loose = text.removesuffix(" STRICT").removesuffix(",")
        foreign.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, table))
        foreign.execute("PRAGMA writable_schema = RESET")
        foreign.execute("PRAGMA ignore_check_constraints = ON")
        foreign.execute(f"UPDATE {table} SET {name} = {value}")
        foreign.execute("PRAGMA writable_schema = ON")
        foreign.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (text, table))


@pytest.mark.parametrize("column", VALUES)
def test_value_of_a_wrong_kind_is_an_answer_or_a_sentence(tmp_path: Path, tell: Tell, column: str) -> None:
    folder = tmp_path / "x.library"
    fill(folder, clustered(30))
    write_card(folder / "models")
    with Library.open(folder) as library:
        library.annotations.set_label([1, 2], "a")
    write_foreign(folder, column, VALUES[column])
    for line in (*COMMANDS, *(("cluster --json",) if column.endswith(".label") else ())):
        said = tell(tmp_path, *line.replace("OUT", str(tmp_path / "out")).split(), "--library", folder)
        assert said.code in (0, 1, 2), said
        assert said.code != 2 or len(said.err.splitlines()) in (1, 2), said  # the second: where nothing may be written
    try:
        with Library.open(folder) as library:
            assert not library.store.database.is_intact()
    except LookalikeError:
        pass


def test_a_file_of_a_photo_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(20))
    with closing(sqlite3.connect(tmp_path / "x.library" / "library.sqlite", isolation_level=None)) as foreign:
        foreign.execute("UPDATE files SET photo = 1000000 WHERE photo = 7")
    with (
        Library.open(tmp_path / "x.library") as library,
        pytest.raises(LookalikeError, match="database is damaged"),
    ):
        library.search(Query((3,)), k=3)
