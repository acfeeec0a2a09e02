"""The end of a training: figures and pictures, then use, discard or look on, asked about where something is lost."""

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from retrieval_app.fine_tuning.verdict_view import build_figure_table
from retrieval_app.window.main_window import MainWindow
from tests.support.message_boxes import find_question, press_answer
from tests.support.training_child import said
from tests.support.training_dialogs import FinishTraining
from tests.support.trees import snapshot
from tests.support.window_waits import wait_for
from training.judging.record import parse_record


def test_a_better_model_is_shown_with_figures_and_pictures(
    finish: FinishTraining, checkpoint: Path, pictures: list[Path], qtbot: QtBot
) -> None:
    dialog = finish(said(checkpoint, pictures, install=True))
    view = dialog.verdict_view
    nearest = "Of 12 pictures that it had not seen, the nearest was right for 5 before and for 6 now."
    assert (view.title_label.text(), view.meaning_label.text()) == (nearest, "That is clearly better.")
    change = "MAP@R changes by +0.100 (95 % interval +0.020 to +0.200), over 12 pictures."
    assert view.doubt_section is not None and view.figure_section is not None
    for section, text in ((view.doubt_section, change), (view.figure_section, "After: fine-tuned")):
        label = next(label for label in section.content.findChildren(QLabel) if label.text() == text)
        assert not label.isVisible()
        section.button.click()
        assert label.isVisible()
    assert "What is it? Of 12 pictures 5 were rightly named before and 7 now" in view.naming_label.text()
    assert view.naming_label.isVisible()
    assert "Before: 10 of the 15 there are" in {label.text() for label in view.findChildren(QLabel)}
    assert dialog.use_button.text() == "Use this model"
    assert dialog.use_button.isEnabled()
    wanted = {bytes(path) for path in pictures[:7]}
    wait_for(qtbot, lambda: set(dialog.verdict_view.pictures) == wanted)
    assert not any(pixmap.isNull() for pixmap in dialog.verdict_view.pictures.values())


def test_the_table_has_a_row_for_each_model_and_the_interval(checkpoint: Path, pictures: list[Path]) -> None:
    place = build_figure_table(parse_record(said(checkpoint, pictures, install=True)))
    texts = [label.text() for label in place.findChildren(QLabel)]
    assert texts[5:11] == ["Raw pixels, for comparison", "0.200", "0.200", "0.200", "0.300", "0.400"]
    before = texts.index("Before: pretrained at 32 px")
    assert texts[before + 1 : before + 6] == ["0.400", "0.400", "0.400", "0.500", "0.600"]
    assert texts[-9:-3] == ["Change", *["+0.100"] * 5]
    assert texts[-3:] == ["95 % interval, over queries", "-0.010\nto +0.150", "+0.020\nto +0.200"]


def test_a_model_that_is_not_better_is_only_used_after_a_question(
    finish: FinishTraining, checkpoint: Path, pictures: list[Path], qtbot: QtBot
) -> None:
    dialog = finish(said(checkpoint, pictures, install=False))
    assert dialog.verdict_view.meaning_label.text() == "That can be luck: it takes more pictures to tell."
    assert dialog.use_button.text() == "Use it anyway…"
    dialog.use_button.click()
    box = find_question(qtbot, dialog)
    assert "not clearly better" in box.text()
    press_answer(box, "Keep as it is")
    assert dialog.pages.currentWidget() is dialog.verdict_view
    assert checkpoint.is_dir()


def test_the_new_model_is_renamed_where_its_verdict_stands(
    finish: FinishTraining, checkpoint: Path, pictures: list[Path]
) -> None:
    for name in ("model.json", "training.json"):
        (checkpoint / name).write_text('{"name": "as it was", "kept": 1}')
    dialog = finish(said(checkpoint, pictures, install=True))
    field = dialog.verdict_view.name_field
    field.selectAll()
    QTest.keyClicks(field, "Garden birds ")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert dialog.pages.currentWidget() is dialog.verdict_view  # Return is no button
    assert dialog.tuning.outcome is not None
    assert field.text() == dialog.tuning.outcome.name == "Garden birds"
    for name in ("model.json", "training.json"):
        assert json.loads((checkpoint / name).read_text()) == {"name": "Garden birds", "kept": 1}
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "Garden birds"
    assert dialog.note.text().startswith("The name of a training is a word or a few")


def test_a_picture_that_is_gone_leaves_the_others_shown(
    finish: FinishTraining, tmp_path: Path, checkpoint: Path, pictures: list[Path], qtbot: QtBot
) -> None:
    some = [pictures[0], tmp_path / "gone.png", *pictures[2:]]
    dialog = finish(said(checkpoint, some, install=True))
    wait_for(qtbot, lambda: len(dialog.verdict_view.pictures) == 7)
    assert [path for path, pixmap in dialog.verdict_view.pictures.items() if pixmap.isNull()] == [bytes(some[1])]


def test_discarding_asks_and_deletes_the_new_model_only(
    finish: FinishTraining, checkpoint: Path, pictures: list[Path], photos_folder: Path, qtbot: QtBot
) -> None:
    photos = snapshot(photos_folder)
    dialog = finish(said(checkpoint, pictures, install=True))
    dialog.discard_button.click()
    assert checkpoint.is_dir()
    press_answer(find_question(qtbot, dialog), "Delete it")
    assert not checkpoint.exists()
    assert dialog.pages.currentWidget() is dialog.choose_page
    assert snapshot(photos_folder) == photos


def test_discarding_leaves_files_that_are_not_ours(
    finish: FinishTraining, checkpoint: Path, pictures: list[Path], qtbot: QtBot
) -> None:
    (checkpoint / "notes.txt").write_text("mine")
    dialog = finish(said(checkpoint, pictures, install=True))
    dialog.discard_button.click()
    press_answer(find_question(qtbot, dialog), "Delete it")
    assert [path.name for path in checkpoint.iterdir()] == ["notes.txt"]
    assert "could not be deleted" in dialog.note.text()


def test_a_checkpoint_that_cannot_be_used_is_said_in_the_window(
    finish: FinishTraining, window: MainWindow, checkpoint: Path, pictures: list[Path], qtbot: QtBot
) -> None:
    """The real `use` command, given three files that are no model."""
    before = window.session.library.info
    dialog = finish(said(checkpoint, pictures, install=True))
    dialog.use_button.click()
    assert not dialog.isVisible()
    wait_for(qtbot, window.banner.isVisible)
    assert "checkpoint" in window.banner.sentence_label.text()
    assert before is not None and window.session.library.info is not None
    assert window.session.library.info._replace(bytes=0) == before._replace(bytes=0)  # a log on disk may have grown
    assert not window.menus.find_action("Go back to the previous model").isEnabled()
