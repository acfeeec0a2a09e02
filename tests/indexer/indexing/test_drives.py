"""Another drive at the path of a folder is told from the folder itself, and nothing is concluded from what is on it."""

import os
import shutil
from pathlib import Path

import pytest

from indexer.database.contents import MovedRoot
from indexer.database.file_table import FileRecord
from indexer.duplicates.duplicate_groups import find_duplicates
from indexer.errors import LookalikeError
from indexer.indexing import drives
from indexer.indexing.drives import ACCEPTED_DRIVE, identify_drive, is_other_drive
from indexer.indexing.roots import accept_drives, move_root
from indexer.indexing.run import IndexReport, index_library
from indexer.indexing.scan import FolderListing, compare_listings
from indexer.library import Library
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.trees import paint, paint_many

ONE, OTHER = "uuid 1", "uuid 2"


def record(number: int, *, folder: str = "", size: int | None = None, time: int = 5) -> FileRecord:
    return FileRecord(f"{folder}{number}.jpg".encode(), 1000 + number if size is None else size, time, time)


KNOWN = [record(number) for number in range(10)]
SAME_SIZES = [record(number, size=7) for number in range(10)]


@pytest.mark.parametrize(
    ("stored", "found", "known", "files", "other"),
    [
        (ONE, ONE, KNOWN, [record(99)], False),  # the user has put other pictures on it
        (ONE, OTHER, KNOWN, KNOWN, False),  # copied to a new drive
        (ONE, OTHER, KNOWN, KNOWN[:5], False),
        (ONE, OTHER, KNOWN, KNOWN[:4], True),
        (ONE, OTHER, KNOWN, [record(number, time=9) for number in range(10)], False),  # copied without the times
        (ONE, OTHER, KNOWN, [record(number, folder="2024/") for number in range(10)], False),  # and put in order
        (ONE, OTHER, KNOWN, [record(number, size=5000 + number) for number in range(10)], True),  # another card
        (ONE, OTHER, KNOWN, [record(99)], True),  # a stray file below the mount point
        (ONE, OTHER, SAME_SIZES, [file._replace(mtime_ns=8, ctime_ns=8) for file in SAME_SIZES], True),
        (ONE, OTHER, SAME_SIZES, [file._replace(ctime_ns=8) for file in SAME_SIZES], False),
        (None, ONE, KNOWN, [record(99)], True),  # no identity: nothing known is there
        (ONE, None, KNOWN, [record(99)], True),
        (None, None, KNOWN, [record(99), KNOWN[0]], False),
        (None, None, KNOWN[:4], [record(99)], False),  # of so few nothing can be said
        (None, ONE, KNOWN, [record(number, folder="2024/") for number in range(10)], False),
        (ACCEPTED_DRIVE, OTHER, KNOWN, [record(99)], False),
        (ONE, OTHER, [], [record(99)], False),
        (ONE, OTHER, [KNOWN[0]._replace(state="missing")], [record(99)], False),
    ],
)
def test_a_drive_is_told_by_its_identity_and_by_its_files(
    stored: str | None, found: str | None, known: list[FileRecord], files: list[FileRecord], other: bool
) -> None:
    changes = compare_listings([FolderListing(files, [])], known)
    assert is_other_drive(stored, found, known, changes) == other


def test_a_drive_has_the_name_of_its_device_where_the_system_lists_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drives, "DEVICES_BY_UUID", tmp_path)
    (tmp_path / "1234-ABCD").symlink_to("/dev/null")
    (tmp_path / "dangling").symlink_to("/dev/nowhere")
    assert drives._find_device_uuid(os.stat("/dev/null").st_rdev) == "uuid 1234-ABCD"  # noqa: PTH116
    assert drives._find_device_uuid(os.stat("/dev/zero").st_rdev) is None  # noqa: PTH116


def test_folders_of_one_drive_have_its_identity_and_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    assert identify_drive(bytes(tmp_path)) == identify_drive(bytes(tmp_path / "deep" / "er"))
    assert identify_drive(bytes(tmp_path / "nowhere")) is None


