"""The work line says what is at work and nothing else: several at once, stopped by name, killed, left, done, seen."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QProcess, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from indexer.progress import Progress
from retrieval_app.fine_tuning.lazy_dialog import LazyTrainDialog
from retrieval_app.session.question_job import QuestionJob
from retrieval_app.window.main_window import MainWindow
from retrieval_app.work_line.work_panel import WorkRow
from retrieval_app.workers.job_state import STARTING, JobState
from retrieval_app.workers.job_wording import WORK_KINDS, find_work_kind
from retrieval_app.workers.work_list import MOST_NOTICES, Work, WorkList
from tests.support.library_copies import copy_library
from tests.support.training_child import let_go, said, speaking
from tests.support.window_waits import wait_for
from training.settings.config import TrainConfig

PROGRAM = """
import json, sys
print(json.dumps({"stage": "x", "done": 1, "total": 4}), flush=True)
sys.stdin.read()
"""
WAITS = [sys.executable, "-c", PROGRAM]


class Source(QObject):
    """A source of works that a test sets."""

    changed = Signal()
    work: Work | None = None

    def show(self, work: Work | None) -> None:
        self.work = work
        self.changed.emit()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on, a question of the window is a child that works until its input is closed."""
    return lambda: monkeypatch.setattr("retrieval_app.session.question_job.build_command", lambda *_: WAITS)


def press(button: QPushButton) -> None:
    assert button.isVisible() and button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def shown_rows(window: MainWindow) -> list[WorkRow]:
    return [row for row in window.status_line.panel.rows if row.isVisible()]


def says(window: MainWindow) -> str:
    return window.status_line.message_label.text()


def find_process(job: QuestionJob) -> QProcess:
    (process,) = job.findChildren(QProcess)
    return process


def test_a_list_of_works_is_what_its_sources_answer() -> None:
    works, first, second = WorkList(), Source(), Source()
    for source in (first, second):
        works.follow_source(lambda source=source: source.work, source.changed)  # type: ignore[misc]
    heard: list[int] = []
    works.changed.connect(lambda: heard.append(len(works.works)))
    second.show(Work("map", STARTING, lambda: None))
    first.show(Work("index", JobState(Progress("embed", 3, 10), 2.0, 90.0), None, Path("/a.library")))
    assert [work.kind for work in works.works] == ["index", "map"]
    assert works.works[0].describe() == "Indexing 3 of 10  ·  2.0/s  ·  2 min left"
    assert [work.stop_text for work in works.works] == ["", "Stop the map"]
    first.show(None)
    second.show(Work("map", STARTING._replace(stopping=True), lambda: None))
    assert works.works[0].describe() == "Stopping: laying out the map…" and works.works[0].stop_text == ""
    second.show(None)
    assert works.works == [] and heard == [1, 2, 1, 1, 0]


def test_notices_last_until_they_are_dismissed_or_their_page_is_seen() -> None:
    works = WorkList()
    works.post_notice("one", "Map")
    works.post_notice("two", "Models")
    works.post_notice("two", "Models")
    assert [notice.sentence for notice in works.notices] == ["two", "two", "one"]
    works.dismiss_notice(works.notices[0])
    assert [notice.sentence for notice in works.notices] == ["two", "one"]
    works.show_page("Map")
    works.post_unseen("three", "Map")
    assert [notice.sentence for notice in works.notices] == ["two"]
    works.post_unseen("three", "Models")
    for number in range(MOST_NOTICES):
        works.post_notice(str(number))
    assert len(works.notices) == MOST_NOTICES and works.notices[0].sentence == str(MOST_NOTICES - 1)


def test_each_kind_of_work_has_words_and_one_of_the_pages(window: MainWindow) -> None:
    pages = [window.page_stack.tab_bar.tabText(number) for number in range(window.page_stack.count())]
    for kind in WORK_KINDS.values():
        assert kind.name[0].isupper() and kind.page in ("", *pages)
        assert not kind.stop_text or kind.stop_text.startswith("Stop ")
    assert find_work_kind("never heard of").stop_text == "Stop the work"


