"""A walk finds every picture once, concludes nothing from what it cannot read, and takes any name."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from indexer.database.file_table import FileRecord
from indexer.database.interface import MAX_INTEGER
from indexer.database.passed_over import PassedOver
from indexer.indexing.scan import (
    TOUCHED,
    FolderListing,
    RootChanges,
    compare_listings,
    distrust_times,
    parse_folder_label,
    walk_root,
)
from tests.support.rights import Rights


def _touch(root: Path, *names: str | bytes) -> None:
    for name in names:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _files(root: Path, skip: tuple[bytes, ...] = ()) -> list[FileRecord]:
    return [file for listing in walk_root(bytes(root), skip) for file in listing.files]


def _paths(root: Path, skip: tuple[bytes, ...] = ()) -> list[bytes]:
    return sorted(file.path for file in _files(root, skip))


def _changes(found: list[FileRecord], known: list[FileRecord]) -> RootChanges:
    """The changes between a folder with these files and the files known."""
    return compare_listings([FolderListing(found, [])], known)


def test_pictures_are_found_at_any_depth_whatever_the_case(tmp_path: Path) -> None:
    _touch(tmp_path, "a.jpg", "B.JPEG", "deep/er/c.PnG", "notes.txt", "no-suffix", "deep/raw.CR2")
    assert _paths(tmp_path) == [b"B.JPEG", b"a.jpg", b"deep/er/c.PnG", b"deep/raw.CR2"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path, ".a.jpg", "._b.jpg", ".trash/c.jpg", "seen/d.jpg")
    assert _paths(tmp_path) == [b"seen/d.jpg"]


def test_folders_that_systems_and_programs_make_are_passed_over(tmp_path: Path) -> None:
    made = "@eaDir @__thumb #recycle $Recycle.bin __MACOSX lost+found .ipynb_checkpoints Mine.photoslibrary Mine.lrdata"
    made += " #snapshot @Recycle @Recently-Snapshot ~snapshot RECYCLER _gsdata_ Old.photolibrary Old.aplibrary"
    made += " Catalogue.lrcat-data Film.imovielibrary Session.cocatalog"
    _touch(tmp_path, *(f"{top}{name}/deep/x.jpg" for name in made.split() for top in ("", "seen/")))
    _touch(tmp_path, "System Volume Information/y.jpg", "seen/d.jpg", "recycle/e.jpg", "lost/f.jpg", "lrdata/g.jpg")
    _touch(tmp_path, "snapshot/h.jpg")
    assert _paths(tmp_path) == [b"lost/f.jpg", b"lrdata/g.jpg", b"recycle/e.jpg", b"seen/d.jpg", b"snapshot/h.jpg"]


def test_a_root_inside_a_catalogue_of_another_program_is_read(tmp_path: Path) -> None:
    _touch(tmp_path / "Mine.photoslibrary", "originals/a.jpg")
    assert _paths(tmp_path / "Mine.photoslibrary") == [b"originals/a.jpg"]


def test_links_to_files_are_followed_links_to_folders_are_not(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    _touch(root, "a.jpg")
    _touch(elsewhere, "b.jpg")
    (root / "linked.jpg").symlink_to(elsewhere / "b.jpg")
    (root / "folder").symlink_to(elsewhere)
    (root / "folder.jpg").symlink_to(elsewhere)
    assert _paths(root) == [b"a.jpg", b"linked.jpg"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    _touch(tmp_path, "in/a.jpg")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert _paths(tmp_path) == [b"in/a.jpg"]


def test_folder_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    _touch(tmp_path, "x.jpg/y.jpg")
    assert _paths(tmp_path) == [b"x.jpg/y.jpg"]


def test_names_are_bytes_of_any_kind(tmp_path: Path) -> None:
    names = [b"new\nline.jpg", b"caf\xe9.jpg", b"\x1b[31mred.jpg", "ünï.jpg".encode(), b" .jpg", b"-n.jpg", b"a\\b.jpg"]
    _touch(tmp_path, *names)
    assert _paths(tmp_path) == sorted(names)


def test_roots_of_their_own_are_skipped(tmp_path: Path) -> None:
    _touch(tmp_path, "a.jpg", "inner/b.jpg", "inner/deep/c.jpg", "inner2/d.jpg")
    assert _paths(tmp_path, (bytes(tmp_path / "inner"),)) == [b"a.jpg", b"inner2/d.jpg"]


def test_missing_root_is_not_readable_and_holds_nothing(tmp_path: Path) -> None:
    assert list(walk_root(bytes(tmp_path / "gone"))) == [FolderListing([], [b""])]


def test_time_beyond_what_the_database_holds_is_the_last_one(tmp_path: Path) -> None:
    _touch(tmp_path, "future.jpg")
    os.utime(tmp_path / "future.jpg", (11_000_000_000, 11_000_000_000))  # the year 2318
    assert [file.mtime_ns for file in _files(tmp_path)] == [MAX_INTEGER]


def test_folder_that_cannot_be_listed_hides_nothing(rights: Rights, open_to_all: Path) -> None:
    _touch(open_to_all, "a.jpg", "locked/b.jpg", "locked-too.jpg")
    known = _files(open_to_all)
    rights.take(open_to_all / "locked", 0o000)
    found = compare_listings(walk_root(bytes(open_to_all)), known)
    assert found == RootChanges([], [], [], 2, [b"locked/"], passed_over=PassedOver(not_entered=1))


def test_folder_whose_files_cannot_be_looked_at_hides_nothing(rights: Rights, open_to_all: Path) -> None:
    _touch(open_to_all, "a.jpg", "locked/b.jpg", "locked/c.jpg")
    known = _files(open_to_all)
    rights.take(open_to_all / "locked", 0o444)  # names can be read, nothing can be reached
    found = compare_listings(walk_root(bytes(open_to_all)), known)
    assert (found.new, found.gone, found.back, found.found) == ([], [], [], 1)
    assert sorted(found.unreadable) == [b"locked/b.jpg", b"locked/c.jpg"]


def _going(root: Path, listings: Iterator[FolderListing]) -> Iterator[FolderListing]:
    """The listings of a folder that is taken away after the first."""
    yield next(listings)
    root.rename(root.with_name("away"))
    yield from listings


def test_folder_that_goes_during_the_walk_hides_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _touch(root, "a/1.jpg", "b/2.jpg", "b/c/3.jpg")
    known = _files(root)
    changes = compare_listings(_going(root, walk_root(bytes(root))), known)
    assert (changes.gone, changes.new) == ([], [])


def test_folder_that_goes_while_it_is_listed_hides_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _touch(root, *(f"{number}.jpg" for number in range(9)))
    known, looked = _files(root), []

    def take_away(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "is_candidate":
            looked.append(event)
            if len(looked) == 4:
                root.rename(root.with_name("away"))

    sys.setprofile(take_away)
    try:
        changes = compare_listings(walk_root(bytes(root)), known)
    finally:
        sys.setprofile(None)
    assert (changes.found, changes.gone) == (3, [])


A = FileRecord(b"a.jpg", 10, 100, 1000)


def test_unchanged_file_is_left_alone() -> None:
    assert _changes([A], [A]) == RootChanges([], [], [], 1, [])


def test_new_gone_and_back_are_told_apart() -> None:
    b, c = A._replace(path=b"b.jpg"), A._replace(path=b"c.jpg")
    assert _changes([A, b], [b._replace(state="missing"), c]) == RootChanges([A], [b"c.jpg"], [b"b.jpg"], 2, [])


def test_new_files_keep_the_order_in_which_they_were_found() -> None:
    files = [A._replace(path=b"%d.jpg" % (number * 7919 % 100)) for number in range(100)]
    assert compare_listings([FolderListing(files[:50], []), FolderListing(files[50:], [])], files[::3]).new == [
        file for number, file in enumerate(files) if number % 3
    ]


def test_other_size_or_time_is_new_content() -> None:
    for old in (A._replace(size=11), A._replace(mtime_ns=99), A._replace(size=11, state="missing")):
        assert _changes([A], [old]).new == [A]


def test_status_change_alone_makes_a_touched_file() -> None:
    assert _changes([A], [A._replace(ctime_ns=999)]) == RootChanges([A._replace(state=TOUCHED)], [], [], 1, [])


def test_missing_file_that_is_back_with_another_status_time_is_read_again() -> None:
    gone = A._replace(state="missing")
    assert _changes([A], [gone]) == RootChanges([], [], [A.path], 1, [])
    assert _changes([A], [gone._replace(ctime_ns=999)]) == RootChanges([A], [], [], 1, [])


def test_without_their_times_all_known_files_are_read_again_and_none_has_gone() -> None:
    known = [A, A._replace(path=b"b", state="missing"), A._replace(path=b"c", state="failed")]
    found = [file._replace(state="present") for file in known]
    changes = _changes(found, distrust_times(known))
    assert sorted(changes.new) == sorted([A._replace(state=TOUCHED), *found[1:]])
    assert (changes.gone, changes.back) == ([], [])


def test_failed_file_is_tried_again_only_when_anything_about_it_changed() -> None:
    failed = A._replace(state="failed")
    assert _changes([A], [failed]) == RootChanges([], [], [], 1, [])
    assert _changes([A], [failed._replace(ctime_ns=999)]).new == [A]


def test_unfinished_file_is_read_where_it_is_and_gone_where_it_is_not() -> None:
    unfinished = A._replace(state="unfinished")
    assert _changes([A], [unfinished]).new == [A]
    assert _changes([], [unfinished]).gone == [A.path]


def test_missing_file_that_stays_missing_is_no_change() -> None:
    assert _changes([], [A._replace(state="missing")]) == RootChanges([], [], [], 0, [])


def test_label_is_the_first_folder() -> None:
    assert parse_folder_label(b"cats/siam/a.jpg") == "cats"
    assert parse_folder_label(b"a.jpg") is None
    assert parse_folder_label("Cafe\u0301/a.jpg".encode()) == "Caf\u00e9"  # both spellings are one class
    assert parse_folder_label(b"c\xe9\n/a.jpg") == "c\\xe9\\x0a"
