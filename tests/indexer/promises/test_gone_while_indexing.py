"""A drive or a file that goes during a run is no failure, and nothing that the library knows of it is lost."""

import shutil
from pathlib import Path

import pytest

from indexer.errors import LibraryError
from indexer.indexing.pipeline import BATCH_SIZE
from indexer.indexing.run import IndexReport, index_library
from indexer.library import Library
from indexer.progress import drain
from tests.support.embedders import Tiny
from tests.support.index_runs import load_shown_photos, run_indexing
from tests.support.rights import Rights
from tests.support.trees import paint_many


def _lose(library: Library, folder: Path, model: Tiny) -> IndexReport:
    """Index a folder that is taken away after the first batch, and comes back after the run."""
    away = folder.with_name("away")
    steps = index_library(library, [folder], model)
    while next(steps).stage != "embed":
        pass
    folder.rename(away)
    report = drain(steps)
    away.rename(folder)
    return report


def test_drive_that_goes_during_the_first_run_fails_no_file_and_the_next_run_embeds_the_rest(
    library: Library, tmp_path: Path
) -> None:
    paint_many(tmp_path / "photos", 8 * BATCH_SIZE)
    report = _lose(library, tmp_path / "photos", Tiny())
    assert (report.failed, report.new_failures, report.offline) == ([], 0, [bytes(tmp_path / "photos")])
    assert 0 < report.embedded < 8 * BATCH_SIZE
    report = run_indexing(library, Tiny())
    assert (report.files, report.failed, report.offline) == (8 * BATCH_SIZE, [], [])


def test_drive_that_goes_during_a_change_of_model_takes_no_photo_from_the_old_one(
    library: Library, tmp_path: Path
) -> None:
    paint_many(tmp_path / "photos", 8 * BATCH_SIZE)
    run_indexing(library, Tiny(), tmp_path / "photos")
    before = set(load_shown_photos(library))
    assert _lose(library, tmp_path / "photos", Tiny("other")).embedded < 8 * BATCH_SIZE
    library.store.models.activate_model(Tiny().card.fingerprint)
    assert set(load_shown_photos(library)) == before


@pytest.mark.parametrize("closed", ["photos", "photos/sub"])
def test_right_to_read_that_is_lost_during_the_run_loses_nothing_and_the_next_run_embeds_the_rest(
    rights: Rights, open_to_all: Path, closed: str
) -> None:
    (open_to_all / "home").mkdir()
    (open_to_all / "home").chmod(0o777)
    paths = paint_many(open_to_all / "photos" / "sub", 8 * BATCH_SIZE)
    rights.take(open_to_all / "photos", 0o755)  # from here on nobody's
    with Library.create(open_to_all / "home" / "x.library") as library:
        steps = index_library(library, [open_to_all / "photos"], Tiny())
        while next(steps).stage != "embed":
            pass
        rights.give_back()
        rights.take(open_to_all / closed, 0o000)
        report = drain(steps)
        known = set(load_shown_photos(library))
        assert 0 < report.embedded == len(known) < len(paths)
        assert report.new_failures == 0
        again = run_indexing(library, Tiny())  # while nothing may be read
        assert (again.missing, again.embedded, set(load_shown_photos(library))) == (0, 0, known)
        rights.give_back()
        last = run_indexing(library, Tiny())
        assert (last.embedded, last.files, last.failed, last.offline) == (len(paths) - len(known), len(paths), [], [])


def test_file_that_is_deleted_during_the_run_is_no_failure(library: Library, tmp_path: Path) -> None:
    paths = paint_many(tmp_path / "photos", 8 * BATCH_SIZE)
    steps = index_library(library, [tmp_path / "photos"], Tiny())
    while next(steps).stage != "embed":
        pass
    for path in paths:
        path.unlink()
    report = drain(steps)
    assert (report.failed, report.new_failures) == ([], 0)
    assert report.embedded == report.files < 8 * BATCH_SIZE


@pytest.mark.parametrize("replaced", [False, True])
def test_library_that_is_deleted_during_the_run_ends_it_with_a_sentence(tmp_path: Path, replaced: bool) -> None:
    paint_many(tmp_path / "photos", 8 * BATCH_SIZE)
    folder = tmp_path / "x.library"
    with Library.create(folder) as library:
        steps = index_library(library, [tmp_path / "photos"], Tiny())
        while next(steps).stage != "embed":
            pass
        shutil.rmtree(folder)
        if replaced:
            Library.create(folder).close()
        with pytest.raises(LibraryError, match="has been deleted or replaced meanwhile"):
            drain(steps)
    if replaced:
        with Library.open(folder) as library:
            assert library.store.files.list_roots() == []
    else:
        assert not folder.exists()  # not made again by half
