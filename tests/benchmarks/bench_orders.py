"""How long the library takes in each order, in groups, and while a name is typed, against a plain read of the ids.

A library of made-up rows, without pictures: 100,000 photos in some hundred folders and labels. What is timed is what a
reader thread does for the window, in processor time, as other programs say nothing about ours; both figures of a ratio
are of one run.
"""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from indexer.database.filters import Filter, parse_numbers
from indexer.library import Library
from indexer.paths import get_stored_folder, make_name_key, make_search_text
from indexer.ranking.photo_arrangement import GROUP_ORDERS, PHOTO_ORDERS, PhotoArrangement
from indexer.wording import convert_to_microseconds
from retrieval_app.session.searching import photo_listing
from retrieval_app.session.searching.photo_listing import NO_FILTER, find_arranged_photos

PHOTOS = 100_000
REPEATS = 5
START = datetime(2001, 1, 1)
LIMIT_MS = 50


def main() -> None:
    count = int(os.environ.get("LOOKALIKE_ORDERS", PHOTOS))
    with tempfile.TemporaryDirectory() as work, Library.create(Path(work) / "x.library") as library:
        plant_photos(library, count)
        ids = parse_numbers(library.store.database.fetch_rows("SELECT group_concat(id) FROM photos")[0][0])
        plain = time_best(lambda: read_plainly(library))
        print(f"{count:,} photos; a plain read of all ids, sorted: {plain:.1f} ms")
        list_photos = partial(find_arranged_photos, library, ids)
        for arrangement in list_arrangements():
            name, list_all = " ".join(map(str, arrangement)), partial(list_photos, NO_FILTER, arrangement)
            report(f"{name}, after a change", plain, partial(read_anew, list_all))
            report(name, plain, list_all)
        for words in ("h", "ho", "holiday 07", "img_04", "label 17", "nothing of the kind"):
            report(f"find {words!r}", plain, partial(list_photos, Filter(named=words), PhotoArrangement()))
        within = Filter(named="holiday", after=datetime(2010, 1, 1), orientation="landscape")
        report(
            "find, with filters, grouped", plain, partial(list_photos, within, PhotoArrangement("name", False, "taken"))
        )


def list_arrangements() -> list[PhotoArrangement]:
    alone = [PhotoArrangement(order, turned) for order in PHOTO_ORDERS for turned in (False, True)]
    return alone + [PhotoArrangement(order, False, group) for group in GROUP_ORDERS for order in ("name", "taken")]


def plant_photos(library: Library, count: int) -> None:
    random, database = np.random.default_rng(0), library.store.database
    library.store.files.add_root(b"/nowhere/photos", labelled=True)
    shapes = np.array([(6000, 4000), (4000, 6000), (3000, 3000), (640, 480)])[random.integers(4, size=count)].tolist()
    days, names = random.integers(9000, size=count).tolist(), random.integers(10**6, size=count).tolist()
    labels = random.integers(400, size=count).tolist()
    with database.transaction():
        sql = "INSERT INTO photos (id, sha256, width, height) VALUES (?, randomblob(32), ?, ?)"
        database.execute_many(sql, ((n + 1, *shape) for n, shape in enumerate(shapes)))
        sql = (
            "INSERT INTO files (root, path, size, mtime_ns, ctime_ns, state, photo, label, folder, name_key, "
            "search_text, taken_us) VALUES (1, ?, 1, 1, 1, 'present', ?, ?, ?, ?, ?, ?)"
        )
        rows = (make_row(n, days[n], names[n], labels[n]) for n in range(count))
        database.execute_many(sql, rows)


def make_row(number: int, day: int, name: int, label: int) -> tuple[object, ...]:
    taken = START + timedelta(days=day, seconds=number % 86_400)
    path = f"{taken.year}/Holiday {taken.month:02d}/IMG_{name:06d}_{number}.JPG".encode()
    keys = (get_stored_folder(path), make_name_key(path), make_search_text(path))
    return path, number + 1, f"Label {label}" if label < 200 else None, *keys, convert_to_microseconds(taken)


def read_plainly(library: Library) -> np.ndarray:
    sql = "SELECT group_concat(photo) FROM files WHERE state = 'present'"
    return np.sort(parse_numbers(library.store.database.fetch_rows(sql)[0][0]))


def read_anew(work: Callable[[], object]) -> None:
    """Do the work as after a change of the library, when no order is kept."""
    photo_listing._arrangers.clear()
    work()


def report(name: str, plain: float, work: Callable[[], object]) -> None:
    taken = time_best(work)
    print(f"{name:<40} {taken:6.1f} ms {'' if taken < LIMIT_MS else 'OVER'}  {taken / plain:4.1f} x plain", flush=True)


def time_best(work: Callable[[], object]) -> float:
    """The best of some repeats in milliseconds of processor time, after one that warms up."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - start))
    return min(times[1:])


if __name__ == "__main__":
    main()