def run(library: Library, *folders: Path) -> IndexReport:
    return drain(index_library(library, folders, Tiny()))


@pytest.fixture
def card(library: Library, tmp_path: Path) -> Path:
    """A card with six photos, indexed, which is known by an identity that this computer's drive has not."""
    paint_many(tmp_path / "card" / "DCIM", 6)
    run(library, tmp_path / "card")
    library.store.database.execute_statement("UPDATE roots SET drive = 'uuid of the card'")
    return tmp_path / "card"


def list_states(library: Library) -> list[str]:
    return [state for (state,) in library.store.database.fetch_rows("SELECT state FROM files ORDER BY path")]


def test_another_card_with_the_same_names_leaves_the_folder_offline_with_all_that_is_known(
    library: Library, card: Path
) -> None:
    ids = library.find_photo_ids().tolist()
    for number in range(6):
        paint(card / "DCIM" / f"{number:04d}.png", 50 + number, side=40 + number)
    report = run(library)
    assert (report.offline, report.other_drives) == ([bytes(card)], [bytes(card)])
    assert (report.missing, report.embedded, report.changed) == (0, 0, 0)
    assert list_states(library) == ["present"] * 6
    assert library.find_photo_ids().tolist() == ids
    assert len(library.search(Query((ids[0],)), k=9).hits) == 6
    (root,) = library.collect_info().roots
    assert (root.state, root.other_drive) == ("offline", True)
    run(library, card)  # to name the folder is not to say that it is the same
    assert list_states(library) == ["present"] * 6


def test_one_stray_file_below_an_empty_mount_point_concludes_nothing(library: Library, card: Path) -> None:
    shutil.rmtree(card / "DCIM")
    paint(card / "stray.png", 99)
    report = run(library)
    assert (report.other_drives, report.missing, report.embedded) == ([bytes(card)], 0, 0)
    (card / "stray.png").unlink()
    report = run(library)
    assert (report.offline, report.other_drives, report.missing) == ([bytes(card)], [], 0)


def test_the_folder_is_online_again_when_its_own_drive_is(library: Library, card: Path) -> None:
    (card / "DCIM").rename(card.parent / "kept")
    paint(card / "stray.png", 99)
    assert run(library).other_drives == [bytes(card)]
    (card / "stray.png").unlink()
    (card.parent / "kept").rename(card / "DCIM")
    report = run(library)
    assert (report.offline, report.other_drives, report.missing, report.embedded) == ([], [], 0, 0)
    (root,) = library.store.files.list_roots()
    assert root.drive == identify_drive(bytes(card))


def test_what_is_there_now_is_the_folder_where_the_user_says_so(library: Library, card: Path) -> None:
    shutil.rmtree(card / "DCIM")
    paint(card / "new.png", 99)
    assert run(library).other_drives == [bytes(card)]
    accept_drives(library, [card])
    report = run(library, card)
    assert (report.offline, report.other_drives, report.missing, report.embedded) == ([], [], 6, 1)
    accept_drives(library, [card])
    (card / "new.png").unlink()
    assert run(library).missing == 7  # empty, and said to be
    with pytest.raises(LookalikeError, match="is no photo folder of this library"):
        accept_drives(library, [card.parent])


def test_drive_at_another_path_is_offered_as_a_move_and_makes_no_copies(library: Library, card: Path) -> None:
    library.annotations.set_label(library.find_photo_ids().tolist(), "rex")
    elsewhere = card.rename(card.parent / "elsewhere")
    report = run(library, elsewhere)
    assert report.moved_roots == [MovedRoot(bytes(card), bytes(elsewhere), 6)]
    assert (report.photos, report.embedded) == (6, 0)
    photos = library.load_photos(library.find_photo_ids().tolist())
    assert {photo.copies for photo in photos} == {0}
    assert all(photo.path.startswith(bytes(elsewhere)) for photo in photos)
    assert drain(find_duplicates(library, "copies")) == []
    shutil.copy(elsewhere / "DCIM" / "0000.png", elsewhere / "copy.png")
    assert run(library).photos == 6
    (group,) = drain(find_duplicates(library, "copies"))
    assert sorted(group.files) == sorted([bytes(elsewhere / "DCIM" / "0000.png"), bytes(elsewhere / "copy.png")])
    move_root(library, card, elsewhere)
    report = run(library)
    assert (report.offline, report.moved_roots, report.missing, report.files) == ([], [], 0, 7)
    assert [root.path for root in library.store.files.list_roots()] == [bytes(elsewhere)]
    assert library.store.database.fetch_integer("SELECT count(*) FROM labels") == 6


