"""What the user says of photos is kept, survives what happens to files, and never waits for a job."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from tests.support.embedders import Tiny
from tests.support.trees import paint
from tests.support.vectors import clustered, fill

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.both_databases]


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """Six photos with the ids 1 to 6, without labels."""
    fill(tmp_path / "x.library", clustered(6), publish=False)
    with Library.open(tmp_path / "x.library") as library:
        yield library


def labelled_tree(folder: Path) -> Path:
    """cat: 1, 2; dog: 3, 4, and the picture 9 in both."""
    for seed in (1, 2, 9):
        paint(folder / "cat" / f"{seed}.png", seed)
    for seed in (3, 4, 9):
        paint(folder / "dog" / f"{seed}.png", seed)
    return folder


def labels_by_name(library: Library) -> dict[str, str]:
    """File name -> label."""
    labels = library.annotations.read_labels(library.model_id)
    return {Path(photo.path.decode()).name: labels[photo.id] for photo in library.load_photos(list(labels))}


def test_label_is_given_and_taken_away(filled: Library) -> None:
    filled.annotations.set_label([1, 2], "cat")
    filled.annotations.set_label([2], "dog")
    assert filled.annotations.read_labels(filled.model_id) == {1: "cat", 2: "dog"}
    filled.annotations.set_label([1], None)
    assert filled.annotations.read_labels(filled.model_id) == {2: "dog"}
    assert [photo.label for photo in filled.load_photos([1, 2])] == [None, "dog"]


def test_each_photo_gets_back_the_label_that_it_had(filled: Library) -> None:
    filled.annotations.set_label([1, 2], "cat")
    before = filled.annotations.read_user_labels([1, 2, 3])
    assert before == {1: "cat", 2: "cat", 3: None}
    filled.annotations.set_label([1, 2, 3], "dog")
    filled.annotations.set_labels(before)
    assert filled.annotations.read_labels(filled.model_id) == {1: "cat", 2: "cat"}
    with pytest.raises(LookalikeError, match="a word or a few"):
        filled.annotations.set_labels({1: "bird", 2: "a\nb"})
    assert filled.annotations.read_labels(filled.model_id) == {1: "cat", 2: "cat"}  # all or none


def test_users_label_goes_before_a_folders_and_settles_what_two_folders_say(library: Library, tmp_path: Path) -> None:
    drain(index_library(library, [labelled_tree(tmp_path / "tree")], Tiny(), labelled=True))
    assert labels_by_name(library) == {"1.png": "cat", "2.png": "cat", "3.png": "dog", "4.png": "dog"}
    at = {Path(photo.path.decode()).name: photo.id for photo in library.load_photos(library.find_photo_ids().tolist())}
    library.annotations.set_label([at["9.png"], at["1.png"]], "bird")
    assert labels_by_name(library)["9.png"] == labels_by_name(library)["1.png"] == "bird"
    library.annotations.set_label([at["9.png"], at["1.png"]], None)
    assert labels_by_name(library) == {"1.png": "cat", "2.png": "cat", "3.png": "dog", "4.png": "dog"}


def test_a_content_in_folders_of_two_classes_has_no_label_anywhere(library: Library, tmp_path: Path) -> None:
    drain(index_library(library, [labelled_tree(tmp_path / "tree")], Tiny(), labelled=True))
    shown = library.load_photos(library.find_photo_ids().tolist())
    (both,) = [photo for photo in shown if photo.copies == 1]
    assert both.label is None
    for name in ("cat", "dog"):
        assert len(library.find_photo_ids(Filter(label=name))) == 2
        assert both.id not in library.find_photo_ids(Filter(label=name))
    (tmp_path / "tree" / "dog" / "9.png").unlink()
    drain(index_library(library, [], Tiny()))
    (left,) = library.load_photos([both.id])
    assert (left.label, len(library.find_photo_ids(Filter(label="cat")))) == ("cat", 3)


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "tab\tbed", "\u202ereversed", "null\0"])
def test_what_is_no_label_is_refused_whoever_gives_it(filled: Library, label: str) -> None:
    with pytest.raises(LookalikeError, match="A label is a word or a few, on one line"):
        filled.annotations.set_label([1], label)
    assert filled.annotations.read_labels(filled.model_id) == {}


def test_blanks_around_a_label_are_no_part_of_it(filled: Library) -> None:
    filled.annotations.set_label([1], " grey cat ")
    assert filled.annotations.read_labels(filled.model_id) == {1: "grey cat"}


def test_two_spellings_of_a_label_are_one_label(filled: Library) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    assert composed != decomposed
    filled.annotations.set_label([1], decomposed)
    filled.annotations.set_label([2], composed)
    assert filled.annotations.read_labels(filled.model_id) == {1: composed, 2: composed}
    assert filled.find_photo_ids(Filter(label=decomposed)).tolist() == [1, 2]


def test_label_survives_a_move_and_another_model_and_rests_while_the_file_is_gone(
    library: Library, tmp_path: Path
) -> None:
    tree = labelled_tree(tmp_path / "tree")
    drain(index_library(library, [tree], Tiny()))
    (photo,) = (
        photo for photo in library.load_photos(library.find_photo_ids().tolist()) if photo.path.endswith(b"1.png")
    )
    library.annotations.set_label([photo.id], "rex")
    (tree / "cat" / "1.png").rename(tree / "dog" / "moved.png")
    drain(index_library(library, [tree], Tiny()))
    assert labels_by_name(library) == {"moved.png": "rex"}
    drain(index_library(library, [tree], Tiny("other")))
    assert library.annotations.read_labels(library.store.models.find_model_id(Tiny("other").card.fingerprint)) == {
        photo.id: "rex"
    }
    (tree / "dog" / "moved.png").rename(tmp_path / "away.png")
    drain(index_library(library, [tree], Tiny()))
    assert labels_by_name(library) == {}
    (tmp_path / "away.png").rename(tree / "back.png")
    drain(index_library(library, [tree], Tiny()))
    assert labels_by_name(library) == {"back.png": "rex"}


def test_labels_are_written_while_a_job_is_at_work(filled: Library) -> None:
    with Library.open(filled.folder) as other, other.store.take_job_lock():
        filled.annotations.set_label([1], "cat")
        filled.annotations.record_decision([(2, 1)])
    with Library.open(filled.folder) as other:
        assert other.annotations.read_labels(other.model_id) == {1: "cat"}
        assert other.annotations.read_decisions() == {(1, 2)}


def test_stamp_changes_with_every_change_of_labels(filled: Library) -> None:
    stamps = [filled.annotations.fingerprint_labels()]
    for photos, label in (([1], "cat"), ([1], "dog"), ([2], "dog"), ([1, 2], None)):
        filled.annotations.set_label(photos, label)
        stamps.append(filled.annotations.fingerprint_labels())
    assert len(set(stamps)) == 4
    assert stamps[0] == stamps[-1]


def test_decision_holds_for_either_order_and_can_be_taken_back(filled: Library) -> None:
    filled.annotations.record_decision([(5, 2), (1, 3)])
    filled.annotations.record_decision([(2, 5)])
    assert filled.annotations.read_decisions() == {(2, 5), (1, 3)}
    assert filled.annotations.read_decisions("another") == set()
    filled.annotations.record_decision([(3, 1)], None)
    assert filled.annotations.read_decisions() == {(2, 5)}


def test_forgotten_photo_takes_its_label_and_decisions_along(filled: Library) -> None:
    filled.annotations.set_label([1, 2], "cat")
    filled.annotations.record_decision([(1, 2), (3, 4)])
    filled.store.files.set_state(1, [b"000000.jpg"], "missing")
    filled.store.forget_missing(with_labels=True)
    assert filled.annotations.read_labels(filled.model_id) == {2: "cat"}
    assert filled.annotations.read_decisions() == {(3, 4)}


def test_saved_search_comes_back_as_it_was_saved(filled: Library) -> None:
    query = {"like": [1, "a/b.jpg"], "crop": [0.1, 0.2, 0.5, 0.5], "max_distance": None}
    filled.annotations.save_search("sunsets", query)
    filled.annotations.save_search("cats", {"like": [2]})
    assert filled.annotations.read_searches() == {"cats": {"like": [2]}, "sunsets": query}
    filled.annotations.save_search("cats", {"like": [3]})
    filled.annotations.save_search("sunsets", None)
    assert filled.annotations.read_searches() == {"cats": {"like": [3]}}


def test_half_a_change_of_labels_is_none(filled: Library) -> None:
    filled.annotations.set_label([1], "cat")
    with pytest.raises(ValueError, match="stop"):
        filled.annotations.set_label(_breaks_after(np.array([1, 2])), "dog")
    assert filled.annotations.read_labels(filled.model_id) == {1: "cat"}


def _breaks_after(photos: np.ndarray) -> Iterator[int]:
    yield from photos.tolist()
    raise ValueError("stop")


def test_stamp_changes_when_folders_take_other_names(filled: Library) -> None:
    before = filled.annotations.fingerprint_labels()
    root = filled.store.files.list_roots()[0].id
    paths = [file.path for file in filled.store.files.iterate_files(root, filled.model_id)]
    filled.store.files.set_labels(root, (("wren", path) for path in paths))
    named = filled.annotations.fingerprint_labels()
    filled.store.files.set_labels(root, (("wren" if at else "owl", path) for at, path in enumerate(paths)))
    again = filled.annotations.fingerprint_labels()
    assert len({before, named, again}) == 3
