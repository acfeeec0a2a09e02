"""A shared library over a slow link: the first screen, a search, a screen of thumbnails and a label, in seconds.

    python -m tests.benchmarks.bench_slow_link [PHOTOS]    1,000 photos of 256 numbers, embeddings made up

A proxy before the server holds back what passes: 50 ms there and back, 10 Mbit/s each way. Each is done RUNS times, the
thumbnails by a computer that has none; the median stands beside its target. The computer has no search files: of many
photos the server compares the embeddings, as after an index run, of few they are brought there.
"""

import queue
import random
import socket
import socketserver
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.database.postgresql.vector_index import update_vector_index
from indexer.library import Library
from indexer.photos.thumbnails import encode_thumbnail
from indexer.places import enter_shared_library
from indexer.progress import drain
from indexer.search.query import Query
from retrieval_app.session.snapshot import take_snapshot
from tests.support.plain_rows import plant_rows
from tests.support.postgresql_server import make_server, remove_server
from tests.support.tls_proxy import serve_connections
from tests.support.vectors import clustered

PHOTOS, DIM, SCREEN, RUNS = 1_000, 256, 60, 5
WAY_SECONDS, BITS_PER_SECOND = 0.025, 10e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    server = make_server()
    try:
        with tempfile.TemporaryDirectory() as work, pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOOKALIKE_HOME", str(Path(work) / "near"))
            uri = server.name_library("slow")
            near = enter_shared_library(uri)
            plant_library(near, count)
            with hold_back(server.port) as port:
                patch.setenv("LOOKALIKE_HOME", str(Path(work) / "far"))
                measure(enter_shared_library(uri.replace(f":{server.port}/", f":{port}/")), count)
    finally:
        remove_server(server)


def plant_library(folder: Path, count: int) -> None:
    """Photos, the first of them with thumbnails of blurred noise, some 12 kB each."""
    draw, sizes = np.random.default_rng(1), list[int]()
    with Library.create(folder) as library:
        plant_rows(library, clustered(count, dim=DIM))
        drain(update_vector_index(library.store.database, library.model_id, DIM))
        for photo in range(1, SCREEN * RUNS + 1):
            noise = Image.fromarray(draw.integers(0, 256, (32, 42, 3), np.uint8))
            jpeg = encode_thumbnail(noise.resize((256, 192), Image.Resampling.BICUBIC))
            sizes.append(len(jpeg))
            library.store.database.execute_statement("INSERT INTO thumbnails VALUES (?, ?)", (photo, jpeg))
        print(f"thumbnails of {statistics.mean(sizes) / 1000:.1f} kB", flush=True)


def measure(folder: Path, count: int) -> None:
    """Print what each takes over the slow link."""
    with Library.open(folder) as library:  # what is read once and kept on this computer
        library.search(Query((1,)), k=50)
        take_snapshot(library, count)
    screens = [time_one(lambda: show_first_screen(folder, count)) for _ in range(RUNS)]
    tell("first screen", screens, 1.0)
    with Library.open(folder) as library:
        library.search(Query((1,)), k=50)
        draw = random.Random(3)
        photos = [draw.randint(1, count) for _ in range(RUNS)]
        tell("search of 50", [time_one(partial(library.search, Query((photo,)), k=50)) for photo in photos], 0.6)
        pages = [library.load_photos(range(run * SCREEN + 1, (run + 1) * SCREEN + 1)) for run in range(RUNS)]
        contents = [[photo.sha256 for photo in page] for page in pages]
        tell(f"{SCREEN} thumbnails", [time_one(partial(library.thumbnails.fetch, page)) for page in contents], 1.2)
        assert all(library.thumbnails.get(sha256) for page in contents for sha256 in page)
        set_label = library.annotations.set_label
        tell("a label", [time_one(partial(set_label, [photo], f"bear {photo}")) for photo in photos], 0.3)
        tell("200 labels", [time_one(lambda: set_label(range(1, 201), "wolf")) for _ in range(RUNS)], 0.3)


def show_first_screen(folder: Path, count: int) -> None:
    """Open the library, and read what the window shows at first."""
    with Library.open(folder) as library:
        ids = take_snapshot(library, count).photo_ids
        assert len(library.load_photos(ids[:SCREEN].tolist())) == SCREEN


def time_one(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tell(what: str, seconds: list[float], target: float) -> None:
    print(
        f"{what:15} {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} (at most {target} asked)", flush=True
    )


@contextmanager
def hold_back(port: int) -> Iterator[int]:
    """The port of a proxy on this computer that passes on to `port`, later and slower."""

    class SlowHandler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                for end in (server, self.request):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=pass_slowly, args=(self.request, server), daemon=True).start()
                pass_slowly(server, self.request)

    with serve_connections(SlowHandler) as proxy_port:
        yield proxy_port


def pass_slowly(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, each piece when the link has carried it, until one side ends."""
    waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
    threading.Thread(target=_send_in_time, args=(waiting, target), daemon=True).start()
    free = 0.0  # when the link has carried what was given to it
    with suppress(OSError):
        while data := source.recv(1 << 14):
            free = max(free, time.perf_counter()) + 8 * len(data) / BITS_PER_SECOND
            waiting.put((free + WAY_SECONDS, data))
    waiting.put((free + WAY_SECONDS, b""))


def _send_in_time(waiting: "queue.Queue[tuple[float, bytes]]", target: socket.socket) -> None:
    with suppress(OSError):
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.perf_counter()))
            if not data:
                target.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(data)


if __name__ == "__main__":
    main()
