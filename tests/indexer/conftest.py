"""What the engine's tests share: a folder that cannot be written, and a library for a tiny model."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from indexer.cli.terminal import run_command
from indexer.library import Library
from retrieval_app.commands import lookalike_command as command_line
from tests.support.commands import Said, lookalike
from tests.support.made_once import make_once
from tests.support.rights import Rights
from tests.support.trees import paint


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


@pytest.fixture
def home(prepared: Prepared, tmp_path: Path) -> Path:
    """A copy of the prepared home."""
    return Path(shutil.copytree(prepared.home, tmp_path / "home"))


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process: `tell(home, "info", "--json")`."""

    def run_inside(home: Path, *words: str | Path) -> Said:
        monkeypatch.setenv("LOOKALIKE_HOME", str(home))
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        capfd.readouterr()
        code = run_command(command_line.main, [str(word) for word in words])
        return Said(code, *capfd.readouterr())

    return run_inside
