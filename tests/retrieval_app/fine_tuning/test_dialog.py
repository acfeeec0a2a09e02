"""Fine-tuning in the window, with small children that speak like a training, and once with a real one."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QMessageBox, QSpinBox
from pytestqt.qtbot import QtBot

from indexer.progress import Progress
from retrieval_app.fine_tuning.dialog import TrainDialog
from retrieval_app.fine_tuning.dialog_pages import smooth_values
from retrieval_app.fine_tuning.lazy_dialog import LazyTrainDialog
from retrieval_app.fine_tuning.plan_rows import RadioEditor
from retrieval_app.fine_tuning.source_kinds import LIBRARY_SOURCE
from retrieval_app.fine_tuning.training_job import build_command_line
from retrieval_app.fine_tuning.training_progress import TrainingProgress, estimate_seconds
from retrieval_app.window.main_window import MainWindow
from retrieval_app.wording import format_duration
from tests.support.drawings import CLASSES, EACH
from tests.support.labelled_shapes import write_classes
from tests.support.message_boxes import press_answer
from tests.support.training_child import refusing, speaking
from tests.support.training_dialogs import MakeDialog
from tests.support.window_waits import wait_for
from training.settings.config import TrainConfig


def set_value(dialog: TrainDialog, name: str, value: int | str) -> None:
    editor = dialog.choose_page.form.editors[name]
    if isinstance(editor, QSpinBox):
        editor.setValue(int(value))
    elif isinstance(editor, RadioEditor):
        editor.buttons[value].click()
    elif isinstance(editor, QComboBox):
        editor.setCurrentIndex(editor.findData(value))
    else:
        editor.setText(str(value))


def test_the_librarys_labelled_folder_is_suggested_and_read(make_dialog: MakeDialog, photos_folder: Path) -> None:
    dialog = make_dialog(refusing())
    panel = dialog.choose_page.summary_panel
    assert dialog.choose_page.source_row.path_label.text() == str(photos_folder)
    assert panel.title.text() == f"{EACH * len(CLASSES) + 1} pictures in {len(CLASSES)} classes"
    model = panel.table.model()
    rows = {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}
    assert rows == dict.fromkeys(CLASSES, EACH) | {"disc": EACH + 1}  # a file that is no picture by its content only
    assert "1 picture stands beside the class folders" in panel.problems.text()
    assert dialog.start_button.isEnabled()
    assert dialog.note.text().startswith("About ")


def test_durations_are_estimated_for_the_pictures_that_each_recipe_learns_from(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(refusing())
    contents = dialog.tuning.contents
    assert contents is not None
    every, learned = contents.summary.photos, contents.training_counts["images"]
    assert every == EACH * len(CLASSES) + 1 > learned
    for recipe, pictures in (("auto", every), ("instant", every), ("quick", learned), ("full", learned)):
        config = TrainConfig(recipe=recipe)
        assert dialog.tuning.count_training_pictures(config) == pictures
        if recipe != "auto":
            text = f"(here about {format_duration(estimate_seconds(config, pictures))})"
            assert dialog.choose_page.form.plan.duration.buttons[recipe].text().endswith(text)


def test_a_tree_of_two_levels_is_asked_about_and_read_again(
    make_dialog: MakeDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    for name in ("rosa/canina", "rosa/gallica", "malus/domestica", "malus/sylvestris"):
        (tmp_path / "plants" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "plants" / name / f"{number}.jpg").write_bytes(f"{name} {number}".encode())
    dialog = make_dialog(refusing())
    plan, tuning = dialog.choose_page.form.plan, dialog.tuning
    assert plan.class_level.isHidden()
    tuning.choose_source(tmp_path / "plants")
    wait_for(qtbot, lambda: tuning.contents is not None)
    assert tuning.contents is not None and tuning.contents.summary.counts == {"rosa": 6, "malus": 6}
    assert plan.class_level.isVisible()
    plan.class_level.buttons[2].click()
    wait_for(qtbot, lambda: tuning.contents is not None)
    assert tuning.contents is not None and set(tuning.contents.summary.counts.values()) == {3}
    assert plan.class_level.isVisible() and plan.class_level.chosen_value() == 2
    config = dialog.choose_page.form.read_config()
    assert build_command_line(tmp_path / "plants", config)[-2:] == ["--class-level", "2"]
    dialog.choose_page.source_row.choose_kind(LIBRARY_SOURCE)
    wait_for(qtbot, lambda: tuning.contents is not None)
    assert plan.class_level.isHidden() and dialog.choose_page.form.read_config().class_level == 1


def test_the_first_page_fits_into_the_smallest_window(make_dialog: MakeDialog, window: MainWindow) -> None:
    dialog = make_dialog(refusing())
    assert dialog.height() <= 700
    window.resize(900, 600)
    dialog.hide()
    dialog.show()
    assert dialog.height() <= 568 and dialog.width() <= 868
    page = dialog.choose_page
    experts_button = page.form.experts_section.button
    bottom = experts_button.mapTo(dialog, experts_button.rect().bottomRight())
    assert bottom.y() < dialog.start_button.mapTo(dialog, dialog.start_button.rect().topLeft()).y()


def test_a_purpose_that_the_folder_cannot_serve_is_refused_with_the_reason(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(refusing())
    set_value(dialog, "purpose", "classes")
    assert not dialog.start_button.isEnabled()
    assert "at least 5 classes" in dialog.note.text()
    set_value(dialog, "purpose", "images")
    assert dialog.start_button.isEnabled()


def test_a_setting_out_of_range_is_refused_with_the_reason(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(refusing())
    editor = dialog.choose_page.form.editors["learning_rate"]
    assert isinstance(editor, QLineEdit)
    editor.setText("9")
    assert not dialog.start_button.isEnabled()
    assert "--learning-rate has to be from" in dialog.note.text()


def test_another_folder_can_be_chosen(
    make_dialog: MakeDialog, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = write_classes(tmp_path / "few", 2, 3)
    dialog = make_dialog(refusing())
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(shapes))
    dialog.choose_page.source_row.choose_button.click()
    assert not dialog.start_button.isEnabled()
    wait_for(qtbot, lambda: dialog.tuning.contents is not None)
    assert dialog.choose_page.source_row.path_label.text() == str(shapes)
    assert not dialog.start_button.isEnabled()
    assert "two classes of at least six different pictures" in dialog.note.text()


def test_a_folder_that_is_gone_is_said(make_dialog: MakeDialog, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = make_dialog(refusing())
    dialog.tuning.choose_source(tmp_path / "gone")
    wait_for(qtbot, lambda: bool(dialog.tuning.refusal))
    assert not dialog.start_button.isEnabled()
    assert "cannot be read" in dialog.note.text()


def test_only_settings_that_differ_stand_in_the_command() -> None:
    config = TrainConfig(loss="contrastive", image_size=64, learning_rate=3e-5)
    line = build_command_line(Path("/photos"), config)
    assert line[3:] == [
        "train", "/photos", "--json", "--attached",
        "--loss", "contrastive", "--image-size", "64", "--learning-rate", "3e-05",
    ]  # fmt: skip
    for_classes = build_command_line(Path("/photos"), TrainConfig(purpose="classes", epochs=2))
    assert for_classes[5:] == ["--json", "--attached", "--purpose", "classes", "--epochs", "2"]


def test_a_running_training_shows_its_curves_and_can_be_cancelled(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    dialog = make_dialog(speaking(None, "The training collapsed."))
    dialog.start_button.click()
    page = dialog.running_page
    assert dialog.pages.currentWidget() is page
    wait_for(qtbot, lambda: bool(page.loss_chart.lines) and list(page.loss_chart.lines[0].xs) == [1, 2, 3])
    assert list(page.loss_chart.lines[0].ys) == [0.2, 0.1, 0.05]
    scores = {line.name: list(line.ys) for line in page.score_chart.lines}
    assert scores == {"backbone": [0.31, 0.40], "head": [0.30, 0.42]}
    assert page.status_label.text().startswith("Training, epoch 2 of 2")
    assert page.warning.isVisible()
    assert page.warning_text.text() == "The training collapsed."
    dialog.cancel_button.click()
    assert page.status_label.text() == "Stopping…"
    wait_for(qtbot, lambda: dialog.pages.currentWidget() is dialog.choose_page)
    assert dialog.note.text().startswith("The training was stopped. Nothing was changed.")
    assert dialog.start_button.isEnabled()


def test_a_training_without_epochs_shows_no_empty_charts(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(speaking(None))
    page, training = dialog.running_page, TrainingProgress()
    dialog.tuning.training = training
    training.add_progress(Progress("test", 24, 248, "asking every labelled photo out of fold"))
    dialog.tuning.advanced.emit()
    assert page.charts.isHidden()
    training.add_progress(Progress("train", 1, 4, values={"epoch": 1.0, "loss": 0.2}))
    dialog.tuning.advanced.emit()
    assert not page.charts.isHidden()


def test_closing_the_dialog_leaves_the_training_at_work(
    make_dialog: MakeDialog, window: MainWindow, qtbot: QtBot
) -> None:
    dialog = make_dialog(speaking(None))
    dialog.start_button.click()
    dialog.close_button.click()
    assert not dialog.isVisible()
    assert dialog.tuning.running
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
    wait_for(qtbot, lambda: window.session.search.listing.result is not None)
    dialog.show()
    assert dialog.pages.currentWidget() is dialog.running_page


def test_a_failed_training_is_said_in_its_sentence(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    dialog = make_dialog(refusing())
    dialog.start_button.click()
    wait_for(qtbot, lambda: dialog.pages.currentWidget() is dialog.choose_page)
    assert dialog.note.text().startswith("The disk is full.")
    assert dialog.start_button.isEnabled()


def test_the_values_under_the_pointer_are_said(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    dialog = make_dialog(speaking(None))
    dialog.start_button.click()
    chart = dialog.running_page.score_chart
    wait_for(qtbot, lambda: bool(chart.lines) and len(chart.lines[0].xs) == 2)
    box = chart.plot.getPlotItem().vb
    chart.plot.scene().sigMouseMoved.emit(QPointF(box.mapViewToScene(QPointF(0.9, 0.4))))
    assert chart.readout.text() == "Epoch 1:  backbone 0.400,  head 0.420"
    chart.plot.scene().sigMouseMoved.emit(QPointF(-5, -5))
    assert chart.readout.text() == ""


def test_a_chart_is_copied_as_a_picture(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    dialog = make_dialog(speaking(None))
    dialog.start_button.click()
    wait_for(qtbot, dialog.running_page.loss_chart.isVisible)
    QGuiApplication.clipboard().clear()
    dialog.running_page.loss_chart.copy_button.click()
    image = QGuiApplication.clipboard().image()
    assert image.size() == dialog.running_page.loss_chart.size() * image.devicePixelRatio()


def test_the_running_mean_is_that_of_the_last_values() -> None:
    assert smooth_values([4, 2, 3, 7], 2) == [4, 3, 2.5, 5]


def test_the_window_asks_before_it_gives_up_a_training(
    window: MainWindow, photos_folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = LazyTrainDialog(window.session, window.theme, window, command=lambda _folder, _config: speaking(None))
    assert door.may_close()
    door.tuning.choose_source(photos_folder)
    wait_for(qtbot, lambda: door.tuning.contents is not None)
    door.tuning.start_training(TrainConfig())
    wait_for(qtbot, lambda: (door.tuning.training or TrainingProgress()).epoch == 2)
    assert window.status_line.message_label.text().startswith("Training, epoch 2 of 2")
    assert window.status_line.cancel_button.text() == "Stop the training"
    monkeypatch.setattr(QMessageBox, "exec", lambda box: press_answer(box, "Keep training"))
    assert not door.may_close()
    monkeypatch.setattr(QMessageBox, "exec", lambda box: press_answer(box, "Give it up"))
    assert door.may_close()
    door.close()


@pytest.mark.long
def test_a_real_training_from_the_menu_to_the_model_in_use_and_back(window: MainWindow, qtbot: QtBot) -> None:
    """The one run with everything real: training, use, going back."""
    session = window.session
    assert session.library.info is not None
    first = session.library.info.fingerprint
    back = window.menus.find_action("Go back to the previous model")
    assert not back.isEnabled()
    window.menus.find_action("Fine-tune on labelled folders…").trigger()
    wait_for(qtbot, lambda: window.training.dialog is not None and window.training.dialog.isVisible())
    dialog = window.training.dialog
    assert dialog is not None
    wait_for(qtbot, lambda: dialog.tuning.contents is not None)
    for name, value in (("image_size", 32), ("epochs", 1), ("dim", 16), ("classes_per_batch", 3)):
        set_value(dialog, name, value)
    dialog.start_button.click()
    wait_for(qtbot, lambda: not dialog.tuning.running)
    assert dialog.tuning.outcome is not None, dialog.tuning.sentence
    assert len(dialog.tuning.outcome.examples) == 5
    session.search.toggle_query_photo(int(session.search.listing.ids[0]))
    wait_for(qtbot, lambda: session.search.listing.result is not None)
    ranked = session.search.listing
    dialog.use_button.click()
    if not dialog.tuning.outcome or not dialog.tuning.outcome.install:
        for box in dialog.findChildren(QMessageBox):
            press_answer(box, "Use it")
    wait_for(qtbot, lambda: session.library.info is not None and session.library.info.fingerprint != first)
    wait_for(qtbot, lambda: session.job.state is None and back.isEnabled())
    wait_for(qtbot, lambda: session.search.listing is not ranked and session.search.listing.result is not None)
    back.trigger()
    wait_for(qtbot, lambda: session.library.info is not None and session.library.info.fingerprint == first)
    wait_for(qtbot, lambda: session.job.state is None)
    assert QTest.qWaitForWindowExposed(window)
