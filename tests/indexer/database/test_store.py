"""What the library knows about files and photos changes as one, and only by what happened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.database.contents import MovedRoot, find_moved_roots
from indexer.database.file_batch import PathCounts
from indexer.database.file_table import FailedFile, FileOutcome, FileRecord
from indexer.database.forgetting import ForgettingPlan
from indexer.database.photo_orders import find_shown_ids, read_aspects
from indexer.database.store import Store
from indexer.errors import LibraryError
from tests.support.embedders import tiny_card
from tests.support.vectors import clustered, outcome

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.both_databases]

CARD = tiny_card()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with one root (1), one model (1) and the embeddings of five photos."""
    opened = Store(tmp_path)
    opened.models.add_model(CARD.fingerprint, CARD.name, CARD.dim)
    opened.files.add_root(b"/photos", labelled=False)
    opened.record_outcomes([outcome(1, number, vector) for number, vector in enumerate(clustered(5))], 1)
    yield opened
    opened.close()


def _unfinished(store: Store, model: int) -> list[bytes]:
    return sorted(file.path for file in store.files.iterate_files(1, model) if file.state == "unfinished")


def _copy(path: bytes, number: int, root: int = 1) -> FileOutcome:
    return outcome(root, number, clustered(5)[number])._replace(file=FileRecord(path, 1, 1, 1), vector=None)


def test_vectors_come_back_bit_for_bit_in_order(store: Store) -> None:
    found = store.embeddings.read_embeddings(1, 0)
    assert np.array_equal(found.values, clustered(5))
    assert found.seqs.tolist() == sorted(found.seqs.tolist())
    assert store.embeddings.read_embeddings(1, int(found.seqs[2])).seqs.tolist() == found.seqs.tolist()[3:]
    assert store.embeddings.read_embeddings(1, 0, int(found.seqs[2]), 2).seqs.tolist() == found.seqs.tolist()[:2]


def test_many_vectors_are_read_at_once_as_one_by_one(store: Store) -> None:
    store.database.execute_statement("UPDATE checksums SET crc32 = 1 WHERE seq = 4")  # damaged
    table = store.embeddings
    found = table.read_photo_vectors([5, 9, 4, 1], 1)
    assert list(found) == [5, 1]
    assert all(np.array_equal(found[photo], clustered(5)[photo - 1]) for photo in found)
    assert table.read_photo_vectors([], 1) == {}
    drawn = table.sample_embeddings(1, [2, 0, 4, 7, 3, 2])
    assert drawn.seqs.tolist() == [3, 1, 5, 3]  # behind 7 there is none, behind 3 a damaged one
    assert np.array_equal(drawn.values, clustered(5)[[2, 0, 4, 2]])


def test_no_vectors_are_none(store: Store) -> None:
    assert [len(part) for part in store.embeddings.read_embeddings(1, 10**9)] == [0, 0, 0]


def test_shapes_are_read_from_where_they_are_known_on(store: Store) -> None:
    first = outcome(1, 5, clustered(6)[5])._replace(width=600, height=400)
    unknown = outcome(1, 6, clustered(7)[6])._replace(width=0, height=0)
    store.record_outcomes([first, unknown, first._replace(sha256=b"7" * 32, width=300, height=400)], 1)
    assert np.allclose(read_aspects(store.database, 5), [1.5, 0, 0.75])
    assert np.allclose(read_aspects(store.database, 6), [0, 0.75])
    assert read_aspects(store.database, 8).size == 0


def test_the_number_of_photos_follows_what_any_connection_writes(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path)
    assert [one.embeddings.count_photos(1) for one in (store, other, store)] == [5, 5, 5]
    store.files.set_state(1, [b"000000.jpg"], "missing")
    assert [one.embeddings.count_photos(1) for one in (store, other)] == [4, 4]
    other.record_outcomes([outcome(1, 7, clustered(8)[7])], 1)
    assert [one.embeddings.count_photos(1) for one in (store, other)] == [5, 5]
    assert store.embeddings.count_photos(2) == 0
    other.close()


def test_batch_that_fails_half_way_leaves_nothing(store: Store) -> None:
    before = store.files.count_files(1)
    good, bad = outcome(1, 10, clustered(1)[0]), outcome(99, 11, clustered(1)[0])  # there is no root 99
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.record_outcomes([good, bad], 1)
    assert store.files.count_files(1) == before
    assert not store.embeddings.is_content_finished(good.sha256 or b"", 1)


