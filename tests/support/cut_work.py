"""Work at which the power goes, then gone on with: python -m tests.support.cut_work PLACE CUTS SEED.

Each kind of work of `killed_work` is done once while the system's calls are recorded. A trial is what a disk may hold
where the power has gone after one of these calls (`recorded_disk`); it is looked at, gone on with, and looked at again.
Half of the cuts come right after a batch of photos was committed and told of. Prints one JSON line for each fault, and
one at the end with the number of cuts of each kind.
"""

import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.support.killed_work import WORKS, Place, copy_place, find_faults, make_template
from tests.support.recorded_disk import Call, Disk, read_told, record_calls, select_calls
from tests.support.small_index import index_small_libraries
from tests.support.trees import snapshot


class Recorded(NamedTuple):
    """A work done once: the folder as it was before, the calls in order, and what was told at which of them."""

    before: Path
    calls: list[Call]
    told: dict[int, str]


def record_work(kind: str, template: Place, folder: Path) -> Recorded:
    """Do a work in `folder`/trial under the system's tracer."""
    place = copy_place(template, folder / "trial")
    WORKS[kind].prepare(place)
    before = Path(shutil.copytree(folder / "trial", folder / f"before {kind}"))
    told = folder / f"told {kind}"
    words = [sys.executable, "-m", "tests.support.cut_work", "work", kind, str(place.library), str(place.new_photos)]
    calls = record_calls(words, folder / f"calls {kind}", told, dict(os.environ))
    calls = select_calls(calls, folder / "trial", told)
    said = {number: line for number, call in enumerate(calls) if (line := read_told(call, told)) is not None}
    assert list(said.values()) == told.read_text().splitlines(), said
    return Recorded(before, calls, said)


def choose_cut(kind: str, recorded: Recorded, draw: random.Random, *, after_commit: bool) -> int:
    """The number of calls that were done before the power went."""
    if after_commit:
        return draw.choice([number for number, line in recorded.told.items() if not line.startswith("0 ")]) + 1
    return draw.randint(0, len(recorded.calls))


def try_cut(kind: str, recorded: Recorded, moment: int, place: Place, draw: random.Random) -> list[str]:
    """What is wrong after a power cut at this moment, and after going on."""
    trial = place.library.parent
    shutil.rmtree(trial)
    shutil.copytree(recorded.before, trial)
    disk = Disk(trial)
    for call in recorded.calls[:moment]:
        disk.apply(call)
    shutil.rmtree(trial)
    disk.write_remains(trial, draw)
    told = [line for number, line in recorded.told.items() if number < moment]
    return find_faults(kind, place, told)


def main(folder: Path, cuts: int, seed: int, change: Callable[[Recorded], Recorded] = lambda same: same) -> None:
    """Try so many cuts; `change` alters what was recorded."""
    draw, counts, faulty = random.Random(seed), Counter[str](), 0
    with index_small_libraries():
        template = make_template(folder)
        photos = snapshot(folder / "new")
        recorded = {kind: change(record_work(kind, template, folder)) for kind in WORKS}
        place = Place(folder / "trial" / "copy.library", template.new_photos)
        for number in range(cuts):
            after_commit = number % 2 == 0
            kind = "index" if after_commit else list(WORKS)[number // 2 % len(WORKS)]
            moment = choose_cut(kind, recorded[kind], draw, after_commit=after_commit)
            faults = try_cut(kind, recorded[kind], moment, place, draw)
            counts["index, after a commit" if after_commit else kind] += 1
            if faults:
                faulty += 1
                print(json.dumps({"kind": kind, "trial": number, "call": moment, "faults": faults}), flush=True)
    same = snapshot(folder / "new") == photos
    print(json.dumps({"cuts": counts, "faulty": faulty, "photos untouched": same}), flush=True)


def work_once(kind: str, library: Path, new_photos: Path) -> None:
    """Do a work, and write at once what is told."""

    def tell(line: str) -> None:
        os.write(1, line.encode() + b"\n")

    with index_small_libraries():
        WORKS[kind].work(Place(library, new_photos), tell)


def forget_syncs(recorded: Recorded) -> Recorded:
    """The same work as if nothing had been forced to the disk: what must be found out."""
    kept = [(number, call) for number, call in enumerate(recorded.calls) if call.name not in ("fsync", "fdatasync")]
    places = {number: place for place, (number, _) in enumerate(kept)}
    return Recorded(
        recorded.before,
        [call for _, call in kept],
        {places[number]: line for number, line in recorded.told.items()},
    )


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work_once(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *([forget_syncs] if sys.argv[4:] else []))
