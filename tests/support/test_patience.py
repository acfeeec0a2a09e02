"""Patience is itself tested: what works is waited for beyond the limit, what sleeps for ever is given up."""

import os
import subprocess
import sys
import time
from itertools import count

import pytest
from PySide6.QtCore import QObject, QTimer, Signal
from pytestqt.qtbot import QtBot

from tests.support.commands import ChildStalled, run_patiently, start_patiently
from tests.support.patience import PROC, Patience
from tests.support.window_waits import wait_for, wait_for_signal

WORKS = "import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nprint('done')"
HAS_IT_DONE = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKS!r}])"
SLEEPS = "import sys, time; print('asleep', flush=True); time.sleep(3600)"
HAS_IT_SLEEP = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPS!r}])"
needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="without /proc everything counts as progress")


@pytest.mark.parametrize("program", [WORKS, HAS_IT_DONE], ids=["itself", "own-child"])
def test_a_child_that_works_or_has_its_own_child_work_is_waited_for(program: str) -> None:
    said = run_patiently([sys.executable, "-c", program], idle_limit=1)
    assert (said.code, said.out, said.err) == (0, "done\n", "")


@needs_proc
@pytest.mark.parametrize("program", [SLEEPS, HAS_IT_SLEEP], ids=["itself", "own-child"])
def test_a_child_that_sleeps_for_ever_is_given_up_with_its_own_child(program: str) -> None:
    with pytest.raises(ChildStalled, match="No CPU time was used for 1 s"):
        run_patiently([sys.executable, "-c", program], idle_limit=1)


@needs_proc
def test_reading_the_output_of_a_child_that_sleeps_ends() -> None:
    lines: list[str] = []
    words = [sys.executable, "-c", SLEEPS]
    with pytest.raises(ChildStalled), start_patiently(words, idle_limit=1, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        lines.extend(child.stdout)
    assert lines == ["asleep\n"]


def test_a_failure_in_the_block_ends_the_child_at_once() -> None:
    with pytest.raises(ZeroDivisionError), start_patiently([sys.executable, "-c", SLEEPS]) as child:
        _ = 1 / 0
    assert child.returncode != 0


def test_input_and_exit_code_pass_through() -> None:
    said = run_patiently([sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))"], stdin="four")
    assert said.code == 4


def test_any_change_of_the_reading_counts_as_progress() -> None:
    changing, same = Patience(count().__next__, idle_limit=0.2), Patience(lambda: 0, idle_limit=0.2)
    end = time.monotonic() + 0.6
    exhausted = []
    while time.monotonic() < end:
        assert not changing.is_exhausted()
        exhausted.append(same.is_exhausted())
        time.sleep(0.01)
    assert any(exhausted)


@needs_proc
def test_a_wait_for_what_never_comes_is_given_up(qtbot: QtBot) -> None:
    with pytest.raises(AssertionError, match="Nothing has moved for 1 s"):
        wait_for(qtbot, lambda: False, idle_limit=1)


def test_a_wait_goes_on_while_the_named_sign_moves(qtbot: QtBot) -> None:
    end = time.monotonic() + 1
    wait_for(qtbot, lambda: time.monotonic() > end, progress=count().__next__, idle_limit=0.4)


class _Bell(QObject):
    rung = Signal(int)


def test_a_signal_counts_from_the_start_of_the_block(qtbot: QtBot) -> None:
    bell = _Bell()
    with wait_for_signal(qtbot, bell.rung) as emissions:
        bell.rung.emit(os.getpid())
    assert emissions == [(os.getpid(),)]
    with wait_for_signal(qtbot, bell.rung) as emissions:
        QTimer.singleShot(50, bell, lambda: bell.rung.emit(2))
    assert emissions == [(2,)]
