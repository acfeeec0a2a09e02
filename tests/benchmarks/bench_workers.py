"""Two workers of a shared library against an index run of a library in a folder, on the same files and cores.

    python -m tests.benchmarks.bench_workers [PHOTOS]    1,000 photos of 640 x 480; needs LOOKALIKE_BASELINES

Each takes its turn RUNS times. The run's rate is the one that it tells; the workers' is what both store together from
when both are at it. Target: at least 0.9 of the run's rate.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from indexer.database.interface import Database
from indexer.database.shared_folder import open_database
from indexer.models.installation import ModelChoice, install_model
from indexer.places import enter_shared_library
from indexer.progress import drain
from tests.benchmarks.bench_indexing import BASELINES, make_photos, run_ours
from tests.support.commands import command, environment
from tests.support.postgresql_server import LoopbackServer, make_server, remove_server

PHOTOS, RUNS, TARGET = 1000, 3, 0.9
COUNT_WORKERS = "SELECT count(DISTINCT owner) FROM work WHERE until >= now()"


def main() -> None:
    if not (BASELINES / "make_photos.py").exists():
        print(f"left out: no baselines at {BASELINES} (LOOKALIKE_BASELINES names them)")
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    server = make_server()
    try:
        with tempfile.TemporaryDirectory() as work, pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOOKALIKE_MODELS", str(Path(work) / "models"))
            patch.setenv("LOOKALIKE_HOME", str(Path(work) / "home"))
            compare_rates(server, Path(work), count)
    finally:
        remove_server(server)


def compare_rates(server: LoopbackServer, work: Path, count: int) -> None:
    """Print the photos a second of both, and the ratio of each pair of runs."""
    card = drain(install_model(ModelChoice(), work / "models"))
    make_photos(work / "photos", "vga", count)
    ratios = []
    for run in range(RUNS):
        own = run_ours(work / "photos", work, work / "models" / card.fingerprint).rate
        shared = run_workers(server.name_library(f"run{run}"), work, count)
        ratios.append(shared / own)
        print(f"run {own:.1f} photos/s, two workers {shared:.1f}, {shared / own:.2f} of it", flush=True)
    print(f"two workers reach {statistics.median(ratios):.2f} of a run (at least {TARGET} asked)")


def run_workers(uri: str, work: Path, count: int) -> float:
    """The photos a second that two workers store together, from when both have stored their first."""
    queue = command("index", work / "photos", "--library", uri, "--queue")
    subprocess.run(queue, env=environment(work / "home"), check=True, stdout=subprocess.DEVNULL)
    words = command("worker", "--library", uri, "--until-done")
    with ExitStack() as opened:
        database = opened.enter_context(closing(open_database(enter_shared_library(uri))))
        for name in ("one", "two"):
            child = subprocess.Popen(words, env=environment(work / name), stdout=subprocess.DEVNULL)
            opened.enter_context(child)
        first = wait_for(database, count // 4, workers=2)
        start = time.perf_counter()
        last = wait_for(database, count, workers=0)
        return (last - first) / (time.perf_counter() - start)


def wait_for(database: Database, count: int, *, workers: int) -> int:
    """How many embeddings there are when there are at least `count`, and so many workers at it."""
    sql = f"SELECT count(*), ({COUNT_WORKERS}) FROM embeddings, pg_sleep(0.05)"
    while True:
        ((stored, active),) = database.fetch_rows(sql)
        if stored >= count and active >= workers:
            return int(stored)


if __name__ == "__main__":
    main()
