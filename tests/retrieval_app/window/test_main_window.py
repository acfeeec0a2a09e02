"""The window is driven as a user does: clicks, keys, drops. Nothing sleeps; what takes time is waited for."""

import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from retrieval_app.window.dialogs import FailuresDialog
from retrieval_app.window.main_window import MainWindow
from tests.support.commands import run_patiently
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.library_copies import copy_library
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for, wait_for_signal

LEFT = Qt.MouseButton.LeftButton
SHOWN = EACH * len(CLASSES)


def click(window: MainWindow, place: int) -> None:
    grid = window.search_page.results.grid
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.visualRect(grid.grid_model.index_at_place(place)).center())


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.search_page.results.grid, key, modifier)


def drop(window: MainWindow, data: QMimeData) -> None:
    here, how, none = QPoint(400, 300), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(here, how, data, LEFT, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(here), how, data, LEFT, none))


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def wait_for_results(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: window.session.search.listing.result is not None and not window.session.search.is_running)


def wait_for_library(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: window.session.search.listing.result is None)


def test_a_click_ranks_the_library_by_distance(window: MainWindow, qtbot: QtBot) -> None:
    wanted = int(window.session.search.listing.ids[3])
    click(window, 3)
    wait_for_results(window, qtbot)
    hits = window.session.search.listing.hits
    assert hits[0].photo.id == wanted
    assert hits[0].distance == 0
    assert [hit.rank for hit in hits] == list(range(1, SHOWN + 1))
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)
    assert window.search_page.results.grid.current_place() == 0


def test_a_second_click_on_the_query_goes_back_to_the_library(window: MainWindow, qtbot: QtBot) -> None:
    click(window, 5)
    wait_for_results(window, qtbot)
    click(window, 0)
    wait_for_library(window, qtbot)
    assert len(window.session.search.listing.ids) == SHOWN
    assert window.search_page.results.grid.current_place() == 5


def test_escape_goes_back_to_the_library(window: MainWindow, qtbot: QtBot) -> None:
    click(window, 5)
    wait_for_results(window, qtbot)
    press(window, Qt.Key.Key_Escape)
    wait_for_library(window, qtbot)


def test_arrows_move_and_enter_queries(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid
    grid.set_squares(True)
    grid.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        press(window, key)
    place = 2 + int(grid.tile_layout.row_starts[1])
    assert grid.current_place() == place
    wanted = int(window.session.search.listing.ids[place])
    press(window, Qt.Key.Key_Return)
    wait_for_results(window, qtbot)
    assert window.session.search.query_photo_id == wanted


def test_arrows_run_on_at_the_end_of_a_row_and_stop_at_the_ends(window: MainWindow) -> None:
    grid = window.search_page.results.grid
    grid.set_squares(True)
    grid.setFocus()
    columns = int(grid.tile_layout.row_starts[1])
    assert columns > 1
    grid.go_to(columns - 1)
    press(window, Qt.Key.Key_Right)
    assert grid.current_place() == columns
    press(window, Qt.Key.Key_Left)
    assert grid.current_place() == columns - 1
    press(window, Qt.Key.Key_End)
    press(window, Qt.Key.Key_Right)
    assert grid.current_place() == SHOWN - 1
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_Up)
    assert grid.current_place() == 0


