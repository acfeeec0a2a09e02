"""Questions about a library, answered by real threads; events order them, nothing sleeps."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.workers.readers import LibraryReaders
from tests.support.window_waits import wait_for, wait_for_signal


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    Library.create(tmp_path / "a.library").close()
    return tmp_path / "a.library"


@pytest.fixture
def readers(library_folder: Path, qtbot: QtBot) -> Iterator[LibraryReaders]:
    readers = LibraryReaders(1, limit=3)
    readers.open_library(library_folder)
    yield readers
    readers.close()


def test_questions_are_answered_in_another_thread(readers: LibraryReaders, qtbot: QtBot) -> None:
    with wait_for_signal(qtbot, readers.answered) as answered:
        readers.ask_question("who", lambda _: threading.get_ident())
    assert answered[0][0] == "who"
    assert answered[0][1] != threading.get_ident()


def test_the_newest_question_is_answered_first_and_the_oldest_are_dropped(
    readers: LibraryReaders, qtbot: QtBot
) -> None:
    order: list[str] = []
    readers.answered.connect(lambda key, _: order.append(key))
    started, go = threading.Event(), threading.Event()

    def wait(_library: Library) -> None:
        started.set()
        go.wait(20)

    readers.ask_question("first", wait)
    assert started.wait(20)
    for key in ("old", "older than wanted", "wanted", "newest"):
        readers.ask_question(key, lambda _: None)
    readers.drop_question("wanted")
    go.set()
    wait_for(qtbot, lambda: len(order) == 3)
    assert order == ["first", "newest", "older than wanted"]


def test_answers_about_a_library_that_was_left_are_dropped(
    readers: LibraryReaders, library_folder: Path, qtbot: QtBot
) -> None:
    heard: list[str] = []
    readers.answered.connect(lambda key, _: heard.append(key))
    started, go = threading.Event(), threading.Event()

    def wait(_library: Library) -> None:
        started.set()
        go.wait(20)

    readers.ask_question("before", wait)
    assert started.wait(20)
    readers.open_library(library_folder)
    readers.ask_question("after", lambda _: None)
    go.set()
    wait_for(qtbot, lambda: bool(heard))
    assert heard == ["after"]


def test_a_library_that_cannot_be_opened_is_told(readers: LibraryReaders, tmp_path: Path, qtbot: QtBot) -> None:
    readers.open_library(tmp_path / "none.library")
    with wait_for_signal(qtbot, readers.refused) as refused:
        readers.ask_question("any", lambda _: None)
    assert refused[0][0] == "any"
    assert "none.library" in refused[0][1]


def test_a_bug_is_told_to_whoever_asked_and_raised_in_the_windows_thread(readers: LibraryReaders, qtbot: QtBot) -> None:
    refused: list[str] = []
    readers.refused.connect(lambda _, sentence: refused.append(sentence))
    with qtbot.captureExceptions() as faults, wait_for_signal(qtbot, readers.failed) as failed:
        readers.ask_question("any", lambda _: 1 / 0)
    assert failed[0] == ("any",)
    assert [kind for kind, _, _ in faults] == [ZeroDivisionError]
    assert not refused


def test_closing_ends_the_threads(library_folder: Path, qtbot: QtBot) -> None:
    before = threading.active_count()
    readers = LibraryReaders(2)
    readers.open_library(library_folder)
    assert threading.active_count() == before + 2
    readers.close()
    assert threading.active_count() == before
