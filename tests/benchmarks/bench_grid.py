"""How fast the window's grid shows, scrolls and lays out a million photos, against a plain Qt icon view.

Ours: the window's PhotoGrid with its painter over a listing of that many ids; the tiles ask a library for their photos
as they do in the window, but it has none, so that only the grid is measured. The baseline: a QListView in icon mode
without uniform sizes, with the same delegate's size, over 100,000 names. Both are drawn by the offscreen platform. All
times are those of the processor in the window's thread. Targets stand beside ours; the memory is that after 100,000
tiles with thumbnails were scrolled through (LOOKALIKE_GRID="PHOTOS BASELINE SCROLLED" for other numbers).
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from PySide6.QtCore import QSize, QStringListModel
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView

from indexer.database.filters import parse_numbers
from indexer.library import Library
from indexer.photos.thumbnails import encode_thumbnail
from retrieval_app.grid.photo_grid import PhotoGrid
from retrieval_app.session.searching.photo_listing import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import Theme
from tests.benchmarks.bench_orders import plant_photos
from tests.support.storm_window import read_memory

PHOTOS = 1_000_000
BASELINE = 100_000
SCROLLS = 200
RESIZES = 20
SIZE = QSize(1000, 700)
TARGET_MS = 100.0  # no event of the window waits longer
TARGET_MIB = 300.0  # for the tiles scrolled
SCROLLED = 100_000


class ViewTimes(NamedTuple):
    """Milliseconds until the view is drawn, for a scroll (median and 99th percentile), for a resize (median)."""

    show: float
    scroll: float
    scroll_p99: float
    resize: float


def main() -> None:
    counts = os.environ.get("LOOKALIKE_GRID", f"{PHOTOS} {BASELINE} {SCROLLED}")
    photos, baseline, scrolled = map(int, counts.split())
    instance = QApplication.instance()
    app = instance if isinstance(instance, QApplication) else QApplication(sys.argv[:1])
    memory = measure_memory(app, scrolled)
    print(f"memory of {scrolled:,} tiles scrolled: {memory:.0f} MiB, {judge(memory, TARGET_MIB)} MiB", flush=True)
    with tempfile.TemporaryDirectory() as work:
        Library.create(Path(work) / "empty.library").close()
        tiles = TileCache()
        tiles.follow_library(Path(work) / "empty.library")
        ours = measure_view(app, PhotoGrid(tiles, Theme(app, "light")), lambda grid: fill_grid(grid, photos))
        tiles.close()
    print_times("ours", photos, ours)
    slowest = max(ours.show, ours.scroll_p99, ours.resize)
    print(f"slowest of ours: {slowest:.1f} ms, {judge(slowest, TARGET_MS)} ms", flush=True)
    print_times(
        "plain icon view", baseline, measure_view(app, QListView(), lambda view: fill_icon_view(view, baseline))
    )


def print_times(name: str, count: int, times: ViewTimes) -> None:
    print(
        f"{name}, {count:,} photos: show {times.show:.1f} ms, scroll {times.scroll:.2f} ms "
        f"(p99 {times.scroll_p99:.2f}), resize {times.resize:.1f} ms",
        flush=True,
    )


def measure_memory(app: QApplication, count: int) -> float:
    """The MiB that this process holds after so many photos with thumbnails were scrolled through, page by page."""
    with tempfile.TemporaryDirectory() as work:
        with Library.create(Path(work) / "x.library") as library:
            plant_photos(library, count)
            ids = parse_numbers(library.store.database.fetch_rows("SELECT group_concat(id) FROM photos")[0][0])
            rows = library.store.database.fetch_rows("SELECT sha256 FROM photos")
            jpeg = encode_thumbnail(Image.effect_noise((256, 192), 60).convert("RGB"))
            library.thumbnails.put((sha256, jpeg) for (sha256,) in rows)
        tiles = TileCache()
        tiles.follow_library(Path(work) / "x.library")
        grid = PhotoGrid(tiles, Theme(app, "light"))
        grid.resize(SIZE)
        grid.show()
        grid.show_listing(PhotoListing(ids))
        bar = grid.verticalScrollBar()
        for place in range(0, bar.maximum(), bar.pageStep()):
            bar.setValue(place)
            app.processEvents()
            while not tiles.is_idle():
                app.processEvents()
        grid.close()
        tiles.close()
        return read_memory()


def judge(figure: float, target: float) -> str:
    return f"{'within' if figure <= target else 'OVER'} the target of {target:.0f}"


def fill_grid(grid: QAbstractItemView, count: int) -> None:
    assert isinstance(grid, PhotoGrid)
    grid.show_listing(PhotoListing(np.arange(1, count + 1)))


def fill_icon_view(view: QAbstractItemView, count: int) -> None:
    assert isinstance(view, QListView)
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.setModel(QStringListModel([f"IMG_{number:07d}.jpg" for number in range(count)], view))


def measure_view(app: QApplication, view: QAbstractItemView, fill: Callable[[QAbstractItemView], None]) -> ViewTimes:
    view.resize(SIZE)
    view.show()
    app.processEvents()
    show_ms = time_change(app, view, partial(fill, view))
    bar = view.verticalScrollBar()
    assert bar.maximum() > 0
    places = np.random.default_rng(0).integers(0, bar.maximum(), SCROLLS).tolist()
    scrolls = [time_change(app, view, partial(bar.setValue, place)) for place in places]
    widths = [SIZE.width() - 150 * (1 + step % 3) for step in range(RESIZES)]
    resizes = [time_change(app, view, partial(view.resize, QSize(width, SIZE.height()))) for width in widths]
    view.close()
    p99 = float(np.percentile(scrolls, 99))
    return ViewTimes(show_ms, statistics.median(scrolls), p99, statistics.median(resizes))


def time_change(app: QApplication, view: QAbstractItemView, change: Callable[[], object]) -> float:
    """Milliseconds from a change until all of its effects are drawn."""
    start = time.thread_time()
    change()
    app.processEvents()
    view.viewport().repaint()
    return 1000 * (time.thread_time() - start)


if __name__ == "__main__":
    main()