@pytest.mark.sqlite_file
@pytest.mark.parametrize("forget", [Store.forget_missing, lambda store: store.forget_root(1)])
def test_forgetting_that_fails_half_way_leaves_everything(store: Store, forget: Callable[[Store], object]) -> None:
    store.files.set_state(1, [b"000002.jpg"], "missing")
    before = store.database.fetch_rows("SELECT * FROM files"), store.files.list_roots()
    refuse = "CREATE TRIGGER refuse BEFORE DELETE ON photos BEGIN SELECT raise(ABORT, 'refused'); END"
    store.database.execute_statement(refuse)
    with pytest.raises(LibraryError, match="refused"):
        forget(store)
    assert (store.database.fetch_rows("SELECT * FROM files"), store.files.list_roots()) == before


def test_moved_file_takes_the_place_of_the_missing_one(store: Store) -> None:
    store.files.set_state(1, [b"000002.jpg"], "missing")
    assert store.record_outcomes([_copy(b"new.jpg", 2)], 1) == PathCounts(moved=1, changed=0)
    assert (store.files.count_missing(), store.files.count_files(1)) == (0, 5)


def test_one_new_file_takes_the_place_of_one_missing_copy_only(store: Store) -> None:
    store.record_outcomes([_copy(b"copy.jpg", 2)], 1)
    store.files.set_state(1, [b"000002.jpg", b"copy.jpg"], "missing")
    assert store.record_outcomes([_copy(b"new.jpg", 2)], 1) == PathCounts(moved=1, changed=0)
    assert store.files.count_missing() == 1


def test_file_recorded_again_moves_nothing(store: Store) -> None:
    store.record_outcomes([_copy(b"copy.jpg", 2)], 1)
    store.files.set_state(1, [b"copy.jpg"], "missing")
    assert store.record_outcomes([_copy(b"000002.jpg", 2)], 1) == PathCounts(moved=0, changed=0)
    assert store.files.count_missing() == 1


def test_path_with_another_content_is_changed(store: Store) -> None:
    assert store.record_outcomes([_copy(b"000002.jpg", 3)], 1) == PathCounts(moved=0, changed=1)
    unreadable = FileOutcome(1, FileRecord(b"000003.jpg", 1, 1, 1), reason="no permission to read it")
    assert store.record_outcomes([unreadable], 1) == PathCounts(moved=0, changed=0)


def test_unfinished_are_files_with_a_photo_that_has_neither_embedding_nor_failure(store: Store) -> None:
    store.record_outcomes([FileOutcome(1, FileRecord(b"locked.jpg", 1, 1, 1), reason="no permission to read it")], 1)
    assert _unfinished(store, 1) == []
    other = store.models.add_model("f" * 64, "other", 192)
    store.files.set_state(1, [b"000000.jpg"], "missing")
    store.record_outcomes([_copy(b"000001.jpg", 1)._replace(reason="is damaged")], other)
    assert _unfinished(store, other) == [b"000000.jpg", b"000002.jpg", b"000003.jpg", b"000004.jpg"]


def test_failure_belongs_to_the_content_under_one_model(store: Store) -> None:
    bad = FileOutcome(1, FileRecord(b"bad.jpg", 1, 1, 1), sha256=b"\1" * 32, reason="is damaged")
    unread = FileOutcome(1, FileRecord(b"locked.jpg", 1, 1, 1), reason="no permission to read it")
    store.record_outcomes([bad, unread, bad._replace(file=FileRecord(b"copy.jpg", 1, 1, 1), reason=None)], 1)
    expected = [(b"bad.jpg", bad.reason), (b"copy.jpg", bad.reason), (b"locked.jpg", unread.reason)]
    assert store.files.list_failed_files(1) == [
        FailedFile(b"/photos/" + path, reason or "") for path, reason in expected
    ]
    other = store.models.add_model("f" * 64, "other", 192)
    assert [failure.path for failure in store.files.list_failed_files(other)] == [b"/photos/locked.jpg"]


def test_failed_file_that_goes_is_forgotten(store: Store) -> None:
    store.record_outcomes([FileOutcome(1, FileRecord(b"locked.jpg", 1, 1, 1), reason="no permission to read it")], 1)
    store.files.set_state(1, [b"locked.jpg"], "missing")
    assert (store.files.list_failed_files(1), store.files.count_missing()) == ([], 0)


def test_only_failures_that_lacked_the_extra_are_curable(store: Store) -> None:
    for path, needs in ((b"a.heic", "heif"), (b"b.dng", "raw"), (b"c.jpg", None)):
        store.record_outcomes(
            [FileOutcome(1, FileRecord(path, 1, 1, 1), sha256=path.ljust(32), reason="no", needs=needs)], 1
        )
    store.embeddings.forget_curable_failures("heif")
    assert [failure.path for failure in store.files.list_failed_files(1)] == [b"/photos/b.dng", b"/photos/c.jpg"]
    assert _unfinished(store, 1) == [b"a.heic"]


