"""Each setting acts at once, is there at the next start, and stands in the guide."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QMessageBox
from pytestqt.qtbot import QtBot

from indexer.home.folders import find_home_folder, find_models_folder, list_home_folders
from indexer.home.settings_file import FORMER_KEYS, SETTINGS_FILE
from indexer.library import Library
from indexer.own_process import CORES_VARIABLE
from retrieval_app.help.help_menu import TOUR_KEY
from retrieval_app.preferences.choices import CLICK_KEY, CORES_KEY, THEME_KEY, THUMBNAILS_KEY
from retrieval_app.preferences.dialog import SettingsDialog
from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for
from training.data.sources import UNFINISHED_FILE

ROOT = Path(__file__).parents[3]


def open_settings(window: MainWindow) -> SettingsDialog:
    window.menus.find_action("Settings…").trigger()
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    return dialog


def find_box(window: MainWindow) -> QMessageBox:
    return next(box for box in window.findChildren(QMessageBox) if box.isVisible())


def press_button(box: QMessageBox, text: str) -> None:
    next(button for button in box.buttons() if button.text() == text).click()


def choose(box: QComboBox, index: int) -> None:
    box.setCurrentIndex(index)
    box.activated.emit(index)


def click_first_tile(window: MainWindow) -> None:
    grid = window.search_page.results.grid
    point: QPoint = grid.locate_place(0).center()
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=point)


def test_settings_act_at_once_and_are_kept(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES_VARIABLE, "")
    dialog = open_settings(window)
    assert dialog.height() <= 700
    assert dialog.minimumSizeHint().height() <= 600
    choose(dialog.click_box, 1)
    choose(dialog.theme_box, 2)
    choose(dialog.cores_box, min(1, dialog.cores_box.count() - 1))
    choose(dialog.thumbnails_box, 1)
    assert window.theme.choice == "dark"
    kept = WindowSettings(find_home_folder())
    window._settings.exchange_values()
    kept.exchange_values()
    assert kept.read_text(CLICK_KEY) == "select"
    assert kept.read_text(THEME_KEY) == "dark"
    assert kept.read_number(THUMBNAILS_KEY, 0) == 100
    assert os.environ.get(CORES_VARIABLE, "") == (
        str(kept.read_number(CORES_KEY, 0)) if dialog.cores_box.count() > 1 else ""
    )
    dialog.close()
    click_first_tile(window)
    assert window.search_page.results.grid.selection.count == 1
    assert window.session.search.query is None
    click_first_tile(window)
    choose(open_settings(window).click_box, 0)
    click_first_tile(window)
    assert window.search_page.results.grid.selection.count == 0
    assert window.session.search.query is not None


def test_the_trash_of_a_library_is_switched_in_the_library(window: MainWindow, qtbot: QtBot) -> None:
    removal = window.duplicates_page.removal
    dialog = open_settings(window)
    wait_for(qtbot, window.session.library.writer.is_idle)
    assert dialog.trash_box.isChecked()
    dialog.trash_box.click()
    wait_for(qtbot, window.session.library.writer.is_idle)
    dialog.close()
    again = open_settings(window)
    wait_for(qtbot, lambda: not again.trash_box.isChecked())
    assert not removal.is_allowed


def test_a_home_folder_is_chosen_and_given_back(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, new = tmp_path / "lookalike", tmp_path / "new"
    usual.symlink_to(find_home_folder())
    new.mkdir()
    homes, models = open_settings(window).folder_choices
    assert not homes.change_button.isEnabled()  # LOOKALIKE_HOME names it here
    assert models.change_button.isEnabled()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("LOOKALIKE_HOME")
    homes, models = open_settings(window).folder_choices
    wait_for(qtbot, lambda: homes.size_label.text() != "")
    homes.ask_for(window.session.library.folder)
    refuse = find_box(window)
    assert "lies in a library" in refuse.text()
    refuse.close()
    homes.ask_for(new)
    question = find_box(window)
    assert "moved or not" in question.informativeText()
    assert find_home_folder() == usual
    press_button(question, "Use it")
    assert find_home_folder() == new
    assert list_home_folders() == [new, usual]
    assert homes.path_label.text() == str(new)
    assert homes.usual_action.isEnabled()
    homes.usual_action.trigger()
    press_button(find_box(window), "Use it")
    assert list_home_folders() == [usual, new]
    models.ask_for(new)
    press_button(find_box(window), "Use it")
    assert find_models_folder() == new


def test_what_lies_in_the_former_home_is_moved_with_the_open_library(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, new, library = tmp_path / "lookalike", tmp_path / "new", window.session.library
    usual.symlink_to(find_home_folder())
    new.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("LOOKALIKE_HOME")
    (usual / "checkpoints" / "half").mkdir(parents=True)
    (usual / "checkpoints" / "half" / UNFINISHED_FILE).write_bytes(b"state")
    library.switch_to(usual / "default.library")
    wait_for(qtbot, lambda: library.is_open and len(library.photo_ids) > 0)
    photos = library.photo_ids.tolist()
    homes, _ = open_settings(window).folder_choices
    homes.ask_for(new)
    press_button(find_box(window), "Use it, and move what is there")
    wait_for(qtbot, lambda: library.folder == new / "default.library" and len(library.photo_ids) > 0)
    assert library.photo_ids.tolist() == photos
    assert not (usual / "default.library").exists()
    assert not window.session.work.works
    told = window.session.work.notices[0].sentence
    assert told.startswith(f"Moved to {new}: default.library.")
    assert told.endswith("half stays where it is, as its training can still go on.")
    known = window.library_actions.known
    assert known.find_last() == new / "default.library"
    assert usual / "default.library" not in known.list_folders()


def test_a_library_that_cannot_be_moved_is_shown_where_it_was(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.database.sqlite.connection.CLOSING_SECONDS", 0.1)
    library, new = window.session.library, tmp_path / "new"
    new.mkdir()
    before = library.folder
    with Library.open(before):
        window.preferences.folder_move.start_move({before.parent: [before]}, new)
        wait_for(qtbot, lambda: not window.session.work.works)
    assert window.session.work.notices[0].sentence.startswith("Nothing was moved. The library ")
    wait_for(qtbot, lambda: library.is_open)
    assert library.folder == before
    assert not list(new.iterdir())


def test_the_guide_names_every_key_of_the_settings_file() -> None:
    guide = (ROOT / "docs" / "guide" / "settings.md").read_text(encoding="utf-8")
    assert SETTINGS_FILE in guide
    folders = (*FORMER_KEYS, *FORMER_KEYS.values())
    for key in (CLICK_KEY, THEME_KEY, CORES_KEY, THUMBNAILS_KEY, TOUR_KEY, CORES_VARIABLE, *folders):
        assert f"`{key}`" in guide
    written = set()
    for file in (ROOT / "retrieval_app").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if 'write_value("' in line:
                written.add(line.split('write_value("')[1].split('"')[0])
    assert {"tile", "details", "tiles", "folder", "export"} <= written
    for key in written:
        assert f"`{key}`" in guide


@pytest.mark.skipif(sys.platform != "linux", reason="Processes are bound to cores on Linux")
def test_a_limit_of_cores_binds_the_process() -> None:
    code = "from indexer.own_process import count_cores, limit_cores; limit_cores(); print(count_cores())"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    counted = [
        int(subprocess.run(command, env=environment | {CORES_VARIABLE: text}, capture_output=True, check=True).stdout)
        for text in ("1", "", "many")
    ]
    assert counted == [1, len(os.sched_getaffinity(0)), len(os.sched_getaffinity(0))]
