"""Indexing from the window with its real child process, from the first start to a search."""

import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QProcess, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.photos.samples import find_photograph_folder
from indexer.progress import Progress
from retrieval_app.window.main_window import MainWindow
from retrieval_app.workers.child_process import ChildProcess
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.job_wording import describe_job
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.window_waits import wait_for, wait_for_signal

SHOWN = EACH * len(CLASSES)


@pytest.mark.parametrize("model", ["ready", pytest.param("to be prepared", marks=pytest.mark.long)])
def test_a_folder_dropped_on_the_first_start_is_indexed_and_searched(
    empty_window: MainWindow, photos_folder: Path, qtbot: QtBot, model: str, request: pytest.FixtureRequest
) -> None:
    if model == "ready":
        request.getfixturevalue("carried_model")
    home = request.getfixturevalue("home")
    window, session = empty_window, empty_window.session
    data, copy, none = QMimeData(), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    data.setUrls([QUrl.fromLocalFile(str(photos_folder))])
    left = Qt.MouseButton.LeftButton
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, data, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), copy, data, left, none))
    assert session.job.state is not None
    assert window.status_line.cancel_button.isVisible()
    assert not window.search_page.invitation.offer.isVisible()
    stages: list[str] = []
    session.job.changed.connect(lambda: stages.append(session.job.state.progress.stage if session.job.state else "end"))
    wait_for(qtbot, lambda: session.job.state is None and not session.library.is_empty)
    assert stages == sorted(stages, key=["start", "prepare", "scan", "embed", "publish", "end"].index)
    assert len(session.search.listing.ids) == SHOWN
    assert window.status_line.message_label.text().startswith("Indexed in ")
    assert window.status_line.failures_button.text() == "2 photos could not be read"
    assert (home / "default.library" / "library.sqlite").is_file()
    grid = window.search_page.results.grid
    QTest.mouseClick(grid.viewport(), left, pos=grid.visualRect(grid.grid_model.index_at_place(0)).center())
    wait_for(qtbot, lambda: session.search.listing.result is not None)
    assert session.search.listing.hits[0].distance == 0


@pytest.mark.usefixtures("carried_model")
def test_a_cancelled_run_says_so_and_can_go_on(empty_window: MainWindow, photos_folder: Path, qtbot: QtBot) -> None:
    session = empty_window.session
    session.job.index_folders([photos_folder])
    wait_for(qtbot, lambda: session.job.state is not None and session.job.state.progress.stage == "prepare")
    waiting = (empty_window.duplicates_page.folder_invitation, empty_window.map_page.invitation)
    assert {view.sentence.text() for view in waiting} == {"Preparing the model…"}
    assert all(view.offer.isHidden() for view in waiting)
    with wait_for_signal(qtbot, session.notice_posted) as said:
        empty_window.status_line.cancel_button.click()
        assert empty_window.status_line.message_label.text() == "Stopping: indexing…"
    assert "stopped" in said[0][0]
    assert session.job.state is None
    assert empty_window.search_page.invitation.offer.isVisible()
    assert not any(view.offer.isHidden() or view.sentence.text().endswith("…") for view in waiting)


@pytest.mark.usefixtures("carried_model")
def test_closing_the_window_ends_the_child(empty_window: MainWindow, photos_folder: Path, qtbot: QtBot) -> None:
    session = empty_window.session
    session.job.index_folders([photos_folder])
    wait_for(qtbot, lambda: session.job.state is not None and session.job.state.progress.stage == "prepare")
    job = session.findChild(ChildProcess)
    assert isinstance(job, ChildProcess) and job.is_running()
    empty_window.close()
    assert not job.is_running()


@pytest.mark.long
@pytest.mark.usefixtures("carried_model")
def test_folders_named_while_one_is_indexed_wait_in_the_list_and_are_indexed_in_their_turn(
    empty_window: MainWindow, photos_folder: Path, home: Path, qtbot: QtBot
) -> None:
    session = empty_window.session
    for name in ("bar", "disc", "disc", "square"):
        session.job.index_folders([photos_folder / name])
    running, waiting = session.work.works
    assert (running.kind, waiting.describe()) == ("index", "Waiting to be added: disc, square")
    assert waiting.stop_text == "Stop what waits" and not empty_window.banner.isVisible()
    session.job.rescan_folders()  # needs no turn of its own
    wait_for(qtbot, lambda: not session.job.waiting and session.job.state is None)
    with Library.open(home / "default.library") as library:
        roots = [Path(os.fsdecode(root.path)).name for root in library.store.files.list_roots()]
        assert roots == ["bar", "disc", "square"] and len(library.find_photo_ids()) == 3 * EACH
    session.job.index_folders([photos_folder])
    session.job.index_folders([home / "never"])
    session.job.index_folders([photos_folder], labelled=True)
    session.job.drop_waiting()
    assert [work.kind for work in session.work.works] == ["index"]
    session.job.cancel_job()
    wait_for(qtbot, lambda: session.job.state is None)
    assert not session.work.works


@pytest.mark.long
@pytest.mark.usefixtures("carried_model")
def test_the_sample_has_a_library_of_its_own(
    empty_window: MainWindow, photos_folder: Path, home: Path, qtbot: QtBot
) -> None:
    session = empty_window.session
    empty_window.search_page.invitation.sample_button.click()
    assert session.library.folder == home / "photographs.library"
    wait_for(qtbot, lambda: session.job.state is None and not session.library.is_empty)
    pictures = list(find_photograph_folder().glob("*/*.webp"))
    contents = len({path.read_bytes() for path in pictures})
    assert contents > 100
    wait_for(qtbot, lambda: len(session.search.listing.ids) == contents)
    wait_for(qtbot, lambda: empty_window.search_page.results.grid.grid_model.photo_at(0) is not None)
    photo = empty_window.search_page.results.grid.grid_model.photo_at(0)
    assert photo is not None
    assert photo.label == sorted(path.parent.name for path in pictures)[0]
    session.job.index_folders([photos_folder])
    assert session.library.folder == home / "default.library"


def test_photos_of_another_process_appear_by_themselves(
    window: MainWindow, home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """The child of the test stands for the command line: the window learns of it from the library alone."""
    more = tmp_path / "more"
    more.mkdir()
    draw("disc", 77).save(more / "new.png")
    command = ["-m", "retrieval_app.cli", "index", str(more), "--library", str(home / "default.library"), "--json"]
    process = QProcess()
    process.start(sys.executable, command)
    wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN + 1)
    wait_for(qtbot, lambda: process.state() == QProcess.ProcessState.NotRunning)
    assert process.exitCode() == 0


def test_progress_is_said_with_rate_and_time_left() -> None:
    state = JobState(Progress("embed", 12_300, 40_000, "a/b.jpg"), 218.2, 127.0, stopping=False)
    assert describe_job(state) == "Indexing 12,300 of 40,000  ·  218/s  ·  2 min left"
    assert describe_job(JobState(Progress("scan", 0, 0, "/photos"), None, None, stopping=False)) == "Looking for photos"
