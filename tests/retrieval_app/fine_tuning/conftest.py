"""What the tests of fine-tuning share: the dialog with a child that says what a test wants, and ended trainings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from retrieval_app.fine_tuning.dialog import TrainDialog
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.window.main_window import MainWindow
from tests.support.training_child import let_go, speaking
from tests.support.training_dialogs import FinishTraining, MakeDialog
from tests.support.window_waits import wait_for


@pytest.fixture
def make_dialog(window: MainWindow, qtbot: QtBot) -> Iterator[MakeDialog]:
    """The dialog on the indexed library, with another child; shown, with the folder read."""
    made: list[TrainDialog] = []

    def make(command: list[str]) -> TrainDialog:
        tuning = FineTuning(command=lambda _folder, _config: command)
        made.append(TrainDialog(tuning, window.session, window.theme, window))
        made[0].show()
        wait_for(qtbot, lambda: tuning.contents is not None)
        return made[0]

    yield make
    for dialog in made:
        dialog.close_readers()
        dialog.tuning.close()


@pytest.fixture
def pictures(photos_folder: Path) -> list[Path]:
    return sorted(photos_folder.glob("disc/*.png"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for name in ("model.json", "model.safetensors", "training.json"):
        (folder / name).write_bytes(b"x")
    return folder


@pytest.fixture
def finish(make_dialog: MakeDialog, tmp_path: Path, qtbot: QtBot) -> FinishTraining:
    """A dialog whose training has come to this result."""

    def finished(result: dict[str, Any]) -> TrainDialog:
        dialog = make_dialog(speaking(tmp_path / "pipe", "", result))
        dialog.start_button.click()
        let_go(tmp_path / "pipe")
        wait_for(qtbot, lambda: dialog.pages.currentWidget() is dialog.verdict_view)
        return dialog

    return finished
