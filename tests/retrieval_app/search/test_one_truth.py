"""Query, hits, heading and details change together, in the real window; further results come by scrolling."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.search.query import Query
from retrieval_app.session.searching import photo_search
from retrieval_app.window.drop_and_paste import read_mime_data
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.held_readers import held
from tests.support.window_waits import wait_for

LEFT = Qt.MouseButton.LeftButton
SHOWN = EACH * len(CLASSES)


def measure_contrast(widget: QWidget) -> float:
    """The standard deviation of the pixels of what a widget shows."""
    image = widget.grab().toImage()
    return float(np.frombuffer(bytes(image.constBits()), np.uint8).std())


def shows_distance(window: MainWindow) -> bool:
    """Whether the details tell how far a photo is from the query."""
    return any(
        "istance" in label.text() for label in window.search_page.details.findChildren(QLabel) if label.isVisible()
    )


def wait_for_search(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running and window.tiles.is_idle())


def click(window: MainWindow, place: int) -> None:
    grid = window.search_page.results.grid
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.locate_place(place).center())


def test_what_was_found_before_is_dimmed_while_searching_and_gone_after_a_failure(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    page, search = window.search_page, window.session.search
    click(window, 3)
    wait_for_search(window, qtbot)
    QTest.keyClick(page.results.grid, Qt.Key.Key_Right)
    wait_for(qtbot, lambda: shows_distance(window))
    contrast = measure_contrast(page.results.grid.viewport())
    with held(window.session.library.reader):
        search.run_query(Query((int(search.listing.ids[5]),)))
        assert page.results.count_label.text() == "Searching…"
        assert not shows_distance(window) and page.details.photo is not None
        wait_for(qtbot, lambda: measure_contrast(page.results.grid.viewport()) < 0.7 * contrast)
    wait_for_search(window, qtbot)
    assert measure_contrast(page.results.grid.viewport()) > 0.9 * contrast
    assert page.results.count_label.text() == f"{SHOWN} photos"

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "gone.png"))])
    window.input_opener.open_items(read_mime_data(data))
    wait_for_search(window, qtbot)
    assert page.results.count_label.text() == "Nothing found"
    assert page.results.grid.grid_model.rowCount() == 0 and page.details.photo is None
    assert "gone.png" in window.banner.sentence_label.text()
    QTest.mouseClick(window.banner.remedy_button, LEFT)
    wait_for_search(window, qtbot)
    assert page.results.grid.grid_model.rowCount() == SHOWN


def test_a_photo_that_is_gone_from_a_query_of_several_is_named_and_the_others_are_searched(
    window: MainWindow, photos_folder: Path, qtbot: QtBot
) -> None:
    search, notices = window.session.search, list[str]()
    search.notice_posted.connect(notices.append)
    kept, unlike = search.listing.ids[:2].tolist()
    search.run_query(Query((999_999, kept), (unlike,)))
    wait_for_search(window, qtbot)
    assert search.query == Query((kept,), (unlike,)) and search.listing.hits
    assert "1 of 3 pictures could not be read and had to stay out: a photo that is gone." in notices[-1]

    search.run_query(Query((photos_folder / "disc" / "disc-1.png",)))  # a file of the library, opened as a file
    panel = window.search_page.query_panel
    wait_for(qtbot, lambda: panel._origin.text() == "disc")


def test_a_long_question_tells_how_far_it_is_and_photos_that_came_in_are_offered(
    window: MainWindow, photos_folder: Path, installed_model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    line, search = window.search_page.results.state_line, window.session.search
    assert line.isHidden()
    click(window, 3)
    wait_for_search(window, qtbot)
    before = search.query
    with held(window.session.library.reader):
        search.run_query(Query(tuple(sorted(photos_folder.glob("*/*-?.png")))))
        assert line.isVisible() and line.sentence.text() == f"Looking at picture 1 of {SHOWN} of the question…"
        QTest.mouseClick(line.stop_button, LEFT)
        assert line.isHidden() and search.query is before
    wait_for_search(window, qtbot)

    (tmp_path / "more").mkdir()
    draw("disc", 60).save(tmp_path / "more" / "new.png")
    with Library.open(window.session.library.folder) as library:
        drain(index_library(library, [tmp_path / "more"], load_model(installed_model)))
    wait_for(qtbot, line.isVisible)
    assert line.sentence.text() == "1 photo came in since this search."
    QTest.mouseClick(line.again_button, LEFT)
    wait_for_search(window, qtbot)
    assert line.isHidden() and len(search.listing.ids) == SHOWN + 1


def test_the_end_of_the_results_brings_further_ones(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_search, "FIRST_HITS", 12)
    monkeypatch.setattr(photo_search, "HITS_GROWTH", 2)
    results, search = window.search_page.results, window.session.search
    window.resize(900, 600)
    window.tool_bar.size_slider.setValue(window.tool_bar.size_slider.maximum())
    click(window, 0)
    wait_for_search(window, qtbot)
    qtbot.wait(1)
    assert results.count_label.text() == f"12 nearest of {SHOWN} photos"
    first = search.listing.ids.tolist()
    QTest.keyClick(results.grid, Qt.Key.Key_End)
    wait_for(qtbot, lambda: len(search.listing.ids) == SHOWN)
    assert results.count_label.text() == f"{SHOWN} photos"
    assert search.listing.ids[:12].tolist() == first and results.grid.current_place() == 11
    assert search.listing.result is not None and search.listing.result.engine == "exact"
