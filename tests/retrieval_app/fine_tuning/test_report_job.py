"""The report of a training, made by a real child and handed to the system's browser."""

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from retrieval_app.fine_tuning.report_job import ReportJob
from retrieval_app.fine_tuning.source_kinds import FOLDER_SOURCE
from retrieval_app.window.main_window import MainWindow
from retrieval_app.workers.child_process import ChildProcess
from tests.support.html_pages import parse
from tests.support.training_child import said
from tests.support.window_waits import wait_for


@pytest.fixture
def checkpoint(tmp_path: Path, photos_folder: Path) -> Path:
    """What a training of an earlier version tells."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    epoch = {"epoch": 0, "map_at_r_head": 0.3, "map_at_r_backbone": 0.4, "seconds": 1.0, "spread": 0.5}
    steps = {"loss": None, "active": None, "positive_distance": None, "negative_distance": None}
    told = said(folder, sorted(photos_folder.glob("disc/*.png")), install=True)
    rest = {"epochs": [epoch | steps], "source": "a test", "queries": 10, "classes": 2, "config": {"loss": "triplet"}}
    parts = {"train": 5, "validation": 6, "test": 10}
    (folder / "training.json").write_text(json.dumps(told | rest | {"parts": parts}))
    (folder / "model.json").write_text(json.dumps({"fingerprint": "ab"}))
    return folder


def test_the_report_is_made_and_opened(
    window: MainWindow, opened_paths: list[str], checkpoint: Path, qtbot: QtBot
) -> None:
    report = ReportJob(window.session)
    report.open_report(checkpoint)
    assert report.busy
    assert "being made" in report.sentence
    wait_for(qtbot, lambda: opened_paths != [])
    assert opened_paths == [str(checkpoint / "report.html")]
    assert parse((checkpoint / "report.html").read_text()).faults == []
    assert (report.busy, report.sentence) == (False, "")


def test_why_there_is_no_report_is_said(
    window: MainWindow, opened_paths: list[str], checkpoint: Path, qtbot: QtBot
) -> None:
    (checkpoint / "training.json").unlink()
    report = ReportJob(window.session)
    report.open_report(checkpoint)
    wait_for(qtbot, lambda: not report.busy)
    assert "is no checkpoint of a training" in report.sentence
    assert opened_paths == []


def test_closing_the_window_ends_the_child_that_makes_the_report(
    window: MainWindow, checkpoint: Path, qtbot: QtBot
) -> None:
    window.training.open_dialog(FOLDER_SOURCE)
    wait_for(qtbot, lambda: window.training.dialog is not None)
    assert window.training.dialog is not None
    report = window.training.dialog.report_job
    report.open_report(checkpoint)
    (child,) = report.findChildren(ChildProcess)
    wait_for(qtbot, child.is_running)
    window.close()
    assert not child.is_running()
