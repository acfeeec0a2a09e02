"""Work that is killed at any moment, then gone on with: python -m tests.support.killed_work PLACE KILLS SEED.

Each trial has a copy of a small library. A forked child does one kind of work and tells what it has been promised; the
parent kills it after a time drawn from how long that work takes. A second child looks at what is left, goes on, and
looks again. Prints one JSON line for each fault, and one at the end with the number of kills of each kind.

Forked, because a new process would spend its life importing; so nothing here may import torch.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from indexer.indexing.pipeline import BATCH_SIZE
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.embedder import CPU_THREADS
from indexer.progress import drain
from indexer.reports.export import export_library
from indexer.search.generations import publish_generation
from indexer.search.query import Query
from tests.support.embedders import Tiny
from tests.support.small_index import index_small_libraries
from tests.support.trees import paint_many, snapshot

KNOWN, NEW = BATCH_SIZE + 8, 6 * BATCH_SIZE + 8  # photos of the library, and those that are new to it
AT_WORK = (CPU_THREADS + 1) * BATCH_SIZE
PROMISES = 100  # labels or searches that one child tries to give

Tell = Callable[[str], None]


class Place(NamedTuple):
    """One trial's library, and where the photos lie that it does not know yet."""

    library: Path
    new_photos: Path

    @property
    def out(self) -> Path:
        """The table that is exported."""
        return self.library.with_name("out.csv")


class Work(NamedTuple):
    """A kind of work: what is done first, the work that is killed and later done whole, and what must hold after both.

    `work` tells what it was promised; `find_faults` is asked with that right after the kill, and again after going on.
    """

    prepare: Callable[[Place], None]
    work: Callable[[Place, Tell], None]
    find_faults: Callable[[Library, Place, list[str], bool], list[str]]


# index and use


def _index(place: Place, tell: Tell) -> None:
    _embed(place, tell, [place.new_photos], "tiny")


def _use(place: Place, tell: Tell) -> None:
    _embed(place, tell, [], "other")


def _embed(place: Place, tell: Tell, folders: list[Path], model: str) -> None:
    with Library.open(place.library) as library, library.store.take_job_lock():
        embedder = Tiny(model)
        for step in index_library(library, folders, embedder):
            tell(f"{step.done if step.stage == 'embed' else 0} {embedder.asked}")


