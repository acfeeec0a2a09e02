"""Which folders count as a library or a photo folder, which files as pictures, and what the user is told of others."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from retrieval_app.window.drop_and_paste import ReceivedItems
from retrieval_app.window.main_window import MainWindow
from tests.support.library_copies import copy_library
from tests.support.window_waits import wait_for

LEFT = Qt.MouseButton.LeftButton


def test_a_picture_dropped_on_an_empty_library_offers_to_index_its_folder(
    empty_window: MainWindow, photos_folder: Path
) -> None:
    empty_window.input_opener.open_items(ReceivedItems((photos_folder / "disc" / "disc-1.png",), ()))
    assert str(photos_folder / "disc") in empty_window.banner.sentence_label.text()
    QTest.mouseClick(empty_window.banner.remedy_button, LEFT)
    assert empty_window.session.job.state is not None
    empty_window.session.job.cancel_job()


def test_a_file_in_place_of_a_folder_is_called_one(empty_window: MainWindow, photos_folder: Path) -> None:
    empty_window.session.job.index_folders([photos_folder / "disc" / "disc-1.png"])
    assert "disc-1.png is a file" in empty_window.banner.sentence_label.text()
    assert empty_window.banner.remedy_button.text() == "Index its folder"
    assert empty_window.session.job.state is None


@pytest.mark.parametrize("pictures", [True, False])
def test_a_folder_that_is_no_library_is_not_opened_as_one(
    window: MainWindow, photos_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: bool
) -> None:
    before, folder = window.session.library.folder, photos_folder if pictures else tmp_path / "nothing"
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    window.menus.find_action("Open library…").trigger()
    assert window.session.library.folder == before
    said = window.banner.sentence_label.text()
    assert ("is a folder of pictures" in said) == pictures and str(folder) in said
    assert window.banner.remedy_button.text() == ("Index this folder" if pictures else "Choose another folder")


def test_another_library_is_opened(
    window: MainWindow, indexed: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.library"
    copy_library(indexed, other)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other))
    window.menus.find_action("Open library…").trigger()
    assert window.session.library.folder == other
    wait_for(qtbot, lambda: not window.session.library.is_empty)
