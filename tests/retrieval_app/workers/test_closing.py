"""Closing waits for what the user said, and for nothing else: neither for a read nor for a child that does not end."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from indexer.library import Library
from retrieval_app.workers.child_process import ChildProcess
from retrieval_app.workers.generator_thread import GeneratorThread
from retrieval_app.workers.readers import LibraryReaders
from retrieval_app.workers.writer import LibraryWriter
from tests.support.window_waits import wait_for

MOST_SECONDS = 2.0  # each waits for less than one; it was 8 to 20
DEAF = 'import sys, time; print(\'{"stage": "x", "done": 0, "total": 0}\', flush=True); time.sleep(600)'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty library."""
    Library.create(tmp_path / "x.library").close()
    return tmp_path / "x.library"


def test_closing_does_not_wait_for_a_read_or_a_child_that_goes_on(folder: Path, qtbot: QtBot) -> None:
    go_on, entered = threading.Event(), threading.Semaphore(0)

    def read_long(library: Library) -> None:
        entered.release()
        go_on.wait()

    def step_long() -> Iterator[None]:
        entered.release()
        go_on.wait()
        yield

    readers, steps = LibraryReaders(2), GeneratorThread()
    readers.open_library(folder)
    for key in ("a", "b"):
        readers.ask_question(key, read_long)
    steps.run_steps(step_long())  # type: ignore[arg-type]
    child = ChildProcess([sys.executable, "-c", DEAF])
    with qtbot.waitSignal(child.progressed):
        pass
    for _ in range(3):
        assert entered.acquire(timeout=60)
    start = time.monotonic()
    child.close()
    readers.close()
    steps.close()
    assert time.monotonic() - start < MOST_SECONDS
    assert not child.is_running()
    heard: list[object] = []
    for signal in (readers._question_done, steps._relayed):
        signal.connect(lambda *values: heard.append(values))
    go_on.set()
    wait_for(qtbot, lambda: not any(thread.is_alive() for thread in (*readers._threads, *steps._threads)))
    assert heard == []  # the window may be gone by then


def test_closing_waits_for_what_the_user_said_but_not_for_an_export(folder: Path, qtbot: QtBot) -> None:
    written, go_on = threading.Event(), threading.Event()
    said, export = LibraryWriter(), LibraryWriter()
    said.open_library(folder)
    export.open_library(folder)

    def save(library: Library) -> None:
        library.annotations.save_search("a", 1)
        written.set()

    export.write("sheet", lambda library: go_on.wait())
    said.write("label", save)
    start = time.monotonic()
    export.abandon()
    assert time.monotonic() - start < MOST_SECONDS
    said.close()
    assert written.is_set()
    with Library.open(folder) as library:
        assert library.annotations.read_searches() == {"a": 1}
    go_on.set()
    wait_for(qtbot, lambda: not export._thread.is_alive())
