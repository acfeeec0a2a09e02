"""Make the screenshots of searching: marks, crops, filter, cut-off, rankings, comparing, exporting.

python docs/make_search_screenshots.py

Works on a copy of the sample pictures in a temporary folder, with a data directory of its own.
"""

from pathlib import Path

from make_screenshots import (
    copy_photographs,
    index_labelled,
    open_window,
    save_in_theme,
    save_window,
    wait_for_pictures,
    wait_until,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from indexer.database.filters import Filter
from indexer.ranking.search_request import RANK_REFINED
from retrieval_app.window.exporting import ExportRequest
from retrieval_app.window.main_window import MainWindow

QUERY = 173  # a windmill of the sample


def main() -> None:
    """Save every state in the light theme, some in the dark one."""
    with open_window() as (window, scratch):
        index_labelled(window, copy_photographs(scratch))
        show_filter(window)
        show_rankings(window)
        show_marks(window)
        show_details(window)
        show_comparison(window)
        show_export(window, scratch)


def wait_until_idle(window: MainWindow) -> None:
    """Let the window run until searches, answers and pictures have arrived."""
    wait_until(lambda: not window.session.search.is_running and window.search_page.questions.is_idle())
    wait_for_pictures(window)


def show_filter(window: MainWindow) -> None:
    """Save the filter with a label chosen, and results that are cut off."""
    window.search_page.results.open_filter()
    wait_until_idle(window)
    everything = len(window.session.search.listing.ids)
    window.session.search.conditions.set_filter(Filter(label="castles"))
    wait_until(lambda: len(window.session.search.listing.ids) < everything)
    wait_until_idle(window)
    save_window(window, "filter")
    window.session.search.conditions.set_filter(Filter())
    window.search_page.results.close_filter()
    wait_until_idle(window)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[QUERY]))
    wait_until_idle(window)
    window.session.search.conditions.set_max_distance(0.95)
    wait_until_idle(window)
    save_window(window, "cut-off")
    menu = window.search_page.results.cut_menu
    menu.aboutToShow.emit()
    wait_until_idle(window)
    below = window.search_page.results.cut_button
    place = below.mapToGlobal(below.rect().bottomRight())
    menu.popup(place)
    menu.move(place.x() - menu.width(), place.y())  # the offscreen screen is narrower than the window
    QTest.qWait(50)
    save_window(window, "cut-by-rate")
    menu.close()
    window.session.search.conditions.set_max_distance(None)


def show_rankings(window: MainWindow) -> None:
    """Save the refined ranking with the answer to *What is it?*."""
    window.session.search.conditions.toggle_ranking(RANK_REFINED)
    window.search_page.query_panel.identity.ask_identity()
    wait_until_idle(window)
    save_window(window, "refined")
    save_in_theme(window, "dark", "refined-dark")
    window.session.search.conditions.toggle_ranking(RANK_REFINED)
    wait_until_idle(window)


def show_marks(window: MainWindow) -> None:
    """Save a query with two pictures marked more, one marked less, and a crop."""
    hits = window.session.search.listing.hits
    for place, by in ((1, 1), (2, 1), (2, 1), (6, -1)):
        window.session.search.mark_example(hits[place].photo.id, by)
    wait_until_idle(window)
    window.search_page.query_panel.picture.start_cropping()
    wait_until_idle(window)
    save_window(window, "marks-and-part")
    save_in_theme(window, "dark", "marks-and-part-dark")
    window.session.search.show_library()
    wait_until_idle(window)


def show_details(window: MainWindow) -> None:
    """Save the details of a photo with its heat map."""
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[QUERY]))
    wait_until_idle(window)
    window.search_page.results.grid.setFocus()
    window.search_page.results.grid.go_to(2)
    window.search_page.details.heat_box.setChecked(True)
    wait_until_idle(window)
    save_window(window, "why")


def show_comparison(window: MainWindow) -> None:
    """Save a photo seen large, and compared with the query, plain and with heat maps, in a large and a small window."""
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_Space)
    viewer = window.viewer_opener.viewer
    assert viewer is not None
    wait_until(lambda: viewer.stage.pane.is_settled)
    save_window(window, "large")
    save_in_theme(window, "dark", "large-dark")
    viewer.toggle_partner()
    wait_until(viewer.questions.is_idle)
    save_window(window, "compare")
    save_in_theme(window, "dark", "compare-dark")
    viewer.toggle_heats()
    viewer.stage.pane.view.zoom_about(1.25)
    wait_until(lambda: viewer.questions.is_idle() and viewer.pictures.readers.is_idle())
    save_window(window, "compare-where")
    window.resize(900, 600)
    wait_until_idle(window)
    save_window(window, "compare-small-window")
    window.viewer_opener.close_viewer()


def show_export(window: MainWindow, scratch: Path) -> None:
    """Save the notice about exported results, with the button that opens them."""
    window.resize(1280, 800)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[2]))
    wait_until_idle(window)
    search = window.session.search
    assert search.query is not None
    request = ExportRequest(search.query.positives, search.listing.hits, within=None)
    window.listing_exporter.write_file(scratch / "results.html", request)
    wait_until(window.listing_exporter.is_idle)
    wait_until_idle(window)
    save_window(window, "exported")


if __name__ == "__main__":
    main()
