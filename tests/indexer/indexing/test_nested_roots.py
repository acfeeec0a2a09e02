"""Roots inside one another hold each photo once; a labelled root takes its sub-folders as labels."""

from pathlib import Path

import pytest

from indexer.library import Library
from tests.support.embedders import Tiny
from tests.support.index_runs import count_copies, load_shown_photos, run_indexing
from tests.support.trees import paint

pytestmark = pytest.mark.usefixtures("engine")


def labels(library: Library) -> dict[str, str | None]:
    return {path.name: photo.label for path, photo in load_shown_photos(library).items()}


def test_labelled_root_takes_its_sub_folders_as_labels(library: Library, folder: Path) -> None:
    paint(folder / "top.png", 8)
    run_indexing(library, Tiny(), folder, labelled=True)
    assert labels(library) == {"0.png": "a", "1.png": "a", "2.png": "b", "top.png": None}


def test_photo_moved_to_another_class_gets_its_label(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder, labelled=True)
    (folder / "a/1.png").rename(folder / "b/1.png")
    run_indexing(library, Tiny())
    assert labels(library) == {"0.png": "a", "1.png": "b", "2.png": "b"}


def test_root_can_be_labelled_later_without_a_forward_pass(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    assert set(labels(library).values()) == {None}
    model = Tiny()
    run_indexing(library, model, folder, labelled=True)
    assert labels(library) == {"0.png": "a", "1.png": "a", "2.png": "b"}
    assert (model.asked, len(library.store.files.list_roots())) == (0, 1)


def test_folder_below_a_root_is_covered_by_it(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    run_indexing(library, Tiny(), folder / "a", folder)
    assert [root.path for root in library.store.files.list_roots()] == [bytes(folder)]


def test_labelled_folder_below_a_root_becomes_a_root_and_embeds_nothing(library: Library, folder: Path) -> None:
    paint(folder / "a/cats/3.png", 3)
    run_indexing(library, Tiny(), folder)
    model = Tiny()
    report = run_indexing(library, model, folder / "a", labelled=True)
    assert (report.files, report.photos, report.missing, model.asked) == (4, 4, 0, 0)
    assert [root.path for root in library.store.files.list_roots()] == [bytes(folder), bytes(folder / "a")]
    assert labels(library) == {"0.png": None, "1.png": None, "2.png": None, "3.png": "cats"}
    assert set(count_copies(library).values()) == {0}


def test_root_above_a_root_takes_only_what_is_beside_it(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder / "a")
    model = Tiny()
    report = run_indexing(library, model, folder)
    assert (report.files, report.embedded) == (3, 1)
    assert set(count_copies(library).values()) == {0}


def test_root_is_known_by_its_real_path(library: Library, folder: Path) -> None:
    run_indexing(library, Tiny(), folder)
    (folder.parent / "link").symlink_to(folder)
    run_indexing(library, Tiny(), folder.parent / "link", folder / "a" / "..")
    assert [root.path for root in library.store.files.list_roots()] == [bytes(folder)]
