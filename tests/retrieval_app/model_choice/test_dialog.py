"""The dialog of models: what there is and what is in use; made ready, asked about, compared, used, gone back from."""

import importlib
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QMessageBox
from pytestqt.qtbot import QtBot

from indexer.models.prepared import find_shared_folder
from retrieval_app.model_choice.dialog import ModelDialog
from retrieval_app.model_choice.model_rows import ModelRow, describe_comparison, describe_state, parse_rows
from retrieval_app.widgets.controls import make_button
from retrieval_app.window.main_window import MainWindow
from tests.support.model_files import write_weights
from tests.support.window_waits import wait_for

SIDE = {"copies_found": 0.95, "seconds_per_photo": 0.01, "megabytes": 14.0, "label_found": 0.5}
ROW = {"name": "a", "state": "available", "licence": "MIT", "mb": 3, "pixels": None, "dim": 12, "words": False}


def open_dialog(window: MainWindow, qtbot: QtBot) -> ModelDialog:
    window.menus.find_action("Choose a model…").trigger()
    dialog = window.findChild(ModelDialog)
    assert dialog is not None
    wait_for(qtbot, lambda: dialog.table.rows != () and dialog.job.child is None)
    return dialog


def choose(dialog: ModelDialog, name: str) -> ModelRow:
    names = [row.name for row in dialog.table.rows]
    dialog.view.selectRow(names.index(name))
    return dialog.table.rows[names.index(name)]


def press(button: object) -> None:
    assert isinstance(button, type(make_button("")))
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.long
def test_a_model_is_added_from_a_file_compared_used_and_gone_back_from(
    window: MainWindow, installed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    shutil.copytree(installed_model, find_shared_folder() / installed_model.name)
    dialog = open_dialog(window, qtbot)
    assert dialog.table.rows[dialog.view.currentIndex().row()].name == "built-in"
    assert "The library sees with" in dialog.in_use_line.text()
    assert not dialog.use_button.isEnabled()
    assert "photos a minute here" in dialog.rate_line.text()

    weights = write_weights("test_resnet", tmp_path)
    monkeypatch.setattr("retrieval_app.model_choice.dialog.QFileDialog.getOpenFileName", lambda *_: (str(weights), ""))
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("test_resnet", True))
    press(dialog.file_button)
    wait_for(qtbot, lambda: "test_resnet" in [row.name for row in dialog.table.rows])
    row = choose(dialog, "test_resnet")
    wait_for(qtbot, lambda: dialog.job.child is None)
    press(dialog.compare_button)
    wait_for(qtbot, lambda: "labelled photos the nearest had the same label" in dialog.answer_line.text())
    assert "worse here" in dialog.answer_line.text() or "luck" in dialog.answer_line.text()
    press(dialog.use_button)
    assert dialog.isHidden()
    library = window.session.library
    wait_for(qtbot, lambda: library.info is not None and library.info.fingerprint == row.fingerprint)
    wait_for(qtbot, lambda: window.session.job.state is None)

    dialog = open_dialog(window, qtbot)
    assert dialog.table.rows[dialog.view.currentIndex().row()].name == "test_resnet"
    press(dialog.back_button)
    wait_for(qtbot, lambda: library.info is not None and library.info.fingerprint == installed_model.name)
    dialog.close()


@pytest.mark.long
def test_a_licence_is_said_before_a_download_and_being_offline_is_a_sentence(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    dialog = open_dialog(window, qtbot)
    asked: list[str] = []

    def answer(box: QMessageBox) -> int:
        asked.append(box.text())
        box.buttons()[0 if len(asked) > 1 else 1].click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", answer)
    choose(dialog, "megadescriptor-t")
    press(dialog.ready_button)
    assert "CC-BY-NC-4.0" in asked[0]
    assert "forbids commercial use" in asked[0]
    assert dialog.job.child is None
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    choose(dialog, "dinov2-s")
    press(dialog.ready_button)
    assert "88 MB, from https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m" in asked[1]
    wait_for(qtbot, lambda: dialog.job.child is None and "From a file…" in dialog.answer_line.text())
    assert "could not be downloaded: is the network on?" in dialog.answer_line.text()
    assert "--model" not in dialog.answer_line.text()
    dialog.close()
    assert QApplication.activeModalWidget() is None


@pytest.mark.parametrize(
    ("verdict", "change", "sentence"),
    [
        ("better", {"mean": 0.1}, "for 60 with the present model and for 90 with this one: it is better here."),
        ("worse", {"mean": -0.1}, "it is worse here."),
        ("no clear difference", {"mean": 0.0}, "that can be luck."),
        ("no clear difference", None, "Without labels nobody can tell which is better"),
    ],
)
def test_a_comparison_is_said_in_sentences(verdict: str, change: object, sentence: str) -> None:
    after = SIDE | {"label_found": 0.75, "seconds_per_photo": 0.025, "megabytes": 33.0}
    told = {"before": SIDE, "after": after, "verdict": verdict, "change": change, "queries": 120, "agreement": 0.6}
    said = describe_comparison(told)
    assert sentence in said
    assert "Changed copies found again: 95% and 95%. Of the nearest ten 60% are the same." in said
    assert said.endswith("A photo takes 2.5 times as long; 33 MB.")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "to download"),
        ({"words": True}, "to make ready"),
        ({"state": "installed", "path": "/a", "fingerprint": "ab"}, "ready here"),
        ({"state": "installed", "path": "/a", "fingerprint": "cd"}, "in use"),
        ({"state": "built-in"}, "built in"),
    ],
)
def test_a_row_says_how_the_model_is_to_be_had(changes: dict[str, object], state: str) -> None:
    (row,) = parse_rows({"models": [ROW | {"good_for": "all"} | changes]})
    assert describe_state(row, "cd") == state
    assert row.facts.startswith("3 MB  ·  12 numbers a picture  ·  licence MIT")
    assert importlib.import_module("retrieval_app.model_choice").__doc__
