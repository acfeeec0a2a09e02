"""A chosen home folder that is not there is told when the window opens, with the way to mend it."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.home.settings_file import HOME_KEY, SETTINGS_FILE, find_settings_folder, write_paths
from retrieval_app.preferences.dialog import SettingsDialog
from tests.support.open_windows import open_window


@pytest.mark.parametrize("is_there", [True, False])
def test_a_chosen_home_that_is_not_there_is_said_with_a_way_to_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, is_there: bool
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("LOOKALIKE_HOME")
    drive = tmp_path / "drive <b>"
    if is_there:
        drive.mkdir()
    find_settings_folder().mkdir(parents=True)
    (find_settings_folder() / SETTINGS_FILE).write_text(f"[General]\n{HOME_KEY}={write_paths([drive])}\n")
    with open_window() as window:
        banner = window.banner
        assert banner.isVisible() is not is_there
        if not is_there:
            assert banner.sentence_label.text() == f"The folder of your libraries is not there: {drive}"
            banner.remedy_button.click()
            dialog = window.findChild(SettingsDialog)
            assert dialog is not None
            homes, _ = dialog.folder_choices
            assert homes.path_label.text() == f"{find_settings_folder()}, as {drive} is not there"
            assert homes.usual_action.isEnabled()
            dialog.close()