@pytest.mark.usefixtures("carried_model")
def test_several_works_stand_in_one_list_each_stopped_by_its_name(
    window: MainWindow, home: Path, photos_folder: Path, waiting: Callable[[], None], qtbot: QtBot
) -> None:
    """An index run of another library, two questions and a training; then none of them."""
    session, line, full = window.session, window.status_line, window.session.library.folder
    session.library.switch_to(home / "second.library")
    session.job.index_folders([photos_folder])
    session.library.switch_to(full)
    waiting()
    measuring, mapping = QuestionJob(session, window), QuestionJob(session, window)
    measuring.start_question(["evaluate"])
    mapping.start_question(["map"])
    training = LazyTrainDialog(session, window.theme, window, command=lambda _source, _config: speaking(None))
    training.tuning.choose_source(photos_folder)
    wait_for(qtbot, lambda: training.tuning.contents is not None)
    training.tuning.start_training(TrainConfig())
    wait_for(qtbot, lambda: all(job.state and job.state.progress.done == 1 for job in (mapping, measuring)))
    press(line.more_button)
    texts = [row.text_label.text() for row in shown_rows(window)]
    stops = [row.end_button.text() for row in shown_rows(window)]
    assert "Laying out the map 1 of 4" in texts and "Measuring the model 1 of 4" in texts
    assert {"Stop measuring", "Stop the map", "Stop the training"} <= set(stops)
    if session.job.state is not None:
        assert texts[0].startswith("second: ") and stops[0] == line.cancel_button.text() == "Stop indexing"
    for name in ("Stop the map", "Stop measuring", "Stop the training"):
        (row,) = [row for row in shown_rows(window) if row.end_button.text() == name]
        press(row.end_button)
    session.job.cancel_job()
    wait_for(qtbot, lambda: not session.work.works)
    assert measuring.state is None and mapping.state is None and not training.tuning.running
    assert not line.cancel_button.isVisible() and not line._bar.isVisible()
    while rows := shown_rows(window):
        assert [row.end_button.text() for row in rows] == ["Dismiss"] * len(session.work.notices)
        press(rows[0].end_button)
    assert line.panel.isHidden() and line.more_button.isHidden() and says(window) == ""
    training.close()


def test_a_work_that_is_killed_or_left_leaves_no_trace_but_what_became_of_it(
    window: MainWindow, home: Path, waiting: Callable[[], None], qtbot: QtBot
) -> None:
    session, line = window.session, window.status_line
    waiting()
    job = QuestionJob(session, window)
    job.start_question(["map"])
    wait_for(qtbot, lambda: says(window).startswith("Laying out the map 1 of 4"))
    assert line.open_button.text() == "Show Map"
    os.kill(find_process(job).processId(), signal.SIGKILL)
    wait_for(qtbot, lambda: job.state is None)
    assert says(window) == "Laying out the map: The work stopped unexpectedly. What was done is kept."
    assert not line._bar.isVisible() and not line.cancel_button.isVisible() and session.work.works == []
    press(line.dismiss_button)
    assert says(window) == "" and not line.dismiss_button.isVisible()
    job.start_question(["map"])
    copy_library(session.library.folder, home / "second.library")
    session.library.switch_to(home / "second.library")
    assert job.state is None and session.work.works == [] and says(window) == ""


def test_what_is_done_is_told_until_it_is_seen_and_a_click_leads_there(
    window: MainWindow, photos_folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    session, line = window.session, window.status_line
    pictures = sorted(photos_folder.glob("disc/*.png"))
    command = speaking(tmp_path / "pipe", "", said(tmp_path / "made", pictures, install=True))
    training = LazyTrainDialog(session, window.theme, window, command=lambda _source, _config: command)
    training.tuning.choose_source(photos_folder)
    wait_for(qtbot, lambda: training.tuning.contents is not None)
    training.tuning.start_training(TrainConfig())
    wait_for(qtbot, lambda: says(window).startswith("Training, epoch 2"))
    let_go(tmp_path / "pipe")
    wait_for(qtbot, lambda: not training.tuning.running)
    assert says(window).startswith("The training made is done. Of 12 pictures that it had not seen")
    session.notice_posted.emit("2 files in the clipboard.")
    assert says(window) == "2 files in the clipboard." and line.more_button.isHidden()
    line._remark_timer.timeout.emit()
    assert says(window).startswith("The training made is done.")
    QTest.mouseClick(line, Qt.MouseButton.LeftButton, pos=line.message_label.geometry().center())
    assert window.models_page.isVisible()
    assert session.work.notices == [] and says(window) == ""
    training.close()


def test_a_page_that_is_first_shown_by_its_tab_is_known_to_be_shown(window: MainWindow) -> None:
    tabs = window.page_stack.tab_bar
    for index in (*range(1, tabs.count()), 0):
        QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(index).center())
        assert (window.page_stack.currentIndex(), window.session.work.shown_page) == (index, tabs.tabText(index))
