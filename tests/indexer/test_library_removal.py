"""A library gets another name, or goes: only what it has written itself, and no photo."""

import os
import shutil
from pathlib import Path

import pytest

from indexer.errors import LibraryBusy, LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.places import choose_library_folder, delete_library, list_library_contents, name_library, rename_library
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.trees import paint, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of three pictures with a label, a decision and a saved search."""
    for number in range(3):
        paint(tmp_path / "photos" / f"{number}.png", number + 40)
    folder = tmp_path / "home" / "old name.library"
    with Library.create(folder) as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        first, second, _ = library.find_photo_ids().tolist()
        library.annotations.set_label([first], "cat")
        library.annotations.record_decision([(first, second)])
        library.annotations.save_search("s", {"positives": []})
    return folder


def test_all_that_a_library_has_written_goes_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (folder / "layouts").mkdir()
    (folder / "layouts" / f"{'a' * 64}-tsne.npz").write_bytes(b"map")
    (folder / ".library.sqlite.0123456789ab.partial").write_bytes(b"half")
    (folder / "my notes.txt").write_text("mine")
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "photo.jpg").write_bytes(b"mine too")
    outside = tmp_path / "outside.txt"
    outside.write_text("elsewhere")
    (folder / "link.sqlite").symlink_to(outside)
    photos = snapshot(tmp_path / "photos")

    contents = list_library_contents(folder)
    assert contents.words == (1, 1, 1)
    assert {path.name for path in contents.foreign_files} == {"my notes.txt", "photo.jpg", "link.sqlite"}
    assert contents.own_files[-1] == folder / "library.sqlite"
    assert contents.byte_count == sum(path.stat().st_size for path in contents.own_files)

    assert set(drain(delete_library(folder)).own_files) == {*contents.own_files, folder / "job.lock"}
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert left == ["link.sqlite", "models", "models/photo.jpg", "my notes.txt"]
    assert outside.read_text() == "elsewhere" and snapshot(tmp_path / "photos") == photos


def test_a_library_that_holds_nothing_else_is_gone_altogether(folder: Path) -> None:
    drain(delete_library(folder))
    assert not folder.exists() and folder.parent.exists()


def test_a_deletion_that_is_cut_off_leaves_a_library_that_can_be_deleted(folder: Path) -> None:
    steps = delete_library(folder)
    next(steps)
    next(steps)
    steps.close()
    assert (folder / "library.sqlite").exists()
    drain(delete_library(folder))
    assert not folder.exists()


def test_what_is_at_work_is_not_deleted_or_renamed(folder: Path) -> None:
    before = snapshot(folder)
    with Library.open(folder) as library, library.store.take_job_lock():
        for change in (lambda: drain(delete_library(folder)), lambda: rename_library(folder, "other")):
            with pytest.raises(LibraryBusy, match="old name"):
                change()
    assert {path: before[path] for path in before if "library.sqlite" in str(path)}
    assert folder.exists()


def test_a_damaged_library_can_be_deleted(folder: Path) -> None:
    (folder / "library.sqlite").write_bytes(b"no database")
    assert list_library_contents(folder).words is None
    drain(delete_library(folder))
    assert not folder.exists()


def test_a_link_in_the_place_of_a_name_of_ours_is_not_followed(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "generations", tmp_path / "precious")
    (folder / "generations").symlink_to(tmp_path / "precious")
    with pytest.raises(LookalikeError, match="generations"):
        drain(delete_library(folder))
    assert list((tmp_path / "precious").iterdir()) and (folder / "library.sqlite").exists()


def test_a_renamed_library_finds_what_it_found(folder: Path) -> None:
    with Library.open(folder) as library:
        before = [hit.photo.path for hit in library.search(Query((library.find_photo_ids().tolist()[0],))).hits]
    target = rename_library(folder, "new name")
    assert (target.name, name_library(target)) == ("new name.library", "new name") and not folder.exists()
    with Library.open(target) as library:
        after = [hit.photo.path for hit in library.search(Query((library.find_photo_ids().tolist()[0],))).hits]
        assert library.annotations.count_annotations() == (1, 1, 1)
    assert before == after


@pytest.mark.parametrize("name", ["", "  ", "a/b", "..", ".hidden", "../x", "a\0b", "old name", "old name.library"])
def test_a_name_that_is_none_or_taken_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(LookalikeError):
        choose_library_folder(name, folder.parent)
    with pytest.raises(LookalikeError):
        rename_library(folder, name)
    assert os.listdir(folder.parent) == [folder.name]  # noqa: PTH208
