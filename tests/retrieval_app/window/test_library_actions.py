"""Libraries as things, in the real window: made, listed, looked at while another is indexed, renamed, deleted."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.app import build_application
from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.known_libraries import KnownLibraries
from retrieval_app.window.library_dialogs import LibrariesDialog, NewLibraryDialog
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.library_copies import copy_library
from tests.support.message_boxes import find_question, press_answer
from tests.support.open_files import list_open_files
from tests.support.window_waits import wait_for

LEFT = Qt.MouseButton.LeftButton
SHOWN = EACH * len(CLASSES)


def list_names(window: MainWindow) -> list[str]:
    """The entries of the menu of libraries, the open one in brackets, those that are not there with a dash before."""
    menu = window.tool_bar.library_button.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    names: list[str] = []
    for action in menu.actions():
        if action.isSeparator():
            return names
        names.append(f"[{action.text()}]" if action.isChecked() else action.text())
        assert action.isEnabled() != action.text().endswith("(not there)")
    raise AssertionError("no separator")


def open_list(window: MainWindow, folder: Path) -> LibrariesDialog:
    """The list of libraries, opened from the menu, with one chosen."""
    window.menus.find_action("Libraries…").trigger()
    dialog = window.library_actions.dialog
    assert dialog is not None and dialog.isVisible()
    dialog.choose_folder(folder)
    return dialog


def test_a_new_library_is_made_listed_and_opened_again_at_the_next_start(
    window: MainWindow, home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "elsewhere").mkdir()
    window.menus.find_action("New library…").trigger()
    dialog = window.findChild(NewLibraryDialog)
    assert isinstance(dialog, NewLibraryDialog) and not dialog.create_button.isEnabled()
    QTest.keyClicks(dialog.name_field, "default")
    assert "is there already" in dialog.place_label.text() and not dialog.create_button.isEnabled()
    dialog.name_field.clear()
    QTest.keyClicks(dialog.name_field, "Sea & sun")
    dialog.set_parent_folder(tmp_path / "elsewhere")
    made = tmp_path / "elsewhere" / "Sea & sun.library"
    assert str(made) in dialog.place_label.text()
    QTest.mouseClick(dialog.create_button, LEFT)
    wait_for(qtbot, lambda: window.session.library.folder == made)
    wait_for(qtbot, window.search_page.invitation.isVisible)
    assert (made / "library.sqlite").is_file()
    assert list_names(window) == ["default", "[Sea && sun]"]
    window.close()

    _, second = build_application(["lookalike"])
    assert second.session.library.folder == made
    second.close()
    second.deleteLater()
    shutil.rmtree(made)
    _, third = build_application(["lookalike"])
    assert third.session.library.folder == home / "default.library"
    assert f"{made}" in third.banner.sentence_label.text() and "not there" in third.banner.sentence_label.text()
    assert list_names(third) == ["[default]", "Sea && sun (not there)"]
    third.close()
    third.deleteLater()


@pytest.mark.usefixtures("carried_model")
def test_another_library_is_looked_at_while_one_is_being_indexed(
    window: MainWindow, home: Path, photos_folder: Path, qtbot: QtBot
) -> None:
    session, line, full = window.session, window.status_line, window.session.library.folder
    session.library.switch_to(home / "second.library")
    session.job.index_folders([photos_folder])
    assert line.cancel_button.text() == "Stop indexing"
    assert window.search_page.invitation.isVisible() and window.search_page.invitation.offer.isHidden()
    session.library.switch_to(full)
    wait_for(qtbot, lambda: len(session.search.listing.ids) == SHOWN)
    assert session.job.state is not None and session.job.state_here is None
    session.job.changed.emit()
    assert line.message_label.text().startswith("second: ")
    session.search.toggle_query_photo(int(session.search.listing.ids[0]))
    wait_for(qtbot, lambda: bool(session.search.listing.hits))
    session.job.rescan_folders()
    session.job.run_command(["forget", "--missing", "--yes"], lambda: None)
    assert "The library second is being worked on" in window.banner.sentence_label.text()
    assert window.banner.remedy_button.text() == "Stop indexing"
    with Library.open(full) as library:
        files = library.store.files.count_files(library.model_id)
    wait_for(qtbot, lambda: session.job.state is None)
    assert line.message_label.text().startswith("second: Indexed in ")
    assert session.library.folder == full and len(session.search.listing.hits) == SHOWN
    with Library.open(home / "second.library") as second, Library.open(full) as library:
        assert second.store.embeddings.count_photos(second.model_id) == SHOWN
        assert library.store.files.count_files(library.model_id) == files


def test_a_library_is_renamed_taken_off_the_list_and_deleted_after_a_question(
    window: MainWindow, home: Path, indexed: Path, qtbot: QtBot
) -> None:
    first, other = home / "default.library", home / "other.library"
    copy_library(indexed, other)
    with Library.open(first) as library:
        library.annotations.set_label([5, 6], "round")
    dialog = open_list(window, first)
    assert not dialog.open_button.isEnabled() and not dialog.removal_button.isEnabled()  # it is the open one
    QTest.mouseClick(dialog.rename_button, LEFT)
    question = dialog.findChild(QInputDialog)
    assert isinstance(question, QInputDialog)
    field = question.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    field.clear()
    QTest.keyClicks(field, "Shapes")
    QTest.keyClick(field, Qt.Key.Key_Return)
    renamed = home / "Shapes.library"
    wait_for(qtbot, lambda: window.session.library.folder == renamed)
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
    assert not first.exists() and window.windowTitle() == "Shapes - Lookalike"

    dialog.choose_folder(other)
    QTest.mouseClick(dialog.removal_button, LEFT)
    assert list_names(window) == ["[Shapes]"] and other.exists()
    window.session.library.switch_to(other)
    assert list_names(window) == ["[other]", "Shapes"]
    window.session.library.switch_to(renamed)

    (renamed / "notes.txt").write_text("mine")
    dialog.refresh()
    dialog.choose_folder(renamed)
    for answer in ("Keep", "Delete the library"):
        QTest.mouseClick(dialog.deletion_button, LEFT)
        box = find_question(qtbot, dialog)
        assert box.text() == "Delete the library Shapes?"
        said = box.informativeText()
        assert "2 labels, 0 decisions about pairs, 0 saved searches" in said and str(renamed) in said
        assert "What is not the library's own stays: notes.txt." in said and "none of them is touched" in said
        press_answer(box, answer)
        assert (renamed / "library.sqlite").exists() or answer != "Keep"
    wait_for(qtbot, lambda: not (renamed / "library.sqlite").exists())
    wait_for(qtbot, lambda: window.session.library.folder == other and not window.session.library.is_empty)
    wait_for(qtbot, lambda: "Shapes is deleted" in window.status_line.message_label.text())
    assert [path.name for path in renamed.iterdir()] == ["notes.txt"]
    assert list_names(window) == ["[other]"]
    dialog.reject()


def test_names_that_are_no_text_are_remembered_in_order_of_their_last_opening(home: Path) -> None:
    known = KnownLibraries(WindowSettings(home))
    folders = [home / "a b.library", Path("/somewhere/\udcff%20\n.library"), home / "é.library"]
    for folder in folders:
        known.remember(folder)
    known.remember(folders[0])
    again = KnownLibraries(WindowSettings(home))
    assert again.find_last() == folders[0] and set(again.list_folders()) == set(folders)
    known.remember(home / "of the first window.library")
    again.remember(home / "of the second window.library")
    for window_list in (known, again):
        assert len(window_list.list_folders()) == len(folders) + 2
    for name in ("first", "second"):
        known.forget(home / f"of the {name} window.library")
    again.take_off(folders[0])
    assert again.find_last() == folders[2] and folders[0] not in again.list_folders()


def test_a_second_window_is_another_process_on_the_same_library(window: MainWindow, qtbot: QtBot) -> None:
    process = window.library_actions.open_window()
    try:
        opened = {str(window.session.library.folder / "library.sqlite")}
        wait_for(qtbot, lambda: opened <= list_open_files(process))
    finally:
        os.kill(process, signal.SIGTERM)