def _check_index(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    count, (last,) = library.store.embeddings.count_embeddings(library.model_id), _rows(library, "max(seq)")
    promised = max((int(line.split()[0]) for line in told), default=0)
    faults = [] if count >= KNOWN + promised else [f"{promised} embedded were told of, {count - KNOWN} are there"]
    faults += [] if last == count else [f"{last - count} embeddings were thrown away"]
    return faults + ([f"{count} embedded, not all"] if whole and count != KNOWN + NEW else [])


def _check_use(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    known = [row[0] for row in library.store.database.fetch_rows("SELECT name FROM models ORDER BY id")]
    count = library.store.embeddings.count_embeddings(library.model_id)
    faults = [] if count == KNOWN else [f"the active model has {count} embeddings"]
    return faults + ([f"models {known}"] if whole and known != ["tiny", "other"] else [])


def _rows(library: Library, what: str) -> list[int]:
    return [row[0] for row in library.store.database.fetch_rows(f"SELECT {what} FROM embeddings")]


# publish and repair


def _drop_generation(place: Place) -> None:
    with Library.open(place.library) as library:
        library.store.database.execute_statement("DELETE FROM generations")


def _publish(place: Place, tell: Tell) -> None:
    with Library.open(place.library) as library, library.store.take_job_lock():
        drain(publish_generation(library.folder, library.store, library.model_id, library.model_fingerprint))
        tell("published")


def _damage_vectors(place: Place) -> None:
    with Library.open(place.library) as library:
        for seq in (1, 7, 20):
            library.store.database.execute_statement(
                "UPDATE embeddings SET vector = zeroblob(length(vector)) WHERE seq = ?", (seq,)
            )


def _repair(place: Place, tell: Tell) -> None:
    with Library.open(place.library) as library, library.store.take_job_lock():
        if damaged := library.store.embeddings.find_damaged(library.model_id):
            library.store.embeddings.drop_embeddings(damaged)
        tell("dropped")
        drain(index_library(library, [], Tiny()))
        drain(publish_generation(library.folder, library.store, library.model_id, library.model_fingerprint))
        tell("published")


def _check_published(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    photo = library.find_photo_ids().tolist()[0]
    found = library.search(Query((photo,)), k=3)
    names = [path.name for path in (library.folder / "generations").iterdir()]
    faults = [] if found.hits[0].distance == 0 else ["a photo is not nearest to itself"]
    faults += [f"search files {names}"] if whole and (len(names) != 1 or names[0].startswith(".")) else []
    if (whole or "published" in told) and found.engine != "annoy":
        faults.append(f"searched by {found.engine}: {found.notice}")
    return faults


# words of the user


def _label(place: Place, tell: Tell) -> None:
    with Library.open(place.library) as library:
        photos = library.find_photo_ids().tolist()
        for number in range(PROMISES):
            library.annotations.set_label([photos[number % len(photos)]], f"label {number}")
            tell(str(number))


def _check_labels(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    photos = library.find_photo_ids().tolist()
    given = {photos[int(number) % len(photos)]: int(number) for number in (range(PROMISES) if whole else told)}
    labels = library.annotations.read_user_labels(photos)
    # The one after the last that was told of may be there too.
    return [
        f"label {number} is {labels.get(photo)}"
        for photo, number in given.items()
        if labels.get(photo) not in (f"label {number}", f"label {number + len(photos)}")
    ]


def _save(place: Place, tell: Tell) -> None:
    with Library.open(place.library) as library:
        for number in range(PROMISES):
            library.annotations.save_search(f"search {number}", {"number": number})
            tell(str(number))


def _check_searches(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    saved = library.annotations.read_searches()
    return [f"search {number} is gone" for number in told if saved.get(f"search {number}") != {"number": int(number)}]


# export


def _export(place: Place, tell: Tell) -> None:
    with Library.open(place.library) as library:
        drain(export_library(place.out, library))
        tell("exported")


def _check_export(library: Library, place: Place, told: list[str], whole: bool) -> list[str]:
    lines = place.out.read_text().splitlines()
    visible = sorted(path.name for path in place.out.parent.iterdir() if not path.name.startswith("."))
    faults = [] if len(lines) == KNOWN + 1 or lines == ["old"] else [f"{len(lines)} lines are in the table"]
    faults += [] if visible == ["copy.library", "out.csv"] else [f"the folder holds {visible}"]
    return faults + (["the old table is there"] if lines == ["old"] and (whole or told) else [])


def _nothing(place: Place) -> None:
    place.out.write_text("old\n")


WORKS = {
    "index": Work(_nothing, _index, _check_index),
    "use": Work(_nothing, _use, _check_use),
    "publish": Work(_drop_generation, _publish, _check_published),
    "repair": Work(_damage_vectors, _repair, _check_published),
    "label": Work(_nothing, _label, _check_labels),
    "save": Work(_nothing, _save, _check_searches),
    "export": Work(_nothing, _export, _check_export),
}


# killing


class Ended(NamedTuple):
    """What a child has told until it ended, line by line, and whether it came to its own end without a fault."""

    told: list[str]
    sound: bool


def run_child(work: Callable[[Tell], None], seconds: float | None = None) -> Ended:
    """Do the work in a forked child, killed after so many seconds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(lambda line: _write_line(writer, line))
            os._exit(0)
        except BaseException:  # whatever it is, the parent is to hear of it
            _write_line(writer, json.dumps(traceback.format_exc()[-600:]))
            os._exit(1)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)  # the moment of the kill, not a wait for anything
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    return Ended(lines, os.waitpid(child, 0)[1] == 0)


def _write_line(descriptor: int, line: str) -> None:
    os.write(descriptor, line.encode() + b"\n")


def look(work: Work, place: Place, told: list[str], *, whole: bool) -> Callable[[Tell], None]:
    """What a child finds wrong with the library."""

    def find(tell: Tell) -> None:
        with Library.open(place.library) as library:
            if not library.store.database.is_intact():
                tell("the database is damaged")
            if whole and library.store.embeddings.find_damaged(library.model_id):
                tell("embeddings are damaged")
            for fault in work.find_faults(library, place, told, whole):
                tell(fault)

    return find


def try_kill(kind: str, place: Place, seconds: float) -> list[str]:
    """Kill one work after so many seconds, go on, and return what is wrong."""
    work = WORKS[kind]
    run_child(lambda _: work.prepare(place))
    killed = run_child(lambda tell: work.work(place, tell), seconds)
    return find_faults(kind, place, killed.told)


def find_faults(kind: str, place: Place, told: list[str]) -> list[str]:
    """What is wrong with a library whose work was cut short when so much had been told, and after going on."""
    work = WORKS[kind]
    after = run_child(look(work, place, told, whole=False))
    again = run_child(lambda tell: work.work(place, tell))
    last = run_child(look(work, place, told, whole=True))
    faults = [f"after the cut: {line}" for line in after.told] + [f"at the end: {line}" for line in last.told]
    faults += [] if again.sound else [f"could not go on: {again.told[-1:]}"]
    return faults + (_check_work(kind, told, again.told) if again.sound else [])


def _check_work(kind: str, told: list[str], told_again: list[str]) -> list[str]:
    """No photo is embedded twice but for the batches at work: one a core, and one that is to be committed."""
    wanted = {"index": NEW, "use": KNOWN}.get(kind)
    if wanted is None:
        return []
    asked = [int(lines[-1].split()[1]) if lines else 0 for lines in (told, told_again)]
    return [f"{asked[0]} and {asked[1]} were embedded, of {wanted}"] if sum(asked) > wanted + AT_WORK else []


def make_template(folder: Path) -> Place:
    """The library that every trial has a copy of, searched by an index."""
    paint_many(folder / "known", KNOWN, first=0)
    paint_many(folder / "new", NEW, first=KNOWN)
    place = Place(folder / "template" / "copy.library", folder / "new")
    with Library.create(place.library) as library:
        drain(index_library(library, [folder / "known"], Tiny()))
        drain(publish_generation(library.folder, library.store, library.model_id, library.model_fingerprint))
    return place


def measure_seconds(kind: str, template: Place, folder: Path) -> float:
    """How long a work takes that is not killed."""
    place = copy_place(template, folder)
    WORKS[kind].prepare(place)
    start = time.monotonic()
    ended = run_child(lambda tell: WORKS[kind].work(place, tell))
    assert ended.sound, ended.told
    return time.monotonic() - start


def copy_place(template: Place, folder: Path) -> Place:
    """A copy of the template's folder in `folder`, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template.library.parent, folder)
    return Place(folder / "copy.library", template.new_photos)


def kill_in_turn(
    seconds: dict[str, float], try_one: Callable[[str, float], list[str]], kills: int, seed: int
) -> dict[str, object]:
    """Kill so many works, all kinds in turn, each at a time drawn from how long it takes; print each that has faults.

    Returns the number of kills of each kind, how many had faults, and how long each kind takes.
    """
    draw, counts, faulty = random.Random(seed), Counter[str](), 0
    for number in range(kills):
        kind = list(seconds)[number % len(seconds)]
        moment = draw.uniform(0, 1.05) * seconds[kind]
        faults = try_one(kind, moment)
        counts[kind] += 1
        if faults:
            faulty += 1
            print(json.dumps({"kind": kind, "trial": number, "seconds": moment, "faults": faults}), flush=True)
    return {"kills": counts, "faulty": faulty, "took": seconds}


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill so many works, and compare the photos with what they were before."""
    with index_small_libraries():
        template = make_template(folder)
        photos = snapshot(folder / "new")
        seconds = {kind: measure_seconds(kind, template, folder / "trial") for kind in WORKS}

        def try_one(kind: str, moment: float) -> list[str]:
            return try_kill(kind, copy_place(template, folder / "trial"), moment)

        summary = kill_in_turn(seconds, try_one, kills, seed)
    print(json.dumps(summary | {"photos untouched": snapshot(folder / "new") == photos}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
