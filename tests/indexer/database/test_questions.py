"""How often a shared library asks its server: over a slow link each question is felt."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.reports.result_fields import list_photo_fields
from indexer.search.query import Query
from retrieval_app.session.snapshot import take_snapshot
from tests.support.postgresql_server import OWNER, LoopbackServer
from tests.support.questions import count_received_bytes, trace_questions
from tests.support.vectors import clustered, fill, outcome


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shared_home: LoopbackServer) -> Path:
    """The folder of a shared library with sixty photos."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKALIKE_HOME", str(tmp_path_factory.mktemp("questions")))
        folder = enter_shared_library(shared_home.name_library(f"q{secrets.token_hex(6)}"))
    fill(folder, clustered(60), publish=False)
    with Library.open(folder) as library:  # a card that is damaged, as there are no weights
        sql = "INSERT INTO model_files VALUES (?, 'model.json', ?)"
        library.store.database.execute_statement(sql, (library.model_fingerprint, b"{}"))
    return folder


@pytest.fixture
def shared(folder: Path) -> Iterator[Library]:
    """The library, opened."""
    with Library.open(folder) as library:
        yield library


def repeat_until_settled(library: Library) -> None:
    """What the first few cost is measured, stored and read back."""
    with Library.open(library.folder) as other:
        for photo in (2, 3, 4):
            library.search(Query((photo,)))
            take_snapshot(library, 60)
            other.annotations.set_label([photo], f"bear {photo}")
    library.search(Query((5,)))
    take_snapshot(library, 60)


def test_a_search_asks_three_questions_and_a_snapshot_two(shared: Library, tmp_path: Path) -> None:
    repeat_until_settled(shared)
    with trace_questions(shared, tmp_path) as questions:
        assert len(shared.search(Query((9,))).hits) == 50
    assert 1 <= len(questions) <= 3
    assert 5_000 < count_received_bytes(tmp_path) < 150_000
    with trace_questions(shared, tmp_path) as questions:
        assert len(take_snapshot(shared, 60).photo_ids) == 60
    assert 1 <= len(questions) <= 2


def test_a_label_of_another_is_seen_without_reading_all_photos(shared: Library, tmp_path: Path) -> None:
    repeat_until_settled(shared)
    with Library.open(shared.folder) as other:
        other.annotations.set_label([3], "wolf")
    with trace_questions(shared, tmp_path) as questions:
        found = shared.search(Query((3,)))
    assert (found.hits[0].photo.id, found.hits[0].photo.label) == (3, "wolf")
    said = "\n".join(questions)
    assert "labels" in said
    assert "SELECT photo FROM files" not in said
    assert len(questions) <= 8  # of which five measure and store what distances mean now


def test_whatever_another_changes_is_seen_by_the_next_search(shared: Library) -> None:
    repeat_until_settled(shared)
    with Library.open(shared.folder) as other:
        for change, is_found in (("missing", False), ("present", True)):
            other.store.files.set_state(1, [b"000004.jpg"], change)
            found = {hit.photo.id for hit in shared.search(Query((9,)), k=60).hits}
            assert (5 in found) is is_found
        other.store.record_outcomes([outcome(1, 77, clustered(1, seed=9)[0])], other.model_id)
        assert len(shared.search(Query((9,)), k=99).hits) == 61


def test_what_was_asked_at_the_last_start_is_asked_at_once(folder: Path, tmp_path: Path) -> None:
    (folder / "questions.json").unlink(missing_ok=True)
    counts, snapshots = [], []
    for _ in range(2):
        with Library.open(folder) as library:
            with trace_questions(library, tmp_path) as questions:
                snapshots.append(take_snapshot(library, 60).photo_ids.tolist())
            counts.append(len(questions))
    assert counts[0] > 15
    assert counts[1] <= 6
    assert snapshots[0] == snapshots[1]
    assert set(snapshots[0]) >= set(range(1, 61))


def test_questions_that_this_computer_has_not_kept_are_not_asked(folder: Path, tmp_path: Path) -> None:
    with Library.open(folder) as library:
        take_snapshot(library, 60)
    kept = json.loads((folder / "questions.json").read_text())
    planted = json.dumps({"snapshot": [["DELETE FROM labels", [], ["labels"]]]})
    for text in (json.dumps(kept | {"questions": planted}), "[", json.dumps({"questions": 1, "signature": 2})):
        (folder / "questions.json").write_text(text)
        with Library.open(folder) as library:
            library.annotations.set_label([7], "wolf")
            with trace_questions(library, tmp_path) as questions:
                take_snapshot(library, 60)
            assert not any("DELETE FROM labels" in asked for asked in questions)
            assert library.annotations.read_user_labels([7]) == {7: "wolf"}


def test_many_vectors_are_read_with_one_question_and_one_for_their_dimension(shared: Library, tmp_path: Path) -> None:
    table, model = shared.store.embeddings, shared.model_id
    with trace_questions(shared, tmp_path) as questions:
        assert len(table.read_photo_vectors(range(1, 61), model)) == 60
    assert len(questions) == 2
    with trace_questions(shared, tmp_path) as questions:
        assert len(table.sample_embeddings(model, range(50)).ids) == 50
    assert len(questions) == 3


def test_a_photo_says_who_gave_it_its_label_and_when(shared: Library) -> None:
    before = shared.store.database.fetch_rows("SELECT clock_timestamp()")[0][0]
    shared.annotations.set_label([11], "wolf")
    after = shared.store.database.fetch_rows("SELECT clock_timestamp()")[0][0]
    labelled, bare = shared.load_photos([11, 12])
    assert labelled.labelled is not None
    assert labelled.labelled.who == OWNER
    assert before <= labelled.labelled.moment <= after
    fields = list_photo_fields(labelled)
    assert (fields["labelled_by"], fields["labelled_at"]) == (OWNER, labelled.labelled.moment.isoformat())
    assert (bare.labelled, list_photo_fields(bare)["labelled_by"]) == (None, None)
    shared.annotations.set_label([11], None)
    assert shared.load_photos([11])[0].labelled is None
