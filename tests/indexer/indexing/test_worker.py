"""Workers of a shared library: each file is embedded once, whatever happens to the workers, and nothing waits."""

import os
from collections import Counter
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.database.postgresql import connecting
from indexer.database.postgresql.leases import LeaseLost, count_work, guard_leases, lease_files, list_work_problems
from indexer.errors import LibraryError
from indexer.indexing import pipeline
from indexer.indexing.run import EmbeddingClaims, index_library
from indexer.indexing.worker import WorkerRequest, queue_files, work_for_library
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.progress import drain
from tests.support.embedders import Tiny
from tests.support.postgresql_server import LoopbackServer
from tests.support.questions import trace_questions
from tests.support.trees import paint


@pytest.fixture
def shared(tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a shared library with 70 files below one root that wait for workers."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    folder = enter_shared_library(shared_home.name_library(f"work{os.urandom(6).hex()}"))
    for number in range(70):
        paint(tmp_path / "photos" / "ab"[number % 2] / f"{number:03d}.png", number)
    with Library.open(folder) as library:
        report = drain(index_library(library, [tmp_path / "photos"], Tiny(), labelled=True, leave_files=queue_files))
        assert (report.embedded, count_work(library.store.database)) == (0, (70, 0, 0))
    return folder


def count_embedded(library: Library) -> Counter[int]:
    return Counter(photo for (photo,) in library.store.database.fetch_rows("SELECT photo FROM embeddings"))


@pytest.mark.long
def test_check_tells_what_nobody_is_at(shared: Path) -> None:
    with Library.open(shared) as library:
        database, model = library.store.database, library.model_id
        assert [said.split(" wait")[0] for said in list_work_problems(database, model)] == ["70 files"]
        lease_files(database, "one", [1], 10, 60)
        assert list_work_problems(database, model) == []  # somebody is at it
        database.execute_statement("UPDATE work SET until = NULL")
        drain(work_for_library(library, Tiny(), WorkerRequest("one")))
        assert list_work_problems(database, model) == []
        database.execute_statement("DELETE FROM embeddings WHERE photo = 7")
        (said,) = list_work_problems(database, model)
        assert said.startswith("1 file has no embedding under the active model")


def test_a_worker_does_what_an_index_run_would_do(shared: Path, tmp_path: Path) -> None:
    with Library.open(shared) as library:
        model = Tiny()
        report = drain(work_for_library(library, model, WorkerRequest("one")))
        assert report == (70, 0, 0)
        assert model.asked == 70
        with Library.create(tmp_path / "own.library") as own:
            drain(index_library(own, [tmp_path / "photos"], Tiny(), labelled=True))
            sql = (
                "SELECT f.path, f.state, f.label, f.name_key, p.sha256, p.width, e.vector FROM files AS f "
                "JOIN photos AS p ON p.id = f.photo JOIN embeddings AS e ON e.photo = p.id ORDER BY f.path"
            )
            assert library.store.database.fetch_rows(sql) == own.store.database.fetch_rows(sql)
        assert drain(index_library(library, [], Tiny())).embedded == 0


def test_workers_share_the_files_and_embed_each_once(shared: Path) -> None:
    with ExitStack() as opened:
        libraries = [opened.enter_context(Library.open(shared)) for _ in range(2)]
        models = [Tiny(), Tiny()]
        workers = [
            work_for_library(library, model, WorkerRequest(name, batch=8))
            for library, model, name in zip(libraries, models, "ab", strict=True)
        ]
        running, reports = list(workers), []
        while running:
            for worker in list(running):
                try:
                    next(worker)
                except StopIteration as stop:
                    reports.append(stop.value)
                    running.remove(worker)
        assert sum(report.embedded for report in reports) == 70
        assert set(count_embedded(libraries[0]).values()) == {1}
        assert sum(model.asked for model in models) == 70


def test_a_worker_whose_lease_ran_out_writes_nothing_over_anothers_work(shared: Path) -> None:
    with Library.open(shared) as slow, Library.open(shared) as quick:
        worker = work_for_library(slow, Tiny(), WorkerRequest("slow", seconds=3600))
        next(worker)  # a first batch is stored, the next files are leased
        database = quick.store.database
        database.execute_statement("UPDATE work SET until = now() - interval '1 second'")  # it stood still for long
        taken = lease_files(database, "quick", [1], 10, 60)
        while next(worker).stage != "wait":  # until what is left is another's
            pass
        assert count_embedded(quick).total() == 60
        planted = quick.store.files.list_roots()[0].id
        with pytest.raises(LeaseLost), database.transaction():
            database.execute_statement("UPDATE files SET label = 'planted' WHERE root = ?", (planted,))
            guard = guard_leases(database, "slow", taken, 60)
            guard.check(*database.fetch_together([guard.question]))
        assert database.fetch_integer("SELECT count(*) FROM files WHERE label = 'planted'") == 0
        database.execute_statement("UPDATE work SET until = now() - interval '1 second'")  # the other one is killed
        assert drain(worker) == (70, 0, 10)


def test_a_file_that_costs_three_workers_becomes_a_failure_and_costs_no_other(shared: Path) -> None:
    with Library.open(shared) as library:
        database = library.store.database
        database.execute_statement("UPDATE work SET tries = 3 WHERE path = ?", (b"a/000.png",))
        assert drain(work_for_library(library, Tiny(), WorkerRequest("one"))) == (69, 1, 0)
        (failed,) = library.list_failed_files()
        assert failed.reason == "stopped the program that read it, three times"
        assert count_work(database) == (0, 0, 0)


def test_a_worker_that_stands_still_in_a_transaction_keeps_nobody_from_writing(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "IDLE_SECONDS", 1)
    with Library.open(shared) as still, Library.open(shared) as quick:
        before = still.store.database.read_data_version()
        with pytest.raises(LibraryError, match="nothing is lost"), still.store.database.transaction():
            still.store.database.execute_statement("UPDATE files SET label = 'planted'")
            assert drain(work_for_library(quick, Tiny(), WorkerRequest("quick"))) == (70, 0, 0)  # waits a second
        assert quick.store.database.fetch_integer("SELECT count(*) FROM files WHERE label = 'planted'") == 0
        assert still.store.database.read_data_version() > before  # and it goes on


def test_a_worker_waits_for_a_library_that_cannot_be_written_just_now(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BUSY_SECONDS", 1)
    with Library.open(shared) as busy, Library.open(shared) as patient:
        worker = work_for_library(patient, Tiny(), WorkerRequest("patient"))
        with busy.store.database.transaction():
            busy.store.database.execute_statement("UPDATE settings SET value = value")
            assert "Others are writing" in next(worker).note
        assert drain(worker) == (70, 0, 0)


def test_a_batch_is_leased_and_stored_with_three_questions(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_SIZE", 8)
    monkeypatch.setattr(pipeline, "INPUTS_AHEAD", 24)
    with Library.open(shared) as library:
        worker = work_for_library(library, Tiny(), WorkerRequest("one", batch=8))
        next(worker)
        with trace_questions(library, tmp_path) as questions:
            assert next(worker).done == 16
        assert sum("INSERT INTO embeddings" in asked for asked in questions) == 1
        assert 1 <= len(questions) <= 3
        assert drain(worker) == (70, 0, 0)


def test_the_library_is_asked_only_for_contents_of_a_size_that_it_knows(shared: Path, tmp_path: Path) -> None:
    with Library.open(shared) as library:
        claims = EmbeddingClaims(library.store, library.model_id, frozenset({5}).__contains__)
        with trace_questions(library, tmp_path) as questions:
            claimed = [claims.claim_content(number * 32, size) for number, size in ((b"1", 4), (b"1", 4), (b"2", 5))]
        assert claimed == [True, False, True]
        assert len(questions) == 1


def test_a_computer_without_the_photos_has_their_thumbnails_from_the_server(shared: Path, tmp_path: Path) -> None:
    with Library.open(shared) as library:
        drain(work_for_library(library, Tiny(), WorkerRequest("one")))
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    with Library.open(shared) as library:
        photos = library.load_photos(range(1, 61))
        with trace_questions(library, tmp_path) as questions:
            library.thumbnails.fetch([photo.sha256 for photo in photos])
        assert len(questions) == 1
        with trace_questions(library, tmp_path) as questions:
            thumbnails = [library.read_thumbnail(photo) for photo in photos]
        assert questions == []
        shown = np.stack([_read_small(BytesIO(jpeg)) for jpeg in thumbnails if jpeg is not None])
        names = [Path(os.fsdecode(photo.path)).relative_to(tmp_path / "photos") for photo in photos]
        painted = np.stack([_read_small(tmp_path / "elsewhere" / name) for name in names])
        unlike = np.abs(shown[:, None] - painted[None]).mean((2, 3, 4))
        assert unlike.argmin(1).tolist() == list(range(60))  # each is most like its own photo


def _read_small(source: BytesIO | Path) -> np.ndarray:
    return np.asarray(Image.open(source).convert("RGB").resize((8, 8)), int)


def test_a_thumbnail_of_the_server_that_is_no_picture_is_none(shared: Path, tmp_path: Path) -> None:
    with Library.open(shared) as library:
        drain(work_for_library(library, Tiny(), WorkerRequest("one")))
        library.store.database.execute_statement("UPDATE thumbnails SET jpeg = ? WHERE photo = 1", (b"nothing",))
        library.store.database.execute_statement("DELETE FROM thumbnails WHERE photo = 2")
        (tmp_path / "photos").rename(tmp_path / "elsewhere")
        first, second, third = library.load_photos([1, 2, 3])
        assert library.read_thumbnail(first) is None
        assert library.read_thumbnail(second) is None
        assert library.read_thumbnail(third) is not None
