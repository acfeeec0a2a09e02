"""Faults are logged and shown, never lost; and the window comes up under a real X server."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QTimer, qInstallMessageHandler, qWarning
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from retrieval_app.app import FaultReporter, start_log_file
from retrieval_app.window.dialogs import ReportDialog
from tests.support.commands import run_patiently
from tests.support.library_copies import copy_library


@pytest.fixture
def reporter(home: Path, qtbot: QtBot) -> Iterator[FaultReporter]:
    hooks = sys.excepthook, threading.excepthook
    reporter = FaultReporter(start_log_file(home))
    yield reporter
    sys.excepthook, threading.excepthook = hooks
    qInstallMessageHandler(None)
    if reporter.dialog is not None:
        reporter.dialog.close()


def report(reporter: FaultReporter) -> str:
    assert isinstance(reporter.dialog, ReportDialog)
    text = reporter.dialog.findChild(QPlainTextEdit)
    assert isinstance(text, QPlainTextEdit)
    return text.toPlainText()


def test_an_exception_in_a_slot_is_logged_and_shown(reporter: FaultReporter, home: Path, qtbot: QtBot) -> None:
    reporter.install_hooks()
    QTimer.singleShot(0, lambda: int("inner workings"))
    qtbot.waitUntil(lambda: reporter.dialog is not None, timeout=20_000)
    assert "ValueError" in report(reporter) and "inner workings" in report(reporter)
    assert "inner workings" in (home / "lookalike.log").read_text()


def test_an_exception_in_a_thread_is_logged_and_shown(reporter: FaultReporter, home: Path, qtbot: QtBot) -> None:
    reporter.install_hooks()
    thread = threading.Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: reporter.dialog is not None, timeout=20_000)
    assert "ZeroDivisionError" in report(reporter)


def test_what_qt_says_is_logged(reporter: FaultReporter, home: Path) -> None:
    reporter.install_hooks()
    qWarning("a layout complained")
    assert "Qt: a layout complained" in (home / "lookalike.log").read_text()


PROGRAM = """
import sys
from PySide6.QtTest import QTest
from retrieval_app.app import build_application
app, window = build_application(["lookalike"])
assert app.platformName() == "xcb", app.platformName()
window.show()
assert QTest.qWaitForWindowExposed(window, 20000)
if sys.argv[2] == "results":
    while not len(window.session.search.listing.ids): QTest.qWait(20)
    window.session.search.toggle_query_photo(int(window.session.search.listing.ids[0]))
    while window.session.search.listing.result is None: QTest.qWait(20)
    window.grab()
    while not window.tiles.is_idle(): QTest.qWait(20)
QTest.qWait(100)
window.screen().grabWindow(0).save(sys.argv[1])
window.close()
"""


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run")
@pytest.mark.parametrize("state", ["empty", "results"])
def test_the_window_shows_under_a_real_x_server(state: str, indexed: Path, tmp_path: Path) -> None:
    if state == "results":
        copy_library(indexed, tmp_path / "default.library")
    shot = tmp_path / "shot.png"
    environment = {**os.environ, "LOOKALIKE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "xcb"}
    command = ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", sys.executable, "-c", PROGRAM, str(shot), state]
    said = run_patiently(command, env=environment)
    assert said.code == 0, said.err
    colours = Image.open(shot).convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > (20 if state == "empty" else 200)  # text and icons; and pictures
