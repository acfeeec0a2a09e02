"""Fine-tuning on the labels of the library, in the real window: what is found, followed and handed to the child."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.library import Library
from retrieval_app.fine_tuning.dialog import TrainDialog
from retrieval_app.fine_tuning.source_kinds import FILTER_SOURCE, FOLDER_SOURCE, LIBRARY_SOURCE, SOURCE_KINDS
from retrieval_app.fine_tuning.training_job import build_command_line
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.window_waits import wait_for
from training.data.sources import LibraryLabels
from training.settings.config import TrainConfig

ON_LABELS = "Fine-tune on the labels of this library…"
ON_FOLDER = "Fine-tune on labelled folders…"
ALL = EACH * len(CLASSES)
MakeDialog = Callable[[str], TrainDialog]


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot) -> MakeDialog:
    """The dialog as an entry of the menu opens it, with what there is to learn from read."""

    def open_by(entry: str) -> TrainDialog:
        window.menus.find_action(entry).trigger()
        wait_for(qtbot, lambda: window.training.dialog is not None and window.training.dialog.isVisible())
        dialog = window.training.dialog
        assert dialog is not None
        wait_for(qtbot, lambda: dialog.tuning.reading_progress is None)
        return dialog

    return open_by


def title(dialog: TrainDialog) -> str:
    return dialog.choose_page.summary_panel.title.text()


def kinds(dialog: TrainDialog) -> list[str]:
    box = dialog.choose_page.source_row.kind_box
    assert [box.itemText(row) for row in range(box.count())] == [
        SOURCE_KINDS[box.itemData(row)] for row in range(box.count())
    ]
    return [box.itemData(row) for row in range(box.count())]


def label(window: MainWindow, wanted: dict[int, str | None]) -> None:
    """Label photos of the window's library, as another program would."""
    with Library.open(window.session.library.folder) as library:
        for photo, name in wanted.items():
            library.annotations.set_label([photo], name)


def ids_of(window: MainWindow, shape: str) -> list[int]:
    with Library.open(window.session.library.folder) as library:
        found = library.load_photos(library.find_photo_ids().tolist())
    return [photo.id for photo in found if photo.label == shape]


def test_the_labels_of_the_library_are_counted_and_trained_on(opened: MakeDialog, window: MainWindow) -> None:
    dialog = opened(ON_LABELS)
    page = dialog.choose_page
    assert (page.source_row.kind_box.currentData(), page.source_row.path_label.text()) == (LIBRARY_SOURCE, "default")
    assert not page.source_row.choose_button.isVisible()
    assert page.summary_panel.place.text() == "Found in the library"
    assert title(dialog) == f"{ALL} labelled photos, {len(CLASSES)} labels"
    model = page.summary_panel.table.model()
    rows = {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}
    assert rows == dict.fromkeys(CLASSES, EACH)
    assert [model.headerData(column, Qt.Orientation.Horizontal) for column in (0, 1)] == ["Label", "Photos"]
    assert dialog.start_button.isEnabled()
    assert dialog.note.text().startswith("About ")
    assert dialog.tuning.source == LibraryLabels(window.session.library.folder)


def test_labels_that_change_beside_the_open_dialog_count_at_once(
    opened: MakeDialog, window: MainWindow, qtbot: QtBot
) -> None:
    dialog = opened(ON_LABELS)
    discs = ids_of(window, "disc")
    label(window, dict.fromkeys(discs[:2], "my own"))
    wait_for(qtbot, lambda: title(dialog) == f"{ALL} labelled photos, {len(CLASSES) + 1} labels")
    problems = dialog.choose_page.summary_panel.problems
    assert problems.text() == "1 class has fewer than 6 different pictures: my own."
    label(window, dict.fromkeys(discs[:2]))
    wait_for(qtbot, lambda: title(dialog) == f"{ALL} labelled photos, {len(CLASSES)} labels")
    assert not problems.isVisible()


