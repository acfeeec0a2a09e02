"""The window's session on a shared library: what others commit is seen, and a server that is away is waited for."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.search.query import Query
from retrieval_app.session.session import Session
from tests.support.postgresql_server import LoopbackServer, make_server, remove_server
from tests.support.vectors import clustered, fill
from tests.support.watched_proxy import watch_connections
from tests.support.window_waits import wait_for

MOST_CLOSING_SECONDS = 5.0


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A server of the test's own."""
    made = make_server()
    yield made
    remove_server(made)


def test_what_others_do_is_seen_and_a_server_that_is_away_is_waited_for(
    home: Path, server: LoopbackServer, qtbot: QtBot
) -> None:
    folder = enter_shared_library(server.name_library("session"))
    fill(folder, clustered(12), publish=False)
    session = Session(folder)
    troubles: list[str] = []
    session.trouble_changed.connect(lambda trouble: troubles.append(trouble.sentence if trouble else ""))
    session.library.switch_to(folder)
    wait_for(qtbot, lambda: len(session.search.listing.ids) == 12)
    before = session.library.info
    with Library.open(folder) as other:
        other.annotations.set_label([3], "wolf")
    wait_for(qtbot, lambda: session.library.info is not before)
    server.stop()
    troubles.clear()
    wait_for(qtbot, lambda: bool(troubles))
    session.search.run_query(Query((3,)))
    wait_for(qtbot, lambda: not session.search.is_running)
    with qtbot.waitSignal(session.library.writer.refused) as refused:
        session.library.writer.write("label", lambda library: library.annotations.set_label([4], "bear"))
    said = [*filter(None, troubles), refused.args[1]]
    assert len(said) <= 3  # of the library once, of the search, and of the label
    assert all("cannot be reached just now, nothing is lost" in sentence for sentence in said)
    server.start()
    session.search.show_library()
    before = session.library.info
    wait_for(qtbot, lambda: session.library.info is not before and troubles[-1] == "")
    session.search.run_query(Query((3,)))
    wait_for(qtbot, lambda: len(session.search.listing.ids) == 12 and not session.search.is_running)
    with Library.open(folder) as other:
        assert other.annotations.read_labels(other.model_id) == {3: "wolf"}
    session.close()


def test_closing_does_not_wait_for_a_server_that_has_fallen_silent(
    home: Path, server: LoopbackServer, qtbot: QtBot
) -> None:
    uri = server.name_library("silent")
    fill(enter_shared_library(uri), clustered(12), publish=False)
    with watch_connections(server.port) as proxy:
        folder = enter_shared_library(uri.replace(f":{server.port}/", f":{proxy.port}/"))
        session = Session(folder)
        session.library.switch_to(folder)
        wait_for(qtbot, lambda: len(session.search.listing.ids) == 12 and not session.search.is_running)
        write = partial(session.library.writer.write, "label")
        with qtbot.waitSignal(session.library.writer.written):
            write(lambda library: library.annotations.set_label([3], "wolf"))
        proxy.is_silent.set()
        write(lambda library: library.annotations.set_label([4], "bear"))
        session.search.run_query(Query((3,)))
        start = time.monotonic()
        session.close()
        assert time.monotonic() - start < MOST_CLOSING_SECONDS
    with Library.open(enter_shared_library(uri)) as other:
        assert other.annotations.read_labels(other.model_id) in ({3: "wolf"}, {3: "wolf", 4: "bear"})
