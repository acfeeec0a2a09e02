"""Generators in a thread, with real threads; events order them, nothing sleeps."""

import threading
from collections.abc import Generator, Iterator

import pytest
from pytestqt.qtbot import QtBot

from indexer.errors import LookalikeError
from retrieval_app.workers.generator_thread import GeneratorThread
from tests.support.window_waits import wait_for, wait_for_signal


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[GeneratorThread]:
    background = GeneratorThread()
    yield background
    background.close()


def counting(end: int) -> Generator[int, None, int]:
    yield from range(end)
    return threading.get_ident()


def test_steps_and_result_are_heard_in_order(background: GeneratorThread, qtbot: QtBot) -> None:
    heard: list[object] = []
    background.stepped.connect(heard.append)
    with wait_for_signal(qtbot, background.ended) as ended:
        background.run_steps(counting(3))
    assert heard == [0, 1, 2]
    assert ended[0][0] != threading.get_ident()


def failing(error: Exception) -> Generator[int, None, None]:
    yield 1
    raise error


def test_an_error_of_the_engine_is_told_as_a_sentence(background: GeneratorThread, qtbot: QtBot) -> None:
    with wait_for_signal(qtbot, background.refused) as refused:
        background.run_steps(failing(LookalikeError("The folder is empty.")))
    assert refused[0] == ("The folder is empty.",)


def test_a_bug_is_raised_in_the_windows_thread(background: GeneratorThread, qtbot: QtBot) -> None:
    with qtbot.captureExceptions() as faults:
        background.run_steps(failing(ValueError("no")))
        wait_for(qtbot, lambda: bool(faults))
    assert [kind for kind, _, _ in faults] == [ValueError]


def test_the_next_one_takes_the_place_of_the_one_before(background: GeneratorThread, qtbot: QtBot) -> None:
    heard: list[object] = []
    background.stepped.connect(heard.append)
    started, go, closed = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Generator[str, None, None]:
        try:
            started.set()
            go.wait(20)
            yield "late"
            yield "later"
        finally:
            closed.set()

    background.run_steps(slow())
    assert started.wait(20)
    with wait_for_signal(qtbot, background.ended):
        background.run_steps(counting(2))
    go.set()
    assert closed.wait(20)
    assert heard == [0, 1]


def test_closing_ends_the_thread_and_closes_the_steps(qtbot: QtBot) -> None:
    background = GeneratorThread()
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with wait_for_signal(qtbot, background.stepped):
        background.run_steps(endless())
    background.close()
    assert closed.is_set()
