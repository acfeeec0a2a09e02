"""Forgetting takes exactly what is said before, and nothing of which the user has said something unless asked to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.database.file_table import FileRecord
from indexer.database.forgetting import ForgettingPlan, forget_photos, plan_forgetting
from indexer.library import Library
from tests.support.vectors import clustered, fill, outcome

pytestmark = pytest.mark.usefixtures("engine")

VECTORS = clustered(8)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """Photos 1 to 8 in /nowhere/photos (root 1); 8 has a copy in /other (root 2), 7 has no file any more."""
    fill(tmp_path / "x.library", VECTORS, publish=False)
    with Library.open(tmp_path / "x.library") as library:
        library.store.files.add_root(b"/other", labelled=False)
        copy = outcome(2, 7, VECTORS[7])._replace(file=FileRecord(b"copy.jpg", 1, 1, 1))
        other = outcome(1, 50, VECTORS[0])._replace(file=FileRecord(b"000006.jpg", 2, 2, 2))
        library.store.record_outcomes([copy, other], library.model_id)
        yield library


def say(library: Library) -> None:
    """Photos 1 and 7 have a label, 2 and 4 are no match, 3 is in a saved search, and so is none of the others."""
    library.annotations.set_label([1, 7], "cat")
    library.annotations.record_decision([(2, 4)])
    sha256 = library.store.database.fetch_rows("SELECT sha256 FROM photos WHERE id = 3")[0][0]
    library.annotations.save_search("mine", {"positives": [{"photo": sha256.hex()}]})


def lose(library: Library, *photos: int) -> None:
    library.store.files.set_state(1, [b"%06d.jpg" % (photo - 1) for photo in photos], "missing")


def count_rows(library: Library) -> dict[str, int]:
    tables = ("files", "photos", "embeddings", "labels", "decisions", "searches")
    return {name: library.store.database.fetch_integer(f"SELECT count(*) FROM {name}") for name in tables}


def test_a_photo_without_a_file_goes_with_the_missing_ones_and_is_counted(filled: Library) -> None:
    plan = ForgettingPlan(0, 1, 0, 0, 0, 0, 0)  # it was put under other content
    assert plan_forgetting(filled.store.database, None, with_labels=False) == plan
    assert not plan.is_empty
    assert filled.store.forget_missing() == plan
    assert plan_forgetting(filled.store.database, None, with_labels=False).is_empty


@pytest.mark.parametrize("lost", [(), (1, 2, 3, 5, 6)])
def test_what_the_user_said_stays_unless_it_is_asked_to_go(filled: Library, lost: tuple[int, ...]) -> None:
    say(filled)
    lose(filled, *lost)
    words = filled.store.database.fetch_rows("SELECT * FROM labels"), filled.annotations.read_decisions()
    plan = filled.store.forget_missing()
    assert plan == (ForgettingPlan(2, 2, 0, 0, 0, 4, 3) if lost else ForgettingPlan(0, 0, 0, 0, 0, 1, 0))
    assert (filled.store.database.fetch_rows("SELECT * FROM labels"), filled.annotations.read_decisions()) == words
    assert filled.store.files.count_missing() == plan.kept_files


def test_with_labels_takes_what_the_user_said_and_counts_it(filled: Library) -> None:
    say(filled)
    lose(filled, 1, 2, 3, 8)
    before = count_rows(filled)
    plan = plan_forgetting(filled.store.database, None, with_labels=True)
    assert plan == ForgettingPlan(files=4, photos=4, labels=2, decisions=1, searches=1, kept_photos=0, kept_files=0)
    assert count_rows(filled) == before
    assert filled.store.forget_missing(with_labels=True) == plan
    gone = {name: before[name] - number for name, number in count_rows(filled).items()}
    assert gone == {"files": 4, "photos": 4, "embeddings": 4, "labels": 2, "decisions": 1, "searches": 0}


def test_forgotten_folder_leaves_what_the_user_said_for_when_it_comes_back(filled: Library) -> None:
    say(filled)
    plan = filled.store.forget_root(1)
    assert plan == ForgettingPlan(files=8, photos=3, labels=0, decisions=0, searches=0, kept_photos=4, kept_files=0)
    kept = filled.store.database.fetch_rows("SELECT id FROM photos ORDER BY id")
    assert kept == [(1,), (2,), (3,), (4,), (7,), (8,)]
    assert [root.path for root in filled.store.files.list_roots()] == [b"/other"]
    filled.store.files.add_root(b"/nowhere/photos", labelled=False)
    again = next(root.id for root in filled.store.files.list_roots() if root.path == b"/nowhere/photos")
    filled.store.record_outcomes([outcome(again, 0, VECTORS[0])], filled.model_id)
    assert filled.annotations.read_labels(filled.model_id) == {1: "cat"}


def test_forgotten_folder_takes_along_what_it_is_asked_to(filled: Library) -> None:
    say(filled)
    plan = filled.store.forget_root(1, with_labels=True)
    assert plan == ForgettingPlan(files=8, photos=7, labels=1, decisions=1, searches=1, kept_photos=0, kept_files=0)
    assert filled.store.database.fetch_rows("SELECT photo FROM labels") == [(7,)]  # it was in no folder


def test_plan_says_in_words_what_goes_and_what_stays() -> None:
    plan = ForgettingPlan(3, 1, 1, 2, 1, 0, 0)
    assert plan.describe_losses() == ("3 files, 1 photo with their embeddings, 1 label, 2 decisions and 1 saved search")
    assert ForgettingPlan(1, 2, 0, 0, 0, 0, 0).describe_losses() == "1 file and 2 photos with their embeddings"
    assert plan.describe_kept() == ""
    kept = ForgettingPlan(0, 0, 0, 0, 0, 6, 2).describe_kept()
    assert kept.startswith("6 photos and 2 missing files stay: you gave them a label or a decision")


def test_plan_and_forgetting_agree_on_the_state_they_find(filled: Library) -> None:
    say(filled)
    lose(filled, 5, 1)
    for with_labels in (False, True):
        before = count_rows(filled)
        plan = forget_photos(filled.store.database, None, with_labels=with_labels)
        after = count_rows(filled)
        assert (before["files"] - after["files"], before["photos"] - after["photos"]) == (plan.files, plan.photos)
        assert before["labels"] - after["labels"] == plan.labels
