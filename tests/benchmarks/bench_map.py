"""How many times in a second of processor time the map is drawn while it is dragged and zoomed, against 30.

The mean over all steps, and the rate at which the slowest tenth of them is drawn: those are where the map is drawn
anew, as what lies between two is moved and scaled.

Ours: the window's MapView with a scene of that many photos in groups, with thumbnails (20,000 photos; they are drawn
once and stay in memory, as on a screen that has been looked at) and as dots alone (100,000, set as pixels). The
baseline: a QGraphicsView over 20,000 ellipse items, the usual way to build a map with Qt. All are moved or zoomed by
the same steps and drawn by the offscreen platform; the ratios are of one run.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGraphicsScene, QGraphicsView, QWidget

from indexer.library import Library
from indexer.search.results import Photo
from retrieval_app.map.map_state import MapScene
from retrieval_app.map.map_view import ZOOM_STEP, MapView
from retrieval_app.session.tiles import TileCache
from retrieval_app.widgets.theme import Theme

PHOTOS, MANY, GROUPS = 20_000, 100_000, 40
STEPS, WANTED_RATE = 40, 30  # frames, and so many a second are wanted
SIZE = QSize(1200, 650)


class FrameRate(NamedTuple):
    """Frames in a second of processor time: the mean, and that of the slowest tenth."""

    mean: float
    slowest: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} frames a second, the slowest tenth {self.slowest:.1f}"


class MapRates(NamedTuple):
    """The rates of a map that is dragged, and of one that is zoomed."""

    dragged: FrameRate
    zoomed: FrameRate


class DrawnTiles(TileCache):
    """Tiles whose thumbnails are all there: what reading them takes is another matter."""

    def __init__(self) -> None:
        super().__init__()
        self.pixmap = QPixmap(54, 40)
        self.pixmap.fill(QColor("#7799bb"))

    def request_photo_in_row(self, ids: np.ndarray, row: int) -> Photo | None:
        return Photo(int(ids[row]), b"x.jpg", 0, None, 540, 400, b"x" * 32, False)

    def request_thumbnail(self, photo: Photo, side: int) -> QPixmap | None:
        return self.pixmap


def main() -> None:
    instance = QApplication.instance()
    app = instance if isinstance(instance, QApplication) else QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as work:
        Library.create(Path(work) / "empty.library").close()
        tiles = DrawnTiles()
        theme = Theme(app, "light")
        pictured = measure_map(tiles, theme, PHOTOS, with_pictures=True)
        dotted = measure_map(tiles, theme, MANY, with_pictures=False)
        many = measure_map(tiles, theme, MANY, with_pictures=True)
        tiles.close()
    plain = measure_items(PHOTOS)
    print(f"plain QGraphicsScene items, {PHOTOS:,}, dragged: {plain.dragged}; zoomed: {plain.zoomed}")
    measured = (("map with pictures", PHOTOS, pictured), ("dots", MANY, dotted), ("map with pictures", MANY, many))
    for name, count, rates in measured:
        for act, rate, usual in zip(MapRates._fields, rates, plain, strict=True):
            told = f"{rate} ({WANTED_RATE} are wanted), {rate.mean / usual.mean:.2f} of plain"
            print(f"{name}, {count:,}, {act}: {told}")


def make_scene(count: int) -> MapScene:
    random = np.random.default_rng(0)
    classes = random.integers(0, GROUPS, count)
    middles = random.uniform(-100, 100, (GROUPS, 2)).astype(np.float32)
    points = (middles[classes] + 6 * random.standard_normal((count, 2))).astype(np.float32)
    names = [f"group {number}" for number in range(GROUPS)]
    return MapScene("tsne", np.arange(1, count + 1), points, classes, names, middles)


def measure_map(tiles: TileCache, theme: Theme, count: int, *, with_pictures: bool) -> MapRates:
    view = MapView(tiles, theme)
    view.resize(SIZE)
    view.show()
    view.show_pictures(with_pictures)
    view.show_scene(make_scene(count))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))

    def move(step: int) -> None:
        QTest.mouseMove(view, QPoint(320 + 5 * step, 300 + 3 * (step % 7)))

    dragged = measure_rate(view, move)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(320, 300))
    return MapRates(dragged, measure_rate(view, lambda step: view.zoom(choose_factor(step))))


def choose_factor(step: int) -> float:
    """Larger for half of the steps, then smaller again."""
    return ZOOM_STEP if step < STEPS // 2 else 1 / ZOOM_STEP


def measure_items(count: int) -> MapRates:
    made, scene = make_scene(count), QGraphicsScene()
    for (x, y), code in zip(made.points.tolist(), made.classes.tolist(), strict=True):
        item = scene.addEllipse(5 * x, 5 * y, 5, 5, Qt.PenStyle.NoPen, QBrush(QColor.fromHsv(code * 9, 200, 200)))
        item.setToolTip("x.jpg")
    view = QGraphicsView(scene)
    view.resize(SIZE)
    view.show()
    dragged = measure_rate(view.viewport(), lambda step: view.horizontalScrollBar().setValue(5 * step))
    zoomed = measure_rate(view.viewport(), lambda step: view.scale(choose_factor(step), choose_factor(step)))
    return MapRates(dragged, zoomed)


def measure_rate(widget: QWidget, move: Callable[[int], None]) -> FrameRate:
    """The rate of steps, each from the move until it is drawn."""
    QTest.qWaitForWindowExposed(widget.window())
    widget.repaint()
    times = []
    for step in range(STEPS):
        start = time.process_time()
        move(step)
        widget.repaint()
        times.append(time.process_time() - start)
    return FrameRate(1 / statistics.mean(times), 1 / statistics.mean(sorted(times)[-(STEPS // 10) :]))


if __name__ == "__main__":
    main()
