"""The library page is used as a user does: its tables read, its buttons pressed, its questions answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QTableView
from pytestqt.qtbot import QtBot

from indexer.library import Library
from indexer.matching.identity import enrol_photos
from retrieval_app.library.facts import list_fact_sections
from retrieval_app.library.left_out_dialog import LeftOutDialog
from retrieval_app.library.page import WATCH_IDLE, WATCH_OFF
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import CLASSES, EACH
from tests.support.message_boxes import find_question, press_answer
from tests.support.open_windows import open_window
from tests.support.window_waits import wait_for, wait_for_signal

SHOWN = EACH * len(CLASSES)
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def mine(folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on that library, with the library page shown."""
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == SHOWN)
        to_library(window)
        yield window


def to_library(window: MainWindow) -> None:
    window.page_stack.show_page("Library")
    assert window.library_page.isVisible()


def texts(view: QTableView) -> list[list[str]]:
    model = view.model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def answer(window: MainWindow, words: str, qtbot: QtBot) -> str:
    """Press the button with these words in the question that opens; returns the question."""
    box = find_question(qtbot, window)
    said = f"{box.text()} {box.informativeText()}"
    press_answer(box, words)
    return said


def rescan(window: MainWindow, qtbot: QtBot) -> None:
    with wait_for_signal(qtbot, window.session.notice_posted):
        QTest.mouseClick(window.library_page.look_button, LEFT)


def test_keys_with_the_number_of_a_page_lead_to_it_and_back(window: MainWindow) -> None:
    groups = window.menus.list_keys().values()
    places = {entry.purpose: entry.key for group in groups for entry in group}
    number = int(places["Library page"].removeprefix("Ctrl+"))
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
    assert window.library_page.isVisible()
    assert window.focusWidget() is window.library_page.roots.view
    assert not window.menus.find_action("Copy path").isEnabled()
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.search_page.isVisible() and not window.library_page.isVisible()


def test_a_search_from_another_page_shows_its_results(mine: MainWindow, qtbot: QtBot) -> None:
    mine.session.search.toggle_query_photo(int(mine.session.search.listing.ids[0]))
    wait_for(qtbot, mine.search_page.isVisible)


