"""How fast the window's grid shows, scrolls and lays out a million photos, against a plain Qt icon view.

Ours: the window's own Grid with its painter over a listing of so many ids; the tiles ask a library for their photos as
they do in the window, and it holds none, so what is measured is the grid. The baseline: a QListView in icon mode
without uniform sizes, with the same delegate's size, over 100,000 names. Both are drawn by the offscreen platform.
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
from PySide6.QtCore import QSize, QStringListModel
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView

from indexer.library import Library
from retrieval_app.search.grid import PhotoGrid
from retrieval_app.session.photo_listing import PhotoListing
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import Theme

PHOTOS = 1_000_000
BASELINE = 100_000
SCROLLS = 200
RESIZES = 20
SIZE = QSize(1000, 700)


class Times(NamedTuple):
    """Milliseconds: until it is drawn, of a scroll (median and 99th percentile), of a resize (median)."""

    show: float
    scroll: float
    scroll_p99: float
    resize: float


def main() -> None:
    counts = [int(word) for word in os.environ.get("LOOKALIKE_GRID", f"{PHOTOS} {BASELINE}").split()]
    instance = QApplication.instance()
    app = instance if isinstance(instance, QApplication) else QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as work:
        Library.create(Path(work) / "empty.library").close()
        tiles = TileCache()
        tiles.follow_library(Path(work) / "empty.library")
        ours = measure(app, PhotoGrid(tiles, Theme(app, "light")), lambda grid: show_ids(grid, counts[0]))
        tiles.close()
    theirs = measure(app, QListView(), lambda view: show_names(view, counts[1]))
    for name, count, times in (("ours", counts[0], ours), ("plain icon view", counts[1], theirs)):
        print(
            f"{name}, {count:,} photos: show {times.show:.1f} ms, scroll {times.scroll:.2f} ms "
            f"(p99 {times.scroll_p99:.2f}), resize {times.resize:.1f} ms",
            flush=True,
        )


def show_ids(grid: QAbstractItemView, count: int) -> None:
    assert isinstance(grid, PhotoGrid)
    grid.show_listing(PhotoListing(np.arange(1, count + 1)))


def show_names(view: QAbstractItemView, count: int) -> None:
    assert isinstance(view, QListView)
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.setModel(QStringListModel([f"IMG_{number:07d}.jpg" for number in range(count)], view))


def measure(app: QApplication, view: QAbstractItemView, fill: Callable[[QAbstractItemView], None]) -> Times:
    view.resize(SIZE)
    view.show()
    app.processEvents()
    shown = timed(app, view, partial(fill, view))
    bar = view.verticalScrollBar()
    assert bar.maximum() > 0
    places = np.random.default_rng(0).integers(0, bar.maximum(), SCROLLS).tolist()
    scrolls = [timed(app, view, partial(bar.setValue, place)) for place in places]
    widths = [SIZE.width() - 150 * (1 + step % 3) for step in range(RESIZES)]
    resizes = [timed(app, view, partial(view.resize, QSize(width, SIZE.height()))) for width in widths]
    view.close()
    p99 = float(np.percentile(scrolls, 99))
    return Times(shown, statistics.median(scrolls), p99, statistics.median(resizes))


def timed(app: QApplication, view: QAbstractItemView, change: Callable[[], object]) -> float:
    """Milliseconds from the change until everything it brought about is drawn."""
    start = time.perf_counter()
    change()
    app.processEvents()
    view.viewport().repaint()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
