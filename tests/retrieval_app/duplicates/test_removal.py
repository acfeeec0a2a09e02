"""From groups to the trash and back, as a user does it: a rule, the list, the button, and Ctrl+Z."""

import csv
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.progress import drain
from retrieval_app.duplicates.found_groups import GroupMember
from retrieval_app.duplicates.removal_dialog import RemovalDialog
from retrieval_app.duplicates.tile_caption import list_caption_lines
from retrieval_app.window.main_window import MainWindow
from tests.support.drawings import draw
from tests.support.embedders import Tiny, write_card
from tests.support.open_windows import open_window
from tests.support.trash_folder import use_own_trash
from tests.support.window_waits import wait_for, wait_for_signal

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use_own_trash(tmp_path, monkeypatch)


@pytest.fixture
def mine(trash: Path, home: Path, tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on four pictures, two of them twice: each copy is older and in a folder of its own."""
    (tmp_path / "photos" / "old").mkdir(parents=True)
    for number in range(4):
        draw("bar", number).save(tmp_path / "photos" / f"bar-{number}.png")
    for number in range(2):
        shutil.copy(tmp_path / "photos" / f"bar-{number}.png", tmp_path / "photos" / "old" / f"bar-{number} (1).png")
        os.utime(tmp_path / "photos" / "old" / f"bar-{number} (1).png", (1e9, 1e9))
    write_card(home / "default.library" / "models")
    with Library(home / "default.library") as library:
        drain(index_library(library, [tmp_path / "photos"], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
    with open_window() as window:
        wait_for(qtbot, lambda: len(window.session.search.listing.ids) == 4)
        window.page_stack.show_page("Duplicates")
        with wait_for_signal(qtbot, window.duplicates_page.duplicates.question_job.answered):
            QTest.mouseClick(window.duplicates_page.look_invitation.offer, LEFT)
        yield window


def choose_rule(window: MainWindow, name: str) -> set[str]:
    """Choose a rule of the menu; the names of the files that are marked then."""
    menu = window.duplicates_page.rule_button.menu()
    assert menu is not None
    next(action for action in menu.actions() if name in action.text()).trigger()
    return {Path(member.path).name for member in window.duplicates_page.duplicates.kept_members}


def open_list(window: MainWindow) -> RemovalDialog:
    QTest.mouseClick(window.duplicates_page.review_button, LEFT)
    (dialog,) = window.duplicates_page.findChildren(RemovalDialog)
    return dialog


def test_rules_mark_all_groups_and_the_list_says_what_may_go(mine: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    page = mine.duplicates_page
    assert not page.review_button.isVisible()
    assert choose_rule(mine, "oldest") == {"bar-0 (1).png", "bar-1 (1).png"}
    assert choose_rule(mine, "newest") == choose_rule(mine, "best named") == {"bar-0.png", "bar-1.png"}
    assert choose_rule(mine, "Remove all") == set()
    first = page.groups_view.current_member()
    assert first is not None
    in_folder = {path.name for path in Path(first.path).parent.iterdir()}
    assert choose_rule(mine, "folder") == in_folder & {"bar-0.png", "bar-1.png", "bar-0 (1).png", "bar-1 (1).png"}
    choose_rule(mine, "best named")
    assert page.review_button.text() == "Review the rest (2)…"
    dialog = open_list(mine)
    assert sorted(Path(row.path).name for row in dialog.moving) == ["bar-0 (1).png", "bar-1 (1).png"]
    assert dialog.summary_label.text().startswith("2 files, ")
    dialog.save_list(tmp_path / "list.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "list.csv").read_text())))
    assert sorted(row["action"] for row in rows) == ["keep", "keep", "move", "move"]
    dialog.save_list(tmp_path / "photos" / "list.csv")
    assert not (tmp_path / "photos" / "list.csv").exists()
    dialog.reject()


def test_the_rest_goes_to_the_trash_and_comes_back_by_undo(
    mine: MainWindow, tmp_path: Path, trash: Path, qtbot: QtBot
) -> None:
    page, before = mine.duplicates_page, sorted((tmp_path / "photos").rglob("*.png"))
    choose_rule(mine, "best named")
    dialog = open_list(mine)
    with wait_for_signal(qtbot, page.removal.job.answered):
        QTest.mouseClick(dialog.trash_button, LEFT)
    assert sorted(path.name for path in (trash / "files").iterdir()) == ["bar-0 (1).png", "bar-1 (1).png"]
    assert sorted(path.name for path in (tmp_path / "photos").rglob("*.png")) == [f"bar-{n}.png" for n in range(4)]
    assert page.duplicates.found_groups is not None and page.duplicates.found_groups.groups == []
    assert mine.session.changes.undoText() == "move 2 files to the trash"
    with wait_for_signal(qtbot, page.removal.job.answered):
        mine.session.changes.undo()
    assert sorted((tmp_path / "photos").rglob("*.png")) == before
    assert not any((trash / "files").iterdir())


def test_it_can_be_switched_off_in_the_list(mine: MainWindow, qtbot: QtBot, home: Path) -> None:
    choose_rule(mine, "best named")
    dialog = open_list(mine)
    wait_for(qtbot, dialog.trash_button.isEnabled)
    QTest.mouseClick(dialog.allow_box, LEFT, pos=dialog.allow_box.rect().center() * 0.1)
    wait_for(qtbot, lambda: not dialog.trash_button.isEnabled())
    dialog.reject()
    QApplication.processEvents()


def test_captions_say_what_is_known_and_what_differs() -> None:
    one = GroupMember(1, "/p/a/x.png", 0.0, "", 340_000, 1200, 800, 10**18)
    other = one._replace(path="/p/b/x.png", byte_count=12_000, distance=0.25)
    lines = list_caption_lines(other, [one, other])
    assert [(line.text, line.differs) for line in lines[:4]] == [
        ("x.png", False),
        ("/p/b", True),
        ("1,200 x 800", False),
        ("12 KB", True),
    ]
    assert lines[4].text.startswith("2001-09-") and lines[5].text == "distance 0.250"
    link = list_caption_lines(one._replace(link_of="/p/b/x.png"), [one])
    assert link[-1].text == "link to x.png"
