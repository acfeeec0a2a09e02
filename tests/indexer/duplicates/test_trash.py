"""Copies go to the trash by an express act and come back: never the last one, never a link, never what has changed."""

import csv
import io
import os
import shutil
from pathlib import Path

import pytest
import send2trash.plat_other

from indexer.duplicates.keep_rules import GroupFile, choose_kept
from indexer.duplicates.trash import TrashOutcome, allow_trash, move_to_trash, put_back
from indexer.duplicates.trash_journal import TrashJournal
from indexer.errors import LibraryBusy, LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from tests.support.commands import Tell
from tests.support.embedders import Tiny
from tests.support.soft_pictures import soft
from tests.support.trash_folder import use_own_trash


@pytest.fixture(autouse=True)
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use_own_trash(tmp_path, monkeypatch)


@pytest.fixture
def folder(library: Library, tmp_path: Path) -> Path:
    """Picture 0 in three files, picture 1 in one, indexed."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    soft(0).save(folder / "a.png")
    soft(1).save(folder / "single.png")
    for name in ("b.png", "sub/c\udcff.png"):
        shutil.copy(folder / "a.png", folder / name)
    drain(index_library(library, [folder], Tiny()))
    return folder


def move(library: Library, *paths: Path) -> TrashOutcome:
    return drain(move_to_trash(library, [bytes(path) for path in paths]))


def reasons(outcome: TrashOutcome) -> list[str]:
    return [file.reason for file in outcome.refused]


def count_present(library: Library) -> int:
    return library.store.database.fetch_integer("SELECT count(*) FROM files WHERE state = 'present'")


def test_copies_go_and_come_back_and_the_last_one_stays(library: Library, folder: Path, trash: Path) -> None:
    paths = [folder / "a.png", folder / "b.png", folder / "sub" / "c\udcff.png"]
    content, times = paths[0].read_bytes(), paths[1].stat().st_mtime_ns
    outcome = move(library, *paths, folder / "single.png")
    assert outcome.done == [bytes(paths[0]), bytes(paths[1])]
    assert reasons(outcome) == ["is the only file that holds this picture"] * 2
    assert [path.exists() for path in paths] == [False, False, True]
    assert sorted(path.name for path in (trash / "files").iterdir()) == ["a.png", "b.png"]
    assert count_present(library) == 2
    assert drain(put_back(library)).done == [bytes(paths[0]), bytes(paths[1])]
    assert all(path.read_bytes() == content for path in paths) and paths[1].stat().st_mtime_ns == times
    assert not any((trash / "info").iterdir()) and not any((trash / "files").iterdir())
    assert count_present(library) == 4
    with pytest.raises(LookalikeError, match="No file was moved"):
        drain(put_back(library))


def test_what_comes_back_replaces_nothing_and_batches_come_back_one_by_one(
    library: Library, folder: Path, trash: Path
) -> None:
    first, second = folder / "a.png", folder / "sub" / "c\udcff.png"
    move(library, first)
    move(library, second)
    assert drain(put_back(library)).done == [bytes(second)]
    first.write_bytes(b"another")
    outcome = drain(put_back(library))
    assert (outcome.done, reasons(outcome)) == ([], ["is there again, and nothing is replaced"])
    assert first.read_bytes() == b"another" and (trash / "files" / "a.png").exists()
    first.unlink()
    assert drain(put_back(library)).done == [bytes(first)]


def test_links_second_names_and_changed_files_stay(library: Library, folder: Path) -> None:
    (folder / "link.png").symlink_to("a.png")
    (folder / "name.png").hardlink_to(folder / "single.png")
    drain(index_library(library, [], Tiny()))
    (folder / "b.png").write_bytes((folder / "single.png").read_bytes())
    outcome = move(library, *(folder / name for name in ("link.png", "a.png", "name.png", "b.png", "none.png")))
    assert outcome.done == []
    said = dict(zip(("link", "a", "name", "b", "none"), reasons(outcome), strict=True))
    assert said["link"] == "is a link"
    assert said["a"] == f"is also reached as {folder / 'link.png'}"
    assert said["name"] == "has a second name (a hard link), so it is no copy"
    assert "has changed since it was indexed" in said["b"]
    assert said["none"] == "is no file of this library"


def test_a_copy_that_is_gone_changed_or_only_a_link_by_now_saves_nothing(library: Library, folder: Path) -> None:
    others = (folder / "b.png", folder / "sub" / "c\udcff.png")
    others[0].write_bytes(b"changed")
    others[1].unlink()
    others[1].symlink_to(folder / "a.png")
    assert move(library, folder / "a.png").done == []
    assert (folder / "a.png").is_file()


def test_nothing_goes_below_an_offline_or_read_only_root_nor_counts_as_a_copy_there(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root,) = library.store.files.list_roots()
    library.store.files.set_online(root.id, online=False)
    assert reasons(move(library, folder / "a.png")) == ["is in a folder that is offline"]
    library.store.files.set_online(root.id, online=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert reasons(move(library, folder / "a.png")) == ["is in a folder that can only be read"]


def test_it_can_be_switched_off_and_waits_for_no_job(library: Library, folder: Path) -> None:
    allow_trash(library, allowed=False)
    with pytest.raises(LookalikeError, match="switched off"):
        move(library, folder / "a.png")
    allow_trash(library, allowed=True)
    with library.store.take_job_lock(), Library.open(library.folder) as other, pytest.raises(LibraryBusy):
        drain(move_to_trash(other, [bytes(folder / "a.png")]))


def test_a_move_that_was_cut_short_is_taken_back_too(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move_and_die(path: bytes) -> None:
        send2trash.plat_other.send2trash(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(send2trash, "send2trash", move_and_die)
    with pytest.raises(KeyboardInterrupt):
        move(library, folder / "a.png")
    assert [file.place for file in TrashJournal(library.folder).list_gone()] == [None]
    assert drain(put_back(library)).done == [bytes(folder / "a.png")]
    assert (folder / "a.png").is_file()


# rules, plan and command


def make_file(path: str, pixels: int = 10, size: int = 5, mtime: int = 1, link_of: bytes = b"") -> GroupFile:
    return GroupFile(path.encode(), 1, b"", size, pixels, 1, mtime, link_of)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("largest", "/p/big.png"),
        ("oldest", "/p/IMG_0001.png"),
        ("newest", "/q/beach copy.png"),
        ("best-named", "/q/beach.png"),
        ("folder", "/q/beach.png /q/beach copy.png"),
    ],
)
def test_each_rule_keeps_what_it_says(rule: str, kept: str) -> None:
    group = [
        make_file("/p/big.png", pixels=20, mtime=5),
        make_file("/p/IMG_0001.png", mtime=1),
        make_file("/q/beach.png", mtime=3),
        make_file("/q/beach copy.png", mtime=9),
        make_file("/a/link.png", pixels=99, mtime=0, link_of=b"/p/big.png"),
    ]
    group[0] = group[0]._replace(path=b"/p/DSC00001 (2).png") if rule == "best-named" else group[0]
    assert b" ".join(file.path for file in choose_kept(group, rule, b"/q")).decode() == kept


def test_a_group_without_a_file_in_the_folder_is_kept_whole() -> None:
    group = [make_file("/p/a.png"), make_file("/p/b.png")]
    assert choose_kept(group, "folder", b"/q") == group


def test_command_plans_asks_moves_and_puts_back(home: Path, tmp_path: Path, tell: Tell, trash: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    soft(0).save(folder / "=a.png")
    shutil.copy(folder / "=a.png", folder / "=a (2).png")
    with Library.create(home / "default.library") as library:
        drain(index_library(library, [folder], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
    plan = tmp_path / "plan.csv"
    planned = tell(home, "duplicates", "--keep", "best-named", "--plan", plan, "--json").result()
    assert (planned["groups"], planned["moving"]) == (1, 1)
    rows = list(csv.DictReader(io.StringIO(plan.read_text())))
    assert [(row["action"], Path(row["path"].lstrip("'")).name) for row in rows] == [
        ("keep", "=a.png"),
        ("move", "=a (2).png"),
    ]
    assert tell(home, "duplicates", "--keep", "oldest", "--plan", plan).code == 2  # it is there already
    asked = tell(home, "duplicates", "--plan", plan, "--trash", "--json")
    assert (asked.code, "needs --yes" in asked.err) == (2, True) and (folder / "=a (2).png").exists()
    moved = tell(home, "duplicates", "--plan", plan, "--trash", "--yes", "--json").result()
    assert [Path(path).name for path in moved["trashed"]] == ["=a (2).png"] and moved["refused"] == []
    assert not (folder / "=a (2).png").exists() and (folder / "=a.png").exists()
    again = tell(home, "duplicates", "--plan", plan, "--trash", "--yes")
    assert (again.code, "is no file of this library" in again.out) == (1, True)
    assert tell(home, "duplicates", "--put-back").out == "1 file put back, 0 not.\n"
    assert (folder / "=a (2).png").exists()
    assert tell(home, "duplicates", "--forbid-trash").code == 0
    assert tell(home, "duplicates", "--plan", plan, "--trash", "--yes").code == 2
    for words in (("--keep", "oldest"), ("--trash",), ("--plan", plan), ("--keep", "folder", "--plan", plan)):
        assert tell(home, "duplicates", *words).code == 2
