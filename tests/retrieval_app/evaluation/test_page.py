"""The page Evaluate is used as a user does; its figures come from the real child process."""

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.models.installation import ModelChoice, install_model
from indexer.progress import drain
from retrieval_app.evaluation.page import EvaluationPage
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.library_copies import copy_library
from tests.support.model_files import write_weights
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def show_figures(window: MainWindow, qtbot: QtBot) -> EvaluationPage:
    window.page_stack.show_page("Evaluate")
    page = window.evaluation_page
    wait_for(qtbot, lambda: page.evaluation.report is not None)
    assert page.currentWidget() is page.body
    return page


def test_the_first_state_invites_a_folder(empty_window: MainWindow) -> None:
    empty_window.page_stack.show_page("Evaluate")
    page = empty_window.evaluation_page
    assert page.currentWidget() is page.folder_invitation
    assert empty_window.focusWidget() is page.folder_invitation.offer


def test_without_labels_it_says_how_to_label(window: MainWindow, qtbot: QtBot) -> None:
    root = window.session.library.info.roots[0] if window.session.library.info else None
    assert root is not None
    window.session.library.writer.write(
        "labels", lambda library: library.store.database.execute_statement("UPDATE files SET label = NULL")
    )
    wait_for(qtbot, window.session.library.writer.is_idle)
    window.page_stack.show_page("Evaluate")
    page = window.evaluation_page
    wait_for(qtbot, lambda: page.currentWidget() is page.label_invitation)
    assert "Ctrl+L" in page.label_invitation.promise.text()
    QTest.mouseClick(page.label_invitation.offer, LEFT)
    assert window.page_stack.is_showing("Label")


def test_a_cell_shows_its_photos_and_one_of_them_finds_similar(window: MainWindow, qtbot: QtBot) -> None:
    page = show_figures(window, qtbot)
    report, view = page.evaluation.report, page.mistakes_view
    assert report is not None
    assert (report.photos, sorted(report.names)) == (EACH * len(CLASSES), sorted(CLASSES))
    counts = Counter((query.label, query.found[0].label) for query in report.nearest)
    right = sum(count for (own, found), count in counts.items() if own == found)
    assert f"{round(100 * right / report.queries)} of 100" in page.figure_row.sentence.text()
    for (own, found), count in counts.items():
        QTest.mouseClick(view.matrix, LEFT, NONE, view.matrix.locate_cell(own, found).center())
        assert f"{count} of {EACH} photos of {report.names[own]}" in view.cell_label.text()
        assert len(view.photos.queries) == count
        assert {query.label for query in view.photos.queries} == {own}
    view.matrix.setFocus()
    view.matrix.choose_cell(0, 0)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        QTest.keyClick(view.matrix, key)
    assert view.matrix.current == (1, 1)
    wanted = view.photos.list_photo_ids()[1]
    QTest.mouseClick(view.photos.viewport(), LEFT, NONE, view.photos.locate_photo(1).center())
    wait_for(qtbot, window.search_page.isVisible)
    assert window.session.search.query_photo_id == wanted


@pytest.mark.long
def test_changed_labels_are_told_and_measured_when_asked(window: MainWindow, qtbot: QtBot) -> None:
    """And a measuring is cancelled, and started again; a key chooses a photo."""
    window.page_stack.show_page("Evaluate")
    page = window.evaluation_page
    wait_for(qtbot, lambda: page.evaluation.job.state is not None)
    assert page.first_view.offer.text() == "Cancel measuring"
    QTest.mouseClick(page.first_view.offer, LEFT)
    assert page.evaluation.job.state is None
    assert page.first_view.offer.text() == "Measure"
    QTest.mouseClick(page.first_view.offer, LEFT)
    wait_for(qtbot, lambda: page.evaluation.report is not None)
    before = page.evaluation.report
    ids = window.session.library.photo_ids.tolist()
    window.session.library.writer.write("labels", lambda library: library.annotations.set_label(ids[:4], "new"))
    wait_for(qtbot, lambda: page.evaluation.is_outdated)
    assert page.evaluation.report is before  # nothing is measured behind the user's back
    assert "changed" in page.status_label.text()
    QTest.mouseClick(page.measure_button, LEFT)
    wait_for(qtbot, lambda: page.evaluation.report is not before)
    assert page.evaluation.report is not None and "new" in page.evaluation.report.names
    assert page.status_label.text() == ""
    photos = page.hardest_view.photos
    page.show_view("Hardest photos")
    photos.setFocus()
    QTest.keyClick(photos, Qt.Key.Key_Right)
    wanted = photos.list_photo_ids()[1]
    QTest.keyClick(photos, Qt.Key.Key_Return)
    assert window.session.search.query_photo_id == wanted


@pytest.mark.long
def test_two_models_are_compared_beside_each_other(home: Path, indexed: Path, tmp_path: Path, qtbot: QtBot) -> None:
    copy_library(indexed, home / "default.library")
    weights = write_weights("test_resnet", tmp_path)
    drain(install_model(ModelChoice("test_resnet", weights), home / "default.library" / "models"))
    with open_window() as window:
        wait_for(qtbot, lambda: not window.session.library.is_empty)
        page = show_figures(window, qtbot)
        page.show_view("Compare models")
        view = page.comparison_view
        wait_for(qtbot, lambda: len(view.rivals.models) >= 2)
        assert view.rivals.models[0].is_active
        names = [model.folder.parent.parent.name for model in view.rivals.models]
        view.second_box.setCurrentIndex(names.index("default.library", 1))
        QTest.mouseClick(view.compare_button, LEFT)
        assert view.cancel_button.isVisible()
        wait_for(qtbot, lambda: view.rivals.fields is not None)
        assert view.rivals.fields is not None
        assert view.rivals.fields["verdict"] == "worse"  # weights drawn by lot
        assert "finds labels worse than" in view.sentence.text()
        assert not view.cancel_button.isVisible()