def test_the_first_state_invites_a_folder(empty_window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(_parent: object, title: str, _place: str) -> str:
        asked.append(title)
        return ""

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", ask)
    to_library(empty_window)
    assert empty_window.focusWidget() is empty_window.library_page.folder_invitation.offer
    QTest.mouseClick(empty_window.library_page.folder_invitation.offer, LEFT)
    assert asked == ["Choose a photo folder"]


def test_folders_failures_and_figures_are_those_of_the_library(mine: MainWindow, folder: Path) -> None:
    page, info = mine.library_page, mine.session.library.info
    assert texts(page.roots.view) == [[str(folder), "online", str(SHOWN), "sub-folders are classes", ""]]
    rows = dict(texts(page.failures.view))
    assert sorted(rows) == [str(folder / "cut.jpg"), str(folder / "disc" / "<b>not< b> a picture.jpg")]
    assert all(rows.values())
    assert info is not None
    told = {fact.name: fact.value for chapter in list_fact_sections(info) for fact in chapter.facts}
    assert told["Photos"] == told["Files"] == str(SHOWN)
    assert (told["Missing"], told["Not read"]) == ("0", "2")
    assert told["Name"] == "Built-in (tf_efficientnet_lite0)"
    assert told["Embedding"] == f"{info.dim:,} numbers"


def test_typing_filters_the_failures_by_name_or_reason(mine: MainWindow, folder: Path) -> None:
    pane = mine.library_page.failures
    QTest.keyClicks(pane.filter_edit, "CUT.")
    assert [row[0] for row in texts(pane.view)] == [str(folder / "cut.jpg")]
    pane.filter_edit.clear()
    QTest.keyClicks(pane.filter_edit, "not a picture in a format")
    assert [row[0] for row in texts(pane.view)] == [str(folder / "disc" / "<b>not< b> a picture.jpg")]


def test_a_failure_is_shown_in_its_folder_and_the_list_is_copied(
    mine: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    pane = mine.library_page.failures
    assert not pane.reveal_button.isEnabled()
    row = [line[0] for line in texts(pane.view)].index(str(folder / "disc" / "<b>not< b> a picture.jpg"))
    QTest.mouseClick(pane.view.viewport(), LEFT, pos=pane.view.visualRect(pane.filtered_model.index(row, 0)).center())
    QTest.mouseClick(pane.reveal_button, LEFT)
    assert opened == [QUrl.fromLocalFile(str(folder / "disc"))]
    QTest.mouseClick(pane.copy_button, LEFT)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2


@pytest.mark.long
def test_a_folder_that_is_away_is_said_to_be_and_found_at_its_new_place_without_a_forward_pass(
    mine: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder.rename(folder.with_name("moved"))
    rescan(mine, qtbot)
    wait_for(qtbot, lambda: texts(mine.library_page.roots.view)[0][1].startswith("offline"))
    assert len(mine.session.search.listing.ids) == SHOWN
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(elsewhere))
    said: list[str] = []
    mine.session.notice_posted.connect(said.append)
    QTest.mouseClick(mine.library_page.roots.move_button, LEFT)
    wait_for(qtbot, lambda: any(text.endswith(": 0 new photos.") for text in said))
    wait_for(qtbot, lambda: texts(mine.library_page.roots.view)[0][:2] == [str(elsewhere), "online"])
    assert len(mine.session.search.listing.ids) == SHOWN


def test_another_drive_at_the_place_of_a_folder_is_said_and_taken_for_it_only_by_a_button(
    mine: MainWindow, folder: Path, qtbot: QtBot
) -> None:
    pane = mine.library_page.roots
    assert not pane.here_button.isVisible()
    with Library.open(mine.session.library.folder) as library:
        library.store.database.execute_statement("UPDATE roots SET drive = 'uuid of a card'")
    elsewhere = folder.rename(folder.with_name("unplugged"))
    folder.mkdir()
    (folder / "stray.png").write_bytes((elsewhere / "bar" / "bar-0.png").read_bytes())
    rescan(mine, qtbot)
    wait_for(qtbot, lambda: texts(pane.view)[0][1] == "offline: another drive is there now")
    assert len(mine.session.search.listing.ids) == SHOWN
    wait_for(qtbot, pane.here_button.isVisible)
    QTest.mouseClick(pane.here_button, LEFT)
    wait_for(qtbot, lambda: mine.session.job.state is None and texts(pane.view)[0][1:3] == ["online", "1"])
    assert not pane.here_button.isVisible()


def test_missing_files_are_counted_and_forgotten_only_when_asked(mine: MainWindow, folder: Path, qtbot: QtBot) -> None:
    pane = mine.library_page.roots
    assert not pane.forget_missing.isVisible()
    (folder / "bar" / "bar-0.png").unlink()
    rescan(mine, qtbot)
    wait_for(qtbot, pane.forget_missing.isVisible)
    assert pane.forget_missing.text() == "Forget 1 missing file…"
    QTest.mouseClick(pane.forget_missing, LEFT)
    answer(mine, "Keep", qtbot)
    assert mine.session.job.state is None
    QTest.mouseClick(pane.forget_missing, LEFT)
    said = answer(mine, "Forget", qtbot)
    assert "1 file and 1 photo with their embeddings leave the library." in said
    wait_for(qtbot, lambda: mine.session.job.state is None and not pane.forget_missing.isVisible())


def test_labelled_photos_that_are_missing_are_forgotten_only_by_a_button_that_says_so(
    mine: MainWindow, folder: Path, qtbot: QtBot
) -> None:
    pane, labelled = mine.library_page.roots, folder / "bar" / "bar-0.png"
    with Library.open(mine.session.library.folder) as library:
        enrol_photos(library, "rex", [labelled])
    labelled.unlink()
    rescan(mine, qtbot)
    wait_for(qtbot, pane.forget_missing.isVisible)
    QTest.mouseClick(pane.forget_missing, LEFT)
    said = answer(mine, "Keep", qtbot)
    assert "Nothing else is to be forgotten." in said
    assert "1 photo and 1 missing file stay" in said
    QTest.mouseClick(pane.forget_missing, LEFT)
    assert "To forget these too costs 1 label." in answer(mine, "Forget these too", qtbot)
    wait_for(qtbot, lambda: mine.session.job.state is None and not pane.forget_missing.isVisible())


def test_a_folder_is_left_out_and_taken_back_in(
    mine: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = mine.library_page.roots
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder / "bar"))
    QTest.mouseClick(pane.left_out_button, LEFT)
    QTest.mouseClick(open_dialog(mine, qtbot).add_button, LEFT)
    wait_for(qtbot, lambda: len(mine.session.search.listing.ids) == SHOWN - EACH)
    wait_for(qtbot, lambda: "1 file or folder left out" in mine.library_page.failures.passed_over_label.text())
    assert texts(pane.view)[0][4] == "1"
    assert not pane.forget_missing.isVisible()
    wait_for(qtbot, pane.left_out_button.isEnabled)
    QTest.mouseClick(pane.left_out_button, LEFT)
    dialog = open_dialog(mine, qtbot)
    assert [dialog.patterns.item(row).text() for row in range(dialog.patterns.count())] == ["/bar"]
    assert not dialog.take_back_button.isEnabled()
    dialog.patterns.setCurrentRow(0)
    QTest.mouseClick(dialog.take_back_button, LEFT)
    wait_for(qtbot, lambda: len(mine.session.search.listing.ids) == SHOWN)
    wait_for(qtbot, lambda: not mine.library_page.failures.passed_over_label.isVisible())


def open_dialog(window: MainWindow, qtbot: QtBot) -> LeftOutDialog:
    """The dialog of what is left out, once it is open."""
    wait_for(qtbot, lambda: any(dialog.isVisible() for dialog in window.findChildren(LeftOutDialog)))
    return next(dialog for dialog in window.findChildren(LeftOutDialog) if dialog.isVisible())


def test_a_folder_outside_cannot_be_left_out(
    mine: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    QTest.mouseClick(mine.library_page.roots.left_out_button, LEFT)
    dialog = open_dialog(mine, qtbot)
    told: list[str] = []
    monkeypatch.setattr(QMessageBox, "information", lambda _parent, _title, text: told.append(text))
    for chosen in (folder, folder.parent, ""):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, chosen=chosen: str(chosen))
        QTest.mouseClick(dialog.add_button, LEFT)
    assert told == [f"Choose a folder in {folder}."] * 2
    dialog.reject()
    assert mine.session.job.state is None


def test_pictures_of_kinds_that_are_not_read_are_told(mine: MainWindow, folder: Path, qtbot: QtBot) -> None:
    for number in range(3):
        (folder / f"{number}.psd").write_bytes(b"8BPS")
    with wait_for_signal(qtbot, mine.session.notice_posted) as said:
        QTest.mouseClick(mine.library_page.look_button, LEFT)
    assert said[0][0].endswith("Passed over: 3 pictures of kinds that are not read (.psd 3).")
    wait_for(qtbot, mine.library_page.failures.passed_over_label.isVisible)
    assert ".psd 3" in mine.library_page.failures.passed_over_label.text()


def test_a_folder_is_forgotten_after_a_question_and_its_pictures_stay(
    mine: MainWindow, folder: Path, qtbot: QtBot
) -> None:
    before = sorted(folder.rglob("*"))
    QTest.mouseClick(mine.library_page.roots.forget_button, LEFT)
    said = answer(mine, "Forget", qtbot)
    assert f"Forget {folder}?" in said
    assert (
        f"{SHOWN + 2} files and {SHOWN + 2} photos with their embeddings leave the library." in said
    )  # two of them cannot be read
    wait_for(qtbot, mine.library_page.folder_invitation.isVisible)
    assert mine.session.library.is_empty
    assert sorted(folder.rglob("*")) == before


def test_the_switch_turns_the_watch_on_and_off(mine: MainWindow, qtbot: QtBot) -> None:
    page = mine.library_page
    assert (page.watch_box.isChecked(), page.watch_state.text()) == (False, WATCH_OFF)
    page.watch_box.setFocus()
    QTest.keyClick(page.watch_box, Qt.Key.Key_Space)
    assert mine.session.job.watch.wanted
    wait_for(qtbot, lambda: page.watch_state.text() not in (WATCH_OFF, WATCH_IDLE))  # the first run
    wait_for(qtbot, lambda: page.watch_state.text() == WATCH_IDLE)
    QTest.keyClick(page.watch_box, Qt.Key.Key_Space)
    assert page.watch_state.text() == WATCH_OFF
