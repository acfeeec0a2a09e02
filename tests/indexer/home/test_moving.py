"""What lies in a home folder is moved whole to another drive, or stays as it is, at whatever moment it is cut off."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.atomic import has_same_files
from indexer.library import Library
from indexer.places import list_home_contents, list_model_contents, move_contents
from indexer.progress import drain
from tests.support.rights import Rights
from tests.support.trees import paint

MEMORY_DISK = Path("/dev/shm")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A home folder with a library that has a label, a training, the page of a study and what is not ours."""
    home = tmp_path / "before"
    with Library.create(home / "a.library") as library:
        library.store.models.set_setting("kept", "in the database")
    for name in ("a.library/models/0f/model.json", "checkpoints/c/model.safetensors", "studies/s.html", "film.mp4"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(name.encode() * 1000)
    return home


@pytest.fixture
def other_drive(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on another drive than the temporary files."""
    if not MEMORY_DISK.is_dir() or MEMORY_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("There is one drive only")
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as folder:
        yield Path(folder)


@pytest.mark.parametrize("is_other_drive", [False, True])
def test_a_home_is_moved_whole_and_what_is_not_ours_stays(
    before: Path, tmp_path: Path, other_drive: Path, is_other_drive: bool
) -> None:
    after = other_drive if is_other_drive else tmp_path / "after"
    after.mkdir(exist_ok=True)
    shutil.copytree(before, tmp_path / "original")
    outcome = drain(move_contents(list_home_contents(before), before, after))
    assert outcome.stayed == []
    names = ["a.library", "checkpoints/c", "studies/s.html"]
    assert outcome.moved == {before / name: after / name for name in names}
    assert all(has_same_files(tmp_path / "original" / name, after / name) for name in names[1:])
    with Library.open(after / "a.library") as library:
        assert library.store.models.read_setting("kept") == "in the database"
    assert [path.name for path in before.rglob("*") if path.is_file()] == ["film.mp4"]
    assert not list(after.rglob("*.partial"))


def test_a_library_that_is_open_or_at_work_stays_and_the_others_go(
    before: Path, other_drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.database.sqlite.connection.CLOSING_SECONDS", 0)
    with Library.open(before / "a.library") as library:
        outcome = drain(move_contents(list_home_contents(before), before, other_drive))
        sentence = f"The library {before / 'a.library'} is open in another window or program, and stays where it is."
        assert outcome.stayed == [sentence]
        assert len(outcome.moved) == 2
        with library.store.take_job_lock():
            outcome = drain(move_contents(list_home_contents(before), before, other_drive))
        assert outcome.stayed == ["The library a is being worked on: wait until that is done."]
    assert list(drain(move_contents(list_home_contents(before), before, other_drive)).moved.values()) == [
        other_drive / "a.library"
    ]


def test_what_changes_while_it_is_copied_stays(before: Path, other_drive: Path) -> None:
    moving = move_contents([before / "a.library"], before, other_drive)
    next(moving)
    next(moving)  # a file of it is copied
    with Library.open(before / "a.library") as library:
        library.store.models.set_setting("said", "meanwhile")
    outcome = drain(moving)
    assert (outcome.moved, len(outcome.stayed)) == ({}, 1)
    assert not list(other_drive.rglob("*"))
    with Library.open(before / "a.library") as library:
        assert library.store.models.read_setting("said") == "meanwhile"


def test_a_folder_that_is_a_link_to_the_new_one_loses_nothing(before: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(before)
    for one, other in ((before, tmp_path / "link"), (tmp_path / "link", before)):
        outcome = drain(move_contents(list_home_contents(one), one, other))
        assert (outcome.moved, len(outcome.stayed)) == ({}, 3)
    assert len(list_home_contents(before)) == 3
    with Library.open(before / "a.library") as library:
        assert library.store.models.read_setting("kept") == "in the database"


def test_nothing_is_replaced(before: Path, other_drive: Path) -> None:
    Library.create(other_drive / "a.library").close()
    outcome = drain(move_contents([before / "a.library"], before, other_drive))
    assert outcome.moved == {}
    assert "stays where it is: something of that name is in" in outcome.stayed[0]
    with Library.open(before / "a.library") as library:
        assert library.store.models.read_setting("kept") == "in the database"


def test_a_full_drive_and_one_that_cannot_be_written_leave_all_as_it_is(
    before: Path, other_drive: Path, open_to_all: Path, rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(before, open_to_all / "home")
    for path in [open_to_all / "home", *(open_to_all / "home").rglob("*")]:
        path.chmod(0o777)
    rights.take(other_drive)
    outcome = drain(move_contents(list_home_contents(open_to_all / "home"), open_to_all / "home", other_drive))
    rights.give_back()
    assert outcome.moved == {}
    assert [sentence.endswith("stays where it is (Permission denied).") for sentence in outcome.stayed] == [True] * 3

    def fill_up(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(shutil, "copy2", fill_up)
        outcome = drain(move_contents(list_home_contents(before), before, other_drive))
    assert [sentence.endswith("stays where it is (No space left on device).") for sentence in outcome.stayed] == [
        True
    ] * 3
    assert not [path for path in other_drive.rglob("*") if path.is_file()]
    with monkeypatch.context() as small:
        small.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
        outcome = drain(move_contents(list_home_contents(before), before, other_drive))
    assert ["there is not enough room in" in sentence for sentence in outcome.stayed] == [True] * 3
    assert len(drain(move_contents(list_home_contents(before), before, other_drive)).moved) == 3


@pytest.mark.parametrize("stride", [41, pytest.param(1, marks=pytest.mark.long)])
def test_a_move_that_is_killed_loses_nothing_and_goes_on(
    before: Path, tmp_path: Path, other_drive: Path, stride: int
) -> None:
    arguments = [str(before), str(tmp_path / "work"), str(other_drive), str(stride)]
    (tmp_path / "work").mkdir()
    command = [sys.executable, "-m", "tests.support.killed_move", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.split("\n")
    assert len(said) == 2, said
    assert int(said[0]) > 50 / stride


def test_prepared_models_are_moved_by_their_fingerprints(tmp_path: Path, other_drive: Path) -> None:
    models = tmp_path / "models"
    for name in ("0f" * 16, "downloads"):
        (models / name).mkdir(parents=True)
        paint(models / name / "x.png", 7)
    moved = drain(move_contents(list_model_contents(models), models, other_drive)).moved
    assert list(moved) == [models / ("0f" * 16)]
    assert (other_drive / ("0f" * 16) / "x.png").is_file()
    assert [path.name for path in models.iterdir()] == ["downloads"]
