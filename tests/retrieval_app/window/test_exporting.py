"""Export in the window: what is shown, by a dialog, into a file that the command would write too."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.library import Library
from indexer.search.query import Query
from retrieval_app.window.exporting import EXPORT_FORMATS, ExportRequest
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import lookalike
from tests.support.drawings import CLASSES, EACH
from tests.support.trees import snapshot
from tests.support.window_waits import wait_for

ALL = EACH * len(CLASSES)


def settle(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not window.session.search.is_running and window.listing_exporter.is_idle())


def ask(window: MainWindow, qtbot: QtBot) -> QFileDialog:
    """Ctrl+E; the dialog that opens."""
    window.activateWindow()
    wait_for(qtbot, window.isActiveWindow)
    QTest.keyClick(window.search_page.results.grid, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = (one for one in window.findChildren(QFileDialog) if one.isVisible())
    return dialog


def export(window: MainWindow, out: Path, qtbot: QtBot) -> None:
    """Choose a file in the dialog, as a name without its suffix and a kind."""
    dialog = ask(window, qtbot)
    kind = next(kind for kind, suffix in EXPORT_FORMATS.items() if out.suffix == f".{suffix}")
    dialog.selectNameFilter(kind)
    dialog.filterSelected.emit(kind)
    dialog.setDirectory(str(out.parent))
    dialog.selectFile(out.stem)
    dialog.accept()
    settle(window, qtbot)


def search(window: MainWindow, qtbot: QtBot) -> None:
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[3]))
    settle(window, qtbot)


@pytest.mark.parametrize("searched", [False, True])
def test_of_selected_photos_these_alone_are_written(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, searched: bool
) -> None:
    if searched:
        search(window, qtbot)
    grid = window.search_page.results.grid
    for place in (1, 4, 6):
        grid.selection.toggle_place(place)
    export(window, tmp_path / "out.json", qtbot)
    written = json.loads((tmp_path / "out.json").read_text())
    assert [row["id"] for row in written] == grid.selection.list_ids()


def test_results_up_to_the_cut_off_become_a_table(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    search(window, qtbot)
    window.session.search.conditions.set_max_distance(window.session.search.listing.hits[5].distance)
    export(window, tmp_path / "mine.csv", qtbot)
    with (tmp_path / "mine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["rank"]), row["path"], float(row["distance"])) for row in rows] == [
        (hit.rank, hit.photo.path.decode(), round(hit.distance, 6)) for hit in window.session.search.listing.hits
    ]
    assert len(rows) == 6
    assert window.status_line.message_label.text() == f"6 results written to {tmp_path / 'mine.csv'}"


def test_a_contact_sheet_has_the_query_first_and_all_results(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    search(window, qtbot)
    export(window, tmp_path / "sheet.html", qtbot)
    page = (tmp_path / "sheet.html").read_text()
    assert page.count("<figure") == ALL + 1 and page.count('class="query"') == 1
    export(window, tmp_path / "sheet.png", qtbot)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG" and sheet.width > 6 * 180


def test_without_a_query_the_whole_library_is_written(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    export(window, tmp_path / "all.json", qtbot)
    rows = json.loads((tmp_path / "all.json").read_text())
    assert [row["id"] for row in rows] == window.session.search.listing.ids.tolist()
    assert window.status_line.message_label.text().startswith(f"{ALL} photos written to")


def test_vectors_are_those_of_the_library_with_ids_beside_them(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, home: Path
) -> None:
    search(window, qtbot)
    export(window, tmp_path / "all.npy", qtbot)
    ids, vectors = np.load(tmp_path / "all.ids.npy"), np.load(tmp_path / "all.npy")
    with Library.open(home / "default.library") as library:
        assert sorted(ids.tolist()) == sorted(library.find_photo_ids().tolist())
        assert np.array_equal(vectors[7], library.embed_example(int(ids[7])))


def test_a_photo_folder_is_refused_and_another_place_offered(
    window: MainWindow, qtbot: QtBot, photos_folder: Path, tmp_path: Path
) -> None:
    before = snapshot(photos_folder)
    search(window, qtbot)
    export(window, photos_folder / "bar" / "mine.csv", qtbot)
    assert snapshot(photos_folder) == before
    assert window.banner.isVisible() and "nothing is ever written" in window.banner.sentence_label.text()
    assert not window.status_line.file_button.isVisible()
    window.banner.remedy_button.click()
    assert [one for one in window.findChildren(QFileDialog) if one.isVisible()]


def test_a_picture_that_is_asked_about_is_never_replaced(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    Image.new("RGB", (40, 30), "red").save(picture)
    before = picture.read_bytes()
    window.session.search.run_query(Query((picture,)))
    settle(window, qtbot)
    window.listing_exporter.write_file(picture, _order(window))
    settle(window, qtbot)
    assert "is a picture you asked about" in window.banner.sentence_label.text()
    assert picture.read_bytes() == before


def test_where_nothing_can_be_written_a_sentence_says_so(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    search(window, qtbot)
    (tmp_path / "file").touch()
    window.listing_exporter.write_file(tmp_path / "file" / "mine.csv", _order(window))
    settle(window, qtbot)
    assert "cannot be written (" in window.banner.sentence_label.text()


def test_the_link_shows_the_file_in_its_folder_until_other_news(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    assert not window.status_line.file_button.isVisible()
    export(window, tmp_path / "all.csv", qtbot)
    assert window.status_line.file_button.isVisible()
    window.status_line.file_button.click()
    assert opened == [QUrl.fromLocalFile(str(tmp_path))]
    search(window, qtbot)
    assert not window.status_line.file_button.isVisible()


@pytest.mark.parametrize("name", ["some.json", "some.npy"])
def test_of_a_filtered_library_what_passes_is_written_as_by_the_command(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, home: Path, name: str
) -> None:
    window.session.search.conditions.set_filter(Filter(orientation="landscape"))
    wait_for(qtbot, lambda: 0 < len(window.session.search.listing.ids) < ALL)
    shown = window.session.search.listing.ids.tolist()
    export(window, tmp_path / name, qtbot)
    other, what = tmp_path / f"command-{name}", "vectors" if name.endswith(".npy") else "library"
    said = lookalike(home, "export", other, "--what", what, "--orientation", "landscape", "--json")
    assert said.result()["photos"] == len(shown)
    assert other.read_bytes() == (tmp_path / name).read_bytes()
    written = tmp_path / "some.ids.npy" if what == "vectors" else tmp_path / name
    ids = np.load(written).tolist() if what == "vectors" else [row["id"] for row in json.loads(written.read_text())]
    assert sorted(ids) == sorted(shown)


def _order(window: MainWindow) -> ExportRequest:
    query = window.session.search.query
    assert query is not None
    return ExportRequest(query.positives, window.session.search.listing.hits, None)
