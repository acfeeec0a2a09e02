"""What is read is let go before it gets another name or another content: Windows refuses that otherwise."""

import mmap
from pathlib import Path
from typing import Any

import pytest

from indexer.library import Library
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.open_files import watch_renames
from tests.support.small_index import index_small_libraries
from tests.support.trees import paint


@pytest.mark.parametrize("way", ["open", "mapped"])
def test_a_rename_of_what_is_open_is_noted(tmp_path: Path, way: str) -> None:
    """The negative control: a file that is open, and one that is only mapped, in a folder that is renamed."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(bytes(mmap.PAGESIZE))
    with watch_renames() as faults:
        with (folder / "file").open("rb") as file:
            kept = file if way == "open" else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if way == "mapped":
                file.close()
            folder.rename(tmp_path / "other")
            assert len(faults) >= 1
            kept.close()
        found = len(faults)
        (tmp_path / "other").rename(folder)
    assert len(faults) == found


KEPT = [["index", "MORE"], ["export", "OUT.csv"], ["export", "OUT.csv", "--overwrite"], ["check", "--repair"]]
TAUGHT = [
    ["train", "PHOTOS", "--recipe", "instant", "--out", "TAUGHT"],
    ["use", "TAUGHT", "--anyway"],
    ["use", "--previous"],
    ["export", "OUT.npy", "--what", "vectors"],
]


@pytest.mark.parametrize("steps", [KEPT, pytest.param(TAUGHT, marks=pytest.mark.long)], ids=["kept", "taught"])
def test_no_file_of_a_library_is_open_when_it_or_its_folder_is_renamed(
    home: Path, prepared: Any, tell: Tell, tmp_path: Path, steps: list[list[str]]
) -> None:
    paint(tmp_path / "MORE" / "1.png", 900)
    (tmp_path / "PHOTOS").symlink_to(prepared.photos)
    with (
        watch_renames() as faults,
        index_small_libraries(),
        Library.open(home / "default.library") as library,  # as a window that goes on searching
    ):
        assert library.search(Query((3,)), k=3)
        said = [tell(home, *(tmp_path / word if word[0].isupper() else word for word in words)) for words in steps]
    assert [(one.code, one.err) for one in said if one.code not in (0, 1)] == []
    assert faults == []
