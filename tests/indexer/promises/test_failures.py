"""A file that cannot be used is listed with a reason, stops nothing, and is read again only for a reason."""

import os
from pathlib import Path

import pytest

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.photos.decoding import EXTRA_PACKAGES
from indexer.photos.reading import is_candidate
from indexer.progress import Progress
from tests.support.embedders import Tiny
from tests.support.index_runs import run_indexing
from tests.support.pictures import CASES, PHOTO, PICTURES
from tests.support.rights import Rights
from tests.support.trees import paint, paint_many, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos."""
    return paint_many(tmp_path / "photos", 3)[0].parent


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Every kind of good, bad and hostile file in one folder."""
    root = tmp_path / "zoo"
    root.mkdir()
    for case in CASES:
        case.write(root / case.name)
    return root


def test_bad_files_are_listed_with_reasons_and_stop_nothing(library: Library, zoo: Path) -> None:
    report = run_indexing(library, Tiny(), zoo)
    walked = {case.name: case for case in CASES if is_candidate(case.name.encode())}
    listed = {Path(os.fsdecode(failure.path)).name: failure.reason for failure in report.failed}
    passed_over = {"folder.jpg", "link-to-nothing.jpg", "link-to-itself.jpg"}
    expected = {name for name, case in walked.items() if case.expected != PHOTO} - passed_over
    assert listed.keys() - {"not-a-number.tif"} == expected
    assert all(walked[name].expected in reason for name, reason in listed.items() if walked[name].expected != PHOTO)
    assert report.new_failures > 0


def test_bad_files_are_listed_again_but_not_read_again(library: Library, zoo: Path) -> None:
    first = run_indexing(library, Tiny(), zoo)
    model = Tiny()
    work = [step for step in _steps(library, model) if step.stage == "embed"]
    second = run_indexing(library, model)
    assert (work, model.asked, second.new_failures) == ([], 0, 0)
    assert second.failed == first.failed


def _steps(library: Library, model: Tiny) -> list[Progress]:
    return list(index_library(library, [], model))


def test_bad_file_is_tried_again_when_it_changes(library: Library, folder: Path) -> None:
    (folder / "bad.png").write_bytes(b"not a picture")
    assert run_indexing(library, Tiny(), folder).new_failures == 1
    paint(folder / "bad.png", 7)
    report = run_indexing(library, Tiny())
    assert (report.failed, report.embedded, report.files) == ([], 1, 4)


def test_unreadable_file_is_tried_again_when_its_rights_change(rights: Rights, open_to_all: Path) -> None:
    path = paint(open_to_all / "photos" / "0.png", 0)
    (open_to_all / "home").mkdir(mode=0o777)
    (open_to_all / "home").chmod(0o777)
    paint(open_to_all / "photos" / "1.png", 1)
    rights.take(path, 0o000)
    with Library.create(open_to_all / "home" / "x.library") as library:
        report = run_indexing(library, Tiny(), path.parent)
        assert report.failed == [(bytes(path), "no permission to read it")]
        assert run_indexing(library, Tiny()).new_failures == 0
        rights.give_back()
        assert run_indexing(library, Tiny()).failed == []


def test_file_that_only_lacked_an_extra_is_tried_again_when_it_is_there(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    dict(PICTURES)["plain.heic"](tmp_path / "photos" / "plain.heic")
    with monkeypatch.context() as without:
        without.setitem(EXTRA_PACKAGES, "heif", "a_package_that_is_not_installed")
        report = run_indexing(library, Tiny(), tmp_path / "photos")
        assert (report.files, report.new_failures) == (0, 1)
        assert "lookalike[heif]" in report.failed[0].reason
        assert run_indexing(library, Tiny()).new_failures == 0
    report = run_indexing(library, Tiny())
    assert (report.files, report.failed, report.embedded) == (1, [], 1)


def test_hostile_folder_is_exactly_as_it_was_after_everything(library: Library, zoo: Path) -> None:
    before = snapshot(zoo)
    for model in (Tiny(), Tiny("other")):
        run_indexing(library, model, zoo)
    assert snapshot(zoo) == before
