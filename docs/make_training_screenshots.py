"""Make the screenshots of fine-tuning by driving the real window: python docs/make_training_screenshots.py

Trains for real: in seconds on the sample's classes, in seconds on the same pictures dealt out by chance, which teaches
nothing, and by epochs on the classes, which shows the curves.
"""

import random
import shutil
import sys
from pathlib import Path

import make_screenshots as shots
from PySide6.QtWidgets import QSpinBox

from indexer.database.filters import Filter
from retrieval_app.fine_tuning.dialog import TrainDialog
from retrieval_app.fine_tuning.source_kinds import FILTER_SOURCE
from retrieval_app.window.main_window import MainWindow

SIDE, EPOCHS, SHOWN_EPOCH = 128, 8, 3  # a training that gains no more ends before its last epoch


def main() -> None:
    """Save every state, some in the dark theme, one in a small window."""
    with shots.open_window() as (window, scratch):
        pictures, mixed = make_folders(scratch)
        shots.index_labelled(window, pictures)
        shots.wait_for_pictures(window)
        window.menus.find_action("Fine-tune on labelled folders…").trigger()
        shots.wait_until(lambda: window.training.dialog is not None)
        assert window.training.dialog is not None
        show_sources(window, window.training.dialog)
        show_states(window, window.training.dialog, mixed)


def make_folders(scratch: Path) -> tuple[Path, Path]:
    """Make two folders: the sample in its classes, and the same pictures in as many classes by chance."""
    pictures, mixed = shots.copy_photographs(scratch), scratch / "Mixed"
    files = sorted(path for path in pictures.glob("*/*") if path.is_file())
    names = [path.parent.name for path in files]
    random.Random(0).shuffle(names)
    for name, path in zip(names, files, strict=True):
        (mixed / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, mixed / name / path.name)
    return pictures, mixed


def show_sources(window: MainWindow, dialog: TrainDialog) -> None:
    """Save a folder as source for new pictures, and the labels of filtered photos as source for new classes."""
    tuning = dialog.tuning
    shots.wait_until(lambda: tuning.contents is not None)
    shots.save_window(window, "training-choose")
    shots.save_in_theme(window, "dark", "training-choose-dark")
    window.session.search.conditions.set_filter(Filter(orientation="square"))
    dialog.choose_page.source_row.choose_kind(FILTER_SOURCE)
    choose_purpose(dialog, "classes")
    shots.wait_until(lambda: tuning.contents is not None)
    shots.save_window(window, "training-choose-labels")
    window.session.search.conditions.set_filter(Filter())
    choose_purpose(dialog, "images")
    window.menus.find_action("Fine-tune on labelled folders…").trigger()
    shots.wait_until(lambda: tuning.contents is not None)


def choose_purpose(dialog: TrainDialog, purpose: str) -> None:
    """Choose the purpose of the model in the form."""
    dialog.choose_page.form.plan.purpose.buttons[purpose].click()


def show_states(window: MainWindow, dialog: TrainDialog, mixed: Path) -> None:
    """Save an instant training with its verdict, one by epochs, and one whose model is not better."""
    tuning, classes = dialog.tuning, dialog.tuning.source
    dialog.start_button.click()
    shots.wait_until(lambda: not tuning.running)
    show_verdict(window, dialog, "training-install")
    assert tuning.outcome is not None
    if not tuning.outcome.install:
        sys.exit("The training on the sample was refused: there is no picture of a model that is better.")
    shots.save_in_theme(window, "dark", "training-install-dark")
    show_folded(window, dialog)
    window.resize(900, 600)
    dialog.resize(720, 480)
    shots.QTest.qWait(200)  # what is laid out anew is laid out in several turns
    shots.save_window(window, "training-small-window")
    tuning.leave_outcome()
    tuning.choose_source(mixed)
    shots.wait_until(lambda: tuning.contents is not None)
    shots.save_window(window, "training-choose-small-window")
    window.resize(1280, 800)
    dialog.resize(960, 700)
    dialog.start_button.click()
    shots.wait_until(lambda: not tuning.running)
    show_verdict(window, dialog, "training-refuse")
    tuning.leave_outcome()
    tuning.choose_source(classes)
    shots.wait_until(lambda: tuning.contents is not None)
    show_epochs(window, dialog)


def show_folded(window: MainWindow, dialog: TrainDialog) -> None:
    """Save the verdict with everything unfolded, and fold it again."""
    view = dialog.verdict_view
    assert view.doubt_section is not None
    assert view.figure_section is not None
    for section in (view.doubt_section, view.figure_section):
        section.button.click()
    shots.QTest.qWait(200)
    shots.save_window(window, "training-figures")
    for section in (view.doubt_section, view.figure_section):
        section.button.click()


def show_epochs(window: MainWindow, dialog: TrainDialog) -> None:
    """Save the settings for experts, and a training by epochs with its curves."""
    tuning = dialog.tuning
    choose_epochs(dialog)
    dialog.choose_page.form.experts_section.button.click()
    shots.QTest.qWait(200)
    shots.save_window(window, "training-experts")
    dialog.start_button.click()
    shots.wait_until(lambda: tuning.training is not None and tuning.training.epoch >= SHOWN_EPOCH)
    wait_for_curves(dialog)
    shots.save_window(window, "training-running")
    shots.save_in_theme(window, "dark", "training-running-dark")
    tuning.cancel_training()
    shots.wait_until(lambda: not tuning.running)


def choose_epochs(dialog: TrainDialog) -> None:
    """Choose a recipe with epochs, and settings with which they take seconds."""
    dialog.choose_page.form.choose_recipe("thorough")
    editors = dialog.choose_page.form.editors
    for name, value in (("image_size", SIDE), ("epochs", EPOCHS)):
        editor = editors[name]
        assert isinstance(editor, QSpinBox)
        editor.setValue(value)


def wait_for_curves(dialog: TrainDialog) -> None:
    """Wait until the curves have been drawn."""
    shots.wait_until(lambda: bool(dialog.running_page.loss_chart.lines) and bool(dialog.running_page.score_chart.lines))


def show_verdict(window: MainWindow, dialog: TrainDialog, name: str) -> None:
    """Save the verdict once its pictures have been read."""
    outcome = dialog.tuning.outcome
    assert outcome is not None, dialog.tuning.sentence
    count = len(list(outcome.list_pictures()))
    shots.wait_until(lambda: len(dialog.verdict_view.pictures) == count)
    shots.save_window(window, name)


if __name__ == "__main__":
    main()
