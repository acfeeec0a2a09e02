"""The details: a label is read and written, why a photo matches is shown on demand, numbers have words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.search.results import Hit, LabelOrigin, Photo
from retrieval_app.search.details_panel import DetailsPanel, list_photo_facts
from retrieval_app.widgets.photo_facts import describe_origin
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for, wait_for_signal

PHOTO = Photo(1, b"/a/b.jpg", 0, "disc", 40, 30, b"", offline=False)


def open_details(window: MainWindow, qtbot: QtBot, place: int = 1) -> DetailsPanel:
    """Search with a photo and go to one of the results."""
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[2]))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    window.search_page.results.grid.go_to(place)
    window.grab()
    wait_for(qtbot, window.tiles.is_idle)
    return window.search_page.details


def written(home: Path, photo: int) -> str | None:
    with Library.open(home / "default.library") as library:
        return library.annotations.read_labels(library.model_id).get(photo)


def test_a_label_is_written_and_shown_everywhere(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    details = open_details(window, qtbot)
    assert details.photo is not None
    photo, before = details.photo.id, details.photo.label
    assert details.label_edit.text() == before
    details.label_edit.setFocus()
    details.label_edit.selectAll()
    QTest.keyClicks(details.label_edit, "my c-label +")
    QTest.keyClick(details.label_edit, Qt.Key.Key_Return)

    def shown() -> bool:
        return any(
            hit.photo.id == photo and hit.photo.label == "my c-label +" for hit in window.session.search.listing.hits
        )

    wait_for(qtbot, shown)
    assert written(home, photo) == "my c-label +"
    assert details.label_edit.text() == "my c-label +"
    assert window.session.search.query is not None
    assert window.session.search.query.negatives == ()  # letters, plus and minus were text
    details.label_edit.clear()
    QTest.keyClick(details.label_edit, Qt.Key.Key_Return)
    wait_for(qtbot, lambda: written(home, photo) == before)  # its folder's label counts again
    wait_for(qtbot, lambda: details.label_edit.text() == before)


def test_escape_takes_back_what_was_written_and_nothing_else(window: MainWindow, qtbot: QtBot) -> None:
    details = open_details(window, qtbot)
    before = details.label_edit.text()
    details.label_edit.setFocus()
    QTest.keyClicks(details.label_edit, "x")
    QTest.keyClick(details.label_edit, Qt.Key.Key_Escape)
    assert details.label_edit.text() == before
    assert window.session.search.query is not None
    QTest.keyClick(details.label_edit, Qt.Key.Key_Escape)
    assert window.session.search.query is None


@pytest.mark.parametrize("of_a_picture", [False, True])
def test_a_paste_into_the_label_starts_no_search(window: MainWindow, qtbot: QtBot, of_a_picture: bool) -> None:
    details = open_details(window, qtbot)
    query = window.session.search.query
    if of_a_picture:
        QGuiApplication.clipboard().setImage(QImage(8, 8, QImage.Format.Format_RGB32))
    else:
        QGuiApplication.clipboard().setText("pasted")
    details.label_edit.setFocus()
    details.label_edit.selectAll()
    QTest.keyClick(details.label_edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert window.session.search.query is query
    assert (details.label_edit.text() == "pasted") != of_a_picture


def test_why_lays_heat_over_the_preview_and_follows_the_photo(window: MainWindow, qtbot: QtBot) -> None:
    details = open_details(window, qtbot)
    plain = details.picture.grab().toImage()
    details.heat_box.setChecked(True)
    wait_for(qtbot, lambda: details.picture.grab().toImage() != plain)
    window.search_page.results.grid.go_to(3)
    window.grab()
    wait_for(qtbot, lambda: window.tiles.is_idle() and window.search_page.questions.is_idle())
    hot = details.picture.grab().toImage()
    details.heat_box.setChecked(False)
    assert details.picture.grab().toImage() != hot
    window.session.search.show_library()
    assert not details.heat_box.isVisible()


def test_the_compare_button_opens_the_comparison(window: MainWindow, qtbot: QtBot) -> None:
    details = open_details(window, qtbot)
    QTest.mouseClick(details.compare_button, Qt.MouseButton.LeftButton)
    viewer = window.viewer_opener.viewer
    assert viewer is not None
    assert viewer.isVisible()
    assert viewer.stage.is_comparing()


def test_figures_are_said_with_their_meaning() -> None:
    likely = dict(list_photo_facts(PHOTO, Hit(3, PHOTO, 0.231, 0.97, None)))
    rare = dict(list_photo_facts(PHOTO, Hit(3, PHOTO, 0.231, None, 12_345.0)))
    assert likely["Distance"] == "0.231, rank 3"
    assert likely["Likeness"] == "The same: of 100 pairs this close 97 are."
    assert rare["Likeness"] == "Very close: of 12,000 random pairs one is this close."


def alike(window: MainWindow, qtbot: QtBot) -> tuple[Photo, Photo]:
    """Two photos of the library with the same label."""
    ids = window.session.search.listing.ids
    wait_for(qtbot, lambda: window.tiles.request_photo_in_row(ids, 0) is not None)
    first, second = (window.tiles.request_photo_in_row(ids, place) for place in (0, 1))
    assert first is not None and second is not None and first.label == second.label
    return first, second


def half_write(window: MainWindow, text: str) -> None:
    label = window.search_page.details.label_edit
    label.setFocus()
    label.selectAll()
    QTest.keyClicks(label, text)


def arrived_at(window: MainWindow, photo: Photo) -> bool:
    shown = window.search_page.details.photo
    return not window.session.search.is_running and shown is not None and shown.id == photo.id


def by_key(window: MainWindow) -> None:
    QTest.keyClick(window.search_page.details.label_edit, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)


def by_mouse(window: MainWindow) -> None:
    QTest.mouseClick(window, Qt.MouseButton.BackButton)


@pytest.mark.parametrize("go_back", [by_key, by_mouse])
def test_what_is_half_written_goes_to_the_photo_it_was_written_for(
    window: MainWindow, qtbot: QtBot, home: Path, go_back: Callable[[MainWindow], None]
) -> None:
    first, second = alike(window, qtbot)
    for photo in (second, first):
        window.session.search.toggle_query_photo(photo.id)
        wait_for(qtbot, partial(arrived_at, window, photo))
    half_write(window, "ROSE")
    go_back(window)
    wait_for(qtbot, lambda: arrived_at(window, second))
    label = window.search_page.details.label_edit
    assert label.hasFocus() and label.text() == second.label
    QTest.keyClick(label, Qt.Key.Key_Return)
    wait_for(qtbot, window.session.library.writer.is_idle)
    assert (written(home, first.id), written(home, second.id)) == ("ROSE", second.label)


@pytest.mark.parametrize("leave", ["close", "open another library"])
def test_what_is_half_written_when_the_library_is_left_is_kept(
    window: MainWindow, qtbot: QtBot, home: Path, leave: str
) -> None:
    photo = open_details(window, qtbot).photo
    assert photo is not None
    half_write(window, "ROSE")
    if leave == "close":
        window.close()
    else:
        window.session.library.switch_to(home / "other.library")
        wait_for(qtbot, window.session.library.writer.is_idle)
    assert written(home, photo.id) == "ROSE"


def test_a_label_that_cannot_be_shown_is_refused_with_a_sentence(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    details = open_details(window, qtbot)
    assert details.photo is not None
    photo, before = details.photo.id, details.photo.label
    details.label_edit.setFocus()
    details.label_edit.setText("left\u202eright")  # as a paste brings it
    with wait_for_signal(qtbot, window.session.notice_posted) as notice:
        QTest.keyClick(details.label_edit, Qt.Key.Key_Return)
    assert notice == [("A label is a word or a few, on one line.",)]
    assert written(home, photo) == before
    assert details.label_edit.text() == before


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "by anna, just now"),
        (59, "by anna, just now"),
        (60, "by anna, 1 minute ago"),
        (3 * 60 + 59, "by anna, 3 minutes ago"),
        (3600, "by anna, 1 hour ago"),
        (49 * 3600, "by anna, 2 days ago"),
        (8 * 86400, "by anna, 2024-12-"),
    ],
)
def test_who_labelled_a_photo_is_told_with_how_long_ago(seconds: int, said: str) -> None:
    moment = datetime(2024, 12, 20, 12, tzinfo=UTC)
    assert describe_origin(LabelOrigin("anna", moment), moment + timedelta(seconds=seconds)).startswith(said)
    facts = dict(list_photo_facts(PHOTO._replace(labelled=LabelOrigin("anna", moment)), None))
    assert facts["Labelled"].startswith("by anna, 2024-12-")
    assert "Labelled" not in dict(list_photo_facts(PHOTO, None))
