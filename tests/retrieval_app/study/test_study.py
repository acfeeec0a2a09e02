"""A study is chosen, watched, read and stopped in the window as a user does; its child only speaks like one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.study.dialog import StudyDialog
from retrieval_app.study.study_job import build_study_command
from retrieval_app.study.study_plan import STUDY_WORDS, StudyPlan, describe_winner, list_studies, list_variants
from retrieval_app.window.main_window import MainWindow
from tests.support.study_child import make_study_command, make_study_fields
from tests.support.training_child import let_go
from tests.support.window_waits import wait_for
from training.data.sources import LibraryLabels, TrainingSource
from training.studies.variants import STUDIES

LEFT = Qt.MouseButton.LeftButton
OpenStudy = Callable[[Path | None], StudyDialog]


@pytest.fixture
def started() -> list[tuple[TrainingSource, StudyPlan]]:
    """What was started, by source and plan."""
    return []


@pytest.fixture
def open_study(
    window: MainWindow, qtbot: QtBot, started: list[tuple[TrainingSource, StudyPlan]]
) -> Iterator[OpenStudy]:
    """The dialog, opened by the page's own button, with a child that waits at a pipe or works until stopped."""

    def make(pipe: Path | None) -> StudyDialog:
        def command(source: TrainingSource, plan: StudyPlan, page: Path) -> list[str]:
            started.append((source, plan))
            return make_study_command(pipe, page, make_study_fields())

        window.page_stack.show_page("Evaluate")
        study = window.evaluation_page.study
        study.command = command
        window.evaluation_page.study_button.click()
        wait_for(qtbot, lambda: study.dialog is not None and study.dialog.isVisible())
        assert study.dialog is not None
        return study.dialog

    yield make


