"""Patience that goes by progress and not by the clock: on a loaded machine everything is slow, but something moves.

A wait gives up only when nothing has moved for `IDLE_SECONDS`. What moves for ever is left to pytest's own timeout,
the last resort.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

IDLE_SECONDS = 120.0  # without any progress, before a wait gives up
CHECK_SECONDS = 1.0  # between two looks for progress; a longer pause counts as this much: then the waiter was starved
PROC = Path("/proc")
_UNREAD = object()


class Patience:
    """Counts the seconds since a reading of progress last changed; every change of its value is progress."""

    def __init__(self, read_progress: Callable[[], object], idle_limit: float = IDLE_SECONDS) -> None:
        self._read_progress = read_progress
        self._idle_limit = idle_limit
        self._check_seconds = min(CHECK_SECONDS, idle_limit / 4)
        self._idle_seconds = 0.0
        self._checked_at = time.monotonic()
        self._progress: object = _UNREAD  # most waits end before the first look, which costs milliseconds

    def is_exhausted(self) -> bool:
        """Whether nothing has moved for the limit; cheap, as progress is read about once a second."""
        elapsed = time.monotonic() - self._checked_at
        if elapsed < self._check_seconds:
            return False
        self._checked_at += elapsed
        previous, self._progress = self._progress, self._read_progress()
        self._idle_seconds = 0.0 if self._progress != previous else self._idle_seconds + min(elapsed, CHECK_SECONDS)
        return self._idle_seconds >= self._idle_limit


class _ProcessStat(NamedTuple):
    """The parent of a process, and the CPU time of itself and of the children it has waited for, in clock ticks."""

    parent: int
    ticks: int


def read_tree_cpu_ticks(pid: int) -> float:
    """CPU time that a process and its living descendants have used, in clock ticks.

    A system without /proc gives the time of day instead: everything counts as progress there.
    """
    if not PROC.is_dir():
        return time.monotonic()
    stats = _read_process_stats()
    return sum(stats[member].ticks for member in (pid, *find_descendants(pid, stats)) if member in stats)


def read_other_cpu_ticks() -> float:
    """CPU time of this process's threads but the calling one, and of its descendants; as `read_tree_cpu_ticks`."""
    if not PROC.is_dir():
        return time.monotonic()
    stats, caller = _read_process_stats(), str(threading.get_native_id())
    tasks = f"{PROC}/self/task"
    threads = [_read_stat(f"{tasks}/{task}") for task in _list_names(tasks) if task != caller]
    children = [stats[member] for member in find_descendants(os.getpid(), stats)]
    return sum(stat.ticks for stat in (*threads, *children) if stat is not None)


def find_descendants(pid: int, stats: Mapping[int, _ProcessStat] | None = None) -> list[int]:
    """The ids of the living children of a process, of their children, and so on; none where there is no /proc."""
    stats = _read_process_stats() if stats is None else stats
    children = [process for process, stat in stats.items() if stat.parent == pid]
    return [member for child in children for member in (child, *find_descendants(child, stats))]


def _read_process_stats() -> dict[int, _ProcessStat]:
    names = [name for name in _list_names(str(PROC)) if name.isdigit()] if PROC.is_dir() else []
    stats = {int(name): _read_stat(f"{PROC}/{name}") for name in names}
    return {pid: stat for pid, stat in stats.items() if stat is not None}


def _list_names(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _read_stat(folder: str) -> _ProcessStat | None:
    """What /proc/.../stat says (man 5 proc) behind the name in brackets; None for a process that is gone."""
    try:
        with open(f"{folder}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - of every process, again and again
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return _ProcessStat(int(fields[1]), sum(map(int, fields[11:15])))