def test_back_and_forward_go_through_the_history(window: MainWindow, qtbot: QtBot) -> None:
    first, second = (int(photo) for photo in window.session.search.listing.ids[[2, 9]])
    window.session.search.toggle_query_photo(first)
    wait_for_results(window, qtbot)
    window.session.search.toggle_query_photo(second)
    wait_for(qtbot, lambda: int(window.session.search.listing.ids[0]) == second)
    press(window, Qt.Key.Key_Backspace)
    wait_for(qtbot, lambda: int(window.session.search.listing.ids[0]) == first)
    press(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    wait_for_library(window, qtbot)
    assert not window.menus.find_action("Back").isEnabled()
    press(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    wait_for_results(window, qtbot)
    assert window.session.search.query_photo_id == first


def test_the_side_buttons_of_the_mouse_go_back_and_forward(window: MainWindow, qtbot: QtBot) -> None:
    click(window, 1)
    wait_for_results(window, qtbot)
    QTest.mouseClick(window.search_page.results.grid.viewport(), Qt.MouseButton.BackButton)
    wait_for_library(window, qtbot)
    QTest.mouseClick(window.search_page.results.grid.viewport(), Qt.MouseButton.ForwardButton)
    wait_for_results(window, qtbot)


def test_the_last_of_many_searches_wins(window: MainWindow, qtbot: QtBot) -> None:
    ids = [int(photo) for photo in window.session.search.listing.ids]
    for photo in ids:
        window.session.search.toggle_query_photo(photo)
    wait_for_results(window, qtbot)
    assert int(window.session.search.listing.ids[0]) == ids[-1]


def test_a_search_does_not_run_in_the_windows_thread(window: MainWindow, qtbot: QtBot) -> None:
    """By design, not by the clock: clicking returns before there is a result, and the event loop brings it."""
    click(window, 0)
    assert window.session.search.is_running
    assert window.session.search.listing.result is None
    wait_for_results(window, qtbot)


def test_a_dropped_picture_is_the_query(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    outside = tmp_path / "from elsewhere.png"
    draw("square", 30).save(outside)
    drop(window, files(outside))
    wait_for_results(window, qtbot)
    assert window.session.search.query is not None
    assert window.session.search.query.positives == (outside,)
    assert [hit.photo.label for hit in window.session.search.listing.hits[:3]] == ["square"] * 3


def test_several_dropped_pictures_are_one_query(
    window: MainWindow, qtbot: QtBot, photos_folder: Path, tmp_path: Path
) -> None:
    pictures = [photos_folder / "disc" / "disc-1.png", photos_folder / "bar" / "bar-2.png"]
    drop(window, files(*pictures))
    wait_for_results(window, qtbot)
    assert window.session.search.query is not None
    assert window.session.search.query.positives == tuple(pictures)
    nearest = {hit.photo.path for hit in window.session.search.listing.hits[:4]}
    assert {os.fsencode(path) for path in pictures} <= nearest


def test_a_dropped_file_that_is_no_picture_is_refused_with_a_sentence(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam")
    drop(window, files(letter))
    wait_for(qtbot, window.banner.isVisible)
    assert "letter.txt" in window.banner.sentence_label.text()
    assert "Traceback" not in window.banner.sentence_label.text()
    window.banner.remedy_button.click()
    wait_for_library(window, qtbot)
    assert not window.banner.isVisible()


def test_a_drop_from_the_web_is_not_fetched(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_a_pasted_bitmap_is_the_query(window: MainWindow, qtbot: QtBot, photos_folder: Path) -> None:
    QGuiApplication.clipboard().setImage(QImage(str(photos_folder / "bar" / "bar-3.png")))
    press(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    wait_for_results(window, qtbot)
    assert window.session.search.listing.hits[0].photo.path.endswith(b"bar-3.png")
    assert window.session.search.listing.hits[0].distance < 0.05


def test_a_paste_into_a_text_field_starts_no_search(window: MainWindow, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("a word")
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "a word"
    assert window.session.search.query is None


def test_a_paste_without_a_picture_says_so(window: MainWindow, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("a word")
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        press(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert said[0] == ("There is no picture in the clipboard.",)


def test_a_double_click_opens_the_photo_of_the_first_click(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    grid = window.search_page.results.grid
    wanted = int(window.session.search.listing.ids[6])
    wait_for(qtbot, lambda: grid.grid_model.photo_at(6) is not None)
    photo = grid.grid_model.photo_at(6)
    spot = grid.visualRect(grid.grid_model.index_at_place(6)).center()
    QTest.mouseClick(grid.viewport(), LEFT, pos=spot)
    wait_for_results(window, qtbot)  # another photo lies under the pointer now
    QTest.mouseDClick(grid.viewport(), LEFT, pos=spot)
    assert photo is not None
    assert opened == [QUrl.fromLocalFile(os.fsdecode(photo.path))]
    assert window.session.search.query_photo_id == wanted


def test_the_tile_under_the_pointer_is_marked(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid
    cell = grid.visualRect(grid.grid_model.index_at_place(1))
    corner = QPoint(cell.center().x(), cell.bottom() - 1)  # below the picture
    window.grab()
    wait_for(qtbot, window.tiles.is_idle)
    ground = grid.grab().toImage().pixelColor(corner).name()
    QTest.mouseMove(grid.viewport(), cell.center())
    wait_for(qtbot, lambda: grid.grab().toImage().pixelColor(corner).name() != ground)
    assert ground == window.theme.tokens.ground
    assert grid.grab().toImage().pixelColor(corner).name() == window.theme.tokens.hover


def test_every_visible_tile_gets_its_thumbnail(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid

    def drawn() -> bool:
        photos = [grid.grid_model.photo_at(place) for place in range(8)]
        return all(
            photo is not None and window.tiles.request_thumbnail(photo, grid.side) is not None for photo in photos
        )

    wait_for(qtbot, drawn)


def test_details_show_what_is_known_of_the_current_photo(window: MainWindow, qtbot: QtBot) -> None:
    click(window, 4)
    wait_for_results(window, qtbot)
    details = window.search_page.details
    hit = window.session.search.listing.hits[0]
    assert details.photo == hit.photo
    press(window, Qt.Key.Key_F9)
    assert not details.isVisible()
    press(window, Qt.Key.Key_F9)
    assert details.isVisible()


def test_photos_that_could_not_be_read_are_listed_with_reasons_as_plain_text(
    window: MainWindow, photos_folder: Path
) -> None:
    assert window.status_line.failures_button.text() == "2 photos could not be read"
    window.show_failures()
    dialog = window.findChild(FailuresDialog)
    assert isinstance(dialog, FailuresDialog)
    model = dialog.table.model()
    rows = {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}
    assert sorted(rows) == [str(photos_folder / "cut.jpg"), str(photos_folder / "disc" / "<b>not< b> a picture.jpg")]
    assert all(rows.values())
    dialog.close()


def test_the_first_start_invites_a_folder_or_the_sample(empty_window: MainWindow) -> None:
    assert empty_window.search_page.invitation.isVisible()
    assert empty_window.search_page.invitation.offer.isVisible()
    assert empty_window.search_page.invitation.sample_button.isVisible()
    assert empty_window.focusWidget() is empty_window.search_page.invitation.offer


def test_a_search_in_an_empty_library_says_what_to_do(empty_window: MainWindow, photos_folder: Path) -> None:
    drop(empty_window, files(photos_folder / "disc" / "disc-1.png"))
    assert "Index a photo folder first" in empty_window.banner.sentence_label.text()


def test_a_folder_that_is_gone_is_refused_with_a_sentence(empty_window: MainWindow, tmp_path: Path) -> None:
    empty_window.session.job.index_folders([tmp_path / "gone"])
    assert "is not there" in empty_window.banner.sentence_label.text()
    assert empty_window.session.job.state is None


def test_place_panes_size_and_theme_are_kept(window: MainWindow, home: Path, qtbot: QtBot) -> None:
    window.resize(760, 610)  # the offscreen platform's screen is 800 x 800
    window.search_page.panes.setSizes([190, 330, 240])
    window.tool_bar.size_slider.setValue(177)
    window.theme.choose_theme("dark")
    sizes = window.search_page.panes.sizes()
    window.close()
    with open_window() as again:
        assert (again.width(), again.height()) == (760, 610)
        assert again.tool_bar.size_slider.value() == 177
        assert again.search_page.results.grid.side == 177
        assert again.theme.choice == "dark"
        wait_for(qtbot, again.search_page.panes.isVisible)
        assert again.search_page.panes.sizes() == sizes


def test_damaged_settings_are_no_reason_not_to_start(home: Path, qtbot: QtBot) -> None:
    (home / "window.ini").write_bytes(b"[General]\nwindow=@ByteArray(\\x1)\npanes=7\ntile=many\ntheme=\xff\n")
    with open_window() as window:
        assert window.isVisible()


def test_a_damaged_library_is_refused_with_a_sentence(home: Path, qtbot: QtBot) -> None:
    (home / "default.library").mkdir()
    (home / "default.library" / "library.sqlite").write_bytes(b"no database at all" * 400)
    with open_window() as window:
        wait_for(qtbot, window.banner.isVisible)
        assert window.banner.sentence_label.text()


def test_resizing_keeps_what_is_at_the_top(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid
    grid.set_squares(True)
    grid.set_side(200)
    window.resize(900, 600)
    grid.go_to(12)
    top = grid.grid_model.find_place(grid.indexAt(QPoint(20, 8)))
    grid.set_side(120)
    after = grid.grid_model.find_place(grid.indexAt(QPoint(20, 8)))
    assert top is not None and after is not None
    assert (
        after <= top < after + int(grid.tile_layout.row_starts[1])
        or grid.verticalScrollBar().value() == grid.verticalScrollBar().maximum()
    )


def test_every_action_has_its_own_keys_and_nothing_is_a_placeholder(window: MainWindow) -> None:
    entries = [entry for group in window.menus.list_keys().values() for entry in group]
    keys = [key for entry in entries for key in entry.key.split(", ")]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+O", "Ctrl+V", "Backspace", "F9", "F11", "F1", "Esc"} <= set(keys)


def test_opening_the_window_and_searching_import_no_learning_library(indexed: Path, tmp_path: Path) -> None:
    copy_library(indexed, tmp_path / "default.library")
    program = """
import sys
from PySide6.QtTest import QTest
from retrieval_app.app import build_application
from retrieval_app.help.keys_dialog import KeysDialog
from retrieval_app.window.dialogs import FailuresDialog
_, window = build_application(["lookalike"])
window.show()
while not len(window.session.search.listing.ids): QTest.qWait(20)
window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
while window.session.search.listing.result is None: QTest.qWait(20)
window.close()
print([name for name in ("torch", "timm", "torchvision", "openvino") if name in sys.modules])
"""
    environment = {**os.environ, "LOOKALIKE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    said = run_patiently([sys.executable, "-c", program], env=environment)
    assert said.out.strip() == "[]", said.err
