"""What the engine's tests share: a folder that cannot be written, and a library for a tiny model."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rights import Rights

from indexer.library import Library


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
