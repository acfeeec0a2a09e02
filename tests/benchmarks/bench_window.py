"""How long the window handles no events while it is used: promised are 100 milliseconds at most.

The real window on the bundled pictures, written several times over under other names and with one pixel changed, so
that the library holds a few thousand photos; offscreen, with a real child process that indexes. A timer that is due
every millisecond measures the longest time between two of its calls, action by action. As many actions of each kind as
`--times` says; the median and the longest are printed. The baseline is the same loop with nothing to do: what the
machine itself takes away. Beside each row stands its target and the most processor time, in milliseconds, that the
window's process took within one stretch without events: on a shared machine that is what the program itself is worth.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from indexer.database.filters import Filter
from indexer.photos.samples import find_sample_folder
from retrieval_app.app import build_application
from retrieval_app.window.main_window import MainWindow

PROMISED = 100.0  # ms
IDLE = 1.0  # s of nothing to do
QUIET = 0.3  # s after an action in which its late effects are measured too

Condition = Callable[[], bool]


class Stretch(NamedTuple):
    """The longest time between two turns of the event loop, and the most work of its thread, in milliseconds."""

    wall: float
    work: float


class EventLoopWatch:
    """The longest stretches between two turns of the event loop."""

    def __init__(self) -> None:
        self.longest = Stretch(0.0, 0.0)
        self._last = self._read_clocks()
        self._timer = QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._turn)
        self._timer.start()

    def _turn(self) -> None:
        now = self._read_clocks()
        wall, work = (1000 * (new - old) for new, old in zip(now, self._last, strict=True))
        self.longest = Stretch(max(self.longest.wall, wall), max(self.longest.work, work))
        self._last = now

    def begin(self) -> None:
        self.longest = Stretch(0.0, 0.0)
        self._last = self._read_clocks()

    def _read_clocks(self) -> tuple[float, float]:
        return time.perf_counter(), time.thread_time()


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=8, help="of the 248 bundled pictures")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        os.environ["LOOKALIKE_HOME"] = str(Path(work) / "data")
        photos = Path(work) / "photos"
        write_photos(photos, options.copies)
        with open_window() as (app, window, absence):
            longest = print_actions(app, window, absence, photos, options.times)
    for name, milliseconds in (("by the clock", longest.wall), ("of its own work", longest.work)):
        verdict = "kept" if milliseconds <= PROMISED else "EXCEEDED"
        print(f"longest of all {name} {milliseconds:.0f} ms: target {PROMISED:.0f} ms {verdict}")


def write_photos(folder: Path, copies: int) -> None:
    """Write the bundled pictures `copies` times, each time with other contents."""
    for number in range(copies):
        place = folder / f"{number:02d}"
        place.mkdir(parents=True)
        for path in sorted(find_sample_folder().rglob("*.*")):
            if path.suffix.lower() in (".jpg", ".png", ".webp"):
                with Image.open(path) as picture:
                    changed = picture.convert("RGBA").convert("RGB")
                changed.putpixel((0, 0), (number, number, number))
                changed.save(place / f"{path.stem}.png")


@contextmanager
def open_window() -> Iterator[tuple[QApplication, MainWindow, EventLoopWatch]]:
    """The window as at its very first start, with the watch on its event loop."""
    app, window = build_application(["lookalike"])
    absence = EventLoopWatch()
    window.resize(1280, 800)
    window.show()
    yield app, window, absence
    window.close()


def print_actions(app: QApplication, window: MainWindow, absence: EventLoopWatch, photos: Path, times: int) -> Stretch:
    """Print a row for each kind of action; the longest stretch without events of all."""
    session = window.session

    def done(act: Callable[[], object], ended: Condition) -> Stretch:
        absence.begin()
        act()
        run_until(app, ended)
        return absence.longest

    print("| action | times | median ms | longest ms | most work ms | target ms |")
    print("|---|---|---|---|---|---|")
    print_row("nothing", [done(lambda: None, partial(has_passed, time.perf_counter() + IDLE)) for _ in range(3)])
    indexed = partial(session.job.index_folders, [photos])
    rows = {"indexing, from the first photo to the last": [done(indexed, lambda: session.job.state is None)]}
    for name, act in list_actions(window).items():
        rows[name] = [done(partial(act, number), lambda: is_settled(window)) for number in range(times)]
    for name, stretches in rows.items():
        print_row(name, stretches)
    every = [stretch for stretches in rows.values() for stretch in stretches]
    return Stretch(max(stretch.wall for stretch in every), max(stretch.work for stretch in every))


def list_actions(window: MainWindow) -> dict[str, Callable[[int], object]]:
    """The actions of a user by name; each takes the number of its repetition."""
    session, grid = window.session, window.search_page.results.grid
    pages, shapes = ("Duplicates", "Map", "Evaluate", "Library", "Search"), ("landscape", "portrait", None)
    return {
        "a click that searches": lambda turn: session.search.toggle_query_photo(int(session.search.listing.ids[turn])),
        "back to the library": lambda _: session.search.show_library(),
        "scrolling": lambda turn: grid.verticalScrollBar().setValue(turn * 300),
        "a filter": lambda turn: session.search.conditions.set_filter(Filter(orientation=shapes[turn % 3])),
        "a new size": lambda turn: window.resize(1000 + 20 * turn, 700 + 10 * turn),
        "another page": lambda turn: window.page_stack.show_page(pages[turn % 4]),
        "a theme": lambda turn: window.theme.choose_theme("dark" if turn % 2 else "light"),
    }


def is_settled(window: MainWindow) -> bool:
    return not window.session.search.is_running and window.search_page.questions.is_idle() and window.tiles.is_idle()


def has_passed(moment: float) -> bool:
    return time.perf_counter() >= moment


def run_until(app: QApplication, ended: Condition) -> None:
    """Run the event loop until a condition holds, and QUIET seconds longer."""
    while not ended():
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    until = time.perf_counter() + QUIET
    while not has_passed(until):
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def print_row(name: str, stretches: Sequence[Stretch]) -> None:
    walls, work = [stretch.wall for stretch in stretches], max(stretch.work for stretch in stretches)
    figures = f"{statistics.median(walls):.1f} | {max(walls):.1f} | {work:.1f} | {PROMISED:.0f}"
    print(f"| {name} | {len(stretches)} | {figures} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
