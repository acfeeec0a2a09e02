"""The server is killed under those who write: they say so, go on by themselves, and lose nothing acknowledged."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from indexer.database.annotations import Annotations
from indexer.database.postgresql.address import parse_address
from indexer.database.postgresql.label_history import read_label_history
from indexer.database.shared_folder import open_database, write_address
from indexer.database.store import Store
from indexer.errors import LibraryError
from tests.support.patience import Patience, find_descendants
from tests.support.postgresql_server import LoopbackServer, make_server, remove_server
from tests.support.vectors import clustered, fill, outcome

BATCH = 5


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A server of the test's own."""
    made = make_server()
    yield made
    remove_server(made)


def kill_server(server: LoopbackServer) -> None:
    """Kill the server with all its processes, as a power cut would."""
    first = server.read_process_id()
    for process in (first, *find_descendants(first)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    (server.folder / "data" / "postmaster.pid").unlink()  # else one that nobody buries counts as alive


def fill_store(folder: Path) -> None:
    """Twenty photos of a root, and a model."""
    with closing(Store(folder)) as store:
        store.models.add_model("f" * 64, "tiny", 192)
        store.files.add_root(b"/photos", labelled=False)
        store.record_outcomes([outcome(1, number, vector) for number, vector in enumerate(clustered(20))], 1)


class Writer(threading.Thread):
    """Writes one thing after the other, and each again until it is acknowledged; keeps what it was told."""

    def __init__(self, folder: Path, write: Callable[[Store, int], None]) -> None:
        super().__init__()
        self.folder, self.write = folder, write
        self.acknowledged: list[int] = []
        self.sentences: list[str] = []
        self.ending = False

    def run(self) -> None:
        with closing(Store(self.folder)) as store:
            while not self.ending:
                try:
                    self.write(store, len(self.acknowledged))
                except LibraryError as fault:
                    self.sentences.append(str(fault))
                else:
                    self.acknowledged.append(len(self.acknowledged))


def write_batch(store: Store, number: int) -> None:
    first = 1000 + BATCH * number
    vectors = clustered(BATCH, seed=number)
    store.record_outcomes([outcome(1, first + place, vector) for place, vector in enumerate(vectors)], 1)


def write_label(store: Store, number: int) -> None:
    Annotations(store.database).set_label([number % 20 + 1], f"label {number}")


def write_decision(store: Store, number: int) -> None:
    Annotations(store.database).record_decision([(number % 19 + 1, 20)], f"decision {number}")


def check_acknowledged(folder: Path, writers: list[Writer]) -> None:
    """Whether all that was acknowledged is there, and every batch whole; one more may be, whose answer was lost."""
    batches, labels, decisions = writers
    with closing(Store(folder)) as store:
        photos = store.database.fetch_integer("SELECT count(*) FROM photos") - 20
        assert photos % BATCH == 0
        assert photos // BATCH - len(batches.acknowledged) in (0, 1)
        assert store.database.fetch_integer("SELECT count(*) FROM embeddings") == photos + 20
        found = Annotations(store.database).read_user_labels(range(1, 21))
        last = {number % 20 + 1: number for number in labels.acknowledged}
        for photo, number in last.items():
            assert found[photo] in (f"label {number}", f"label {number + 20}")
        decided: dict[int, str] = dict(store.database.fetch_rows("SELECT photo, decision FROM decisions"))
        for photo, number in {number % 19 + 1: number for number in decisions.acknowledged}.items():
            assert decided[photo] in (f"decision {number}", f"decision {number + 19}")


@pytest.mark.long
@pytest.mark.parametrize("kills", [1, 20])
def test_a_killed_server_loses_nothing_that_was_acknowledged(
    tmp_path: Path, server: LoopbackServer, kills: int
) -> None:
    write_address(tmp_path, parse_address(server.name_library("faults")))
    fill_store(tmp_path)
    writers = [Writer(tmp_path, write) for write in (write_batch, write_label, write_decision)]
    for writer in writers:
        writer.start()
    try:
        _kill_under(server, writers, kills)
    finally:
        for writer in writers:
            writer.ending = True
        for writer in writers:
            writer.join()
    check_acknowledged(tmp_path, writers)
    sentences = {sentence for writer in writers for sentence in writer.sentences}
    assert sentences
    assert [said for said in sentences if "nothing is lost" not in said or "\n" in said] == []


def _kill_under(server: LoopbackServer, writers: list[Writer], kills: int) -> None:
    draw = random.Random(3)
    for _ in range(kills):
        wanted = [len(writer.acknowledged) + draw.randint(2, 12) for writer in writers]
        patience = Patience(lambda: [len(writer.acknowledged) for writer in writers])
        while any(len(writer.acknowledged) < count for writer, count in zip(writers, wanted, strict=True)):
            assert not patience.is_exhausted()
        kill_server(server)
        server.start()


def test_a_reader_does_not_notice_that_the_server_was_away(tmp_path: Path, server: LoopbackServer) -> None:
    write_address(tmp_path, parse_address(server.name_library("reading")))
    with closing(open_database(tmp_path)) as database:
        database.execute_statement("INSERT INTO settings VALUES ('a', '1')")
        kill_server(server)
        with pytest.raises(LibraryError, match="cannot be reached just now, nothing is lost"):
            database.fetch_rows("SELECT * FROM settings")
        server.start()
        assert database.fetch_rows("SELECT * FROM settings") == [("a", "1")]
        version = database.read_data_version()
        database.execute_statement("INSERT INTO settings VALUES ('b', '1')")
        assert database.read_data_version() == version


def test_two_who_label_the_same_photos_at_once_lose_nothing_and_the_last_commit_wins(
    tmp_path: Path, shared_home: LoopbackServer
) -> None:
    write_address(tmp_path, parse_address(shared_home.name_library("at_once")))
    fill(tmp_path, clustered(200), publish=False)

    def label_all(name: str) -> None:
        with closing(Store(tmp_path)) as store:
            for number in range(5):
                Annotations(store.database).set_label(range(1, 201), f"{name} {number}")

    with ThreadPoolExecutor(2) as people:
        list(people.map(label_all, ("anna", "otto")))
    with closing(Store(tmp_path)) as store:
        (last,) = set(Annotations(store.database).read_user_labels(range(1, 201)).values())  # all of one commit
        history = [change.label for change in read_label_history(store.database, 200)]
    assert last in ("anna 4", "otto 4")
    assert history[-1] == last
    assert sorted(map(str, history)) == sorted(f"{name} {number}" for name in ("anna", "otto") for number in range(5))
