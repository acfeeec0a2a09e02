"""Runs the command line as a user does: in a process of its own, with a data directory of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.patience import IDLE_SECONDS, Patience, find_descendants, read_tree_cpu_ticks

ROOT = Path(__file__).resolve().parents[2]


class Said(NamedTuple):
    """What a command has returned: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of standard output, one from each line; raises for a line that is no JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def result(self) -> dict[str, Any]:
        """The last JSON object of standard output, which is the result of a command with --json."""
        return self.objects()[-1]


Tell = Callable[..., Said]  # the fixture `tell`, which runs a command in the test's own process


def environment(home: Path) -> dict[str, str]:
    """The environment variables of a command: libraries in `home`, no display, warnings as errors."""
    keep = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    keep.pop("QT_QPA_PLATFORM", None)
    return keep | {"LOOKALIKE_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "80"}


def command(*words: str | Path) -> list[str]:
    """The command line that runs `lookalike` with these words."""
    return [sys.executable, "-m", "retrieval_app.cli", *(str(word) for word in words)]


class ChildStalled(AssertionError):
    """A child process was given up, as neither it nor one of its own children used any CPU time."""


@contextmanager
def start_patiently(
    words: Sequence[str], *, idle_limit: float = IDLE_SECONDS, **options: Any
) -> Iterator["subprocess.Popen[str]"]:
    """A child process with text pipes, killed with its children once they use no CPU time for `idle_limit` seconds.

    Its output then ends, and ChildStalled is raised at the end of the block. `options` are those of subprocess.Popen.
    """
    ended, stalled = threading.Event(), threading.Event()
    with subprocess.Popen(words, text=True, **options) as process:
        patience = Patience(lambda: read_tree_cpu_ticks(process.pid), idle_limit)

        def end_when_stalled() -> None:
            while not ended.wait(min(1.0, idle_limit / 4)) and process.poll() is None:
                if patience.is_exhausted():
                    stalled.set()
                    kill_tree(process.pid)
                    return

        watchdog = threading.Thread(target=end_when_stalled, daemon=True)
        watchdog.start()
        try:
            yield process
        except BaseException:
            if process.poll() is None:
                kill_tree(process.pid)
            raise
        finally:
            ended.set()
            watchdog.join()
            if stalled.is_set():
                raise ChildStalled(f"No CPU time was used for {idle_limit:g} s by {words}")


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants."""
    for member in (*find_descendants(pid), pid):
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def run_patiently(words: Sequence[str], *, stdin: str = "", idle_limit: float = IDLE_SECONDS, **options: Any) -> Said:
    """Run a command line to its end, however long that takes as long as it works; see `start_patiently`."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_patiently(words, idle_limit=idle_limit, **pipes, **options) as process:
        out, err = process.communicate(stdin)
    return Said(process.returncode, out, err)


def lookalike(home: Path, *words: str | Path, stdin: str = "") -> Said:
    """Run `lookalike` with these words to its end, see `run_patiently`."""
    return run_patiently(command(*words), stdin=stdin, env=environment(home))
