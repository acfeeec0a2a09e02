"""A shared library of very many photos: what is opened, scrolled and searched brings little of it to this computer."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from indexer.database.filters import Filter
from indexer.database.photo_orders import read_aspects
from indexer.database.postgresql import vector_index
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.progress import drain
from indexer.search.query import Query
from retrieval_app.session.snapshot import take_snapshot
from tests.support.planted_server import plant_on_server
from tests.support.postgresql_server import LoopbackServer
from tests.support.watched_proxy import WatchedProxy, watch_connections

SCREEN = 60
COMPARE_ALL = "SELECT count(*) FROM near_1 WHERE vector <-> '[1,0,0,0,0,0,0,0]' < 0.1"
JOIN_ALL = "SELECT count(*) FROM files JOIN embeddings AS e ON e.photo = files.photo WHERE state = 'present'"


@pytest.fixture(params=[4_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def count(request: pytest.FixtureRequest) -> int:
    """How many photos there are."""
    return int(request.param)


@pytest.fixture
def proxy(
    tmp_path: Path, shared_home: LoopbackServer, monkeypatch: pytest.MonkeyPatch, count: int
) -> Iterator[WatchedProxy]:
    """A proxy before the server of the planted library, whose address is in the folder `far`."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(vector_index, "INDEXED_ROWS", 2 * count)  # what is compared one by one is what may take long
    uri = shared_home.name_library(f"many{secrets.token_hex(6)}")
    with Library.open(enter_shared_library(uri)) as library:
        plant_on_server(library, count)
        drain(vector_index.update_vector_index(library.store.database, library.model_id, library.collect_info().dim))
    with watch_connections(shared_home.port) as proxy:
        far = enter_shared_library(uri.replace(f":{shared_home.port}/", f":{proxy.port}/"))
        (tmp_path / "far").symlink_to(far)
        yield proxy


def count_bytes(proxy: WatchedProxy, work: Callable[[], object]) -> int:
    before = proxy.received
    work()
    return proxy.received - before


def time_work(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def test_opening_scrolling_and_searching_bring_little_of_many_photos(
    tmp_path: Path, proxy: WatchedProxy, count: int
) -> None:
    far = (tmp_path / "far").resolve()
    opened = list[np.ndarray]()

    def open_far() -> None:
        with Library.open(far) as library:
            opened.append(take_snapshot(library, 0).photo_ids)

    open_far()  # measures what distances mean, once for all
    assert count_bytes(proxy, open_far) < 60_000 + 6 * count
    assert all(np.array_equal(ids, np.arange(1, count + 1)) for ids in opened)
    with Library.open(far) as library:
        aspects = read_aspects(library.store.database, 0)
        assert np.allclose(aspects, np.where(np.arange(1, count + 1) % 5, 1.5, 2 / 3), atol=1e-3)
        assert count_bytes(proxy, lambda: library.load_photos(range(count // 2, count // 2 + SCREEN))) < 20_000
        found = library.search(Query((7,)))
        assert count_bytes(proxy, lambda: library.search(Query((count // 3,)))) < 30_000
        assert count_bytes(proxy, lambda: library.search(Query((9,)), within=Filter(named="0001"))) < 30_000
        assert (found.hits[0].photo.id, len(found.hits), found.engine) == (7, 50, "exact")
        if count > 10**5:
            check_times(library, open_far, count)


def check_times(library: Library, open_far: Callable[[], None], count: int) -> None:
    """What is done takes a few times what the server takes to look at all photos once, and scrolling nothing of it."""
    compare = time_work(lambda: library.store.database.fetch_rows(COMPARE_ALL))
    join = time_work(lambda: library.store.database.fetch_rows(JOIN_ALL))
    figures = {
        "open": (time_work(open_far), 20 * join),
        "scroll": (time_work(lambda: library.load_photos(range(count // 2, count // 2 + SCREEN))), join),
        "search": (time_work(lambda: library.search(Query((count // 3,)))), 5 * compare),
    }
    print({name: f"{seconds:.2f} s (at most {limit:.2f})" for name, (seconds, limit) in figures.items()})
    assert all(seconds < limit for seconds, limit in figures.values())
