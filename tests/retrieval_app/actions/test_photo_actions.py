"""What can be done with one photo or many: from the menu of a right click, the Edit menu and keys; and undone."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.search.query import Query
from retrieval_app.actions.photo_actions import CONTEXT_MENU
from retrieval_app.actions.photo_clipboard import FILE_MANAGER_TYPE, make_file_data
from retrieval_app.window.main_window import MainWindow
from tests.retrieval_app.search.test_details_panel import PHOTO
from tests.support.message_boxes import find_question, press_answer
from tests.support.seen_large import get_viewer, press_key
from tests.support.window_waits import wait_for, wait_for_signal

LEFT = Qt.MouseButton.LeftButton
NONE, CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def select_places(window: MainWindow, *places: int) -> list[int]:
    """Select photos by Ctrl-click; their ids."""
    grid = window.search_page.results.grid
    for place in places:
        spot = grid.visualRect(grid.grid_model.index_at_place(place)).center()
        QTest.mouseClick(grid.viewport(), LEFT, CONTROL, spot)
    return grid.selection.list_ids()


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(window.search_page.results.grid, key, modifiers)


def read_labels(window: MainWindow) -> dict[int, str]:
    with Library.open(window.session.library.folder) as library:
        return library.annotations.read_labels(library.model_id)


def wait_until_written(window: MainWindow, qtbot: QtBot) -> None:
    wait_for(qtbot, window.session.library.writer.is_idle)


def open_context_menu(window: MainWindow, place: int) -> QMenu:
    grid = window.search_page.results.grid
    spot = grid.visualRect(grid.grid_model.index_at_place(place)).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, grid.viewport().mapToGlobal(spot))
    QApplication.sendEvent(grid.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def test_a_right_click_offers_everything_and_searches_nothing(window: MainWindow, qtbot: QtBot) -> None:
    window.search_page.results.grid.setFocus()
    menu = open_context_menu(window, 3)
    names = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert names == [text for texts in CONTEXT_MENU for text in texts]
    enabled = {action.text() for action in menu.actions() if action.isEnabled() and not action.isSeparator()}
    assert set(names) - enabled == {"Not a match", "Compare"}  # there is no query that it would be compared with
    assert window.session.search.query is None
    assert window.search_page.results.grid.current_place() == 3
    menu.close()


def test_many_are_one_query_by_menu_and_by_enter(window: MainWindow, qtbot: QtBot) -> None:
    ids = select_places(window, 1, 9, 17)
    menu = open_context_menu(window, 9)
    next(action for action in menu.actions() if action.text() == "Find similar").trigger()
    menu.close()
    assert window.session.search.query == Query(tuple(ids))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    ids = select_places(window, 0, 4)
    press(window, Qt.Key.Key_Return)
    assert window.session.search.query == Query(tuple(ids))


def test_a_label_for_many_is_one_action_and_one_undo_that_is_named(window: MainWindow, qtbot: QtBot) -> None:
    before = read_labels(window)
    press(window, Qt.Key.Key_A, CONTROL)
    assert window.search_page.results.grid.selection.count == 24
    press(window, Qt.Key.Key_L, CONTROL)
    dialog = window.search_page.photo_actions.label_dialog
    assert dialog is not None and dialog.isVisible()
    dialog.label_edit.selectAll()
    QTest.keyClicks(dialog.label_edit, "rose")
    QTest.keyClick(dialog.label_edit, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    wait_for(qtbot, window.isActiveWindow)
    wait_until_written(window, qtbot)
    assert set(read_labels(window).values()) == {"rose"}
    undo = window.menus.find_action("Undo")
    assert undo.text() == "Undo label 24 photos “rose”"
    press(window, Qt.Key.Key_Z, CONTROL)
    wait_until_written(window, qtbot)
    assert read_labels(window) == before
    assert not undo.isEnabled()
    assert window.search_page.results.grid.selection.count == 24  # what is selected stays so
    press(window, Qt.Key.Key_Z, CONTROL | SHIFT)
    wait_until_written(window, qtbot)
    assert set(read_labels(window).values()) == {"rose"}


def test_undo_gives_each_photo_back_the_label_that_it_had(window: MainWindow, qtbot: QtBot) -> None:
    ids = [int(photo) for photo in window.session.search.listing.ids[[0, 1, 2]]]
    with Library.open(window.session.library.folder) as library:
        library.annotations.set_labels({ids[0]: "mine", ids[1]: None})
    before = read_labels(window)
    assert select_places(window, 0, 1, 2) == ids
    window.menus.find_action("Take the label back").trigger()
    wait_until_written(window, qtbot)
    assert read_labels(window)[ids[0]] == before[ids[1]]  # its folder's counts again
    press(window, Qt.Key.Key_Z, CONTROL)
    wait_until_written(window, qtbot)
    assert read_labels(window) == before


def test_the_model_suggests_labels_and_one_goes_on_to_the_next_photo(window: MainWindow, qtbot: QtBot) -> None:
    grid = window.search_page.results.grid
    grid.setFocus()
    grid.go_to(4)
    press(window, Qt.Key.Key_L, CONTROL)
    dialog = window.search_page.photo_actions.label_dialog
    assert dialog is not None
    wait_for(qtbot, lambda: dialog.suggestion_label.text() == "Like labelled photos:")
    wait_for(qtbot, dialog.isActiveWindow)
    dialog.label_edit.setText("square")
    first = grid.current_id()
    QTest.keyClick(dialog, Qt.Key.Key_Return, CONTROL)
    assert dialog.isVisible()
    assert grid.current_place() == 5
    dialog.reject()
    wait_until_written(window, qtbot)
    assert read_labels(window)[first or 0] == "square"


def test_a_label_that_is_refused_leaves_nothing_to_undo(window: MainWindow, qtbot: QtBot) -> None:
    ids = select_places(window, 0)
    wait_for(qtbot, lambda: window.search_page.current_photo() is not None)
    with wait_for_signal(qtbot, window.session.notice_posted) as said:
        window.search_page.details.label_given.emit(window.search_page.current_photo(), "a\u202eb")
    assert said[0] == ("A label is a word or a few, on one line.",)
    assert ids and not window.menus.find_action("Undo").isEnabled()


def read_clipboard() -> QMimeData:
    return QGuiApplication.clipboard().mimeData() or QMimeData()


def test_files_are_copied_as_file_managers_paste_them(window: MainWindow, qtbot: QtBot) -> None:
    ids = select_places(window, 2, 5)
    wait_for(qtbot, lambda: all(map(window.tiles.request_photo, ids)))
    paths = [photo.path for photo in map(window.tiles.request_photo, ids) if photo is not None]
    assert len(paths) == 2
    press(window, Qt.Key.Key_C, CONTROL)
    wait_for(qtbot, lambda: read_clipboard().hasFormat(FILE_MANAGER_TYPE))
    lines = bytes(read_clipboard().data(FILE_MANAGER_TYPE).data()).split(b"\n")
    assert lines[0] == b"copy"
    assert [unquote_to_bytes(line.removeprefix(b"file://")) for line in lines[1:]] == paths
    assert [url.toLocalFile() for url in read_clipboard().urls()] == list(map(os.fsdecode, paths))
    assert read_clipboard().text().split("\n") == list(map(os.fsdecode, paths))
    press(window, Qt.Key.Key_C, CONTROL | SHIFT)
    wait_for(qtbot, lambda: not read_clipboard().hasFormat(FILE_MANAGER_TYPE))
    assert read_clipboard().text().split("\n") == list(map(os.fsdecode, paths))


def test_a_name_that_is_not_utf8_is_copied_byte_by_byte() -> None:
    data = make_file_data([PHOTO._replace(path=b"/a/caf\xe9 #1.jpg")])
    assert bytes(data.data("text/uri-list").data()).strip() == b"file:///a/caf%E9%20%231.jpg"
    assert bytes(data.data(FILE_MANAGER_TYPE).data()) == b"copy\nfile:///a/caf%E9%20%231.jpg"
    assert data.text() == ""


def test_a_picture_is_copied_whole(window: MainWindow, qtbot: QtBot) -> None:
    window.search_page.results.grid.go_to(2)
    photo = window.search_page.results.grid.grid_model.photo_at(2)
    wait_for(qtbot, lambda: window.search_page.current_photo() is not None)
    photo = window.search_page.current_photo()
    QGuiApplication.clipboard().clear()
    press(window, Qt.Key.Key_C, CONTROL | ALT)
    wait_for(qtbot, lambda: not QGuiApplication.clipboard().image().isNull())
    image = QGuiApplication.clipboard().image()
    assert photo is not None and (image.width(), image.height()) == (photo.width, photo.height)


def test_files_are_copied_to_a_folder_beside_what_is_there(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    ids = select_places(window, 0, 1)
    wait_for(qtbot, lambda: all(map(window.tiles.request_photo, ids)))
    photos = [photo for photo in map(window.tiles.request_photo, ids) if photo is not None]
    names = [Path(os.fsdecode(photo.path)).name for photo in photos]
    (tmp_path / names[0]).write_bytes(b"another")
    for _ in range(2):  # the second time, all are there
        with wait_for_signal(qtbot, window.search_page.photo_actions.copier.written) as said:
            window.search_page.photo_actions.copier.copy_photos(ids, tmp_path)
        assert said[0][0] == f"2 files copied to {tmp_path}"
    stem, suffix = Path(names[0]).stem, Path(names[0]).suffix
    copies = sorted(path for path in tmp_path.iterdir() if path.is_file())
    assert [path.name for path in copies] == sorted([names[0], f"{stem} (2){suffix}", names[1]])
    assert (tmp_path / names[0]).read_bytes() == b"another"
    assert (tmp_path / names[1]).read_bytes() == Path(os.fsdecode(photos[1].path)).read_bytes()


def test_copying_many_files_says_how_far_it_is_and_can_be_stopped(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    copier, line = window.search_page.photo_actions.copier, window.status_line
    ids = window.session.search.listing.ids.tolist() * 40  # so many that the window hears of one before all are done
    told = list[str]()

    def stop_at_the_third(text: str, stop_text: str) -> None:
        told.append(text)
        if text.startswith("Copying 2 of"):
            assert line.message_label.text() == text and line.cancel_button.text() == stop_text == "Stop copying"
            QTest.mouseClick(line.cancel_button, Qt.MouseButton.LeftButton)

    copier.progressed.connect(stop_at_the_third)
    copier.copy_photos(ids, tmp_path)
    with wait_for_signal(qtbot, copier.written) as said:
        pass
    sentence = line.message_label.text()
    assert said == [(sentence, os.fsencode(tmp_path))]
    done = re.fullmatch(
        rf"Copying was stopped: (\d+) of {len(ids)} files copied to {re.escape(str(tmp_path))}", sentence
    )
    assert done is not None and 2 <= int(done[1]) < len(ids)
    assert len(list(tmp_path.glob("*.png"))) == min(int(done[1]), len(set(ids)))  # the same file is copied once
    assert told[:3] == [f"Copying {done} of {len(ids):,} files" for done in range(3)] and told[-1] == ""
    assert copier.is_idle() and line.cancel_button.isHidden() and line.file_button.isVisible()


def test_links_to_many_files_lie_in_one_folder(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, out = select_places(window, 0, 1), tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    with wait_for_signal(qtbot, window.search_page.photo_actions.copier.written) as said:
        window.menus.find_action("Link in a folder…").trigger()
    assert said[0][0] == f"2 files linked in {out}"
    wait_for(qtbot, lambda: all(map(window.tiles.request_photo, ids)))
    originals = {Path(os.fsdecode(photo.path)) for photo in map(window.tiles.request_photo, ids) if photo is not None}
    assert {path.readlink() for path in out.iterdir()} == originals


def test_nothing_is_copied_into_a_photo_folder(window: MainWindow, qtbot: QtBot, photos_folder: Path) -> None:
    before = sorted(photos_folder.rglob("*"))
    with wait_for_signal(qtbot, window.session.notice_posted, accepts=lambda text: "ever written" in text):
        window.search_page.photo_actions.copier.copy_photos(select_places(window, 0), photos_folder / "disc")
    assert sorted(photos_folder.rglob("*")) == before


def test_several_are_opened_and_their_folders_once_each(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, photos_folder: Path
) -> None:
    opened: list[QUrl] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    select_places(window, 0, 1, 9)
    window.menus.find_action("Open").trigger()
    wait_for(qtbot, lambda: len(opened) == 3)
    opened.clear()
    window.menus.find_action("Show in folder").trigger()
    wait_for(qtbot, lambda: len(opened) == 2)
    assert {Path(url.toLocalFile()).parent for url in opened} == {photos_folder}


def test_selected_photos_are_compared_with_the_first_of_them(window: MainWindow, qtbot: QtBot) -> None:
    ids = select_places(window, 0, 1, 5)
    window.menus.find_action("Compare").trigger()
    wait_for(qtbot, lambda: window.viewer_opener.is_open)
    viewer = get_viewer(window)
    assert viewer.stage.partner_pane.get_example() == ids[0]
    assert viewer.list_ids() == [ids[1]]
    press_key(Qt.Key.Key_Right)
    assert viewer.list_ids() == [ids[2]]
    press_key(Qt.Key.Key_Escape)
    assert window.search_page.results.grid.list_chosen_ids() == ids


def test_plus_marks_all_that_are_selected_and_undo_takes_all_back(window: MainWindow, qtbot: QtBot) -> None:
    ids = select_places(window, 0, 3)
    press(window, Qt.Key.Key_Plus)
    assert window.session.search.query == Query(tuple(ids))
    assert window.menus.find_action("Undo").text() == "Undo more like 2 pictures"
    press(window, Qt.Key.Key_Z, CONTROL)
    assert window.session.search.query is None


def test_what_is_no_match_is_remembered_left_out_and_taken_back(window: MainWindow, qtbot: QtBot) -> None:
    search = window.session.search
    search.toggle_query_photo(int(search.listing.ids[0]))
    wait_for(qtbot, lambda: search.listing.result is not None)
    query, ids = search.query_photo_id, select_places(window, 3, 5)
    assert query is not None
    press(window, Qt.Key.Key_N)
    wait_for(qtbot, lambda: not search.is_running and len(search.listing.ids) == 22)
    assert not set(ids) & {hit.photo.id for hit in search.listing.hits}
    wait_until_written(window, qtbot)
    with Library.open(window.session.library.folder) as library:
        assert library.annotations.read_decisions() == {(min(query, other), max(query, other)) for other in ids}
        press(window, Qt.Key.Key_Z, CONTROL)
        wait_for(qtbot, lambda: len(search.listing.ids) == 24)
        wait_until_written(window, qtbot)
        assert library.annotations.read_decisions() == set()


def test_photos_left_out_stand_on_a_chip_that_brings_them_back(window: MainWindow, qtbot: QtBot) -> None:
    search = window.session.search
    ids = select_places(window, 2, 3)
    press(window, Qt.Key.Key_H)
    assert not set(ids) & set(search.listing.ids.tolist())
    chips = window.search_page.results.chip_row
    assert chips.isVisible()
    search.conditions.show_left_out()
    assert len(search.listing.ids) == 24
    assert not chips.isVisible()


def test_the_folder_of_a_photo_is_left_out_after_a_question(window: MainWindow, qtbot: QtBot) -> None:
    listing = window.session.search.listing
    before = len(listing.ids)
    select_places(window, 0)
    for words in ("Keep", "Leave it out"):
        window.menus.find_action("Leave this folder out…").trigger()
        box = find_question(qtbot, window)
        assert box.text().startswith("Leave ") and box.text().endswith(" out of the library?")
        press_answer(box, words)
        if words == "Keep":
            assert window.session.job.state is None
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) < before)
    wait_for(qtbot, lambda: window.session.job.state is None)
    with Library.open(window.session.library.folder) as library:
        assert [len(root.exclusions) for root in library.collect_info().roots] == [1]