def test_merged_folders_keep_what_only_one_of_them_knows(library: Library, card: Path) -> None:
    (photo,) = [p for p in library.load_photos(library.find_photo_ids().tolist()) if p.path.endswith(b"0005.png")]
    library.annotations.set_label([photo.id], "rex")
    elsewhere = card.rename(card.parent / "elsewhere")
    (elsewhere / "DCIM" / "0005.png").rename(card.parent / "away.png")
    paint(elsewhere / "DCIM" / "new.png", 99)
    assert run(library, elsewhere).moved_roots == [MovedRoot(bytes(card), bytes(elsewhere), 5)]
    move_root(library, card, elsewhere)
    report = run(library)
    assert (report.files, report.missing) == (6, 1)
    (card.parent / "away.png").rename(elsewhere / "DCIM" / "0005.png")
    run(library)
    assert library.annotations.read_labels(library.model_id) == {photo.id: "rex"}


@pytest.mark.parametrize("known", ["", "DCIM"])
def test_drive_of_which_a_folder_or_one_above_was_indexed_elsewhere_is_recognised(
    library: Library, tmp_path: Path, known: str
) -> None:
    """A card was indexed whole and now its folder DCIM is, at another path; or the other way round."""
    paint_many(tmp_path / "card" / "DCIM", 6)
    paint(tmp_path / "card" / "other" / "7.png", 7)
    old = tmp_path / "card" / known
    run(library, old)
    library.annotations.set_label(library.find_photo_ids().tolist(), "rex")
    labels = library.annotations.read_labels(library.model_id)
    library.store.database.execute_statement("UPDATE roots SET drive = 'uuid of the card'")
    elsewhere = (tmp_path / "card").rename(tmp_path / "elsewhere")
    new = elsewhere if known else elsewhere / "DCIM"
    report = run(library, new)
    place = elsewhere / "DCIM" if known else elsewhere
    assert report.moved_roots == [MovedRoot(bytes(old), bytes(place), 6)]
    assert drain(find_duplicates(library, "copies")) == []
    assert {photo.copies for photo in library.load_photos(library.find_photo_ids().tolist())} == {0}
    move_root(library, old, place)
    report = run(library)
    assert (report.offline, report.moved_roots, report.missing, report.embedded, report.files) == ([], [], 0, 0, 7)
    assert {photo.copies for photo in library.load_photos(library.find_photo_ids().tolist())} == {0}
    assert library.annotations.read_labels(library.model_id) == labels
    assert {root.path for root in library.store.files.list_roots()} == {bytes(new), bytes(place)}


def test_folder_of_which_few_files_are_elsewhere_is_not_said_to_be_there(library: Library, card: Path) -> None:
    elsewhere = card.parent / "elsewhere"
    elsewhere.mkdir()
    for number in range(2):
        (card / "DCIM" / f"{number:04d}.png").rename(elsewhere / f"{number:04d}.png")
    shutil.rmtree(card / "DCIM")
    assert run(library, elsewhere).moved_roots == []


def test_folders_that_are_both_there_are_not_merged(library: Library, card: Path) -> None:
    shutil.copytree(card, card.parent / "backup")
    library.store.database.execute_statement("UPDATE roots SET drive = NULL")
    assert run(library, card.parent / "backup").moved_roots == []
    assert {photo.copies for photo in library.load_photos(library.find_photo_ids().tolist())} == {1}
    with pytest.raises(LookalikeError, match="is a photo folder of this library already"):
        move_root(library, card, card.parent / "backup")
