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
from retrieval_app.session.reading import RANK_REFINED

from indexer.database.filters import Filter
from indexer.photos.samples import find_sample_folder
from retrieval_app.app import build_application
from retrieval_app.window.exporting import ExportRequest
from retrieval_app.window.main_window import MainWindow

QUERY = 130  # a house of the sample


def main() -> None:
    """Every state, in light, some in dark."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch:
        os.environ["LOOKALIKE_HOME"] = str(Path(scratch) / "data")
        pictures = Path(scratch) / "Pictures"
        shutil.copytree(find_sample_folder(), pictures)
        _, window = build_application(["lookalike"])
        window.theme.choose_theme("light")
        window.resize(1280, 800)
        window.show()
        window.session.job.index_folders([pictures], labelled=True)
        wait(lambda: window.session.job.state is None and not window.session.library.is_empty)
        show_filter(window)
        show_ways(window)
        show_marks(window)
        show_details(window)
        show_comparison(window)
        show_export(window, Path(scratch))
        window.close()


def rest(window: MainWindow) -> None:
    """Let searches, answers and pictures arrive."""
    wait(lambda: not window.session.search.is_running and window.search_page.questions.is_idle())
    settle(window)


def show_filter(window: MainWindow) -> None:
    """The fields with a label chosen, and results that are cut off."""
    window.search_page.results.open_filter()
    rest(window)
    everything = len(window.session.search.listing.ids)
    window.session.search.set_filter(Filter(label="books"))
    wait(lambda: len(window.session.search.listing.ids) < everything)
    rest(window)
    save(window, "filter")
    window.session.search.set_filter(Filter())
    window.search_page.results.close_filter()
    rest(window)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[QUERY]))
    rest(window)
    window.session.search.set_max_distance(0.95)
    rest(window)
    save(window, "cut-off")
    menu = window.search_page.results.rate_menu
    menu.aboutToShow.emit()
    rest(window)
    below = window.search_page.results.cut_button
    place = below.mapToGlobal(below.rect().bottomRight())
    menu.popup(place)
    menu.move(place.x() - menu.width(), place.y())  # the offscreen screen is narrower than the window
    QTest.qWait(50)
    save(window, "cut-by-rate")
    menu.close()
    window.session.search.set_max_distance(None)


def show_ways(window: MainWindow) -> None:
    """A second look at the nearest, and what the picture is said to be."""
    window.session.search.toggle_ranking(RANK_REFINED)
    window.search_page.query_panel.identity.ask_identity()
    rest(window)
    save(window, "refined")
    with_theme(window, "dark", "refined-dark")
    window.session.search.toggle_ranking(RANK_REFINED)
    rest(window)


def show_marks(window: MainWindow) -> None:
    """More like two, less like one, and a part of the query's picture."""
    hits = window.session.search.listing.hits
    for place, by in ((1, 1), (2, 1), (2, 1), (6, -1)):
        window.session.search.mark_example(hits[place].photo.id, by)
    rest(window)
    window.search_page.query_panel.picture.start_cropping()
    rest(window)
    save(window, "marks-and-part")
    with_theme(window, "dark", "marks-and-part-dark")
    window.session.search.show_library()
    rest(window)


def show_details(window: MainWindow) -> None:
    """Why a photo matches."""
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[QUERY]))
    rest(window)
    window.search_page.results.grid.setFocus()
    window.search_page.results.grid.go_to(2)
    window.search_page.details.heat_box.setChecked(True)
    rest(window)
    save(window, "why")


def show_comparison(window: MainWindow) -> None:
    """Two pictures beside each other, plain and with heat maps, large and small."""
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_Space)
    rest(window)
    save(window, "compare")
    with_theme(window, "dark", "compare-dark")
    window.search_page.compare_page.heat_box.setChecked(True)
    QTest.keyClick(window.search_page.compare_page.second_view, Qt.Key.Key_Plus)
    rest(window)
    save(window, "compare-where")
    window.resize(900, 600)
    rest(window)
    save(window, "compare-small-window")


def show_export(window: MainWindow, scratch: Path) -> None:
    """Where the results were written, with the way there."""
    window.resize(1280, 800)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[2]))
    rest(window)
    assert window.session.search.query is not None
    window.listing_exporter.write_file(
        scratch / "results.html",
        ExportRequest(window.session.search.query.positives, window.session.search.listing.hits),
    )
    wait(window.listing_exporter.is_idle)
    rest(window)
    save(window, "exported")


if __name__ == "__main__":
    main()