def test_a_study_is_chosen_watched_and_read(
    open_study: OpenStudy,
    started: list[tuple[TrainingSource, StudyPlan]],
    opened_paths: list[str],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    dialog = open_study(tmp_path / "pipe")
    page = dialog.choose_page
    assert page.library_button.isChecked()
    page.study_buttons["augmentation"].click()
    assert list(page.variant_boxes) == [variant.name for variant in list_variants("augmentation", "images")]
    QTest.mouseClick(page.variant_boxes["strong views"], LEFT)
    page.variant_boxes["strong views"].setChecked(False)
    page.seeds_box.setValue(1)
    assert "3 trainings" in dialog.note.text()  # two choices and the classifier
    QTest.mouseClick(dialog.start_button, LEFT)
    plan = StudyPlan("augmentation", "images", ("no views", "gentle views"), seeds=1)
    assert isinstance(dialog.job.source, LibraryLabels)
    assert started == [(dialog.job.source, plan)]
    wait_for(qtbot, lambda: dialog.job.progress is not None and len(dialog.job.progress.losses) == 3)
    assert dialog.pages.currentWidget() is dialog.running_page
    wait_for(qtbot, lambda: "Training 3 of 3: gentle views, seed 0" in dialog.running_page.status_label.text())
    wait_for(qtbot, lambda: len(dialog.running_page.chart.lines) == 2)  # not the classifier's, which is of another kind
    assert [line.strong for line in dialog.running_page.chart.lines] == [False, True]
    let_go(tmp_path / "pipe")
    wait_for(qtbot, lambda: dialog.pages.currentWidget() is dialog.result_page)
    assert "Gentle views does best: for 60 of 100" in dialog.result_page.sentence.text()
    names = [row.name for row in dialog.result_page.table_model.rows]
    assert names == ["raw pixels, for comparison", "no views", "gentle views"]
    QTest.mouseClick(dialog.page_button, LEFT)
    wait_for(qtbot, lambda: opened_paths != [])
    assert Path(opened_paths[0]).read_text() == "<p>the study</p>"
    QTest.mouseClick(dialog.again_button, LEFT)
    assert dialog.pages.currentWidget() is dialog.choose_page


def test_a_study_goes_on_while_its_dialog_is_closed_and_is_stopped(
    open_study: OpenStudy, window: MainWindow, qtbot: QtBot
) -> None:
    dialog = open_study(None)
    dialog.start_button.click()
    QTest.mouseClick(dialog.close_button, LEFT)
    wait_for(qtbot, lambda: "Training 3" in window.status_line.message_label.text())
    assert window.status_line.cancel_button.text() == "Stop the study"
    window.evaluation_page.study_button.click()
    assert dialog.isVisible()
    QTest.mouseClick(dialog.cancel_button, LEFT)
    wait_for(qtbot, lambda: not dialog.job.running)
    assert "stopped. Nothing is kept" in dialog.note.text()
    assert dialog.pages.currentWidget() is dialog.choose_page


def test_without_a_source_or_a_choice_it_cannot_start(open_study: OpenStudy, photos_folder: Path) -> None:
    dialog = open_study(None)
    page = dialog.choose_page
    page.folder_button.click()
    assert not dialog.start_button.isEnabled()
    assert "Choose a folder" in dialog.note.text()
    page.take_folder(photos_folder)
    assert dialog.start_button.isEnabled()
    assert dialog.job.source == photos_folder
    for box in page.variant_boxes.values():
        box.setChecked(False)
    assert not dialog.start_button.isEnabled()


def test_every_study_of_the_command_can_be_chosen() -> None:
    assert list(list_studies()) == list(STUDIES)
    assert set(STUDY_WORDS) <= set(STUDIES)
    for study in STUDIES:
        assert StudyPlan(study, seeds=2).count_trainings() >= 2 * (len(list_variants(study, "images")) + 1)


def test_a_winner_by_chance_is_not_called_one() -> None:
    fields = make_study_fields()
    assert "chance" not in describe_winner(fields)
    near = fields["entries"][0] | {"map_at_r": [0.59, 0.6]}
    assert "can be chance" in describe_winner(fields | {"entries": [near, fields["entries"][1]]})
    assert "One seed says nothing about chance" in describe_winner(make_study_fields(seeds=1))
    strong = fields["baselines"][0] | {"map_at_r": [0.9, 0.9]}
    assert "Raw pixels, for comparison, does as well" in describe_winner(fields | {"baselines": [strong]})


def test_the_command_names_source_plan_and_page(tmp_path: Path) -> None:
    plan = StudyPlan("sizes", "classes", ("8 numbers",), seeds=1, epochs=2)
    words = build_study_command(LibraryLabels(tmp_path / "a.library"), plan, tmp_path / "x.html")
    assert f"--library={tmp_path / 'a.library'}" in words
    assert {"sizes", "--purpose=classes", "--only=8 numbers", "--seeds=1", "--epochs=2"} <= set(words)
    assert str(tmp_path / "photos") in build_study_command(tmp_path / "photos", plan, tmp_path / "x.html")


@pytest.mark.long
def test_a_real_study_on_the_librarys_labels_gives_its_page(window: MainWindow, qtbot: QtBot) -> None:
    window.page_stack.show_page("Evaluate")
    study = window.evaluation_page.study
    study.job.choose_source(LibraryLabels(window.session.library.folder))
    plan = StudyPlan("mining", "images", ("semi-hard",), seeds=1, epochs=1)
    study.job.start_study(plan)
    trainings: list[int] = []
    progress = study.job.progress
    assert progress is not None
    study.job.advanced.connect(lambda: trainings.append(len(progress.losses)))
    wait_for(qtbot, lambda: not study.job.running)
    assert study.job.fields is not None, study.job.sentence
    assert [entry["name"] for entry in study.job.fields["entries"]] == ["semi-hard"]
    assert max(trainings) == plan.count_trainings() == 2
    assert study.job.page is not None
    assert "semi-hard" in study.job.page.read_text()
    with Library.open(window.session.library.folder) as library:
        assert str(library.folder) in study.job.fields["folder"]
