"""`lookalike worker` as people start it: on computers that see the photos, killed and stopped as they come."""

import random
import signal
import subprocess
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from indexer.database.interface import Database
from indexer.database.postgresql.leases import count_work
from indexer.database.shared_folder import open_database
from indexer.places import enter_shared_library
from tests.support.commands import Tell, command, environment
from tests.support.patience import Patience
from tests.support.postgresql_server import LoopbackServer
from tests.support.trees import paint


@pytest.mark.usefixtures("carried_model")
def test_another_computer_embeds_what_one_has_found(tmp_path: Path, shared_home: LoopbackServer, tell: Tell) -> None:
    for number in range(5):
        paint(tmp_path / "photos" / f"{number}.png", number)
    uri = shared_home.name_library("worker")
    indexed = tell(tmp_path / "one", "index", tmp_path / "photos", "--library", uri, "--queue", "--json")
    assert (indexed.code, indexed.result()["embedded"]) == (0, 0)
    seen = tmp_path / "elsewhere"
    (tmp_path / "photos").rename(seen)
    words = ("worker", "--library", uri, "--until-done", "--json")
    assert tell(tmp_path / "two", *words).result()["embedded"] == 0  # this computer sees no root
    said = tell(tmp_path / "two", *words, "--root", f"{tmp_path / 'photos'}={seen}")
    assert said.result() == {"result": "worker", "embedded": 5, "failed": 0, "lost": 0}
    seen.rename(tmp_path / "photos")
    found = tell(tmp_path / "one", "search", tmp_path / "photos" / "3.png", "--library", uri, "--json").result()
    assert found["hits"][0]["distance"] == 0
    assert tell(tmp_path / "two", "worker", "--library", tmp_path / "none").code == 2
    assert "Write --root PATH=HERE" in tell(tmp_path / "two", *words, "--root", "here").err


@pytest.mark.long
@pytest.mark.usefixtures("carried_model")
def test_workers_may_be_killed_and_stand_still(
    tmp_path: Path, shared_home: LoopbackServer, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 files, three workers: one is killed, one is stopped until its lease has run out, and then goes on."""
    for number in range(1000):
        paint(tmp_path / "photos" / f"{number:04d}.png", number)
    uri = shared_home.name_library("killed_workers")
    assert tell(tmp_path / "one", "index", tmp_path / "photos", "--library", uri, "--queue", "--json").code == 0
    words = command("worker", "--library", uri, "--until-done", "--json", "--lease", "4")
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "one"))
    with ExitStack() as open_things:
        database = open_things.enter_context(closing(open_database(enter_shared_library(uri))))
        children = [
            open_things.enter_context(
                subprocess.Popen(words, env=environment(tmp_path / name), stdout=subprocess.PIPE, text=True)
            )
            for name in ("one", "two", "three")
        ]
        killed, stopped, free = random.Random(2).sample(children, 3)
        wait_for_embeddings(database, 100)
        killed.send_signal(signal.SIGKILL)
        stopped.send_signal(signal.SIGSTOP)
        wait_for_embeddings(database, 1000)
        stopped.send_signal(signal.SIGCONT)
        assert [child.wait(300) for child in (stopped, free)] == [0, 0]
        assert database.fetch_rows("SELECT count(*), count(DISTINCT photo) FROM embeddings") == [(1000, 1000)]
        assert count_work(database) == (0, 0, 0)


def wait_for_embeddings(database: Database, count: int) -> None:
    """Wait until the workers have stored so many embeddings; the server is what sleeps."""
    patience = Patience(partial(database.fetch_integer, "SELECT count(*) FROM embeddings"))
    while database.fetch_integer("SELECT count(*) FROM embeddings, pg_sleep(0.2)") < count:
        assert not patience.is_exhausted()
