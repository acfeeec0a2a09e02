"""Waiting for the window: as long as a thread, a child process or a named sign of progress moves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from PySide6.QtCore import SignalInstance
from pytestqt.qtbot import QtBot

from tests.support.patience import IDLE_SECONDS, Patience, read_other_cpu_ticks

POLL_MS = 20  # between two looks at the condition


def wait_for(
    qtbot: QtBot,
    condition: Callable[[], bool],
    *,
    progress: Callable[[], object] | None = None,
    idle_limit: float = IDLE_SECONDS,
) -> None:
    """Let the window run until the condition holds; fail when nothing has moved for `idle_limit` seconds.

    What moves is the CPU time of other threads and of child processes, and `progress`, a further reading such as a
    job's progress, the rows of a database or the bytes of a log.
    """
    patience = Patience(lambda: (read_other_cpu_ticks(), progress() if progress else None), idle_limit)
    while not condition():
        assert not patience.is_exhausted(), f"Nothing has moved for {idle_limit:g} s, and the condition does not hold."
        qtbot.wait(POLL_MS)


@contextmanager
def wait_for_signal(
    qtbot: QtBot,
    signal: SignalInstance,
    *,
    accepts: Callable[..., bool] | None = None,
    idle_limit: float = IDLE_SECONDS,
) -> Iterator[list[tuple[Any, ...]]]:
    """Wait at the end of the block, as `wait_for`, for a signal emitted since its start.

    Gives the arguments of each emission, of those only for which `accepts` is true.
    """
    emissions: list[tuple[Any, ...]] = []

    def record_emission(*arguments: Any) -> None:
        if accepts is None or accepts(*arguments):
            emissions.append(arguments)

    signal.connect(record_emission)
    try:
        yield emissions
        wait_for(qtbot, lambda: bool(emissions), idle_limit=idle_limit)
    finally:
        with suppress(RuntimeError):  # the source of the signal may have been deleted after its last one
            signal.disconnect(record_emission)
