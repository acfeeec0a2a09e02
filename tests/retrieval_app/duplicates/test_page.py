"""The duplicates page is used as a user does; the groups come from the real child process."""

import os
import shutil
import threading
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.paths import show_file_name
from indexer.progress import drain
from retrieval_app.duplicates.found_groups import KIND_NAMES, GroupMember
from retrieval_app.duplicates.rejected_pairs import RejectedPairsDialog
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import draw
from tests.support.embedders import Tiny, write_card
from tests.support.open_windows import open_window
from tests.support.seen_large import get_viewer, press_key, wait_until_sharp
from tests.support.window_waits import wait_for, wait_for_signal

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six bars, each once more slightly smaller; one of them a third time under another name."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        picture = draw("bar", number)
        picture.save(folder / f"bar-{number}.png")
        picture.resize((picture.width - 8, picture.height - 8)).save(folder / f"small-{number}.png")
    shutil.copy(folder / "bar-2.png", folder / "again.png")
    return folder


@pytest.fixture
def mine(folder: Path, home: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on a library of that folder, with the duplicates page shown."""
    write_card(home / "default.library" / "models")
    with Library(home / "default.library") as library:
        drain(index_library(library, [folder], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == 12)
        window.page_stack.show_page("Duplicates")
        yield window


def look(window: MainWindow, qtbot: QtBot, kind: str) -> list[list[GroupMember]]:
    page = window.duplicates_page
    page.kind_box.setCurrentIndex(list(KIND_NAMES).index(kind))
    with wait_for_signal(qtbot, page.duplicates.question_job.answered):
        QTest.mouseClick(page.look_button if page.look_button.isVisible() else page.look_invitation.offer, LEFT)
    assert page.duplicates.found_groups is not None
    return page.duplicates.found_groups.groups


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window.duplicates_page.groups_view, key)


def test_the_first_state_invites_a_folder(empty_window: MainWindow) -> None:
    empty_window.page_stack.show_page("Duplicates")
    assert empty_window.duplicates_page.folder_invitation.isVisible()
    assert empty_window.focusWidget() is empty_window.duplicates_page.folder_invitation.offer


def test_exact_copies_are_listed_and_the_rest_is_taken_along(mine: MainWindow, folder: Path, qtbot: QtBot) -> None:
    page, before = mine.duplicates_page, sorted(folder.iterdir())
    (group,) = look(mine, qtbot, "copies")
    assert {member.path for member in group} == {str(folder / "again.png"), str(folder / "bar-2.png")}
    assert page.summary_label.text() == "Exact copies: 1 group with 2 files."
    assert mine.focusWidget() is page.groups_view
    assert not page.reject_button.isEnabled()  # what is the same cannot be no match
    assert not page.copy_button.isVisible()
    press(mine, Qt.Key.Key_K)
    assert page.copy_button.text() == "Copy the paths of the rest (1)"
    QTest.mouseClick(page.copy_button, LEFT)
    assert QGuiApplication.clipboard().text() == group[1].path
    press(mine, Qt.Key.Key_K)
    assert not page.copy_button.isVisible()
    assert sorted(folder.iterdir()) == before


def test_links_are_marked_and_never_among_what_is_taken_along(
    mine: MainWindow, folder: Path, home: Path, qtbot: QtBot
) -> None:
    page, target = mine.duplicates_page, folder / "again.png"
    (folder / "z link.png").symlink_to(target)
    with Library(home / "default.library") as library:
        drain(index_library(library, [], Tiny()))
    (group,) = look(mine, qtbot, "copies")
    assert [member.link_of for member in group] == ["", "", str(target)]
    real = {member.path: member for member in group}
    page.duplicates.toggle_kept(group[0])
    assert page.duplicates.list_unkept_paths() == [group[1].path]  # and not the link
    page.duplicates.toggle_kept(group[0])
    page.duplicates.toggle_kept(group[2])
    assert page.duplicates.list_unkept_paths() == [str(folder / "bar-2.png")]  # and not what the link leads to
    assert str(target) in real


def test_no_match_is_remembered_and_can_be_taken_back(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    page = mine.duplicates_page
    groups = look(mine, qtbot, "alike")
    first, gone = groups[0], groups[0][0]
    assert page.groups_view.current_member() == gone
    press(mine, Qt.Key.Key_N)
    assert page.duplicates.found_groups is not None
    assert all(gone not in group for group in page.duplicates.found_groups.groups)
    parted = {tuple(sorted((gone.photo_id, other.photo_id))) for other in first[1:]}
    wait_for(qtbot, lambda: decisions(home) == parted)
    for group in look(mine, qtbot, "alike"):
        pairs = combinations(sorted(member.photo_id for member in group), 2)
        assert parted.isdisjoint(pairs)
    assert not page.take_back_button.isVisible()  # a new look has nothing to take back


def test_a_decision_just_before_closing_is_remembered(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    first = look(mine, qtbot, "alike")[0]
    press(mine, Qt.Key.Key_N)
    mine.close()
    assert decisions(home) == {tuple(sorted((first[0].photo_id, other.photo_id))) for other in first[1:]}


def test_the_last_decision_can_be_taken_back(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    groups = look(mine, qtbot, "alike")
    press(mine, Qt.Key.Key_N)
    wait_for(qtbot, lambda: bool(decisions(home)))
    press(mine, Qt.Key.Key_B)
    assert mine.duplicates_page.duplicates.found_groups is not None
    assert mine.duplicates_page.duplicates.found_groups.groups == groups
    wait_for(qtbot, lambda: not decisions(home))


def test_the_edit_menu_undoes_decisions_by_name_and_does_them_again(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    groups, duplicates = look(mine, qtbot, "alike"), mine.duplicates_page.duplicates
    undo, redo = mine.menus.find_action("Undo"), mine.menus.find_action("Redo")
    name = show_file_name(os.fsencode(groups[0][0].path))
    press(mine, Qt.Key.Key_N)
    assert undo.text() == f"Undo no match of {name}"
    undo.trigger()
    assert duplicates.found_groups is not None and duplicates.found_groups.groups == groups
    wait_for(qtbot, lambda: mine.session.library.writer.is_idle() and not decisions(home))
    redo.trigger()
    assert duplicates.found_groups.groups != groups
    wait_for(qtbot, lambda: bool(decisions(home)))
    press(mine, Qt.Key.Key_B)  # the page's own button is the same undo
    assert not undo.isEnabled()
    wait_for(qtbot, lambda: mine.session.library.writer.is_idle() and not decisions(home))


def test_what_was_said_earlier_can_be_taken_back_pair_by_pair(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    page = mine.duplicates_page
    assert not page.rejected_pairs_button.isVisible()
    first, second, third = sorted(int(photo) for photo in mine.session.search.listing.ids[:3])
    with Library.open(home / "default.library") as library:  # as a command, or the window on another day
        library.annotations.record_decision([(first, second), (third, first)])
    wait_for(qtbot, page.rejected_pairs_button.isVisible)
    assert page.rejected_pairs_button.text() == "2 pairs said to be no match…"
    look(mine, qtbot, "copies")
    press(mine, Qt.Key.Key_M)
    dialog = page.findChild(RejectedPairsDialog)
    assert isinstance(dialog, RejectedPairsDialog)
    QTest.keyClick(dialog.pair_view, Qt.Key.Key_Down)
    chosen = page.duplicates.rejected_pairs[1]
    QTest.mouseClick(dialog.match_again_button, LEFT)
    assert page.duplicates.rejected_pairs == [pair for pair in page.duplicates.rejected_pairs if pair != chosen]
    left = {(first, second), (first, third)} - {(chosen.first.id, chosen.second.id)}
    wait_for(qtbot, lambda: decisions(home) == left)
    QTest.mouseClick(dialog.match_again_button, LEFT)
    wait_for(qtbot, lambda: not decisions(home))
    assert not dialog.match_again_button.isEnabled() and not page.rejected_pairs_button.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_an_answer_from_before_the_last_decision_brings_no_pair_back(
    mine: MainWindow, qtbot: QtBot, home: Path
) -> None:
    duplicates, writer = mine.duplicates_page.duplicates, mine.session.library.writer
    first, second, third = sorted(int(photo) for photo in mine.session.search.listing.ids[:3])
    with Library.open(home / "default.library") as library:
        library.annotations.record_decision([(first, second), (third, first)])
    wait_for(qtbot, lambda: len(duplicates.rejected_pairs) == 2)
    busy, free = threading.Event(), threading.Event()

    def hold_writer(_library: Library) -> None:
        busy.set()
        assert free.wait(60)

    writer.write("held", hold_writer)
    assert busy.wait(60)
    duplicates.forget_rejection(duplicates.rejected_pairs[0])
    mine.session.library.changed.emit()  # as after any commit: what is remembered is read again
    duplicates.forget_rejection(duplicates.rejected_pairs[0])
    shown: list[int] = []
    duplicates.changed.connect(lambda: shown.append(len(duplicates.rejected_pairs)))
    free.set()
    wait_for(qtbot, lambda: writer.is_idle() and not decisions(home))
    assert set(shown) <= {0}


def decisions(home: Path) -> set[tuple[int, int]]:
    with Library.open(home / "default.library") as library:
        return library.annotations.read_decisions()


def test_arrows_go_from_photo_to_photo_and_enter_finds_similar(mine: MainWindow, qtbot: QtBot) -> None:
    groups = look(mine, qtbot, "alike")
    members = [member for group in groups for member in group]
    assert len(members) > 2
    seen = [mine.duplicates_page.groups_view.current_member()]
    for _ in members[1:]:
        press(mine, Qt.Key.Key_Right)
        seen.append(mine.duplicates_page.groups_view.current_member())
    assert seen == members
    press(mine, Qt.Key.Key_Right)
    assert mine.duplicates_page.groups_view.current_member() == members[-1]
    press(mine, Qt.Key.Key_Home)
    press(mine, Qt.Key.Key_Return)
    wait_for(qtbot, mine.search_page.isVisible)
    assert mine.session.search.query_photo_id == members[0].photo_id


def test_space_looks_at_one_large_and_t_compares_it_with_the_first_of_its_group(mine: MainWindow, qtbot: QtBot) -> None:
    groups = look(mine, qtbot, "alike")
    view, members = mine.duplicates_page.groups_view, [member for group in groups for member in group]
    press(mine, Qt.Key.Key_Space)
    viewer = get_viewer(mine)
    press_key(Qt.Key.Key_Right)
    press_key(Qt.Key.Key_Right)
    press_key(Qt.Key.Key_Right)
    assert viewer.list_ids() == [members[3].photo_id]
    assert view.current_member() == members[3]
    press_key(Qt.Key.Key_T)
    group = next(group for group in groups if members[3] in group)
    assert viewer.stage.partner_pane.get_example() == group[0].photo_id
    assert viewer.stage.partner_pane.name_label.text() == show_file_name(os.fsencode(group[0].path))
    wait_until_sharp(mine, qtbot)
    press_key(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)  # the actions mean the photo that is seen
    wait_for(qtbot, lambda: members[3].path in QGuiApplication.clipboard().text())
    press_key(Qt.Key.Key_Escape)
    assert mine.focusWidget() is view
    assert view.current_member() == members[3]


def test_a_photo_is_shown_in_its_folder_and_opened(
    mine: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    view = mine.duplicates_page.groups_view
    ((first, _),) = look(mine, qtbot, "copies")
    press(mine, Qt.Key.Key_F)
    QTest.mouseDClick(view.viewport(), LEFT, pos=view.visualRect(view.currentIndex()).center())
    assert opened == [QUrl.fromLocalFile(str(folder)), QUrl.fromLocalFile(first.path)]


def test_looking_can_be_cancelled(mine: MainWindow, qtbot: QtBot) -> None:
    page = mine.duplicates_page
    QTest.mouseClick(page.look_invitation.offer, LEFT)
    assert page.cancel_button.isVisible() and not page.look_invitation.offer.isEnabled()
    QTest.mouseClick(page.cancel_button, LEFT)
    assert page.duplicates.found_groups is None
    assert page.look_invitation.offer.isEnabled()
    assert len(look(mine, qtbot, "copies")) == 1


def test_another_library_has_other_duplicates(mine: MainWindow, home: Path, qtbot: QtBot) -> None:
    look(mine, qtbot, "copies")
    mine.session.library.switch_to(home / "other.library")
    assert mine.duplicates_page.duplicates.found_groups is None
    assert mine.duplicates_page.folder_invitation.isVisible()
