"""How soon Space shows a photo, and how soon sharp, against loading the same file into a QPixmap.

The real window, offscreen, on a library of 12-megapixel JPEGs made for this, whose thumbnails the grid has painted.
For each photo: Space until the picture is painted (from its thumbnail), until it is painted sharp, and an arrow until
the next one is painted sharp (read ahead). The baseline is `QPixmap(path)` of the same file, scaled to the same place
and painted: what a plain viewer does. Ratios of one run; the files are in the system's cache.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from retrieval_app.app import build_application
from retrieval_app.viewer.photo_viewer import PhotoViewer
from retrieval_app.window.main_window import MainWindow
from tests.support.embedders import Tiny, write_card
from tests.support.soft_pictures import soft

SIZE = (4_000, 3_000)  # px


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=12)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        os.environ["LOOKALIKE_HOME"] = str(Path(work) / "data")
        make_library(Path(work), options.photos)
        app, window = build_application(["lookalike"])
        window.show()
        wait_until(lambda: len(window.session.search.listing.ids) == options.photos)
        window.grab()
        wait_until(window.tiles.is_idle)
        print_times(app, window, options.photos)
        window.close()


def make_library(work: Path, count: int) -> None:
    (work / "photos").mkdir()
    for seed in range(count):
        soft(seed, SIZE).save(work / "photos" / f"{seed:02d}.jpg", quality=90)
    write_card(work / "data" / "default.library" / "models")
    with Library(work / "data" / "default.library") as library:
        drain(index_library(library, [work / "photos"], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)


def print_times(app: QApplication, window: MainWindow, count: int) -> None:
    grid, first, sharp, ahead, plain = window.search_page.results.grid, [], [], [], []
    for place in range(0, count - 1, 2):
        grid.setFocus()
        grid.go_to(place)
        photo = grid.grid_model.photo_at(place)
        assert photo is not None
        start = time.perf_counter()
        QTest.keyClick(grid, Qt.Key.Key_Space)
        viewer = window.viewer_opener.viewer
        assert viewer is not None
        viewer.stage.pane.view.repaint()
        first.append(time.perf_counter() - start)
        sharp.append(time_sharp(viewer, start))
        wait_until(viewer.pictures.readers.is_idle)
        start = time.perf_counter()
        QTest.keyClick(viewer.stage.pane.view, Qt.Key.Key_Right)
        ahead.append(time_sharp(viewer, start))
        plain.append(time_plain(viewer, Path(os.fsdecode(photo.path))))
        QTest.keyClick(viewer.stage.pane.view, Qt.Key.Key_Escape)
        app.processEvents()
    baseline = statistics.median(plain)
    print(f"QPixmap of the file, scaled: {1000 * baseline:.0f} ms")
    for name, times in (("Space, first pixels", first), ("Space, sharp", sharp), ("arrow, sharp", ahead)):
        median = statistics.median(times)
        print(f"{name}: {1000 * median:.0f} ms, {median / baseline:.2f} of that; longest {1000 * max(times):.0f} ms")


def time_sharp(viewer: PhotoViewer, start: float) -> float:
    """Seconds from the start until the picture is painted sharp."""
    wait_until(lambda: viewer.stage.pane.is_settled)
    viewer.stage.pane.view.repaint()
    return time.perf_counter() - start


def time_plain(viewer: PhotoViewer, path: Path) -> float:
    """Seconds to load a file into a pixmap and scale it to the viewer's place."""
    start = time.perf_counter()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    scaled = QPixmap(str(path)).scaled(viewer.stage.pane.place, keep, smooth)
    assert not scaled.isNull()
    return time.perf_counter() - start


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        QTest.qWait(1)


if __name__ == "__main__":
    main()
