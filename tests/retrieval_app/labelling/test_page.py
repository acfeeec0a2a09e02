"""Photos are labelled one after the other by keys; what is said can be undone, and nothing comes twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.actions.labels import label_photos
from retrieval_app.labelling.label_queue import LABELS_PER_ORDER
from retrieval_app.labelling.page import BY_DOUBT, BY_FOLDER
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES
from tests.support.index_runs import index_drawings
from tests.support.library_copies import copy_library
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for

EACH, LABELLED = 8, 3
PHOTOS = EACH * len(CLASSES)
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of drawings in three folders, none with a label. Copy it, never change it."""
    return index_drawings(tmp_path_factory.mktemp("labelling"), EACH)


def read_names(library_folder: Path) -> dict[int, str]:
    """Photo id -> the class of its drawing."""
    with Library.open(library_folder) as library:
        photos = library.load_photos(library.find_photo_ids().tolist())
        return {photo.id: Path(photo.path.decode()).parent.name for photo in photos}


def read_labels(library_folder: Path) -> dict[int, str]:
    with Library.open(library_folder) as library:
        return library.annotations.read_labels(library.model_id)


@contextmanager
def open_labelling(qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with the labelling page, once the first photo is there."""
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == PHOTOS)
        window.page_stack.show_page("Label")
        wait_for(qtbot, lambda: window.labelling_page.queue.order is not None)
        yield window


@pytest.fixture
def window(unlabelled: Path, home: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The page on a library in which LABELLED photos of each class have a label."""
    folder = copy_library(unlabelled, home / "default.library", links_models=True)
    names = read_names(folder)
    with Library.open(folder) as library:
        for shape in CLASSES:
            of_shape = [photo for photo, name in names.items() if name == shape]
            library.annotations.set_label(of_shape[:LABELLED], shape)
    with open_labelling(qtbot) as window:
        yield window


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window.labelling_page.stage, key)


def wait_for_advice(window: MainWindow, qtbot: QtBot) -> int:
    """Wait until the model has said what the current photo is; the photo's id."""
    queue = window.labelling_page.queue
    wait_for(qtbot, lambda: queue.current_advice() is not None)
    assert queue.current_id is not None
    return queue.current_id


def test_the_first_state_invites_a_folder(empty_window: MainWindow) -> None:
    empty_window.page_stack.show_page("Label")
    assert empty_window.labelling_page.invitation.isVisible()
    assert empty_window.focusWidget() is empty_window.labelling_page.invitation.offer


def test_keys_give_labels_skip_and_take_back(window: MainWindow, home: Path, qtbot: QtBot) -> None:
    page, queue, folder = window.labelling_page, window.labelling_page.queue, home / "default.library"
    before = read_labels(folder)
    first = wait_for_advice(window, qtbot)
    assert BY_DOUBT in page.status_label.text() and f"{PHOTOS - len(before)} photos" in page.status_label.text()
    best = queue.list_choices()[0]
    assert page.panel.choice_buttons[0].text() == f"1   {best.label}, {best.likeness}".removesuffix(", ")
    assert page.panel.verdict.text()
    press(window, Qt.Key.Key_1)
    second = wait_for_advice(window, qtbot)
    press(window, Qt.Key.Key_N)
    assert page.panel.label_edit.hasFocus()
    QTest.keyClicks(page.panel.label_edit, "n1 new")  # keys of the mode are letters here
    QTest.keyClick(page.panel.label_edit, Qt.Key.Key_Return)
    third = wait_for_advice(window, qtbot)
    press(window, Qt.Key.Key_Space)
    fourth = wait_for_advice(window, qtbot)
    QTest.mouseClick(page.panel.choice_buttons[1], Qt.MouseButton.LeftButton)
    given = {first: best.label, second: "n1 new"}
    wait_for(qtbot, lambda: len(read_labels(folder)) == len(before) + 3)
    assert read_labels(folder).items() >= (before | given).items()
    assert len({first, second, third, fourth}) == 4
    wait_for_advice(window, qtbot)
    assert "n1 new" in [choice.label for choice in queue.list_choices()]
    QTest.keyClick(window, Qt.Key.Key_Z, CONTROL)
    wait_for(qtbot, lambda: queue.current_id == fourth)
    assert fourth not in read_labels(folder) and queue.given_count == 2


def test_all_photos_come_once_and_the_skipped_ones_at_the_end(window: MainWindow, home: Path, qtbot: QtBot) -> None:
    queue, names = window.labelling_page.queue, read_names(home / "default.library")
    wait_for_advice(window, qtbot)
    skipped, seen = queue.current_id, []
    press(window, Qt.Key.Key_Space)
    left = PHOTOS - LABELLED * len(CLASSES)
    assert left > LABELS_PER_ORDER  # so that the rest is put in order anew meanwhile
    for _ in range(left):
        seen.append(wait_for_advice(window, qtbot))
        queue.give_label(names[seen[-1]])
    assert sorted(seen) == sorted(set(seen)) and seen[-1] == skipped
    wait_for(qtbot, lambda: read_labels(home / "default.library") == names)
    assert window.labelling_page.status_label.text().startswith("Every photo here has a label.")
    assert not window.labelling_page.panel.isEnabled()


def test_a_label_given_elsewhere_takes_the_photo_out(window: MainWindow, qtbot: QtBot) -> None:
    queue = window.labelling_page.queue
    current, left = wait_for_advice(window, qtbot), queue.left_count
    label_photos(window.session.changes, [current], "elsewhere")
    wait_for(qtbot, lambda: queue.left_count == left - 1)
    assert queue.current_id != current


def test_without_any_label_photos_come_in_the_order_of_the_library(unlabelled: Path, home: Path, qtbot: QtBot) -> None:
    copy_library(unlabelled, home / "default.library", links_models=True)
    with open_labelling(qtbot) as window:
        page, queue = window.labelling_page, window.labelling_page.queue
        assert queue.current_id == window.session.library.photo_ids[0]
        assert BY_FOLDER in page.status_label.text() and not queue.list_choices()
        press(window, Qt.Key.Key_1)  # there is nothing to choose
        press(window, Qt.Key.Key_N)
        QTest.keyClicks(page.panel.label_edit, "no")
        QTest.keyClick(page.panel.label_edit, Qt.Key.Key_Escape)
        assert page.stage.hasFocus() and not page.panel.label_edit.text() and queue.given_count == 0
        for number in range(LABELS_PER_ORDER - 1):
            queue.give_label(f"class {number % 2}")
        assert [choice.label for choice in queue.list_choices()] == ["class 0", "class 1"]
        press(window, Qt.Key.Key_2)
        wait_for(qtbot, lambda: queue.order is not None and queue.order.is_by_doubt)


def test_where_all_have_a_label_the_page_says_so_and_invites_more(unlabelled: Path, home: Path, qtbot: QtBot) -> None:
    folder = copy_library(unlabelled, home / "default.library", links_models=True)
    with Library.open(folder) as library:
        library.annotations.set_labels(dict(read_names(folder)))
    with open_labelling(qtbot) as window:
        page = window.labelling_page
        wait_for(qtbot, lambda: page.currentWidget() is page.all_labelled)
        assert page.all_labelled.sentence.text() == "Every photo here has a label."
        photo_id = int(window.session.library.photo_ids[0])
        label_photos(window.session.changes, [photo_id], None)  # taken back elsewhere: it comes here
        wait_for(qtbot, lambda: page.currentWidget() is page.body and page.queue.current_id == photo_id)
