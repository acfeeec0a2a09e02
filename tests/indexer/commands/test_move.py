"""A library moves to a server and back: every row with its number, killed or not; the source stays as it is."""

import random
import signal
import subprocess
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from indexer.database.interface import Database
from indexer.database.postgresql.moving import compute_digest, copy_tables
from indexer.database.postgresql.tables import TABLE_KEYS
from indexer.database.shared_folder import open_database
from indexer.errors import LibraryError
from indexer.library import Library
from indexer.photos.reading import content_hash
from indexer.photos.thumbnails import encode_thumbnail
from indexer.places import enter_shared_library
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.commands import Tell, command, environment
from tests.support.postgresql_server import LoopbackServer
from tests.support.vectors import clustered, fill, outcome

PLANTED = [(number, content_hash(str(number).encode())) for number in (3, 120, 250)]  # some that have pictures


def plant_library(folder: Path, count: int) -> None:
    """Photos with a generation, labels, decisions, a saved search, failures, missing files and gaps in the numbers."""
    fill(folder, clustered(count))
    with Library.open(folder) as library:
        library.annotations.set_label([1, 2, 3], "wölf")
        library.annotations.record_decision([(4, 5), (9, 7)])
        library.annotations.save_search("two words", {"positives": [{"photo": "00" * 32}]})
        bad = outcome(1, count + 1, clustered(1)[0])._replace(vector=None, reason="no picture", needs="raw")
        taken = outcome(1, count + 2, clustered(1)[0])._replace(
            capture=(-5, 60, "Mäker", "", "", 0.005, 1.8, 100, 50.0, None, -33.25)
        )
        library.store.record_outcomes([bad, taken], library.model_id)
        library.store.files.set_state(1, [b"000006.jpg"], "missing")
        library.store.files.add_root(b"/nowhere/\xff\xfe", labelled=True)
        library.store.files.set_state(1, [b"%06d.jpg" % (count + 2)], "missing")
        library.store.forget_missing()


def digest_tables(database: Database) -> dict[str, object]:
    return {table: compute_digest(database, table) for table in TABLE_KEYS}


def digest_folder(folder: Path) -> dict[str, object]:
    with closing(open_database(folder)) as database:
        last = {table: database.find_last_id(table) for table in ("photos", "embeddings", "generations")}
        return digest_tables(database) | last


def read_files(folder: Path) -> dict[Path, bytes]:
    """The content of every file of a library, but for its lock and what SQLite needs while it is open."""
    passing = ("job.lock", "library.sqlite-wal", "library.sqlite-shm")
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in passing}


def test_a_library_moves_to_a_server_and_back(tmp_path: Path, shared_home: LoopbackServer, tell: Tell) -> None:
    home = tmp_path / "home"
    plant_library(home / "own.library", 60)
    before, files = digest_folder(home / "own.library"), read_files(home / "own.library")
    uri = shared_home.name_library("moved")
    said = tell(home, "move", home / "own.library", uri, "--json").result()
    assert said["rows"]["photos"] == 61
    assert tell(home, "move", uri, home / "back.library").code == 0
    assert digest_folder(home / "back.library") == before == digest_folder(enter_shared_library(uri))
    assert read_files(home / "own.library") == files
    assert "is there already" in tell(home, "move", home / "own.library", uri).err
    with Library.open(home / "own.library") as own, Library.open(enter_shared_library(uri)) as shared:
        for photo in (1, 7, 33):
            query = Query((photo,))
            assert [(hit.photo.id, hit.distance) for hit in own.search(query, exact=True).hits] == [
                (hit.photo.id, hit.distance) for hit in shared.search(query, exact=True).hits
            ]


def test_thumbnails_move_along_to_a_server(tmp_path: Path, shared_home: LoopbackServer, tell: Tell) -> None:
    home = tmp_path / "home"
    plant_library(home / "own.library", 300)
    pictures = {sha256: encode_thumbnail(Image.new("RGB", (40, 30), (number, 0, 0))) for number, sha256 in PLANTED}
    with Library.open(home / "own.library") as library:
        library.thumbnails.put(pictures.items())
    uri = shared_home.name_library("pictured")
    assert tell(home, "move", home / "own.library", uri).code == 0
    with Library.open(next(home.glob("pictured*.library"))) as library:
        known = {photo.sha256: library.read_thumbnail(photo) for photo in library.load_photos(range(1, 301))}
    assert {sha256 for sha256, jpeg in known.items() if jpeg} == set(pictures)
    for number, sha256 in PLANTED:
        shown = Image.open(BytesIO(known[sha256] or b"")).convert("RGB")
        assert shown.size == (40, 30)
        assert abs(shown.getpixel((20, 15))[0] - number) < 4  # type: ignore[index]


def test_a_library_that_changes_while_it_is_copied_is_copied_again(
    tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    plant_library(tmp_path / "own.library", 30)
    target = enter_shared_library(shared_home.name_library("changing"))
    with Library.open(tmp_path / "own.library") as library, closing(open_database(target)) as database:
        steps = copy_tables(library.store.database, database)
        while next(steps).note != "decisions":  # which come behind the labels
            pass
        library.annotations.set_label([20], "late")
        with pytest.raises(LibraryError, match="was changed while it was copied"):
            drain(steps)
        drain(copy_tables(library.store.database, database))
        assert digest_tables(database) == digest_tables(library.store.database)


@pytest.mark.long
def test_a_move_that_is_killed_goes_on(tmp_path: Path, shared_home: LoopbackServer) -> None:
    """2,000 photos, killed at ten random moments of the copying."""
    home, draw = tmp_path / "home", random.Random(5)
    plant_library(home / "own.library", 2000)
    before = digest_folder(home / "own.library")
    words = command("move", home / "own.library", shared_home.name_library("killed"), "--json")
    kills = 0
    while kills < 10:
        with subprocess.Popen(words, env=environment(home), stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines = draw.randint(1, 3)
            for _ in range(lines):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
        kills += 1
    subprocess.run(words, env=environment(home), check=True, stdout=subprocess.DEVNULL)
    shared = next(path for path in home.glob("*.library") if (path / "server.json").exists())
    assert digest_folder(shared) == before
