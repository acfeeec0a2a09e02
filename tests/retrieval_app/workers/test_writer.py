"""What the user says reaches the library: all of it, in its order, whatever is closed or opened meanwhile."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.errors import LookalikeError
from indexer.library import Library
from retrieval_app.workers.writer import LibraryWriter
from tests.support.window_waits import wait_for, wait_for_signal


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two libraries."""
    found = tmp_path / "a.library", tmp_path / "b.library"
    for folder in found:
        Library.create(folder).close()
    return found


@pytest.fixture
def writer(folders: tuple[Path, Path], qtbot: QtBot) -> Iterator[LibraryWriter]:
    writer = LibraryWriter()
    writer.open_library(folders[0])
    yield writer
    writer.close()


class Held:
    """Work that keeps the thread until it is let go."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()

    def __call__(self, _library: Library) -> None:
        self.started.set()
        assert self.go.wait(20)


def hold(writer: LibraryWriter) -> Held:
    held = Held()
    writer.write("held", held)
    assert held.started.wait(20)
    return held


def put(library: Library, value: str) -> None:
    library.store.models.set_setting("said", [*(library.store.models.read_setting("said") or []), value])  # type: ignore[misc]


def said(folder: Path) -> object:
    with Library.open(folder) as library:
        return library.store.models.read_setting("said")


def test_what_is_said_while_the_thread_is_busy_is_written_in_its_order(
    writer: LibraryWriter, folders: tuple[Path, Path], qtbot: QtBot
) -> None:
    held = hold(writer)
    for value in ("old", "x", "new"):
        writer.write("label", partial(put, value=value))
    held.go.set()
    wait_for(qtbot, writer.is_idle)
    assert said(folders[0]) == ["old", "x", "new"]


def test_closing_writes_what_waits(folders: tuple[Path, Path], qtbot: QtBot) -> None:
    writer = LibraryWriter()
    writer.open_library(folders[0])
    held = hold(writer)
    values = [str(number) for number in range(50)]
    for value in values:
        writer.write("label", partial(put, value=value))
    held.go.set()
    writer.close()
    assert said(folders[0]) == values


def test_another_library_gets_none_of_what_was_said_of_the_one_before(
    writer: LibraryWriter, folders: tuple[Path, Path], qtbot: QtBot
) -> None:
    heard: list[object] = []
    writer.written.connect(lambda key, _: heard.append(key))
    held = hold(writer)
    writer.write("before", partial(put, value="a"))
    writer.open_library(None)
    writer.write("to nobody", partial(put, value="x"))
    writer.open_library(folders[1])
    writer.write("after", partial(put, value="b"))
    held.go.set()
    wait_for(qtbot, writer.is_idle)
    assert (said(folders[0]), said(folders[1])) == (["a"], ["b"])
    assert heard == ["after"]


def test_what_is_refused_is_told_even_of_a_library_that_was_left(
    writer: LibraryWriter, folders: tuple[Path, Path], qtbot: QtBot
) -> None:
    def refuse(_library: Library) -> None:
        raise LookalikeError("The disk is full.")

    held = hold(writer)
    writer.write("label", refuse)
    writer.open_library(folders[1])
    with wait_for_signal(qtbot, writer.refused) as refused:
        held.go.set()
    assert refused[0] == ("label", "The disk is full.")


def test_a_bug_is_raised_in_the_windows_thread(writer: LibraryWriter, qtbot: QtBot) -> None:
    with qtbot.captureExceptions() as faults:
        writer.write("any", lambda _: 1 / 0)
        wait_for(qtbot, writer.is_idle)
    assert [kind for kind, _, _ in faults] == [ZeroDivisionError]
