"""Make the screenshots of asking: marks, parts, filter, cut-off, ways to rank, comparing, exporting.

python docs/make_search_screenshots.py

Works on a copy of the sample pictures in a temporary folder, with a data directory of its own.
"""

import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from make_screenshots import SCREENSHOTS, save, settle, wait, with_theme
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from indexer.database.filters import Filter
from indexer.photos.samples import sample_folder
from retrieval_app.app import build
from retrieval_app.session.reading import REFINED
from retrieval_app.window.exporting import Order
from retrieval_app.window.main_window import MainWindow

QUERY = 130  # a house of the sample


def main() -> None:
    """Every state, in light, some in dark."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch:
        os.environ["LOOKALIKE_HOME"] = str(Path(scratch) / "data")
        pictures = Path(scratch) / "Pictures"
        shutil.copytree(sample_folder(), pictures)
        _, window = build(["lookalike"])
        window.theme.choose("light")
        window.resize(1280, 800)
        window.show()
        window.session.index([pictures], labelled=True)
        wait(lambda: window.session.job is None and not window.session.empty)
        show_filter(window)
        show_ways(window)
        show_marks(window)
        show_details(window)
        show_comparison(window)
        show_export(window, Path(scratch))
        window.close()


def rest(window: MainWindow) -> None:
    """Let searches, answers and pictures arrive."""
    wait(lambda: not window.session.searching and window.page.asides.idle())
    settle(window)


def show_filter(window: MainWindow) -> None:
    """The fields with a label chosen, and results that are cut off."""
    window.page.results.open_filter()
    rest(window)
    everything = len(window.session.listing.ids)
    window.session.keep_within(Filter(label="books"))
    wait(lambda: len(window.session.listing.ids) < everything)
    rest(window)
    save(window, "filter")
    window.session.keep_within(Filter())
    window.page.results.close_filter()
    rest(window)
    window.session.click(int(window.session.listing.ids[QUERY]))
    rest(window)
    window.session.cut_at(0.95)
    rest(window)
    save(window, "cut-off")
    menu = window.page.results.rate_cut
    menu.aboutToShow.emit()
    rest(window)
    below = window.page.results.cut_button
    place = below.mapToGlobal(below.rect().bottomRight())
    menu.popup(place)
    menu.move(place.x() - menu.width(), place.y())  # the offscreen screen is narrower than the window
    QTest.qWait(50)
    save(window, "cut-by-rate")
    menu.close()
    window.session.cut_at(None)


def show_ways(window: MainWindow) -> None:
    """A second look at the nearest, and what the picture is said to be."""
    window.session.rank(REFINED)
    window.page.query.identity.ask()
    rest(window)
    save(window, "refined")
    with_theme(window, "dark", "refined-dark")
    window.session.rank(REFINED)
    rest(window)


def show_marks(window: MainWindow) -> None:
    """More like two, less like one, and a part of the query's picture."""
    hits = window.session.listing.hits
    for place, by in ((1, 1), (2, 1), (2, 1), (6, -1)):
        window.session.mark(hits[place].photo.id, by)
    rest(window)
    window.page.query.picture.begin()
    rest(window)
    save(window, "marks-and-part")
    with_theme(window, "dark", "marks-and-part-dark")
    window.session.show_library()
    rest(window)


def show_details(window: MainWindow) -> None:
    """Why a photo matches."""
    window.session.click(int(window.session.listing.ids[QUERY]))
    rest(window)
    window.page.results.grid.setFocus()
    window.page.results.grid.go_to(2)
    window.page.details.why.setChecked(True)
    rest(window)
    save(window, "why")


def show_comparison(window: MainWindow) -> None:
    """Two pictures beside each other, plain and with heat maps, large and small."""
    QTest.keyClick(window.page.results.grid, Qt.Key.Key_Space)
    rest(window)
    save(window, "compare")
    with_theme(window, "dark", "compare-dark")
    window.page.compare.why.setChecked(True)
    QTest.keyClick(window.page.compare.second, Qt.Key.Key_Plus)
    rest(window)
    save(window, "compare-where")
    window.resize(900, 600)
    rest(window)
    save(window, "compare-small-window")


def show_export(window: MainWindow, scratch: Path) -> None:
    """Where the results were written, with the way there."""
    window.resize(1280, 800)
    window.session.click(int(window.session.listing.ids[2]))
    rest(window)
    assert window.session.query is not None
    window.exporting.write(scratch / "results.html", Order(window.session.query.positives, window.session.listing.hits))
    wait(window.exporting.idle)
    rest(window)
    save(window, "exported")


if __name__ == "__main__":
    main()
