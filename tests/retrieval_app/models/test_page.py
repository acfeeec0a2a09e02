"""The page Models is used as a user does: looked at, a model used and gone back from, renamed, exported, deleted."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from indexer.models.card import read_card
from retrieval_app.model_choice.dialog import ModelDialog
from retrieval_app.models.page import ModelsPage
from retrieval_app.models.shelf_rows import describe_arguments, make_model_row, make_training_row
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.labelled_shapes import write_classes
from tests.support.library_copies import copy_library
from tests.support.message_boxes import find_question, press_answer
from tests.support.open_windows import open_window
from tests.support.quick_training import QUICK
from tests.support.taught_models import add_taught_model, write_stopped_training, write_taught_model
from tests.support.window_waits import wait_for
from training import train
from training.data.sources import UNFINISHED_FILE
from training.registry.kept_models import KeptModel
from training.registry.stopped_trainings import StoppedTraining

SHOWN = EACH * len(CLASSES)


@pytest.fixture
def page(home: Path, indexed: Path, installed_model: Path, qtbot: QtBot) -> Iterator[ModelsPage]:
    """The page of a library with the built-in model in use and a taught one; a worse one and a stopped training."""
    copy_library(indexed, home / "default.library")
    add_taught_model(home / "default.library", installed_model, "Garden")
    write_taught_model(installed_model, home / "checkpoints" / "cars-1", "Cars", install=False)
    write_stopped_training(home / "checkpoints" / "birds-1", [str(home.parent / "labelled")])
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
        yield to_models(window, qtbot)


def to_models(window: MainWindow, qtbot: QtBot) -> ModelsPage:
    window.page_stack.show_page("Models")
    page = window.models_page
    wait_for(qtbot, lambda: page.shelf.was_read)
    return page


def press(button: QPushButton) -> None:
    assert button.isVisible() and button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def names(page: ModelsPage) -> list[tuple[str, str]]:
    return [(row.name, row.state) for row in page.table.rows]


def main_window(page: ModelsPage) -> MainWindow:
    window = page.window()
    assert isinstance(window, MainWindow)
    return window


def test_the_first_state_says_what_will_stand_there(window: MainWindow, qtbot: QtBot) -> None:
    page = to_models(window, qtbot)
    assert page.currentWidget() is page.model_invitation
    assert "sees with the built-in model" in page.model_invitation.sentence.text()
    assert window.focusWidget() is page.model_invitation.offer
    press(page.model_invitation.offer)
    dialog = window.findChild(ModelDialog)
    assert dialog is not None and dialog.isVisible()
    dialog.close()


def test_an_empty_library_invites_a_folder(empty_window: MainWindow, qtbot: QtBot) -> None:
    page = to_models(empty_window, qtbot)
    assert page.currentWidget() is page.folder_invitation


def test_a_model_is_used_and_gone_back_from(page: ModelsPage, installed_model: Path, qtbot: QtBot) -> None:
    window = main_window(page)
    assert names(page) == [
        ("Built-in", "in use"),
        ("Garden", "was used here"),
        ("Cars", "trained, not used yet"),
        ("birds-1", "stopped, can go on"),
    ]
    assert not page.details.use_button.isVisible() and not page.details.delete_button.isEnabled()
    page.find_row("Garden")
    assert page.details.verdict_label.text().endswith("That is clearly better.")
    assert page.details.origin_label.text() == "It learnt from 40 pictures of 2 classes in /photos."
    press(page.details.use_button)
    wait_for(qtbot, lambda: names(page)[0] == ("Garden", "in use"))
    wait_for(qtbot, lambda: window.session.job.state is None)
    assert page.title_label.text() == "default sees with Garden"
    page.find_row("Built-in")
    assert page.details.use_button.text() == "Go back to this model"
    press(page.details.use_button)
    wait_for(qtbot, lambda: names(page)[0] == ("Built-in", "in use"))
    wait_for(qtbot, lambda: window.session.job.state is None)
    assert window.session.library.info is not None
    assert window.session.library.info.fingerprint == installed_model.name


def test_a_model_is_renamed_exported_and_deleted(
    page: ModelsPage, home: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = main_window(page)
    row = page.find_row("Garden")
    assert row.model is not None
    press(page.details.rename_button)
    (dialog,) = page.findChildren(QInputDialog)
    dialog.setTextValue("Flowers")
    dialog.accept()
    wait_for(qtbot, lambda: ("Flowers", "was used here") in names(page) and window.session.job.state is None)
    assert page.details.name_label.text() == "Flowers"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(home / "out"), ""))
    press(page.details.export_button)
    wait_for(qtbot, lambda: (home / "out").is_dir() and window.session.job.state is None)
    assert read_card(home / "out").name == "Flowers"
    press(page.details.delete_button)
    box = find_question(qtbot, window)
    assert f"the embeddings of {SHOWN} photos under it" in box.informativeText()
    assert str(row.model.folder) in box.informativeText()
    press_answer(box, "Delete it")
    wait_for(qtbot, lambda: "Flowers" not in dict(names(page)) and window.session.job.state is None)
    assert not row.model.folder.exists()


def test_a_worse_model_is_used_only_after_a_question(page: ModelsPage, qtbot: QtBot) -> None:
    page.find_row("Cars")
    assert page.details.use_button.text() == "Use it anyway…"
    press(page.details.use_button)
    box = find_question(qtbot, main_window(page))
    assert "That can be luck" in box.informativeText()
    press_answer(box, "Keep as it is")
    assert main_window(page).session.job.state is None


@pytest.mark.long
def test_a_stopped_training_is_given_up_or_goes_on(page: ModelsPage, home: Path, qtbot: QtBot) -> None:
    window = main_window(page)
    row = page.find_row("birds-1")
    assert "Stopped after epoch 2 of 6." in page.details.meaning_label.text()
    press(page.details.continue_button)
    wait_for(qtbot, lambda: window.training.tuning.running)  # and is refused, as this one is none
    wait_for(qtbot, lambda: not window.training.tuning.running)
    assert "damaged or of another version" in window.training.tuning.sentence
    assert window.training.dialog is not None
    window.training.dialog.close()
    press(page.details.delete_button)
    press_answer(find_question(qtbot, window), "Give it up")
    wait_for(qtbot, lambda: row.name not in dict(names(page)))
    assert not (home / "checkpoints" / "birds-1").exists()


@pytest.mark.long
def test_a_training_cut_off_after_an_epoch_goes_on_to_its_end_from_the_page(
    home: Path, indexed: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    folder, cut = write_classes(tmp_path / "shapes", 4, 8), home / "checkpoints" / "shapes-1"
    steps = train(replace(QUICK, recipe="full", epochs=3, patience=0), folder, tmp_path / "whole")
    next(said for said in steps if said.stage == "train" and said.values["epoch"] == 2)  # the first is written down
    cut.mkdir(parents=True)
    shutil.copy(tmp_path / "whole" / UNFINISHED_FILE, cut)
    steps.close()
    copy_library(indexed, home / "default.library")
    with open_window() as window:
        page = to_models(window, qtbot)
        page.find_row("shapes-1")
        press(page.details.continue_button)
        tuning = window.training.tuning
        wait_for(qtbot, lambda: tuning.running)
        wait_for(qtbot, lambda: not tuning.running)
        assert tuning.sentence == "" and tuning.outcome is not None and tuning.outcome.checkpoint == cut
        assert [round(epoch.epoch) for epoch in tuning.outcome.epochs] == [0, 1, 2, 3]
        assert window.training.dialog is not None
        window.training.dialog.close()
        wait_for(qtbot, lambda: any(row.model and row.model.checkpoint == cut for row in page.table.rows))
        assert not any(row.training for row in page.table.rows)
    assert {"model.json", "model.safetensors"} <= {path.name for path in cut.iterdir()}
    assert UNFINISHED_FILE not in {path.name for path in cut.iterdir()}


def test_rows_say_what_they_are() -> None:
    model = KeptModel("ab" * 32, "M", "ready", Path("/m"), None, "weights", "", False, 0, 14_000_000, 1e9, 1280, False)
    row = make_model_row(model)
    assert (row.key, row.model, row.training) == ("ab" * 32, model, None)
    assert row.facts == (
        "here since 9 Sep 2001  ·  14.0 MB  ·  1,280 numbers a picture  ·  "
        "prepared for this computer when it is first used"
    )
    old = make_training_row(StoppedTraining(Path("/c/a-1"), [], "quick", 2, 6, 0.0))
    assert (old.key, old.name, old.date) == ("/c/a-1", "a-1", "")
    assert "train --resume" in old.meaning
    assert describe_arguments(["--library=/l", "--label=cat"]) == "the labels of the library /l (label cat)"
    assert describe_arguments(["/photos"]) == "/photos"
