"""Indexing embeds each content once, follows files wherever they go, and never takes an absence for a deletion."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import LibraryError
from indexer.indexing.pipeline import BATCH_SIZE
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.index_runs import count_copies, run_indexing
from tests.support.rights import Rights
from tests.support.trees import paint, paint_many, snapshot

pytestmark = pytest.mark.usefixtures("engine")

# what is embedded


def test_first_run_embeds_every_photo(library: Library, folder: Path) -> None:
    model = Tiny()
    report = run_indexing(library, model, folder)
    assert (report.files, report.photos, report.embedded, report.moved, report.missing) == (3, 3, 3, 0, 0)
    assert (report.failed, report.new_failures, report.offline) == ([], 0, [])
    assert count_copies(library) == dict.fromkeys([folder / "a/0.png", folder / "a/1.png", folder / "b/2.png"], 0)
    assert model.asked == 3


def test_second_run_embeds_only_what_is_new(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    paint(folder / "c/3.png", 3)
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.files, report.photos, report.embedded, model.asked) == (4, 4, 1, 1)


def test_run_without_changes_changes_nothing(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    before = list(library.store.database.fetch_rows("SELECT * FROM files")), library.store.models.find_generation(1)
    model = Tiny()
    report = run_indexing(library, model, folder)
    assert (report.embedded, report.moved, model.asked) == (0, 0, 0)
    assert (
        list(library.store.database.fetch_rows("SELECT * FROM files")),
        library.store.models.find_generation(1),
    ) == before


def test_moved_renamed_and_copied_files_embed_nothing(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    ids = sorted(library.find_photo_ids().tolist())
    (folder / "far/away").mkdir(parents=True)
    (folder / "a/0.png").rename(folder / "far/away/0.png")
    (folder / "a/1.png").rename(folder / "a/renamed.png")
    shutil.copy(folder / "b/2.png", folder / "copy.png")
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.files, report.photos, report.embedded, report.moved, report.missing) == (4, 3, 0, 2, 0)
    assert model.asked == 0
    assert sorted(library.find_photo_ids().tolist()) == ids
    assert count_copies(library) == {folder / "a/renamed.png": 0, folder / "b/2.png": 1, folder / "far/away/0.png": 0}


def test_moved_folder_keeps_its_embeddings(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    (folder / "a").rename(folder / "z")
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.moved, report.missing, model.asked) == (2, 0, 0)


def test_changed_file_is_a_new_photo_and_the_old_one_stays_where_a_copy_holds_it(
    library: Library, folder: Path
) -> None:
    shutil.copy(folder / "a/0.png", folder / "copy.png")
    run_indexing(library, Tiny(), folder)
    old = dict(zip(count_copies(library), library.find_photo_ids().tolist(), strict=True))[folder / "a/0.png"]
    paint(folder / "a/0.png", 99, side=40)
    report = run_indexing(library, Tiny())
    assert (report.files, report.photos, report.embedded, report.missing) == (4, 4, 1, 0)
    (kept,) = library.load_photos([old])
    assert (Path(os.fsdecode(kept.path)), kept.copies) == (folder / "copy.png", 0)


def test_changed_file_hides_its_old_content_and_embeds_nothing_when_it_is_changed_back(
    library: Library, folder: Path
) -> None:
    run_indexing(library, Tiny(), folder)
    ids = library.find_photo_ids().tolist()
    original = (folder / "a/0.png").read_bytes()
    paint(folder / "a/0.png", 99, side=40)
    run_indexing(library, Tiny())
    assert len(set(ids) - set(library.find_photo_ids().tolist())) == 1
    (folder / "a/0.png").write_bytes(original)
    model = Tiny()
    run_indexing(library, model)
    assert (library.find_photo_ids().tolist(), model.asked) == (ids, 0)


def test_touched_file_is_read_again_but_not_embedded_and_moves_nothing(library: Library, folder: Path) -> None:
    shutil.copy(folder / "a/0.png", folder / "copy.png")
    run_indexing(library, Tiny(), folder)
    (folder / "copy.png").unlink()
    os.utime(folder / "a/0.png", (1, 1))
    model = Tiny()
    report = run_indexing(library, model)
    assert (model.asked, report.moved, report.missing) == (0, 0, 1)


def put_in_with_the_old_times(path: Path, content: bytes) -> None:
    """Write another content of the same length, and give the file the times that it had, as rsync and cp -p do."""
    before = path.stat()
    assert len(content) <= before.st_size
    path.write_bytes(content.ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def read_record(library: Library, path: Path) -> list[tuple[object, ...]]:
    sql = "SELECT ctime_ns, state, photo FROM files WHERE path = ?"
    return library.store.database.fetch_rows(sql, (b"a/" + os.fsencode(path.name),))


def test_other_content_with_the_old_size_and_time_is_embedded(library: Library, folder: Path) -> None:
    paint(folder / "a/1.png", 1, side=200)  # room for another picture
    run_indexing(library, Tiny(), folder)
    before = set(library.find_photo_ids().tolist())
    put_in_with_the_old_times(folder / "a/1.png", paint(folder.parent / "other.png", 7).read_bytes())
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.embedded, report.changed, report.photos, model.asked) == (1, 1, 3, 1)
    assert len(before & set(library.find_photo_ids().tolist())) == 2
    hit = library.search(Query((folder / "a/1.png",)), k=1).hits[0]
    assert (Path(os.fsdecode(hit.photo.path)), hit.distance) == (folder / "a/1.png", 0.0)
    assert run_indexing(library, Tiny()).changed == 0


def test_rights_and_second_names_of_a_file_change_nothing_and_are_noted(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    ids = library.find_photo_ids().tolist()
    (folder / "a/0.png").chmod(0o600)
    (folder.parent / "second.png").hardlink_to(folder / "a/1.png")
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.embedded, report.changed, report.moved, report.missing, report.failed) == (0, 0, 0, 0, [])
    assert (model.asked, library.find_photo_ids().tolist()) == (0, ids)
    for name in ("0.png", "1.png"):  # not read once more by the next run
        assert read_record(library, folder / "a" / name)[0][0] == (folder / "a" / name).stat().st_ctime_ns


def test_file_that_may_not_be_read_any_more_stays_as_it_was(
    library: Library, rights: Rights, open_to_all: Path
) -> None:
    library.close()
    root, place = open_to_all / "photos", open_to_all / "x.library"
    for number in range(2):
        paint(root / "a" / f"{number}.png", number)
    with Library.create(place) as first:
        run_indexing(first, Tiny(), root)
        ids, before = first.find_photo_ids().tolist(), read_record(first, root / "a/0.png")
    for path in [place, *place.rglob("*")]:
        path.chmod(0o777)
    rights.take(root / "a/0.png", 0o000)
    with Library.open(place) as second:
        report = run_indexing(second, Tiny())
        assert (report.files, report.failed, report.new_failures, report.changed) == (2, [], 0, 0)
        assert (second.find_photo_ids().tolist(), read_record(second, root / "a/0.png")) == (ids, before)
    rights.give_back()


def test_verify_finds_what_has_changed_without_any_time_saying_so(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    place = folder / "a/1.png"
    paint(place, 50)
    status = place.stat()
    library.store.database.execute_statement(  # as if the disk had rotted
        "UPDATE files SET size = ?, mtime_ns = ?, ctime_ns = ? WHERE path = ?",
        (status.st_size, status.st_mtime_ns, status.st_ctime_ns, b"a/1.png"),
    )
    (folder / "b/2.png").unlink()
    assert run_indexing(library, Tiny()).changed == 0
    model = Tiny()
    report = drain(index_library(library, [], model, verify=True))
    assert (report.changed, report.embedded, report.missing, report.photos, model.asked) == (1, 1, 1, 2, 1)


def test_same_content_twice_in_one_run_is_embedded_once(library: Library, tmp_path: Path) -> None:
    for number in range(3 * BATCH_SIZE):
        paint(tmp_path / "photos" / f"{number:03}.png", number % 5)
    model = Tiny()
    report = run_indexing(library, model, tmp_path / "photos")
    assert (report.files, report.photos, report.embedded, model.asked) == (3 * BATCH_SIZE, 5, 5, 5)


def test_another_model_embeds_everything_beside_the_old_and_becomes_the_active_one(
    library: Library, folder: Path
) -> None:
    run_indexing(library, Tiny(), folder)
    other = Tiny("other")
    assert run_indexing(library, other).embedded == 3
    assert library.model_fingerprint == other.card.fingerprint
    assert library.store.database.fetch_integer("SELECT count(*) FROM embeddings") == 6
    again = Tiny()
    run_indexing(library, again)
    assert (library.model_fingerprint, again.asked) == (again.card.fingerprint, 0)


def test_another_model_keeps_the_memory_of_missing_copies(library: Library, folder: Path) -> None:
    shutil.copy(folder / "a/0.png", folder / "copy.png")
    run_indexing(library, Tiny(), folder)
    (folder / "copy.png").unlink()
    run_indexing(library, Tiny())
    report = run_indexing(library, Tiny("other"))
    assert (report.moved, report.missing) == (0, 1)


def test_stored_vectors_are_those_of_the_model(library: Library, folder: Path) -> None:
    model = Tiny()
    run_indexing(library, model, folder)
    for photo in library.load_photos(library.find_photo_ids().tolist()):
        image = decode_photo(read_photo(photo.path), 8).image
        expected = model.embed(model.prepare(image)[None])[0]
        assert np.allclose(library.embed_example(photo.id), expected, atol=1e-3)  # stored in half precision


def test_every_photo_has_a_thumbnail_and_its_size(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    for photo in library.load_photos(library.find_photo_ids().tolist()):
        thumbnail = library.read_thumbnail(photo)
        assert thumbnail is not None
        assert decode_photo(thumbnail, 1)[1:] == (8, 8)  # from the decode that served this tiny model
        assert (photo.width, photo.height) == (24, 24)


# what is gone


def test_names_of_any_bytes_and_times_of_any_year_are_indexed(library: Library, folder: Path) -> None:
    names = [b"new\nline.png", b"caf\xe9.png", b"\x1b[31mred.png", b"-k.png"]
    for number, name in enumerate(names):
        paint(folder / os.fsdecode(name), 10 + number)
    os.utime(folder / "a/0.png", (11_000_000_000, 11_000_000_000))
    report = run_indexing(library, Tiny(), folder)
    assert (report.files, report.failed) == (7, [])
    assert {photo.path for photo in library.load_photos(library.find_photo_ids().tolist())} >= {
        bytes(folder) + b"/" + name for name in names
    }
    assert run_indexing(library, Tiny()).embedded == 0


# stopping


def test_cancelled_run_keeps_its_batches_and_the_next_goes_on(library: Library, tmp_path: Path) -> None:
    paint_many(tmp_path / "photos", 3 * BATCH_SIZE + 5)
    steps = index_library(library, [tmp_path / "photos"], Tiny())
    while (step := next(steps)).stage != "embed" or step.done < 2 * BATCH_SIZE:
        pass
    assert library.store.database.fetch_integer("SELECT count(*) FROM embeddings") == step.done == 2 * BATCH_SIZE
    steps.close()
    assert len(library.find_photo_ids()) == 2 * BATCH_SIZE
    model = Tiny()
    report = run_indexing(library, model)
    assert (report.files, report.embedded, model.asked) == (3 * BATCH_SIZE + 5, BATCH_SIZE + 5, BATCH_SIZE + 5)


def test_library_can_be_searched_while_it_is_filled(library: Library, tmp_path: Path) -> None:
    paint_many(tmp_path / "photos", 2 * BATCH_SIZE)
    steps = index_library(library, [tmp_path / "photos"], Tiny())
    while next(steps).stage != "embed":
        pass
    with Library.open(library.folder) as reader:
        version = reader.store.database.read_data_version()
        first = int(reader.find_photo_ids()[0])
        assert reader.search(Query((first,)), k=100).hits[0].distance == 0
        assert len(reader.search(Query((first,)), k=100).hits) == BATCH_SIZE
        drain(steps)
        assert reader.store.database.read_data_version() != version
        assert len(reader.search(Query((first,)), k=100).hits) == 2 * BATCH_SIZE


# roots


@pytest.mark.parametrize("name", ["nowhere", "a/0.png"])
def test_folder_that_is_none_is_refused_before_anything_changes(library: Library, folder: Path, name: str) -> None:
    with pytest.raises(LibraryError, match=r"does not exist|is not a folder"):
        run_indexing(library, Tiny(), folder, folder / name)
    assert (library.store.files.list_roots(), library.model_fingerprint) == ([], "")


def test_library_does_not_index_itself(library: Library) -> None:
    with pytest.raises(LibraryError, match="its own folder"):
        run_indexing(library, Tiny(), library.folder)


def test_library_below_a_photo_folder_finds_no_pictures_in_itself(folder: Path) -> None:
    with Library.create(folder / "x.library") as library:
        run_indexing(library, Tiny(), folder)
        assert run_indexing(library, Tiny()).files == 3


def test_folder_with_other_things_in_it_is_not_made_a_library(folder: Path) -> None:
    before = snapshot(folder)
    with pytest.raises(LibraryError, match="holds other things"):
        Library.create(folder)
    assert snapshot(folder) == before


def test_photo_folder_is_exactly_as_it_was_after_everything(library: Library, folder: Path) -> None:
    before = snapshot(folder)
    for model in (Tiny(), Tiny("other"), Tiny()):
        run_indexing(library, model, folder)
        library.search(Query((folder / "a/0.png",)), k=5)
    assert snapshot(folder) == before
    os.utime(folder / "a/0.png", (5, 5))
    assert snapshot(folder) != before  # the record would have shown it
