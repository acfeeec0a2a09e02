"""Pictures from outside come into a library with a label; the originals stay, and all can be taken back."""

import os
import shutil
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.exchange.enrolment import enrol_pictures, repeat_enrolment, take_back_enrolment
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.drawings import draw
from tests.support.made_once import make_once


@pytest.fixture(scope="module")
def made(installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three drawings, beside their folder. Copy it, never change it."""

    def make(place: Path) -> None:
        (place / "photos" / "left-out").mkdir(parents=True)
        for number in range(3):
            draw("disc", number).save(place / "photos" / f"{number}.png")
        shutil.copytree(installed_model, place / "few.library" / "models" / installed_model.name)
        with Library.create(place / "few.library") as library:
            drain(index_library(library, [place / "photos"], load_model(installed_model)))

    return make_once(tmp_path_factory, "enrolling", make)


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "here")
    with Library.open(tmp_path / "here" / "few.library") as library:
        library.store.files.move_root(library.store.files.list_roots()[0].id, os.fsencode(tmp_path / "here" / "photos"))
    return tmp_path / "here"


def list_labels(library: Library) -> dict[str, str]:
    """Name of file -> label of the labelled photos that are shown."""
    labels = library.annotations.read_labels(library.model_id)
    photos = library.load_photos([int(photo) for photo in library.find_photo_ids()])
    return {Path(os.fsdecode(photo.path)).name: labels[photo.id] for photo in photos if photo.id in labels}


def test_a_picture_from_outside_is_copied_and_labelled_and_that_can_be_undone_and_done_again(
    place: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "new [1].png"
    draw("bar", 7).save(outside)
    before = (outside.read_bytes(), outside.stat().st_mtime_ns)
    with Library.open(place / "few.library") as library:
        (photo,) = drain(enrol_pictures(library, "bars", [outside]))
        assert photo.copy == place / "few.enrolled" / "new [1].png" and photo.before is None
        assert photo.copy.read_bytes() == before[0] == outside.read_bytes()
        assert outside.stat().st_mtime_ns == before[1]
        assert list_labels(library) == {"new [1].png": "bars"}
        nearest = library.search(Query((outside,)), k=1).hits[0]
        assert (nearest.distance, nearest.photo.label) == (0, "bars")
        take_back_enrolment(library, [photo])
        assert list_labels(library) == {} and len(library.find_photo_ids()) == 3
        assert photo.copy.exists()  # nothing is deleted
        drain(index_library(library, [], library.load_embedder()))
        assert len(library.find_photo_ids()) == 3  # nor does the next run bring it back
        repeat_enrolment(library, "bars", [photo])
        repeat_enrolment(library, "bars", [photo])
        assert list_labels(library) == {"new [1].png": "bars"}
        take_back_enrolment(library, [photo])
        (again,) = drain(enrol_pictures(library, "others", [outside]))
        assert again == photo and list_labels(library) == {"new [1].png": "others"}
        report = drain(index_library(library, [], library.load_embedder()))
        assert (report.photos, report.embedded, report.missing) == (4, 0, 0)


def test_a_new_file_below_a_photo_folder_is_taken_where_it_lies_and_a_known_content_only_labelled(place: Path) -> None:
    inside, known = place / "photos" / "new.png", place / "elsewhere.png"
    draw("bar", 8).save(inside)
    shutil.copy(place / "photos" / "0.png", known)
    with Library.open(place / "few.library") as library:
        first, second = drain(enrol_pictures(library, "both", [inside, known]))
        assert first.copy is None and second.copy is None and not (place / "few.enrolled").exists()
        assert list_labels(library) == {"new.png": "both", "0.png": "both"}
        report = drain(index_library(library, [], library.load_embedder()))
        assert (report.photos, report.files, report.embedded) == (4, 4, 0)


def test_nothing_is_written_where_a_picture_cannot_be_read_or_the_label_is_none(place: Path, tmp_path: Path) -> None:
    draw("bar", 9).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with Library.open(place / "few.library") as library:
        for label, images in (("x", ["good.png", "bad.jpg"]), (" ", ["good.png"]), ("x", ["gone.png"])):
            with pytest.raises(LookalikeError):
                drain(enrol_pictures(library, label, [tmp_path / name for name in images]))
        assert len(library.find_photo_ids()) == 3 and not (place / "few.enrolled").exists()


def test_the_command_says_what_it_has_copied(place: Path, tmp_path: Path, tell: Tell) -> None:
    draw("bar", 10).save(tmp_path / "seen.png")
    words = ("label", "bars", tmp_path / "seen.png", "--library", place / "few.library")
    refused = tell(tmp_path, *words)
    assert refused.code == 2 and "--add" in refused.err
    said = tell(tmp_path, *words, "--add", "--json")
    (added,) = said.result()["added"]
    assert (said.code, said.result()["photos"], added["before"]) == (0, 1, None)
    assert Path(added["copy"]) == place / "few.enrolled" / "seen.png"
    assert "1 photo now has the label rods" in tell(tmp_path, "label", "rods", *words[2:], "--add").out