def test_forgetting_what_is_missing_keeps_photos_that_a_file_holds(store: Store) -> None:
    store.record_outcomes([_copy(b"copy.jpg", 0)], 1)
    store.files.set_state(1, [b"000000.jpg", b"000001.jpg"], "missing")
    assert store.forget_missing() == ForgettingPlan(2, 1, 0, 0, 0, 0, 0)
    assert store.database.fetch_integer("SELECT count(*) FROM photos") == store.embeddings.count_embeddings(1) == 4
    assert store.database.is_intact()


def test_forgetting_a_root_forgets_nothing_of_another(store: Store) -> None:
    store.files.add_root(b"/other", labelled=False)
    store.record_outcomes([outcome(2, 7, clustered(1)[0]), _copy(b"copy.jpg", 0, root=2)], 1)
    store.files.set_state(1, [b"000003.jpg"], "missing")
    assert store.forget_root(2) == ForgettingPlan(2, 1, 0, 0, 0, 0, 0)
    assert (store.files.count_missing(), store.files.count_files(1), len(store.files.list_roots())) == (1, 4, 1)


def test_number_of_a_forgotten_photo_is_not_given_again(store: Store) -> None:
    last = store.embeddings.find_last_photo_id()
    store.forget_root(1)
    store.files.add_root(b"/photos", labelled=False)
    (root,) = store.files.list_roots()
    store.record_outcomes([outcome(root.id, 50, clustered(1)[0])], 1)
    assert store.embeddings.find_last_photo_id() == int(find_shown_ids(store.database, 1)[0]) == last + 1


def test_photos_are_shown_in_the_order_asked_with_their_copies(store: Store) -> None:
    store.record_outcomes([_copy(b"copy.jpg", 4), _copy(b"zcopy.jpg", 4)], 1)
    found = store.embeddings.find_shown_photos([5, 99, 1])
    assert [(photo.id, photo.path, photo.copies) for photo in found] == [(5, b"000004.jpg", 2), (1, b"000000.jpg", 0)]


def test_more_photos_than_sqlite_takes_values_can_be_asked_for(store: Store) -> None:
    assert [photo.id for photo in store.embeddings.find_shown_photos(list(range(3000)))] == [1, 2, 3, 4, 5]


def test_label_of_the_user_stands_before_the_folder_label(store: Store) -> None:
    store.files.set_labels(1, [("cats", b"000000.jpg"), ("cats", b"000001.jpg")])
    store.database.execute_statement("INSERT INTO labels (photo, label) VALUES (1, 'dog')")
    assert [photo.label for photo in store.embeddings.find_shown_photos([1, 2, 3])] == ["dog", "cats", None]


def test_labels_that_are_the_same_are_not_written_again(store: Store) -> None:
    store.files.set_labels(1, [("cats", b"000000.jpg")])
    state = store.database.read_state("")
    store.files.set_labels(1, [("cats", b"000000.jpg"), (None, b"000001.jpg")])
    assert store.database.read_state("") == state


def test_settings_come_back_as_they_were(store: Store) -> None:
    store.models.set_setting("x", {"a": [1, None, "ü"]})
    assert store.models.read_setting("x") == {"a": [1, None, "ü"]}
    assert store.models.read_setting("never set") is None


def test_an_offline_root_is_found_around_and_below_one_that_is_there(store: Store) -> None:
    store.files.set_online(1, online=False)
    store.files.add_root(b"/elsewhere", labelled=False)
    above = [_copy(b"DCIM/%06d.jpg" % number, number, root=2) for number in range(5)]
    store.record_outcomes([*above, _copy(b"more/7.jpg", 2, root=2)], 1)
    assert find_moved_roots(store.database) == [MovedRoot(b"/photos", b"/elsewhere/DCIM", 5)]
    shown = store.embeddings.find_shown_photos([1, 2, 3, 4, 5])
    assert [(photo.root, photo.copies) for photo in shown] == [(b"/elsewhere", int(row == 2)) for row in range(5)]
    store.files.set_online(1, online=True)
    store.files.set_online(2, online=False)
    assert find_moved_roots(store.database) == []  # /photos is no folder DCIM of another one
    store.files.move_root(1, b"/x/DCIM")
    assert find_moved_roots(store.database) == [MovedRoot(b"/elsewhere", b"/x", 5)]
    store.files.leave_to_inner(2, 1)
    assert [file.path for file in store.files.iterate_files(2, 1)] == [b"more/7.jpg"]
    assert store.files.count_files(1, 1) == 5
