"""What cannot be seen is offline or missing, not deleted, and comes back without being embedded again."""

import shutil
from pathlib import Path

import pytest

from indexer.library import Library
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.index_runs import count_copies, run_indexing
from tests.support.rights import Rights
from tests.support.trees import paint, paint_many

pytestmark = pytest.mark.usefixtures("engine")


def test_missing_file_is_hidden_and_comes_back_without_a_forward_pass(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    before = count_copies(library)
    (folder / "a/0.png").rename(folder.parent / "kept.png")
    report = run_indexing(library, Tiny())
    assert (report.files, report.missing) == (2, 1)
    assert count_copies(library).keys() == before.keys() - {folder / "a/0.png"}
    (folder.parent / "kept.png").rename(folder / "a/0.png")
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.files, report.missing, report.moved, model.asked) == (3, 0, 0, 0)
    assert count_copies(library) == before


@pytest.mark.parametrize("how", ["absent", "emptied"])
def test_root_that_is_absent_or_emptied_is_offline_and_its_photos_stay_searchable(
    library: Library, folder: Path, how: str
) -> None:
    other = paint(folder.parent / "other" / "9.png", 9)
    run_indexing(library, Tiny(), folder, other.parent)
    folder.rename(folder.parent / "unplugged")
    if how == "emptied":
        folder.mkdir()  # the mount point of the drive
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.files, report.missing, model.asked) == (4, 0, 0)
    assert report.offline == [bytes(folder)]
    offline = {photo.path: photo.offline for photo in library.load_photos(library.find_photo_ids().tolist())}
    assert offline == {
        bytes(path): path != other for path in (folder / "a/0.png", folder / "a/1.png", folder / "b/2.png", other)
    }
    result = library.search(Query((int(library.find_photo_ids()[0]),)), k=4)
    assert len(result.hits) == 4
    assert [info.state for info in library.collect_info().roots] == ["offline", "online"]


def test_root_mounted_back_is_online_without_a_forward_pass(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    folder.rename(folder.parent / "unplugged")
    assert run_indexing(library, Tiny()).offline == [bytes(folder)]
    (folder.parent / "unplugged").rename(folder)
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.offline, report.files, model.asked) == ([], 3, 0)


def test_photo_with_a_copy_in_an_online_root_is_shown_there(library: Library, folder: Path) -> None:
    copy = folder.parent / "other" / "copy.png"
    copy.parent.mkdir()
    shutil.copy(folder / "a/0.png", copy)
    run_indexing(library, Tiny(), folder, copy.parent)
    folder.rename(folder.parent / "unplugged")
    run_indexing(library, Tiny())
    (photo,) = [photo for photo in library.load_photos(library.find_photo_ids().tolist()) if not photo.offline]
    assert (photo.path, photo.copies) == (bytes(copy), 1)


def test_folder_that_cannot_be_read_keeps_its_photos_under_a_new_model_too(
    library: Library, rights: Rights, open_to_all: Path
) -> None:
    library.close()
    root, place = open_to_all / "photos", open_to_all / "x.library"
    paint_many(root / "locked", 2)
    paint(root / "open.png", 9)
    with Library.create(place) as first:
        run_indexing(first, Tiny(), root)
    for path in [place, *place.rglob("*")]:
        path.chmod(0o777)
    rights.take(root / "locked", 0o444)
    with Library.open(place) as second:
        report = run_indexing(second, Tiny())
        assert (report.files, report.missing, report.failed) == (3, 0, [])
        report = run_indexing(second, Tiny("other"))
        assert (report.files, report.missing, report.failed) == (1, 0, [])  # the others wait for their folder
    rights.give_back()
    with Library.open(place) as third:
        assert run_indexing(third, Tiny("other")).files == 3
