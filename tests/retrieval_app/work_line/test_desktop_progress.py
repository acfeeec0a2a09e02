"""The desktop hears how far the work is, and of the end of a long one."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from indexer.progress import Progress
from retrieval_app.work_line import desktop_progress
from retrieval_app.work_line.desktop_progress import DesktopProgress, find_share
from retrieval_app.workers.job_state import JobState
from retrieval_app.workers.work_list import Work, WorkList
from tests.support.commands import environment, run_patiently

# Sends as the window does, and reads what a monitor of the bus has seen of it.
LISTENER = """
import subprocess
from PySide6.QtCore import QCoreApplication
from retrieval_app.work_line.desktop_progress import send_progress
app = QCoreApplication([])
rule = "interface='com.canonical.Unity.LauncherEntry'"
monitor = subprocess.Popen(["dbus-monitor", "--session", rule], stdout=subprocess.PIPE, text=True)
monitor.stdout.readline()  # it listens
while "NameLost" not in (line := monitor.stdout.readline()):
    pass
send_progress(0.25)
send_progress(None)
seen = []
while sum("progress-visible" in line for line in seen) < 2 or "boolean" not in seen[-1]:
    seen.append(monitor.stdout.readline())
monitor.kill()
print("".join(seen))
"""


class Source(QObject):
    """One work that the test sets."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.work: Work | None = None

    def set_work(self, work: Work | None) -> None:
        self.work = work
        self.changed.emit()


def make_work(done: int, total: int, kind: str = "index") -> Work:
    return Work(kind, JobState(Progress("embed", done, total)), None)


def test_the_first_work_that_knows_its_end_is_shown() -> None:
    assert find_share([]) is None
    assert find_share([make_work(3, 0)]) is None
    assert find_share([make_work(3, 0), make_work(1, 3), make_work(1, 2)]) == 0.33


@pytest.mark.parametrize(("seconds", "kind", "expected"), [(0.0, "index", 1), (3600.0, "index", 0), (0.0, "watch", 0)])
def test_the_end_of_a_long_work_is_told(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, seconds: float, kind: str, expected: int
) -> None:
    alerts: list[QWidget] = []
    monkeypatch.setattr(QApplication, "alert", alerts.append)
    monkeypatch.setattr(desktop_progress, "LONG_WORK_SECONDS", seconds)
    widget, works, source = QWidget(), WorkList(), Source()
    qtbot.addWidget(widget)
    works.follow_source(lambda: source.work, source.changed)
    DesktopProgress(works, widget)
    for work in (make_work(0, 2, kind), make_work(1, 2, kind), None, None):
        source.set_work(work)
    assert alerts == [widget] * expected


def test_the_session_bus_carries_the_progress(tmp_path: Path) -> None:
    words = ["dbus-run-session", "--", sys.executable, "-c", LISTENER]
    said = run_patiently(words, env=environment(tmp_path))
    assert said.code == 0, said
    assert "application://org.lookalike.Lookalike.desktop" in said.out
    assert "double 0.25" in said.out and said.out.count("boolean true") == 1 and said.out.count("boolean false") == 1
