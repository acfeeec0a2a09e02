"""What the engine's tests share: a folder that cannot be written, and a library for a tiny model."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from indexer.database.postgresql.address import parse_address
from indexer.database.shared_folder import write_address
from indexer.library import Library
from indexer.progress import drain
from indexer.search import generations
from tests.support.commands import lookalike
from tests.support.library_copies import copy_library
from tests.support.made_once import make_once
from tests.support.postgresql_server import LoopbackServer, hold_server, make_server
from tests.support.rights import Rights
from tests.support.small_index import index_small_libraries
from tests.support.trees import paint

LIBRARY_PLACES = ("x.library", "home/test.library")  # below a test's folder


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """An empty folder that a user without rights can reach too."""
    folder = Path(tempfile.mkdtemp(prefix="lookalike-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def rights(open_to_all: Path) -> Iterator[Rights]:
    """Rights below `open_to_all`, given back at the end."""
    assert open_to_all.is_dir()
    rights = Rights()
    yield rights
    rights.give_back()


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackServer]:
    """The PostgreSQL server of the run; each test uses libraries of its own on it."""
    base = tmp_path_factory.getbasetemp()
    with hold_server(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base, make_server) as server:
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for an `engine` on both databases; what is marked `sqlite_file` is about SQLite's file itself."""
    if "engine" in metafunc.fixturenames:
        is_core = metafunc.definition.get_closest_marker("both_databases") is not None
        on_server = pytest.param("postgresql", marks=[] if is_core else pytest.mark.long)
        is_marked = metafunc.definition.get_closest_marker("sqlite_file") is not None
        is_own = is_marked or "prepared" in metafunc.fixturenames  # whose library is in a folder
        metafunc.parametrize("engine", ["sqlite", *([] if is_own else [on_server])], indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The kind of database that libraries of the test have: the folders of shared ones name a server beforehand."""
    kind = str(request.param)
    if kind == "postgresql":
        server: LoopbackServer = request.getfixturevalue("shared_home")
        for folder in (tmp_path, *(tmp_path / name for name in LIBRARY_PLACES)):
            folder.mkdir(parents=True, exist_ok=True)
            write_address(folder, parse_address(server.name_library(f"t{secrets.token_hex(8)}")))
    return kind


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """An empty library beside, not in, the folder `photos`."""
    with Library.create(tmp_path / "home" / "test.library") as opened:
        yield opened


class Prepared(NamedTuple):
    """A home whose default library holds the labelled folder `photos`, indexed with the default model."""

    home: Path
    photos: Path


@pytest.fixture(scope="session")
def prepared(installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Made once: read it, never change it; `home` is a copy to change."""

    def make(place: Path) -> None:
        _prepare(place, installed_model)

    place = make_once(tmp_path_factory, "prepared", make)
    return Prepared(place / "home", place / "photos")


def _prepare(place: Path, installed_model: Path) -> None:
    for number in range(60):
        paint(place / "photos" / "abc"[number % 3] / f"{number:04d}.png", number)
    (place / "photos" / "a" / "bad.png").write_text("Dear diary")
    for models in ("default.library/models", "models"):
        shutil.copytree(installed_model, place / "home" / models / installed_model.name)
    said = lookalike(place / "home", "index", place / "photos", "--labelled", "--json")
    assert said.code == 1, said  # a file failed for the first time
    with index_small_libraries(), Library.open(place / "home" / "default.library") as library:
        drain(
            generations.publish_generation(library.folder, library.store, library.model_id, library.model_fingerprint)
        )


@pytest.fixture
def home(prepared: Prepared, tmp_path: Path) -> Path:
    """A copy of the prepared home, without the files that come and go while another worker reads its library."""
    return copy_library(prepared.home, tmp_path / "home")
