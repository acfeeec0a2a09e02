"""What the window leaves behind ends in the window's thread, however much the readers allocate."""

import gc
import platform
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from retrieval_app.workers.garbage_collector import GarbageCollector
from tests.support.commands import run_patiently


class RememberedObject(QObject):
    """A Qt object in a cycle, which only the collection of cycles ends; it notes in which thread that was."""

    def __init__(self, ends: list[int]) -> None:
        super().__init__()
        self._ends = ends
        self.itself = self

    def __del__(self) -> None:
        self._ends.append(threading.get_ident())


@pytest.fixture
def collection_by_python() -> Iterator[None]:
    """Collection as a new process has it, whatever the fixtures of other tests say."""
    gc.collect()
    gc.enable()
    yield
    gc.enable()


def _allocate_much() -> None:
    kept: list[list[int]] = [[] for _ in range(100_000)]
    assert len(kept) == 100_000


def _allocate_some() -> list[list[int]]:
    """Just enough that a collection is due while it is held."""
    return [[] for _ in range(gc.get_threshold()[0] + 1)]


def _allocate_in_thread() -> None:
    thread = threading.Thread(target=_allocate_much)
    thread.start()
    thread.join()


def test_a_cycle_of_the_window_is_not_ended_by_a_reader(collection_by_python: None, qtbot: QtBot) -> None:
    ends: list[int] = []
    collector = GarbageCollector()
    try:
        RememberedObject(ends)
        _allocate_in_thread()
        assert ends == []
        kept = _allocate_some()
        qtbot.waitUntil(lambda: bool(ends), timeout=60_000)
        assert ends == [threading.get_ident()]
        del kept
    finally:
        collector.end()


def test_after_the_collector_python_collects_where_it_allocates(collection_by_python: None) -> None:
    ends: list[int] = []
    collector = GarbageCollector()
    collector.end()
    RememberedObject(ends)
    _allocate_in_thread()
    assert len(ends) == 1 and ends != [threading.get_ident()]


def test_nothing_is_collected_before_enough_was_allocated(collection_by_python: None) -> None:
    ends: list[int] = []
    collector = GarbageCollector()
    try:
        gc.collect()
        RememberedObject(ends)
        collector.collect_due()
        assert ends == []
        kept = _allocate_some()
        collector.collect_due()
        assert ends == [threading.get_ident()]
        del kept
    finally:
        collector.end()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries give blocks back by themselves")
def test_the_memory_of_pictures_that_are_freed_goes_back_to_the_system() -> None:
    words = [sys.executable, "-m", "tests.support.freed_pictures"]
    given, left = (int(run_patiently([*words, how]).out) for how in ("given", "left"))
    assert given < 8
    assert left > 24, "glibc has become better: the settings can go"