def test_with_a_filter_the_photos_that_pass_can_be_learned_from(
    opened: MakeDialog, window: MainWindow, photos_folder: Path, qtbot: QtBot
) -> None:
    dialog = opened(ON_LABELS)
    row = dialog.choose_page.source_row
    assert kinds(dialog) == [FOLDER_SOURCE, LIBRARY_SOURCE]
    within = Filter(under=photos_folder / "disc")
    label(window, dict.fromkeys(ids_of(window, "disc")[:2], "my own"))
    window.session.search.conditions.set_filter(within)
    assert kinds(dialog) == [FOLDER_SOURCE, LIBRARY_SOURCE, FILTER_SOURCE]
    assert row.kind_box.currentData() == LIBRARY_SOURCE
    row.kind_box.setFocus()
    QTest.keyClick(row.kind_box, Qt.Key.Key_Down)
    assert dialog.tuning.source == LibraryLabels(window.session.library.folder, within)
    wait_for(qtbot, lambda: title(dialog) == f"{EACH} labelled photos, 2 labels")
    assert row.path_label.text() == "in disc"
    assert not dialog.start_button.isEnabled()
    assert "two classes of at least six different pictures" in dialog.note.text()
    window.session.search.conditions.set_filter(Filter(label="my own"))
    wait_for(qtbot, lambda: title(dialog) == "2 labelled photos, 1 label")
    window.session.search.conditions.set_filter(Filter())
    assert dialog.tuning.source == LibraryLabels(window.session.library.folder)
    assert kinds(dialog) == [FOLDER_SOURCE, LIBRARY_SOURCE]


def test_from_labels_back_to_the_folder(opened: MakeDialog, photos_folder: Path, qtbot: QtBot) -> None:
    dialog = opened(ON_LABELS)
    assert opened(ON_FOLDER) is dialog
    assert dialog.choose_page.source_row.path_label.text() == str(photos_folder)
    assert dialog.choose_page.source_row.choose_button.isVisible()
    wait_for(qtbot, lambda: title(dialog).endswith(f"pictures in {len(CLASSES)} classes"))
    assert dialog.choose_page.summary_panel.place.text() == "Found in the folder"


def test_the_command_names_the_library_and_the_filter() -> None:
    whole = LibraryLabels(Path("/home/cats.library"))
    assert build_command_line(whole, TrainConfig())[3:] == [
        "train",
        "--library=/home/cats.library",
        "--json",
        "--attached",
    ]
    some = whole._replace(photo_filter=Filter(label="a b", orientation="square"))
    assert build_command_line(some, TrainConfig())[4:7] == [
        "--library=/home/cats.library",
        "--label=a b",
        "--orientation=square",
    ]


@pytest.mark.long
def test_a_training_on_the_photos_that_pass_goes_through_the_real_command(
    opened: MakeDialog, window: MainWindow, qtbot: QtBot
) -> None:
    """A real child; all photos pass, as there are few."""
    window.session.search.conditions.set_filter(Filter(min_side=2))
    dialog = opened(ON_LABELS)
    dialog.choose_page.source_row.choose_kind(FILTER_SOURCE)
    editors = dialog.choose_page.form.editors
    for name, value in (("image_size", 32), ("epochs", 1), ("dim", 8)):
        editor = editors[name]
        assert isinstance(editor, QSpinBox)
        editor.setValue(value)
    recipe = editors["recipe"]
    assert isinstance(recipe, QComboBox)
    recipe.setCurrentIndex(recipe.findData("quick"))
    wait_for(qtbot, dialog.start_button.isEnabled)
    dialog.start_button.click()
    before = dialog.tuning.source
    opened(ON_FOLDER)
    assert dialog.tuning.source == before  # what is at work stays
    wait_for(qtbot, lambda: not dialog.tuning.running)
    assert dialog.tuning.outcome is not None, dialog.tuning.sentence
    story = json.loads((dialog.tuning.outcome.checkpoint / "training.json").read_text())
    assert "labelled in the library default (only photos: at least 2 px)" in story["source"]
    assert sum(story["parts"].values()) == ALL
