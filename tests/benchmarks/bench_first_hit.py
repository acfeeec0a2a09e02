"""From nothing to the first hit: a fresh account, a folder of photographs, and a search while they are read.

Each start has an empty home and none of the packages that are too heavy for it (as in `test_fresh_account`). Counted
are the seconds of the index run's processor time, with its children's, until what comes before decoding is done, until
the first photo is committed, and with the search that finds it; by the clock too, which a busy computer changes.
*Anew* is the same where no model came with the program, so that it is converted with torch, as every new library did
before.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from indexer.photos.samples import find_sample_folder
from tests.indexer.commands.test_fresh_account import BLOCKED
from tests.support.commands import command, environment
from tests.support.patience import read_tree_cpu_ticks

TICKS = os.sysconf("SC_CLK_TCK")
MOST_SECONDS = 3.0  # from the first decode until a photo is searchable
REPEATS = 3


class FirstHit(NamedTuple):
    """Processor seconds and those of the clock: until the first decode, until a photo is committed, and of a search."""

    decoding: tuple[float, float]
    committed: tuple[float, float]
    search: tuple[float, float]


def main() -> None:
    for name, program, models in (
        ("ready with the program", [sys.executable, "-c", BLOCKED], None),
        ("anew", command(), "/nonexistent"),
    ):
        runs = [measure_first_hit(program, models) for _ in range(REPEATS if models is None else 1)]
        best = min(runs, key=lambda run: run.committed[0] + run.search[0])
        waited = [best.committed[kind] - best.decoding[kind] for kind in (0, 1)]
        print(
            f"{name}: first decode after {best.decoding[0]:.2f} s of the processor ({best.decoding[1]:.2f} s), a photo "
            f"searchable {waited[0]:.2f} s ({waited[1]:.2f} s) later, a search {best.search[0]:.2f} s "
            f"({best.search[1]:.2f} s); from nothing to the first hit {best.committed[0] + best.search[0]:.2f} s "
            f"({best.committed[1] + best.search[1]:.2f} s)",
            flush=True,
        )
        if models is None:
            verdict = "reached" if waited[0] <= MOST_SECONDS else "missed"
            print(f"searchable {waited[0]:.2f} s after the first decode, target {MOST_SECONDS:g}: {verdict}")


def measure_first_hit(program: list[str], models: str | None) -> FirstHit:
    """One index run of the sample on a fresh account; it is ended when the search has found what it committed."""
    photo = sorted(find_sample_folder().glob("*/*.png"))[0]
    with tempfile.TemporaryDirectory() as home:
        variables = environment(Path(home) / "data") | {"HOME": home, "XDG_DATA_HOME": f"{home}/share"}
        variables |= {"LOOKALIKE_MODELS": models} if models else {}
        words = [*program, "index", str(find_sample_folder()), "--json"]
        start = time.perf_counter()
        with subprocess.Popen(words, env=variables, text=True, stdout=subprocess.PIPE) as indexing:
            decoding = committed = (0.0, 0.0)
            for line in indexing.stdout or ():
                now = read_tree_cpu_ticks(indexing.pid) / TICKS, time.perf_counter() - start
                step = json.loads(line)
                if step.get("stage") == "embed" and step["done"] > 0:
                    committed = now
                    break
                decoding = now
            search = time_search(program, variables, photo)
            indexing.terminate()
            indexing.communicate()
        return FirstHit(decoding, committed, search)


def time_search(program: list[str], variables: dict[str, str], photo: Path) -> tuple[float, float]:
    """Processor seconds and those of the clock of a search, which must find something."""
    start, before = time.perf_counter(), os.times()
    found = subprocess.run(
        [*program, "search", str(photo), "--json"], env=variables, text=True, stdout=subprocess.PIPE, check=True
    )
    after = os.times()
    assert json.loads(found.stdout.splitlines()[-1])["hits"]
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return spent, time.perf_counter() - start


if __name__ == "__main__":
    main()
